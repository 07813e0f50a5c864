// Data and FIN of a segment that is acceptable: into order, acknowledged, told of. RFC 9293 §3.10.7.4, the seventh and
// eighth steps; RFC 5681 §4.2, RFC 2018 §4, RFC 3168 §6.1.3. Main-loop context only.
//
// Acknowledgments wait for the end of the round (pending.ts): one for all that came in it.

import { Errno } from '../../lib/errno.ts'
import type { u32 } from '../../lib/layout.ts'
import { timerStop } from '../../lib/timer.ts'
import { packetFree, type Packet } from '../../drivers/net/packet.ts'
import { chainTrim } from '../chain.ts'
import { SocketEvent } from '../socket/socket.ts'
import { socketIsWatched, socketWake } from '../socket/wake.ts'
import { Drop, drop } from '../stats.ts'
import { roomToSend } from './acknowledge.ts'
import { answerReset } from './answer.ts'
import { finAcked, receiveWindow, stateOf, type TcpControlBlock } from './control-block.ts'
import { Early, earlyKeep, earlyMerge } from './early.ts'
import { tcpEnd, tcpTimeWait } from './end.ts'
import { TcpFlag } from './header.ts'
import { ackLater } from './life.ts'
import { ackSend, tcpOutput } from './output.ts'
import { pendingAdd, pendingBegin, pendingTake } from './pending.ts'
import { progress } from './progress.ts'
import { DUPLICATES } from './rack.ts'
import { chainStrip, receiveAppend } from './receive-queue.ts'
import { segment, segmentHas } from './segment.ts'
import { seqAhead, seqLess, seqPlus, type Seq } from './sequence.ts'
import { TcpState, mayReceive } from './state.ts'
import { tcpCounters } from './stats.ts'

/** Acknowledgments that do not wait: at the start, and after a gap. As many as Linux gives at once. */
const QUICK_ACKS: u32 = 16

/** Acknowledge at the end of the round. */
export function ackSoon(tcb: TcpControlBlock): void {
  tcb.ackNow = true
  pendingAdd(tcb)
}

/** So many acknowledgments go at once: the sender is finding its window. */
export function ackQuickly(tcb: TcpControlBlock): void {
  tcb.quickAcks = QUICK_ACKS
}

/** The seventh step. The packet, its data at `head`, is the callee's. */
export function takeText(tcb: TcpControlBlock, packet: Packet): void {
  congestionMark(tcb)
  const octets: u32 = segment.length
  if (octets == 0) return packetFree(packet)
  if (octets > tcb.largest) tcb.largest = octets < 0xffff ? octetsOfOne(packet, octets) : tcb.largest
  if (!mayReceive(stateOf(tcb))) { // "This should not occur": what comes behind a FIN. RFC 9293 §3.10.7.4
    ackSoon(tcb)
    return drop(packet, Drop.TcpUnexpected)
  }
  if (tcb.socket == null && tcb.listener == null) return unwanted(tcb, packet)
  if (seqAhead(tcb.rcv.nxt, segment.seq) > 0) return early(tcb, packet)
  inOrder(tcb, packet)
}

/** Of a packet that a card has put together, one of the segments it was made of. */
function octetsOfOne(packet: Packet, octets: u32): u32 {
  const one: u32 = packet.segmentSize
  return one != 0 && one < octets ? one : octets
}

/** Data for a user who has closed: a reset, RFC 2525 §2.17, RFC 1122 §4.2.2.13. Of the octet the peer expects, which it must believe. */
function unwanted(tcb: TcpControlBlock, packet: Packet): void {
  drop(packet, Drop.TcpShut)
  answerReset()
  tcpEnd(tcb, Errno.ConnectionReset)
}

function inOrder(tcb: TcpControlBlock, packet: Packet): void {
  const duplicate: u32 = tcb.rcv.nxt - segment.seq
  if (duplicate >= segment.length) return packetFree(packet) // nothing of it is new
  const fresh: u32 = segment.length - duplicate
  const data: Packet = duplicate != 0 ? chainStrip(packet, duplicate) : packet
  if (!receiveAppend(tcb, data)) {
    tcpCounters.noMemory += 1
    ackSoon(tcb)
    return drop(data, Drop.TcpMemory)
  }
  tcb.rcv.nxt = seqPlus(tcb.rcv.nxt, fresh)
  progress(tcb)
  const gap: boolean = tcb.early != null
  if (gap) earlyMerge(tcb)
  tcb.earlyAcks = 0
  const waiting: u32 = tcb.unackedBytes + fresh
  tcb.unackedBytes = waiting < 0xffff ? waiting : 0xffff
  if (gap) tcb.ackNow = true // RFC 5681 §4.2: at once when a gap is filled
  pendingAdd(tcb)
  tellUser(tcb)
}

function tellUser(tcb: TcpControlBlock): void {
  if (tcb.socket != null && socketIsWatched(tcb.socket)) socketWake(tcb.socket, SocketEvent.In)
}

/**
 * Data beyond a gap: kept, and acknowledged at once. RFC 5681 §4.2. Of those that follow one another, when so many were that their
 * sender must have noticed (RFC 5681 §3.2), the rest of the round is told of in one block: RFC 2018 §4.
 */
function early(tcb: TcpControlBlock, packet: Packet): void {
  tcpCounters.outOfOrder += 1
  tcb.stats.outOfOrder += 1
  const end: Seq = seqPlus(segment.seq, segment.length)
  const follows: boolean = segment.seq == tcb.earlyEnd
  tcb.sackLatest = segment.seq
  tcb.earlyEnd = end
  const what: Early = earlyKeep(tcb, packet, segment.seq)
  if (what == Early.Known && tcb.sackPermitted) {
    tcb.duplicateLeft = segment.seq // RFC 2883 §4.1.2
    tcb.duplicateRight = end
  }
  ackQuickly(tcb)
  if (what == Early.Kept && follows && tcb.sackPermitted && tcb.earlyAcks >= DUPLICATES) return ackSoon(tcb)
  if (tcb.earlyAcks < DUPLICATES) tcb.earlyAcks += 1
  ackSend(tcb)
}

/** RFC 3168 §6.1.3: "congestion experienced" is echoed until CWR says that it was heard. */
function congestionMark(tcb: TcpControlBlock): void {
  if (!tcb.ecn) return
  if (segmentHas(TcpFlag.Cwr)) tcb.ecnEcho = false
  if (segment.congestion != 0 && segment.length != 0) { // nothing else is ECN-capable: RFC 3168 §6.1.4
    tcb.ecnEcho = true
    ackSoon(tcb)
  }
}

/** Cut a segment to the window: octets before it came already, those behind it were not asked for. RFC 9293 §3.10.7.4, first. */
export function trimToWindow(tcb: TcpControlBlock, packet: Packet): void {
  const edge: Seq = tcb.rcv.advertised
  if (seqLess(edge, seqPlus(segment.seq, segment.length))) {
    segment.length = seqLess(segment.seq, edge) ? edge - segment.seq : 0
    segment.flags &= ~TcpFlag.Fin
    chainTrim(packet, segment.length)
    ackSoon(tcb)
  }
  if (receiveWindow(tcb) == 0 && segment.length != 0) ackSoon(tcb)
}

/** The eighth step: the peer has no more to send, if all that comes before its FIN is here. */
export function checkFin(tcb: TcpControlBlock): void {
  if (segmentHas(TcpFlag.Fin) && !tcb.finSeen && mayReceive(stateOf(tcb))) {
    tcb.finSeen = true
    tcb.finSequence = seqPlus(segment.seq, segment.length)
  }
  if (!tcb.finSeen || !mayReceive(stateOf(tcb))) return
  if (tcb.finSequence != tcb.rcv.nxt) { // something before it is missing: RFC 5681 §4.2
    if (segmentHas(TcpFlag.Fin) && segment.length == 0) ackSend(tcb)
    return
  }
  tcb.rcv.nxt = seqPlus(tcb.rcv.nxt, 1)
  if (seqLess(tcb.rcv.advertised, tcb.rcv.nxt)) tcb.rcv.advertised = tcb.rcv.nxt
  ackSend(tcb)
  if (tcb.socket != null) socketWake(tcb.socket, SocketEvent.In | SocketEvent.PeerEnded)
  switch (stateOf(tcb)) {
    case TcpState.Established:
      tcb.state = TcpState.CloseWait
      return
    case TcpState.FinWait1:
      if (finAcked(tcb)) return tcpTimeWait(tcb)
      tcb.state = TcpState.Closing
      return
    case TcpState.FinWait2:
      timerStop(tcb.lifeTimer)
      return tcpTimeWait(tcb)
  }
}

/** The end of a round: whatever the segments of it, and the services, have brought about is sent. Called by netFlush. */
export function tcpFlush(): void {
  pendingBegin()
  let tcb = pendingTake()
  while (tcb != null) {
    flushOne(tcb)
    tcb = pendingTake()
  }
}

function flushOne(tcb: TcpControlBlock): void {
  if (tcb.state == TcpState.Closed) return
  if (mustAck(tcb)) tcb.ackNow = true
  tcpOutput(tcb)
  if (tcb.sendFull) roomToSend(tcb)
  if (tcb.unackedBytes != 0) ackLater(tcb)
}

/** RFC 9293 §3.8.6.3: every second full-sized segment at least; and at once while the peer finds its window. */
function mustAck(tcb: TcpControlBlock): boolean {
  if (tcb.unackedBytes == 0) return false
  return tcb.quickAcks != 0 || tcb.unackedBytes >= 2 * tcb.largest
}

/** The connection ends: there is a reset. RFC 9293 §3.10.7.4, second. */
export function wasReset(tcb: TcpControlBlock): void {
  switch (stateOf(tcb)) {
    case TcpState.SynReceived: return tcpEnd(tcb, Errno.ConnectionRefused)
    case TcpState.CloseWait: return tcpEnd(tcb, Errno.BrokenPipe) // as Linux tells it
    case TcpState.Closing: return tcpEnd(tcb, Errno.None)
    case TcpState.LastAck: return tcpEnd(tcb, Errno.None)
    default: return tcpEnd(tcb, Errno.ConnectionReset)
  }
}
