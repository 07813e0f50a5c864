// timer_create(2), timer_settime(2), timer_gettime(2), timer_getoverrun(2), timer_delete(2): timers that send signals.
//
// Of each timer one signal waits at a time: moments that come before it is taken are counted in it (its overrun). Clocks of processor
// time are not among those of timers here.

import { Errno } from '../lib/errno.ts'
import { address, at, sizeof, staticStruct, wire, type Bytes, type Embed, type Le, type i32, type ptr, type u32 } from '../lib/layout.ts'
import type { LongTimer } from '../lib/long-timer.ts'
import { zeroBytes } from '../lib/memory.ts'
import { PosixTimer, posixTimerAdd, posixTimerFind, posixTimerRemove } from '../process/posix-timer.ts'
import type { Process } from '../process/process.ts'
import { UserWord } from '../process/signal-frame.ts'
import { SIGNAL_LAST, Signal } from '../process/signal-number.ts'
import { SignalCode, SignalInfo, signalOfTimer } from '../process/signal-state.ts'
import { signalSendProcess, signalSendThread } from '../process/signal.ts'
import { processOf } from '../process/table.ts'
import { userCopyIn, userStore32 } from '../vm/user-copy.ts'
import { scratchRest } from './scratch.ts'
import { TIMER_ABSOLUTE, timerClockIs, timerSpecRead, timerSpecStart, timerSpecTell, timerSpecWrite } from './timer-spec.ts'

/** sigev_notify: how a timer tells that its time is up. sigevent(3). */
const enum Notify { Signal = 0, None = 1, ThreadId = 4 }
/** The most that an overrun can be: DELAYTIMER_MAX. timer_getoverrun(2). */
const MOST_OVERRUN: u32 = 0x7fffffff

/** struct sigevent. sigevent(3) specification. */
@wire(64)
class SignalEvent {
  value: Embed<UserWord>
  signal: Le<u32>
  notify: Le<u32>
  thread: Le<u32>
  rest: Bytes<44>
}

const info = staticStruct<SignalInfo>()

/**
 * timer_create(2). Errors: InvalidArgument (no such clock, no such way to tell, no such signal, a thread of another process),
 * WouldBlock (POSIX_TIMER_LIMIT), BadAddress. May sleep.
 */
export function sysTimerCreate(self: Process, clock: u32, event: ptr, to: ptr): i32 {
  if (!timerClockIs(clock)) return Errno.InvalidArgument
  const wanted = at<SignalEvent>(scratchRest(self))
  zeroBytes(address(wanted), sizeof<SignalEvent>())
  if (event == 0) wanted.signal = Signal.Alarm
  else if (userCopyIn(address(wanted), event, sizeof<SignalEvent>()) != Errno.None) return Errno.BadAddress
  const fault: i32 = eventFault(self, wanted)
  if (fault != Errno.None) return fault
  const timers = self.signals.group.timers
  const timer = posixTimerAdd(timers)
  if (timer == null) return Errno.WouldBlock
  timer.clock = clock
  timer.process = self.group
  timer.signal = wanted.notify == Notify.None ? 0 : wanted.signal
  timer.thread = wanted.notify == Notify.ThreadId ? wanted.thread : 0
  timer.valueLow = event == 0 ? timer.id : wanted.value.low
  timer.valueHigh = wanted.value.high
  const id: u32 = timer.id
  if (userStore32(to, id) == Errno.None) return Errno.None
  const again = posixTimerFind(timers, id) // another thread may have ended it while a page came
  if (again != null) posixTimerRemove(timers, again)
  return Errno.BadAddress
}

function eventFault(self: Process, event: SignalEvent): i32 {
  if (event.notify == Notify.None) return Errno.None
  if (event.notify != Notify.Signal && event.notify != Notify.ThreadId) return Errno.InvalidArgument
  if (event.signal == 0 || event.signal > SIGNAL_LAST) return Errno.InvalidArgument
  if (event.notify == Notify.Signal) return Errno.None
  const thread = processOf(event.thread)
  return thread != null && thread.group == self.group ? Errno.None : Errno.InvalidArgument
}

function timerOf(self: Process, id: u32): PosixTimer | null {
  return posixTimerFind(self.signals.group.timers, id)
}

/** timer_settime(2). Errors: InvalidArgument, BadAddress. May sleep. */
export function sysTimerSettime(self: Process, id: u32, flags: u32, next: ptr, old: ptr): i32 {
  if (next == 0) return Errno.InvalidArgument
  const fault: i32 = timerSpecRead(self, next)
  if (fault != Errno.None) return fault
  const timer = timerOf(self, id)
  if (timer == null) return Errno.InvalidArgument
  timerSpecTell(self, timer.timer)
  timer.overrun = 0
  timer.overrunBefore = 0
  timerSpecStart(self, timer.timer, timer.clock, (flags & TIMER_ABSOLUTE) != 0, fired)
  return old == 0 ? Errno.None : timerSpecWrite(self, old)
}

/** timer_gettime(2). Errors: InvalidArgument, BadAddress. May sleep. */
export function sysTimerGettime(self: Process, id: u32, to: ptr): i32 {
  const timer = timerOf(self, id)
  if (timer == null) return Errno.InvalidArgument
  timerSpecTell(self, timer.timer)
  return timerSpecWrite(self, to)
}

/** timer_getoverrun(2): of the signal that was taken last. Errors: InvalidArgument. */
export function sysTimerGetoverrun(self: Process, id: u32): i32 {
  const timer = timerOf(self, id)
  if (timer == null) return Errno.InvalidArgument
  const receiver = receiverOf(timer)
  const waits = receiver != null && waiting(timer, receiver) != null
  return (waits ? timer.overrunBefore : timer.overrun) as number as i32
}

/** timer_delete(2). Errors: InvalidArgument. */
export function sysTimerDelete(self: Process, id: u32): i32 {
  const timer = timerOf(self, id)
  if (timer == null) return Errno.InvalidArgument
  posixTimerRemove(self.signals.group.timers, timer)
  return Errno.None
}

// --- Its time is up. --------------------------------------------------------------------------------------

function receiverOf(timer: PosixTimer): Process | null {
  return processOf(timer.thread != 0 ? timer.thread : timer.process)
}

/** The signal of the timer that nobody has taken, or null. */
function waiting(timer: PosixTimer, receiver: Process): SignalInfo | null {
  return signalOfTimer(timer.thread != 0 ? receiver.signals.pending : receiver.signals.group.pending, timer.id)
}

function fired(long: LongTimer, times: u32): void {
  const timer = at<PosixTimer>(address(long))
  const receiver = timer.signal == 0 ? null : receiverOf(timer)
  if (receiver == null) return
  const before = waiting(timer, receiver)
  if (before != null) {
    timer.overrun = times < MOST_OVERRUN - timer.overrun ? timer.overrun + times : MOST_OVERRUN
    before.second = timer.overrun
    return
  }
  timer.overrunBefore = timer.overrun
  timer.overrun = times - 1 < MOST_OVERRUN ? times - 1 : MOST_OVERRUN
  infoMake(timer)
  if (timer.thread != 0) signalSendThread(receiver, info)
  else signalSendProcess(receiver, info)
}

/** What is known of its signal: siginfo_t's si_timerid, si_overrun, si_value. sigaction(2). */
function infoMake(timer: PosixTimer): void {
  zeroBytes(address(info), sizeof<SignalInfo>())
  info.number = timer.signal
  info.code = SignalCode.Timer
  info.first = timer.id
  info.second = timer.overrun
  info.third = timer.valueLow
  info.fourth = timer.valueHigh
}
