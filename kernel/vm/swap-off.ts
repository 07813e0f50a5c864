// Swap on and off. Off brings back every page that is out, wherever it belongs, and then the disk is nobody's.

import type { i32, u32 } from '../lib/layout.ts'
import { Errno } from '../lib/errno.ts'
import { load32 } from '../lib/intrinsics.ts'
import { PAGE_SIZE } from '../mm/address.ts'
import type { PageFrame } from '../mm/frame-table.ts'
import { framesFree } from '../mm/frames.ts'
import { pageFrameRelease } from '../mm/page-frame.ts'
import { pageSlotsManager, pageSlotsUse } from '../swap/page-slots.ts'
import { SwapError } from '../swap/errors.ts'
import type { SwapManager } from '../swap/swap-manager.ts'
import { spaceFirst, spaceHold, type AddressSpace } from './address-space.ts'
import { clusterWait, clustersBegin, clustersInFlight } from './cluster.ts'
import { tableEnd } from './entries.ts'
import { FAULT_AGAIN, MemoryError } from './errors.ts'
import { evictAllow, replacementSet } from './evict.ts'
import { pageFirst, pageForgetSlot, pageHas, PageState } from './page.ts'
import { Entry, entryFind } from './page-table.ts'
import { regionAfter, regionFind, type Region } from './region.ts'
import { sharedOneBack, sharedWithAway } from './shared.ts'
import { swapInFault } from './swap-in.ts'
import { spaceRelease } from './unmap.ts'
import { watermarkLow } from './watermarks.ts'

/** Pages of processes go to the disk of this manager from now on. */
export function swapOn(swap: SwapManager): void {
  pageSlotsUse(swap)
  replacementSet(swap.algorithm)
  clustersBegin()
  evictAllow(true)
}

/**
 * Bring every page back and give the disk up. SwapError.None; NoDevice; OutOfMemory: there is not memory enough; ReadFailed: a page can
 * not be read; DeviceInUse: others have slots of it. After an error swap goes on as before. May sleep, for long.
 */
export function swapOff(): i32 {
  const swap = pageSlotsManager()
  if (swap == null) return SwapError.NoDevice
  evictAllow(false)
  while (clustersInFlight() != 0) clusterWait()
  let result = allBack()
  if (result == SwapError.None) {
    forgetSlots()
    result = swap.clearSwapDevice()
  }
  if (result == SwapError.None) pageSlotsUse(null)
  evictAllow(true)
  return result
}

/** Bring back what is out, space by space. */
function allBack(): i32 {
  let space = spaceWithSwapped()
  while (space != null) {
    spaceHold(space)
    const result = spaceBack(space)
    spaceRelease(space)
    if (result == MemoryError.OutOfMemory) return SwapError.OutOfMemory
    if (result != MemoryError.None) return SwapError.ReadFailed
    space = spaceWithSwapped()
  }
  const result = sharedBack()
  if (result != SwapError.None) return result
  while (clustersInFlight() != 0) clusterWait()
  return SwapError.None
}

/** Bring back what is out of shared memory. */
function sharedBack(): i32 {
  let object = sharedWithAway()
  while (object != null) {
    if (framesFree() <= watermarkLow()) return SwapError.OutOfMemory
    object.hold(object)
    const result = sharedOneBack(object)
    object.release(object)
    if (result == Errno.OutOfMemory) return SwapError.OutOfMemory
    if (result != Errno.None) return SwapError.ReadFailed
    object = sharedWithAway()
  }
  return SwapError.None
}

function spaceWithSwapped(): AddressSpace | null {
  let space = spaceFirst()
  while (space != null && space.swapped == 0) space = space.next
  return space
}

/** Every page of a space, from the lowest on, whatever happens to its regions meanwhile. */
function spaceBack(space: AddressSpace): i32 {
  let where: u32 = PAGE_SIZE
  while (space.swapped != 0) {
    const region: Region | null = regionAfter(space, where)
    if (region == null) return MemoryError.None
    if (where < region.start) where = region.start
    const end = tableEnd(where, region.end)
    if (entryFind(space, where) == 0) where = end
    while (where < end) {
      const result = pageBack(space, where)
      if (result != MemoryError.None) return result
      where += PAGE_SIZE
    }
  }
  return MemoryError.None
}

function pageBack(space: AddressSpace, where: u32): i32 {
  let result: i32 = FAULT_AGAIN
  while (result == FAULT_AGAIN) {
    const region = regionFind(space, where)
    const entry = entryFind(space, where)
    if (region == null || entry == 0) return MemoryError.None
    const low = load32(entry, 0)
    if (low == 0 || (low & Entry.Present) != 0) return MemoryError.None
    if (framesFree() <= watermarkLow()) return MemoryError.OutOfMemory // before somebody has to end for it
    result = swapInFault(space, region, where, entry)
  }
  return result
}

/** No page needs its slot: those that nobody maps go, the others lose it. */
function forgetSlots(): void {
  let page = pageFirst()
  while (page != null) {
    const next: PageFrame | null = page.next
    if (pageHas(page, PageState.Cached)) pageFrameRelease(page.physical)
    else pageForgetSlot(page)
    page = next
  }
}
