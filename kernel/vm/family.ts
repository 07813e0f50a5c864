// Families: address spaces that were forked from one another. A page that several of them have, they have at the same
// address; so who maps a page of a process's own is found by asking the family, page by page, without a list for each.

import { address, at, sizeof, staticStruct, struct, type u32 } from '../lib/layout.ts'
import { Pool, poolAllocate, poolFree, poolInit } from '../mm/pool.ts'
import type { AddressSpace } from './address-space.ts'

@struct
export class Family {
  first: AddressSpace | null // linked by sibling
  spaces: u32
}

const pool = staticStruct<Pool>()

/** Once. */
export function familiesInit(): void {
  poolInit(pool, 'families', sizeof<Family>(), 0)
}

/** A family without members; null when there is no memory. */
export function familyMake(): Family | null {
  return at<Family>(poolAllocate(pool))
}

/** A space joins. */
export function familyJoin(family: Family, space: AddressSpace): void {
  const first = family.first
  space.family = family
  space.elderSibling = null
  space.sibling = first
  if (first != null) first.elderSibling = space
  family.first = space
  family.spaces += 1
}

/** A space leaves; the last one ends the family. It has no pages any more. */
export function familyLeave(space: AddressSpace): void {
  const family = space.family
  const elder = space.elderSibling
  if (elder == null) family.first = space.sibling
  else elder.sibling = space.sibling
  if (space.sibling != null) space.sibling.elderSibling = elder
  family.spaces -= 1
  if (family.spaces == 0) familyDrop(family)
}

/** The end of a family without members. */
export function familyDrop(family: Family): void {
  poolFree(pool, address(family))
}
