// HyStart++: slow start ends when the round-trip time grows, before there is a loss. RFC 9406 §4. Main-loop context only.
//
// A round is what was outstanding when it began. If the least RTT of a round is more than that of the one before by an eighth, cwnd
// grows a quarter as fast; if that lasts five rounds slow start is over, if the RTT falls again it goes on. Of the first slow start
// only. cwnd grows by all that one acknowledgment is for: an L of 8 segments would hold up whoever acknowledges many at once, and
// what that lets go is bounded in output.ts.

import type { u32 } from '../../lib/layout.ts'
import type { TcpControlBlock } from './control-block.ts'
import { seqLess } from './sequence.ts'

/** Microseconds. RFC 9406 §4.3. */
const LEAST_THRESHOLD: u32 = 4000
const MOST_THRESHOLD: u32 = 16_000
const RTT_DIVISOR: u32 = 8
const SAMPLES: u32 = 8
const GROWTH_DIVISOR: u32 = 4
const CONSERVATIVE_ROUNDS: u32 = 5

/** An acknowledgment in the first slow start, with an RTT of `sample` microseconds, 0 for none. It has moved SND.UNA. RFC 9406 §4.2. */
export function hystartAcked(tcb: TcpControlBlock, sample: u32): void {
  const c = tcb.congestion
  if (seqLess(c.roundEnd, tcb.snd.una)) nextRound(tcb)
  if (sample == 0) return
  if (c.roundLeast == 0 || sample < c.roundLeast) c.roundLeast = sample
  if (c.roundSamples < SAMPLES) c.roundSamples += 1
  if (c.roundSamples < SAMPLES) return
  if (c.conservative != 0) {
    if (c.roundLeast < c.baseline) c.conservative = 0 // it was a mistake
    return
  }
  if (c.lastLeast == 0 || c.roundLeast < c.lastLeast + threshold(c.lastLeast)) return
  c.baseline = c.roundLeast
  c.conservative = 1
}

function nextRound(tcb: TcpControlBlock): void {
  const c = tcb.congestion
  c.roundEnd = tcb.snd.nxt
  c.lastLeast = c.roundLeast
  c.roundLeast = 0
  c.roundSamples = 0
  if (c.conservative == 0) return
  if (c.conservative > CONSERVATIVE_ROUNDS) c.ssthresh = c.cwnd
  else c.conservative += 1
}

/** RttThresh. RFC 9406 §4.2. */
function threshold(last: u32): u32 {
  const part: u32 = last / RTT_DIVISOR
  if (part < LEAST_THRESHOLD) return LEAST_THRESHOLD
  return part < MOST_THRESHOLD ? part : MOST_THRESHOLD
}

/** How much cwnd grows by for `acked` octets in slow start. RFC 9406 §4.2. */
export function hystartGrowth(tcb: TcpControlBlock, acked: u32): u32 {
  return tcb.congestion.conservative != 0 ? acked / GROWTH_DIVISOR : acked
}
