// Regions cut and taken away.

import { Errno } from '../lib/errno.ts'
import type { i32, u32 } from '../lib/layout.ts'
import { SPACE_REGION_LIMIT } from '../config.ts'
import { PAGE_MASK, pageCeiling } from '../mm/address.ts'
import { isUserRange, spaceDrop, spaceLock, spaceUnlock, type AddressSpace } from './address-space.ts'
import { entriesDrop } from './entries.ts'
import { regionAfter, regionDrop, regionFind, regionMake, regionRemove, regionSplit, type Region } from './region.ts'

/** A region begins at `where`, if one has it: cut it there. False when there is no memory, or a region too many. */
export function splitAt(space: AddressSpace, where: u32): boolean {
  const region = regionFind(space, where)
  if (region == null || region.start == where) return true
  if (space.regions >= SPACE_REGION_LIMIT) return false
  const upper = regionMake()
  if (upper == null) return false
  regionSplit(space, region, where, upper)
  return true
}

/** Take away whatever is from `start` up to `end`. Errno.None or OutOfMemory: then all is as it was. The space is locked. */
export function unmapRange(space: AddressSpace, start: u32, end: u32): i32 {
  if (!splitAt(space, start) || !splitAt(space, end)) return Errno.OutOfMemory
  let region = regionAfter(space, start)
  while (region != null && region.start < end) {
    const next: Region | null = region.next
    const from: u32 = region.start
    const to: u32 = region.end
    regionRemove(space, region)
    entriesDrop(space, from, to)
    regionDrop(region)
    region = next
  }
  return Errno.None
}

/**
 * munmap(2): take away the pages of `length` bytes at `start`, whether mapped or not. Errno.None; InvalidArgument for a start that is
 * on no page boundary, no length, or what is no process's; OutOfMemory when a region is to be cut and can not be. May sleep.
 */
export function spaceUnmap(space: AddressSpace, start: u32, length: u32): i32 {
  if ((start & PAGE_MASK) != 0 || length == 0 || length > 0x80000000) return Errno.InvalidArgument
  const bytes: u32 = pageCeiling(length)
  if (start != 0 && !isUserRange(start, bytes)) return Errno.InvalidArgument
  spaceLock(space)
  const result = unmapRange(space, start, start + bytes)
  spaceUnlock(space)
  return result
}

/** Take away everything: what exec does with a space, or the end. The space is locked, or nobody else's. */
export function unmapAll(space: AddressSpace): void {
  let region = space.first
  while (region != null) {
    const next: Region | null = region.next
    const from: u32 = region.start
    const to: u32 = region.end
    regionRemove(space, region)
    entriesDrop(space, from, to)
    regionDrop(region)
    region = next
  }
}

/** One holder less; the last one's leaving frees everything. May sleep. */
export function spaceRelease(space: AddressSpace): void {
  space.holders -= 1
  if (space.holders != 0) return
  unmapAll(space)
  spaceDrop(space)
}
