// fork: a second space with the same regions and the same pages. What is private is writable in neither from now on; the first
// to write gets a copy. Pages in slots are shared by the slot's count.

import { load32, store64 } from '../lib/intrinsics.ts'
import { plus, type ptr, type u32 } from '../lib/layout.ts'
import { PAGE_SIZE } from '../mm/address.ts'
import { pageFrameHold, pageFrameOf } from '../mm/page-frame.ts'
import { pageSlotHold } from '../swap/page-slots.ts'
import { spaceInFamily, spaceLock, spaceUnlock, type AddressSpace } from './address-space.ts'
import { entryFrame, entrySlot, tableEnd } from './entries.ts'
import { pageForgetSlot } from './page.ts'
import { Entry, entryFill, entryFind, entryMake, invalidateSpace } from './page-table.ts'
import { regionCopy, regionInsert, regionMake, type Region } from './region.ts'
import { spaceRelease } from './unmap.ts'

/** A copy of a space, with one holder; null when there is no memory: then nothing has changed but rights to write. May sleep. */
export function spaceFork(space: AddressSpace): AddressSpace | null {
  spaceLock(space)
  const child = spaceInFamily(space.family)
  const whole: boolean = child != null && copyRegions(space, child)
  spaceUnlock(space)
  if (child != null && !whole) spaceRelease(child)
  return whole ? child : null
}

function copyRegions(space: AddressSpace, child: AddressSpace): boolean {
  let region = space.first
  child.mapBase = space.mapBase
  child.pageLimit = space.pageLimit
  child.dataLimit = space.dataLimit
  child.stackLimit = space.stackLimit
  child.stackStart = space.stackStart
  child.stackEnd = space.stackEnd
  child.brkStart = space.brkStart
  child.brk = space.brk
  while (region != null) {
    const copy = regionMake()
    if (copy == null) return false
    regionCopy(copy, region)
    regionInsert(child, copy)
    if (!copyPages(space, child, region)) return false
    region = region.next
  }
  return true
}

/** Table by table: making one may sleep, and what is in the other is looked at only afterwards. */
function copyPages(space: AddressSpace, child: AddressSpace, region: Region): boolean {
  let where: u32 = region.start
  while (where < region.end) {
    const stop = tableEnd(where, region.end)
    if (entryFind(space, where) != 0) {
      const to = entryMake(child, where)
      if (to == 0) return false
      const from = entryFind(space, where)
      if (from != 0) copyEntries(child, from, to, (stop - where) / PAGE_SIZE, region.shared != 0, space)
    }
    where = stop
  }
  return true
}

function copyEntries(child: AddressSpace, from: ptr, to: ptr, entries: u32, shared: boolean, space: AddressSpace): void {
  const end = plus(from, entries << 3)
  let source = from
  let target = to
  while (source != end) {
    if (load32(source, 0) != 0) copyEntry(child, source, target, shared)
    source = plus(source, 8)
    target = plus(target, 8)
  }
  invalidateSpace(space) // the next table may take a sleep
}

function copyEntry(child: AddressSpace, source: ptr, target: ptr, shared: boolean): void {
  let low = load32(source, 0)
  const high = load32(source, 4)
  if ((low & Entry.Present) == 0) {
    pageSlotHold(entrySlot(low))
    entryFill(target, low, high)
    child.swapped += 1
    return
  }
  const page = pageFrameOf(entryFrame(low))
  if (!shared) {
    if ((low & Entry.Dirty) != 0 && (page.family as u32) != 0) pageForgetSlot(page)
    low &= ~Entry.Writable
    store64(source, 0, low, high)
  }
  pageFrameHold(page.physical)
  entryFill(target, low, high)
  child.resident += 1
}
