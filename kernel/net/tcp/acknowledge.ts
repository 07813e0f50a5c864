// An acknowledgment: what it frees, what it tells of losses and of the path. RFC 9293 §3.10.7.4 (fifth), RFC 5681 §3,
// RFC 2018 §5, RFC 8985 §6, RFC 6582 §3. Main-loop context only.
//
// Called when SND.UNA =< SEG.ACK =< SND.NXT, and for what an older one that was overtaken tells of later octets. What follows from it
// is sent at the end of the round (pending.ts).

import { nowMilliseconds } from '../../lib/clock.ts'
import { nth, type u32 } from '../../lib/layout.ts'
import { packetFree, packetLength, type Packet } from '../../drivers/net/packet.ts'
import { SocketEvent } from '../socket/socket.ts'
import { socketWake } from '../socket/wake.ts'
import {
  congestionAcked, congestionProportional, congestionRepair, congestionRepaired, congestionUndo,
} from './congestion.ts'
import { CongestionControl, Mark, Phase, TimerUse, phaseOf, type TcpControlBlock } from './control-block.ts'
import { TcpFlag } from './header.ts'
import { pendingAdd } from './pending.ts'
import { progress } from './progress.ts'
import {
  DUPLICATES, blockIsSound, markFirstLost, rackDelivered, rackDetect, rackDuplicate, rackPassed, rackReordering, rackRepaired, unmarkLost,
} from './rack.ts'
import { rtoCompute, rttSample } from './rtt.ts'
import { timestampNow } from './secret.ts'
import { segment, segmentHas, segmentOptions } from './segment.ts'
import { sizeAcked, sizeIsLost } from './segment-size.ts'
import { SEGMENT_COST, bufferEnd, bufferMark, sendHasRoom, sendStrip, sendTake, sendUnsent } from './send-queue.ts'
import { seqAtMost, seqLess, type Seq } from './sequence.ts'
import { tcpCounters } from './stats.ts'
import { timerFor, timerOff, timerRestart } from './timer.ts'
import { tcpTuning } from './tuning.ts'
import { westwoodDelivered } from './westwood.ts'
import { windowLimit } from './window.ts'

/** The youngest sample of this acknowledgment, microseconds; NO_SAMPLE: none. */
let sample: u32 = 0
const NO_SAMPLE: u32 = 0xffffffff
/** Milliseconds: what is longer ago was not echoed by this connection's peer in good faith. */
const ECHO_LIMIT: u32 = 300_000
/** Something that was not sent twice, and was thought lost, had arrived: F-RTO's evidence. */
let original = false
/** SND.UNA moved. */
let advanced = false
/** The first block was a duplicate: what came last told the peer nothing new. */
let repeats = false
/** Buffers that were lost, and not on their way again, before this acknowledgment was looked at. */
let lostBefore: u32 = 0

/** See above. `windowChanged`: SND.WND is another, so it is no duplicate (RFC 5681 §2). */
export function acknowledge(tcb: TcpControlBlock, windowChanged: boolean): void {
  const outstanding: boolean = tcb.snd.una != tcb.snd.nxt
  sample = NO_SAMPLE
  original = false
  repeats = false
  advanced = seqLess(tcb.snd.una, segment.ack)
  lostBefore = tcb.lostBuffers
  const repeated: u32 = tcb.sackPermitted ? 0 : tcb.dupAcks * tcb.mss // told of by duplicates already: RFC 5681 §3.2
  let delivered: u32 = 0
  if (advanced) delivered = take(tcb, segment.ack)
  delivered = delivered > repeated ? delivered - repeated : 0
  if (segmentOptions.sackCount != 0 && tcb.sackPermitted) delivered += takeBlocks(tcb)
  if (advanced && !repeats) echoSample(tcb)
  if (sample != NO_SAMPLE) rttSample(tcb, sample)
  else if (advanced && tcb.backoff != 0) rtoCompute(tcb)
  if (advanced) progress(tcb)
  if (!outstanding) return
  const duplicate: boolean = !advanced && segment.length == 0 && !windowChanged
    && segment.ack == tcb.snd.una && !segmentHas(TcpFlag.Fin) && !segmentHas(TcpFlag.Syn)
  probeAnswered(tcb)
  const wait: u32 = findLosses(tcb, duplicate)
  congestion(tcb, delivered)
  timers(tcb, wait)
  if (advanced || tcb.lostBuffers != 0 || delivered != 0 || duplicate) pendingAdd(tcb)
}

/** SND.UNA moves to `ack`. Returns the octets that were not known to have arrived. */
function take(tcb: TcpControlBlock, ack: Seq): u32 {
  let delivered: u32 = 0
  let ambiguous = false
  let first = tcb.sendFirst
  while (first != null && first != tcb.sendNext && seqLess(first.owner as Seq, ack)) {
    if ((first.mark & (Mark.EverRetransmitted | Mark.Sacked)) == Mark.EverRetransmitted) ambiguous = true
    const whole: boolean = seqAtMost(bufferEnd(first), ack)
    const octets: u32 = whole ? packetLength(first) : ack - (first.owner as Seq)
    if ((first.mark & Mark.Sacked) == 0) {
      delivered += octets
      if (whole) arrived(tcb, first)
    }
    if (!whole) {
      sendStrip(tcb, first, octets)
      break
    }
    sendTake(tcb, first)
    packetFree(first)
    first = tcb.sendFirst
  }
  if (ambiguous) sample = NO_SAMPLE // the others may have waited for it: Karn, RFC 6298 §3
  tcb.snd.una = ack
  sizeAcked(tcb)
  tcb.waitingSince = nowMilliseconds()
  tcb.persisting = 0
  tcb.dupAcks = 0
  tcb.hold = false
  return delivered
}

/** One buffer is known to have arrived. One that was sent twice measures nothing: Karn, RFC 6298 §3. */
function arrived(tcb: TcpControlBlock, packet: Packet): void {
  if ((packet.mark & Mark.EverRetransmitted) == 0) {
    const rtt: u32 = rackPassed(packet)
    if (rtt < sample) sample = rtt
    if ((packet.mark & Mark.Lost) != 0) original = true
  }
  rackReordering(tcb, packet)
  rackDelivered(tcb, packet)
}

/**
 * The echoed timestamp is of the segment that this acknowledgment answers, unless that was a duplicate: the path took no longer, even
 * if others were acknowledged before, in vain; and of one that was sent twice it says which it was. RFC 7323 §4.1, RFC 6298 §3.
 */
function echoSample(tcb: TcpControlBlock): void {
  if (!tcb.timestamps || !segmentOptions.hasTimestamps) return
  const passed: u32 = timestampNow(tcb.tsOffset) - segmentOptions.echo
  if (passed < ECHO_LIMIT && (passed + 1) * 1000 < sample) sample = (passed + 1) * 1000
}

/**
 * Somebody was refused: if there is room again he is told. While cwnd is not used for want of octets the buffer grows, to two
 * windows of packet buffers and what describes them, unless its user chose its size.
 */
export function roomToSend(tcb: TcpControlBlock): void {
  const socket = tcb.socket
  const cwnd: u32 = tcb.congestion.cwnd
  const wanted: u32 = 2 * (cwnd / tcb.mss) * SEGMENT_COST
  if (!tcb.fixedSend && tcb.pipe < cwnd && tcb.sendLimit < wanted) tcb.sendLimit = windowLimit(wanted, tcpTuning.sendMost)
  if (socket == null || !sendHasRoom(tcb) || 2 * sendUnsent(tcb) >= tcb.notSentLow) return
  tcb.sendFull = false
  socketWake(socket, SocketEvent.Out)
}

/** The blocks of a SACK option: RFC 2018 §5; one below SND.UNA or inside the next is a duplicate: RFC 2883 §4. */
function takeBlocks(tcb: TcpControlBlock): u32 {
  let delivered: u32 = 0
  for (let i: u32 = 0; i < segmentOptions.sackCount; i++) {
    const block = nth(segmentOptions.sack, i)
    const left: Seq = block.left
    const right: Seq = block.right
    if (i == 0 && isDuplicate(tcb, left, right)) {
      repeats = true
      rackDuplicate(tcb, right)
      if (tcb.rack.probing && right == tcb.rack.probeEnd) tcb.rack.probing = false // RFC 8985 §7.4.2: the probe was for nothing
      continue
    }
    if (blockIsSound(tcb, left, right)) delivered += takeBlock(tcb, left, right)
  }
  return delivered
}

function isDuplicate(tcb: TcpControlBlock, left: Seq, right: Seq): boolean {
  if (!seqLess(left, right)) return false
  if (seqAtMost(right, segment.ack)) return true
  if (segmentOptions.sackCount < 2) return false
  const outer = nth(segmentOptions.sack, 1)
  return seqAtMost(outer.left, left) && seqAtMost(right, outer.right)
}

function takeBlock(tcb: TcpControlBlock, left: Seq, right: Seq): u32 {
  let delivered: u32 = 0
  let each: Packet | null = tcb.sendFirst
  while (each != null && each != tcb.sendNext && seqLess(each.owner as Seq, right)) {
    const inside: boolean = seqAtMost(left, each.owner as Seq) && seqAtMost(bufferEnd(each), right)
    if (inside && (each.mark & Mark.Sacked) == 0) {
      arrived(tcb, each)
      delivered += packetLength(each)
      bufferMark(tcb, each, Mark.Sacked, Mark.Lost | Mark.Retransmitted)
    }
    each = each.next
  }
  return delivered
}

/** The loss probe's episode ends: RFC 8985 §7.4.2. If it repaired a loss, that counts as congestion. */
function probeAnswered(tcb: TcpControlBlock): void {
  const rack = tcb.rack
  if (advanced) rack.used = false
  if (!rack.probing || seqLess(tcb.snd.una, rack.probeEnd)) return
  rack.probing = false
  if (rack.probeRepeats && phaseOf(tcb) == Phase.Open) congestionRepair(tcb, Phase.Reduced)
}

/** What is lost now; microseconds until more may be, 0: never. */
function findLosses(tcb: TcpControlBlock, duplicate: boolean): u32 {
  if (tcb.sackPermitted) {
    if (tcb.sackedBuffers == 0 && phaseOf(tcb) == Phase.Open) return 0
    return rackDetect(tcb)
  }
  if (duplicate && tcb.dupAcks < 255) tcb.dupAcks += 1
  if (tcb.dupAcks == DUPLICATES && phaseOf(tcb) == Phase.Open && seqAtMost(tcb.congestion.recover, tcb.snd.una)) markFirstLost(tcb)
  if (advanced && phaseOf(tcb) == Phase.Recovery && seqLess(tcb.snd.una, tcb.congestion.recover)) markFirstLost(tcb) // partial
  return 0
}

function congestion(tcb: TcpControlBlock, delivered: u32): void {
  const c = tcb.congestion
  if (c.control == CongestionControl.Westwood) westwoodDelivered(tcb, delivered)
  if (c.spurious && original) return spurious(tcb)
  if (congestionRepaired(tcb)) rackRepaired(tcb)
  if (tcb.lostBuffers != 0 && (phaseOf(tcb) == Phase.Open || phaseOf(tcb) == Phase.Reduced) && !sizeIsLost(tcb)) {
    tcpCounters.recoveries += 1
    tcb.stats.recoveries += 1
    congestionRepair(tcb, Phase.Recovery)
  }
  if (segmentHas(TcpFlag.Ece) && tcb.ecn && phaseOf(tcb) == Phase.Open) { // RFC 3168 §6.1.2: once a round trip
    congestionRepair(tcb, Phase.Reduced)
    tcb.ecnReduced = true
  }
  switch (phaseOf(tcb)) {
    case Phase.Open:
    case Phase.Loss:
      // "an ACK that cumulatively acknowledges new data": RFC 5681 §3.1
      if (advanced) congestionAcked(tcb, delivered, sample != NO_SAMPLE ? sample : 0)
      return
    default: return congestionProportional(tcb, deliveredWithout(tcb, delivered), advanced && tcb.lostBuffers <= lostBefore)
  }
}

/** Without SACK a duplicate acknowledgment stands for a segment that arrived. RFC 9937 §6. */
function deliveredWithout(tcb: TcpControlBlock, delivered: u32): u32 {
  return tcb.sackPermitted || advanced || tcb.dupAcks == 0 ? delivered : tcb.mss
}

/** The timeout was a mistake: RFC 5682 §3.1, with the evidence that RFC 5682 §3.3 has. */
function spurious(tcb: TcpControlBlock): void {
  tcpCounters.spuriousTimeouts += 1
  unmarkLost(tcb)
  congestionUndo(tcb)
}

function timers(tcb: TcpControlBlock, wait: u32): void {
  if (tcb.snd.una == tcb.snd.nxt) return timerOff(tcb)
  if (wait != 0) return timerFor(tcb, TimerUse.Reorder, wait / 1000 + 1)
  if (advanced || tcb.timerUse == TimerUse.Reorder || tcb.timerUse == TimerUse.None) timerRestart(tcb)
}
