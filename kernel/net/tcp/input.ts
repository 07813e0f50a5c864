// TCP segments in: which connection, and what the segment means to it. RFC 9293 §3.10.7. Main-loop context only.
//
// `segmentArrives` goes along the numbered steps of RFC 9293 §3.10.7.4, a function a step. Each that returns false has seen
// to the packet.
//
// Next: takeText, checkFin (receive.ts); for listeners listen.ts.

import { nowMilliseconds } from '../../lib/clock.ts'
import { Errno } from '../../lib/errno.ts'
import { at, type u32 } from '../../lib/layout.ts'
import { packetFree, type Packet } from '../../drivers/net/packet.ts'
import { Ipv4Header } from '../ipv4/header.ts'
import { SocketEvent } from '../socket/socket.ts'
import { socketWake } from '../socket/wake.ts'
import { Drop, drop } from '../stats.ts'
import { acknowledge } from './acknowledge.ts'
import { answerAck, answerReset } from './answer.ts'
import { challenge, challengeAllowed } from './challenge.ts'
import { TimerUse, finAcked, receiveWindow, stateOf, type TcpControlBlock } from './control-block.ts'
import { tcpEnd, tcpTimeWait } from './end.ts'
import { ecnAsked, established, takeSyn } from './establish.ts'
import { TcpFlag, TcpHeader, tcpFault } from './header.ts'
import { finWaitStart } from './life.ts'
import { listenArrives } from './listen.ts'
import { listenerFind } from './listener.ts'
import { ackSend } from './output.ts'
import { pendingAdd } from './pending.ts'
import { ackQuickly, checkFin, takeText, trimToWindow, wasReset } from './receive.ts'
import { synSend } from './retransmit.ts'
import { timestampNow } from './secret.ts'
import { segment, segmentHas, segmentOptions, segmentRead, segmentSpace } from './segment.ts'
import { seqAhead, seqAtMost, seqLess, seqPlus, type Seq } from './sequence.ts'
import { TcpState } from './state.ts'
import { tcpCounters } from './stats.ts'
import { tcpFind } from './table.ts'
import { timeWaitFind, timeWaitRemove, timeWaitRestart, type TimeWait } from './time-wait.ts'
import { timerFor, timerOff } from './timer.ts'
import { tcpTuning } from './tuning.ts'

/** How long a timestamp of the peer's is compared with: 24 days. RFC 7323 §5.5. */
const TS_RECENT_AGE: u32 = 24 * 86_400_000

/** One segment, its header at `head`. */
export function tcpInput(packet: Packet): void {
  tcpCounters.segmentsIn += 1
  const fault: Drop = tcpFault(at<TcpHeader>(packet.head), at<Ipv4Header>(packet.networkHeader), packet)
  if (fault != Drop.None) {
    tcpCounters.errorsIn += 1
    return drop(packet, fault)
  }
  segmentRead(packet)
  const tcb = tcpFind(segment.localAddress, segment.localPort, segment.remoteAddress, segment.remotePort)
  if (tcb != null && stateOf(tcb) != TcpState.Closed) return segmentArrives(tcb, packet)
  const left = timeWaitFind(segment.localAddress, segment.localPort, segment.remoteAddress, segment.remotePort)
  if (left != null && !mayReuse(left)) return timeWaitArrives(left, packet)
  const listener = listenerFind(segment.localAddress, segment.localPort)
  if (listener == null) {
    answerReset()
    return drop(packet, Drop.TcpNoConnection)
  }
  if (left != null) {
    tcpCounters.timeWaitReused += 1
    timeWaitRemove(left)
  }
  const made = listenArrives(listener, packet)
  if (made != null) segmentArrives(made, packet)
}

/** The segment at hand, its data at the packet's `head`, on a connection. */
function segmentArrives(tcb: TcpControlBlock, packet: Packet): void {
  tcb.stats.segmentsIn += 1
  if (isPredicted(tcb)) return predictedArrives(tcb, packet)
  if (stateOf(tcb) == TcpState.SynSent) return synSentArrives(tcb, packet)
  if (segmentHas(TcpFlag.Syn) && crosses(tcb)) {
    segment.seq = seqPlus(segment.seq, 1) // the rest is like any segment that acknowledges our SYN
    segment.flags &= ~TcpFlag.Syn
  }
  if (!checkSequence(tcb, packet)) return
  if (segmentHas(TcpFlag.Rst)) return checkReset(tcb, packet)
  if (segmentHas(TcpFlag.Syn)) return checkSyn(tcb, packet)
  if (!checkAck(tcb, packet)) return
  heard(tcb)
  takeText(tcb, packet)
  if (stateOf(tcb) != TcpState.Closed && (segmentHas(TcpFlag.Fin) || tcb.finSeen)) checkFin(tcb)
}

/** The peer is there. */
function heard(tcb: TcpControlBlock): void {
  takeTimestamp(tcb)
  tcb.receivedAt = nowMilliseconds()
  tcb.keepSent = 0
}

// --- Header prediction: D. D. Clark and others, "An Analysis of TCP Processing Overhead", IEEE Communications, 1989. -------

/**
 * Whether the segment is what comes next in a stream to us: octets in order and in the window, to which the steps below would add
 * nothing. Nothing of ours is on its way, and the peer's window stays.
 */
function isPredicted(tcb: TcpControlBlock): boolean {
  return stateOf(tcb) == TcpState.Established && (segment.flags | TcpFlag.Psh) == (TcpFlag.Ack | TcpFlag.Psh)
    && segment.seq == tcb.rcv.nxt && segment.ack == tcb.snd.nxt && segment.ack == tcb.snd.una
    && segment.length != 0 && segment.length <= receiveWindow(tcb) && segment.window << tcb.sndScale == tcb.snd.wnd
    && (!tcb.timestamps || (segmentOptions.hasTimestamps && !isOld(tcb)))
}

function predictedArrives(tcb: TcpControlBlock, packet: Packet): void {
  tcb.snd.wl1 = segment.seq
  tcb.snd.wl2 = segment.ack
  heard(tcb)
  takeText(tcb, packet)
  if (tcb.finSeen && stateOf(tcb) != TcpState.Closed) checkFin(tcb)
}

/** Both have sent a SYN and this is the answer to ours: the other's SYN again, with an ACK. RFC 9293 §3.5, figure 7, line 6. */
function crosses(tcb: TcpControlBlock): boolean {
  return stateOf(tcb) == TcpState.SynReceived && !tcb.passive && segmentHas(TcpFlag.Ack) && segment.seq == tcb.rcv.irs
}

// --- First: the sequence number. --------------------------------------------------------------------------

/** Whether the segment is acceptable; if so it is cut to the window. RFC 9293 §3.10.7.4, RFC 7323 §5.3. */
function checkSequence(tcb: TcpControlBlock, packet: Packet): boolean {
  const bare: boolean = tcb.timestamps && !segmentHas(TcpFlag.Rst) && !segmentOptions.hasTimestamps
  if (bare && tcpTuning.strict) { // RFC 7323 §3.2: "SHOULD silently drop"
    drop(packet, Drop.TcpPaws)
    return false
  }
  if (tcb.timestamps && !bare && !segmentHas(TcpFlag.Rst) && isOld(tcb)) return unacceptable(tcb, packet, Drop.TcpPaws)
  if (!isAcceptable(tcb)) return unacceptable(tcb, packet, Drop.TcpSequence)
  trimToWindow(tcb, packet)
  return true
}

/** TS.Recent, from a segment that is good in every way: a forged acknowledgment must not move it. RFC 7323 §4.3, (2). */
function takeTimestamp(tcb: TcpControlBlock): void {
  if (!tcb.timestamps || !segmentOptions.hasTimestamps || !seqAtMost(segment.seq, tcb.rcv.acked)) return
  tcb.tsRecent = segmentOptions.value
  tcb.tsRecentAt = nowMilliseconds()
}

/** Protection against wrapped sequences: older than what came last. RFC 7323 §5.3 R1, §5.5. */
function isOld(tcb: TcpControlBlock): boolean {
  if (seqAhead(tcb.tsRecent as Seq, segmentOptions.value as Seq) >= 0) return false
  return nowMilliseconds() - tcb.tsRecentAt < TS_RECENT_AGE
}

/** The four cases of RFC 9293 §3.10.7.4, table 6; and what came already but for its end. */
function isAcceptable(tcb: TcpControlBlock): boolean {
  const window: u32 = receiveWindow(tcb)
  const length: u32 = segmentSpace()
  const nxt: Seq = tcb.rcv.nxt
  if (length == 0) {
    if (segment.seq == nxt) return true
    return window != 0 && inWindow(nxt, window, segment.seq)
  }
  if (window == 0) return segment.seq == nxt // its ACK is good, its data is cut off: "special allowance"
  return inWindow(nxt, window, segment.seq) || inWindow(nxt, window, seqPlus(segment.seq, length - 1))
}

function inWindow(nxt: Seq, window: u32, seq: Seq): boolean {
  const offset: u32 = seq - nxt
  return offset < window
}

/** An acknowledgment in reply, "unless the RST bit is set". */
function unacceptable(tcb: TcpControlBlock, packet: Packet, why: Drop): boolean {
  tcpCounters.duplicates += 1
  if (stateOf(tcb) == TcpState.SynReceived && segmentHas(TcpFlag.Syn) && segment.seq == tcb.rcv.irs) {
    synSend(tcb) // the SYN again: our SYN+ACK was lost
  } else if (!segmentHas(TcpFlag.Rst)) answerUnacceptable(tcb)
  drop(packet, why)
  return false
}

/** Data always is, with the duplicate reported (RFC 2883 §4.1.1); what has none may be part of a loop, and is now and then. */
function answerUnacceptable(tcb: TcpControlBlock): void {
  if (segment.length == 0 && !segmentHas(TcpFlag.Fin)) return challenge(tcb)
  const end: Seq = seqPlus(segment.seq, segment.length)
  if (tcb.sackPermitted && segment.length != 0 && seqLess(segment.seq, tcb.rcv.nxt)) {
    tcb.duplicateLeft = segment.seq
    tcb.duplicateRight = seqLess(end, tcb.rcv.nxt) ? end : tcb.rcv.nxt
  }
  ackQuickly(tcb)
  ackSend(tcb)
}

// --- Second: RST. Third: security, which IP has not. ------------------------------------------------------

/** To the octet, or a challenge. RFC 5961 §3.2. */
function checkReset(tcb: TcpControlBlock, packet: Packet): void {
  if (segment.seq != tcb.rcv.nxt) {
    challenge(tcb)
    return drop(packet, Drop.TcpReset)
  }
  packetFree(packet)
  wasReset(tcb)
}

// --- Fourth: SYN. -----------------------------------------------------------------------------------------

/** RFC 5961 §4.2. One that a passive open has not answered yet is its peer's new try: back to LISTEN. */
function checkSyn(tcb: TcpControlBlock, packet: Packet): void {
  drop(packet, Drop.TcpSyn)
  if (stateOf(tcb) == TcpState.SynReceived && tcb.passive) return tcpEnd(tcb, Errno.ConnectionReset)
  challenge(tcb)
}

// --- Fifth: ACK. ------------------------------------------------------------------------------------------

/** False: the segment goes no further. */
function checkAck(tcb: TcpControlBlock, packet: Packet): boolean {
  if (!segmentHas(TcpFlag.Ack)) {
    drop(packet, Drop.TcpNoAck)
    return false
  }
  if (stateOf(tcb) == TcpState.SynReceived && !synWasAcked(tcb, packet)) return false
  const ahead: u32 = segment.ack - tcb.snd.una
  const outstanding: u32 = tcb.snd.nxt - tcb.snd.una
  if (ahead <= outstanding) {
    ackInWindow(tcb)
    return afterAck(tcb, packet)
  }
  const behind: u32 = tcb.snd.una - segment.ack
  if (behind <= tcb.snd.mostWindow && behind <= 0x7fffffff) { // an old one: RFC 9293 §3.10.7.4, "can be ignored"
    if (segmentOptions.sackCount != 0) acknowledge(tcb, true) // but it knows of later octets: RFC 2018 §5
    return true
  }
  challenge(tcb) // of what was never sent, or long ago: RFC 5961 §5.2
  drop(packet, Drop.TcpAck)
  return false
}

/** SYN-RECEIVED: SND.UNA < SEG.ACK =< SND.NXT, or a reset. */
function synWasAcked(tcb: TcpControlBlock, packet: Packet): boolean {
  if (segment.ack != tcb.snd.nxt && !(seqLess(tcb.snd.una, segment.ack) && seqAtMost(segment.ack, tcb.snd.nxt))) {
    answerReset()
    drop(packet, Drop.TcpAck)
    return false
  }
  if (tcb.listener == null && tcb.socket == null) return true
  established(tcb)
  return true
}

function ackInWindow(tcb: TcpControlBlock): void {
  const before: u32 = tcb.snd.wnd
  windowUpdate(tcb)
  acknowledge(tcb, before != tcb.snd.wnd)
  if (before != tcb.snd.wnd && tcb.sendNext != null) windowOpened(tcb)
}

/** SND.WND is that of the latest segment. RFC 9293 §3.10.7.4, fifth; RFC 7323 §2.3. */
function windowUpdate(tcb: TcpControlBlock): void {
  const newer: boolean = seqLess(tcb.snd.wl1, segment.seq) || (tcb.snd.wl1 == segment.seq && seqAtMost(tcb.snd.wl2, segment.ack))
  if (!newer) return
  tcb.snd.wnd = segment.window << tcb.sndScale
  tcb.snd.wl1 = segment.seq
  tcb.snd.wl2 = segment.ack
  if (tcb.snd.wnd > tcb.snd.mostWindow) tcb.snd.mostWindow = tcb.snd.wnd
}

/** What waited for a closed window goes at the end of the round. */
function windowOpened(tcb: TcpControlBlock): void {
  if (tcb.timerUse == TimerUse.Persist && tcb.snd.wnd != 0) {
    timerOff(tcb)
    tcb.persisting = 0
  }
  pendingAdd(tcb)
}

/** What an acknowledged FIN means. RFC 9293 §3.10.7.4, fifth. False: the connection is no more. */
function afterAck(tcb: TcpControlBlock, packet: Packet): boolean {
  if (!finAcked(tcb)) return true
  switch (stateOf(tcb)) {
    case TcpState.FinWait1:
      tcb.state = TcpState.FinWait2
      if (tcb.socket == null) finWaitStart(tcb)
      else socketWake(tcb.socket, SocketEvent.Out)
      return true
    case TcpState.Closing:
      packetFree(packet)
      tcpTimeWait(tcb)
      return false
    case TcpState.LastAck:
      packetFree(packet)
      tcpEnd(tcb, Errno.None)
      return false
    default: return true
  }
}

// --- SYN-SENT. RFC 9293 §3.10.7.3. ------------------------------------------------------------------------

function synSentArrives(tcb: TcpControlBlock, packet: Packet): void {
  const acked: boolean = segmentHas(TcpFlag.Ack)
  if (acked && segment.ack != tcb.snd.nxt) { // first: our SYN is all there is to acknowledge
    answerReset()
    return drop(packet, Drop.TcpAck)
  }
  if (segmentHas(TcpFlag.Rst)) { // second
    if (!acked) return drop(packet, Drop.TcpReset)
    packetFree(packet)
    return tcpEnd(tcb, Errno.ConnectionRefused)
  }
  if (!segmentHas(TcpFlag.Syn)) return drop(packet, Drop.TcpUnexpected) // fifth
  takeSyn(tcb) // fourth
  if (!acked) return simultaneous(tcb, packet)
  tcb.ecn = tcb.ecn && segmentHas(TcpFlag.Ece) && !segmentHas(TcpFlag.Cwr)
  established(tcb)
  tcb.receivedAt = nowMilliseconds()
  segment.seq = seqPlus(segment.seq, 1)
  ackSend(tcb)
  takeText(tcb, packet)
  if (stateOf(tcb) != TcpState.Closed && segmentHas(TcpFlag.Fin)) checkFin(tcb)
}

/** Both have sent a SYN: SYN-RECEIVED, and a SYN+ACK. RFC 9293 §3.5, figure 7. */
function simultaneous(tcb: TcpControlBlock, packet: Packet): void {
  packetFree(packet)
  tcb.state = TcpState.SynReceived
  tcb.ecn = tcb.ecn && ecnAsked()
  synSend(tcb)
  timerFor(tcb, TimerUse.Retransmit, tcb.rtt.rto)
}

// --- TIME-WAIT. RFC 9293 §3.10.7.4, RFC 6191 §2, RFC 1337 §3. ---------------------------------------------

/** A SYN that can not be of the old connection: later by its timestamp, or by its sequence number. RFC 6191 §2. */
function mayReuse(left: TimeWait): boolean {
  if (!segmentHas(TcpFlag.Syn) || segmentHas(TcpFlag.Ack) || segmentHas(TcpFlag.Rst)) return false
  if (listenerFind(segment.localAddress, segment.localPort) == null) return false
  if (left.timestamps && segmentOptions.hasTimestamps && segmentOptions.value != left.tsRecent) {
    return seqLess(left.tsRecent as Seq, segmentOptions.value as Seq)
  }
  return seqLess(left.rcvNxt, segment.seq)
}

function timeWaitArrives(left: TimeWait, packet: Packet): void {
  const window: u32 = left.rcvWnd >>> left.rcvScale
  if (segmentHas(TcpFlag.Rst)) return drop(packet, Drop.TcpReset) // RFC 1337 §3, (F1)
  const bare: boolean = !segmentHas(TcpFlag.Ack) && !segmentHas(TcpFlag.Syn)
  if (bare && inWindow(left.rcvNxt, left.rcvWnd, segment.seq)) return drop(packet, Drop.TcpNoAck) // fifth
  const fin: boolean = segmentHas(TcpFlag.Fin) && seqPlus(segment.seq, segment.length) == seqPlus(left.rcvNxt, 0 - 1)
  if (fin) timeWaitRestart(left) // "The only thing that can arrive in this state is a retransmission of the remote FIN"
  const silent: boolean = segmentSpace() == 0 && segment.seq == left.rcvNxt
  if (!silent && (fin || challengeAllowed())) {
    answerAck(left.sndNxt, left.rcvNxt, window, left.timestamps, timestampNow(left.tsOffset), left.tsRecent)
  }
  packetFree(packet)
}
