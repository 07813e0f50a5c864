// ICMP errors about segments of ours. RFC 1122 §4.2.3.9, RFC 5927 §4, §5, RFC 1191 §6.4. Main-loop context only.

import { Errno } from '../../lib/errno.ts'
import { loadBe32 } from '../../lib/intrinsics.ts'
import type { i32, ptr, u32 } from '../../lib/layout.ts'
import { IcmpType, Unreachable } from '../icmp/header.ts'
import type { Ipv4Address } from '../ipv4/address.ts'
import { stateOf, type TcpControlBlock } from './control-block.ts'
import { tcpEnd } from './end.ts'
import { markFirstLost } from './rack.ts'
import { pendingAdd } from './pending.ts'
import { HEADERS, sizeReduce } from './segment-size.ts'
import { seqAtMost, seqLess, type Seq } from './sequence.ts'
import { TcpState } from './state.ts'
import { tcpCounters } from './stats.ts'
import { tcpFind } from './table.ts'
import { TIMESTAMPS_SIZE } from './options.ts'

const LEAST_MSS: u32 = 88

/**
 * An error about a segment from `local`:`localPort`; `quoted` is the beginning of its header, `mtu` that of
 * "fragmentation needed". Believed if the sequence number is one that is outstanding: RFC 5927 §4.1. True if there is such a connection.
 */
export function tcpIcmpError(
  local: Ipv4Address, localPort: u32, remote: Ipv4Address, remotePort: u32, type: u32, code: u32, mtu: u32, quoted: ptr,
): boolean {
  const tcb = tcpFind(local, localPort, remote, remotePort)
  if (tcb == null || stateOf(tcb) == TcpState.Closed) return false
  const seq = loadBe32(quoted, 4) as Seq
  if (!seqAtMost(tcb.snd.una, seq) || !seqLess(seq, tcb.snd.nxt)) return false
  if (type == IcmpType.Unreachable && code == Unreachable.FragmentationNeeded) pathNarrower(tcb, mtu)
  else if (type == IcmpType.Unreachable || type == IcmpType.TimeExceeded || type == IcmpType.ParameterProblem) failed(tcb, type, code)
  return true
}

/** The path takes less: the first segment goes again, cut. RFC 1191 §6.4, §6.5: this is no congestion. */
function pathNarrower(tcb: TcpControlBlock, mtu: u32): void {
  const options: u32 = tcb.timestamps ? TIMESTAMPS_SIZE : 0
  const room: u32 = mtu > HEADERS + LEAST_MSS + options ? mtu - HEADERS - options : LEAST_MSS
  if (room >= tcb.mss) return
  tcpCounters.pathMtuReduced += 1
  sizeReduce(tcb, room)
  markFirstLost(tcb)
  pendingAdd(tcb)
}

/** While a connection is being opened here an error that stays ends it; one that exists outlives all: RFC 5927 §5.2. */
function failed(tcb: TcpControlBlock, type: u32, code: u32): void {
  const error: i32 = errorOf(type, code)
  const hard: boolean = type == IcmpType.Unreachable && (code == Unreachable.Port || code == Unreachable.Protocol)
  if (stateOf(tcb) == TcpState.SynSent && hard) return tcpEnd(tcb, error)
  tcb.softError = error
}

function errorOf(type: u32, code: u32): i32 {
  if (type != IcmpType.Unreachable) return Errno.HostUnreachable
  switch (code) {
    case Unreachable.Net: return Errno.NetworkUnreachable
    case Unreachable.Port: return Errno.ConnectionRefused
    case Unreachable.Protocol: return Errno.ConnectionRefused
    default: return Errno.HostUnreachable
  }
}
