// Round-trip times and the retransmission timeout. RFC 6298 §2, RFC 8985 §5.2. Main-loop context only.

import { TCP_RTO_FIRST, TCP_RTO_LEAST, TCP_RTO_MOST } from '../../config.ts'
import { nowMilliseconds } from '../../lib/clock.ts'
import type { u32 } from '../../lib/layout.ts'
import type { TcpControlBlock } from './control-block.ts'

/** How long a least round-trip time is believed: RFC 8985 §6.2 leaves the window open; Linux has five minutes, a path lasts less. */
const LEAST_WINDOW: u32 = 60_000
const MICROSECONDS: u32 = 1000
/** Longer than this nothing is measured: srtt is scaled by 8 in 32 bits. */
const LONGEST: u32 = 0x0fffffff

/** Nothing measured. */
export function rttStart(tcb: TcpControlBlock): void {
  tcb.rtt.rto = TCP_RTO_FIRST
}

/** One measurement, microseconds. RFC 6298 §2, (2.2), (2.3). */
export function rttSample(tcb: TcpControlBlock, microseconds: u32): void {
  const sample: u32 = microseconds == 0 ? 1 : microseconds < LONGEST ? microseconds : LONGEST
  const rtt = tcb.rtt
  if (rtt.srtt == 0) {
    rtt.srtt = sample << 3
    rtt.rttvar = sample << 1
  } else {
    const smoothed: u32 = rtt.srtt >>> 3
    const away: u32 = sample > smoothed ? sample - smoothed : smoothed - sample
    rtt.rttvar = rtt.rttvar - (rtt.rttvar >>> 2) + away
    rtt.srtt = rtt.srtt - smoothed + sample
  }
  leastSample(tcb, sample)
  rtoCompute(tcb)
}

/**
 * RTO = SRTT + max(G, 4 × RTTVAR), within bounds; doublings are over. RFC 6298 §2, (2.3) to (2.5). For G there is TCP_RTO_LEAST,
 * as on Linux: a steady path must not make the RTO so short that an acknowledgment that is delayed comes too late.
 */
export function rtoCompute(tcb: TcpControlBlock): void {
  const least: u32 = TCP_RTO_LEAST * MICROSECONDS
  const variance: u32 = tcb.rtt.rttvar < least ? least : tcb.rtt.rttvar // scaled by 4 as it is
  const rto: u32 = tcb.rtt.srtt == 0 ? TCP_RTO_FIRST : ((tcb.rtt.srtt >>> 3) + variance) / MICROSECONDS
  tcb.rtt.rto = rtoBounded(rto)
  tcb.backoff = 0
}

/** Twice as long. RFC 6298 §5, (5.5). */
export function rtoBackOff(tcb: TcpControlBlock): void {
  tcb.rtt.rto = rtoBounded(tcb.rtt.rto << 1)
  if (tcb.backoff < 255) tcb.backoff += 1
}

function rtoBounded(rto: u32): u32 {
  if (rto < TCP_RTO_LEAST) return TCP_RTO_LEAST
  return rto < TCP_RTO_MOST ? rto : TCP_RTO_MOST
}

function leastSample(tcb: TcpControlBlock, sample: u32): void {
  const now: u32 = nowMilliseconds()
  const rack = tcb.rack
  if (rack.least != 0 && sample > rack.least && now - rack.leastAt < LEAST_WINDOW) return
  rack.least = sample
  rack.leastAt = now
}

/** SRTT, microseconds; 0: nothing measured. */
export function rttSmoothed(tcb: TcpControlBlock): u32 {
  return tcb.rtt.srtt >>> 3
}
