// Who ends when memory and swap are full: every process that has the address space vm/out-of-memory.ts chose, by SIGKILL, with
// a line in the log. The first process is chosen like the others: with it the machine ends, and says so. Context: a process's.

import type { cstring } from '../lib/layout.ts'
import { Level, logDecimal, logEnd, logStart, logText } from '../lib/log.ts'
import type { AddressSpace } from '../vm/address-space.ts'
import { outOfMemoryRegister } from '../vm/out-of-memory.ts'
import { processEnd } from './exit.ts'
import { Process, ProcessState } from './process.ts'
import { Signal } from './signal-number.ts'
import { processFirst } from './table.ts'

/** A process ends because there is no memory for it. */
export function killForMemory(process: Process): void {
  if (process.ending) return
  processEnd(process, Signal.Kill)
  if (!logStart(Level.Warn, 'process', 'killed')) return
  logDecimal('pid', process.pid)
  logText('name', process.name as cstring)
  logText('why', 'out-of-memory')
  logEnd()
}

/** Every process with this space ends. False: nobody has it. */
function killSpace(space: AddressSpace): boolean {
  let any = false
  let each = processFirst()
  while (each != null) {
    if (each.space == space && each.state != ProcessState.Zombie) {
      killForMemory(each)
      any = true
    }
    each = each.nextOfAll
  }
  return any
}

/** From now on memory that is full ends processes. Boot context. */
export function outOfMemoryInit(): void {
  outOfMemoryRegister(killSpace)
}
