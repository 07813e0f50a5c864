// Signals sent: to a thread, a process, a process group; by programs, by terminals, by faults, by children that end.
// kill(2), signal(7). What is sent is made pending and its receiver told; what it does then is signal-deliver.ts's.
// Context: a process, or the main loop.

import type { TrapFrame } from '../arch/x86/trap-frame.ts'
import { Errno } from '../lib/errno.ts'
import { address, sizeof, staticStruct, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { zeroBytes } from '../lib/memory.ts'
import { wakeAll } from '../lib/sleep.ts'
import { maySignal } from './credentials.ts'
import { Process, ProcessState } from './process.ts'
import { processContinue, processNotice } from './scheduler.ts'
import { SIGNAL_LAST, Signal } from './signal-number.ts'
import {
  ActionFlag, HANDLER_DEFAULT, HANDLER_IGNORE, SignalCode, SignalInfo, signalAction, signalBlock, signalCancels, signalIgnored,
  signalPending, signalQueue, signalStateFork, signalStateShare,
} from './signal-state.ts'
import { processFirst, processOf } from './table.ts'

/** Told of every signal that is sent. */
type SignalListener = () => void
let listener: SignalListener | null = null

/** Who is told from now on: files that signals are read from are polled (syscall/signalfd.ts). */
export function signalsListen(next: SignalListener): void {
  listener = next
}

/** The signal being sent: nothing sleeps between its making and its queueing. */
const sent = staticStruct<SignalInfo>()

/** What is known of a signal that is about to be sent. */
function about(number: u32, code: i32, first: u32, second: u32): SignalInfo {
  zeroBytes(address(sent), sizeof<SignalInfo>())
  sent.number = number
  sent.code = code
  sent.first = first
  sent.second = second
  return sent
}

/** A new process's signals: its parent's, shared if it is a thread. False without memory. */
export function signalStateCopy(child: Process, parent: Process, share: boolean): boolean {
  if (!share) return signalStateFork(child.signals, parent.signals) == Errno.None
  signalStateShare(child.signals, parent.signals)
  return true
}

/** Have a process look at its signals if there is one to deliver: after what is blocked has changed. */
export function signalsRecheck(process: Process): void {
  if (signalPending(process.signals)) processNotice(process)
}

/** The leader of a thread's group. It outlives the others. */
export function leaderOf(process: Process): Process {
  const leader = processOf(process.group)
  return leader != null ? leader : process
}

/** A thread may still do something about a signal. */
function isAlive(process: Process): boolean {
  return process.state != ProcessState.Zombie && process.state != ProcessState.Dead
}

// --- To a thread, to a process. ---------------------------------------------------------------------------

/** Send what `info` says to one thread. Context: a process or the main loop. */
export function signalSendThread(process: Process, info: SignalInfo): void {
  if (!prepare(process, info.number)) return
  signalQueue(process.signals.pending, info)
  if (isAlive(process)) signalsRecheck(process)
  if (listener != null) listener()
}

/** Send what `info` says to a process: any of its threads that does not block it takes it. */
export function signalSendProcess(process: Process, info: SignalInfo): void {
  const leader = leaderOf(process)
  if (leader.threads == 0 || !prepare(leader, info.number)) return // who has ended takes none
  signalQueue(leader.signals.group.pending, info)
  tellOne(leader, info.number)
  if (listener != null) listener()
}

/** The effects of being sent, whoever takes it; false when that is all. */
function prepare(process: Process, number: u32): boolean {
  const state = process.signals
  signalCancels(state, number)
  if (number == Signal.Continue || number == Signal.Kill) groupContinue(process, number == Signal.Continue)
  return !signalIgnored(state, number) || state.blocked.has(number)
}

/** Have the leader look, or the first thread that takes the signal; if all block it, whoever unblocks it first finds it. */
function tellOne(leader: Process, number: u32): void {
  if (takes(leader, number)) return processNotice(leader)
  let each = processFirst()
  while (each != null) {
    if (each.group == leader.group && takes(each, number)) return processNotice(each)
    each = each.nextOfAll
  }
}

function takes(process: Process, number: u32): boolean {
  const state = process.signals
  return isAlive(process) && (!state.blocked.has(number) || state.awaited.has(number))
}

/** All threads of a process that was stopped go on; its parent hears of it, if it was stopped and is not about to be ended. */
function groupContinue(process: Process, tell: boolean): void {
  const leader = leaderOf(process)
  let stopped = false
  let each = processFirst()
  while (each != null) {
    if (each.group == leader.group) {
      each.signals.stopAsked = false
      if (each.state == ProcessState.Stopped) {
        stopped = true
        processContinue(each)
      }
    }
    each = each.nextOfAll
  }
  if (!stopped || !tell) return
  leader.stopTold = 0
  leader.continueTold = true
  childTold(leader, SignalCode.Continued, Signal.Continue)
}

/** All threads of a process stop, the running one as soon as it looks; its parent hears of it. */
export function groupStop(process: Process, number: u32): void {
  const leader = leaderOf(process)
  let each = processFirst()
  while (each != null) {
    if (each.group == leader.group && isAlive(each)) {
      each.signals.stopAsked = true
      processNotice(each)
    }
    each = each.nextOfAll
  }
  leader.stopTold = number
  leader.continueTold = false
  childTold(leader, SignalCode.Stopped, number)
}

/** The parent of a process that stopped or goes on: wait4 may tell it, and a signal, unless it wants none for that. */
function childTold(leader: Process, code: SignalCode, status: u32): void {
  const parent = leader.parent
  if (parent == null) return
  wakeAll(parent.children)
  if ((signalAction(parent.signals, Signal.Child).flags & ActionFlag.NoChildStop) != 0) return
  const info = about(Signal.Child, code as number as i32, leader.pid, userOf(leader))
  info.third = status
  signalSendProcess(parent, info)
}

// --- From the kernel. -------------------------------------------------------------------------------------

/** A signal without a sender, to a process: a terminal's, a timer's, a broken pipe's. */
export function signalSend(process: Process, number: u32): void {
  signalSendProcess(process, about(number, SignalCode.Kernel, 0, 0))
}

/** The same to one thread. */
export function signalSendSelf(process: Process, number: u32): void {
  signalSendThread(process, about(number, SignalCode.Kernel, 0, 0))
}

/** The same to every process of a process group: false when there is none. */
export function signalSendGroup(processGroup: u32, number: u32): boolean {
  let any = false
  let each = processFirst()
  while (each != null) {
    if (each.processGroup == processGroup && each.pid == each.group) {
      any = true
      signalSend(each, number)
    }
    each = each.nextOfAll
  }
  return any
}

/**
 * A child has ended: its parent gets the child's signal. True: the parent has said that it will not ask how (it ignores Child, or has
 * SA_NOCLDWAIT), so nobody waits for the child. sigaction(2).
 */
export function signalChildEnded(parent: Process, child: Process): boolean {
  const number: u32 = child.exitSignal
  if (number == 0 || number > SIGNAL_LAST) return false
  const action = signalAction(parent.signals, number)
  const status: u32 = child.exitStatus
  const killed: boolean = (status & 0x7f) != 0
  const info = about(number, killed ? SignalCode.Killed : SignalCode.Exited, child.pid, userOf(child))
  info.third = killed ? status & 0x7f : (status >>> 8) & 0xff
  signalSendProcess(parent, info)
  return number == Signal.Child && (action.handler == HANDLER_IGNORE || (action.flags & ActionFlag.NoChildWait) != 0)
}

/**
 * The instruction at hand brought a signal about, at `where`. It can not be put off: blocked or ignored, it is as if
 * nothing had been said about it. `frame` is the exception's, or null where a system call came across the fault.
 */
export function signalFault(self: Process, number: u32, code: u32, where: ptr, frame: TrapFrame | null): void {
  const state = self.signals
  if (frame != null) {
    state.trap = frame.vector
    state.trapError = frame.errorCode
  }
  state.trapAddress = where
  state.trapAddressHigh = 0
  signalForce(self, about(number, code as number as i32, where, 0))
}

/** Send what can not be refused. */
function signalForce(self: Process, info: SignalInfo): void {
  const state = self.signals
  const number = info.number
  const action = signalAction(state, number)
  if (state.blocked.has(number) || action.handler == HANDLER_IGNORE) {
    action.handler = HANDLER_DEFAULT
    state.blocked.remove(number)
  }
  if (action.handler == HANDLER_DEFAULT) state.group.isFirst = false // nor is the first process spared its own fault
  signalQueue(state.pending, info)
  processNotice(self)
}

/** Nothing can be put on a program's stack, or be read from there: it gets SegmentationViolation, and if that was it, ends. */
export function signalStackBad(self: Process, delivered: u32): void {
  if (delivered == Signal.SegmentationViolation) signalAction(self.signals, delivered).handler = HANDLER_DEFAULT
  signalForce(self, about(Signal.SegmentationViolation, SignalCode.Kernel, 0, 0))
}

// --- From programs: kill(2), tkill(2), tgkill(2), rt_sigqueueinfo(2). -------------------------------------

/** Send a program's signal to a process, 0 only to see whether it may be; `sender` is whose it is. NotPermitted. */
function sendFrom(sender: Process, process: Process, number: u32): i32 {
  if (!maySignal(sender, process, number)) return Errno.NotPermitted
  if (number != 0) signalSendProcess(process, about(number, SignalCode.User, leaderOf(sender).pid, userOf(sender)))
  return Errno.None
}

/** Who a signal is from. */
function userOf(process: Process): u32 {
  return process.files.credentials.user.real
}

/**
 * kill(2): process `pid`, 0 the caller's process group, -1 everybody but the first process and the caller, else process group -pid: those
 * of several that may be sent it get it. Errors: InvalidArgument (no such signal), NoSuchProcess, NotPermitted (for all that are meant, but
 * of everybody).
 */
export function signalKill(self: Process, pid: i32, number: u32): i32 {
  if (number > SIGNAL_LAST) return Errno.InvalidArgument
  if (pid > 0) {
    const process = processOf(pid as number as u32)
    if (process == null) return Errno.NoSuchProcess
    return sendFrom(self, process, number)
  }
  const group: u32 = pid == 0 ? self.processGroup : (0 - pid) as number as u32
  let result: i32 = Errno.NoSuchProcess
  let each = processFirst()
  while (each != null) {
    const meant: boolean = pid == -1 ? each.pid != 1 && each.group != self.group : each.processGroup == group
    if (meant && each.pid == each.group) {
      const sent = sendFrom(self, each, number)
      if (sent == Errno.None || result == Errno.NoSuchProcess) result = sent
    }
    each = each.nextOfAll
  }
  return pid == -1 && result == Errno.NotPermitted ? Errno.None : result
}

/** tgkill(2): thread `tid`, of process `group` unless that is 0 (tkill). Errors: InvalidArgument, NoSuchProcess, NotPermitted. */
export function signalKillThread(self: Process, group: u32, tid: u32, number: u32): i32 {
  if (number > SIGNAL_LAST) return Errno.InvalidArgument
  const thread = processOf(tid)
  if (thread == null || (group != 0 && thread.group != group) || !isAlive(thread)) return Errno.NoSuchProcess
  if (!maySignal(self, thread, number)) return Errno.NotPermitted
  if (number != 0) signalSendThread(thread, about(number, SignalCode.Thread, leaderOf(self).pid, userOf(self)))
  return Errno.None
}

/**
 * rt_sigqueueinfo(2): with a code and two words of the sender's. Errors: InvalidArgument, NoSuchProcess, NotPermitted (a code of the
 * kernel's, another's process).
 */
export function signalQueueTo(self: Process, pid: u32, number: u32, info: SignalInfo): i32 {
  if (number > SIGNAL_LAST) return Errno.InvalidArgument
  const process = processOf(pid)
  if (process == null) return Errno.NoSuchProcess
  if ((info.code >= 0 || info.code == SignalCode.Thread) && process.group != self.group) return Errno.NotPermitted
  if (!maySignal(self, process, number)) return Errno.NotPermitted
  info.number = number
  if (number != 0) signalSendProcess(process, info)
  return Errno.None
}

// --- What a process says. ---------------------------------------------------------------------------------

/** Block other signals from now on. */
export function signalMaskSet(process: Process, low: u32, high: u32): void {
  signalBlock(process.signals, low, high)
  signalsRecheck(process)
}

/** Block other signals until the next one is handled, or this system call returns: ppoll, sigsuspend. */
export function signalMaskFor(process: Process, low: u32, high: u32): void {
  const state = process.signals
  state.saved.set(state.blocked)
  state.restore = true
  signalMaskSet(process, low, high)
}

/** The call is over and was not interrupted: what was blocked before is again. */
export function signalMaskBack(process: Process): void {
  const state = process.signals
  if (!state.restore) return
  state.restore = false
  signalMaskSet(process, state.saved.low, state.saved.high)
}
