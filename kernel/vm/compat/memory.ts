// The free functions of RustOS's `memory.rs` that its other modules call. Process context; these may sleep.

import { staticStruct, type cstring, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import { PAGE_SIZE, USER_END, USER_START, isDirectMapped, pageFloor } from '../../mm/address.ts'
import { MemoryError } from '../errors.ts'
import { spaceCurrent } from '../page-table.ts'
import { MemoryRegionType, Protection, regionFind } from '../region.ts'
import {
  allocateRegion, allocateRegionWithGuards, findRegion, protectRegion, removeRegion,
} from './memory-manager.ts'
import type { MemoryProtection } from './protection.ts'
import { VirtualMemoryRegion } from './region.ts'

export { createCowMapping, handlePageFault, translateAddr } from './memory-manager.ts'
export { memoryStatsFill as getMemoryStats } from './memory-stats.ts'

const region = staticStruct<VirtualMemoryRegion>()

/** `allocate_memory`: the address, or a MemoryError as a u32. */
export function allocateMemory(size: u32, type: MemoryRegionType, protection: MemoryProtection): u32 {
  const result = allocateRegion(size, type, protection, region)
  return result == MemoryError.None ? region.start : result as number as u32
}

/** `allocate_memory_with_guards`: the address between the guards, or a MemoryError as a u32. */
export function allocateMemoryWithGuards(size: u32, type: MemoryRegionType, protection: MemoryProtection): u32 {
  const result = allocateRegionWithGuards(size, type, protection, region)
  return result == MemoryError.None ? region.start : result as number as u32
}

/** `deallocate_memory`: the region that starts there, and the guard pages right beside it. RegionNotFound. */
export function deallocateMemory(where: u32): i32 {
  const result = removeRegion(where, region)
  if (result != MemoryError.None) return result
  const end: u32 = region.end()
  if (findRegion(where - PAGE_SIZE, region) && region.protection.guardPage && region.size == PAGE_SIZE) removeRegion(region.start, region)
  if (findRegion(end, region) && region.protection.guardPage && region.size == PAGE_SIZE) removeRegion(region.start, region)
  return MemoryError.None
}

/** `protect_memory`. ProtectionFailed. */
export function protectMemory(where: u32, size: u32, protection: MemoryProtection): i32 {
  return protectRegion(where, size, protection)
}

/** `align_up`, `align_down`: to a power of two. */
export function alignUp(value: u32, alignment: u32): u32 {
  return (value + alignment - 1) & ~(alignment - 1)
}
export function alignDown(value: u32, alignment: u32): u32 {
  return value & ~(alignment - 1)
}

/** What `checkMemoryAccess` returns besides 0 and 1. */
export const enum AccessError { None = 0, AddressOverflow = -1 }

/** RustOS's text. */
export function accessErrorName(error: i32): cstring {
  return error == AccessError.AddressOverflow ? 'Address overflow' : 'No error'
}

/**
 * `check_memory_access`: whether `size` bytes at `where` may be read, or written, in ring `privilege`. 1, 0, or AddressOverflow as a
 * u32. No size: 0. Ring 3 reaches what regions of the current space allow, whether it has come in or not; ring 0 also RAM.
 */
export function checkMemoryAccess(where: u32, size: u32, write: boolean, privilege: u32): u32 {
  if (size == 0) return 0
  if (where + size - 1 < where) return AccessError.AddressOverflow as number as u32
  if (where >= USER_END) return privilege == 0 && isDirectMapped(where as ptr, size) ? 1 : 0
  const space = spaceCurrent()
  if (space == null || where < USER_START || size > USER_END - where) return 0
  const needed: u32 = write ? Protection.Write : Protection.Read
  let page: u32 = pageFloor(where)
  while (page < where + size) {
    const found = regionFind(space, page)
    if (found == null || found.type == MemoryRegionType.GuardPage) return 0
    if ((found.protection & needed) == 0 && (write || found.protection == Protection.None)) return 0
    page = found.end
  }
  return 1
}
