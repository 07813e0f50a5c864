// What an administrator may choose for all connections: what tcp(7) calls tcp_rmem, tcp_wmem, tcp_timestamps, tcp_sack,
// tcp_slow_start_after_idle, tcp_notsent_lowat, tcp_min_tso_segs and tcp_ecn. A connection looks here when it begins. Main-loop
// context only.

import { TCP_BUFFER_GROWN, TCP_PROBE_LEAST, TCP_RECEIVE_BUFFER, TCP_SEND_BUFFER } from '../../config.ts'
import { staticStruct, struct, type Bytes, type Stored, type bool, type u32, type u8 } from '../../lib/layout.ts'

/** Linux's: one acknowledgment answers two full segments. */
const LEAST_BURST: u32 = 2

/** Explicit congestion notification: neither asked for nor accepted, both, or accepted where the peer asks. tcp(7), tcp_ecn. */
export const enum EcnUse { Never, Ask, Accept }

@struct
export class TcpTuning {
  receiveBuffer: u32 // octets received and not read, to begin with
  receiveMost: u32 // how far that grows by itself
  sendBuffer: u32 // octets sent and not acknowledged, likewise
  sendMost: u32
  notSentLow: u32 // octets never sent from which on a user is to wait, who chose nothing
  probeLeast: u32 // milliseconds to a loss probe at least: RFC 8985 §7.2 has none
  leastBurst: u32 // full segments handed down at once, if there are as many
  timestamps: Stored<u8, bool> // offered, and agreed to: RFC 7323 §3
  sack: Stored<u8, bool> // likewise: RFC 2018 §2
  restart: Stored<u8, bool> // slow start after a pause: RFC 5681 §4.1
  ecn: Stored<u8, EcnUse>
  strict: Stored<u8, bool> // what comes without timestamps that were agreed on is dropped: RFC 7323 §3.2; Linux takes it
  reserved: Bytes<3>
}

export const tcpTuning = staticStruct<TcpTuning>()

/** As config.ts and the RFCs have it. Called by tcpInit. */
export function tcpTuningInit(): void {
  tcpTuning.receiveBuffer = TCP_RECEIVE_BUFFER
  tcpTuning.receiveMost = TCP_BUFFER_GROWN
  tcpTuning.sendBuffer = TCP_SEND_BUFFER
  tcpTuning.sendMost = TCP_BUFFER_GROWN
  tcpTuning.notSentLow = 0xffffffff
  tcpTuning.probeLeast = TCP_PROBE_LEAST
  tcpTuning.leastBurst = LEAST_BURST
  tcpTuning.timestamps = true
  tcpTuning.sack = true
  tcpTuning.restart = true
  tcpTuning.ecn = EcnUse.Accept
  tcpTuning.strict = true
}
