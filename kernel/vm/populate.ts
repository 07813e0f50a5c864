// Memory that is there at once: what MAP_POPULATE asks for. mmap(2).

import type { u32 } from '../lib/layout.ts'
import { PAGE_SIZE, pageCeiling } from '../mm/address.ts'
import type { AddressSpace } from './address-space.ts'
import { Protection, regionFind } from './region.ts'
import { pageWalk } from './walk.ts'

/**
 * Have the pages of `length` bytes at `start`, which were just mapped: as if they had been written to, if they are private and may be,
 * else read. It ends at the first that can not be had, and nobody is told. May sleep.
 */
export function spacePopulate(space: AddressSpace, start: u32, length: u32): void {
  const region = regionFind(space, start)
  if (region == null || region.protection == Protection.None) return
  const writing: boolean = region.shared == 0 && (region.protection & Protection.Write) != 0
  const end: u32 = start + pageCeiling(length)
  let where: u32 = start
  while (where < end && pageWalk(space, where, writing) != 0) where += PAGE_SIZE
}
