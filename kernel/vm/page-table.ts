// Page tables of processes, as data. Intel SDM vol. 3 §4.5 (4-level paging), §4.6 (access rights), §4.10 (TLBs).
//
//   PML4: entry 0 ─▶ pointers: entries 0, 1 ─▶ two directories ─▶ page tables     0x1000 … 0x7fffffff
//         the kernel's upper half, copied from its own root when the space is made
//
// An entry of a page table is 8 bytes, which hold
//
//   a page      address | Dirty | Accessed | User | Writable | Present, and no-execute in bit 63
//   a slot      slot of the swap area << 1, Present not set
//   nothing     0
//
// A page table is there while it has entries: its PageFrame counts them. A change of an entry that the processor may
// have in its TLB is followed by `invalidate` before anything sleeps or returns to user mode.

import { copy64, load32, store64 } from '../lib/intrinsics.ts'
import { plus, type PhysicalAddress, type ptr, type u32 } from '../lib/layout.ts'
import { zeroBytes } from '../lib/memory.ts'
import { PAGE_SIZE, pageFloor, physicalOf, virtualOf } from '../mm/address.ts'
import { pageFrameAllocate, pageFrameAllocateZeroed, pageFrameOf, pageFrameRelease } from '../mm/page-frame.ts'
import type { AddressSpace } from './address-space.ts'
import { vmStats } from './stats.ts'

/** Bits of the low half of an entry. SDM vol. 3 table 4-20. */
export const enum Entry { Present = 1, Writable = 2, User = 4, Accessed = 0x20, Dirty = 0x40 }
/** Bit 63 of an entry, in its high half. */
export const ENTRY_NO_EXECUTE: u32 = 0x80000000

/** Bytes that one page table maps. */
export const TABLE_REACH: u32 = 0x200000
const DIRECTORY_ENTRY: u32 = Entry.Present | Entry.Writable | Entry.User
const ENTRY_BYTES: u32 = 8
/** Entries of the PML4 from here on are the kernel's: the upper half. */
const KERNEL_HALF: u32 = 2048

/** Forget what the processor remembers of a page of the current space, or of all of it. */
export type InvalidatePage = (page: ptr) => void
export type InvalidateAll = () => void

let kernelRoot: PhysicalAddress = 0 as number as PhysicalAddress
let noExecute: u32 = 0
let invalidatePage: InvalidatePage | null = null
let invalidateAll: InvalidateAll | null = null
let current: AddressSpace | null = null

/** Once: the kernel's root table, whether the processor knows no-execute, and how it is told of changes. */
export function pageTablesInit(root: PhysicalAddress, hasNoExecute: boolean, page: InvalidatePage, all: InvalidateAll): void {
  kernelRoot = root
  noExecute = hasNoExecute ? ENTRY_NO_EXECUTE : 0
  invalidatePage = page
  invalidateAll = all
}

/** The space whose tables the processor uses; null while it uses the kernel's own. */
export function spaceCurrent(): AddressSpace | null {
  return current
}

/** Called with each load of CR3: that is what makes the processor forget the space before. */
export function spaceCurrentSet(space: AddressSpace | null): void {
  current = space
}

/** The high half of an entry for a page, by whether it may be executed. */
export function entryHigh(executable: boolean): u32 {
  return executable ? 0 : noExecute
}

/** The processor forgets a page of a space. */
export function invalidate(space: AddressSpace, where: u32): void {
  if (space == current && invalidatePage != null) invalidatePage(where as ptr)
}

/** The processor forgets all of a space. */
export function invalidateSpace(space: AddressSpace): void {
  if (space == current && invalidateAll != null) invalidateAll()
}

/** Make the four tables above the page tables; false when there is no memory: then there is none of them. May sleep. */
export function tablesMake(space: AddressSpace): boolean {
  const root = pageFrameAllocateZeroed()
  const pointers = pageFrameAllocateZeroed()
  const low = pageFrameAllocateZeroed()
  const high = pageFrameAllocateZeroed()
  if (root == 0 || pointers == 0 || low == 0 || high == 0) {
    releaseFrame(root)
    releaseFrame(pointers)
    releaseFrame(low)
    releaseFrame(high)
    return false
  }
  space.root = root
  space.pointers = pointers
  space.directoryLow = virtualOf(low)
  space.directoryHigh = virtualOf(high)
  store64(virtualOf(root), 0, pointers | DIRECTORY_ENTRY, 0)
  store64(virtualOf(pointers), 0, low | DIRECTORY_ENTRY, 0)
  store64(virtualOf(pointers), ENTRY_BYTES, high | DIRECTORY_ENTRY, 0)
  let at: u32 = KERNEL_HALF
  while (kernelRoot != 0 && at < PAGE_SIZE) {
    copy64(virtualOf(root), at, virtualOf(kernelRoot), at)
    at += ENTRY_BYTES
  }
  return true
}

function releaseFrame(frame: PhysicalAddress): void {
  if (frame != 0) pageFrameRelease(frame)
}

/** Give the four tables back; there is no page table any more. */
export function tablesDrop(space: AddressSpace): void {
  pageFrameRelease(space.root)
  pageFrameRelease(space.pointers)
  pageFrameRelease(physicalOf(space.directoryLow))
  pageFrameRelease(physicalOf(space.directoryHigh))
}

function directoryOf(space: AddressSpace, where: u32): ptr {
  return where < 0x40000000 ? space.directoryLow : space.directoryHigh
}

function directoryOffset(where: u32): u32 {
  return (where >>> 18) & 0xff8
}

/** The page table of an address below 2 GiB, 0 if there is none. */
export function tableFind(space: AddressSpace, where: u32): ptr {
  const entry = load32(directoryOf(space, where), directoryOffset(where))
  return (entry == 0 ? 0 : virtualOf(pageFloor(entry) as PhysicalAddress)) as ptr
}

/** Where the entry for an address below 2 GiB is, 0 if it has no page table. */
export function entryFind(space: AddressSpace, where: u32): ptr {
  const table = tableFind(space, where)
  return table == 0 ? table : plus(table, (where >>> 9) & 0xff8)
}

/** As `entryFind`, and the page table is made if there is none; 0 when there is no memory. May sleep. */
export function entryMake(space: AddressSpace, where: u32): ptr {
  const found = entryFind(space, where)
  if (found != 0) return found
  const table = pageFrameAllocate()
  if (table == 0) return 0 as ptr
  const meanwhile = entryFind(space, where)
  if (meanwhile != 0) {
    pageFrameRelease(table)
    return meanwhile
  }
  zeroBytes(virtualOf(table), PAGE_SIZE)
  pageFrameOf(table).count = 0
  vmStats().pageTables += 1
  store64(directoryOf(space, where), directoryOffset(where), table | DIRECTORY_ENTRY, 0)
  return entryFind(space, where)
}

/** Write an entry that was 0 and will not be. */
export function entryFill(entry: ptr, low: u32, high: u32): void {
  pageFrameOf(pageFloor(physicalOf(entry)) as PhysicalAddress).count += 1
  store64(entry, 0, low, high)
}

/** Make an entry 0 that is not. */
export function entryClear(entry: ptr): void {
  pageFrameOf(pageFloor(physicalOf(entry)) as PhysicalAddress).count -= 1
  store64(entry, 0, 0, 0)
}

/** Give a page table back if it has no entry. */
export function tableDropEmpty(space: AddressSpace, where: u32): void {
  const table = tableFind(space, where)
  if (table == 0) return
  const page = pageFrameOf(physicalOf(table))
  if (page.count != 0) return
  store64(directoryOf(space, where), directoryOffset(where), 0, 0)
  vmStats().pageTables -= 1
  page.count = 1
  pageFrameRelease(page.physical)
}
