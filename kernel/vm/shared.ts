// Memory that processes share and that no file has: MAP_SHARED | MAP_ANONYMOUS. Pages are made, as zeros, when they are first asked
// for, leave for the swap disk like those of a process's own, and are gone with the last region that maps the object.

import { Errno } from '../lib/errno.ts'
import { load32 } from '../lib/intrinsics.ts'
import { address, at, sizeof, type PhysicalAddress, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { zeroBytes } from '../lib/memory.ts'
import { PAGE_SIZE, physicalOf } from '../mm/address.ts'
import { frameFree, framesFree } from '../mm/frames.ts'
import { heapAllocate, heapFree } from '../mm/heap.ts'
import {
  pageFrameAllocate, pageFrameAllocateNow, pageFrameAllocateZeroed, pageFrameHold, pageFrameOf, pageFrameRelease,
} from '../mm/page-frame.ts'
import { SlotRead, pageSlotFrame, pageSlotUsed } from '../swap/page-slots.ts'
import { clusterAdd, clusterTake, clusterWait, type Cluster } from './cluster.ts'
import { slotDrop } from './entries.ts'
import type { MemoryObject } from './object.ts'
import {
  GROUP_MASK, SharedMemory, awayEntry, awaySlot, isAway, sharedAdopt, sharedDisown, sharedEntry, sharedFromSlot, sharedGroup,
  sharedGroupMake, sharedPlace,
} from './shared-pages.ts'
import { vmStats } from './stats.ts'
import { slotArrived, slotClaim, slotReadTake, slotsRead } from './swap-in.ts'
import { watermarkMin } from './watermarks.ts'

/** Pages that are read together, if their slots follow one another: who touches one touches the next. */
const READ_TOGETHER: u32 = 16

let first: SharedMemory | null = null

/** Memory of `pages` pages with one holder; null when there is no memory for its tables. */
export function sharedMake(pages: u32): MemoryObject | null {
  const groups: u32 = (pages + GROUP_MASK) / (GROUP_MASK + 1)
  const p = heapAllocate(sizeof<SharedMemory>())
  const directory = heapAllocate(groups << 2)
  if (p == 0 || directory == 0) {
    heapFree(p)
    heapFree(directory)
    return null
  }
  const shared = at<SharedMemory>(p)
  zeroBytes(p, sizeof<SharedMemory>())
  zeroBytes(directory, groups << 2)
  shared.object.page = sharedPage
  shared.object.hold = sharedHold
  shared.object.release = sharedRelease
  shared.holders = 1
  shared.pages = pages
  shared.directory = directory
  shared.next = first
  if (first != null) first.previous = shared
  first = shared
  return shared.object
}

function sharedOf(object: MemoryObject): SharedMemory {
  return at<SharedMemory>(address(object))
}

/** See ObjectPage. May sleep. */
function sharedPage(object: MemoryObject, index: u32): u32 {
  const shared = sharedOf(object)
  if (index >= shared.pages) return 0
  while (true) {
    const entry = sharedEntry(shared, index)
    if (entry != 0 && !isAway(entry)) {
      pageFrameHold(entry as PhysicalAddress)
      return entry
    }
    const result: i32 = entry == 0 ? make(shared, index) : bringBack(shared, index, awaySlot(entry))
    if (result != Errno.None) return result as number as u32
  }
}

/** A page of zeros, unless there is one meanwhile. Errors: OutOfMemory. May sleep. */
function make(shared: SharedMemory, index: u32): i32 {
  const fresh = pageFrameAllocateZeroed()
  if (fresh == 0) return Errno.OutOfMemory
  if (!sharedGroupMake(shared, index)) {
    pageFrameRelease(fresh)
    return Errno.OutOfMemory
  }
  if (sharedEntry(shared, index) != 0) pageFrameRelease(fresh)
  else sharedAdopt(shared, index, fresh)
  return Errno.None
}

/** The page is in a slot: have it in memory, or something done about it. Errors: OutOfMemory, InputOutput. May sleep. */
function bringBack(shared: SharedMemory, index: u32, slot: u32): i32 {
  const frame = pageSlotFrame(slot)
  if (frame == 0) return readBack(shared, index, slot)
  if (slotArrived(slot, frame)) {
    sharedFromSlot(pageFrameOf(frame), slot)
    vmStats().cacheHits += 1
  }
  return Errno.None
}

/** Read it, and what follows. */
function readBack(shared: SharedMemory, index: u32, slot: u32): i32 {
  const frame = pageFrameAllocate()
  if (frame == 0) return Errno.OutOfMemory
  const same: boolean = sharedEntry(shared, index) == awayEntry(slot) && pageSlotFrame(slot) == 0
  const cluster = same ? clusterTake() : null
  if (cluster == null) {
    pageFrameRelease(frame)
    if (same) clusterWait()
    return Errno.None
  }
  cluster.slot = slot
  add(shared, cluster, index, frame)
  addFollowing(shared, cluster, index + 1)
  vmStats().swapIns += 1
  vmStats().readAhead += cluster.count - 1
  if (!slotsRead(cluster)) return Errno.InputOutput
  if (sharedEntry(shared, index) != awayEntry(slot)) return Errno.None // the slot may be another page's by now
  const how = slotReadTake(slot)
  shared.alone = how == SlotRead.FailedTogether
  return how == SlotRead.Failed ? Errno.InputOutput : Errno.None
}

function add(shared: SharedMemory, cluster: Cluster, index: u32, frame: PhysicalAddress): void {
  slotClaim(address(shared), sharedPlace(index), cluster.slot + cluster.count, frame)
  clusterAdd(cluster, pageFrameOf(frame))
}

function addFollowing(shared: SharedMemory, cluster: Cluster, from: u32): void {
  let index: u32 = from
  while (!shared.alone && index < shared.pages && cluster.count < READ_TOGETHER && framesFree() > watermarkMin()) {
    const slot: u32 = cluster.slot + cluster.count
    if (sharedEntry(shared, index) != awayEntry(slot) || !pageSlotUsed(slot) || pageSlotFrame(slot) != 0) return
    const frame = pageFrameAllocateNow()
    if (frame == 0) return
    add(shared, cluster, index, frame)
    index += 1
  }
}

function sharedHold(object: MemoryObject): void {
  sharedOf(object).holders += 1
}

function sharedRelease(object: MemoryObject): void {
  const shared = sharedOf(object)
  shared.holders -= 1
  if (shared.holders != 0) return
  let index: u32 = 0
  while (index < shared.pages) {
    releaseGroup(sharedGroup(shared, index))
    index += GROUP_MASK + 1
  }
  if (shared.previous == null) first = shared.next
  else shared.previous.next = shared.next
  if (shared.next != null) shared.next.previous = shared.previous
  heapFree(shared.directory)
  heapFree(address(shared))
}

function releaseGroup(group: ptr): void {
  if (group == 0) return
  let i: u32 = 0
  while (i < PAGE_SIZE) {
    releaseEntry(load32(group, i))
    i += 4
  }
  frameFree(physicalOf(group), 0)
}

function releaseEntry(entry: u32): void {
  if (entry == 0) return
  if (isAway(entry)) return slotDrop(awaySlot(entry))
  sharedDisown(pageFrameOf(entry as PhysicalAddress))
  pageFrameRelease(entry as PhysicalAddress)
}

// --- Swap off. --------------------------------------------------------------------------------------------

/** Some shared memory of which a page is out, or null. */
export function sharedWithAway(): MemoryObject | null {
  let shared = first
  while (shared != null && shared.away == 0) shared = shared.next
  return shared == null ? null : shared.object
}

/** Have the first page of an object that is out back. Errors: OutOfMemory, InputOutput. May sleep; the caller holds the object. */
export function sharedOneBack(object: MemoryObject): i32 {
  const shared = sharedOf(object)
  let index: u32 = 0
  while (index < shared.pages && !isAway(sharedEntry(shared, index))) {
    index += sharedGroup(shared, index) == 0 ? GROUP_MASK + 1 - (index & GROUP_MASK) : 1
  }
  return index >= shared.pages ? Errno.None : bringBack(shared, index, awaySlot(sharedEntry(shared, index)))
}
