// How a connection ends: what it held goes back, and its user is told. RFC 9293 §3.6, §3.10.4, §3.10.5. Main-loop context only.

import { Errno } from '../../lib/errno.ts'
import { staticMemory, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import { timerStop } from '../../lib/timer.ts'
import { SocketEvent, SocketState } from '../socket/socket.ts'
import { socketWake } from '../socket/wake.ts'
import { stateOf, type TcpControlBlock } from './control-block.ts'
import { TcpFlag } from './header.ts'
import { listenerOf, queueRemove } from './listener.ts'
import { timestampsWrite } from './options.ts'
import { pendingRemove } from './pending.ts'
import { earlyClear } from './early.ts'
import { receiveClear } from './receive-queue.ts'
import { timestampNow } from './secret.ts'
import { sendClear } from './send-queue.ts'
import { TcpState, isSynchronized } from './state.ts'
import { tcpCounters } from './stats.ts'
import { tcpUnmake } from './table.ts'
import { timeWaitEnter } from './time-wait.ts'
import { segmentTransmitBare } from './transmit.ts'

const options = staticMemory(16)

/**
 * The connection is no more: CLOSED. `error` is what its user is told, None for an end in good order; what came before
 * can still be read.
 */
export function tcpEnd(tcb: TcpControlBlock, error: i32): void {
  timerStop(tcb.retransmitTimer)
  timerStop(tcb.ackTimer)
  timerStop(tcb.burstTimer)
  timerStop(tcb.lifeTimer)
  pendingRemove(tcb)
  unqueue(tcb)
  sendClear(tcb)
  if (error != Errno.None) countEnd(tcb)
  tcb.state = TcpState.Closed
  const socket = tcb.socket
  if (socket == null) {
    release(tcb)
    return
  }
  tcb.error = error
  socket.error = error
  socket.state = SocketState.Closed
  socketWake(socket, SocketEvent.In | SocketEvent.Out | SocketEvent.Error | SocketEvent.HangUp | SocketEvent.PeerEnded)
}

/** A closed connection that its socket still holds, for what can be read, is let go; no socket has it any more. */
export function tcpRelease(tcb: TcpControlBlock): void {
  const socket = tcb.socket
  if (socket != null) socket.protocolState = 0 as ptr
  tcb.socket = null
  release(tcb)
}

function release(tcb: TcpControlBlock): void {
  earlyClear(tcb)
  receiveClear(tcb)
  tcpUnmake(tcb)
}

function countEnd(tcb: TcpControlBlock): void {
  if (isSynchronized(stateOf(tcb))) tcpCounters.establishedResets += 1
  else tcpCounters.attemptFails += 1
}

/** Off the queues of who listens. */
function unqueue(tcb: TcpControlBlock): void {
  const owner = tcb.listener
  if (owner == null) return
  const listener = listenerOf(owner)
  if (stateOf(tcb) == TcpState.SynReceived) queueRemove(listener.making, tcb)
  else queueRemove(listener.made, tcb)
  tcb.listener = null
}

/** ABORT: the peer hears of it, RFC 9293 §3.10.5. */
export function tcpAbort(tcb: TcpControlBlock, error: i32): void {
  resetSend(tcb)
  tcpEnd(tcb, error)
}

/** <SEQ=SND.NXT><CTL=RST>, with an ACK; not before there is somebody who would know of it. RFC 9293 §3.10.5. */
function resetSend(tcb: TcpControlBlock): void {
  const state: TcpState = stateOf(tcb)
  if (state == TcpState.SynSent || state == TcpState.Closed) return
  const length: u32 = tcb.timestamps ? timestampsWrite(options, timestampNow(tcb.tsOffset), tcb.tsRecent) : 0 // RFC 7323 §3.2
  segmentTransmitBare(
    tcb.localAddress, tcb.localPort, tcb.remoteAddress, tcb.remotePort,
    tcb.snd.nxt, tcb.rcv.nxt, TcpFlag.Rst | TcpFlag.Ack, 0, options, length,
  )
}

/** Both FINs were acknowledged: TIME-WAIT. What the socket has not read stays with it. */
export function tcpTimeWait(tcb: TcpControlBlock): void {
  timeWaitEnter(tcb)
  tcpEnd(tcb, Errno.None)
}
