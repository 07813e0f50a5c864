// The retransmission timer: one for the four things it may be waiting for. RFC 6298 §5, RFC 8985 §7.2, RFC 9293 §3.8.6.1.
// Who answers when it fires is retransmit.ts, which says so at the start. Main-loop context only.

import { nowMilliseconds } from '../../lib/clock.ts'
import type { u32 } from '../../lib/layout.ts'
import { timerStart, timerStop, type Timer, type TimerFired } from '../../lib/timer.ts'
import { Phase, TimerUse, type TcpControlBlock } from './control-block.ts'
import { rttSmoothed } from './rtt.ts'
import { tcpTuning } from './tuning.ts'

/** What a peer may delay its acknowledgment: TLP.max_ack_delay, RFC 8985 §7.2. */
const MOST_ACK_DELAY: u32 = 200
/** Before there is a measurement: RFC 8985 §7.2. */
const PROBE_FIRST: u32 = 1000

let answer: TimerFired = nobody

function nobody(timer: Timer): void {
}

/** Called when a timer fires; its `owner` is the connection. */
export function timerAnsweredBy(fired: TimerFired): void {
  answer = fired
}

/** Wait for `use` from now on, `milliseconds`. */
export function timerFor(tcb: TcpControlBlock, use: TimerUse, milliseconds: u32): void {
  tcb.timerUse = use
  timerStart(tcb.retransmitTimer, milliseconds, answer)
}

/** Wait for nothing. */
export function timerOff(tcb: TcpControlBlock): void {
  tcb.timerUse = TimerUse.None
  timerStop(tcb.retransmitTimer)
}

/** The time of the RTO begins anew, RFC 6298 §5, (5.3); a loss probe comes before it where it may. RFC 8985 §7.2. */
export function timerRestart(tcb: TcpControlBlock): void {
  tcb.rtt.startedAt = nowMilliseconds()
  if (!mayProbe(tcb)) return timerFor(tcb, TimerUse.Retransmit, tcb.rtt.rto)
  const probe: u32 = probeTimeout(tcb)
  timerFor(tcb, TimerUse.LossProbe, probe < tcb.rtt.rto ? probe : tcb.rtt.rto) // RFC 8985 §7.2: no later than the RTO, in its place
}

/** What is left of the RTO. */
export function timerRest(tcb: TcpControlBlock): void {
  const passed: u32 = nowMilliseconds() - tcb.rtt.startedAt
  timerFor(tcb, TimerUse.Retransmit, passed < tcb.rtt.rto ? tcb.rtt.rto - passed : 1)
}

/** RFC 8985 §7.2: with SACK, while nothing is being repaired, once. */
function mayProbe(tcb: TcpControlBlock): boolean {
  return tcb.sackPermitted && tcb.congestion.phase == Phase.Open && tcb.sackedBuffers == 0 && !tcb.rack.used
    && tcb.snd.una != tcb.snd.nxt
}

/** PTO. RFC 8985 §7.2. */
function probeTimeout(tcb: TcpControlBlock): u32 {
  const smoothed: u32 = rttSmoothed(tcb)
  if (smoothed == 0) return PROBE_FIRST
  let timeout: u32 = 2 * smoothed / 1000 + 2
  if (tcb.pipe <= tcb.mss) timeout += MOST_ACK_DELAY
  return timeout > tcpTuning.probeLeast ? timeout : tcpTuning.probeLeast
}
