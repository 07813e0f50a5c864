// Who maps a page: asked of its family (family.ts), or, if it is of shared memory, of the regions that map that
// (shared-pages.ts), and changed for all of them at once.
// The processor learns of the changes with `forgetStale`, before anything sleeps.

import { load32, store32, store64 } from '../lib/intrinsics.ts'
import { at, type ptr, type u32 } from '../lib/layout.ts'
import type { PageFrame } from '../mm/frame-table.ts'
import { pageSlotHold, pageSlotPut } from '../swap/page-slots.ts'
import type { AddressSpace } from './address-space.ts'
import { entryFrame, entryRights } from './entries.ts'
import { Family } from './family.ts'
import { PageState, pageAddress, pageHas } from './page.ts'
import { Entry, entryClear, entryFind, entryHigh, invalidateSpace, spaceCurrent } from './page-table.ts'
import { Protection, regionFind, type Region } from './region.ts'
import { regionPlaceOf, sharedFromSlot, sharedIndexOf, sharedOfPage, sharedRegions, sharedToSlot } from './shared-pages.ts'

let bits: u32 = 0
let stale: boolean = false

/**
 * How many entries map a page, and 1 more for the shared memory that it is of. What they say of its use, all together, is in
 * `mappingBits`; Accessed is cleared if asked.
 */
export function mappingsLook(page: PageFrame, clearAccessed: boolean): u32 {
  if (pageHas(page, PageState.Shared)) return sharedLook(page, clearAccessed)
  const where = pageAddress(page)
  let space = at<Family>(page.family).first
  let found: u32 = 0
  bits = 0
  while (space != null && found < page.count) {
    const entry = mappingIn(space, where, page)
    if (entry != 0) {
      found += 1
      look(space, entry, clearAccessed)
    }
    space = space.sibling
  }
  return found
}

function look(space: AddressSpace, entry: ptr, clearAccessed: boolean): void {
  const low = load32(entry, 0)
  bits |= low
  if (!clearAccessed || (low & Entry.Accessed) == 0) return
  store32(entry, 0, low & ~Entry.Accessed)
  changed(space)
}

function sharedLook(page: PageFrame, clearAccessed: boolean): u32 {
  const index = sharedIndexOf(page)
  let region = sharedRegions(sharedOfPage(page))
  let found: u32 = 1
  bits = 0
  while (region != null && found < page.count) {
    const entry = sharedMapping(region, index, page)
    if (entry != 0) {
      found += 1
      look(region.space, entry, clearAccessed)
    }
    region = region.nextOfObject
  }
  return found
}

/** The entry by which a region maps a page of its object, or 0. */
function sharedMapping(region: Region, index: u32, page: PageFrame): ptr {
  const where = regionPlaceOf(region, index)
  return where == 0 ? 0 as ptr : mappingIn(region.space, where, page)
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
  if (pageHas(page, PageState.Shared)) {
    sharedUnmap(page)
    return sharedToSlot(page, slot)
  }
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

/** Who maps a page of a process's own has nothing there any more. The caller holds a reference of the page's. */
export function mappingsClear(page: PageFrame): void {
  const where = pageAddress(page)
  let space = at<Family>(page.family).first
  while (space != null && page.count > 1) {
    const entry = mappingIn(space, where, page)
    if (entry != 0) {
      entryClear(entry)
      space.resident -= 1
      page.count -= 1
      changed(space)
    }
    space = space.sibling
  }
}

/** Nobody maps a page of shared memory any more: who touches it asks the object. */
function sharedUnmap(page: PageFrame): void {
  const index = sharedIndexOf(page)
  let region = sharedRegions(sharedOfPage(page))
  while (region != null) {
    const entry = sharedMapping(region, index, page)
    if (entry != 0) {
      entryClear(entry)
      region.space.resident -= 1
      page.count -= 1
      changed(region.space)
    }
    region = region.nextOfObject
  }
}

/** Who has a page in `slot` maps it again; writing asks for a fault first. Shared memory has it again, and is asked. */
export function mappingsFromSlot(page: PageFrame, slot: u32): void {
  if (pageHas(page, PageState.Shared)) return sharedFromSlot(page, slot)
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
