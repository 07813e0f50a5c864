// A process's memory as the kernel sees it: through the direct map, by a walk of the page tables that asks for the rights the
// process has. What is missing is brought in as if the process had touched it. So nothing lies between check and use, and a
// copy never faults.

import { load32, store32 } from '../lib/intrinsics.ts'
import { plus, type ptr, type u32 } from '../lib/layout.ts'
import { PAGE_MASK, USER_END, virtualOf } from '../mm/address.ts'
import type { AddressSpace } from './address-space.ts'
import { entryFrame } from './entries.ts'
import { MemoryError } from './errors.ts'
import { FaultCode, pageFault } from './fault.ts'
import { Entry, entryFind } from './page-table.ts'

/**
 * Where the kernel sees the byte at `where` of a space, to read or to write until it sleeps next; 0 if the process may not. What
 * follows in the same page follows there. May sleep.
 */
export function pageWalk(space: AddressSpace, where: u32, writing: boolean): ptr {
  const found = pageWalkNow(space, where, writing)
  if (found != 0) return found
  return walkSlowly(space, where, writing)
}

/** As `pageWalk`, if the page is there and needs nothing done; 0 otherwise. Does not sleep. */
export function pageWalkNow(space: AddressSpace, where: u32, writing: boolean): ptr {
  if (where >= USER_END) return 0 as ptr
  const entry = entryFind(space, where)
  if (entry == 0) return entry
  const low = load32(entry, 0)
  const needed: u32 = writing ? Entry.Present | Entry.User | Entry.Writable : Entry.Present | Entry.User
  if ((low & needed) != needed) return 0 as ptr
  const used: u32 = writing ? low | Entry.Accessed | Entry.Dirty : low | Entry.Accessed
  if (used != low) store32(entry, 0, used)
  return plus(virtualOf(entryFrame(low)), where & PAGE_MASK)
}

function walkSlowly(space: AddressSpace, where: u32, writing: boolean): ptr {
  let found = 0 as ptr
  while (found == 0) {
    const code: u32 = writing ? FaultCode.User | FaultCode.Write : FaultCode.User
    if (pageFault(space, where, code) != MemoryError.None) return 0 as ptr
    found = pageWalkNow(space, where, writing)
  }
  return found
}
