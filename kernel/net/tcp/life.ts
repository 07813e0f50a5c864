// Times of a connection's life beyond retransmission: delayed acknowledgments, keep-alive, the wait for a FIN.
// RFC 9293 §3.8.6.3, §3.8.4, RFC 1122 §4.2.3.6, §4.2.2.13. Main-loop context only.

import { TCP_DELAYED_ACK, TCP_FIN_WAIT } from '../../config.ts'
import { nowMilliseconds } from '../../lib/clock.ts'
import { Errno } from '../../lib/errno.ts'
import { at, type u32 } from '../../lib/layout.ts'
import { timerActive, timerStart, timerStop, type Timer } from '../../lib/timer.ts'
import { TcpControlBlock, stateOf } from './control-block.ts'
import { tcpAbort, tcpEnd, tcpTimeWait } from './end.ts'
import { ackSend } from './output.ts'
import { probeSend } from './retransmit.ts'
import { TcpState } from './state.ts'
import { tcpCounters } from './stats.ts'

/** What came in order is acknowledged soon: by then there may be something to send with it. */
export function ackLater(tcb: TcpControlBlock): void {
  if (!timerActive(tcb.ackTimer)) timerStart(tcb.ackTimer, TCP_DELAYED_ACK, ackFired)
}

function ackFired(timer: Timer): void {
  const tcb = at<TcpControlBlock>(timer.owner)
  if (tcb.rcv.acked == tcb.rcv.nxt) return // some segment has said it
  tcpCounters.delayedAcks += 1
  ackSend(tcb)
}

/** Probe an idle connection, if its user wants to know. RFC 9293 §3.8.4: off unless asked for. */
export function keepAliveStart(tcb: TcpControlBlock): void {
  if (stateOf(tcb) != TcpState.Established && stateOf(tcb) != TcpState.CloseWait) return
  if (tcb.keepAlive) timerStart(tcb.lifeTimer, tcb.keepIdle, keepFired)
  else timerStop(tcb.lifeTimer)
}

function keepFired(timer: Timer): void {
  const tcb = at<TcpControlBlock>(timer.owner)
  if (!tcb.keepAlive) return
  const idle: u32 = nowMilliseconds() - tcb.receivedAt
  if (idle < tcb.keepIdle) {
    tcb.keepSent = 0
    return timerStart(timer, tcb.keepIdle - idle, keepFired)
  }
  if (tcb.snd.una != tcb.snd.nxt || tcb.sendNext != null) return timerStart(timer, tcb.keepIdle, keepFired) // the RTO sees to it
  if (tcb.keepSent >= tcb.keepProbes) return tcpAbort(tcb, Errno.TimedOut)
  tcb.keepSent += 1
  tcpCounters.keepAlives += 1
  probeSend(tcb)
  timerStart(timer, tcb.keepInterval, keepFired)
}

/**
 * Nobody here has the connection any more; the peer's FIN is waited for TCP_FIN_WAIT, no longer (RFC 9293 §3.6.1 lets a
 * host be so). Called when FIN-WAIT-2 begins, and when its user leaves it there.
 */
export function finWaitStart(tcb: TcpControlBlock): void {
  timerStart(tcb.lifeTimer, TCP_FIN_WAIT, finFired)
}

function finFired(timer: Timer): void {
  const tcb = at<TcpControlBlock>(timer.owner)
  if (stateOf(tcb) == TcpState.FinWait2) return tcpTimeWait(tcb)
  tcpEnd(tcb, Errno.TimedOut)
}
