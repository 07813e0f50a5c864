// System calls about signals, time, waiting and sockets as their unit tests make them: processes without a scheduler, each with a
// space and descriptors of its own, on the network stack of net.ts. Who sleeps lets virtual time pass, and what the test has
// planned for a moment happens then: another process's call, or bytes written to a descriptor.

import { TrapFrame } from '../../kernel/arch/x86/trap-frame.ts'
import { fpuStateInit } from '../../kernel/arch/x86/fpu.ts'
import { FileContext, contextFork, contextRelease } from '../../kernel/fs/context.ts'
import { fsClose, fsDup, fsFcntl, fsIoctl, fsPipe2, fsRead, fsWrite } from '../../kernel/fs/calls/descriptors.ts'
import type { Ids } from '../../kernel/fs/credentials.ts'
import { fsInit, kernelFiles } from '../../kernel/fs/start.ts'
import { clockNow64 } from '../../kernel/lib/clock.ts'
import { Errno } from '../../kernel/lib/errno.ts'
import { copy64 } from '../../kernel/lib/intrinsics.ts'
import {
  address, at, nth, sizeof, staticMemory, staticRow, staticStruct, struct, type PhysicalAddress, type bool, type i32, type ptr, type u32,
} from '../../kernel/lib/layout.ts'
import { panic } from '../../kernel/lib/panic.ts'
import { setSleep, sleeperDequeue, sleeperEnqueue, type Sleeper, type WaitQueue } from '../../kernel/lib/sleep.ts'
import { heapAllocate, heapStats } from '../../kernel/mm/heap.ts'
import { netFlush, netPoll } from '../../kernel/net/poll.ts'
import { kernelEntered, kernelLeft, timeSettle } from '../../kernel/process/accounting.ts'
import { hasAllProcesses } from '../../kernel/process/credentials.ts'
import { groupAlone } from '../../kernel/process/group.ts'
import { Process, ProcessState } from '../../kernel/process/process.ts'
import { processorTimeInit, processorTimeSkip } from '../../kernel/process/processor-time.ts'
import { processorTimersLook } from '../../kernel/process/processor-timer.ts'
import { readyCount, readyFirst, readyLast, readyTake } from '../../kernel/process/ready.ts'
import { signalsDeliver } from '../../kernel/process/signal-deliver.ts'
import { signalKilled, signalStateInit, signalStateRelease, signalsInit } from '../../kernel/process/signal-state.ts'
import { signalFault, signalStateCopy } from '../../kernel/process/signal.ts'
import { processAdd, processOf, processTableInit } from '../../kernel/process/table.ts'
import { processReap } from '../../kernel/process/wait.ts'
import { asyncInit } from '../../kernel/syscall/async.ts'
import { epollInit } from '../../kernel/syscall/epoll.ts'
import { eventsInit } from '../../kernel/syscall/eventfd.ts'
import { futexInit } from '../../kernel/syscall/futex.ts'
import { localFilesInit } from '../../kernel/syscall/local/file.ts'
import { socketFilesInit } from '../../kernel/syscall/socket-file.ts'
import { signalFilesInit } from '../../kernel/syscall/signalfd.ts'
import { timerFilesInit } from '../../kernel/syscall/timerfd.ts'
import { windowsInit } from '../../kernel/syscall/user-window.ts'
import { spaceCreate, type AddressSpace } from '../../kernel/vm/address-space.ts'
import { spaceMap, spaceProtect } from '../../kernel/vm/map.ts'
import { spaceCurrentSet } from '../../kernel/vm/page-table.ts'
import { vmInit } from '../../kernel/vm/start.ts'
import { Transfer, transferInit } from '../../kernel/vm/transfer.ts'
import { spaceRelease } from '../../kernel/vm/unmap.ts'
import { userCopyIn, userCopyOut } from '../../kernel/vm/user-copy.ts'
import { systemCallEvents } from './call-table.ts'
import { advance } from './net-time.ts'

export * from './net.ts'
export { filesOpen } from '../../kernel/fs/file.ts'
export { pipesUsed } from '../../kernel/fs/pipe.ts'
export { framesTotal } from '../../kernel/mm/frames.ts'
export { wallClockSet } from '../../kernel/lib/wall-clock.ts'
export { signalsHeld } from '../../kernel/process/signal-state.ts'
export { asyncHeld } from '../../kernel/syscall/async.ts'
export { epollHeld } from '../../kernel/syscall/epoll-item.ts'
export { futexWaiters } from '../../kernel/syscall/futex.ts'
export { localHeld } from '../../kernel/syscall/local/file.ts'
export { localMemoryUsed } from '../../kernel/syscall/local/message.ts'
export { spaceCount } from '../../kernel/vm/address-space.ts'
export { userCopyIn, userCopyOut } from '../../kernel/vm/user-copy.ts'

const LIMIT: u32 = 8
const PLANS: u32 = 8
/** Milliseconds after which nobody is waited for any more. */
const PATIENCE: u32 = 100_000

@struct
class Slot {
  process: Process | null
}

/** What happens at a moment: a call of a process, or, with number WRITE, bytes written to a descriptor. */
@struct
class Plan {
  after: u32 // milliseconds of sleep; 0: none
  process: u32
  number: u32
  a: u32
  b: u32
  c: u32
  d: u32
}

const WRITE: u32 = 0xffff
const slots = staticRow<Slot>(LIMIT)
const plans = staticRow<Plan>(PLANS)
const bounce = staticMemory(65536, 16)
const transfer = staticStruct<Transfer>()
const planned = staticStruct<Transfer>()
let running: u32 = 0
let woken: boolean = false
let slept: u32 = 0

/** Processes, files, and everything that a system call needs; memory, heap, randomness and the network are there. */
export function callsStart(): void {
  setSleep(sleep, wake)
  vmInit(0 as number as PhysicalAddress, true, nothing, nothingAtAll)
  if (fsInit() != Errno.None) panic('no root')
  processTableInit()
  processorTimeInit(counter, inMicroseconds)
  signalsInit()
  eventsInit()
  timerFilesInit()
  signalFilesInit()
  futexInit()
  epollInit()
  asyncInit()
  socketFilesInit()
  localFilesInit()
  windowsInit(windowOpened, windowClosed)
}

function nothing(_page: ptr): void { }
function nothingAtAll(): void { }

function windowOpened(p: ptr, n: u32, writing: boolean): ptr {
  if (!writing) userCopyIn(bounce, p, n)
  return bounce
}

function windowClosed(p: ptr, n: u32, writing: boolean): void {
  if (writing) userCopyOut(p, bounce, n)
}

function processAt(index: u32): Process {
  return nth(slots, index).process!
}

/** A process with an empty space and no descriptors; it runs from now on. Its pid. */
export function processNew(index: u32): u32 {
  const process = processAdd()!
  nth(slots, index).process = process
  process.state = ProcessState.Running
  process.frame = heapAllocate(sizeof<TrapFrame>())
  process.stack = heapAllocate(1024)
  fpuStateInit(process.stack)
  process.space = spaceCreate()
  process.threads = 1
  process.processGroup = process.pid
  if (signalStateInit(process.signals) != Errno.None) panic('no signals')
  if (contextFork(process.files, kernelFiles(), false) != Errno.None) panic('no descriptors')
  processRun(index)
  return process.pid
}

/** A thread of another process. Its id. */
export function threadNew(index: u32, of: u32): u32 {
  const process = processAdd()!
  const leader = processAt(of)
  nth(slots, index).process = process
  process.state = ProcessState.Running
  process.group = leader.group
  process.processGroup = leader.processGroup
  process.space = leader.space
  process.frame = heapAllocate(sizeof<TrapFrame>())
  process.stack = heapAllocate(1024)
  if (!signalStateCopy(process, leader, true)) panic('no signals')
  if (contextFork(process.files, leader.files, true) != Errno.None) panic('no descriptors')
  return process.pid
}

/** One process is another's child. */
export function processAdopt(index: u32, by: u32): void {
  const child = processAt(index)
  child.parent = processAt(by)
  child.nextSibling = processAt(by).firstChild
  processAt(by).firstChild = child
}

/** A thread spends milliseconds in user mode, then in the kernel. */
export function spend(index: u32, user: u32, system: u32): void {
  const process = processAt(index)
  processorTimeSkip()
  kernelLeft()
  advance(user)
  kernelEntered()
  advance(system)
  timeSettle(process)
}

/** A thread visits user mode so often, for so many milliseconds each, twice as many each second time, and for one the kernel. */
export function spendOften(index: u32, visits: u32, user: u32): void {
  const process = processAt(index)
  processorTimeSkip()
  for (let i: u32 = 0; i < visits; i++) {
    kernelLeft()
    advance((i & 1) == 0 ? user : 2 * user)
    kernelEntered()
    advance(1)
  }
  timeSettle(process)
}

/** Its timers of processor time are looked at. */
export function timersLook(index: u32): void { processorTimersLook(processAt(index)) }
/** Who is ready, and next: ready.ts. A process's index, or LIMIT for nobody. */
export function readyEnd(index: u32, priority: u32, now: u32): void {
  processAt(index).priority = priority
  readyLast(processAt(index), now)
}
export function readyBegin(index: u32, now: u32): void { readyFirst(processAt(index), now) }
export function readyNext(now: u32): u32 {
  const process = readyTake(now)
  let index: u32 = 0
  while (index < LIMIT && (process == null || nth(slots, index).process != process)) index += 1
  return index
}
export function readyAll(): u32 { return readyCount() }

/** A child that has ended was waited for. */
export function reap(by: u32, child: u32): void { processReap(processAt(by), processAt(child)) }
/** A child's limits and signals are its parent's. */
export function signalsFork(index: u32, of: u32): void {
  signalStateRelease(processAt(index).signals)
  if (!signalStateCopy(processAt(index), processAt(of), false)) panic('no signals')
}

/** What the time-stamp counter is in a test: microseconds of virtual time. */
function counter(out: ptr): void { copy64(out, 0, clockNow64(), 0) }
function inMicroseconds(out: ptr, counts: ptr): void { copy64(out, 0, counts, 0) }

/** A thread becomes its process's only one. */
export function aloneOf(index: u32): bool { return groupAlone(processAt(index)) }
/** Told to end. */
export function endingSet(index: u32): void { processAt(index).ending = true }

/** Pieces of the heap that somebody has. */
export function heapUsed(): u32 { return heapStats().allocations }
/** All ids of the running process, of users and of groups, without a question. */
export function become(id: u32): void {
  const who = processAt(running).files.credentials
  idsAll(who.user, id)
  idsAll(who.group, id)
}
function idsAll(ids: Ids, id: u32): void {
  ids.real = id
  ids.effective = id
  ids.saved = id
  ids.file = id
}
/** Whether a process's user may have no more of them. */
export function processesAreAll(index: u32): bool { return hasAllProcesses(processAt(index)) }

export function pidOf(index: u32): u32 { return processAt(index).pid }
export function parentOf(index: u32): u32 { return processAt(index).parent!.pid }
/** The id of a process's child number `nth`, 0 past the last. */
export function childOf(index: u32, nth: u32): u32 {
  let child = processAt(index).firstChild
  for (let i: u32 = 0; i < nth && child != null; i++) child = child.nextSibling
  return child == null ? 0 : child.pid
}
export function isProcess(pid: u32): bool { return processOf(pid) != null }

/** It lets go of everything it has, as far as this file gave it. */
export function processGone(index: u32, last: bool): void {
  const process = processAt(index)
  contextRelease(process.files)
  signalStateRelease(process.signals)
  if (last) {
    spaceCurrentSet(null)
    spaceRelease(process.space as AddressSpace)
  }
  process.state = ProcessState.Zombie
}

/** It makes the calls from now on. */
export function processRun(index: u32): void {
  running = index
  spaceCurrentSet(processAt(index).space)
}

export function processMap(where: u32, length: u32, protection: u32, flags: u32): u32 {
  return spaceMap(processAt(running).space as AddressSpace, where, length, protection, flags, null, 0)
}

export function processProtect(where: u32, length: u32, protection: u32): i32 {
  return spaceProtect(processAt(running).space as AddressSpace, where, length, protection)
}

/** Whether it is to be ended by a signal. */
export function killed(index: u32): bool { return signalKilled(processAt(index).signals) }

/** A system call of the running process; its registers stay where they are but for the arguments. */
export function systemCallOf(number: u32, a: u32, b: u32, c: u32, d: u32, e: u32, f: u32): u32 {
  const self = processAt(running)
  const frame = at<TrapFrame>(self.frame)
  self.callNumber = number
  frame.rdi.low = a
  frame.rsi.low = b
  frame.rdx.low = c
  frame.r10.low = d
  frame.r8.low = e
  frame.r9.low = f
  return systemCallEvents(self, frame, number)
}

// --- Files. -----------------------------------------------------------------------------------------------
function files(): FileContext { return processAt(running).files }

function moving(p: ptr, n: u32): Transfer {
  transferInit(transfer, p, n, false)
  return transfer
}

export function fileRead(descriptor: i32, p: ptr, n: u32): i32 { return fsRead(files(), descriptor, moving(p, n)) }
export function fileWrite(descriptor: i32, p: ptr, n: u32): i32 { return fsWrite(files(), descriptor, moving(p, n)) }
export function fileClose(descriptor: i32): i32 { return fsClose(files(), descriptor) }
export function fileDup(descriptor: i32): i32 { return fsDup(files(), descriptor) }
export function fileFcntl(descriptor: i32, command: u32, value: u32): i32 { return fsFcntl(files(), descriptor, command, value) }
export function fileIoctl(descriptor: i32, request: u32, value: u32): i32 { return fsIoctl(files(), descriptor, request, value) }
/** The two numbers go to kernel memory at `out`. */
export function filePipe(flags: u32, out: ptr): i32 { return fsPipe2(files(), flags, out) }

// --- Sleeping, and what happens meanwhile. -------------------------------------------------------------------
/** After so many milliseconds of sleep a process makes a call, or, with number 0xffff, writes `c` bytes at kernel address `b` to descriptor `a`. */
export function plan(index: u32, after: u32, process: u32, number: u32, a: u32, b: u32, c: u32, d: u32): void {
  const one = nth(plans, index)
  one.after = after
  one.process = process
  one.number = number
  one.a = a
  one.b = b
  one.c = c
  one.d = d
}

/** Milliseconds slept since the last time this was asked. */
export function sleptFor(): u32 {
  const before = slept
  slept = 0
  return before
}

function happen(): void {
  for (let i: u32 = 0; i < PLANS; i++) {
    const one = nth(plans, i)
    if (one.after == 0) continue
    one.after -= 1
    if (one.after == 0) carryOut(one)
  }
}

function carryOut(one: Plan): void {
  const sleeper = running
  processRun(one.process)
  if (one.number == WRITE) {
    transferInit(planned, one.b as ptr, one.c, true)
    fsWrite(processAt(one.process).files, one.a as number as i32, planned)
  } else systemCallOf(one.number, one.a, one.b, one.c, one.d, 0, 0)
  processRun(sleeper)
}

function sleep(queue: WaitQueue | null, milliseconds: u32, interruptible: boolean): i32 {
  const self = processAt(running)
  if (interruptible && self.notice) return Errno.Interrupted
  if (milliseconds == 0) return Errno.TimedOut
  woken = false
  if (queue != null) sleeperEnqueue(queue, self.sleeper)
  let passed: u32 = 0
  while (!woken && passed < milliseconds && !(interruptible && self.notice)) {
    if (passed == PATIENCE) panic('somebody sleeps for ever')
    happen()
    netFlush()
    advance(1)
    netPoll(64)
    netFlush()
    passed += 1
    slept += 1
  }
  sleeperDequeue(self.sleeper)
  if (woken) return Errno.None
  return passed < milliseconds ? Errno.Interrupted : Errno.TimedOut
}

function wake(_sleeper: Sleeper): void {
  woken = true
}

// --- Signals. ---------------------------------------------------------------------------------------------
/** Whether the process is told to look at its signals; and it has looked. */
export function noticed(index: u32): bool {
  const process = processAt(index)
  const told = process.notice
  process.notice = false
  return told
}

export function deliver(index: u32): void {
  const process = processAt(index)
  process.notice = false
  signalsDeliver(process, at<TrapFrame>(process.frame))
}

export function frameOf(index: u32): ptr { return processAt(index).frame }
export function fpuOf(index: u32): ptr { return processAt(index).stack }
export function fault(index: u32, signal: u32, code: u32, where: ptr): void {
  signalFault(processAt(index), signal, code, where, at<TrapFrame>(processAt(index).frame))
}
export function blockedOf(index: u32): u32 { return processAt(index).signals.blocked.low }
export function processAddress(index: u32): ptr { return address(processAt(index)) }
