// Timers of a process's own processor time, ITIMER_VIRTUAL and ITIMER_PROF, and the limit on it, RLIMIT_CPU: setitimer(2),
// getrlimit(2). They are looked at when an interrupt has come, so at least every time slice: a signal comes up to one late, never
// early but by what is estimated of user mode (processor-time.ts). Context: a process's own.

import { add64, compare64, copy64, divide64, load32, store64, subtract64 } from '../lib/intrinsics.ts'
import { nth, staticMemory, type ptr, type u32 } from '../lib/layout.ts'
import { timeSettle } from './accounting.ts'
import { NO_LIMIT, Resource } from './limits.ts'
import type { Process } from './process.ts'
import { processorMicroseconds, processorMicrosecondsOfBoth, type ProcessorTimer } from './processor-time.ts'
import { Signal } from './signal-number.ts'
import { leaderOf, signalSend } from './signal.ts'

const MICROSECONDS_PER_SECOND: u32 = 1_000_000
const now = staticMemory(8, 8)
const zero = staticMemory(8, 8)
const quotient = staticMemory(8, 8)

/** Whether a timer runs. */
export function processorTimerRuns(timer: ProcessorTimer): boolean {
  return compare64(timer.expires, zero) != 0
}

/** The time that a timer of the running process counts, up to now: 64-bit microseconds at the address returned. */
function timeFor(self: Process, timer: ProcessorTimer): ptr {
  const group = self.signals.group
  timeSettle(self)
  if (timer == group.virtualTimer) processorMicroseconds(now, group.time.user)
  else processorMicrosecondsOfBoth(now, group.time)
  return now
}

/** Start a timer of the running process: it expires in `value`, then every `interval`, both 64-bit microseconds; 0 stops it. */
export function processorTimerSet(self: Process, timer: ProcessorTimer, value: ptr, interval: ptr): void {
  copy64(timer.interval, 0, interval, 0)
  if (compare64(value, zero) == 0) store64(timer.expires, 0, 0, 0)
  else add64(timer.expires, value, timeFor(self, timer))
  self.signals.group.timed = true
}

/** What is left of a timer of the running process, 64-bit microseconds at `out`: 0 if it does not run, else 1 at least. */
export function processorTimerLeft(self: Process, timer: ProcessorTimer, out: ptr): void {
  store64(out, 0, 0, 0)
  if (!processorTimerRuns(timer)) return
  if (compare64(timeFor(self, timer), timer.expires) >= 0) store64(out, 0, 1, 0)
  else subtract64(out, timer.expires, now)
}

/** Send what is due to the running process. */
export function processorTimersLook(self: Process): void {
  const group = self.signals.group
  if (!group.timed) return
  expire(self, group.virtualTimer, Signal.VirtualAlarm)
  expire(self, group.profileTimer, Signal.Profile)
  limitLook(self)
  group.timed = processorTimerRuns(group.virtualTimer) || processorTimerRuns(group.profileTimer) ||
    nth(group.limits, Resource.ProcessorTime).soft != NO_LIMIT
}

function expire(self: Process, timer: ProcessorTimer, number: u32): void {
  if (!processorTimerRuns(timer) || compare64(timeFor(self, timer), timer.expires) < 0) return
  if (compare64(timer.interval, zero) == 0) store64(timer.expires, 0, 0, 0)
  else add64(timer.expires, timer.expires, timer.interval)
  signalSend(leaderOf(self), number)
}

/** Past the hard limit it is over; past the soft one it is told every second, for which the limit moves on, as on Linux. */
function limitLook(self: Process): void {
  const limit = nth(self.signals.group.limits, Resource.ProcessorTime)
  if (limit.soft == NO_LIMIT) return
  divide64(quotient, timeFor(self, self.signals.group.profileTimer), MICROSECONDS_PER_SECOND)
  const seconds: u32 = load32(quotient, 0)
  if (limit.hard != NO_LIMIT && seconds >= limit.hard) return signalSend(leaderOf(self), Signal.Kill)
  if (seconds < limit.soft) return
  limit.soft += 1
  signalSend(leaderOf(self), Signal.ProcessorLimit)
}
