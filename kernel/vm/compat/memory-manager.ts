// RustOS's MemoryManager and the free functions of `memory.rs`, on the current address space: a face without a mechanism of its
// own. Each makes RustOS's checks and gives its errors; there is one manager, so its methods are functions. Without a current
// space they answer OutOfMemory, as RustOS without a manager. Process context; all of these may sleep.

import { Errno } from '../../lib/errno.ts'
import { load32 } from '../../lib/intrinsics.ts'
import type { PhysicalAddress, i32, ptr, u32 } from '../../lib/layout.ts'
import { copyBytes } from '../../lib/memory.ts'
import {
  PAGE_MASK, PAGE_SIZE, USER_END, USER_START, isDirectMapped, pageCeiling, pageFloor, physicalOf, virtualOf,
} from '../../mm/address.ts'
import { pageFrameAllocate, pageFrameHold, pageFrameOf, pageFrameRelease } from '../../mm/page-frame.ts'
import { isUserRange, type AddressSpace } from '../address-space.ts'
import { entryFrame } from '../entries.ts'
import { MemoryError } from '../errors.ts'
import { FaultCode, pageFault } from '../fault.ts'
import { holeFindRandom } from '../hole.ts'
import { MapFlag, spaceGuard, spaceMap, spaceProtect } from '../map.ts'
import { Entry, entryFind, spaceCurrent } from '../page-table.ts'
import { MemoryRegionType, Protection, regionFind, regionRangeFree, type Region } from '../region.ts'
import { spaceUnmap } from '../unmap.ts'
import { pageWalk } from '../walk.ts'
import { protectionOf, type MemoryProtection } from './protection.ts'
import type { VirtualMemoryRegion } from './region.ts'

/** A result that is a value or a MemoryError: `isError` of lib/errno.ts. */
function failed(error: MemoryError): u32 {
  return error as number as u32
}

/** `map_region`: everything of the region has a frame at once. OutOfMemory, MappingFailed: then nothing is mapped. */
export function mapRegion(region: VirtualMemoryRegion): i32 {
  const space = spaceCurrent()
  if (space == null) return MemoryError.OutOfMemory
  const added = place(space, region)
  if (added != MemoryError.None) return added == MemoryError.RegionOverlap ? MemoryError.MappingFailed : added
  const brought = bringAll(space, region)
  if (brought == MemoryError.None) region.mapped = true
  else spaceUnmap(space, region.start, region.size)
  return brought
}

/** Touch every page that may be touched. */
function bringAll(space: AddressSpace, region: VirtualMemoryRegion): i32 {
  if (region.protection.guardPage || !region.protection.readable) return MemoryError.None
  const code: u32 = region.protection.writable ? FaultCode.User | FaultCode.Write : FaultCode.User
  let where: u32 = region.start
  while (where < region.end()) {
    const result = pageFault(space, where, code)
    if (result != MemoryError.None) return result == MemoryError.OutOfMemory ? result : MemoryError.MappingFailed
    where += PAGE_SIZE
  }
  return MemoryError.None
}

/** Put a region where it says. RegionOverlap, InvalidAddress, OutOfMemory. */
function place(space: AddressSpace, region: VirtualMemoryRegion): i32 {
  const start: u32 = region.start
  if ((start & PAGE_MASK) != 0 || region.size == 0 || !isUserRange(start, pageCeiling(region.size))) return MemoryError.InvalidAddress
  if (!regionRangeFree(space, start, start + pageCeiling(region.size))) return MemoryError.RegionOverlap
  if (region.protection.guardPage || region.regionType == MemoryRegionType.GuardPage) {
    return spaceGuard(space, start, region.size) == Errno.None ? MemoryError.None : MemoryError.OutOfMemory
  }
  const flags: u32 = MapFlag.Private | MapFlag.FixedNoReplace
  const mapped = spaceMap(space, start, region.size, region.protection.toProtection(), flags, null, 0)
  if (mapped != start) return MemoryError.OutOfMemory
  regionFind(space, start)!.type = region.regionType
  return MemoryError.None
}

/** `unmap_region`: pages that are not mapped are passed over. Always None. */
export function unmapRegion(region: VirtualMemoryRegion): i32 {
  const space = spaceCurrent()
  if (space != null) spaceUnmap(space, region.start, region.size)
  region.mapped = false
  return MemoryError.None
}

/** `add_region`: pages come when they are touched. RegionOverlap, InvalidAddress, OutOfMemory. */
export function addRegion(region: VirtualMemoryRegion): i32 {
  const space = spaceCurrent()
  return space == null ? MemoryError.OutOfMemory : place(space, region)
}

/** `remove_region`: the one that starts exactly there, with its pages; what it was is in `out`. RegionNotFound. */
export function removeRegion(start: u32, out: VirtualMemoryRegion): i32 {
  const space = spaceCurrent()
  if (space == null) return MemoryError.OutOfMemory
  const region = regionFind(space, start)
  if (region == null || region.start != start) return MemoryError.RegionNotFound
  describe(region, out)
  spaceUnmap(space, out.start, out.size)
  out.mapped = false
  return MemoryError.None
}

/** `find_region`: a copy in `out`; false: None. */
export function findRegion(where: u32, out: VirtualMemoryRegion): boolean {
  const space = spaceCurrent()
  const region = space == null ? null : regionFind(space, where)
  if (region == null) return false
  describe(region, out)
  return true
}

function describe(region: Region, out: VirtualMemoryRegion): void {
  const guard: boolean = region.type == MemoryRegionType.GuardPage
  const protection = protectionOf(region.protection)
  out.init(region.start, region.end - region.start, region.type, protection)
  out.protection.guardPage = guard
  out.mapped = true
}

/**
 * `allocate_region`: room for `size` bytes, rounded up, first fit; code, data and stacks at random inside that hole. All of it is
 * mapped at once. What it is, is in `out`. NoVirtualSpace, OutOfMemory, MappingFailed.
 */
export function allocateRegion(size: u32, type: MemoryRegionType, protection: MemoryProtection, out: VirtualMemoryRegion): i32 {
  return allocateAt(size, 0, type, protection, out)
}

/** `allocate_region_with_guards`: with a guard page below and one above. */
export function allocateRegionWithGuards(size: u32, type: MemoryRegionType, protection: MemoryProtection, out: VirtualMemoryRegion): i32 {
  const space = spaceCurrent()
  const result = allocateAt(size, PAGE_SIZE, type, protection, out)
  if (result != MemoryError.None || space == null) return result
  const below = spaceGuard(space, out.start - PAGE_SIZE, PAGE_SIZE)
  const above = spaceGuard(space, out.end(), PAGE_SIZE)
  if (below == Errno.None && above == Errno.None) return result
  spaceUnmap(space, out.start - PAGE_SIZE, out.size + (PAGE_SIZE << 1))
  return MemoryError.OutOfMemory
}

function allocateAt(size: u32, margin: u32, type: MemoryRegionType, protection: MemoryProtection, out: VirtualMemoryRegion): i32 {
  const space = spaceCurrent()
  if (space == null) return MemoryError.OutOfMemory
  if (size == 0 || size > USER_END) return MemoryError.NoVirtualSpace
  const start = holeFindRandom(space, pageCeiling(size) + (margin << 1))
  if (start == 0) return MemoryError.NoVirtualSpace
  out.init(start + margin, pageCeiling(size), type, protection)
  return mapRegion(out)
}

/** `handle_page_fault`: see pageFault. */
export function handlePageFault(where: u32, errorCode: u32): i32 {
  const space = spaceCurrent()
  return space == null ? MemoryError.OutOfMemory : pageFault(space, where, errorCode)
}

/** `handle_swap_in`: have the page there, if it is out. InvalidAddress without a region; InputOutput, never a page of zeros. */
export function handleSwapIn(where: u32): i32 {
  return handlePageFault(where, FaultCode.User)
}

/** `is_page_swapped`, for any address in the page. */
export function isPageSwapped(where: u32): boolean {
  const space = spaceCurrent()
  const entry = space == null || where >= USER_END ? 0 : entryFind(space, where)
  if (entry == 0) return false
  const low = load32(entry, 0)
  return low != 0 && (low & Entry.Present) == 0
}

/** `increment_frame_refcount`, `decrement_frame_refcount` (what is left), `get_frame_refcount`, `is_frame_shared`. */
export function incrementFrameRefcount(frame: PhysicalAddress): void {
  pageFrameHold(frame)
}
export function decrementFrameRefcount(frame: PhysicalAddress): u32 {
  const left: u32 = pageFrameOf(frame).count - 1
  pageFrameRelease(frame)
  return left
}
export function getFrameRefcount(frame: PhysicalAddress): u32 {
  return pageFrameOf(frame).count
}
export function isFrameShared(frame: PhysicalAddress): boolean {
  return getFrameRefcount(frame) > 1
}

/** `translate_addr`: the physical address, of the current space or of RAM as the kernel sees it; 0: None. */
export function translateAddr(where: u32): PhysicalAddress {
  if (isDirectMapped(where as ptr, 1)) return physicalOf(where as ptr)
  const space = spaceCurrent()
  const entry = space == null || where >= USER_END || where < USER_START ? 0 : entryFind(space, where)
  if (entry == 0) return 0 as PhysicalAddress
  const low = load32(entry, 0)
  return ((low & Entry.Present) == 0 ? 0 : entryFrame(low) | (where & PAGE_MASK)) as PhysicalAddress
}

/** `protect_region`: part of a region cuts it. ProtectionFailed. */
export function protectRegion(where: u32, size: u32, protection: MemoryProtection): i32 {
  const space = spaceCurrent()
  if (space == null) return MemoryError.OutOfMemory
  const result = spaceProtect(space, pageFloor(where), size + (where & PAGE_MASK), protection.toProtection())
  return result == Errno.None ? MemoryError.None : MemoryError.ProtectionFailed
}

/**
 * `create_cow_mapping` of the region that has `where`: a second region of the same space with the same contents, each written to
 * without the other. Its address; RegionNotFound, NoVirtualSpace, OutOfMemory. A page of a space's own is at one address in all
 * spaces that have it (family.ts): here, where it would be at two, it is copied at once. What `fork` shares is copied on write.
 */
export function createCowMapping(where: u32): u32 {
  const space = spaceCurrent()
  if (space == null) return failed(MemoryError.OutOfMemory)
  const region = regionFind(space, where)
  if (region == null) return failed(MemoryError.RegionNotFound)
  const start: u32 = region.start
  const size: u32 = region.end - region.start
  const protection: u32 = region.protection
  const scratch = pageFrameAllocate()
  if (scratch == 0) return failed(MemoryError.OutOfMemory)
  const target = spaceMap(space, 0, size, Protection.Read | Protection.Write, MapFlag.Private, region.object, region.objectPage)
  let copied: boolean = target < USER_END
  let done: u32 = 0
  while (copied && done < size) {
    copied = copyPageTo(space, start + done, target + done, virtualOf(scratch))
    done += PAGE_SIZE
  }
  pageFrameRelease(scratch)
  if (target >= USER_END) return failed(MemoryError.NoVirtualSpace)
  if (copied && spaceProtect(space, target, size, protection) == Errno.None) return target
  spaceUnmap(space, target, size)
  return failed(MemoryError.OutOfMemory)
}

/** Copy a page of a space, if there is one, to another place of it, by way of a page in between: each look may sleep. */
function copyPageTo(space: AddressSpace, from: u32, to: u32, scratch: ptr): boolean {
  const entry = entryFind(space, from)
  if (entry == 0 || load32(entry, 0) == 0) return true
  const source = pageWalk(space, from, false)
  if (source == 0) return true // what may not be read is not copied
  copyBytes(scratch, source, PAGE_SIZE)
  const target = pageWalk(space, to, true)
  if (target == 0) return false
  copyBytes(target, scratch, PAGE_SIZE)
  return true
}
