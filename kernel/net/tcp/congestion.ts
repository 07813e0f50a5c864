// Congestion control: slow start, congestion avoidance, what a loss costs. RFC 5681 §3, RFC 9438 §4, RFC 6928 §2,
// RFC 9937 §6 (while losses are repaired). Main-loop context only.

import { multiplyDivide } from '../../lib/arithmetic.ts'
import { nowMilliseconds } from '../../lib/clock.ts'
import type { u32 } from '../../lib/layout.ts'
import { CongestionControl, Phase, type TcpControlBlock } from './control-block.ts'
import { cubicAcked, cubicReduce } from './cubic.ts'
import { hystartAcked, hystartGrowth } from './hystart.ts'
import { seqAtMost } from './sequence.ts'
import { tcpTuning } from './tuning.ts'
import { westwoodReduce } from './westwood.ts'

/** More than any window: 65,535 << 14. */
const CWND_LIMIT: u32 = 0x40000000
const INITIAL_SEGMENTS: u32 = 10
const INITIAL_OCTETS: u32 = 14_600

/** The initial window. RFC 6928 §2. After a lost SYN one segment: RFC 5681 §3.1. */
export function congestionStart(tcb: TcpControlBlock): void {
  const c = tcb.congestion
  c.cwnd = tcb.backoff > 1 ? tcb.mss : initialWindow(tcb)
  c.ssthresh = CWND_LIMIT
  c.roundEnd = tcb.snd.una
}

function initialWindow(tcb: TcpControlBlock): u32 {
  const two: u32 = 2 * tcb.mss
  const most: u32 = two > INITIAL_OCTETS ? two : INITIAL_OCTETS
  const ten: u32 = INITIAL_SEGMENTS * tcb.mss
  return ten < most ? ten : most
}

/** After a pause longer than the RTO the window is no larger than at first. RFC 5681 §4.1. */
export function congestionAfterPause(tcb: TcpControlBlock): void {
  if (!tcpTuning.restart) return
  if (tcb.snd.una != tcb.snd.nxt || nowMilliseconds() - tcb.sentAt <= tcb.rtt.rto) return
  const c = tcb.congestion
  const initial: u32 = initialWindow(tcb)
  if (c.phase == Phase.Open && c.cwnd > initial) c.cwnd = initial
  c.epoch = 0
}

/**
 * `acked` octets newly acknowledged, while nothing is being repaired, or after a timeout, with an RTT of `sample` microseconds, 0 for
 * none. RFC 5681 §3.1, RFC 9406 §4.2.
 */
export function congestionAcked(tcb: TcpControlBlock, acked: u32, sample: u32): void {
  const c = tcb.congestion
  const first: boolean = c.ssthresh == CWND_LIMIT
  if (!isUsed(tcb)) return // RFC 9438 §5.8: an application that sends less tells nothing of the path
  let left: u32 = acked
  if (c.cwnd < c.ssthresh) {
    const room: u32 = c.ssthresh - c.cwnd
    const growth: u32 = first ? hystartGrowth(tcb, left) : left
    const take: u32 = growth < room ? growth : room
    c.cwnd += take
    left = growth - take
  }
  if (left != 0) {
    if (c.control == CongestionControl.Cubic) cubicAcked(tcb, left)
    else c.cwnd += multiplyDivide(left, tcb.mss, c.cwnd) // RFC 5681 §3.1, (3)
  }
  if (c.cwnd > CWND_LIMIT) c.cwnd = CWND_LIMIT
  if (first) hystartAcked(tcb, sample)
}

/**
 * Something was sent, or `held` back by cwnd: what that tells of its use counts until all that is outstanding is acknowledged.
 * RFC 9438 §5.8 leaves open how, RFC 7661 §4.4 is stricter.
 */
export function congestionUse(tcb: TcpControlBlock, held: boolean): void {
  const c = tcb.congestion
  const outstanding: u32 = tcb.snd.nxt - tcb.snd.una
  const over: boolean = seqAtMost(c.usedUntil, tcb.snd.una)
  if (!over && !held && (c.limited || outstanding <= c.used)) return
  c.limited = held
  c.used = outstanding
  c.usedUntil = tcb.snd.nxt
}

/** Whether cwnd is the reason that no more is sent; in slow start, where it doubles, whether more than half of it is in use. */
function isUsed(tcb: TcpControlBlock): boolean {
  const c = tcb.congestion
  return c.limited || (c.cwnd < c.ssthresh && c.cwnd < 2 * c.used)
}

/** What a loss, or an ECN mark, costs: a new ssthresh. RFC 5681 §3.1 (4), RFC 9438 §4.6. Returns it. */
export function congestionReduce(tcb: TcpControlBlock): u32 {
  const c = tcb.congestion
  c.priorCwnd = c.cwnd
  c.priorSsthresh = c.ssthresh
  const outstanding: u32 = tcb.snd.nxt - tcb.snd.una // FlightSize
  const flight: u32 = c.cwnd < outstanding ? c.cwnd : outstanding
  const reduced: u32 = c.control == CongestionControl.Cubic ? cubicReduce(tcb)
    : c.control == CongestionControl.Westwood ? westwoodReduce(tcb, flight) : flight >>> 1
  c.ssthresh = reduced > 2 * tcb.mss ? reduced : 2 * tcb.mss
  return c.ssthresh
}

/** Repair begins: in proportion to what arrives the window goes down to ssthresh. RFC 9937 §6. */
export function congestionRepair(tcb: TcpControlBlock, phase: Phase): void {
  const c = tcb.congestion
  congestionReduce(tcb)
  c.phase = phase
  c.recover = tcb.snd.nxt
  c.flight = tcb.pipe > tcb.mss ? tcb.pipe : tcb.mss
  c.delivered = 0
  c.out = 0
}

/** A timeout: everything is lost, and begins with one segment. RFC 5681 §3.1. */
export function congestionTimeout(tcb: TcpControlBlock): void {
  const c = tcb.congestion
  if (c.phase != Phase.Loss) congestionReduce(tcb) // once for what one timeout began: RFC 5681 §3.1, last paragraph
  c.phase = Phase.Loss
  c.wMax = 0 // the next epoch begins where it is then: RFC 9438 §4.8
  c.recover = tcb.snd.nxt
  c.cwnd = tcb.mss
  c.limited = true
}

/** The reduction was for nothing: back to what was before. RFC 5682 §3.3, RFC 4015 §3.2. */
export function congestionUndo(tcb: TcpControlBlock): void {
  const c = tcb.congestion
  if (c.cwnd < c.priorCwnd) c.cwnd = c.priorCwnd
  if (c.ssthresh < c.priorSsthresh) c.ssthresh = c.priorSsthresh
  c.phase = Phase.Open
  c.spurious = false
  c.epoch = 0
}

/**
 * Proportional rate reduction, for `delivered` octets that arrived. `safe`: SND.UNA moved and nothing more is known to be lost, so
 * that the window may catch up as in slow start; else it keeps what arrives in balance. RFC 9937 §6.
 */
export function congestionProportional(tcb: TcpControlBlock, delivered: u32, safe: boolean): void {
  const c = tcb.congestion
  c.delivered += delivered
  let may: u32 = 0
  if (tcb.pipe > c.ssthresh) {
    const due: u32 = multiplyDivide(c.delivered, c.ssthresh, c.flight) + 1
    may = due > c.out ? due - c.out : 0
  } else {
    const arrived: u32 = c.delivered > c.out ? c.delivered - c.out : 0
    const limit: u32 = (arrived > delivered ? arrived : delivered) + (safe ? tcb.mss : 0)
    const room: u32 = c.ssthresh - tcb.pipe
    may = room < limit ? room : limit
  }
  if (may < tcb.mss && c.out == 0) may = tcb.mss // the first goes in any case
  c.cwnd = tcb.pipe + may
}

/** Whether what was outstanding when the repair began is all acknowledged: then it is over. RFC 6582 §3.2, RFC 9937 §6. */
export function congestionRepaired(tcb: TcpControlBlock): boolean {
  const c = tcb.congestion
  if (c.phase == Phase.Open || !seqAtMost(c.recover, tcb.snd.una)) return false
  if (c.phase != Phase.Loss) c.cwnd = c.ssthresh
  c.phase = Phase.Open
  c.spurious = false
  return true
}
