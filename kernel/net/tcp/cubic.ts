// CUBIC: how cwnd grows in congestion avoidance. RFC 9438 §4. Main-loop context only.
//
// W_cubic(t) = C (t - K)^3 + W_max, C 0.4, t and K in hundredths of a second here, windows in octets. The time is the
// clock's milliseconds, so a burst of acknowledgments sees one value. Differences past 1,700 segments count as that many.

import { cubeRoot, multiplyDivide } from '../../lib/arithmetic.ts'
import { nowMilliseconds } from '../../lib/clock.ts'
import type { u32 } from '../../lib/layout.ts'
import type { TcpControlBlock } from './control-block.ts'
import { rttSmoothed } from './rtt.ts'

const MOST_SEGMENTS: u32 = 1700 // × 2.5e6 is below 2^32
const CUBE_SCALE: u32 = 2_500_000 // 100^3 ÷ C
const MOST_TIME: u32 = 1600 // hundredths of a second whose cube fits
const TIME_UNIT: u32 = 10 // milliseconds

/**
 * A multiplicative decrease: W_max is remembered, less with fast convergence. RFC 9438 §4.6, §4.7. Of cwnd, not of what is outstanding:
 * §4.6 lets who does not let it grow unused (congestionUse). Returns the new ssthresh.
 */
export function cubicReduce(tcb: TcpControlBlock): u32 {
  const c = tcb.congestion
  c.wMax = c.cwnd < c.wMax ? multiplyDivide(c.cwnd, 17, 20) : c.cwnd // (1 + beta) ÷ 2
  c.epoch = 0
  return multiplyDivide(c.cwnd, 7, 10) // beta
}

/** `acked` octets were acknowledged in congestion avoidance. RFC 9438 §4.2 to §4.5. */
export function cubicAcked(tcb: TcpControlBlock, acked: u32): void {
  const c = tcb.congestion
  if (c.epoch == 0) begin(tcb)
  const more: u32 = multiplyDivide(acked, tcb.mss, c.cwnd)
  c.estimate += c.estimate < c.priorCwnd ? multiplyDivide(more, 9, 17) : more // alpha: 3 (1 - beta) ÷ (1 + beta), then 1
  const target: u32 = targetOf(tcb)
  if (target > c.cwnd) c.cwnd += multiplyDivide(target - c.cwnd, acked < c.cwnd ? acked : c.cwnd, c.cwnd)
  if (c.cwnd < c.estimate) c.cwnd = c.estimate // the Reno-friendly region, §4.3
}

/** A new epoch. RFC 9438 §4.2, §4.8. */
function begin(tcb: TcpControlBlock): void {
  const c = tcb.congestion
  c.epoch = nowMilliseconds() | 1
  c.estimate = c.cwnd
  c.k = 0
  if (c.cwnd >= c.wMax) {
    c.wMax = c.cwnd
    return
  }
  const segments: u32 = (c.wMax - c.cwnd) / tcb.mss
  c.k = cubeRoot((segments < MOST_SEGMENTS ? segments : MOST_SEGMENTS) * CUBE_SCALE)
}

/** W_cubic(t + RTT), between cwnd and one and a half of it. RFC 9438 §4.4, §4.5. */
function targetOf(tcb: TcpControlBlock): u32 {
  const c = tcb.congestion
  const t: u32 = (nowMilliseconds() - c.epoch + rttSmoothed(tcb) / 1000) / TIME_UNIT
  const most: u32 = c.cwnd + (c.cwnd >>> 1)
  if (t < c.k) {
    const below: u32 = cubicOctets(tcb, c.k - t)
    return below < c.wMax ? c.wMax - below : 0
  }
  const target: u32 = c.wMax + cubicOctets(tcb, t - c.k)
  return target < most ? target : most
}

/** C d^3 in octets, d hundredths of a second. */
function cubicOctets(tcb: TcpControlBlock, distance: u32): u32 {
  const d: u32 = distance < MOST_TIME ? distance : MOST_TIME
  return multiplyDivide(d * d * d, tcb.mss, CUBE_SCALE)
}
