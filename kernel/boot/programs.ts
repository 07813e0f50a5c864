// Programs: what has to be there before the first process, and that process, if the command line asks for one.

import { Cpu, cpuHas } from '../arch/x86/cpu.ts'
import { fpuInit } from '../arch/x86/fpu.ts'
import { kernelRoot } from '../arch/x86/paging.ts'
import { bootInfo } from '../arch/x86/memory-init.ts'
import { physicalView, windowMark, windowRelease } from '../arch/x86/device-window.ts'
import { serialPut } from '../drivers/serial/serial.ts'
import { ttyInit } from '../fs/tty/tty.ts'
import { processFactsInit } from './process-facts.ts'
import { syscallInit } from '../arch/x86/syscall.ts'
import { invlpg, readCr3, writeCr3 } from '../lib/intrinsics.ts'
import { staticStruct, type i32, type ptr } from '../lib/layout.ts'
import { Level, logEnd, logSigned, logStart } from '../lib/log.ts'
import { CpioResult, cpioLoad } from '../fs/cpio.ts'
import { fsInit, fsMountSystem, kernelFiles } from '../fs/start.ts'
import { Given, Options, optionGiven } from '../lib/options.ts'
import { panic } from '../lib/panic.ts'
import { Errno } from '../lib/errno.ts'
import { exceptionsToSignals } from '../process/exception.ts'
import { exitHooksSet } from '../process/exit.ts'
import { firstEnded, firstProcessStart } from '../process/first.ts'
import type { Process } from '../process/process.ts'
import { schedulerInit } from '../process/scheduler.ts'
import { processTableInit } from '../process/table.ts'
import { signalsInit } from '../process/signal-state.ts'
import { userReturnInit } from '../process/user-return.ts'
import { eventsInit } from '../syscall/eventfd.ts'
import { futexInit, futexWake } from '../syscall/futex.ts'
import { vmInit } from '../vm/start.ts'

const unpacked = staticStruct<CpioResult>()

/** From here on there can be processes. */
export function programsInit(): void {
  fpuInit()
  syscallInit()
  vmInit(kernelRoot(), cpuHas(Cpu.NoExecute), invalidatePage, invalidateAll)
  if (fsInit() != Errno.None) panic('no memory for files')
  futexInit()
  eventsInit()
  processTableInit()
  signalsInit()
  schedulerInit()
  exceptionsToSignals()
  userReturnInit()
  processFactsInit()
  ttyInit(serialPut)
  ramDiskUnpack()
  if (fsMountSystem() != Errno.None) panic('no memory for /dev and /proc')
}

/** The first boot module is the root's contents. */
function ramDiskUnpack(): void {
  const info = bootInfo()
  if (info.moduleCount == 0) return
  const module = info.modules
  const mark = windowMark()
  const view = physicalView(module.base.low, module.base.high, module.length)
  const fault: i32 = view == 0 ? Errno.OutOfMemory : cpioLoad(kernelFiles(), view, module.length, unpacked)
  windowRelease(mark)
  if (fault == Errno.None || !logStart(Level.Error, 'boot', 'ram-disk')) return
  logSigned('error', fault)
  logEnd()
}


/** Start the first process, if the command line asks for one. */
export function firstStart(options: Options): void {
  if (!optionGiven(options, Given.Init)) return
  exitHooksSet(firstEnded, tidCleared)
  if (!firstProcessStart(options.init, kernelFiles().root)) panic('no memory for the first process')
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
