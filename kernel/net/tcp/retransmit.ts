// The retransmission timer has fired: a timeout, a loss probe, a look at what may be lost, a closed window. RFC 6298 §5,
// RFC 8985 §7.3, RFC 9293 §3.8.3, §3.8.6.1. Main-loop context only.

import { TCP_CONNECT_TIMEOUT, TCP_SYNACK_RETRIES } from '../../config.ts'
import { nowMilliseconds } from '../../lib/clock.ts'
import { Errno } from '../../lib/errno.ts'
import { at, type i32, type u32 } from '../../lib/layout.ts'
import type { Timer } from '../../lib/timer.ts'
import { packetLength } from '../../drivers/net/packet.ts'
import { congestionProportional, congestionRepair, congestionTimeout } from './congestion.ts'
import { Phase, TcpControlBlock, TimerUse, phaseOf, stateOf } from './control-block.ts'
import { tcpAbort, tcpEnd } from './end.ts'
import { TcpFlag } from './header.ts'
import { bufferAgain, finAgain, probeNew, tcpOutput } from './output.ts'
import { markAllLost, rackDetect } from './rack.ts'
import { rtoBackOff } from './rtt.ts'
import { sizeIsLost, sizeReduce } from './segment-size.ts'
import { seqPlus } from './sequence.ts'
import { TcpState } from './state.ts'
import { tcpCounters } from './stats.ts'
import { timerAnsweredBy, timerFor, timerRest, timerRestart } from './timer.ts'
import { segmentTransmit } from './transmit.ts'

/** Timeouts in a row after which large segments are suspected to vanish: RFC 4821 §7.7, RFC 2923 §2.1. */
const BLACK_HOLE_TIMEOUTS: u32 = 3
/** What every path takes: 576 bytes less the fixed headers and timestamps. RFC 1122 §3.3.3. */
const SAFE_MSS: u32 = 524

/** Milliseconds between two tries when the card takes nothing. */
const CARD_FULL: u32 = 500

/** Timers are answered here. */
export function retransmitInit(): void {
  timerAnsweredBy(fired)
}

function fired(timer: Timer): void {
  const tcb = at<TcpControlBlock>(timer.owner)
  const use: TimerUse = tcb.timerUse
  tcb.timerUse = TimerUse.None
  switch (use) {
    case TimerUse.LossProbe: return lossProbe(tcb)
    case TimerUse.Reorder: return reorder(tcb)
    case TimerUse.Persist: return windowProbe(tcb)
    case TimerUse.Retransmit: return timeout(tcb)
  }
}

/** RFC 6298 §5, (5.4) to (5.7). */
function timeout(tcb: TcpControlBlock): void {
  const state: TcpState = stateOf(tcb)
  if (state == TcpState.SynSent || state == TcpState.SynReceived) return synTimeout(tcb)
  if (nowMilliseconds() - tcb.waitingSince >= tcb.userTimeout) return tcpAbort(tcb, gaveUp(tcb)) // R2, RFC 9293 §3.8.3
  tcpCounters.timeouts += 1
  tcb.stats.timeouts += 1
  rtoBackOff(tcb)
  if (tcb.sendFirst == null || tcb.sendFirst == tcb.sendNext) finAgain(tcb)
  else dataTimeout(tcb)
  timerRestart(tcb)
}

/** What its user is told of a connection that nobody answers: what ICMP said, if it did. RFC 1122 §4.2.3.9. */
function gaveUp(tcb: TcpControlBlock): i32 {
  return tcb.softError != Errno.None ? tcb.softError : Errno.TimedOut
}

function dataTimeout(tcb: TcpControlBlock): void {
  const first: boolean = phaseOf(tcb) != Phase.Loss
  if (tcb.backoff >= BLACK_HOLE_TIMEOUTS && tcb.mss > SAFE_MSS) sizeReduce(tcb, SAFE_MSS)
  congestionTimeout(tcb)
  tcb.congestion.spurious = first && tcb.backoff == 1
  tcb.rack.probing = false
  tcb.rack.guessed = tcb.snd.nxt
  markAllLost(tcb)
  tcpOutput(tcb)
}

/** RFC 1122 §4.2.3.5: our SYN is tried for three minutes, an answer to another's less long. */
function synTimeout(tcb: TcpControlBlock): void {
  const active: boolean = stateOf(tcb) == TcpState.SynSent || !tcb.passive
  const over: boolean = active ? nowMilliseconds() - tcb.waitingSince >= TCP_CONNECT_TIMEOUT : tcb.backoff >= TCP_SYNACK_RETRIES
  if (over) return tcpEnd(tcb, gaveUp(tcb))
  rtoBackOff(tcb)
  tcpCounters.segmentsRetransmitted += 1
  synSend(tcb)
  timerFor(tcb, TimerUse.Retransmit, tcb.rtt.rto)
}

/** SYN or SYN+ACK, by the state. With ECN as RFC 3168 §6.1.1 negotiates it; a repeated one has none, and then there is none. */
export function synSend(tcb: TcpControlBlock): void {
  const answer: boolean = stateOf(tcb) == TcpState.SynReceived
  if (tcb.backoff != 0) tcb.ecn = false // RFC 3168 §6.1.1.1
  const ecn: u32 = !tcb.ecn ? TcpFlag.None : answer ? TcpFlag.Ece : TcpFlag.Ece | TcpFlag.Cwr
  segmentTransmit(tcb, null, 0, tcb.snd.iss, TcpFlag.Syn | (answer ? TcpFlag.Ack : TcpFlag.None) | ecn)
}

/** TLP_send_probe. RFC 8985 §7.3: something new if there is, else the last segment again. */
function lossProbe(tcb: TcpControlBlock): void {
  tcpCounters.lossProbes += 1
  const fresh: boolean = probeNew(tcb)
  if (!fresh && (tcb.finAlone || !lastAgain(tcb))) {
    if (!tcb.finSent) return timerRest(tcb)
    finAgain(tcb)
  }
  tcb.rack.probing = true
  tcb.rack.probeRepeats = !fresh
  tcb.rack.probeEnd = tcb.snd.nxt
  tcb.rack.guessed = tcb.snd.nxt
  tcb.rack.used = true
  timerRestart(tcb)
}

function lastAgain(tcb: TcpControlBlock): boolean {
  let each = tcb.sendFirst
  let last = each
  while (each != null && each != tcb.sendNext) {
    last = each
    each = each.next
  }
  return last != null && last != tcb.sendNext && bufferAgain(tcb, last, tcb.mss)
}

/** RFC 8985 §6.3: what was given a little more time is lost now. */
function reorder(tcb: TcpControlBlock): void {
  const wait: u32 = rackDetect(tcb)
  if (tcb.lostBuffers != 0 && (phaseOf(tcb) == Phase.Open || phaseOf(tcb) == Phase.Reduced) && !sizeIsLost(tcb)) {
    tcpCounters.recoveries += 1
    congestionRepair(tcb, Phase.Recovery)
    congestionProportional(tcb, tcb.mss, false) // as if the acknowledgment that was waited for had come
  }
  if (wait != 0) timerFor(tcb, TimerUse.Reorder, wait / 1000 + 1)
  else timerRest(tcb)
  tcpOutput(tcb)
}

/**
 * A closed window is asked for again and again, more and more seldom: RFC 9293 §3.8.6.1. An octet that the peer has, so that it
 * must answer (§3.10.7.4, first) and nothing of the window is presumed.
 */
function windowProbe(tcb: TcpControlBlock): void {
  if (tcb.sendNext == null || tcb.snd.una != tcb.snd.nxt) return
  if (tcb.snd.wnd != 0 && (tcb.cork || tcb.hold)) return pushHeld(tcb)
  if (tcb.socket == null && nowMilliseconds() - tcb.waitingSince >= tcb.userTimeout) return tcpAbort(tcb, gaveUp(tcb))
  if (nowMilliseconds() - tcb.receivedAt >= tcb.userTimeout) return tcpAbort(tcb, gaveUp(tcb)) // it does not answer at all
  if (packetLength(tcb.sendNext) <= tcb.snd.wnd) return cardFull(tcb)
  if (tcb.snd.wnd != 0) return pushHeld(tcb)
  tcpCounters.windowProbes += 1
  probeSend(tcb)
  if (tcb.persisting < 255) tcb.persisting += 1
  rtoBackOff(tcb)
  timerFor(tcb, TimerUse.Persist, tcb.rtt.rto)
  tcpOutput(tcb)
}

/** The window is open and nothing went: the card has no room, or there is no packet. That is tried at one pace, it is not the path. */
function cardFull(tcb: TcpControlBlock): void {
  if (tcb.persisting < 255) tcb.persisting += 1
  timerFor(tcb, TimerUse.Persist, CARD_FULL)
  tcpOutput(tcb)
}

/**
 * What its user held back has waited long enough (tcp(7), TCP_CORK), or what is longer than a small window, which may stay as it
 * is: the override timeout of RFC 9293 §3.8.6.2.1, (4).
 */
function pushHeld(tcb: TcpControlBlock): void {
  tcb.more = false
  tcb.push = true
  tcpOutput(tcb)
  tcb.push = false
}

/** <SEQ=SND.UNA-1><ACK=RCV.NXT><CTL=ACK>, nothing else: not acceptable, so it is answered. RFC 9293 §3.8.4. */
export function probeSend(tcb: TcpControlBlock): void {
  segmentTransmit(tcb, null, 0, seqPlus(tcb.snd.una, 0 - 1), TcpFlag.Ack)
}
