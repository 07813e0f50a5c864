// Westwood+: after a loss the window is what the path delivers in its least round-trip time. A loss without a queue, as on a radio link,
// costs next to nothing, and a queue is emptied. L. A. Grieco and S. Mascolo, "Performance Evaluation and Comparison of Westwood+, New
// Reno, and Vegas TCP Congestion Control", ACM CCR 34 (2), 2004. For who asks for it; no RFC has it. Main-loop context only.

import { multiplyDivide } from '../../lib/arithmetic.ts'
import { nowMilliseconds } from '../../lib/clock.ts'
import type { u32 } from '../../lib/layout.ts'
import type { TcpControlBlock } from './control-block.ts'
import { rttSmoothed } from './rtt.ts'

/** Milliseconds that a sample takes at least: acknowledgments come in bursts. */
const LEAST_SAMPLE: u32 = 50
const MILLISECONDS: u32 = 1000
const MICROSECONDS: u32 = 1_000_000

/** `octets` were delivered: once a round trip they are a sample of the rate. */
export function westwoodDelivered(tcb: TcpControlBlock, octets: u32): void {
  const c = tcb.congestion
  const passed: u32 = nowMilliseconds() - c.countedSince
  const period: u32 = rttSmoothed(tcb) / MILLISECONDS
  if (passed >= LEAST_SAMPLE && passed >= period) {
    if (c.counted != 0) sampled(tcb, multiplyDivide(c.counted, MILLISECONDS, passed))
    c.counted = 0
    c.countedSince = nowMilliseconds()
  }
  c.counted += octets
}

/** Two low-pass filters in a row, an eighth of what is new in each. */
function sampled(tcb: TcpControlBlock, rate: u32): void {
  const c = tcb.congestion
  c.rateOnce = c.rateOnce == 0 ? rate : towards(c.rateOnce, rate)
  c.rate = c.rate == 0 ? c.rateOnce : towards(c.rate, c.rateOnce)
}

function towards(from: u32, to: u32): u32 {
  return to > from ? from + ((to - from) >>> 3) : from - ((from - to) >>> 3)
}

/** The new ssthresh: the rate for the least RTT, no more than the window was. Half of that while nothing was measured. */
export function westwoodReduce(tcb: TcpControlBlock, flight: u32): u32 {
  const c = tcb.congestion
  if (c.rate == 0) return flight >>> 1
  const held: u32 = multiplyDivide(c.rate, tcb.rack.least, MICROSECONDS)
  return held < flight ? held : flight
}
