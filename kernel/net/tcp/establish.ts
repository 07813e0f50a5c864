// From SYNs to an established connection: what both ends can, and where everything starts. RFC 9293 §3.5, §3.7.1,
// RFC 7323 §2.3, §3.2, RFC 2018 §2, RFC 3168 §6.1.1, RFC 6928 §2. Main-loop context only.

import {
  TCP_KEEP_IDLE, TCP_KEEP_INTERVAL, TCP_KEEP_PROBES, TCP_USER_TIMEOUT,
} from '../../config.ts'
import { nowMilliseconds } from '../../lib/clock.ts'
import { address, type u32 } from '../../lib/layout.ts'
import { timerStop } from '../../lib/timer.ts'
import { SizeChosen, SocketEvent, SocketState, type Socket } from '../socket/socket.ts'
import { socketWake } from '../socket/wake.ts'
import { congestionStart } from './congestion.ts'
import type { CongestionControl, TcpControlBlock } from './control-block.ts'
import { TcpFlag } from './header.ts'
import { keepAliveStart } from './life.ts'
import { listenerOf, queueAppend, queueRemove } from './listener.ts'
import { pendingAdd } from './pending.ts'
import { rttSample, rttStart } from './rtt.ts'
import { initialSequence, timestampOffset } from './secret.ts'
import { segment, segmentHas, segmentOptions } from './segment.ts'
import { sizeStart } from './segment-size.ts'
import { seqPlus, type Seq } from './sequence.ts'
import { TcpState } from './state.ts'
import { timerOff } from './timer.ts'
import { EcnUse, tcpTuning } from './tuning.ts'
import { windowLimit, windowScale } from './window.ts'

/** What a peer that says nothing takes: RFC 9293 §3.7.1. */
export const DEFAULT_MSS: u32 = 536

/** A new block: everything at its defaults, what we offer switched on. */
export function tcbStart(tcb: TcpControlBlock): void {
  const owner = address(tcb)
  tcb.retransmitTimer.owner = owner
  tcb.ackTimer.owner = owner
  tcb.burstTimer.owner = owner
  tcb.lifeTimer.owner = owner
  tcb.snd.iss = initialSequence(tcb.localAddress, tcb.localPort, tcb.remoteAddress, tcb.remotePort)
  tcb.tsOffset = timestampOffset(tcb.localAddress, tcb.localPort, tcb.remoteAddress, tcb.remotePort)
  tcb.rcvScale = windowScale()
  tcb.sendLimit = windowLimit(tcpTuning.sendBuffer, tcpTuning.sendMost)
  tcb.receiveLimit = windowLimit(tcpTuning.receiveBuffer, tcpTuning.receiveMost)
  tcb.scaling = true
  tcb.timestamps = tcpTuning.timestamps
  tcb.sackPermitted = tcpTuning.sack
  tcb.waitingSince = nowMilliseconds()
  tcb.receivedAt = nowMilliseconds()
  rttStart(tcb)
  sendFrom(tcb, tcb.snd.iss)
}

/** The sequence space begins at `iss`, which the SYN has. */
export function sendFrom(tcb: TcpControlBlock, iss: Seq): void {
  tcb.snd.iss = iss
  tcb.snd.una = iss
  tcb.snd.nxt = seqPlus(iss, 1)
  tcb.snd.end = tcb.snd.nxt
  tcb.smallEnd = iss
  tcb.congestion.recover = iss
  tcb.congestion.usedUntil = iss
  tcb.rack.highest = iss
  tcb.rack.guessed = iss
  tcb.mss = DEFAULT_MSS
  tcb.peerMss = DEFAULT_MSS
}

/** What the socket's user wants of its connection. */
export function tcbTakeOptions(tcb: TcpControlBlock, socket: Socket): void {
  tcb.noDelay = socket.noDelay
  tcb.cork = socket.cork
  tcb.userMss = socket.maximumSegment
  tcb.userTimeout = socket.userTimeout != 0 ? socket.userTimeout : TCP_USER_TIMEOUT
  tcb.keepIdle = socket.keepIdle != 0 ? socket.keepIdle : TCP_KEEP_IDLE
  tcb.keepInterval = socket.keepInterval != 0 ? socket.keepInterval : TCP_KEEP_INTERVAL
  tcb.keepProbes = socket.keepProbes != 0 ? socket.keepProbes : TCP_KEEP_PROBES
  tcb.keepAlive = socket.keepAlive
  tcb.notSentLow = socket.notSentLow != 0 ? socket.notSentLow : tcpTuning.notSentLow
  tcb.congestion.control = socket.congestionControl as number as CongestionControl
  tcb.sending.dscpEcn = socket.sending.dscpEcn & ~3 // the ECN field is ours: RFC 3168 §5
  tcb.sending.timeToLive = socket.sending.timeToLive
  tcb.fixedReceive = (socket.sizesChosen & SizeChosen.Receive) != 0
  tcb.fixedSend = (socket.sizesChosen & SizeChosen.Send) != 0
  if (tcb.fixedReceive) tcb.receiveLimit = socket.receiveLimit
  if (tcb.fixedSend) tcb.sendLimit = socket.sendLimit
}

/** The peer's SYN: its sequence numbers, and what it can of what we offer. RFC 9293 §3.10.7.2, §3.10.7.3. */
export function takeSyn(tcb: TcpControlBlock): void {
  tcb.rcv.irs = segment.seq
  tcb.rcv.nxt = seqPlus(segment.seq, 1)
  tcb.rcv.acked = tcb.rcv.nxt
  tcb.peerMss = segmentOptions.hasMss ? segmentOptions.mss : DEFAULT_MSS
  tcb.scaling = tcb.scaling && segmentOptions.hasScale
  tcb.sndScale = tcb.scaling ? segmentOptions.scale : 0
  if (!tcb.scaling) tcb.rcvScale = 0
  tcb.sackPermitted = tcb.sackPermitted && segmentOptions.sackPermitted
  tcb.timestamps = tcb.timestamps && segmentOptions.hasTimestamps
  tcb.tsRecent = segmentOptions.value
  tcb.tsRecentAt = nowMilliseconds()
  tcb.rcv.advertised = seqPlus(tcb.rcv.nxt, firstWindow(tcb))
  sizeStart(tcb)
  tcb.largest = tcb.mss
}

/** What a SYN's window field says: not scaled, so 65,535 at most. */
export function firstWindow(tcb: TcpControlBlock): u32 {
  return tcb.receiveLimit < 0xffff ? tcb.receiveLimit : 0xffff
}

/** Whether the SYN at hand asks, by ECE and CWR, and is agreed with, by ECE alone. RFC 3168 §6.1.1. */
export function ecnAsked(): boolean {
  return tcpTuning.ecn != EcnUse.Never && segmentHas(TcpFlag.Ece) && segmentHas(TcpFlag.Cwr)
}

/** Our SYN was acknowledged: ESTABLISHED. The window is the segment's; of a SYN+ACK it is not scaled. */
export function established(tcb: TcpControlBlock): void {
  tcb.snd.una = seqPlus(tcb.snd.iss, 1)
  tcb.snd.wnd = segmentHas(TcpFlag.Syn) ? segment.window : segment.window << tcb.sndScale
  tcb.snd.mostWindow = tcb.snd.wnd
  tcb.snd.wl1 = segment.seq
  tcb.snd.wl2 = segment.ack
  congestionStart(tcb)
  if (tcb.backoff == 0) rttSample(tcb, (nowMilliseconds() - tcb.waitingSince) * 1000)
  else rttStart(tcb)
  tcb.backoff = 0
  timerOff(tcb)
  timerStop(tcb.lifeTimer)
  tcb.readSince = nowMilliseconds()
  tcb.quickAcks = 16
  const owner = tcb.listener
  if (owner != null && tcb.state == TcpState.SynReceived) toBeAccepted(tcb, owner)
  tcb.state = TcpState.Established
  const socket = tcb.socket
  if (socket != null) {
    socket.state = SocketState.Connected
    socketWake(socket, SocketEvent.Out)
  }
  keepAliveStart(tcb)
  if (tcb.sendNext != null || tcb.finQueued) pendingAdd(tcb)
}

function toBeAccepted(tcb: TcpControlBlock, owner: Socket): void {
  const listener = listenerOf(owner)
  queueRemove(listener.making, tcb)
  queueAppend(listener.made, tcb)
  socketWake(owner, SocketEvent.In)
}
