// System calls about time: clocks and sleeping. clock_gettime(2), nanosleep(2) and their like.
//
// The clock counts microseconds; sleeping is in milliseconds, rounded up (time-value.ts).

import { clockNow64, clockUpdate, nowMilliseconds } from '../lib/clock.ts'
import { Errno } from '../lib/errno.ts'
import { address, sizeof, staticMemory, staticStruct, wire, type Embed, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { zeroBytes } from '../lib/memory.ts'
import { sleepFor } from '../lib/sleep.ts'
import { Long, TimeSpec } from '../fs/layouts.ts'
import { timeSettle } from '../process/accounting.ts'
import { Process } from '../process/process.ts'
import { processorMicrosecondsOfBoth, type ProcessorTime } from '../process/processor-time.ts'
import { processOf } from '../process/table.ts'
import { userCopyOut } from '../vm/user-copy.ts'
import { scratchTime } from './scratch.ts'
import {
  NANOSECONDS_PER_SECOND, timeFromMicroseconds, timeLeft, timeMilliseconds, timeOfDay, timeRead, timeUntil, timeWrite,
} from './time-value.ts'

/** clock_gettime(2)'s clocks that there are. Those without a second name are the same as one that has. */
const enum Clock {
  Realtime = 0, Monotonic = 1, ProcessTime = 2, ThreadTime = 3, MonotonicRaw = 4, RealtimeCoarse = 5, MonotonicCoarse = 6, Boottime = 7,
}

/** Clocks of others: the complement of an id, shifted, and below it whether it is a process's or a thread's. clock_getcpuclockid(3). */
const CLOCK_SHIFT: u32 = 3
const CLOCK_KIND: u32 = 7
const OF_PROCESS: u32 = 2
const OF_THREAD: u32 = 6
/** TIMER_ABSTIME. */
const ABSOLUTE: u32 = 1
/** A clock's resolution in nanoseconds: it counts microseconds. */
const RESOLUTION: u32 = 1000

/** struct timezone: all zero here. gettimeofday(2) specification. */
@wire(8)
class TimeZone {
  minutesWest: Embed<Long>
}

const zone = staticStruct<TimeZone>()
const microseconds = staticMemory(8, 8)

// --- What time it is. -------------------------------------------------------------------------------------

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
    default: return processorClockRead(self, clock, time)
  }
}

/** The time on a clock of processor time; false: it is none. */
function processorClockRead(self: Process, clock: u32, out: TimeSpec): boolean {
  const time = processorClock(self, clock)
  if (time == null) return false
  timeSettle(self)
  processorMicrosecondsOfBoth(microseconds, time)
  timeFromMicroseconds(out, microseconds)
  return true
}

/** What a clock of processor time counts: the caller's, or, by a negative number, that of a process, or of a thread of the caller's. */
function processorClock(self: Process, clock: u32): ProcessorTime | null {
  if (clock == Clock.ProcessTime) return self.signals.group.time
  if (clock == Clock.ThreadTime) return self.time
  const number = clock as number as i32
  if (number >= 0) return null
  const pid = ~(number >> CLOCK_SHIFT) as number as u32
  const process = pid == 0 ? self : processOf(pid)
  if (process == null) return null
  if ((clock & CLOCK_KIND) == OF_THREAD) return process.group == self.group ? process.time : null
  return (clock & CLOCK_KIND) == OF_PROCESS && (pid == 0 || process.pid == process.group) ? process.signals.group.time : null
}

/** clock_gettime(2). Errors: InvalidArgument, BadAddress. May sleep. */
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
