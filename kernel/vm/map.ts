// mmap(2) and mprotect(2).

import { Errno } from '../lib/errno.ts'
import type { i32, u32 } from '../lib/layout.ts'
import { SPACE_REGION_LIMIT } from '../config.ts'
import { PAGE_MASK, PAGE_SHIFT, USER_END, USER_START, pageCeiling, pageFloor } from '../mm/address.ts'
import { isUserRange, spaceLock, spaceUnlock, type AddressSpace } from './address-space.ts'
import { entriesProtect } from './entries.ts'
import { holeFind } from './hole.ts'
import { isData, pagesMapped, spaceHasRoom, spaceMayProtect } from './limits.ts'
import type { MemoryObject } from './object.ts'
import {
  MemoryRegionType, Protection, regionAfter, regionInsert, regionMake, regionMerge, regionRangeFree, regionRangeFull,
  type Region,
} from './region.ts'
import { sharedMake } from './shared.ts'
import { splitAt, unmapRange } from './unmap.ts'

/** Linux's numbers; flags that are not here are accepted and mean nothing, as there. */
export const enum MapFlag {
  Shared = 1,
  Private = 2,
  SharedValidate = 3,
  TypeMask = 15,
  Fixed = 0x10,
  Anonymous = 0x20,
  GrowsDown = 0x100,
  Populate = 0x8000,
  Stack = 0x20000,
  FixedNoReplace = 0x100000,
}

/**
 * mmap(2): map `length` bytes, rounded up to pages, of `object` from its page `objectPage` on, or of zeros without one.
 * `protection` is PROT_*, `flags` MAP_*. At `where` with MAP_FIXED, near it if it is free, else where there is room. The object is
 * held once more. Returns the address, or: InvalidArgument (no length; neither shared nor private; a fixed address that is on no
 * page boundary or no process's), OutOfMemory (no room, no memory, a limit), Exists (MAP_FIXED_NOREPLACE). May sleep.
 */
export function spaceMap(
  space: AddressSpace, where: u32, length: u32, protection: u32, flags: u32, object: MemoryObject | null, objectPage: u32,
): u32 {
  const sharing: u32 = flags & MapFlag.TypeMask
  if (length == 0 || sharing == 0 || sharing > MapFlag.SharedValidate) return Errno.InvalidArgument as number as u32
  if (length > USER_END || objectPage + (length >> PAGE_SHIFT) < objectPage) return Errno.OutOfMemory as number as u32
  if ((protection & ~Protection.All) != 0) return Errno.InvalidArgument as number as u32
  const shared: boolean = sharing != MapFlag.Private
  let mapped = object
  if (object == null && shared) mapped = sharedMake(pageCeiling(length) >> PAGE_SHIFT)
  else if (object != null) object.hold(object)
  if (shared && mapped == null) return Errno.OutOfMemory as number as u32
  spaceLock(space)
  const type = typeFor(protection, flags)
  const result = place(space, where, pageCeiling(length), flags, isData(protection, shared, type))
  const region = result < USER_END ? regionMake() : null
  if (region != null) {
    region.start = result
    region.end = result + pageCeiling(length)
    region.object = mapped
    region.objectPage = object == null ? 0 : objectPage
    region.protection = protection
    region.type = type
    region.shared = shared ? 1 : 0
    regionInsert(space, region)
    regionMerge(space, region)
  } else if (mapped != null) mapped.release(mapped)
  spaceUnlock(space)
  return region == null && result < USER_END ? Errno.OutOfMemory as number as u32 : result
}

function typeFor(protection: u32, flags: u32): MemoryRegionType {
  if ((flags & MapFlag.TypeMask) != MapFlag.Private) return MemoryRegionType.SharedMemory
  if ((flags & (MapFlag.Stack | MapFlag.GrowsDown)) != 0) return MemoryRegionType.UserStack
  return (protection & Protection.Execute) != 0 ? MemoryRegionType.UserCode : MemoryRegionType.UserData
}

/** Code and data are told apart by the right to execute, so that what is equal is joined. */
function typeAfter(type: MemoryRegionType, protection: Protection): MemoryRegionType {
  if (type != MemoryRegionType.UserCode && type != MemoryRegionType.UserData) return type
  return (protection & Protection.Execute) != 0 ? MemoryRegionType.UserCode : MemoryRegionType.UserData
}

/** Where a mapping goes; its place is free then. An Errno as a u32 otherwise. */
function place(space: AddressSpace, where: u32, bytes: u32, flags: u32, data: boolean): u32 {
  const replaced: u32 = (flags & MapFlag.Fixed) != 0 && isUserRange(where, bytes) ? pagesMapped(space, where, where + bytes) : 0
  if (!spaceHasRoom(space, (bytes >> PAGE_SHIFT) - replaced, data) || space.regions >= SPACE_REGION_LIMIT) {
    return Errno.OutOfMemory as number as u32
  }
  if ((flags & (MapFlag.Fixed | MapFlag.FixedNoReplace)) != 0) return placeFixed(space, where, bytes, flags)
  const wanted = pageFloor(where)
  if (wanted != 0 && isUserRange(wanted, bytes) && regionRangeFree(space, wanted, wanted + bytes)) return wanted
  const found = holeFind(space, bytes)
  return found != 0 ? found : Errno.OutOfMemory as number as u32
}

function placeFixed(space: AddressSpace, where: u32, bytes: u32, flags: u32): u32 {
  if ((where & PAGE_MASK) != 0) return Errno.InvalidArgument as number as u32
  if (where < USER_START) return Errno.NotPermitted as number as u32
  if (!isUserRange(where, bytes)) return Errno.OutOfMemory as number as u32
  if ((flags & MapFlag.FixedNoReplace) != 0) {
    return regionRangeFree(space, where, where + bytes) ? where : Errno.Exists as number as u32
  }
  const cleared = unmapRange(space, where, where + bytes)
  return cleared == Errno.None ? where : cleared as number as u32
}

/**
 * mprotect(2): give the pages of `length` bytes at `start` the rights `protection`. Errno.None; InvalidArgument for a start that is on no
 * page boundary or rights there are not; OutOfMemory when something is not mapped, or a region is to be cut and can not be;
 * AccessDenied for a guard page. After an error nothing has changed. May sleep.
 */
export function spaceProtect(space: AddressSpace, start: u32, length: u32, protection: u32): i32 {
  if ((start & PAGE_MASK) != 0 || (protection & ~Protection.All) != 0) return Errno.InvalidArgument
  if (length == 0) return Errno.None
  if (length > USER_END || !isUserRange(start, pageCeiling(length))) return Errno.OutOfMemory
  spaceLock(space)
  const result = protectRange(space, start, start + pageCeiling(length), protection)
  spaceUnlock(space)
  return result
}

function protectRange(space: AddressSpace, start: u32, end: u32, protection: Protection): i32 {
  if (!regionRangeFull(space, start, end)) return Errno.OutOfMemory
  let region = regionAfter(space, start)
  while (region != null && region.start < end) {
    if (region.type == MemoryRegionType.GuardPage) return Errno.AccessDenied
    region = region.next
  }
  if (!spaceMayProtect(space, start, end, protection)) return Errno.OutOfMemory
  if (!splitAt(space, start) || !splitAt(space, end)) return Errno.OutOfMemory
  entriesProtect(space, start, end, protection)
  region = regionAfter(space, start)
  while (region != null && region.start < end) {
    region.protection = protection
    region.type = typeAfter(region.type, protection)
    space.generation += 1
    region = regionMerge(space, region).next
  }
  return Errno.None
}

/**
 * Guard the pages of `length` bytes at `start`, free or mapped: touching one is GuardPageViolation, whatever else holds.
 * Errno.None, InvalidArgument, OutOfMemory. May sleep.
 */
export function spaceGuard(space: AddressSpace, start: u32, length: u32): i32 {
  if ((start & PAGE_MASK) != 0 || length == 0 || !isUserRange(start, pageCeiling(length))) return Errno.InvalidArgument
  spaceLock(space)
  const place = placeFixed(space, start, pageCeiling(length), MapFlag.Fixed)
  const region: Region | null = place == start && space.regions < SPACE_REGION_LIMIT ? regionMake() : null
  if (region != null) {
    region.start = start
    region.end = start + pageCeiling(length)
    region.type = MemoryRegionType.GuardPage
    regionInsert(space, region)
  }
  spaceUnlock(space)
  return region == null ? Errno.OutOfMemory : Errno.None
}
