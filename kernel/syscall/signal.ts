// System calls about signals. Names and errors are Linux's: sigaction(2), sigprocmask(2), sigaltstack(2), kill(2) and so on.
// What they are told in user memory is copied once, and looked at after that.

import { TrapFrame } from '../arch/x86/trap-frame.ts'
import { Errno } from '../lib/errno.ts'
import { address, at, sizeof, staticStruct, wire, type Embed, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { zeroBytes } from '../lib/memory.ts'
import { SLEEP_FOR_EVER, sleepFor } from '../lib/sleep.ts'
import { onAlternateStack, signalReturn, stackFlags } from '../process/signal-deliver.ts'
import type { Process } from '../process/process.ts'
import { SignalStack, UserSignalInfo, UserWord, signalInfoWrite } from '../process/signal-frame.ts'
import { SIGNAL_LAST, Signal, UNSTOPPABLE } from '../process/signal-number.ts'
import {
  SignalInfo, StackFlag, signalAction, signalForgetAll, signalIgnored, signalTakeOf,
} from '../process/signal-state.ts'
import { signalKill, signalKillThread, signalMaskFor, signalMaskSet, signalQueueTo } from '../process/signal.ts'
import { userCopyIn, userCopyOut } from '../vm/user-copy.ts'
import { scratchRest, scratchSet, scratchTime } from './scratch.ts'
import { timeMilliseconds, timeRead } from './time-value.ts'

/** struct sigaction as the kernel takes it. sigaction(2) specification. */
@wire(32)
class UserAction {
  handler: Embed<UserWord>
  flags: Embed<UserWord>
  restorer: Embed<UserWord>
  mask: Embed<UserWord>
}

/** Bytes of sigset_t, which every call is told. */
export const SET_SIZE: u32 = 8
const enum How { Block, Unblock, Set }
/** MINSIGSTKSZ. sigaltstack(2). */
const LEAST_STACK: u32 = 2048
/** SS_AUTODISARM is not known. */
const STACK_FLAGS: u32 = StackFlag.OnStack | StackFlag.Disable

const info = staticStruct<SignalInfo>()

/** A reaction on its way in, and one on its way out. sigaction(2) specification. */
@wire(64)
class ActionPair {
  next: Embed<UserAction>
  old: Embed<UserAction>
}

/** rt_sigaction(2). Errors: InvalidArgument (no such signal, Kill and Stop, a size of sets that is not ours), BadAddress. May sleep. */
export function sysRtSigaction(self: Process, number: u32, next: ptr, old: ptr, size: u32): i32 {
  if (size != SET_SIZE || number == 0 || number > SIGNAL_LAST) return Errno.InvalidArgument
  if (next != 0 && (number == Signal.Kill || number == Signal.Stop)) return Errno.InvalidArgument
  const pair = at<ActionPair>(scratchRest(self))
  actionGet(self, number, pair.old)
  if (next != 0) {
    const error = actionSet(self, number, pair.next, next)
    if (error != Errno.None) return error
  }
  return old == 0 ? Errno.None : userCopyOut(old, address(pair.old), sizeof<UserAction>())
}

function actionGet(self: Process, number: u32, out: UserAction): void {
  const present = signalAction(self.signals, number)
  zeroBytes(address(out), sizeof<UserAction>())
  out.handler.low = present.handler
  out.flags.low = present.flags
  out.restorer.low = present.restorer
  out.mask.low = present.mask.low
  out.mask.high = present.mask.high
}

function actionSet(self: Process, number: u32, wanted: UserAction, from: ptr): i32 {
  const error = userCopyIn(address(wanted), from, sizeof<UserAction>())
  if (error != Errno.None) return error
  if (wanted.handler.high != 0 || wanted.restorer.high != 0) return Errno.BadAddress
  const present = signalAction(self.signals, number)
  present.handler = wanted.handler.low
  present.flags = wanted.flags.low
  present.restorer = wanted.restorer.low
  present.mask.low = wanted.mask.low & ~UNSTOPPABLE
  present.mask.high = wanted.mask.high
  if (signalIgnored(self.signals, number)) signalForgetAll(self.signals, number)
  return Errno.None
}

/** rt_sigprocmask(2). Errors: InvalidArgument, BadAddress. May sleep. */
export function sysRtSigprocmask(self: Process, how: u32, next: ptr, old: ptr, size: u32): i32 {
  if (size != SET_SIZE) return Errno.InvalidArgument
  const blocked = self.signals.blocked
  const low: u32 = blocked.low
  const high: u32 = blocked.high
  if (next != 0) {
    const set = scratchSet(self)
    if (how > How.Set) return Errno.InvalidArgument
    const error = userCopyIn(address(set), next, SET_SIZE)
    if (error != Errno.None) return error
    if (how == How.Block) signalMaskSet(self, low | set.low, high | set.high)
    else if (how == How.Unblock) signalMaskSet(self, low & ~set.low, high & ~set.high)
    else signalMaskSet(self, set.low, set.high)
  }
  return old == 0 ? Errno.None : setOut(self, old, low, high)
}

function setOut(self: Process, to: ptr, low: u32, high: u32): i32 {
  const set = scratchSet(self)
  set.low = low
  set.high = high
  return userCopyOut(to, address(set), SET_SIZE)
}

/** rt_sigpending(2): what is blocked and pending. Errors: InvalidArgument, BadAddress. May sleep. */
export function sysRtSigpending(self: Process, to: ptr, size: u32): i32 {
  if (size > SET_SIZE) return Errno.InvalidArgument
  const state = self.signals
  const set = scratchSet(self)
  set.low = (state.pending.set.low | state.group.pending.set.low) & state.blocked.low
  set.high = (state.pending.set.high | state.group.pending.set.high) & state.blocked.high
  return userCopyOut(to, address(set), size)
}

/** rt_sigsuspend(2): Interrupted when a handler has run. Errors: InvalidArgument, BadAddress. May sleep. */
export function sysRtSigsuspend(self: Process, mask: ptr, size: u32): i32 {
  if (size != SET_SIZE) return Errno.InvalidArgument
  const set = scratchSet(self)
  const error = userCopyIn(address(set), mask, SET_SIZE)
  if (error != Errno.None) return error
  signalMaskFor(self, set.low, set.high)
  return sysPause()
}

/** pause(2): Interrupted when a handler has run. May sleep. */
export function sysPause(): i32 {
  let slept: i32 = Errno.None
  while (slept == Errno.None) slept = sleepFor(null, SLEEP_FOR_EVER)
  return slept
}

/**
 * rt_sigtimedwait(2): take a signal of a set, which the caller has blocked, and say what is known of it. Errors: WouldBlock (the
 * time is up), Interrupted, InvalidArgument, BadAddress. May sleep.
 */
export function sysRtSigtimedwait(self: Process, wanted: ptr, to: ptr, limit: ptr, size: u32): i32 {
  if (size != SET_SIZE) return Errno.InvalidArgument
  const set = scratchSet(self)
  let error: i32 = userCopyIn(address(set), wanted, SET_SIZE)
  if (error != Errno.None) return error
  const low: u32 = set.low & ~UNSTOPPABLE
  const high: u32 = set.high
  let milliseconds: u32 = SLEEP_FOR_EVER
  if (limit != 0) {
    error = timeRead(limit, scratchTime(self))
    if (error != Errno.None) return error
    milliseconds = timeMilliseconds(scratchTime(self))
  }
  let number = signalTakeOf(self.signals, low, high)
  if (number == 0) {
    const slept = signalSleep(self, low, high, milliseconds)
    number = signalTakeOf(self.signals, low, high)
    if (number == 0) return slept == Errno.TimedOut ? Errno.WouldBlock : slept
  }
  if (to == 0) return number as number as i32
  const userInfo = at<UserSignalInfo>(scratchRest(self))
  zeroBytes(address(userInfo), sizeof<UserSignalInfo>())
  signalInfoWrite(userInfo, self.signals.taken)
  error = userCopyOut(to, address(userInfo), sizeof<UserSignalInfo>())
  return error != Errno.None ? error : number as number as i32
}

/** Sleep until one of these signals is sent, although they are blocked. */
export function signalSleep(self: Process, low: u32, high: u32, milliseconds: u32): i32 {
  const awaited = self.signals.awaited
  awaited.low = low
  awaited.high = high
  const slept = sleepFor(null, milliseconds)
  awaited.clear()
  return slept == Errno.None ? Errno.Interrupted : slept
}

/** rt_sigqueueinfo(2). Errors: InvalidArgument, NoSuchProcess, NotPermitted, BadAddress. May sleep. */
export function sysRtSigqueueinfo(self: Process, pid: u32, number: u32, from: ptr): i32 {
  const userInfo = at<UserSignalInfo>(scratchRest(self))
  const error = userCopyIn(address(userInfo), from, sizeof<UserSignalInfo>())
  if (error != Errno.None) return error
  info.code = userInfo.code
  info.error = userInfo.error
  info.first = userInfo.first
  info.second = userInfo.second
  info.third = userInfo.third
  info.fourth = userInfo.fourth
  return signalQueueTo(self, pid, number, info)
}

/** sigaltstack(2). Errors: NotPermitted (it is in use), InvalidArgument, OutOfMemory (too small), BadAddress. May sleep. */
export function sysSigaltstack(self: Process, next: ptr, old: ptr): i32 {
  const state = self.signals
  const frame = at<TrapFrame>(self.frame)
  const oldBase: u32 = state.stackBase
  const oldSize: u32 = state.stackSize
  const oldFlags: u32 = stackFlags(state, frame)
  const stack = at<SignalStack>(scratchRest(self))
  if (next != 0) {
    const error = userCopyIn(address(stack), next, sizeof<SignalStack>())
    if (error != Errno.None) return error
    if (onAlternateStack(state, frame.rsp.low)) return Errno.NotPermitted
    const changed: i32 = stackSet(self, stack)
    if (changed != Errno.None) return changed
  }
  if (old == 0) return Errno.None
  zeroBytes(address(stack), sizeof<SignalStack>())
  stack.base.low = oldBase
  stack.size.low = oldSize
  stack.flags = oldFlags
  return userCopyOut(old, address(stack), sizeof<SignalStack>())
}

function stackSet(self: Process, stack: SignalStack): i32 {
  if ((stack.flags & ~STACK_FLAGS) != 0) return Errno.InvalidArgument
  if ((stack.flags & StackFlag.Disable) != 0) {
    self.signals.stackBase = 0
    self.signals.stackSize = 0
    return Errno.None
  }
  if (stack.size.high == 0 && stack.size.low < LEAST_STACK) return Errno.OutOfMemory
  if (stack.base.high != 0 || stack.size.high != 0) return Errno.BadAddress
  self.signals.stackBase = stack.base.low
  self.signals.stackSize = stack.size.low
  return Errno.None
}

/** rt_sigreturn(2): every register is the saved one, so nothing is to be written over RAX. May sleep. */
export function sysRtSigreturn(self: Process): u32 {
  const frame = at<TrapFrame>(self.frame)
  signalReturn(self, frame)
  return frame.rax.low
}

/** kill(2). Errors: InvalidArgument, NoSuchProcess. */
export function sysKill(self: Process, pid: i32, number: u32): i32 {
  return signalKill(self, pid, number)
}

/** tkill(2). Errors: InvalidArgument, NoSuchProcess. */
export function sysTkill(self: Process, tid: i32, number: u32): i32 {
  return tid <= 0 ? Errno.InvalidArgument : signalKillThread(self, 0, tid as number as u32, number)
}

/** tgkill(2). Errors: InvalidArgument, NoSuchProcess. */
export function sysTgkill(self: Process, group: i32, tid: i32, number: u32): i32 {
  if (group <= 0 || tid <= 0) return Errno.InvalidArgument
  return signalKillThread(self, group as number as u32, tid as number as u32, number)
}
