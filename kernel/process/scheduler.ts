// Who runs: the main loop, or one of the processes.
//
//   main loop ──processesRun──▶ process ──sleep, end of slice, attention──▶ main loop, or the next process
//
// Who is next is ready.ts's. A process is only made to give way in user
// mode, or on its way there (`giveWay`); in the kernel it runs until it sleeps. What an interrupt announces is the
// main loop's to do, so attention brings the main loop back; without it a process that sleeps hands over to the next directly.
//
// Switching away is done with interrupts on, and so everybody is switched back to. Context: named at each function.

import { apicTimerStart } from '../arch/x86/apic.ts'
import { fpuRestore, fpuSave } from '../arch/x86/fpu.ts'
import { kernelRoot } from '../arch/x86/paging.ts'
import { userEntryStackSet } from '../arch/x86/syscall.ts'
import { TIME_SLICE } from '../config.ts'
import { attentionRaised, attentionTake } from '../lib/attention.ts'
import { clockUpdate, nowMicroseconds, nowMilliseconds } from '../lib/clock.ts'
import { Errno } from '../lib/errno.ts'
import { cli, sti, switchStack, writeCr3, wrmsr } from '../lib/intrinsics.ts'
import { address, at, staticMemory, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { panic } from '../lib/panic.ts'
import { SLEEP_FOR_EVER, sleeperDequeue, sleeperEnqueue, setSleep, type Sleeper, type WaitQueue } from '../lib/sleep.ts'
import { timerStart, timerStop, timersNext, type Timer } from '../lib/timer.ts'
import { spaceRoot, type AddressSpace } from '../vm/address-space.ts'
import { spaceCurrentSet } from '../vm/page-table.ts'
import { timeSettle } from './accounting.ts'
import { kernelStackFree } from './kernel-stack.ts'
import { Process, ProcessState, Woken } from './process.ts'
import { processorTimeSkip } from './processor-time.ts'
import { readyFirst, readyLast, readyTake } from './ready.ts'

const MSR_FS_BASE: u32 = 0xc0000100
const MSR_GS_BASE: u32 = 0xc0000101

const loopContext = staticMemory(8)
/** Where a process that has ended would go on. */
const nowhere = staticMemory(8)
let current: Process | null = null
/** Whose registers (FPU, FS, GS) and address space the processor has; it may not be running. */
let loaded: Process | null = null
let loadedSpace: AddressSpace | null = null
/** A kernel stack nobody will run on again once the present switch is over. */
let abandoned: ptr = 0 as ptr
let switches: u32 = 0

/** The running process; null in the main loop. */
export function processCurrent(): Process | null {
  return current
}

/** The running process, where there must be one. */
export function processSelf(): Process {
  if (current == null) panic('a process is needed here, and the main loop is running')
  return current
}

/** Switches from one process to another or to the main loop, modulo 2³². */
export function contextSwitches(): u32 {
  return switches
}

/** A process may run from now on, after the others of its priority. Any context but an interrupt's. */
export function processReady(process: Process): void {
  process.state = ProcessState.Ready
  readyLast(process, nowMilliseconds())
}

// --- Switching. -------------------------------------------------------------------------------------------

/** Let `next` run, or the main loop for null. Returns when somebody switches back. */
function switchTo(next: Process | null): void {
  switchFrom(current == null ? loopContext : current.context, next)
}

/** As `switchTo`; `from` keeps where to go on. */
function switchFrom(from: ptr, next: Process | null): void {
  clockUpdate()
  if (current != null) {
    account(current)
    timeSettle(current)
  } else processorTimeSkip()
  current = next
  switches += 1
  if (next != null) {
    next.state = ProcessState.Running
    next.runStart = nowMicroseconds()
    load(next)
  }
  switchStack(from, next == null ? loopContext : next.context)
  switchOver()
}

/** The time since it was given the processor is of a process's slice. */
function account(process: Process): void {
  const ran: u32 = nowMicroseconds() - process.runStart
  process.runStart = nowMicroseconds()
  process.sliceUsed += ran
}

/** What the one before left behind. Called on the new stack. */
export function switchOver(): void {
  if (abandoned == 0) return
  const stack = abandoned
  abandoned = 0 as ptr
  kernelStackFree(stack)
}

/** The processor's registers and address space are this process's. */
function load(next: Process): void {
  userEntryStackSet(next.stack)
  if (loaded == next) return
  if (loaded != null) fpuSave(loaded.stack)
  fpuRestore(next.stack)
  wrmsr(MSR_FS_BASE, next.fsBaseLow, next.fsBaseHigh)
  wrmsr(MSR_GS_BASE, next.gsBaseLow, next.gsBaseHigh)
  loaded = next
  spaceLoad(next.space)
}

/** Make this the address space of the processor and of copies from and to user memory; null: nobody's. */
export function spaceLoad(space: AddressSpace | null): void {
  if (loadedSpace == space) return
  loadedSpace = space
  spaceCurrentSet(space)
  writeCr3(space == null ? kernelRoot() : spaceRoot(space))
}

/** The running process's FS or GS base has changed. */
export function segmentBasesLoad(process: Process): void {
  wrmsr(MSR_FS_BASE, process.fsBaseLow, process.fsBaseHigh)
  wrmsr(MSR_GS_BASE, process.gsBaseLow, process.gsBaseHigh)
}

/** The running process's registers are in its FPU area from now on, for somebody to read or to change. */
export function fpuStateSaved(process: Process): ptr {
  if (loaded == process) fpuSave(process.stack)
  return process.stack
}

/** The FPU area of the running process was written: the registers follow it. */
export function fpuStateChanged(process: Process): void {
  if (loaded == process) fpuRestore(process.stack)
}

/** The running process lets others run; whoever has to wake it knows it already. Returns when it runs again. */
function leave(toLoop: boolean): void {
  const next: Process | null = toLoop || attentionRaised() ? null : readyTake(nowMilliseconds())
  sti()
  if (next != null && next == current) { // woken before it had left
    next.state = ProcessState.Running
    return
  }
  switchTo(next)
}

/** The running process is over: its stack is given back as soon as somebody else runs. Does not return. */
export function switchAwayForGood(process: Process): never {
  if (loaded == process) loaded = null
  abandoned = process.stack
  process.stack = 0 as ptr
  current = null
  sti()
  switchFrom(nowhere, readyTake(nowMilliseconds()))
  panic('a process that has ended runs again')
}

// --- Sleeping: lib/sleep.ts. ------------------------------------------------------------------------------

function sleep(queue: WaitQueue | null, milliseconds: u32, interruptible: boolean): i32 {
  const self = processSelf()
  if (interruptible && self.notice) return Errno.Interrupted
  if (milliseconds == 0) return Errno.TimedOut
  self.woken = Woken.Not
  self.sliceUsed = 0
  self.interruptible = interruptible
  self.state = queue == null ? ProcessState.Sleeping : ProcessState.Blocked
  if (queue != null) sleeperEnqueue(queue, self.sleeper)
  const limited = milliseconds != SLEEP_FOR_EVER
  if (limited) timerStart(self.timer, milliseconds, timeOver)
  leave(limited) // the main loop sets the next timer interrupt
  if (limited) timerStop(self.timer)
  sleeperDequeue(self.sleeper)
  return sleepResult(self.woken)
}

function sleepResult(woken: Woken): i32 {
  if (woken == Woken.ByTime) return Errno.TimedOut
  return woken == Woken.BySignal ? Errno.Interrupted : Errno.None
}

function timeOver(timer: Timer): void {
  const process = at<Process>(timer.owner)
  end(process, Woken.ByTime)
}

function wake(sleeper: Sleeper): void {
  end(at<Process>(address(sleeper)), Woken.ByOther)
}

/** End a sleep, whatever it is on. */
function end(process: Process, how: Woken): void {
  if (process.state != ProcessState.Blocked && process.state != ProcessState.Sleeping) return
  process.woken = how
  sleeperDequeue(process.sleeper)
  processReady(process)
}

/** A signal, or the end, has come for a process: a sleep that allows it is over, and it looks before it goes on. */
export function processNotice(process: Process): void {
  process.notice = true
  if (process.interruptible) end(process, Woken.BySignal)
}

/** A stopped process: it runs again only by `processContinue`. Called by the process itself. */
export function processStop(process: Process): void {
  process.state = ProcessState.Stopped
  leave(false)
}

/** Let a stopped process go on. */
export function processContinue(process: Process): void {
  if (process.state == ProcessState.Stopped) processReady(process)
}

// --- Giving way. ------------------------------------------------------------------------------------------

/** Called with the way back to user mode ahead, interrupts off: others first, if something has happened. */
export function giveWay(process: Process): void {
  clockUpdate()
  account(process)
  if (process.sliceUsed < TIME_SLICE * 1000) {
    process.state = ProcessState.Ready
    readyFirst(process, nowMilliseconds())
  } else {
    process.sliceUsed = 0
    processReady(process)
  }
  sti()
  switchTo(null)
  cli()
}

/** sched_yield: the others of its priority first. */
export function processYield(): void {
  processReady(processSelf())
  leave(false)
}

/**
 * Run ready processes, of which there is one, until they all sleep or something happens. `busy`: the main loop has work
 * already, and wants to be back in a millisecond. The main loop's.
 */
export function processesRun(busy: boolean): void {
  const next = readyTake(nowMilliseconds())!
  attentionTake()
  clockUpdate()
  const due = timersNext()
  apicTimerStart(busy || due == 0 ? 1 : due < TIME_SLICE ? due : TIME_SLICE)
  switchTo(next)
}

/** From here on there can be processes. */
export function schedulerInit(): void {
  setSleep(sleep, wake)
}
