// Address spaces: what a process has mapped where. Regions say what there should be (region.ts), page tables what
// there is (page-table.ts). A space lives while somebody holds it: processes that share it, and transfers under way.
//
// Changes of regions (map, unmap, protect, move, fork) may sleep and exclude one another: `spaceLock`. Page faults do not
// take it: after each sleep they look again. Process context.

import {
  address, at, sizeof, staticStruct, struct, type Embed, type PhysicalAddress, type ptr, type u32,
} from '../lib/layout.ts'
import { WaitQueue, sleepUninterruptible, wakeOne } from '../lib/sleep.ts'
import { Pool, poolAllocate, poolFree, poolInit } from '../mm/pool.ts'
import { randomBelow } from '../lib/random.ts'
import { PAGE_SHIFT, USER_END, USER_START } from '../mm/address.ts'
import { SPACE_PAGE_LIMIT } from '../config.ts'
import { familyDrop, familyJoin, familyLeave, familyMake, type Family } from './family.ts'
import { tablesDrop, tablesMake } from './page-table.ts'
import type { Region } from './region.ts'

/** Where mappings go that ask for no address, at the lowest; a space's own base lies up to 256 MiB above. */
const MAP_BASE: u32 = 0x30000000
/** Pages that a random choice of place reaches: RustOS's ASLR_ENTROPY_BITS, 16. */
export const ASLR_PAGES: u32 = 0x10000

/** More than there are pages, or bytes. */
export const NO_PAGE_LIMIT: u32 = 0xffffffff

@struct
export class AddressSpace {
  next: AddressSpace | null // all spaces
  previous: AddressSpace | null
  first: Region | null
  hint: Region | null // found last
  regions: u32
  pages: u32 // in regions
  pageLimit: u32 // the most pages in regions
  dataLimit: u32 // the most pages in regions of data: limits.ts
  stackLimit: u32 // the most bytes of the stack it began on
  stackStart: u32 // where that may begin, and ends
  stackEnd: u32
  resident: u32 // entries with a page
  swapped: u32 // entries with a slot
  generation: u32 // changes whenever a region does
  holders: u32
  root: PhysicalAddress // for CR3
  pointers: PhysicalAddress
  directoryLow: ptr
  directoryHigh: ptr
  family: Family
  sibling: AddressSpace | null
  elderSibling: AddressSpace | null
  mapBase: u32 // where mappings go that ask for no address
  brkStart: u32
  brk: u32 // the end of the heap, to the byte
  readPage: u32 // read-ahead: where the next fault is if it goes on in order
  readWindow: u32 // and pages to read then
  ending: u32 // not 0: its process was told to end, for want of memory; how often somebody has waited for that
  lockHolders: u32 // 1: somebody changes regions
  waiting: Embed<WaitQueue> // for the lock
}

const pool = staticStruct<Pool>()
let first: AddressSpace | null = null
let count: u32 = 0

/** Once. */
export function spacesInit(): void {
  poolInit(pool, 'spaces', sizeof<AddressSpace>(), 0)
}

/** The first of all spaces; follow `next`. */
export function spaceFirst(): AddressSpace | null {
  return first
}

/** How many there are. */
export function spaceCount(): u32 {
  return count
}

/** An empty space with one holder, of a family of its own; null when there is no memory. May sleep. */
export function spaceCreate(): AddressSpace | null {
  const family = familyMake()
  if (family == null) return null
  const space = spaceInFamily(family)
  if (space == null) return null
  space.mapBase = MAP_BASE + (randomBelow(ASLR_PAGES) << PAGE_SHIFT)
  space.pageLimit = SPACE_PAGE_LIMIT
  space.dataLimit = NO_PAGE_LIMIT
  space.stackLimit = NO_PAGE_LIMIT
  return space
}

/** An empty space with one holder in a family; null when there is no memory: a family without members ends. May sleep. */
export function spaceInFamily(family: Family): AddressSpace | null {
  const p = poolAllocate(pool)
  const space = at<AddressSpace>(p)
  if (p == 0 || !tablesMake(space)) {
    if (p != 0) poolFree(pool, p)
    if (family.spaces == 0) familyDrop(family)
    return null
  }
  space.holders = 1
  familyJoin(family, space) // who looks for the family's pages finds tables
  space.next = first
  if (first != null) first.previous = space
  first = space
  count += 1
  return space
}

/** One holder more. */
export function spaceHold(space: AddressSpace): void {
  space.holders += 1
}

/** A space without regions or holders is gone. */
export function spaceDrop(space: AddressSpace): void {
  if (space.previous == null) first = space.next
  else space.previous.next = space.next
  if (space.next != null) space.next.previous = space.previous
  count -= 1
  familyLeave(space)
  tablesDrop(space)
  poolFree(pool, address(space))
}

/** What CR3 is loaded with to use a space. */
export function spaceRoot(space: AddressSpace): PhysicalAddress {
  return space.root
}

/** Nobody else changes the regions of a space until `spaceUnlock`. May sleep. */
export function spaceLock(space: AddressSpace): void {
  while (isLocked(space)) sleepUninterruptible(space.waiting)
  space.lockHolders = 1
}

export function spaceUnlock(space: AddressSpace): void {
  space.lockHolders = 0
  wakeOne(space.waiting)
}

function isLocked(space: AddressSpace): boolean {
  return space.lockHolders != 0
}

/** Whether `length` bytes at `start` are all in the range of a process. */
export function isUserRange(start: u32, length: u32): boolean {
  return start >= USER_START && start < USER_END && length <= USER_END - start
}
