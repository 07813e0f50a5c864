// Entries of page tables taken away and changed over ranges: what unmapping, protecting and discarding have in common.
// Nothing here sleeps.

import { load32, store64 } from '../lib/intrinsics.ts'
import { plus, type PhysicalAddress, type ptr, type u32 } from '../lib/layout.ts'
import { PAGE_SIZE, pageFloor } from '../mm/address.ts'
import type { PageFrame } from '../mm/frame-table.ts'
import { pageFrameOf, pageFrameRelease } from '../mm/page-frame.ts'
import { pageSlotCount, pageSlotFrame, pageSlotPut } from '../swap/page-slots.ts'
import type { AddressSpace } from './address-space.ts'
import {
  Entry, TABLE_REACH, entryClear, entryFind, entryHigh, invalidate, invalidateSpace, tableDropEmpty,
} from './page-table.ts'
import { PageState, pageForgetSlot, pageHas, pageIsOwn, pageLazySet } from './page.ts'
import { Protection } from './region.ts'

/** Pages after which the processor forgets a whole space rather than page by page. */
const INVALIDATE_EACH: u32 = 32

/** The slot of an entry that holds one. */
export function entrySlot(low: u32): u32 {
  return low >>> 1
}

/** The frame of an entry that holds a page. */
export function entryFrame(low: u32): PhysicalAddress {
  return pageFloor(low) as PhysicalAddress
}

/** Rights of a page as its region has them, without Writable: that is also a question of who else has the page. */
export function entryRights(protection: Protection): u32 {
  return protection == Protection.None ? Entry.Present : Entry.Present | Entry.User
}

/** Empty an entry that is not 0: its page, or its slot, has a reference less. */
export function entryDrop(space: AddressSpace, entry: ptr): void {
  const low = load32(entry, 0)
  entryClear(entry)
  if ((low & Entry.Present) != 0) {
    space.resident -= 1
    if ((low & Entry.Dirty) != 0) written(pageFrameOf(entryFrame(low)))
    pageFrameRelease(entryFrame(low))
  } else {
    space.swapped -= 1
    slotDrop(entrySlot(low))
  }
}

/** Who wrote to a page maps it no longer. One that others have, too, is not what its slot has. */
function written(page: PageFrame): void {
  if (pageHas(page, PageState.Shared)) pageForgetSlot(page)
}

/** A slot has a reference less; a page that only waited in memory for those goes with the last of them. */
export function slotDrop(slot: u32): void {
  const frame = pageSlotFrame(slot)
  pageSlotPut(slot)
  if (frame == 0 || pageSlotCount(slot) != 1) return
  if (pageHas(pageFrameOf(frame), PageState.Cached)) pageFrameRelease(frame)
}

/** Empty all entries from `start` up to `end`, and give back page tables that have none any more. */
export function entriesDrop(space: AddressSpace, start: u32, end: u32): void {
  let where: u32 = start
  const each: boolean = (end - start) / PAGE_SIZE <= INVALIDATE_EACH
  while (where < end) {
    const stop = tableEnd(where, end)
    const entry = entryFind(space, where)
    if (entry != 0) {
      dropWithin(space, entry, where, stop, each)
      tableDropEmpty(space, where)
    }
    where = stop
  }
  if (!each) invalidateSpace(space)
}

/**
 * The pages from `start` up to `end`, of a process's own, may be forgotten, as long as they are not written to. Those that others have,
 * too, or that are out or on their way, are forgotten at once.
 */
export function entriesFree(space: AddressSpace, start: u32, end: u32): void {
  let where: u32 = start
  while (where < end) {
    const stop = tableEnd(where, end)
    const entry = entryFind(space, where)
    if (entry != 0) {
      freeWithin(space, entry, plus(entry, (stop - where) / PAGE_SIZE << 3))
      tableDropEmpty(space, where)
    }
    where = stop
  }
  invalidateSpace(space)
}

function freeWithin(space: AddressSpace, first: ptr, end: ptr): void {
  let entry = first
  while (entry != end) {
    if (load32(entry, 0) != 0 && !freeLazily(entry)) entryDrop(space, entry)
    entry = plus(entry, 8)
  }
}

/** Whether a page can wait with being forgotten: then it does. */
function freeLazily(entry: ptr): boolean {
  const low = load32(entry, 0)
  if ((low & Entry.Present) == 0) return false
  const page = pageFrameOf(entryFrame(low))
  if (!pageIsOwn(page) || page.count != 1) return false
  pageForgetSlot(page)
  pageLazySet(page, true)
  store64(entry, 0, low & ~(Entry.Dirty | Entry.Accessed), load32(entry, 4))
  return true
}

/** The end of the page table that has `where`, or `end` if that comes first. */
export function tableEnd(where: u32, end: u32): u32 {
  const next: u32 = (where & ~(TABLE_REACH - 1)) + TABLE_REACH
  return next < end ? next : end
}

function dropWithin(space: AddressSpace, first: ptr, start: u32, end: u32, each: boolean): void {
  let entry = first
  let where: u32 = start
  while (where < end) {
    if (load32(entry, 0) != 0) {
      entryDrop(space, entry)
      if (each) invalidate(space, where)
    }
    entry = plus(entry, 8)
    where += PAGE_SIZE
  }
}

/** Give the pages from `start` up to `end` other rights. A right to write that a page gets is given when it is written to. */
export function entriesProtect(space: AddressSpace, start: u32, end: u32, protection: Protection): void {
  const high = entryHigh((protection & Protection.Execute) != 0)
  const rights = entryRights(protection)
  const keepWritable: u32 = (protection & Protection.Write) != 0 ? Entry.Writable : 0
  const kept: u32 = ~(Entry.User | Entry.Writable) | keepWritable
  let where: u32 = start
  while (where < end) {
    const stop = tableEnd(where, end)
    let entry = entryFind(space, where)
    while (entry != 0 && where < stop) {
      const low = load32(entry, 0)
      if ((low & Entry.Present) != 0) store64(entry, 0, (low & kept) | rights, high)
      entry = plus(entry, 8)
      where += PAGE_SIZE
    }
    where = stop
  }
  invalidateSpace(space)
}
