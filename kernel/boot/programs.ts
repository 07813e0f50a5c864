// Programs: what has to be there before the first process, and that process, if the command line asks for one.

import { Cpu, cpuHas } from '../arch/x86/cpu.ts'
import { fpuInit } from '../arch/x86/fpu.ts'
import { kernelRoot } from '../arch/x86/paging.ts'
import { syscallInit } from '../arch/x86/syscall.ts'
import { invlpg, readCr3, writeCr3 } from '../lib/intrinsics.ts'
import { Given, Options, optionGiven } from '../lib/options.ts'
import { panic } from '../lib/panic.ts'
import { exceptionsToSignals } from '../process/exception.ts'
import { exitHooksSet } from '../process/exit.ts'
import { firstEnded, firstProcessStart } from '../process/first.ts'
import { schedulerInit } from '../process/scheduler.ts'
import { processTableInit } from '../process/table.ts'
import { userReturnInit } from '../process/user-return.ts'
import { vmInit } from '../vm/start.ts'

/** From here on there can be processes. */
export function programsInit(): void {
  fpuInit()
  syscallInit()
  vmInit(kernelRoot(), cpuHas(Cpu.NoExecute), invalidatePage, invalidateAll)
  processTableInit()
  schedulerInit()
  exceptionsToSignals()
  userReturnInit()
}

function invalidatePage(page: ptr): void {
  invlpg(page)
}

function invalidateAll(): void {
  writeCr3(readCr3())
}
