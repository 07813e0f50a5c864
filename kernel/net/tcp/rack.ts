// Which segments are lost: RACK, by time. RFC 8985 §6. Without SACK, by duplicate acknowledgments: RFC 6582 §3.
// Main-loop context only.

import { nowMicroseconds } from '../../lib/clock.ts'
import type { i32, u32 } from '../../lib/layout.ts'
import type { Packet } from '../../drivers/net/packet.ts'
import { Mark, Phase, type TcpControlBlock } from './control-block.ts'
import { rttSmoothed } from './rtt.ts'
import { bufferEnd, bufferMark } from './send-queue.ts'
import { seqAtMost, seqLess, type Seq } from './sequence.ts'

/** RFC 5681 §2: "three duplicates". */
export const DUPLICATES: u32 = 3
const PERSISTS: u32 = 16 // recoveries that a wider window lasts, RFC 8985 §6.2 step 4
const WIDEST: u32 = 16

/** Clocks stand still while much is sent: by this much the time of a segment may be ahead of theirs. */
const MOST_AHEAD: u32 = 1 << 20

/**
 * When what goes now is sent, microseconds: what goes `again` goes after all that went before, and nothing before that, so that the
 * order can be told from times and sequence numbers. RFC 8985 §6.1.
 */
export function rackStamp(tcb: TcpControlBlock, again: boolean): u32 {
  const now: u32 = nowMicroseconds()
  const next: u32 = again ? tcb.rack.stamped + 1 : tcb.rack.stamped
  tcb.rack.stamped = next - now < MOST_AHEAD ? next : now
  return tcb.rack.stamped
}

/** Microseconds since a buffer was sent. */
export function rackPassed(packet: Packet): u32 {
  const passed: u32 = nowMicroseconds() - packet.stamp
  return passed < 0 - MOST_AHEAD ? passed : 0
}

/** A buffer was delivered: acknowledged or selectively so. RFC 8985 §6.2, steps 1 and 2. */
export function rackDelivered(tcb: TcpControlBlock, packet: Packet): void {
  const rack = tcb.rack
  const rtt: u32 = rackPassed(packet)
  if ((packet.mark & Mark.EverRetransmitted) != 0 && rtt < rack.least) return // it may be the first one that arrived
  const end: Seq = bufferEnd(packet)
  if (rack.valid && !sentAfter(packet.stamp, end, rack.sentAt, rack.end)) return
  rack.valid = true
  rack.sentAt = packet.stamp
  rack.end = end
  rack.rtt = rtt
}

/** RACK_sent_after. RFC 8985 §6.2, step 2. */
function sentAfter(at: u32, end: Seq, than: u32, thanEnd: Seq): boolean {
  const ahead: i32 = (at - than) as number as i32
  return ahead > 0 || (ahead == 0 && seqLess(thanEnd, end))
}

/** A buffer that was never sent twice arrived after later ones: the path reorders. RFC 8985 §6.2, step 3. */
export function rackReordering(tcb: TcpControlBlock, packet: Packet): void {
  const rack = tcb.rack
  const end: Seq = bufferEnd(packet)
  if (seqLess(rack.highest, end)) rack.highest = end
  else if ((packet.mark & Mark.EverRetransmitted) == 0 && seqLess(end, rack.highest)) {
    const overtaken: u32 = rack.highest - end
    if (overtaken > tcb.stats.reordering) tcb.stats.reordering = overtaken
    rack.reordered = true
  }
}

/**
 * A duplicate up to `right` was reported: what was sent again was not lost. The window is widened, once a round trip. RFC 8985 §6.2,
 * step 4. What a timer sent again tells nothing of the order: the acknowledgment may have been lost.
 */
export function rackDuplicate(tcb: TcpControlBlock, right: Seq): void {
  const rack = tcb.rack
  if (seqAtMost(right, rack.guessed)) return
  if (rack.multiplier != 0 && seqLess(tcb.snd.una, rack.dsackRound)) return
  rack.dsackRound = tcb.snd.nxt
  rack.persist = PERSISTS
  if (rack.multiplier < WIDEST) rack.multiplier += 1
  rack.reordered = true
}

/** A repair is over: the wider window is given up after some of them. RFC 8985 §6.2, step 4. */
export function rackRepaired(tcb: TcpControlBlock): void {
  const rack = tcb.rack
  if (rack.persist != 0) rack.persist -= 1
  if (rack.persist == 0) rack.multiplier = 1
}

/** RACK.reo_wnd, microseconds. RFC 8985 §6.2, step 4. */
function reorderWindow(tcb: TcpControlBlock): u32 {
  const rack = tcb.rack
  if (!rack.reordered && (tcb.congestion.phase != Phase.Open || tcb.sackedBuffers >= DUPLICATES)) return 0
  const times: u32 = rack.multiplier == 0 ? 1 : rack.multiplier
  const window: u32 = times * (rack.least >>> 2)
  const smoothed: u32 = rttSmoothed(tcb)
  return window < smoothed ? window : smoothed
}

/**
 * Mark what was sent long enough before the last delivered segment as lost. RFC 8985 §6.2, step 5. Returns how many
 * microseconds until more may be; 0: never.
 */
export function rackDetect(tcb: TcpControlBlock): u32 {
  const rack = tcb.rack
  if (!rack.valid) return 0
  const patience: u32 = rack.rtt + reorderWindow(tcb)
  let wait: u32 = 0
  let each: Packet | null = tcb.sendFirst
  while (each != null && each != tcb.sendNext) {
    const mark: u32 = each.mark
    const again: boolean = (mark & Mark.Retransmitted) != 0
    const candidate: boolean = (mark & Mark.Sacked) == 0 && ((mark & Mark.Lost) == 0 || again)
    if (candidate && sentAfter(rack.sentAt, rack.end, each.stamp, bufferEnd(each))) {
      const passed: u32 = rackPassed(each)
      if (passed >= patience) bufferMark(tcb, each, Mark.Lost, Mark.Retransmitted)
      else if (patience - passed > wait) wait = patience - passed
    }
    each = each.next
  }
  return wait
}

/** Everything that is not known to have arrived is lost: a timeout. RFC 8985 §6.3, RFC 6298 §5. */
export function markAllLost(tcb: TcpControlBlock): void {
  const reneged: boolean = tcb.sendFirst != null && tcb.sendFirst != tcb.sendNext && (tcb.sendFirst.mark & Mark.Sacked) != 0
  let each: Packet | null = tcb.sendFirst
  while (each != null && each != tcb.sendNext) {
    if (reneged) bufferMark(tcb, each, Mark.Lost, Mark.Retransmitted | Mark.Sacked) // RFC 2018 §8
    else if ((each.mark & Mark.Sacked) == 0) bufferMark(tcb, each, Mark.Lost, Mark.Retransmitted)
    each = each.next
  }
}

/** The first buffer is lost, if it is not on its way again. RFC 6582 §3.2. */
export function markFirstLost(tcb: TcpControlBlock): void {
  const first = tcb.sendFirst
  if (first == null || first == tcb.sendNext) return
  if ((first.mark & (Mark.Sacked | Mark.Retransmitted)) == 0) bufferMark(tcb, first, Mark.Lost, Mark.None)
}

/** Nothing was lost after all: what is marked so, and was not sent again, is still on its way. RFC 5682 §3.3. */
export function unmarkLost(tcb: TcpControlBlock): void {
  let each: Packet | null = tcb.sendFirst
  while (each != null && each != tcb.sendNext) {
    if ((each.mark & Mark.Lost) != 0) bufferMark(tcb, each, Mark.None, Mark.Lost | Mark.Retransmitted)
    each = each.next
  }
}

/** Whether a block [left, right) of a SACK option is about octets outstanding. RFC 2018 §5, RFC 6675 §4. */
export function blockIsSound(tcb: TcpControlBlock, left: Seq, right: Seq): boolean {
  return seqLess(left, right) && seqAtMost(tcb.snd.una, left) && seqAtMost(right, tcb.snd.nxt)
}
