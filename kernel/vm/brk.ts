// The heap of a program, as brk(2) moves its end.

import type { u32 } from '../lib/layout.ts'
import { SPACE_REGION_LIMIT } from '../config.ts'
import { PAGE_SHIFT, USER_END, pageCeiling } from '../mm/address.ts'
import { spaceLock, spaceUnlock, type AddressSpace } from './address-space.ts'
import { spaceHasRoom } from './limits.ts'
import { MemoryRegionType, Protection, regionInsert, regionMake, regionMerge, regionRangeFree } from './region.ts'
import { unmapRange } from './unmap.ts'

/** The heap begins, empty, at the next page boundary from `start` on: past the program. */
export function spaceBrkInit(space: AddressSpace, start: u32): void {
  space.brkStart = pageCeiling(start)
  space.brk = space.brkStart
}

/** brk(2): move the end of the heap. Returns the new end, or, if it can not be there, the one there was. May sleep. */
export function spaceBrk(space: AddressSpace, end: u32): u32 {
  spaceLock(space)
  const before = pageCeiling(space.brk)
  const after = pageCeiling(end)
  if (end >= space.brkStart && end < USER_END && resize(space, before, after)) space.brk = end
  const result: u32 = space.brk
  spaceUnlock(space)
  return result
}

function resize(space: AddressSpace, before: u32, after: u32): boolean {
  if (after < before) return unmapRange(space, after, before) == 0
  return after == before || grow(space, before, after)
}

function grow(space: AddressSpace, before: u32, after: u32): boolean {
  if (!regionRangeFree(space, before, after) || space.regions >= SPACE_REGION_LIMIT) return false
  if (!spaceHasRoom(space, (after - before) >> PAGE_SHIFT, true)) return false
  const region = regionMake()
  if (region == null) return false
  region.start = before
  region.end = after
  region.protection = Protection.Read | Protection.Write
  region.type = MemoryRegionType.UserHeap
  regionInsert(space, region)
  regionMerge(space, region)
  return true
}
