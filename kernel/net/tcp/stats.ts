// What TCP did, all connections together. The names are those of RFC 4022 §5 where it has one. Counters wrap at 2^32.

import { address, sizeof, staticStruct, struct, type u32 } from '../../lib/layout.ts'
import { zeroBytes } from '../../lib/memory.ts'

@struct
export class TcpCounters {
  activeOpens: u32
  passiveOpens: u32
  attemptFails: u32
  establishedResets: u32
  currentConnections: u32 // all blocks: RFC 4022 §5 counts those ESTABLISHED or CLOSE-WAIT
  segmentsIn: u32
  segmentsOut: u32 // segments of more than one frame are one
  segmentsRetransmitted: u32
  errorsIn: u32
  resetsOut: u32
  timeouts: u32
  recoveries: u32
  lossProbes: u32
  spuriousTimeouts: u32
  delayedAcks: u32
  pureAcks: u32
  outOfOrder: u32
  duplicates: u32 // segments with nothing new
  cookiesSent: u32
  cookiesAccepted: u32
  cookiesBad: u32
  listenOverflows: u32
  challenges: u32
  challengesLimited: u32
  timeWaitReused: u32
  timeWaitEvicted: u32
  keepAlives: u32
  windowProbes: u32
  pathMtuReduced: u32
  pathMtuProbes: u32
  noMemory: u32
}

export const tcpCounters = staticStruct<TcpCounters>()

/** All zero. */
export function tcpCountersInit(): void {
  zeroBytes(address(tcpCounters), sizeof<TcpCounters>())
}
