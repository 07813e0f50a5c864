// struct itimerspec: what timer_settime(2) and timerfd_settime(2) are told of a timer, and tell: which clock, when first, how often.

import { TimeSpec } from '../fs/layouts.ts'
import { clockNow64, clockUpdate } from '../lib/clock.ts'
import { Errno } from '../lib/errno.ts'
import { add64, compare64, copy64, scale64, store64, subtract64 } from '../lib/intrinsics.ts'
import { address, at, sizeof, staticMemory, wire, type Bytes, type Embed, type i32, type ptr, type u32 } from '../lib/layout.ts'
import {
  LongTimer, longTimerLeft, longTimerLook, longTimerStart, longTimerStop, type LongTimerFired,
} from '../lib/long-timer.ts'
import { wallClockAtBoot } from '../lib/wall-clock.ts'
import type { Process } from '../process/process.ts'
import { userCopyIn, userCopyOut } from '../vm/user-copy.ts'
import { scratchRest } from './scratch.ts'
import { MICROSECONDS_PER_SECOND, timeFault, timeFromMicroseconds, timeMicroseconds } from './time-value.ts'

/** Clocks that a timer can go by. clock_gettime(2). */
const enum Clock { Realtime = 0, Monotonic = 1, BootTime = 7, RealtimeAlarm = 8, BootTimeAlarm = 9 }
/** TIMER_ABSTIME, TFD_TIMER_ABSTIME: a moment of the clock, not a time from now. */
export const TIMER_ABSOLUTE: u32 = 1

/** timerfd_settime(2) specification. */
@wire(32)
class TimerSpec {
  interval: Embed<TimeSpec>
  value: Embed<TimeSpec>
}

/** What a call has of timers on its way: two of timerfd_settime(2)'s specification, and two numbers of microseconds. */
@wire(80)
class Workspace {
  next: Embed<TimerSpec>
  old: Embed<TimerSpec>
  interval: Bytes<8>
  value: Bytes<8>
}

const boot = staticMemory(8, 8)

function workspaceOf(self: Process): Workspace {
  return at<Workspace>(scratchRest(self))
}

/** Whether there is such a clock for timers. None of them stops: there is no sleep to be woken from, and nobody sets the time of day. */
export function timerClockIs(clock: u32): boolean {
  return clock == Clock.Realtime || clock == Clock.Monotonic || clock == Clock.BootTime || clock == Clock.RealtimeAlarm
    || clock == Clock.BootTimeAlarm
}

/** Read what a timer is to do. Errors: BadAddress, InvalidArgument. May sleep. */
export function timerSpecRead(self: Process, from: ptr): i32 {
  const workspace = workspaceOf(self)
  if (userCopyIn(address(workspace.next), from, sizeof<TimerSpec>()) != Errno.None) return Errno.BadAddress
  const fault: i32 = timeFault(workspace.next.interval)
  return fault != Errno.None ? fault : timeFault(workspace.next.value)
}

/** What there is of a timer, for timerSpecWrite. */
export function timerSpecTell(self: Process, timer: LongTimer): void {
  const workspace = workspaceOf(self)
  clockUpdate()
  longTimerLook(timer)
  longTimerLeft(workspace.value, timer)
  timeFromMicroseconds(workspace.old.value, workspace.value)
  copy64(workspace.interval, 0, timer.interval, 0)
  timeFromMicroseconds(workspace.old.interval, workspace.interval)
}

/** Tell the caller what timerSpecTell found. Errors: BadAddress. May sleep. */
export function timerSpecWrite(self: Process, to: ptr): i32 {
  return userCopyOut(to, address(workspaceOf(self).old), sizeof<TimerSpec>())
}

/** The timer does what timerSpecRead read, from now on; with a time of 0 it stops. */
export function timerSpecStart(self: Process, timer: LongTimer, clock: u32, absolute: boolean, fired: LongTimerFired): void {
  const workspace = workspaceOf(self)
  const value = workspace.next.value
  longTimerStop(timer)
  store64(timer.interval, 0, 0, 0)
  if (timeIsZero(value)) return
  clockUpdate()
  timeMicroseconds(workspace.interval, workspace.next.interval)
  timeMicroseconds(workspace.value, value)
  if (!absolute) add64(workspace.value, workspace.value, clockNow64())
  else if (clock == Clock.Realtime || clock == Clock.RealtimeAlarm) sinceBoot(workspace.value)
  longTimerStart(timer, workspace.value, workspace.interval, fired)
}

function timeIsZero(time: TimeSpec): boolean {
  return (time.seconds.low | time.seconds.high | time.nanoseconds.low) == 0
}

/** A moment of the time of day as one since boot; 0 if it was before that. */
function sinceBoot(moment: ptr): void {
  store64(boot, 0, wallClockAtBoot(), 0)
  scale64(boot, boot, MICROSECONDS_PER_SECOND, 0)
  if (compare64(moment, boot) < 0) store64(moment, 0, 0, 0)
  else subtract64(moment, moment, boot)
}
