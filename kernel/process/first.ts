// The first process: `init=` of the command line. It begins in the kernel, opens the console and runs the program that the
// line names; its end is the machine's. docs/contract.md. Context: the process's own, but for `firstProcessStart`: boot.

import { ExitStatus, exitMachine } from '../arch/x86/exit.ts'
import { TrapFrame } from '../arch/x86/trap-frame.ts'
import { fsFileOpen } from '../fs/calls/open.ts'
import { contextInit } from '../fs/context.ts'
import { descriptorPut } from '../fs/descriptor.ts'
import { fileHold, fileRelease, type OpenFile } from '../fs/file.ts'
import { At, Open } from '../fs/flags.ts'
import type { Inode } from '../fs/inode.ts'
import { Errno, isError } from '../lib/errno.ts'
import { load8 } from '../lib/intrinsics.ts'
import { at, plus, type cstring, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { Level, logDecimal, logEnd, logQuoted, logSigned, logStart } from '../lib/log.ts'
import { stringLength } from '../lib/memory.ts'
import { Arguments, argumentsAdd } from '../loader/arguments.ts'
import { processMake, processUnmake } from './create.ts'
import { exitedStatus, processExit } from './exit.ts'
import { Execution, execute, executionBegin, executionEnd } from './exec.ts'
import { Process } from './process.ts'
import { processReady } from './scheduler.ts'
import { signalStateInit } from './signal-state.ts'

const SPACE: u32 = 0x20
/** What a shell says when there is no such program. */
const NOT_FOUND: u32 = 127
const CONSOLE: cstring = '/dev/console'

let line: cstring | null = null

/** Make process 1, which will run the program and arguments of `program`, with `root` for its root. False: no memory. */
export function firstProcessStart(program: cstring, root: Inode): boolean {
  const process = processMake()
  if (process == null) return false
  if (contextInit(process.files, root) != Errno.None || signalStateInit(process.signals) != Errno.None) {
    processUnmake(process)
    return false
  }
  process.signals.group.isFirst = true
  line = program
  process.processGroup = process.pid
  process.session = process.pid
  processReady(process)
  return true
}

/** Whether a process is the first, and has not begun. */
export function isFirst(process: Process): boolean {
  return process.pid == 1 && process.space == null
}

/** The first process's beginning: it becomes the program, or ends with 127. */
export function firstProgram(self: Process, frame: TrapFrame): void {
  const program: cstring = line!
  consoleOpen(self)
  const execution = executionBegin()
  let error: i32 = execution == null ? Errno.OutOfMemory : lineTake(execution, program)
  if (error == Errno.None) error = execute(self, execution!, frame)
  if (execution != null) executionEnd(execution)
  if (error == Errno.None) return
  if (logStart(Level.Error, 'process', 'exec')) {
    logQuoted('path', program)
    logSigned('error', error)
    logEnd()
  }
  processExit(exitedStatus(NOT_FOUND))
}

/** Standard input, output and error. */
function consoleOpen(self: Process): void {
  const opened = fsFileOpen(self.files, At.WorkingDirectory, CONSOLE as ptr, Open.ReadWrite, 0)
  if (isError(opened)) return
  const file = at<OpenFile>(opened as ptr)
  for (let descriptor: u32 = 0; descriptor < 3; descriptor++) {
    fileHold(file)
    if (descriptorPut(self.files.table, descriptor, file, false) != Errno.None) fileRelease(file)
  }
  fileRelease(file)
}

/** The words of the line are the arguments, the first of them the path; and the environment that every shell begins with. */
function lineTake(execution: Execution, program: cstring): i32 {
  const to = execution.arguments
  let error: i32 = wordsTake(to, program as ptr)
  if (error == Errno.None) error = variable(to, 'PATH=/bin:/sbin:/usr/bin:/usr/sbin')
  if (error == Errno.None) error = variable(to, 'HOME=/')
  if (error == Errno.None) error = variable(to, 'TERM=vt100')
  to.path = to.used
  if (error == Errno.None) error = argumentsAdd(to, program as ptr, wordLength(program as ptr))
  return error
}

function variable(to: Arguments, text: cstring): i32 {
  to.environmentCount += 1
  return argumentsAdd(to, text as ptr, stringLength(text))
}

function wordLength(p: ptr): u32 {
  let length: u32 = 0
  while (load8(p, length) != 0 && load8(p, length) != SPACE) length += 1
  return length
}

function wordsTake(to: Arguments, text: ptr): i32 {
  let p = text
  while (load8(p, 0) != 0) {
    const length = wordLength(p)
    if (length != 0) {
      const error = argumentsAdd(to, p, length)
      if (error != Errno.None) return error
      to.argumentCount += 1
    }
    p = plus(p, load8(p, length) == 0 ? length : length + 1)
  }
  return to.argumentCount == 0 ? Errno.NoSuchEntry : Errno.None
}

/** The first process has ended: the log says how, and the machine ends with success, or, also if not `clean`, with failure. */
export function firstEnded(process: Process, clean: boolean): never {
  const status = process.exitStatus
  const signal: u32 = status & 0x7f
  if (logStart(Level.Info, 'process', 'exit')) {
    logDecimal('pid', process.pid)
    logDecimal('code', signal != 0 ? 128 + signal : status >>> 8)
    if (signal != 0) logDecimal('signal', signal)
    logEnd()
  }
  exitMachine(status == 0 && clean ? ExitStatus.Success : ExitStatus.Failure)
}
