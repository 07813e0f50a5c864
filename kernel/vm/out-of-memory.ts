// Memory is full, and swap, too, or there is none: a process has to end, so that the others and the kernel go on. It is the one
// whose end gives most: the space with the most pages, in memory and in slots. Ending it is a function registered at boot.

import type { u32 } from '../lib/layout.ts'
import { Level, logDecimal, logEnd, logStart } from '../lib/log.ts'
import { sleepPause } from '../lib/sleep.ts'
import { spaceFirst, type AddressSpace } from './address-space.ts'
import { spaceCurrent } from './page-table.ts'
import { vmStats } from './stats.ts'

/** End whoever has this space, as soon as it can be. False: nobody has it who can be ended. */
export type OutOfMemoryKill = (space: AddressSpace) => boolean

let kill: OutOfMemoryKill | null = null
/** Milliseconds until somebody looks again whether memory has come. */
const PAUSE: u32 = 10
/** How often, until one who was told to end and does not is forgotten about. */
const PATIENCE: u32 = 200

/** Who ends processes, from now on. */
export function outOfMemoryRegister(next: OutOfMemoryKill | null): void {
  kill = next
}

/**
 * There is no memory. True: somebody else is about to give some back; look again. False: there is nobody, or it is the current
 * process that has to end: what it asked for can not be. May sleep.
 */
export function outOfMemory(): boolean {
  const current = spaceCurrent()
  if (current != null && current.ending != 0) return false
  let space = largest(true)
  if (space == null || space.ending > PATIENCE) {
    space = largest(false)
    if (space == null || kill == null || !kill(space)) return false
    space.ending = 1
    vmStats().outOfMemory += 1
    logVictim(space)
    if (space == current) return false
  }
  space.ending += 1
  sleepPause(PAUSE)
  return true
}

/** The space with the most pages among those that are ending, and may still have patience, or that are not. */
function largest(ending: boolean): AddressSpace | null {
  let space = spaceFirst()
  let found: AddressSpace | null = null
  while (space != null) {
    const candidate: boolean = ending ? space.ending != 0 && space.ending <= PATIENCE : space.ending == 0
    if (candidate && (found == null || pagesOf(space) > pagesOf(found))) found = space
    space = space.next
  }
  return found
}

function pagesOf(space: AddressSpace): u32 {
  return space.resident + space.swapped
}

function logVictim(space: AddressSpace): void {
  if (!logStart(Level.Warn, 'memory', 'out')) return
  logDecimal('ended_resident', space.resident)
  logDecimal('ended_swapped', space.swapped)
  logEnd()
}
