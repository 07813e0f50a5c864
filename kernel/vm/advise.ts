// madvise(2): what a process does not need any more.

import { Errno } from '../lib/errno.ts'
import type { i32, u32 } from '../lib/layout.ts'
import { PAGE_MASK, USER_END, pageCeiling } from '../mm/address.ts'
import { isUserRange, spaceLock, spaceUnlock, type AddressSpace } from './address-space.ts'
import { entriesDrop, entriesFree } from './entries.ts'
import { regionAfter, regionRangeFull, type Region } from './region.ts'

/** Linux's numbers. */
export const enum Advice {
  Normal = 0,
  Random = 1,
  Sequential = 2,
  WillNeed = 3,
  DontNeed = 4,
  Free = 8,
}

/**
 * madvise(2). DontNeed: pages are as when first mapped when they are touched next. Free, of private memory without an object: the
 * same, but for those that are written to before memory runs short. Normal, Random, Sequential and WillNeed change nothing.
 * Errno.None; InvalidArgument: an advice there is not, a start on no page boundary, or Free of something else; OutOfMemory: something is
 * not mapped. May sleep.
 */
export function spaceAdvise(space: AddressSpace, start: u32, length: u32, advice: u32): i32 {
  if ((start & PAGE_MASK) != 0 || length > USER_END) return Errno.InvalidArgument
  if (advice > Advice.DontNeed && advice != Advice.Free) return Errno.InvalidArgument
  if (length == 0) return Errno.None
  if (!isUserRange(start, pageCeiling(length))) return Errno.OutOfMemory
  spaceLock(space)
  const result = advise(space, start, start + pageCeiling(length), advice)
  spaceUnlock(space)
  return result
}

function advise(space: AddressSpace, start: u32, end: u32, advice: u32): i32 {
  if (!regionRangeFull(space, start, end)) return Errno.OutOfMemory
  if (advice < Advice.DontNeed) return Errno.None
  if (advice == Advice.Free && !allOwn(space, start, end)) return Errno.InvalidArgument
  if (advice == Advice.Free) entriesFree(space, start, end)
  else entriesDrop(space, start, end)
  space.generation += 1
  return Errno.None
}

/** Whether all regions from `start` up to `end` are private and of no object. */
function allOwn(space: AddressSpace, start: u32, end: u32): boolean {
  let region: Region | null = regionAfter(space, start)
  while (region != null && region.start < end) {
    if (region.object != null) return false
    region = region.next
  }
  return true
}
