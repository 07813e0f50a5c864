// Programs: what has to be there before the first process, and that process, if the command line asks for one.

import { Cpu, cpuHas } from '../arch/x86/cpu.ts'
import { clockCounter, clockOfCounts } from '../arch/x86/clock.ts'
import { fpuInit } from '../arch/x86/fpu.ts'
import { kernelRoot } from '../arch/x86/paging.ts'
import { processFactsInit } from './process-facts.ts'
import { userAccessBegin, userAccessEnd } from '../arch/x86/user-access.ts'
import { syscallInit } from '../arch/x86/syscall.ts'
import { invlpg, readCr3, writeCr3 } from '../lib/intrinsics.ts'
import { isError } from '../lib/errno.ts'
import type { ptr, u32 } from '../lib/layout.ts'
import { kernelFiles } from '../fs/start.ts'
import { Given, Options, Selftest, optionGiven } from '../lib/options.ts'
import { panic } from '../lib/panic.ts'
import { exceptionsToSignals } from '../process/exception.ts'
import { exitHooksSet } from '../process/exit.ts'
import { firstEnded, firstProcessStart } from '../process/first.ts'
import { outOfMemoryInit } from '../process/out-of-memory.ts'
import type { Process } from '../process/process.ts'
import { processorTimeInit } from '../process/processor-time.ts'
import { schedulerInit } from '../process/scheduler.ts'
import { processTableInit } from '../process/table.ts'
import { signalsInit } from '../process/signal-state.ts'
import { userReturnInit } from '../process/user-return.ts'
import { leftEnd } from '../selftest/left.ts'
import { robustListEnd } from '../syscall/robust.ts'
import { swapManager } from '../swap/start.ts'
import { asyncInit } from '../syscall/async.ts'
import { epollInit } from '../syscall/epoll.ts'
import { eventsInit } from '../syscall/eventfd.ts'
import { futexInit, futexWake } from '../syscall/futex.ts'
import { signalFilesInit } from '../syscall/signalfd.ts'
import { socketFilesInit } from '../syscall/socket-file.ts'
import { timerFilesInit } from '../syscall/timerfd.ts'
import { localFilesInit } from '../syscall/local/file.ts'
import { windowsInit } from '../syscall/user-window.ts'
import { swapOn } from '../vm/swap-off.ts'
import { vmInit } from '../vm/start.ts'

/** selftest=mm: whether programs leave anything behind. */
let leftLooks: boolean = false

/** From here on there can be processes. */
export function programsInit(): void {
  fpuInit()
  syscallInit()
  vmInit(kernelRoot(), cpuHas(Cpu.NoExecute), invalidatePage, invalidateAll)
  if (!isError(swapManager().getSwapDevice())) swapOn(swapManager())
  futexInit()
  eventsInit()
  timerFilesInit()
  signalFilesInit()
  epollInit()
  asyncInit()
  socketFilesInit()
  localFilesInit()
  windowsInit(windowOpened, windowClosed)
  processTableInit()
  signalsInit()
  schedulerInit()
  processorTimeInit(clockCounter, clockOfCounts)
  exceptionsToSignals()
  outOfMemoryInit()
  userReturnInit()
  processFactsInit()
}

/** Start the first process, if the command line asks for one. */
export function firstStart(options: Options): void {
  if (!optionGiven(options, Given.Init)) return
  leftLooks = options.selftest == Selftest.Mm
  exitHooksSet(ended, robustListEnd, tidCleared)
  if (!firstProcessStart(options.init, kernelFiles().root)) panic('no memory for the first process')
}

/** The first process has ended, and all others with it: the machine ends. */
function ended(process: Process): void {
  firstEnded(process, !leftLooks || leftEnd())
}

/** A thread has left: who waits for it (pthread_join) goes on. */
function tidCleared(process: Process): void {
  futexWake(process, process.clearTid)
}

function invalidatePage(page: ptr): void {
  invlpg(page)
}

function invalidateAll(): void {
  writeCr3(readCr3())
}

/** A window on user memory is that memory, opened. */
function windowOpened(p: ptr, _n: u32, _writing: boolean): ptr {
  userAccessBegin()
  return p
}

function windowClosed(_p: ptr, _n: u32, _writing: boolean): void {
  userAccessEnd()
}
