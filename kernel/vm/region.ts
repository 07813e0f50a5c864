// Regions: what an address space has where, sorted by address. Nothing here touches a page table.
//
//   first ─▶ region ◀─▶ region ◀─▶ region        start (inclusive) to end (exclusive), whole pages, never overlapping
//
// A list, and the region found last remembered: programs have tens of regions and stay in one for a while.

import { address, at, sizeof, staticStruct, struct, type Stored, type u32, type u8 } from '../lib/layout.ts'
import { Pool, poolAllocate, poolFree, poolInit } from '../mm/pool.ts'
import { PAGE_SHIFT } from '../mm/address.ts'
import type { AddressSpace } from './address-space.ts'
import type { MemoryObject } from './object.ts'

/** What a region is for. RustOS's names and order; the kernel's own kinds name no region of a process. */
export const enum MemoryRegionType {
  Kernel, KernelStack, UserCode, UserData, UserStack, UserHeap, DeviceMemory, SharedMemory, VideoMemory, CopyOnWrite, GuardPage,
}

/** Rights, in Linux's numbers: PROT_READ, PROT_WRITE, PROT_EXEC. A page that may be written may be read. */
export const enum Protection { None = 0, Read = 1, Write = 2, Execute = 4, All = 7 }

@struct
export class Region {
  next: Region | null
  previous: Region | null
  space: AddressSpace // whose it is, while it is in a list
  nextOfObject: Region | null // of those that map the object
  previousOfObject: Region | null
  start: u32
  end: u32
  object: MemoryObject | null // null: memory of its own, zeros at first
  objectPage: u32 // page of the object at `start`
  protection: Stored<u8, Protection>
  type: Stored<u8, MemoryRegionType>
  shared: u8 // 1: writes reach the object; 0: they make a copy
  reserved: u8
}

const pool = staticStruct<Pool>()

/** Once. */
export function regionsInit(): void {
  poolInit(pool, 'regions', sizeof<Region>(), 0)
}

/** The region that has `where`, or null. */
export function regionFind(space: AddressSpace, where: u32): Region | null {
  const hint = space.hint
  if (hint != null && where - hint.start < hint.end - hint.start) return hint
  const region = regionAfter(space, where)
  if (region == null || region.start > where) return null
  space.hint = region
  return region
}

/** The first region that ends after `where`, or null. */
export function regionAfter(space: AddressSpace, where: u32): Region | null {
  let region = space.first
  while (region != null && region.end <= where) region = region.next
  return region
}

/** Whether nothing is mapped from `start` up to `end`. */
export function regionRangeFree(space: AddressSpace, start: u32, end: u32): boolean {
  const region = regionAfter(space, start)
  return region == null || region.start >= end
}

/** Whether every page from `start` up to `end` is in a region. */
export function regionRangeFull(space: AddressSpace, start: u32, end: u32): boolean {
  let where: u32 = start
  let region = regionAfter(space, start)
  while (where < end) {
    if (region == null || region.start > where) return false
    where = region.end
    region = region.next
  }
  return true
}

/** A zeroed region in no list; null when there is no memory. */
export function regionMake(): Region | null {
  return at<Region>(poolAllocate(pool))
}

/** Give a region back that is in no list, and the object that it holds. */
export function regionDrop(region: Region): void {
  if (region.object != null) region.object.release(region.object)
  poolFree(pool, address(region))
}

/** Put a region into its place; its range is free. */
export function regionInsert(space: AddressSpace, region: Region): void {
  let before: Region | null = null
  let after = space.first
  while (after != null && after.start < region.start) {
    before = after
    after = after.next
  }
  region.previous = before
  region.next = after
  if (before == null) space.first = region
  else before.next = region
  if (after != null) after.previous = region
  region.space = space
  objectEnter(region)
  space.regions += 1
  space.pages += (region.end - region.start) >> PAGE_SHIFT
  space.generation += 1
}

/** Among the regions of its object. */
function objectEnter(region: Region): void {
  const object = region.object
  if (object == null) return
  const first = object.regions
  region.previousOfObject = null
  region.nextOfObject = first == 0 ? null : at<Region>(first)
  if (first != 0) at<Region>(first).previousOfObject = region
  object.regions = address(region)
}

function objectLeave(region: Region): void {
  const object = region.object
  if (object == null) return
  if (region.previousOfObject == null) object.regions = address(region.nextOfObject)
  else region.previousOfObject.nextOfObject = region.nextOfObject
  if (region.nextOfObject != null) region.nextOfObject.previousOfObject = region.previousOfObject
}

/** Take a region out of the list. */
export function regionRemove(space: AddressSpace, region: Region): void {
  if (region.previous == null) space.first = region.next
  else region.previous.next = region.next
  if (region.next != null) region.next.previous = region.previous
  if (space.hint == region) space.hint = null
  objectLeave(region)
  space.regions -= 1
  space.pages -= (region.end - region.start) >> PAGE_SHIFT
  space.generation += 1
}

/** Cut a region in two at `where`, inside it: `upper`, fresh from regionMake, becomes the part from there on. */
export function regionSplit(space: AddressSpace, region: Region, where: u32, upper: Region): void {
  regionCopy(upper, region)
  upper.start = where
  upper.objectPage += (where - region.start) >> PAGE_SHIFT
  space.pages -= (region.end - where) >> PAGE_SHIFT
  region.end = where
  regionInsert(space, upper)
}

/** All but the links; what it maps is held once more. */
export function regionCopy(to: Region, from: Region): void {
  to.start = from.start
  to.end = from.end
  to.object = from.object
  to.objectPage = from.objectPage
  to.protection = from.protection
  to.type = from.type
  to.shared = from.shared
  if (to.object != null) to.object.hold(to.object)
}

/** Join a region with those beside it that are the same but for their place. Returns the one that has it all now. */
export function regionMerge(space: AddressSpace, region: Region): Region {
  let whole = region
  const before = region.previous
  if (before != null && mergeable(before, region)) {
    swallow(space, before, region)
    whole = before
  }
  let after = whole.next
  while (after != null && mergeable(whole, after)) { // more than one, where a cut was not needed
    swallow(space, whole, after)
    after = whole.next
  }
  return whole
}

function mergeable(low: Region, high: Region): boolean {
  if (low.end != high.start || low.protection != high.protection || low.type != high.type) return false
  if (low.shared != high.shared || low.object != high.object) return false
  return low.object == null || low.objectPage + ((low.end - low.start) >> PAGE_SHIFT) == high.objectPage
}

function swallow(space: AddressSpace, low: Region, high: Region): void {
  const end: u32 = high.end
  regionRemove(space, high)
  space.pages += (end - low.end) >> PAGE_SHIFT
  low.end = end
  regionDrop(high)
}
