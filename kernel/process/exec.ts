// Another program in the same process: execve(2). The new address space is made beside the old one, and only when all of it is
// there does the old one go: a file that is none leaves the caller as it was. A file that begins with "#!" names who reads it.
// Context: the process's own.

import { cpuCapabilities } from '../arch/x86/cpu.ts'
import { fpuStateInit } from '../arch/x86/fpu.ts'
import { TrapFrame } from '../arch/x86/trap-frame.ts'
import { INTERPRETER_LIMIT } from '../config.ts'
import { fsFileOpen } from '../fs/calls/open.ts'
import { tableCloseOnExec } from '../fs/descriptor.ts'
import { fileRelease, type OpenFile } from '../fs/file.ts'
import { At, Open } from '../fs/flags.ts'
import { inodeRead } from '../fs/regular.ts'
import { Errno, errorOf, isError } from '../lib/errno.ts'
import { load8 } from '../lib/intrinsics.ts'
import { address, at, plus, sizeof, struct, type Bytes, type Embed, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { copyBytes, stringLengthBounded, zeroBytes } from '../lib/memory.ts'
import { Arguments, argumentsAdd, argumentsFree, argumentsInit } from '../loader/arguments.ts'
import { ElfLoaderError, elfErrno } from '../loader/errors.ts'
import { Image, elfLoad } from '../loader/load.ts'
import { Identity, stackBuild } from '../loader/stack.ts'
import { heapAllocate, heapFree } from '../mm/heap.ts'
import { spaceCreate } from '../vm/address-space.ts'
import { Transfer, transferInit } from '../vm/transfer.ts'
import { spaceRelease } from '../vm/unmap.ts'
import { userLoad32, userLoaded } from '../vm/user-copy.ts'
import { identityFind, identityTake } from './credentials.ts'
import { executableSet } from './executable.ts'
import { vforkOver } from './exit.ts'
import { groupAlone } from './group.ts'
import { limitsToSpace } from './limits.ts'
import { NAME_SIZE, Process } from './process.ts'
import { fpuStateChanged, segmentBasesLoad, spaceLoad } from './scheduler.ts'
import { Signal } from './signal-number.ts'
import { signalStateExec } from './signal-state.ts'

/** Bytes of a file's first line that are read for "#!": Linux's BINPRM_BUF_SIZE. */
const HEAD_SIZE: u32 = 256
const HASH: u32 = 0x23
const BANG: u32 = 0x21
const SPACE: u32 = 0x20
const TAB: u32 = 9
const NEWLINE: u32 = 10
const SLASH: u32 = 0x2f

/** What becomes of a call while it sleeps: of each caller its own. */
@struct
export class Execution {
  arguments: Embed<Arguments>
  image: Embed<Image>
  transfer: Embed<Transfer>
  identity: Embed<Identity> // who the program is
  interpreters: u32 // followed so far
  headLength: u32
  head: Bytes<256> // HEAD_SIZE
}

/** A call to be: its arguments are to be filled in. 0: no memory. */
export function executionBegin(): Execution | null {
  const memory = heapAllocate(sizeof<Execution>())
  if (memory == 0) return null
  const execution = at<Execution>(memory)
  zeroBytes(memory, sizeof<Execution>())
  if (argumentsInit(execution.arguments) == Errno.None) return execution
  heapFree(memory)
  return null
}

/** Give back what a call had. */
export function executionEnd(execution: Execution): void {
  argumentsFree(execution.arguments)
  heapFree(address(execution))
}

/** The path of the program, zero-terminated. */
function pathOf(from: Arguments): ptr {
  return plus(from.buffer, from.path)
}

/**
 * Run the program that `execution` names in `self`, the running process: None, and `frame` and everything else is the new program's.
 * Errors: those of opening the file, AccessDenied (no regular file, not executable), NotExecutable, OutOfMemory, SymbolicLinkLoop
 * (interpreters of interpreters), Interrupted (the process was told to end): the process is as it was. May sleep.
 */
export function execute(self: Process, execution: Execution, frame: TrapFrame): i32 {
  while (true) {
    const opened = fsFileOpen(self.files, At.WorkingDirectory, pathOf(execution.arguments), Open.Execute, 0)
    if (isError(opened)) return errorOf(opened)
    const file = at<OpenFile>(opened as ptr)
    let result: i32 = headRead(execution, file)
    const script = result == Errno.None && isScript(execution)
    if (result == Errno.None && !script) result = replaceProgram(self, execution, file, frame)
    fileRelease(file)
    if (!script) return result
    result = interpreterTake(execution)
    if (result != Errno.None) return result
  }
}

/** Look at the file and its first line. */
function headRead(execution: Execution, file: OpenFile): i32 {
  transferInit(execution.transfer, execution.head, HEAD_SIZE - 1, true)
  const moved = inodeRead(file.inode!, 0, execution.transfer)
  if (moved < 0) return moved
  execution.headLength = moved as number as u32
  return Errno.None
}

function isScript(execution: Execution): boolean {
  return execution.headLength > 2 && load8(execution.head, 0) == HASH && load8(execution.head, 1) == BANG
}

// --- "#!". ------------------------------------------------------------------------------------------------

function isBlank(byte: u32): boolean {
  return byte == SPACE || byte == TAB
}

/** The arguments for who reads the script: itself, what its line says, the script's path, the rest of the script's arguments. */
function interpreterTake(execution: Execution): i32 {
  if (execution.interpreters == INTERPRETER_LIMIT) return Errno.SymbolicLinkLoop
  execution.interpreters += 1
  let end: u32 = 2
  while (end < execution.headLength && load8(execution.head, end) != NEWLINE) end += 1
  if (end == execution.headLength && end == HEAD_SIZE - 1) return Errno.NotExecutable // its line does not end
  let start: u32 = 2
  while (start < end && isBlank(load8(execution.head, start))) start += 1
  while (end > start && isBlank(load8(execution.head, end - 1))) end -= 1
  let stop: u32 = start
  while (stop < end && !isBlank(load8(execution.head, stop))) stop += 1
  if (stop == start) return Errno.NotExecutable
  return argumentsBefore(execution, start, stop, end)
}

/** The interpreter is at `start` to `stop` of the head, its argument, if any, after it up to `end`. */
function argumentsBefore(execution: Execution, start: u32, stop: u32, end: u32): i32 {
  const memory = heapAllocate(sizeof<Arguments>())
  if (memory == 0) return Errno.OutOfMemory
  const next = at<Arguments>(memory)
  let error: i32 = argumentsInit(next)
  if (error == Errno.None) {
    error = argumentsWrite(execution, next, start, stop, end)
    if (error == Errno.None) swap(execution.arguments, next)
    argumentsFree(next)
  }
  heapFree(memory)
  return error
}

function argumentsWrite(execution: Execution, next: Arguments, start: u32, stop: u32, end: u32): i32 {
  const old = execution.arguments
  let error = argumentsAdd(next, plus(execution.head, start), stop - start)
  next.argumentCount = old.argumentCount < 1 ? 2 : old.argumentCount + 1
  let argument: u32 = stop
  while (argument < end && isBlank(load8(execution.head, argument))) argument += 1
  if (error == Errno.None && argument < end) {
    error = argumentsAdd(next, plus(execution.head, argument), end - argument)
    next.argumentCount += 1
  }
  const path = pathOf(old)
  if (error == Errno.None) error = argumentsAdd(next, path, stringLengthBounded(path, old.used - old.path))
  const rest: u32 = old.argumentCount == 0 ? 0 : stringLengthBounded(old.buffer, old.used) + 1
  if (error == Errno.None && old.path > rest) error = argumentsAdd(next, plus(old.buffer, rest), old.path - rest - 1)
  next.environmentCount = old.environmentCount
  next.path = next.used
  return error == Errno.None ? argumentsAdd(next, plus(execution.head, start), stop - start) : error
}

function swap(a: Arguments, b: Arguments): void {
  argumentsFree(a)
  copyBytes(address(a), address(b), sizeof<Arguments>())
  b.buffer = 0 as ptr
}

// --- The program. -----------------------------------------------------------------------------------------

function replaceProgram(self: Process, execution: Execution, file: OpenFile, frame: TrapFrame): i32 {
  const space = spaceCreate()
  if (space == null) return Errno.OutOfMemory
  limitsToSpace(self.signals.group.limits, space)
  identityFind(execution.identity, self.files.credentials, file.inode!)
  const old = self.space
  self.space = space
  spaceLoad(space)
  const stack = programLoad(self, execution, file)
  if (isError(stack)) {
    self.space = old
    spaceLoad(old)
    spaceRelease(space)
    return errorOf(stack)
  }
  if (old != null) spaceRelease(old)
  executableSet(self.executable, file.inode!, self.files, pathOf(execution.arguments))
  identityTake(self, execution.identity, file.inode!)
  begin(self, execution, frame, stack)
  return Errno.None
}

/** The program and its stack in the new space, of which the top is returned; then, when all of it is there, the other threads end. */
function programLoad(self: Process, execution: Execution, file: OpenFile): u32 {
  const fault = elfLoad(self.space!, file, execution.image)
  if (fault != ElfLoaderError.None) return elfErrno(fault) as number as u32
  const stack = stackBuild(self.space!, execution.arguments, execution.image, execution.identity, cpuCapabilities())
  if (isError(stack) || groupAlone(self)) return stack
  return Errno.Interrupted as number as u32 // it has to end itself
}

/** Registers, descriptors, signals, name: those of a new program. */
function begin(self: Process, execution: Execution, frame: TrapFrame, stack: u32): void {
  const interruptFlag: u32 = 0x202
  zeroBytes(address(frame), sizeof<TrapFrame>())
  frame.rip.low = execution.image.entry
  frame.cs.low = USER_CODE
  frame.rflags.low = interruptFlag
  frame.rsp.low = stack
  frame.ss.low = USER_DATA
  self.fsBaseLow = 0
  self.fsBaseHigh = 0
  self.gsBaseLow = 0
  self.gsBaseHigh = 0
  segmentBasesLoad(self)
  fpuStateInit(self.stack)
  fpuStateChanged(self)
  self.clearTid = 0 as ptr
  self.robustList = 0 as ptr
  self.exitSignal = Signal.Child // what clone was told was of the program before
  tableCloseOnExec(self.files.table)
  signalStateExec(self.signals)
  nameSet(self, pathOf(execution.arguments))
  argumentsNote(self, execution.arguments, stack)
  vforkOver(self)
}

/** Selectors of user mode, privilege 3: gdt.ts. */
const USER_DATA: u32 = 0x1b
const USER_CODE: u32 = 0x23
/** Bytes of argc, and of each address. */
const ARGUMENT_WORD: u32 = 8

/** Where the arguments are on the new stack, of which `stack` is the top: argc, then the address of each. */
function argumentsNote(self: Process, from: Arguments, stack: u32): void {
  let length: u32 = 0
  for (let i: u32 = 0; i < from.argumentCount; i++) length += stringLengthBounded(plus(from.buffer, length), from.used - length) + 1
  self.argumentsStart = userLoad32(plus(stack as ptr, ARGUMENT_WORD)) == Errno.None ? userLoaded() : 0
  self.argumentsLength = length
}

/** A process is called what its program's file is. */
function nameSet(self: Process, path: ptr): void {
  let start: u32 = 0
  let end: u32 = 0
  while (load8(path, end) != 0) {
    if (load8(path, end) == SLASH) start = end + 1
    end += 1
  }
  const length: u32 = end - start < NAME_SIZE - 1 ? end - start : NAME_SIZE - 1
  zeroBytes(self.name, NAME_SIZE)
  copyBytes(self.name, plus(path, start), length)
}
