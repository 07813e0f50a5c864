// What a process may use at most: the limits of setrlimit(2), which its threads share and its children inherit. That on descriptors
// is its descriptor table's (fs/descriptor.ts). Who can go over one asks it; those that nobody asks are kept and read back.

import { PROCESS_LIMIT, SPACE_PAGE_LIMIT, STACK_LIMIT } from '../config.ts'
import { nth, struct, type u32 } from '../lib/layout.ts'
import { PAGE_SHIFT } from '../mm/address.ts'
import { NO_PAGE_LIMIT, type AddressSpace } from '../vm/address-space.ts'

/** Linux's numbers. include/uapi/asm-generic/resource.h */
export const enum Resource {
  ProcessorTime = 0, FileSize = 1, Data = 2, Stack = 3, Core = 4, Processes = 6, Files = 7, AddressSpace = 9, Nice = 13,
  RealTimePriority = 14, All = 16,
}

/** As high as it gets. */
export const NO_LIMIT: u32 = 0xffffffff

/** What is in force, and how far a process may raise it. Bytes, seconds, processes. */
@struct
export class ResourceLimit {
  soft: u32
  hard: u32
}

/** The first process's, from `first` on: Linux's, where they limit anything. There are no core files. */
export function limitsInit(first: ResourceLimit): void {
  for (let i: u32 = 0; i < Resource.All; i++) {
    nth(first, i).soft = NO_LIMIT
    nth(first, i).hard = NO_LIMIT
  }
  nth(first, Resource.Core).soft = 0
  nth(first, Resource.Stack).soft = STACK_LIMIT
  limitNone(nth(first, Resource.Nice))
  limitNone(nth(first, Resource.RealTimePriority))
  nth(first, Resource.Processes).soft = PROCESS_LIMIT
  nth(first, Resource.Processes).hard = PROCESS_LIMIT
}

function limitNone(limit: ResourceLimit): void {
  limit.soft = 0
  limit.hard = 0
}

/** A space may have as much as the limits say. */
export function limitsToSpace(first: ResourceLimit, space: AddressSpace): void {
  const pages: u32 = nth(first, Resource.AddressSpace).soft >>> PAGE_SHIFT
  space.pageLimit = pages < SPACE_PAGE_LIMIT ? pages : SPACE_PAGE_LIMIT
  const data: u32 = nth(first, Resource.Data).soft
  space.dataLimit = data == NO_LIMIT ? NO_PAGE_LIMIT : data >>> PAGE_SHIFT
  space.stackLimit = nth(first, Resource.Stack).soft
}
