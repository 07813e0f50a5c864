// mremap(2): a mapping grows, shrinks or moves, and its pages with it.

import { Errno } from '../lib/errno.ts'
import { load32, store64 } from '../lib/intrinsics.ts'
import type { PhysicalAddress, ptr, u32 } from '../lib/layout.ts'
import { copyBytes } from '../lib/memory.ts'
import { SPACE_REGION_LIMIT } from '../config.ts'
import { PAGE_MASK, PAGE_SHIFT, PAGE_SIZE, USER_END, pageCeiling, virtualOf } from '../mm/address.ts'
import { pageFrameAllocate, pageFrameOf, pageFrameRelease } from '../mm/page-frame.ts'
import { pageSlotFrame } from '../swap/page-slots.ts'
import { isUserRange, spaceLock, spaceUnlock, type AddressSpace } from './address-space.ts'
import { clusterWait } from './cluster.ts'
import { entryFrame, entrySlot, tableEnd } from './entries.ts'
import { holeFind } from './hole.ts'
import { isData, spaceHasRoom } from './limits.ts'
import { pageAdopt, pageHas, pageIsOwn, PageState } from './page.ts'
import { Entry, entryClear, entryFill, entryFind, entryMake, invalidate, tableDropEmpty } from './page-table.ts'
import {
  regionCopy, regionDrop, regionFind, regionInsert, regionMake, regionMerge, regionRangeFree, regionRemove, type Region,
} from './region.ts'
import { splitAt, unmapRange } from './unmap.ts'

/** Linux's numbers. */
export const enum RemapFlag { MayMove = 1, Fixed = 2 }

/**
 * mremap(2): the `before` bytes at `start` become `after` bytes, in place if there is room, else, with MayMove, elsewhere; with Fixed
 * at `target`. Returns the address, or: InvalidArgument (a start or target on no page boundary, no length, unknown flags, Fixed without
 * MayMove, an overlap), BadAddress (the range is not in one region), OutOfMemory (no room, no memory, a limit). May sleep.
 */
export function spaceRemap(space: AddressSpace, start: u32, before: u32, after: u32, flags: u32, target: u32): u32 {
  if ((start & PAGE_MASK) != 0 || before == 0 || after == 0 || flags > 3 || flags == RemapFlag.Fixed) {
    return Errno.InvalidArgument as number as u32
  }
  if (before > USER_END || after > USER_END) return Errno.OutOfMemory as number as u32
  if (!isUserRange(start, pageCeiling(before))) return Errno.BadAddress as number as u32
  spaceLock(space)
  const result = remap(space, start, pageCeiling(before), pageCeiling(after), flags, target)
  spaceUnlock(space)
  return result
}

function remap(space: AddressSpace, start: u32, before: u32, after: u32, flags: u32, target: u32): u32 {
  const region = regionFind(space, start)
  if (region == null || region.end - start < before) return Errno.BadAddress as number as u32
  if (flags == (RemapFlag.MayMove | RemapFlag.Fixed)) return moveTo(space, start, before, after, target)
  if (after < before) {
    const cut = unmapRange(space, start + after, start + before)
    return cut == Errno.None ? start : cut as number as u32
  }
  if (after == before) return start
  const data: boolean = isData(region.protection, region.shared != 0, region.type)
  if (!spaceHasRoom(space, (after - before) >> PAGE_SHIFT, data)) return Errno.OutOfMemory as number as u32
  if (growInPlace(space, region, start + before, start + after)) return start
  if ((flags & RemapFlag.MayMove) == 0) return Errno.OutOfMemory as number as u32
  const hole = holeFind(space, after)
  return hole == 0 ? Errno.OutOfMemory as number as u32 : move(space, start, before, after, hole)
}

function growInPlace(space: AddressSpace, region: Region, end: u32, newEnd: u32): boolean {
  if (region.end != end || newEnd < end || newEnd > USER_END || !regionRangeFree(space, end, newEnd)) return false
  space.pages += (newEnd - end) >> PAGE_SHIFT
  region.end = newEnd
  space.generation += 1
  regionMerge(space, region)
  return true
}

function moveTo(space: AddressSpace, start: u32, before: u32, after: u32, target: u32): u32 {
  if ((target & PAGE_MASK) != 0 || !isUserRange(target, after)) return Errno.InvalidArgument as number as u32
  if (target < start + before && start < target + after) return Errno.InvalidArgument as number as u32
  const cleared = unmapRange(space, target, target + after)
  return cleared == Errno.None ? move(space, start, before, after, target) : cleared as number as u32
}

/** The `before` bytes at `start` become `after` bytes at `target`, which is free. */
function move(space: AddressSpace, start: u32, before: u32, after: u32, target: u32): u32 {
  const kept: u32 = after < before ? after : before
  if (after < before && unmapRange(space, start + after, start + before) != Errno.None) return Errno.OutOfMemory as number as u32
  if (space.regions + 2 > SPACE_REGION_LIMIT || !splitAt(space, start) || !splitAt(space, start + kept)) {
    return Errno.OutOfMemory as number as u32
  }
  if (!makeMovable(space, start, kept, target)) return Errno.OutOfMemory as number as u32
  const fresh = regionMake()
  const old = regionFind(space, start)
  if (fresh == null || old == null) return Errno.OutOfMemory as number as u32
  regionCopy(fresh, old)
  regionRemove(space, old)
  regionDrop(old)
  fresh.start = target
  fresh.end = target + after
  regionInsert(space, fresh)
  moveEntries(space, start, target, kept)
  regionMerge(space, fresh)
  return target
}

/**
 * Make what moving needs, so that it can not fail and does not sleep: the page tables there, and pages of our own, as those that
 * others of the family have, too, must stay at one address.
 */
function makeMovable(space: AddressSpace, start: u32, bytes: u32, target: u32): boolean {
  let there: u32 = target
  while (there < target + bytes) {
    if (entryMake(space, there) == 0) return false
    there = tableEnd(there, target + bytes)
  }
  while (true) {
    const where = entangled(space, start, start + bytes)
    if (where == 0) return true
    if (!disentangle(space, where)) return false
  }
}

/** The first page from `start` up to `end` that can not be moved as it is; 0 if there is none. */
function entangled(space: AddressSpace, start: u32, end: u32): u32 {
  let where: u32 = start
  while (where < end) {
    if (isEntangled(space, where)) return where
    where += PAGE_SIZE
  }
  return 0
}

/** Whether a page is a process's own and mapped by others, too, or on its way to or from its slot. */
function isEntangled(space: AddressSpace, where: u32): boolean {
  const entry = entryFind(space, where)
  if (entry == 0) return false
  const low = load32(entry, 0)
  if ((low & Entry.Present) == 0) return low != 0 && isOnItsWay(pageSlotFrame(entrySlot(low)))
  const page = pageFrameOf(entryFrame(low))
  return pageIsOwn(page) && page.count != 1
}

function isOnItsWay(frame: PhysicalAddress): boolean {
  if (frame == 0) return false
  const page = pageFrameOf(frame)
  return pageHas(page, PageState.Writing) || pageHas(page, PageState.Reading)
}

/** Have a copy of a page of one's own, or wait for a transfer. May sleep: look again. */
function disentangle(space: AddressSpace, where: u32): boolean {
  if ((load32(entryFind(space, where), 0) & Entry.Present) == 0) {
    clusterWait()
    return true
  }
  const frame = pageFrameAllocate()
  if (frame == 0) return false
  const entry = entryFind(space, where)
  if (!isEntangled(space, where) || (load32(entry, 0) & Entry.Present) == 0) {
    pageFrameRelease(frame)
    return true
  }
  const shared = entryFrame(load32(entry, 0))
  copyBytes(virtualOf(frame), virtualOf(shared), PAGE_SIZE)
  store64(entry, 0, frame | Entry.Dirty | (load32(entry, 0) & PAGE_MASK), load32(entry, 4))
  invalidate(space, where)
  pageAdopt(pageFrameOf(frame), space, where)
  pageFrameRelease(shared)
  return true
}

function moveEntries(space: AddressSpace, start: u32, target: u32, bytes: u32): void {
  let done: u32 = 0
  while (done < bytes) {
    const from = entryFind(space, start + done)
    if (from != 0 && load32(from, 0) != 0) moveEntry(space, from, target + done)
    invalidate(space, start + done)
    done += PAGE_SIZE
  }
  let where: u32 = start
  while (where < start + bytes) {
    tableDropEmpty(space, where)
    where = tableEnd(where, start + bytes)
  }
  where = target
  while (where < target + bytes) {
    tableDropEmpty(space, where)
    where = tableEnd(where, target + bytes)
  }
}

function moveEntry(space: AddressSpace, from: ptr, to: u32): void {
  const low = load32(from, 0)
  const high = load32(from, 4)
  entryClear(from)
  entryFill(entryFind(space, to), low, high)
  if ((low & Entry.Present) == 0) return
  const page = pageFrameOf(entryFrame(low))
  if (pageIsOwn(page)) page.page = to | (page.page & PAGE_MASK)
}
