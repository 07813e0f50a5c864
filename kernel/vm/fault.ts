// Page faults: what is to be done, in RustOS's order (rustos.md says "page-fault decision order") with guard pages first.
//
//   no region ─▶ InvalidAddress          guard page ─▶ GuardPageViolation
//   not a right of the region's ─▶ WriteViolation, ExecuteViolation, PrivilegeViolation
//   nothing there ─▶ zeros, or the object's page         in a slot ─▶ swapped in         written to and shared ─▶ copied
//
// RustOS asks for rights only once a page is there; here they are asked for first, so that what may not be touched is not made.
// Whatever sleeps makes the fault begin anew: while it slept, another thread of the process may have changed everything.

import { Errno, isError } from '../lib/errno.ts'
import { load32, store64 } from '../lib/intrinsics.ts'
import { type PhysicalAddress, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { copyBytes, zeroBytes } from '../lib/memory.ts'
import { PAGE_SHIFT, PAGE_SIZE, USER_END, USER_START, pageFloor, virtualOf } from '../mm/address.ts'
import type { PageFrame } from '../mm/frame-table.ts'
import {
  pageFrameAllocate, pageFrameAllocateZeroed, pageFrameHold, pageFrameOf, pageFrameRelease,
} from '../mm/page-frame.ts'
import { pageSlotCount } from '../swap/page-slots.ts'
import type { AddressSpace } from './address-space.ts'
import { entryFrame, entryRights } from './entries.ts'
import { FAULT_AGAIN, MemoryError } from './errors.ts'
import { pastStackLimit } from './limits.ts'
import { pageAdopt, pageHas, PageState } from './page.ts'
import { Entry, entryFill, entryFind, entryHigh, entryMake, invalidate } from './page-table.ts'
import { MemoryRegionType, Protection, regionFind, type Region } from './region.ts'
import { vmStats } from './stats.ts'
import { swapInFault } from './swap-in.ts'

/** Bits of the error code of a page fault. Intel SDM vol. 3 §4.7. */
export const enum FaultCode { Present = 1, Write = 2, User = 4, Fetch = 16 }

/** MemoryError.None: try the access again. Otherwise it can not be. May sleep. */
export type PageFaultHandler = (space: AddressSpace, where: u32, code: u32) => i32

let handler: PageFaultHandler = pageFaultDecide
let zeroFrame: PhysicalAddress = 0 as number as PhysicalAddress

/** Once. */
export function faultsInit(): void {
  handler = pageFaultDecide
  zeroFrame = pageFrameAllocateZeroed()
}

/**
 * From now on page faults go to `next`, which may ask the one that is returned, and who installed it puts that back in the end:
 * handlers nest.
 */
export function pageFaultRegister(next: PageFaultHandler): PageFaultHandler {
  const previous = handler
  handler = next
  return previous
}

/** A page fault of a process, or of the kernel on its behalf, at `where`; `code` is the processor's. May sleep. */
export function pageFault(space: AddressSpace, where: u32, code: u32): i32 {
  vmStats().faults += 1
  const result = handler(space, where, code)
  if (result != MemoryError.None) vmStats().violations += 1
  return result
}

/** The handler that there is at first: regions decide. */
export function pageFaultDecide(space: AddressSpace, where: u32, code: u32): i32 {
  while (true) {
    if (where < USER_START || where >= USER_END) return MemoryError.InvalidAddress
    const region = regionFind(space, where)
    if (region == null) return MemoryError.InvalidAddress
    const violation = violationOf(region, code)
    if (violation != MemoryError.None) return violation
    if (pastStackLimit(space, region, where)) return MemoryError.InvalidAddress
    const result = bringIn(space, region, pageFloor(where), (code & FaultCode.Write) != 0)
    if (result != FAULT_AGAIN) return result
  }
}

function violationOf(region: Region, code: u32): MemoryError {
  const protection = region.protection
  if (region.type == MemoryRegionType.GuardPage) return MemoryError.GuardPageViolation
  if ((code & FaultCode.Write) != 0 && (protection & Protection.Write) == 0) return MemoryError.WriteViolation
  if ((code & FaultCode.Fetch) != 0 && (protection & Protection.Execute) == 0) return MemoryError.ExecuteViolation
  return protection == Protection.None ? MemoryError.PrivilegeViolation : MemoryError.None
}

/** The access is right: make it possible. */
function bringIn(space: AddressSpace, region: Region, where: u32, writing: boolean): i32 {
  const generation: u32 = space.generation
  const entry = entryMake(space, where)
  if (entry == 0) return MemoryError.OutOfMemory
  if (space.generation != generation) return FAULT_AGAIN
  const low = load32(entry, 0)
  if (low == 0) {
    return region.object == null ? fresh(space, region, where, writing) : fromObject(space, region, where, writing)
  }
  if ((low & Entry.Present) == 0) return swapInFault(space, region, where, entry)
  if (writing && (low & Entry.Writable) == 0) return makeWritable(space, region, where, entry)
  // The processor remembered less than is there.
  store64(entry, 0, low | Entry.Accessed, entryHigh((region.protection & Protection.Execute) != 0))
  invalidate(space, where)
  return MemoryError.None
}

/** Fill the entry of a page with a frame whose reference it takes over. */
function install(space: AddressSpace, region: Region, where: u32, frame: PhysicalAddress, bits: u32): void {
  const entry = entryFind(space, where)
  const high = entryHigh((region.protection & Protection.Execute) != 0)
  entryFill(entry, frame | entryRights(region.protection) | Entry.Accessed | bits, high)
  space.resident += 1
}

/** Whether nothing has changed since `generation` and the entry of a page is still what it was, but for use. */
function unchanged(space: AddressSpace, generation: u32, where: u32, low: u32): boolean {
  if (space.generation != generation) return false
  const entry = entryFind(space, where)
  if (entry == 0) return false
  return ((load32(entry, 0) ^ low) & ~(Entry.Accessed | Entry.Dirty)) == 0
}

/** A page of zeros; as long as it is only read, the one that all have. */
function fresh(space: AddressSpace, region: Region, where: u32, writing: boolean): i32 {
  if (!writing) {
    pageFrameHold(zeroFrame)
    install(space, region, where, zeroFrame, 0)
    vmStats().zeroShared += 1
    return MemoryError.None
  }
  const generation: u32 = space.generation
  const frame = pageFrameAllocate()
  if (frame == 0) return MemoryError.OutOfMemory
  if (!unchanged(space, generation, where, 0)) {
    pageFrameRelease(frame)
    return FAULT_AGAIN
  }
  zeroBytes(virtualOf(frame), PAGE_SIZE)
  install(space, region, where, frame, Entry.Writable | Entry.Dirty)
  pageAdopt(pageFrameOf(frame), space, where)
  vmStats().demandZero += 1
  return MemoryError.None
}

/** A page of the region's object, or, if a private one is written to, a copy of it. */
function fromObject(space: AddressSpace, region: Region, where: u32, writing: boolean): i32 {
  const generation: u32 = space.generation
  const object = region.object!
  const index: u32 = region.objectPage + ((where - region.start) >> PAGE_SHIFT)
  object.hold(object) // the region may be gone before the page is there
  const found = object.page(object, index)
  object.release(object)
  if (found == 0) return MemoryError.PastEnd
  if (isError(found)) return found == (Errno.OutOfMemory as number as u32) ? MemoryError.OutOfMemory : MemoryError.InputOutput
  const frame = found as PhysicalAddress
  if (!unchanged(space, generation, where, 0)) {
    pageFrameRelease(frame)
    return FAULT_AGAIN
  }
  vmStats().filePages += 1
  if (writing && region.shared == 0) return copyOfObject(space, region, where, frame)
  const writable = region.shared != 0 && (region.protection & Protection.Write) != 0
  install(space, region, where, frame, writable ? Entry.Writable : 0)
  return MemoryError.None
}

function copyOfObject(space: AddressSpace, region: Region, where: u32, original: PhysicalAddress): i32 {
  const generation: u32 = space.generation
  const frame = pageFrameAllocate()
  if (frame != 0 && unchanged(space, generation, where, 0)) {
    copyBytes(virtualOf(frame), virtualOf(original), PAGE_SIZE)
    install(space, region, where, frame, Entry.Writable | Entry.Dirty)
    pageAdopt(pageFrameOf(frame), space, where)
    vmStats().copied += 1
    pageFrameRelease(original)
    return MemoryError.None
  }
  pageFrameRelease(original)
  if (frame == 0) return MemoryError.OutOfMemory
  pageFrameRelease(frame)
  return FAULT_AGAIN
}

/** A page that is there is written to: in place if nobody else has it, a copy otherwise. */
function makeWritable(space: AddressSpace, region: Region, where: u32, entry: ptr): i32 {
  const low = load32(entry, 0)
  const page = pageFrameOf(entryFrame(low))
  if (region.shared != 0 || isAlone(page)) {
    const high = entryHigh((region.protection & Protection.Execute) != 0)
    store64(entry, 0, low | Entry.Writable | Entry.Dirty | Entry.Accessed, high)
    invalidate(space, where)
    vmStats().reused += 1
    return MemoryError.None
  }
  const generation: u32 = space.generation
  const frame = pageFrameAllocate()
  if (frame == 0) return MemoryError.OutOfMemory
  if (!unchanged(space, generation, where, low)) {
    pageFrameRelease(frame)
    return FAULT_AGAIN
  }
  copyPage(frame, page.physical)
  const at = entryFind(space, where)
  store64(at, 0, frame | entryRights(region.protection) | Entry.Writable | Entry.Dirty | Entry.Accessed,
    entryHigh((region.protection & Protection.Execute) != 0))
  invalidate(space, where)
  pageAdopt(pageFrameOf(frame), space, where)
  pageFrameRelease(page.physical)
  vmStats().copied += 1
  return MemoryError.None
}

function copyPage(to: PhysicalAddress, from: PhysicalAddress): void {
  if (from == zeroFrame) zeroBytes(virtualOf(to), PAGE_SIZE)
  else copyBytes(virtualOf(to), virtualOf(from), PAGE_SIZE)
}

/** Whether a page is a process's own, mapped once, and nobody has its slot's contents but through it. */
function isAlone(page: PageFrame): boolean {
  if ((page.family as u32) == 0) return false
  const own: u32 = pageHas(page, PageState.Writing) ? 2 : 1 // a transfer holds the page, and the slot
  return page.count == own && (page.slot == 0 || pageSlotCount(page.slot) == own)
}
