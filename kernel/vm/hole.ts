// Where a mapping goes that asks for no address: the first hole it fits into, and, if wanted, at random inside that hole.

import type { u32 } from '../lib/layout.ts'
import { randomBelow } from '../lib/random.ts'
import { PAGE_SHIFT, USER_END, USER_START } from '../mm/address.ts'
import { ASLR_PAGES, type AddressSpace } from './address-space.ts'
import { regionAfter } from './region.ts'

/** The lowest address that is given to who asks for none: pointers that are near 0 by mistake fault. */
const HOLE_LOWEST: u32 = 0x10000

/** The first place from `from` on for `length` bytes (whole pages), and how far it could move up, as `holeSlack`; 0 for none. */
function holeFrom(space: AddressSpace, from: u32, length: u32): u32 {
  let where: u32 = from
  let region = regionAfter(space, from)
  while (region != null) {
    if (region.start > where && region.start - where >= length) {
      slack = region.start - where - length
      return where
    }
    if (region.end > where) where = region.end
    region = region.next
  }
  if (where >= USER_END || USER_END - where < length) return 0
  slack = USER_END - where - length
  return where
}

let slack: u32 = 0

/** A place for `length` bytes, whole pages: first fit from the space's own base on, then from the bottom; 0 for none. */
export function holeFind(space: AddressSpace, length: u32): u32 {
  const place = holeFrom(space, space.mapBase, length)
  return place != 0 ? place : holeFrom(space, HOLE_LOWEST, length)
}

/** As RustOS: first fit from the start of user space, then at random inside that hole, 256 MiB away at most. */
export function holeFindRandom(space: AddressSpace, length: u32): u32 {
  const place = holeFrom(space, USER_START, length)
  if (place == 0) return 0
  const pages: u32 = (slack >> PAGE_SHIFT) + 1
  return place + (randomBelow(pages < ASLR_PAGES ? pages : ASLR_PAGES) << PAGE_SHIFT)
}
