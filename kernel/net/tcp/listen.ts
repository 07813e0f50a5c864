// A segment for who listens: SYNs begin connections, ACKs may bring back cookies. RFC 9293 §3.10.7.2, RFC 4987 §3.
// Main-loop context only.

import { TCP_SYN_LIMIT } from '../../config.ts'
import type { u32 } from '../../lib/layout.ts'
import { packetFree, type Packet } from '../../drivers/net/packet.ts'
import { Drop, drop } from '../stats.ts'
import { answerReset, answerSyn } from './answer.ts'
import { TimerUse, type TcpControlBlock } from './control-block.ts'
import { cookieCheck, cookieMake, cookieOptions, cookieTimestamp } from './cookie.ts'
import { ecnAsked, sendFrom, takeSyn, tcbStart, tcbTakeOptions } from './establish.ts'
import { TcpFlag } from './header.ts'
import { queueAppend, type TcpListener } from './listener.ts'
import { TIMESTAMPS_SIZE } from './options.ts'
import { synSend } from './retransmit.ts'
import { segment, segmentHas, segmentOptions } from './segment.ts'
import { seqPlus } from './sequence.ts'
import { TcpState } from './state.ts'
import { tcpCounters } from './stats.ts'
import { tcpMake } from './table.ts'
import { timerFor } from './timer.ts'
import { tcpTuning } from './tuning.ts'
import { windowLimit, windowScale } from './window.ts'

/**
 * The segment at hand, its data in `packet`, for a listener. When it is an ACK with a cookie the connection is made, and
 * returned: the segment is for it then, and the packet still the caller's. Else null, and the packet is gone.
 */
export function listenArrives(listener: TcpListener, packet: Packet): TcpControlBlock | null {
  if (segmentHas(TcpFlag.Rst)) return refused(packet, Drop.TcpUnexpected) // first
  if (segmentHas(TcpFlag.Ack)) return ackArrives(listener, packet) // second
  if (!segmentHas(TcpFlag.Syn)) return refused(packet, Drop.TcpUnexpected) // fourth
  if (segmentHas(TcpFlag.Fin)) return refused(packet, Drop.TcpUnexpected) // SYN and FIN: nobody means that
  synArrives(listener, packet)
  return null
}

function refused(packet: Packet, why: Drop): TcpControlBlock | null {
  drop(packet, why)
  return null
}

/** Second: an ACK is bad here, unless it brings a cookie back. */
function ackArrives(listener: TcpListener, packet: Packet): TcpControlBlock | null {
  const mss: u32 = segmentHas(TcpFlag.Syn) || !cookiesOut() ? 0 : cookieCheck()
  if (mss == 0) {
    if (cookiesOut() && !segmentHas(TcpFlag.Syn)) tcpCounters.cookiesBad += 1
    answerReset()
    return refused(packet, Drop.TcpNoConnection)
  }
  if (isFull(listener)) return refused(packet, Drop.TcpListen) // it asks again
  const tcb = tcpMake(segment.localAddress, segment.localPort, segment.remoteAddress, segment.remotePort)
  if (tcb == null) return refused(packet, Drop.TcpMemory)
  tcpCounters.cookiesAccepted += 1
  tcpCounters.passiveOpens += 1
  fromCookie(tcb, listener, mss)
  return tcb
}

/** Whether cookies were ever given: else no ACK can bring one. */
function cookiesOut(): boolean {
  return tcpCounters.cookiesSent != 0
}

/** As if the SYN had been remembered. */
function fromCookie(tcb: TcpControlBlock, listener: TcpListener, mss: u32): void {
  const value: u32 = segmentOptions.value
  cookieOptions()
  segmentOptions.hasMss = true
  segmentOptions.mss = mss
  segment.seq = seqPlus(segment.seq, 0 - 1)
  begin(tcb, listener)
  segment.seq = seqPlus(segment.seq, 1)
  sendFrom(tcb, seqPlus(segment.ack, 0 - 1))
  tcb.mss = tcb.timestamps ? mss - TIMESTAMPS_SIZE : mss
  tcb.peerMss = mss
  tcb.tsRecent = value
  tcb.backoff = 1 // no round trip was measured
}

function isFull(listener: TcpListener): boolean {
  return listener.made.count >= listener.backlog
}

/** Third: a SYN. */
function synArrives(listener: TcpListener, packet: Packet): void {
  if (isFull(listener)) {
    tcpCounters.listenOverflows += 1
    return drop(packet, Drop.TcpListen)
  }
  if (listener.making.count >= TCP_SYN_LIMIT) return cookie(packet)
  const tcb = tcpMake(segment.localAddress, segment.localPort, segment.remoteAddress, segment.remotePort)
  if (tcb == null) return cookie(packet)
  tcpCounters.passiveOpens += 1
  begin(tcb, listener)
  tcb.ecn = ecnAsked()
  synSend(tcb)
  timerFor(tcb, TimerUse.Retransmit, tcb.rtt.rto)
  packetFree(packet) // data with a SYN is not kept: it comes again, RFC 9293 §3.10.7.2 lets it
}

function begin(tcb: TcpControlBlock, listener: TcpListener): void {
  tcbStart(tcb)
  tcbTakeOptions(tcb, listener.socket)
  tcb.passive = true
  tcb.state = TcpState.SynReceived
  tcb.listener = listener.socket
  takeSyn(tcb)
  queueAppend(listener.making, tcb)
}

function cookie(packet: Packet): void {
  tcpCounters.cookiesSent += 1
  const limit: u32 = windowLimit(tcpTuning.receiveBuffer, tcpTuning.receiveMost)
  answerSyn(cookieMake(), limit < 0xffff ? limit : 0xffff, windowScale(), cookieTimestamp())
  packetFree(packet)
}
