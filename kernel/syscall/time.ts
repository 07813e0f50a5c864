// System calls about time: clocks, sleeping, timers. clock_gettime(2), nanosleep(2), setitimer(2) and their like.
//
// The clock counts microseconds; sleeping and timers are in milliseconds, rounded up (time-value.ts).

import { clockNow64, clockUpdate, nowMicroseconds, nowMilliseconds } from '../lib/clock.ts'
import { Errno } from '../lib/errno.ts'
import { copy64, divide64, increase64 } from '../lib/intrinsics.ts'
import { address, at, plus, sizeof, staticMemory, staticStruct, wire, type Embed, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { zeroBytes } from '../lib/memory.ts'
import { sleepFor } from '../lib/sleep.ts'
import { Timer, timerActive, timerStart, timerStop } from '../lib/timer.ts'
import { Long, TimeSpec } from '../fs/layouts.ts'
import { Process } from '../process/process.ts'
import { Signal } from '../process/signal-number.ts'
import { leaderOf, signalSend } from '../process/signal.ts'
import type { SignalGroup } from '../process/signal-state.ts'
import { userCopyOut } from '../vm/user-copy.ts'
import { scratchRest, scratchTime } from './scratch.ts'
import {
  NANOSECONDS_PER_SECOND, timeFromMicroseconds, timeLeft, timeMilliseconds, timeOfDay, timeRead, timeUntil, timeValueFromMilliseconds,
  timeValueMilliseconds, timeValueRead, timeWrite,
} from './time-value.ts'

/** clock_gettime(2)'s clocks that there are. Those without a second name are the same as one that has. */
const enum Clock {
  Realtime = 0, Monotonic = 1, ProcessTime = 2, ThreadTime = 3, MonotonicRaw = 4, RealtimeCoarse = 5, MonotonicCoarse = 6, Boottime = 7,
}

/** TIMER_ABSTIME. */
const ABSOLUTE: u32 = 1
/** A clock's resolution in nanoseconds: it counts microseconds. */
const RESOLUTION: u32 = 1000
/** Microseconds of a clock tick, of which sysconf says that there are 100 a second. */
const MICROSECONDS_PER_TICK: u32 = 10_000
const MILLISECONDS_PER_TICK: u32 = 10
/** ITIMER_REAL; the timers of processor time do not exist. */
const ITIMER_REAL: u32 = 0

/** struct itimerval: what is left first, or is to begin; and the period. setitimer(2) specification. */
@wire(32)
class TimerValue {
  interval: Embed<TimeSpec>
  value: Embed<TimeSpec>
}

/** struct tms. times(2) specification. */
@wire(32)
class ProcessTimes {
  user: Embed<Long>
  system: Embed<Long>
  childUser: Embed<Long>
  childSystem: Embed<Long>
}

/** struct timezone: all zero here. gettimeofday(2) specification. */
@wire(8)
class TimeZone {
  minutesWest: Embed<Long>
}

const zone = staticStruct<TimeZone>()
const microseconds = staticMemory(8, 8)

// --- What time it is. -------------------------------------------------------------------------------------

/** The microseconds a process has run, up to now, at `microseconds`. */
function runTime(process: Process): void {
  clockUpdate()
  copy64(microseconds, 0, process.runTime, 0)
  increase64(microseconds, nowMicroseconds() - process.runStart)
}

/** The time on a clock into the scratch; false: there is no such clock. */
function clockRead(self: Process, clock: u32): boolean {
  const time = scratchTime(self)
  zeroBytes(address(time), sizeof<TimeSpec>())
  switch (clock) {
    case Clock.Realtime:
    case Clock.RealtimeCoarse:
      timeOfDay(time)
      return true
    case Clock.Monotonic:
    case Clock.MonotonicRaw:
    case Clock.MonotonicCoarse:
    case Clock.Boottime:
      clockUpdate()
      timeFromMicroseconds(time, clockNow64())
      return true
    case Clock.ProcessTime:
    case Clock.ThreadTime:
      runTime(self)
      timeFromMicroseconds(time, microseconds)
      return true
    default: return false
  }
}

/** clock_gettime(2). The processor time of a process is that of the calling thread. Errors: InvalidArgument, BadAddress. May sleep. */
export function sysClockGettime(self: Process, clock: u32, to: ptr): i32 {
  return clockRead(self, clock) ? timeWrite(to, scratchTime(self)) : Errno.InvalidArgument
}

/** clock_getres(2). Errors: InvalidArgument, BadAddress. May sleep. */
export function sysClockGetres(self: Process, clock: u32, to: ptr): i32 {
  if (!clockRead(self, clock)) return Errno.InvalidArgument
  if (to == 0) return Errno.None
  const time = scratchTime(self)
  zeroBytes(address(time), sizeof<TimeSpec>())
  time.nanoseconds.low = RESOLUTION
  return timeWrite(to, time)
}

/** gettimeofday(2). Errors: BadAddress. May sleep. */
export function sysGettimeofday(self: Process, to: ptr, zoneTo: ptr): i32 {
  if (to != 0) {
    const time = scratchTime(self)
    timeOfDay(time)
    time.nanoseconds.low = time.nanoseconds.low / 1000
    const error = timeWrite(to, time)
    if (error != Errno.None) return error
  }
  return zoneTo == 0 ? Errno.None : userCopyOut(zoneTo, address(zone), sizeof<TimeZone>())
}

/** time(2). Errors: BadAddress. May sleep. */
export function sysTime(self: Process, to: ptr): u32 {
  const time = scratchTime(self)
  timeOfDay(time)
  const seconds: u32 = time.seconds.low
  if (to == 0 || userCopyOut(to, address(time.seconds), sizeof<Long>()) == Errno.None) return seconds
  return Errno.BadAddress as number as u32
}

/** times(2): ticks since boot; all a process's time is told as user time. Errors: BadAddress. May sleep. */
export function sysTimes(self: Process, to: ptr): u32 {
  if (to != 0) {
    const times = at<ProcessTimes>(scratchRest(self))
    zeroBytes(address(times), sizeof<ProcessTimes>())
    runTime(self)
    divide64(address(times.user), microseconds, MICROSECONDS_PER_TICK)
    divide64(address(times.childUser), leaderOf(self).childTime, MICROSECONDS_PER_TICK)
    if (userCopyOut(to, address(times), sizeof<ProcessTimes>()) != Errno.None) return Errno.BadAddress as number as u32
  }
  clockUpdate()
  return nowMilliseconds() / MILLISECONDS_PER_TICK
}

// --- Sleeping. --------------------------------------------------------------------------------------------

/** Sleep so long: None, or Interrupted. */
function sleepAll(milliseconds: u32): i32 {
  clockUpdate()
  const since: u32 = nowMilliseconds()
  let left: u32 = milliseconds
  while (left != 0) {
    const slept = sleepFor(null, left)
    if (slept == Errno.Interrupted) return slept
    clockUpdate()
    left = timeLeft(milliseconds, since, nowMilliseconds())
  }
  return Errno.None
}

/** nanosleep(2). Errors: Interrupted (`remaining` then says what is left), InvalidArgument, BadAddress. May sleep. */
export function sysNanosleep(self: Process, request: ptr, remaining: ptr): i32 {
  return sleepRelative(self, request, remaining)
}

function sleepRelative(self: Process, request: ptr, remaining: ptr): i32 {
  const time = scratchTime(self)
  const error = timeRead(request, time)
  if (error != Errno.None) return error
  const limit = timeMilliseconds(time)
  clockUpdate()
  const since: u32 = nowMilliseconds()
  const slept = sleepAll(limit)
  if (slept != Errno.Interrupted || remaining == 0) return slept
  clockUpdate()
  const left: u32 = timeLeft(limit, since, nowMilliseconds())
  zeroBytes(address(time), sizeof<TimeSpec>())
  time.seconds.low = left / 1000
  time.nanoseconds.low = (left % 1000) * (NANOSECONDS_PER_SECOND / 1000)
  return timeWrite(remaining, time) == Errno.None ? slept : Errno.BadAddress
}

/** clock_nanosleep(2). Errors: as nanosleep; NotSupported for the clock of a thread's time. May sleep. */
export function sysClockNanosleep(self: Process, clock: u32, flags: u32, request: ptr, remaining: ptr): i32 {
  if (clock >= Clock.ProcessTime && clock <= Clock.MonotonicCoarse) return Errno.NotSupported
  if (clock != Clock.Realtime && clock != Clock.Monotonic && clock != Clock.Boottime) return Errno.InvalidArgument
  if ((flags & ABSOLUTE) == 0) return sleepRelative(self, request, remaining)
  const time = scratchTime(self)
  const error = timeRead(request, time)
  return error != Errno.None ? error : sleepAll(timeUntil(time, clock == Clock.Realtime))
}

// --- Timers. ----------------------------------------------------------------------------------------------

/** The time of a process's timer is up: it gets Alarm, and the timer begins again if it has a period. */
function alarmFired(timer: Timer): void {
  const process = at<Process>(timer.owner)
  const group = process.signals.group
  if (group.alarmInterval != 0) timerStart(timer, group.alarmInterval, alarmFired)
  signalSend(process, Signal.Alarm)
}

/** What is left of a process's timer, without the millisecond that was added; 0: it does not run. */
function alarmLeft(group: SignalGroup): u32 {
  if (!timerActive(group.alarm)) return 0
  const left: i32 = (group.alarm.expires - nowMilliseconds()) as number as i32
  return left > 1 ? (left - 1) as number as u32 : 1
}

function alarmSet(self: Process, milliseconds: u32, interval: u32): void {
  const group = self.signals.group
  timerStop(group.alarm)
  group.alarmInterval = interval
  group.alarm.owner = address(leaderOf(self))
  if (milliseconds != 0) timerStart(group.alarm, milliseconds, alarmFired)
}

/** alarm(2): seconds that were left of the one before, rounded up. */
export function sysAlarm(self: Process, seconds: u32): u32 {
  clockUpdate()
  const left: u32 = alarmLeft(self.signals.group)
  const most: u32 = 2_147_483
  alarmSet(self, seconds == 0 ? 0 : (seconds < most ? seconds : most) * 1000 + 1, 0)
  return (left + 999) / 1000
}

/** setitimer(2), of ITIMER_REAL. Errors: InvalidArgument, BadAddress. May sleep. */
export function sysSetitimer(self: Process, which: u32, next: ptr, old: ptr): i32 {
  if (which != ITIMER_REAL) return Errno.InvalidArgument
  let interval: u32 = 0
  let value: u32 = 0
  const time = scratchTime(self)
  if (next != 0) {
    let error: i32 = timeValueRead(next, time)
    interval = timeValueMilliseconds(time)
    if (interval != 0) interval -= 1 // periods add up: they are not to drift
    if (error == Errno.None) error = timeValueRead(plus(next, sizeof<TimeSpec>()), time)
    value = timeValueMilliseconds(time)
    if (error != Errno.None) return error
  }
  clockUpdate()
  const group = self.signals.group
  const oldLeft = alarmLeft(group)
  const oldInterval: u32 = group.alarmInterval
  alarmSet(self, value, interval)
  return old == 0 ? Errno.None : timerOut(self, old, oldLeft, oldInterval)
}

/** getitimer(2), of ITIMER_REAL. Errors: InvalidArgument, BadAddress. May sleep. */
export function sysGetitimer(self: Process, which: u32, to: ptr): i32 {
  if (which != ITIMER_REAL) return Errno.InvalidArgument
  clockUpdate()
  return timerOut(self, to, alarmLeft(self.signals.group), self.signals.group.alarmInterval)
}

function timerOut(self: Process, to: ptr, left: u32, interval: u32): i32 {
  const timerValue = at<TimerValue>(scratchRest(self))
  timeValueFromMilliseconds(timerValue.value, left)
  timeValueFromMilliseconds(timerValue.interval, interval)
  return userCopyOut(to, address(timerValue), sizeof<TimerValue>())
}
