// Whether to send, and how much: the only place that decides. RFC 9293 §3.8.6.2.1 (when), RFC 5681 §3 (how much),
// RFC 9293 §3.7.4 (Nagle). Main-loop context only.
//
// Next: segmentTransmit (transmit.ts).

import { TCP_BURST } from '../../config.ts'
import { multiplyDivide } from '../../lib/arithmetic.ts'
import { nowMilliseconds } from '../../lib/clock.ts'
import { Errno } from '../../lib/errno.ts'
import { at, sizeof, type i32, type u32 } from '../../lib/layout.ts'
import { timerActive, timerStart, type Timer } from '../../lib/timer.ts'
import { packetLength, type Packet } from '../../drivers/net/packet.ts'
import { Ipv4Header } from '../ipv4/header.ts'
import { ipv4SegmentLimit } from '../ipv4/output.ts'
import { pathFind } from '../ipv4/route.ts'
import { congestionAfterPause, congestionUse } from './congestion.ts'
import { Mark, Phase, TcpControlBlock, TimerUse, Waiting, phaseOf, stateOf } from './control-block.ts'
import { TCP_HEADER_LIMIT, TcpFlag } from './header.ts'
import { pendingAdd } from './pending.ts'
import { DUPLICATES, rackStamp } from './rack.ts'
import { rttSmoothed } from './rtt.ts'
import { sizeAgain, sizeProbe, sizeProbed } from './segment-size.ts'
import { bufferEnd, bufferIsLost, bufferMark, bufferSplit, sendAdvance, sendUnsent } from './send-queue.ts'
import { seqAhead, seqLess, seqPlus, type Seq } from './sequence.ts'
import { isSynchronized } from './state.ts'
import { tcpCounters } from './stats.ts'
import { timerFor, timerRestart } from './timer.ts'
import { segmentTransmit } from './transmit.ts'
import { tcpTuning } from './tuning.ts'

/** An SRTT, microseconds, above which a segment is no longer than the rate fills in MILLISECOND. */
const LONG_PATH: u32 = 4000
const MILLISECOND: u32 = 1000

/** What held the sender up in this round. */
let heldByCwnd = false
let heldByWindow = false
/** Full segments that went in this round. */
let run: u32 = 0

/** Send what may be sent now, and an acknowledgment if one is due and nothing else carried it. */
export function tcpOutput(tcb: TcpControlBlock): void {
  if (!isSynchronized(stateOf(tcb))) return
  congestionAfterPause(tcb)
  heldByCwnd = false
  heldByWindow = false
  const before: Seq = tcb.snd.nxt
  if (tcb.lostBuffers != 0) sendLost(tcb)
  sendNew(tcb)
  if (heldByCwnd || before != tcb.snd.nxt) congestionUse(tcb, heldByCwnd || tcb.pipe >= tcb.congestion.cwnd)
  if (tcb.finQueued && !tcb.finSent && tcb.sendNext == null) sendFin(tcb)
  if (tcb.ackNow) ackSend(tcb)
  if (tcb.timerUse == TimerUse.None) timerNeeded(tcb)
  noteWaiting(tcb)
}

/** Count the time since the last look for what was waited for then; now it may be something else. */
function noteWaiting(tcb: TcpControlBlock): void {
  if (tcb.sendFirst == null && tcb.waiting == Waiting.Nothing) return
  const now: Waiting = waitingFor(tcb)
  const since: u32 = nowMilliseconds() - tcb.heldSince
  const stats = tcb.stats
  if (tcb.waiting != Waiting.Nothing) stats.busy += since
  if (tcb.waiting == Waiting.Window) stats.windowLimited += since
  if (tcb.waiting == Waiting.Buffer) stats.bufferLimited += since
  tcb.waiting = now
  tcb.heldSince = nowMilliseconds()
}

function waitingFor(tcb: TcpControlBlock): Waiting {
  if (tcb.sendFirst == null) return Waiting.Nothing
  if (tcb.sendNext != null) return heldByWindow ? Waiting.Window : Waiting.Busy
  return tcb.sendFull && !tcb.congestion.limited ? Waiting.Buffer : Waiting.Busy
}

/** Acknowledge now, with no data: <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>. */
export function ackSend(tcb: TcpControlBlock): void {
  tcpCounters.pureAcks += 1
  if (tcb.quickAcks != 0) tcb.quickAcks -= 1
  if (segmentTransmit(tcb, null, 0, tcb.snd.nxt, TcpFlag.Ack) == Errno.NoBufferSpace) pendingAdd(tcb)
}

// --- Again. -----------------------------------------------------------------------------------------------

/** What is lost, oldest first, as far as cwnd lets; the first of a repair in any case. RFC 6675 §5, RFC 9937 §6. */
function sendLost(tcb: TcpControlBlock): void {
  let each: Packet | null = tcb.sendFirst
  while (each != null && each != tcb.sendNext && tcb.lostBuffers != 0) {
    if (bufferIsLost(each)) {
      const first: boolean = phaseOf(tcb) == Phase.Recovery && (tcb.congestion.out == 0 || isPartial(tcb, each))
      if (!first && tcb.pipe + packetLength(each) > tcb.congestion.cwnd && tcb.pipe != 0) {
        heldByCwnd = true
        return
      }
      const most: u32 = tcb.congestion.cwnd > tcb.pipe ? tcb.congestion.cwnd - tcb.pipe : 0
      if (!bufferAgain(tcb, each, most)) return
      if (packetLength(each) > tcb.mss) return
    }
    each = each.next
  }
}

/** Without SACK a partial acknowledgment says which one is lost: it goes whatever the window says. RFC 6582 §3.2, step 3. */
function isPartial(tcb: TcpControlBlock, packet: Packet): boolean {
  return !tcb.sackPermitted && packet == tcb.sendFirst
}

/**
 * Send a buffer again, and those that were handed down with it and are lost as well, up to `room` octets; false if it could not be
 * handed down. One that is too long by now is cut first. RFC 1191 §6.4.
 */
export function bufferAgain(tcb: TcpControlBlock, packet: Packet, room: u32): boolean {
  if (packetLength(packet) > tcb.mss && !bufferSplit(tcb, packet, tcb.mss)) return false
  const length: u32 = againLength(tcb, packet, room)
  const seq: Seq = packet.owner as Seq
  const end: Seq = seqPlus(seq, length)
  const result: i32 = segmentTransmit(tcb, packet, length, seq, flagsFor(tcb, end, length))
  if (result == Errno.NoBufferSpace) return later(tcb)
  const stamp: u32 = rackStamp(tcb, true)
  let each: Packet | null = packet
  while (each != null && seqLess(each.owner as Seq, end)) {
    bufferMark(tcb, each, Mark.Retransmitted | Mark.EverRetransmitted, Mark.None)
    sizeAgain(tcb, each)
    each.stamp = stamp
    each = each.next
  }
  tcb.congestion.out += length
  tcb.stats.retransmitted += 1
  tcpCounters.segmentsRetransmitted += 1
  if (tcb.timerUse == TimerUse.None) timerRestart(tcb)
  return true
}

/** Octets of full buffers that go together: lost, and sent together before. */
function againLength(tcb: TcpControlBlock, packet: Packet, room: u32): u32 {
  const full: u32 = tcb.mss
  const cut: u32 = cutLimit(tcb)
  const most: u32 = room < cut ? room : cut
  let length: u32 = packetLength(packet)
  let last: Packet = packet
  while (length + full <= most && (last.mark & Mark.Last) == 0) {
    const each: Packet | null = last.next
    if (each == null || each == tcb.sendNext || !bufferIsLost(each) || packetLength(each) != full) break
    length += full
    last = each
  }
  return length
}

/** ACK, PSH behind several and at the end of what there is, and the FIN if it belongs there and was sent before. */
function flagsFor(tcb: TcpControlBlock, end: Seq, length: u32): u32 {
  if (end != tcb.snd.end) return length > tcb.mss ? TcpFlag.Ack | TcpFlag.Psh : TcpFlag.Ack
  return tcb.finSent ? TcpFlag.Ack | TcpFlag.Psh | TcpFlag.Fin : TcpFlag.Ack | TcpFlag.Psh
}

/** The card or the pool has no room: at the end of the next round. */
function later(tcb: TcpControlBlock): boolean {
  pendingAdd(tcb)
  return false
}

// --- For the first time. ----------------------------------------------------------------------------------

function sendNew(tcb: TcpControlBlock): void {
  run = 0
  sendProbe(tcb)
  let next = tcb.sendNext
  while (next != null && !burstSpent(tcb)) {
    const length: u32 = nextLength(tcb, next)
    if (length == 0 || !sendBuffers(tcb, next, length)) return
    run += 1
    next = tcb.sendNext
  }
}

/** A segment longer than the others, to see whether the path takes it, while nothing is lost and there is enough to send. RFC 4821 §7.4. */
function sendProbe(tcb: TcpControlBlock): void {
  const length: u32 = sizeProbe(tcb)
  if (length == 0 || phaseOf(tcb) != Phase.Open || tcb.lostBuffers != 0 || tcb.sackedBuffers != 0) return
  if (length > windowLeft(tcb) || (tcb.pipe != 0 && tcb.pipe + length > tcb.congestion.cwnd)) return
  if (sendUnsent(tcb) < length + DUPLICATES * tcb.mss) return
  const first = cutAt(tcb, length)
  if (first == null) return
  const start: Seq = tcb.snd.nxt
  const usual: u32 = tcb.mss
  tcb.mss = length
  if (sendBuffers(tcb, first, length)) sizeProbed(tcb, start, length)
  tcb.mss = usual
}

/** The first buffer never sent, if one of them ends, now at the latest, after `length` octets; else null. */
function cutAt(tcb: TcpControlBlock, length: u32): Packet | null {
  let left: u32 = length
  let each: Packet | null = tcb.sendNext
  while (each != null && packetLength(each) < left) {
    left -= packetLength(each)
    each = each.next
  }
  if (each == null || (packetLength(each) != left && !bufferSplit(tcb, each, left))) return null
  return tcb.sendNext
}

/**
 * Whether a connection on a long path has sent enough for this millisecond: TCP_BURST segments, or twice the rate that fills the path.
 * The rest goes in the next one, so that one acknowledgment of a whole window does not flood the queues on the way. On a short
 * path acknowledgments come as often themselves. RFC 9002 §7.7 has the reasons.
 */
function burstSpent(tcb: TcpControlBlock): boolean {
  const smoothed: u32 = rttSmoothed(tcb)
  if (smoothed <= LONG_PATH) return false
  if (tcb.burstAt != nowMilliseconds()) {
    tcb.burstAt = nowMilliseconds()
    tcb.burst = 0
  }
  if (tcb.burst < TCP_BURST * tcb.mss || tcb.burst < rateOf(tcb, smoothed)) return false
  if (!timerActive(tcb.burstTimer)) timerStart(tcb.burstTimer, 1, burstFired)
  return true
}

/** Octets a millisecond at twice the rate that fills the path. */
function rateOf(tcb: TcpControlBlock, smoothed: u32): u32 {
  return multiplyDivide(2 * tcb.congestion.cwnd, MILLISECOND, smoothed)
}

function burstFired(timer: Timer): void {
  tcpOutput(at<TcpControlBlock>(timer.owner))
}

/** How many octets, those of whole buffers from `next` on, go in one segment now; 0: none. */
function nextLength(tcb: TcpControlBlock, next: Packet): u32 {
  if (packetLength(next) > tcb.mss && !bufferSplit(tcb, next, tcb.mss)) return 0
  const length: u32 = packetLength(next)
  const window: u32 = windowLeft(tcb)
  if (length > window && !cutToWindow(tcb, next, window)) {
    heldByWindow = true
    return 0
  }
  const cwnd: u32 = tcb.congestion.cwnd + limitedTransmit(tcb)
  const most: u32 = tcb.pipe < cwnd ? cwnd - tcb.pipe : 0
  if (packetLength(next) > most && tcb.pipe != 0) {
    heldByCwnd = true
    return 0
  }
  const limit: u32 = window < most ? window : most
  return packetLength(next) == tcb.mss ? fullLength(tcb, next, limit) : smallLength(tcb, next, limit)
}

/** Without SACK the first two duplicate acknowledgments let go a segment each, beyond cwnd. RFC 5681 §3.2, RFC 3042 §2. */
function limitedTransmit(tcb: TcpControlBlock): u32 {
  if (tcb.sackPermitted || tcb.dupAcks == 0 || tcb.dupAcks > 2 || phaseOf(tcb) != Phase.Open) return 0
  return tcb.dupAcks * tcb.mss
}

/** Octets of the peer's window that were not used. */
function windowLeft(tcb: TcpControlBlock): u32 {
  const left: i32 = seqAhead(tcb.snd.nxt, seqPlus(tcb.snd.una, tcb.snd.wnd))
  return left > 0 ? left as number as u32 : 0
}

/** A window less than a segment is used if it is half of the largest there was, or after a time: RFC 9293 §3.8.6.2.1, (3), (4). */
function cutToWindow(tcb: TcpControlBlock, next: Packet, window: u32): boolean {
  if (window == 0 || (window < tcb.snd.mostWindow >>> 1 && !tcb.push)) return false
  return bufferSplit(tcb, next, window)
}

/** Full segments, as many as follow one another and go through `limit` and through who cuts them. */
function fullLength(tcb: TcpControlBlock, next: Packet, limit: u32): u32 {
  const full: u32 = tcb.mss
  const cut: u32 = cutLimit(tcb)
  const burst: u32 = burstLimit(tcb)
  let most: u32 = limit < cut ? limit : cut
  if (burst < most) most = burst
  let length: u32 = full
  let last: Packet = next
  while (length + full <= most && (last.mark & Mark.Last) == 0) {
    const each: Packet | null = last.next
    if (each == null || packetLength(each) != full) break
    length += full
    last = each
  }
  return length
}

/**
 * How much goes in one segment that somebody below cuts: half of cwnd and of the peer's window, so that one answer lets the next go
 * while another is on its way; on a long path what its rate brings up in a millisecond, but leastBurst segments.
 */
function burstLimit(tcb: TcpControlBlock): u32 {
  const cwnd: u32 = tcb.congestion.cwnd
  let most: u32 = cwnd >>> 1
  if (most > tcb.snd.mostWindow >>> 1) most = tcb.snd.mostWindow >>> 1
  const smoothed: u32 = rttSmoothed(tcb)
  if (smoothed <= LONG_PATH) return most
  const rate: u32 = rateOf(tcb, smoothed)
  const least: u32 = tcpTuning.leastBurst * tcb.mss
  const burst: u32 = rate > least ? rate : least
  return burst < most ? burst : most
}

/** The most data that may be handed down at once. */
function cutLimit(tcb: TcpControlBlock): u32 {
  const path = pathFind(tcb.remoteAddress)
  if (path == null || ipv4SegmentLimit(path) == path.mtu) return tcb.mss // nobody cuts: the peer's MSS may be less than the path's
  return ipv4SegmentLimit(path) - sizeof<Ipv4Header>() - TCP_HEADER_LIMIT
}

/** Small buffers in one segment; 0 when Nagle's rule has it wait for more. RFC 9293 §3.7.4. */
function smallLength(tcb: TcpControlBlock, next: Packet, limit: u32): u32 {
  let length: u32 = packetLength(next)
  let each: Packet | null = next.next
  while (each != null && length + packetLength(each) <= tcb.mss && length + packetLength(each) <= limit) {
    length += packetLength(each)
    each = each.next
  }
  if (each != null || tcb.push || tcb.finQueued) return length
  if (tcb.cork || tcb.hold) return 0
  if (tcb.noDelay) return length
  return waitsForMore(tcb) ? 0 : length
}

/** Whether an earlier segment that was not full is unacknowledged: Nagle's rule as Minshall has it, RFC 9293 §3.7.4. */
function waitsForMore(tcb: TcpControlBlock): boolean {
  return tcb.snd.una != tcb.snd.nxt && seqLess(tcb.snd.una, tcb.smallEnd)
}

/** Whether a full segment is the last of several that a card would have cut: the one behind it is not full. */
function endsRun(tcb: TcpControlBlock, first: Packet, length: u32): boolean {
  const following: Packet | null = first.next
  if (run == 0 || length != tcb.mss || following == null || packetLength(following) == tcb.mss) return false
  return cutLimit(tcb) == tcb.mss
}

function sendBuffers(tcb: TcpControlBlock, first: Packet, length: u32): boolean {
  const seq: Seq = tcb.snd.nxt
  const end: Seq = seqPlus(seq, length)
  const last: boolean = end == tcb.snd.end
  const fin: u32 = last && tcb.finQueued ? TcpFlag.Fin : TcpFlag.None
  const cwr: u32 = tcb.ecnReduced ? TcpFlag.Cwr : TcpFlag.None
  // Behind several at once and behind a chunk, too: who puts them together again need not wait for more.
  const whole: boolean = length > tcb.mss || (first.mark & Mark.Last) != 0 || endsRun(tcb, first, length)
  const psh: u32 = (last && !tcb.more) || whole ? TcpFlag.Psh : TcpFlag.None
  const result: i32 = segmentTransmit(tcb, first, length, seq, TcpFlag.Ack | psh | fin | cwr)
  if (result == Errno.NoBufferSpace) return later(tcb)
  if (tcb.snd.una == seq) tcb.waitingSince = nowMilliseconds()
  tcb.ecnReduced = false
  const stamp: u32 = rackStamp(tcb, false)
  let each: Packet | null = first
  while (each != null && seqLess(tcb.snd.nxt, end)) {
    each.stamp = stamp
    if (bufferEnd(each) == end) each.mark |= Mark.Last
    sendAdvance(tcb, each)
    each = tcb.sendNext
  }
  if (length < tcb.mss) tcb.smallEnd = end
  if (fin != 0) finWasSent(tcb)
  tcb.sentAt = nowMilliseconds()
  tcb.burst += length
  tcb.congestion.out += length
  tcb.rack.used = false
  if (tcb.timerUse != TimerUse.Reorder) timerRestart(tcb)
  return true
}

function finWasSent(tcb: TcpControlBlock): void {
  tcb.finSent = true
  tcb.snd.nxt = seqPlus(tcb.snd.end, 1)
}

/** The FIN by itself. */
function sendFin(tcb: TcpControlBlock): void {
  if (segmentTransmit(tcb, null, 0, tcb.snd.end, TcpFlag.Ack | TcpFlag.Fin) == Errno.NoBufferSpace) {
    later(tcb)
    return
  }
  if (tcb.snd.una == tcb.snd.nxt) tcb.waitingSince = nowMilliseconds()
  finWasSent(tcb)
  tcb.finAlone = true
  if (tcb.timerUse != TimerUse.Reorder) timerRestart(tcb)
}

/** A loss probe: one segment never sent, whatever cwnd says, if the window takes it. RFC 8985 §7.3. False: there is none. */
export function probeNew(tcb: TcpControlBlock): boolean {
  const next = tcb.sendNext
  if (next == null || packetLength(next) > tcb.mss || packetLength(next) > windowLeft(tcb)) return false
  return sendBuffers(tcb, next, packetLength(next))
}

/** The FIN again. */
export function finAgain(tcb: TcpControlBlock): void {
  segmentTransmit(tcb, null, 0, tcb.snd.end, TcpFlag.Ack | TcpFlag.Fin)
  tcpCounters.segmentsRetransmitted += 1
}

/**
 * What was sent has a timer (RFC 6298 §5, (5.1)); what can not be sent because the window is closed has one, too
 * (RFC 9293 §3.8.6.1), or the news that it opened could be lost for ever.
 */
function timerNeeded(tcb: TcpControlBlock): void {
  if (tcb.snd.una != tcb.snd.nxt) return timerRestart(tcb)
  if (tcb.sendNext == null) return
  if (tcb.persisting == 0) tcb.waitingSince = nowMilliseconds()
  timerFor(tcb, TimerUse.Persist, tcb.rtt.rto)
}
