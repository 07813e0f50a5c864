// The pages of memory that processes share: where each is, in memory or out, and who maps it. shared.ts makes them; rmap.ts takes
// them away and gives them back.
//
//   SharedMemory ─▶ directory: a pointer for each 1,024 pages ─▶ a frame of entries, each
//
//     0                nothing: zeros when it is touched
//     frame            its physical address; the object has a reference of it
//     slot << 1 | 1    a slot of the swap area, of which the object has a reference; no page table has an entry for it
//
// A page knows its object (PageFrame.family) and its number in it (pageAddress), and has PageState.Shared. Nothing here sleeps.

import { load32, store32 } from '../lib/intrinsics.ts'
import { address, at, struct, type Embed, type PhysicalAddress, type Stored, type bool, type ptr, type u32 } from '../lib/layout.ts'
import { PAGE_SHIFT } from '../mm/address.ts'
import type { PageFrame } from '../mm/frame-table.ts'
import { frameAllocateZeroed, frameMemory } from '../mm/frames.ts'
import { pageFrameOf } from '../mm/page-frame.ts'
import { pageSlotHold, pageSlotPut } from '../swap/page-slots.ts'
import { MemoryObject } from './object.ts'
import { PageState, pageAddress, pageAppend, pageForgetSlot, pageHas, pageUnlist, pageUnset } from './page.ts'
import type { Region } from './region.ts'

@struct
export class SharedMemory {
  object: Embed<MemoryObject> // first
  next: SharedMemory | null // of all
  previous: SharedMemory | null
  holders: u32
  pages: u32
  away: u32 // entries with a slot
  alone: Stored<u32, bool> // the last read of several pages failed: the next is of one
  directory: ptr // the address of each frame of entries, or 0
}

/** Entries in one frame. */
export const GROUP_SHIFT: u32 = 10
export const GROUP_MASK: u32 = 1023

/** The frame of entries that has that of page `index`, or 0. */
export function sharedGroup(shared: SharedMemory, index: u32): ptr {
  return load32(shared.directory, index >> GROUP_SHIFT << 2) as ptr
}

/** Have that frame. False without memory. */
export function sharedGroupMake(shared: SharedMemory, index: u32): boolean {
  if (sharedGroup(shared, index) != 0) return true
  const group = frameMemory(frameAllocateZeroed())
  store32(shared.directory, index >> GROUP_SHIFT << 2, group)
  return group != 0
}

/** The entry of a page of the object. */
export function sharedEntry(shared: SharedMemory, index: u32): u32 {
  const group = sharedGroup(shared, index)
  return group == 0 ? 0 : load32(group, (index & GROUP_MASK) << 2)
}

function entrySet(shared: SharedMemory, index: u32, entry: u32): void {
  store32(sharedGroup(shared, index), (index & GROUP_MASK) << 2, entry)
}

/** The entry of a page that is in a slot; and whether an entry is one, and which slot. */
export function awayEntry(slot: u32): u32 {
  return (slot << 1) | 1
}
export function isAway(entry: u32): boolean {
  return (entry & 1) != 0
}
export function awaySlot(entry: u32): u32 {
  return entry >>> 1
}

// --- In memory and out. -------------------------------------------------------------------------------------

/** What marks a page as number `index` of a shared object: its place and state in PageFrame.page. */
export function sharedPlace(index: u32): u32 {
  return (index << PAGE_SHIFT) | PageState.Shared
}

/** A fresh frame, with the caller's reference, is page `index` from now on; that had none. */
export function sharedAdopt(shared: SharedMemory, index: u32, frame: PhysicalAddress): void {
  const page = pageFrameOf(frame)
  page.family = address(shared)
  page.page = sharedPlace(index)
  entrySet(shared, index, frame)
  pageAppend(page)
}

/** The object a page is of, and its number there. */
export function sharedOfPage(page: PageFrame): SharedMemory {
  return at<SharedMemory>(page.family)
}
export function sharedIndexOf(page: PageFrame): u32 {
  return pageAddress(page) >> PAGE_SHIFT
}

/** A page leaves: the object has its slot instead. The caller holds a reference of the page's. */
export function sharedToSlot(page: PageFrame, slot: u32): void {
  const shared = sharedOfPage(page)
  entrySet(shared, sharedIndexOf(page), awayEntry(slot))
  shared.away += 1
  page.count -= 1
  pageSlotHold(slot)
}

/** A page whose slot the object has is in memory: the object has it again. */
export function sharedFromSlot(page: PageFrame, slot: u32): void {
  const shared = sharedOfPage(page)
  if (sharedEntry(shared, sharedIndexOf(page)) != awayEntry(slot)) return
  entrySet(shared, sharedIndexOf(page), page.physical)
  shared.away -= 1
  if (pageHas(page, PageState.Cached)) pageUnset(page, PageState.Cached) // its reference is the object's now
  else page.count += 1
  pageSlotPut(slot)
  if (!pageHas(page, PageState.Listed)) pageAppend(page)
}

/** A page is its object's no longer: who still has a reference has a frame of nobody's. */
export function sharedDisown(page: PageFrame): void {
  pageUnlist(page)
  pageForgetSlot(page)
  pageUnset(page, PageState.Shared)
  page.family = 0 as ptr
}

// --- Who maps it. -------------------------------------------------------------------------------------------

/** The first region that maps an object; follow `nextOfObject`. */
export function sharedRegions(shared: SharedMemory): Region | null {
  const first = shared.object.regions
  return first == 0 ? null : at<Region>(first)
}

/** Where a region has page `index` of its object, 0 if it has not. */
export function regionPlaceOf(region: Region, index: u32): u32 {
  const page: u32 = index - region.objectPage
  return page < (region.end - region.start) >> PAGE_SHIFT ? region.start + (page << PAGE_SHIFT) : 0
}
