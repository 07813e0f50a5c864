// What a process has of signals: how it reacts to each, which are pending, which are blocked.
//
//   thread --SignalState--> pending of its own, blocked, alternate stack
//               |
//               +--group--> SignalGroup: reactions, and what is pending for all threads of the process
//
// A signal that is pending is a bit, and mostly an entry in a list that says where it came from. Real-time signals are
// queued, the others are pending once. Without memory for the entry the bit is there all the same: signals are not lost,
// only what is known of them. Context: a process, or the main loop.

import { SIGNAL_GROUP_LIMIT, SIGNAL_QUEUE_LIMIT } from '../config.ts'
import { Errno } from '../lib/errno.ts'
import { countTrailingZeros } from '../lib/intrinsics.ts'
import {
  address, at, nth, sizeof, staticStruct, struct, type Embed, type Row, type Stored, type bool, type i32, type u32, type u8,
} from '../lib/layout.ts'
import { copyBytes, zeroBytes } from '../lib/memory.ts'
import { LongTimer, longTimerStop } from '../lib/long-timer.ts'
import { Pool, poolAllocate, poolFree, poolInit } from '../mm/pool.ts'
import { NO_LIMIT, Resource, ResourceLimit, limitsInit } from './limits.ts'
import { PosixTimers, posixTimersEnd, posixTimersHeld, posixTimersInit } from './posix-timer.ts'
import { ProcessorTime, ProcessorTimer } from './processor-time.ts'
import { SIGNAL_LAST, SYNCHRONOUS, Signal, SignalDefault, SignalSet, UNSTOPPABLE, signalDefault, signalStops } from './signal-number.ts'

/** sigaction's sa_handler: these two are no addresses. */
export const HANDLER_DEFAULT: u32 = 0
export const HANDLER_IGNORE: u32 = 1

/** sa_flags. sigaction(2). */
export const enum ActionFlag {
  None = 0, NoChildStop = 1, NoChildWait = 2, Info = 4, Restorer = 0x04000000, OnStack = 0x08000000, Restart = 0x10000000,
  NoDefer = 0x40000000, ResetHandler = 0x80000000,
}

/** si_code: who it is from, or what was wrong; the numbers of the latter are each signal's own. sigaction(2). */
export const enum SignalCode {
  User = 0, Kernel = 0x80, Queue = -1, Timer = -2, Thread = -6,
  IntegerDivide = 1, // FloatingPointException
  FloatInvalid = 7,
  IllegalOperand = 2, // IllegalInstruction
  MapError = 1, AccessError = 2, // SegmentationViolation
  AlignmentError = 1, AddressError = 2, // BusError
  Breakpoint = 1, Trace = 2, // Trap
  Exited = 1, Killed = 2, Dumped = 3, Stopped = 5, Continued = 6, // Child
}

/** ss_flags. sigaltstack(2). */
export const enum StackFlag { None = 0, OnStack = 1, Disable = 2 }

/** How a process reacts to one signal. */
@struct
export class SignalAction {
  handler: u32 // an address, HANDLER_DEFAULT or HANDLER_IGNORE
  flags: u32
  restorer: u32 // where the handler returns to
  mask: Embed<SignalSet> // blocked meanwhile, besides the signal itself
}

/** What is known of a signal: siginfo_t, whose union is the four words. */
@struct
export class SignalInfo {
  next: SignalInfo | null
  number: u32
  code: i32
  error: i32
  first: u32 // pid, or the low half of an address
  second: u32 // uid, or its high half
  third: u32 // the low half of a value, or a status
  fourth: u32
}

@struct
export class SignalQueue {
  set: Embed<SignalSet>
  first: SignalInfo | null
  last: SignalInfo | null
}

/** What all threads of a process share: signals, and what is counted and limited of the whole process. */
@struct
export class SignalGroup {
  users: u32 // threads
  time: Embed<ProcessorTime> // of all its threads, those that have ended, too
  childTime: Embed<ProcessorTime> // of its children that were waited for, and theirs
  faults: u32 // page faults of all its threads
  virtualTimer: Embed<ProcessorTimer> // ITIMER_VIRTUAL: of user time
  profileTimer: Embed<ProcessorTimer> // ITIMER_PROF: of all of it
  timed: Stored<u32, bool> // one of them runs, or there is a limit on the time: they are looked at
  limits: Row<ResourceLimit, 16> // Resource.All
  deathSignal: u32 // which it gets when its parent ends: PR_SET_PDEATHSIG; 0: none
  subreaper: Stored<u32, bool> // orphans below it become its children: PR_SET_CHILD_SUBREAPER
  isFirst: Stored<u32, bool> // the first process's: what it has said nothing about does nothing to it
  alarm: Embed<LongTimer> // of the whole process: alarm, setitimer
  timers: Embed<PosixTimers>
  pending: Embed<SignalQueue>
  actions: Row<SignalAction, 64>
}

/** What each thread has. Embedded in it; zeroed memory is one that signalStateInit has not seen. */
@struct
export class SignalState {
  group: SignalGroup
  pending: Embed<SignalQueue>
  blocked: Embed<SignalSet>
  awaited: Embed<SignalSet> // sigtimedwait waits for these, blocked or not
  saved: Embed<SignalSet> // blocked again after the handler, if `restore`: sigsuspend, ppoll
  taken: Embed<SignalInfo> // the one that is being delivered
  stackBase: u32 // the alternate stack
  stackSize: u32 // 0: none
  trap: u32 // the last exception: vector, error code and address, for the handler's context
  trapError: u32
  trapAddress: u32
  trapAddressHigh: u32
  restore: Stored<u8, bool>
  reserved: u8
  noRestart: Stored<u8, bool> // the call at hand is not begun again by SA_RESTART
  stopAsked: Stored<u8, bool> // its process is stopped: so is it, when it next looks
}

const groups = staticStruct<Pool>()
const infos = staticStruct<Pool>()

/** Nothing pending, nobody there. Once, at boot. */
export function signalsInit(): void {
  poolInit(groups, 'signal-groups', sizeof<SignalGroup>(), SIGNAL_GROUP_LIMIT)
  poolInit(infos, 'signals', sizeof<SignalInfo>(), SIGNAL_QUEUE_LIMIT)
  posixTimersInit()
}

/** Signals queued, groups, and their timers: nothing of them is left when no process is. */
export function signalsHeld(): u32 {
  return groups.used + infos.used + posixTimersHeld()
}

/** A first process: everything at its default. Errors: OutOfMemory. */
export function signalStateInit(state: SignalState): i32 {
  zeroBytes(address(state), sizeof<SignalState>())
  const memory = poolAllocate(groups)
  if (memory == 0) return Errno.OutOfMemory
  state.group = at<SignalGroup>(memory)
  state.group.users = 1
  limitsInit(state.group.limits)
  return Errno.None
}

/** A forked process: the parent's reactions, mask, alternate stack and limits, and nothing pending or timed. Errors: OutOfMemory. */
export function signalStateFork(child: SignalState, parent: SignalState): i32 {
  const made: i32 = signalStateInit(child)
  if (made != Errno.None) return made
  copyBytes(address(child.group.actions), address(parent.group.actions), SIGNAL_LAST * sizeof<SignalAction>())
  copyBytes(address(child.group.limits), address(parent.group.limits), Resource.All * sizeof<ResourceLimit>())
  child.group.timed = nth(child.group.limits, Resource.ProcessorTime).soft != NO_LIMIT
  child.blocked.set(parent.blocked)
  child.stackBase = parent.stackBase
  child.stackSize = parent.stackSize
  return Errno.None
}

/** A new thread of the parent's process: what is shared is shared, the mask is the same, no alternate stack. */
export function signalStateShare(child: SignalState, parent: SignalState): void {
  zeroBytes(address(child), sizeof<SignalState>())
  child.group = parent.group
  child.group.users += 1
  child.blocked.set(parent.blocked)
}

/** A new program: handlers and its own timers are gone, what was ignored stays so, and so do mask and what is pending. execve(2). */
export function signalStateExec(state: SignalState): void {
  posixTimersEnd(state.group.timers)
  for (let i: u32 = 0; i < SIGNAL_LAST; i++) {
    const action = nth(state.group.actions, i)
    if (action.handler != HANDLER_IGNORE) action.handler = HANDLER_DEFAULT
    action.flags = 0
    action.restorer = 0
    action.mask.clear()
  }
  state.stackBase = 0
  state.stackSize = 0
  state.restore = false
}

/** A thread ends. */
export function signalStateRelease(state: SignalState): void {
  queueClear(state.pending)
  const group = state.group
  group.users -= 1
  if (group.users != 0) return
  longTimerStop(group.alarm)
  posixTimersEnd(group.timers)
  queueClear(group.pending)
  poolFree(groups, address(group))
}

/** How a process reacts to signal `number`, 1 to 64. */
export function signalAction(state: SignalState, number: u32): SignalAction {
  return nth(state.group.actions, number - 1)
}

/** Whether this is the first process, and has no handler: nobody ends or stops it so, but it itself by a fault. kill(2). */
export function signalSpares(state: SignalState, number: u32): boolean {
  return state.group.isFirst && signalAction(state, number).handler == HANDLER_DEFAULT
}

/** Whether a signal would do nothing if it came. */
export function signalIgnored(state: SignalState, number: u32): boolean {
  if (signalSpares(state, number)) return true
  if (((UNSTOPPABLE >>> (number - 1)) & 1) != 0 && number < Signal.FirstRealTime) return false
  const action = signalAction(state, number)
  if (action.handler == HANDLER_IGNORE) return true
  if (action.handler != HANDLER_DEFAULT) return false
  const byDefault: SignalDefault = signalDefault(number)
  return byDefault == SignalDefault.Ignore || byDefault == SignalDefault.Continue
}

/** Whether there is a signal to deliver, or one that is waited for: sleeping ends for it. */
export function signalPending(state: SignalState): boolean {
  const own = state.pending.set
  const shared = state.group.pending.set
  const low: u32 = ~state.blocked.low | state.awaited.low
  const high: u32 = ~state.blocked.high | state.awaited.high
  return ((own.low | shared.low) & low) != 0 || ((own.high | shared.high) & high) != 0
}

/** Whether a thread is to be ended: what waits in vain for somebody else gives up then. */
export function signalKilled(state: SignalState): boolean {
  return state.pending.set.has(Signal.Kill) || state.group.pending.set.has(Signal.Kill)
}

/** Choose what is blocked. Kill and Stop can not be. */
export function signalBlock(state: SignalState, low: u32, high: u32): void {
  state.blocked.low = low & ~UNSTOPPABLE
  state.blocked.high = high
}

/** Make a signal pending. False when it was already, and is of those that are pending once. */
export function signalQueue(queue: SignalQueue, info: SignalInfo): boolean {
  const number: u32 = info.number
  if (number < Signal.FirstRealTime && queue.set.has(number)) return false
  queue.set.add(number)
  const memory = poolAllocate(infos)
  if (memory == 0) return true
  copyBytes(memory, address(info), sizeof<SignalInfo>())
  const entry = at<SignalInfo>(memory)
  entry.next = null
  if (queue.last == null) queue.first = entry
  else queue.last.next = entry
  queue.last = entry
  return true
}

/** The signal of a timer that waits to be taken, or null. */
export function signalOfTimer(queue: SignalQueue, id: u32): SignalInfo | null {
  let each = queue.first
  while (each != null && (each.code != SignalCode.Timer || each.first != id)) each = each.next
  return each
}

/** Forget a signal that is pending, however often. */
export function signalForget(queue: SignalQueue, number: u32): void {
  if (!queue.set.has(number)) return
  while (entryTake(queue, number, null)) continue
  queue.set.remove(number)
}

/** Forget a signal for a whole process: for this thread and for all. */
export function signalForgetAll(state: SignalState, number: u32): void {
  signalForget(state.pending, number)
  signalForget(state.group.pending, number)
}

/** What a signal does to others that are pending: Continue to those that stop, and they to it. signal(7). */
export function signalCancels(state: SignalState, number: u32): void {
  if (signalStops(number)) signalForgetAll(state, Signal.Continue)
  if (number != Signal.Continue) return
  signalForgetAll(state, Signal.Stop)
  signalForgetAll(state, Signal.TerminalStop)
  signalForgetAll(state, Signal.TerminalInput)
  signalForgetAll(state, Signal.TerminalOutput)
}

/**
 * Take the next signal that is pending and in `low`, `high`: its number, 0 for none; what is known of it is in
 * `state.taken`. What the instruction at hand brought about comes first, then the lowest number, the thread's own first.
 */
export function signalTakeOf(state: SignalState, low: u32, high: u32): u32 {
  const own = state.pending.set
  const shared = state.group.pending.set
  const urgent: u32 = own.low & low & SYNCHRONOUS
  if (urgent != 0) return takeFrom(state, state.pending, countTrailingZeros(urgent) + 1)
  const ownNumber = lowest(own.low & low, own.high & high)
  const sharedNumber = lowest(shared.low & low, shared.high & high)
  if (ownNumber == 0 && sharedNumber == 0) return 0
  if (sharedNumber == 0 || (ownNumber != 0 && ownNumber <= sharedNumber)) return takeFrom(state, state.pending, ownNumber)
  return takeFrom(state, state.group.pending, sharedNumber)
}

/** The next signal that is not blocked: as signalTakeOf. */
export function signalTake(state: SignalState): u32 {
  return signalTakeOf(state, ~state.blocked.low, ~state.blocked.high)
}

function lowest(low: u32, high: u32): u32 {
  if (low != 0) return countTrailingZeros(low) + 1
  return high != 0 ? countTrailingZeros(high) + 33 : 0
}

function takeFrom(state: SignalState, queue: SignalQueue, number: u32): u32 {
  const info = state.taken
  if (!entryTake(queue, number, info)) {
    zeroBytes(address(info), sizeof<SignalInfo>())
    info.number = number
    info.code = SignalCode.Kernel
  }
  if (number < Signal.FirstRealTime || !hasEntry(queue, number)) queue.set.remove(number)
  return number
}

function hasEntry(queue: SignalQueue, number: u32): boolean {
  let each = queue.first
  while (each != null && each.number != number) each = each.next
  return each != null
}

/** Take the oldest entry of a signal out of a list, and copy it to `out`, unless that is null; false: there is none. */
function entryTake(queue: SignalQueue, number: u32, out: SignalInfo | null): boolean {
  let before: SignalInfo | null = null
  let each = queue.first
  while (each != null && each.number != number) {
    before = each
    each = each.next
  }
  if (each == null) return false
  if (before == null) queue.first = each.next
  else before.next = each.next
  if (queue.last == each) queue.last = before
  if (out != null) copyBytes(address(out), address(each), sizeof<SignalInfo>())
  poolFree(infos, address(each))
  return true
}

function queueClear(queue: SignalQueue): void {
  while (queue.first != null) {
    const entry: SignalInfo = queue.first
    queue.first = entry.next
    poolFree(infos, address(entry))
  }
  queue.last = null
  queue.set.clear()
}
