// Timers of a process: alarm(2), setitimer(2), getitimer(2). That of real time counts milliseconds, rounded up (time-value.ts); those of
// processor time count microseconds, and are process/processor-timer.ts's.

import { clockUpdate, nowMilliseconds } from '../lib/clock.ts'
import { Errno } from '../lib/errno.ts'
import { address, at, sizeof, wire, type Bytes, type Embed, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { copy64 } from '../lib/intrinsics.ts'
import { zeroBytes } from '../lib/memory.ts'
import { Timer, timerActive, timerStart, timerStop } from '../lib/timer.ts'
import { TimeSpec } from '../fs/layouts.ts'
import type { ProcessorTimer } from '../process/processor-time.ts'
import { processorTimerLeft, processorTimerSet } from '../process/processor-timer.ts'
import { Process } from '../process/process.ts'
import { Signal } from '../process/signal-number.ts'
import type { SignalGroup } from '../process/signal-state.ts'
import { leaderOf, signalSend } from '../process/signal.ts'
import { userCopyIn, userCopyOut } from '../vm/user-copy.ts'
import { scratchRest } from './scratch.ts'
import {
  timeValueFault, timeValueFromMicroseconds, timeValueFromMilliseconds, timeValueMicroseconds, timeValueMilliseconds,
} from './time-value.ts'

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
  clockUpdate()
  timeValueFromMilliseconds(old.value, alarmLeft(self.signals.group))
  timeValueFromMilliseconds(old.interval, self.signals.group.alarmInterval)
}

/** Begin what `next` says. */
function set(self: Process, which: u32, workspace: Workspace): void {
  const next = workspace.next
  if (which != Which.Real) {
    timeValueMicroseconds(workspace.value, next.value)
    timeValueMicroseconds(workspace.interval, next.interval)
    return processorTimerSet(self, processorTimerOf(self, which), workspace.value, workspace.interval)
  }
  const interval = timeValueMilliseconds(next.interval)
  alarmSet(self, timeValueMilliseconds(next.value), interval != 0 ? interval - 1 : 0) // periods add up: they are not to drift
}
