// How much of its address space a process may use: RLIMIT_AS, RLIMIT_DATA, RLIMIT_STACK. getrlimit(2).

import type { u32 } from '../lib/layout.ts'
import { PAGE_SHIFT } from '../mm/address.ts'
import { NO_PAGE_LIMIT, type AddressSpace } from './address-space.ts'
import { MemoryRegionType, Protection, regionAfter, type Region } from './region.ts'

/** Whether memory with these rights is data: private, writable, and no stack. */
export function isData(protection: u32, shared: boolean, type: MemoryRegionType): boolean {
  return (protection & Protection.Write) != 0 && !shared && type != MemoryRegionType.UserStack
}

function regionIsData(region: Region): boolean {
  return isData(region.protection, region.shared != 0, region.type)
}

function dataPages(space: AddressSpace): u32 {
  let pages: u32 = 0
  let region = space.first
  while (region != null) {
    if (regionIsData(region)) pages += (region.end - region.start) >> PAGE_SHIFT
    region = region.next
  }
  return pages
}

/** Whether a space may have so many pages more, of data or not. */
export function spaceHasRoom(space: AddressSpace, pages: u32, data: boolean): boolean {
  if (space.pages + pages > space.pageLimit) return false
  return !data || space.dataLimit == NO_PAGE_LIMIT || dataPages(space) + pages <= space.dataLimit
}

/** Whether what is mapped from `start` up to `end` may become writable, if `protection` says so: it may be data then. */
export function spaceMayProtect(space: AddressSpace, start: u32, end: u32, protection: u32): boolean {
  if (space.dataLimit == NO_PAGE_LIMIT) return true
  let more: u32 = 0
  let region = regionAfter(space, start)
  while (region != null && region.start < end) {
    const becomes: boolean = isData(protection, region.shared != 0, region.type)
    if (becomes && !regionIsData(region)) more += pagesBetween(region, start, end)
    region = region.next
  }
  return more == 0 || dataPages(space) + more <= space.dataLimit
}

function pagesBetween(region: Region, start: u32, end: u32): u32 {
  const from: u32 = region.start > start ? region.start : start
  const to: u32 = region.end < end ? region.end : end
  return (to - from) >> PAGE_SHIFT
}

/** Pages that are mapped from `start` up to `end`. */
export function pagesMapped(space: AddressSpace, start: u32, end: u32): u32 {
  let pages: u32 = 0
  let region = regionAfter(space, start)
  while (region != null && region.start < end) {
    pages += pagesBetween(region, start, end)
    region = region.next
  }
  return pages
}

/** Whether `where`, in a region, is a part of the stack that the process may not use. */
export function pastStackLimit(space: AddressSpace, region: Region, where: u32): boolean {
  if (region.type != MemoryRegionType.UserStack || where < space.stackStart || where >= space.stackEnd) return false
  return space.stackEnd - where > space.stackLimit
}
