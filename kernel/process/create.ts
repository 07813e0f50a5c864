// A new process: the first one, and the copies that clone(2) and fork(2) make.

import { nowMilliseconds } from '../lib/clock.ts'
import { Errno } from '../lib/errno.ts'
import { linkerSymbol, store32 } from '../lib/intrinsics.ts'
import { address, at, plus, sizeof, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { copyBytes } from '../lib/memory.ts'
import { KERNEL_HIGH } from '../arch/x86/gdt.ts'
import { FPU_STATE_SIZE, fpuStateInit } from '../arch/x86/fpu.ts'
import { TrapFrame } from '../arch/x86/trap-frame.ts'
import { contextFork, contextRelease } from '../fs/context.ts'
import { sleepUninterruptibleFor } from '../lib/sleep.ts'
import { spaceHold } from '../vm/address-space.ts'
import { spaceFork } from '../vm/fork.ts'
import { spaceRelease } from '../vm/unmap.ts'
import { hasAllProcesses } from './credentials.ts'
import { executableCopy } from './executable.ts'
import { kernelStackAllocate, kernelStackFree } from './kernel-stack.ts'
import { limitsToSpace } from './limits.ts'
import { NAME_SIZE, Priority, Process } from './process.ts'
import { fpuStateSaved, processReady } from './scheduler.ts'
import { signalKilled, signalStateRelease } from './signal-state.ts'
import { signalStateCopy } from './signal.ts'
import { processAdd, processOf, processRemove } from './table.ts'

/** Flags of clone(2), Linux's values; the low byte is the signal its parent gets when it ends. */
export const enum Clone {
  Signal = 0xff,
  Memory = 0x100,
  FileSystem = 0x200,
  Files = 0x400,
  SignalHandlers = 0x800,
  Vfork = 0x4000,
  Parent = 0x8000,
  Thread = 0x10000,
  SetTls = 0x80000,
  ParentSetTid = 0x100000,
  ChildClearTid = 0x200000,
  ChildSetTid = 0x1000000,
}

/** A process with a kernel stack whose first act will be `process_entry`, and nothing else; null for want of memory. */
export function processMake(): Process | null {
  const process = processAdd()
  if (process == null) return null
  const stack = kernelStackAllocate()
  if (stack == 0) {
    processRemove(process)
    return null
  }
  process.stack = stack
  process.priority = Priority.Normal
  process.threads = 1
  process.timer.owner = address(process)
  process.startTime = nowMilliseconds()
  const frame = plus(stack, 0 - sizeof<TrapFrame>())
  process.frame = frame
  const entry = plus(frame, 0 - 8)
  storeAddress(entry, linkerSymbol('process_entry'))
  storeAddress(process.context, entry)
  fpuStateInit(stack)
  return process
}

/** A kernel address, all 64 bits of it. */
function storeAddress(to: ptr, value: ptr): void {
  store32(to, 0, value)
  store32(to, 4, KERNEL_HIGH)
}

/** Undo `processMake`. */
export function processUnmake(process: Process): void {
  kernelStackFree(process.stack)
  processRemove(process)
}

/**
 * A copy of the running process `self`, as `flags` say; it returns 0 from the same system call, on the stack `stack` if that is
 * not 0. Returns its pid. Errors: WouldBlock (PROCESS_LIMIT, RLIMIT_NPROC), OutOfMemory, InvalidArgument, Interrupted (`self` is to end).
 * May sleep.
 */
export function processClone(self: Process, flags: u32, stack: ptr, tls: ptr, childTid: ptr): i32 {
  if (!flagsMakeSense(flags) || ((flags & Clone.Parent) != 0 && self.group == 1)) return Errno.InvalidArgument
  if (hasAllProcesses(self)) return Errno.WouldBlock
  const child = processMake()
  if (child == null) return Errno.WouldBlock
  if (!copyParts(self, child, flags)) {
    processUnmake(child)
    return Errno.OutOfMemory
  }
  if (isEnded(self)) { // while it slept: the child was not there yet when everybody was told to end
    releaseParts(child)
    processUnmake(child)
    return Errno.Interrupted
  }
  copyRegisters(self, child, flags, stack, tls)
  if ((flags & Clone.ChildClearTid) != 0) child.clearTid = childTid
  if ((flags & Clone.ChildSetTid) != 0) child.setTid = childTid
  enroll(self, child, flags)
  const pid = child.pid as number as i32
  processReady(child)
  if ((flags & Clone.Vfork) != 0) {
    vforkWait(self, child)
    limitsToSpace(self.signals.group.limits, self.space!) // the child may have set limits of its own while it had the space
  }
  return pid
}

/** Threads share memory and handlers; handlers are not shared without memory. */
function flagsMakeSense(flags: u32): boolean {
  if ((flags & Clone.Thread) != 0 && (flags & Clone.SignalHandlers) == 0) return false
  return (flags & Clone.SignalHandlers) == 0 || (flags & Clone.Memory) != 0
}

/** Signals, descriptors, memory: shared or copied. False without memory: then nothing is. */
function copyParts(self: Process, child: Process, flags: u32): boolean {
  if (!signalStateCopy(child, self, (flags & Clone.Thread) != 0)) return false // without being a thread it has handlers of its own
  if (contextFork(child.files, self.files, (flags & Clone.Files) != 0) == Errno.None) {
    if (spaceCopy(self, child, flags)) return true
    contextRelease(child.files)
  }
  signalStateRelease(child.signals)
  return false
}

/** Undo `copyParts`. May sleep. */
function releaseParts(child: Process): void {
  spaceRelease(child.space!)
  contextRelease(child.files)
  signalStateRelease(child.signals)
}

/** Whether a process is told to end, and does as soon as it leaves the kernel. */
function isEnded(self: Process): boolean {
  return self.ending || signalKilled(self.signals)
}

function spaceCopy(self: Process, child: Process, flags: u32): boolean {
  if ((flags & Clone.Memory) == 0) {
    child.space = spaceFork(self.space!)
    return child.space != null
  }
  spaceHold(self.space!)
  child.space = self.space
  return true
}

function copyRegisters(self: Process, child: Process, flags: u32, stack: ptr, tls: ptr): void {
  copyBytes(child.frame, self.frame, sizeof<TrapFrame>())
  copyBytes(child.stack, fpuStateSaved(self), FPU_STATE_SIZE)
  const frame = at<TrapFrame>(child.frame)
  frame.rax.low = 0
  frame.rax.high = 0
  frame.vector = 0 // it leaves by IRET: every register is as it was
  if (stack != 0) {
    frame.rsp.low = stack
    frame.rsp.high = 0
  }
  child.fsBaseLow = (flags & Clone.SetTls) != 0 ? tls : self.fsBaseLow
  child.fsBaseHigh = (flags & Clone.SetTls) != 0 ? 0 : self.fsBaseHigh
  child.gsBaseLow = self.gsBaseLow
  child.gsBaseHigh = self.gsBaseHigh
}

/** Its place among the others: in its parent's list, or in the group. */
function enroll(self: Process, child: Process, flags: u32): void {
  copyBytes(child.name, self.name, NAME_SIZE)
  executableCopy(child.executable, self.executable)
  child.argumentsStart = self.argumentsStart
  child.argumentsLength = self.argumentsLength
  child.priority = self.priority
  child.niceness = self.niceness
  child.timerSlack = self.timerSlack
  child.timerSlackUsual = self.timerSlack
  child.processGroup = self.processGroup
  child.session = self.session
  child.exitSignal = flags & Clone.Signal
  if ((flags & Clone.Thread) != 0) {
    const leader = processOf(self.group)!
    child.group = self.group
    child.threads = 0
    child.exitSignal = 0
    leader.threads += 1
    return
  }
  let parent: Process = processOf(self.group)!
  if ((flags & Clone.Parent) != 0 && parent.parent != null) { // a sibling: its end is told as the caller's own will be
    child.exitSignal = parent.exitSignal
    parent = parent.parent
  }
  child.parent = parent
  child.nextSibling = parent.firstChild
  parent.firstChild = child
}

/** Milliseconds between two looks whether somebody has killed a process that waits for its vfork. */
const VFORK_LOOK: u32 = 20

/** vfork: the parent does not go on until the child runs another program, or ends. */
function vforkWait(self: Process, child: Process): void {
  const pid = child.pid
  child.vforkedBy = self.group
  while (true) {
    const present = processOf(pid)
    if (present == null || present.vforkedBy == 0) return
    if (isEnded(self)) { // whatever the child does
      present.vforkedBy = 0
      return
    }
    sleepUninterruptibleFor(processOf(self.group)!.children, VFORK_LOOK)
  }
}
