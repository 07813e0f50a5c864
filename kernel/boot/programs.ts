// Programs: what has to be there before the first process, and that process, if the command line asks for one.

import { Cpu, cpuHas } from '../arch/x86/cpu.ts'
import { fpuInit } from '../arch/x86/fpu.ts'
import { kernelRoot } from '../arch/x86/paging.ts'
import { syscallInit } from '../arch/x86/syscall.ts'
import { invlpg, readCr3, writeCr3 } from '../lib/intrinsics.ts'
import type { ptr } from '../lib/layout.ts'
import { exceptionsToSignals } from '../process/exception.ts'
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
