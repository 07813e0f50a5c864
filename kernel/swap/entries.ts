// What each used slot holds: RustOS's SwapEntry, with a checksum of the page, and found by slot or by page.
//
// Entries lie in frames of their own, 170 to a frame, made when the first of their slots is used: a large disk in
// a small machine costs a pointer for 170 slots. One frame is kept in reserve, so that swapping out, which is
// what makes memory, does not need some first. Main-loop context.

import { hash32 } from '../lib/hash.ts'
import { load32, store32 } from '../lib/intrinsics.ts'
import {
  address, at, nth, sizeof, struct, type Bytes, type Stored, type ptr, type u16, type u32, type u8,
} from '../lib/layout.ts'
import { zeroBytes } from '../lib/memory.ts'
import { PAGE_SIZE, physicalOf } from '../mm/address.ts'
import { frameAllocateZeroed, frameFree, frameMemory } from '../mm/frames.ts'
import { heapAllocate, heapFree } from '../mm/heap.ts'

export const enum EntryState {
  Unused,
  /** The slot was handed out by allocateSlot: no page is in it. */
  Reserved,
  /** A page is being written to it. */
  Writing,
  /** It holds a page that is nowhere else. */
  Stored,
  /** As Stored, and being read. */
  Reading,
  /** It holds a page that was read back and is also in memory. */
  Kept,
  /** It is a slot of page-slots.ts, which gives the fields a meaning of its own. */
  Paged,
}

@struct
export class SwapEntry {
  pageAddress: u32 // on a page boundary
  checksum: u32 // of the page as it was written, under the slot as seed
  next: u32 // slot of the next entry in the same chain; 0 at its end
  owner: u16
  state: Stored<u8, EntryState>
  dirty: u8 // 1: the page in memory was written since it was read back
  accessTime: Bytes<8> // the manager's counter of accesses when it was written
}

@struct
export class EntryTable {
  directory: ptr // the address of each frame of entries, or 0
  frames: u32 // places in the directory
  buckets: ptr // the first slot of each chain
  bucketMask: u32
  reserve: ptr // a zeroed frame, or 0
}

const BUCKETS_LEAST: u32 = 64
const BUCKETS_MOST: u32 = 16384

/** A table for slots up to `lastSlot`; false when there is no memory for it. */
export function entryTableMake(table: EntryTable, lastSlot: u32): boolean {
  let buckets: u32 = BUCKETS_LEAST
  while (buckets < BUCKETS_MOST && buckets << 2 < lastSlot) buckets = buckets << 1
  table.frames = lastSlot / entriesPerFrame() + 1
  table.bucketMask = buckets - 1
  table.directory = heapAllocate(table.frames << 2)
  table.buckets = heapAllocate(buckets << 2)
  table.reserve = frameMemory(frameAllocateZeroed())
  if (table.directory != 0) zeroBytes(table.directory, table.frames << 2)
  else table.frames = 0
  if (table.directory == 0 || table.buckets == 0 || table.reserve == 0) {
    entryTableDrop(table)
    return false
  }
  zeroBytes(table.buckets, buckets << 2)
  return true
}

/** Give back the memory of the table. */
export function entryTableDrop(table: EntryTable): void {
  let i: u32 = 0
  while (i < table.frames) {
    freeFrame(load32(table.directory, i << 2) as ptr)
    i += 1
  }
  freeFrame(table.reserve)
  heapFree(table.directory)
  heapFree(table.buckets)
  zeroBytes(address(table), sizeof<EntryTable>())
}

function freeFrame(p: ptr): void {
  if (p != 0) frameFree(physicalOf(p), 0)
}

function entriesPerFrame(): u32 {
  return PAGE_SIZE / sizeof<SwapEntry>()
}

/** The entry of a slot of the area, or null if none of its frame was ever used. */
export function entryFind(table: EntryTable, slot: u32): SwapEntry | null {
  const place: u32 = slot / entriesPerFrame()
  if (place >= table.frames) return null
  const frame = load32(table.directory, place << 2) as ptr
  if (frame == 0) return null
  return nth(at<SwapEntry>(frame), slot % entriesPerFrame())
}

/** As `entryFind`, and makes the frame it is in; null only when neither the reserve nor another frame is there. */
export function entryMake(table: EntryTable, slot: u32): SwapEntry | null {
  const place: u32 = slot / entriesPerFrame() << 2
  if (load32(table.directory, place) == 0) {
    if (table.reserve == 0) refill(table)
    store32(table.directory, place, table.reserve)
    table.reserve = 0 as ptr
    refill(table)
  }
  return entryFind(table, slot)
}

function refill(table: EntryTable): void {
  table.reserve = frameMemory(frameAllocateZeroed())
}

/** Put an entry whose owner and page are set into the chain of its page, in front. */
export function entryLink(table: EntryTable, slot: u32, entry: SwapEntry): void {
  const bucket = bucketOf(table, entry.owner, entry.pageAddress)
  entry.next = load32(table.buckets, bucket)
  store32(table.buckets, bucket, slot)
}

/** Take an entry out of its chain, and make it unused. */
export function entryUnlink(table: EntryTable, slot: u32, entry: SwapEntry): void {
  const bucket = bucketOf(table, entry.owner, entry.pageAddress)
  const head: u32 = load32(table.buckets, bucket)
  if (head == slot) store32(table.buckets, bucket, entry.next)
  else {
    let before = entryFind(table, head)!
    while (before.next != slot) before = entryFind(table, before.next)!
    before.next = entry.next
  }
  zeroBytes(address(entry), sizeof<SwapEntry>())
}

/** The slot that took an owner's page last, or 0. */
export function entryOfPage(table: EntryTable, owner: u32, pageAddress: u32): u32 {
  if (table.frames == 0) return 0
  let slot: u32 = load32(table.buckets, bucketOf(table, owner, pageAddress))
  while (slot != 0) {
    const entry = entryFind(table, slot)!
    if (entry.pageAddress == pageAddress && entry.owner == owner) return slot
    slot = entry.next
  }
  return 0
}

/** Place in `buckets`, in bytes. */
function bucketOf(table: EntryTable, owner: u32, pageAddress: u32): u32 {
  return (hash32(pageAddress | owner) & table.bucketMask) << 2
}
