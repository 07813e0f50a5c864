// Timers of a process: alarm(2), setitimer(2), getitimer(2), in microseconds. That of real time is a long timer; those of processor
// time are process/processor-timer.ts's.

import { clockNow64, clockUpdate } from '../lib/clock.ts'
import { Errno } from '../lib/errno.ts'
import { address, at, sizeof, wire, type Bytes, type Embed, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { add64, copy64, divide64, load32, scale64, store64 } from '../lib/intrinsics.ts'
import { zeroBytes } from '../lib/memory.ts'
import { LongTimer, longTimerLeft, longTimerStart, longTimerStop } from '../lib/long-timer.ts'
import { TimeSpec } from '../fs/layouts.ts'
import type { ProcessorTimer } from '../process/processor-time.ts'
import { processorTimerLeft, processorTimerSet } from '../process/processor-timer.ts'
import { Process } from '../process/process.ts'
import { Signal } from '../process/signal-number.ts'
import { leaderOf, signalSend } from '../process/signal.ts'
import { userCopyIn, userCopyOut } from '../vm/user-copy.ts'
import { scratchRest } from './scratch.ts'
import { MICROSECONDS_PER_SECOND, timeValueFault, timeValueFromMicroseconds, timeValueMicroseconds } from './time-value.ts'

/** What setitimer and getitimer are about. */
const enum Which { Real, Virtual, Profile }

/** struct itimerval: the period; and what is left first, or is to begin. setitimer(2) specification. */
@wire(32)
class TimerValue {
  interval: Embed<TimeSpec>
  value: Embed<TimeSpec>
}

/** What a call has of timers on its way: two of setitimer(2)'s specification, and two numbers. */
@wire(80)
class Workspace {
  next: Embed<TimerValue>
  old: Embed<TimerValue>
  interval: Bytes<8>
  value: Bytes<8>
}

/** The time of a process's timer is up. */
function alarmFired(timer: LongTimer, _times: u32): void {
  signalSend(at<Process>(timer.owner), Signal.Alarm)
}

/** Begin with what is in `value` and `interval`, microseconds; a value of 0 stops it. */
function alarmSet(self: Process, workspace: Workspace): void {
  const alarm = self.signals.group.alarm
  longTimerStop(alarm)
  copy64(alarm.interval, 0, workspace.interval, 0)
  alarm.owner = address(leaderOf(self))
  if ((load32(workspace.value, 0) | load32(workspace.value, 4)) == 0) return
  add64(workspace.value, workspace.value, clockNow64())
  longTimerStart(alarm, workspace.value, workspace.interval, alarmFired)
}

/** alarm(2): seconds that were left of the one before, to the nearest, but 1 at least. */
export function sysAlarm(self: Process, seconds: u32): u32 {
  const workspace = at<Workspace>(scratchRest(self))
  clockUpdate()
  longTimerLeft(workspace.value, self.signals.group.alarm)
  const rest: u32 = divide64(workspace.value, workspace.value, MICROSECONDS_PER_SECOND)
  const whole: u32 = load32(workspace.value, 0)
  store64(workspace.value, 0, seconds, 0)
  scale64(workspace.value, workspace.value, MICROSECONDS_PER_SECOND, 0)
  store64(workspace.interval, 0, 0, 0)
  alarmSet(self, workspace)
  return rest >= MICROSECONDS_PER_SECOND / 2 || (whole == 0 && rest != 0) ? whole + 1 : whole
}

/** setitimer(2). Errors: InvalidArgument, BadAddress. May sleep. */
export function sysSetitimer(self: Process, which: u32, next: ptr, old: ptr): i32 {
  if (which > Which.Profile) return Errno.InvalidArgument
  const workspace = at<Workspace>(scratchRest(self))
  zeroBytes(address(workspace), sizeof<Workspace>())
  if (next != 0) {
    if (userCopyIn(address(workspace.next), next, sizeof<TimerValue>()) != Errno.None) return Errno.BadAddress
    let fault: i32 = timeValueFault(workspace.next.interval)
    if (fault == Errno.None) fault = timeValueFault(workspace.next.value)
    if (fault != Errno.None) return fault
  }
  tell(self, which, workspace)
  set(self, which, workspace)
  return old == 0 ? Errno.None : userCopyOut(old, address(workspace.old), sizeof<TimerValue>())
}

/** getitimer(2). Errors: InvalidArgument, BadAddress. May sleep. */
export function sysGetitimer(self: Process, which: u32, to: ptr): i32 {
  if (which > Which.Profile) return Errno.InvalidArgument
  const workspace = at<Workspace>(scratchRest(self))
  zeroBytes(address(workspace), sizeof<Workspace>())
  tell(self, which, workspace)
  return userCopyOut(to, address(workspace.old), sizeof<TimerValue>())
}

function processorTimerOf(self: Process, which: u32): ProcessorTimer {
  const group = self.signals.group
  return which == Which.Virtual ? group.virtualTimer : group.profileTimer
}

/** What there is of a timer, into `old`. */
function tell(self: Process, which: u32, workspace: Workspace): void {
  const old = workspace.old
  if (which != Which.Real) {
    const timer = processorTimerOf(self, which)
    processorTimerLeft(self, timer, workspace.value)
    timeValueFromMicroseconds(old.value, workspace.value)
    copy64(workspace.interval, 0, timer.interval, 0)
    timeValueFromMicroseconds(old.interval, workspace.interval)
    return
  }
  const alarm = self.signals.group.alarm
  clockUpdate()
  longTimerLeft(workspace.value, alarm)
  timeValueFromMicroseconds(old.value, workspace.value)
  copy64(workspace.interval, 0, alarm.interval, 0)
  timeValueFromMicroseconds(old.interval, workspace.interval)
}

/** Begin what `next` says. */
function set(self: Process, which: u32, workspace: Workspace): void {
  timeValueMicroseconds(workspace.value, workspace.next.value)
  timeValueMicroseconds(workspace.interval, workspace.next.interval)
  if (which == Which.Real) alarmSet(self, workspace)
  else processorTimerSet(self, processorTimerOf(self, which), workspace.value, workspace.interval)
}
