// Who maps a page of a process's own: asked of its family (family.ts), and changed for all of them at once.
// The processor learns of the changes with `forgetStale`, before anything sleeps.

import { load32, store32, store64 } from '../lib/intrinsics.ts'
import { at, type ptr, type u32 } from '../lib/layout.ts'
import type { PageFrame } from '../mm/frame-table.ts'
import { pageSlotHold, pageSlotPut } from '../swap/page-slots.ts'
import type { AddressSpace } from './address-space.ts'
import { entryFrame, entryRights } from './entries.ts'
import { Family } from './family.ts'
import { pageAddress } from './page.ts'
import { Entry, entryFind, entryHigh, invalidateSpace, spaceCurrent } from './page-table.ts'
import { Protection, regionFind } from './region.ts'

let bits: u32 = 0
let stale: boolean = false

/** How many entries map a page. What they say of its use, all together, is in `mappingBits`; Accessed is cleared if asked. */
export function mappingsLook(page: PageFrame, clearAccessed: boolean): u32 {
  const where = pageAddress(page)
  let space = at<Family>(page.family).first
  let found: u32 = 0
  bits = 0
  while (space != null && found < page.count) {
    const entry = mappingIn(space, where, page)
    if (entry != 0) {
      const low = load32(entry, 0)
      found += 1
      bits |= low
      if (clearAccessed && (low & Entry.Accessed) != 0) {
        store32(entry, 0, low & ~Entry.Accessed)
        changed(space)
      }
    }
    space = space.sibling
  }
  return found
}

/** Entry.Accessed, Entry.Dirty: of any of the mappings looked at last. */
export function mappingBits(): u32 {
  return bits
}

function mappingIn(space: AddressSpace, where: u32, page: PageFrame): ptr {
  const entry = entryFind(space, where)
  if (entry == 0) return entry
  const low = load32(entry, 0)
  return (low & Entry.Present) != 0 && entryFrame(low) == page.physical ? entry : 0 as ptr
}

function changed(space: AddressSpace): void {
  if (space == spaceCurrent()) stale = true
}

/** The processor forgets what was changed of the current space. */
export function forgetStale(): void {
  const space = spaceCurrent()
  if (stale && space != null) invalidateSpace(space)
  stale = false
}

/** Who maps a page has it in `slot` instead. The caller holds a reference of the page's. */
export function mappingsToSlot(page: PageFrame, slot: u32): void {
  const where = pageAddress(page)
  let space = at<Family>(page.family).first
  while (space != null && page.count > 1) {
    const entry = mappingIn(space, where, page)
    if (entry != 0) {
      store64(entry, 0, slot << 1, 0)
      space.resident -= 1
      space.swapped += 1
      page.count -= 1
      pageSlotHold(slot)
      changed(space)
    }
    space = space.sibling
  }
}

/** Who has a page in `slot` maps it again; writing asks for a fault first. */
export function mappingsFromSlot(page: PageFrame, slot: u32): void {
  const where = pageAddress(page)
  let space = at<Family>(page.family).first
  while (space != null) {
    const entry = entryFind(space, where)
    if (entry != 0 && load32(entry, 0) == slot << 1) {
      const region = regionFind(space, where)!
      const executable: boolean = (region.protection & Protection.Execute) != 0
      store64(entry, 0, page.physical | entryRights(region.protection) | Entry.Accessed, entryHigh(executable))
      space.resident += 1
      space.swapped -= 1
      page.count += 1
      pageSlotPut(slot)
    }
    space = space.sibling
  }
}
