// Pages that come back: a fault on an entry that holds a slot.
//
//   the slot has a frame ─▶ map it, and what was read ahead behind it
//   it is being read     ─▶ wait
//   neither              ─▶ read it, and if faults come in order, what follows: as much again as last time, up to 64 pages
//
// What was read in order is mapped at the first fault on it, and then the next stretch is begun, so that the disk reads while the
// process computes. A page that can not be read, or is not what was written, is an error; its slot keeps it.

import { Errno } from '../lib/errno.ts'
import { load32, store64 } from '../lib/intrinsics.ts'
import { address, type PhysicalAddress, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { copyBytes } from '../lib/memory.ts'
import { PAGE_SIZE, virtualOf } from '../mm/address.ts'
import type { PageFrame } from '../mm/frame-table.ts'
import { framesFree } from '../mm/frames.ts'
import {
  pageFrameAllocate, pageFrameAllocateNow, pageFrameOf, pageFrameRelease,
} from '../mm/page-frame.ts'
import {
  SlotRead, pageSlotCount, pageSlotFrame, pageSlotHold, pageSlotPut, pageSlotRead, pageSlotReadSet, pageSlotUsed, pageSlotWhen,
  pageSlotsManager,
} from '../swap/page-slots.ts'
import type { AddressSpace } from './address-space.ts'
import {
  CLUSTER_PAGES, clusterAdd, clusterGive, clusterRead, clusterTake, clusterWait, clustersPoll, pagesWriting, type Cluster,
} from './cluster.ts'
import { entryRights, entrySlot, tableEnd } from './entries.ts'
import { FAULT_AGAIN, MemoryError } from './errors.ts'
import { evict, evictionCount } from './evict.ts'
import { PageState, pageAdopt, pageAddress, pageForgetSlot, pageHas, pageSet, pageSetSlot, pageUnset, pagesListed } from './page.ts'
import { Entry, entryFind, entryHigh, invalidate } from './page-table.ts'
import { Protection, type Region } from './region.ts'
import { vmStats } from './stats.ts'
import { watermarkLow, watermarkMin } from './watermarks.ts'

/** Pages read at the second fault in order; from then on twice as many each time. */
const WINDOW_FIRST: u32 = 8

/** The entry of `where` holds a slot: have the page there. MemoryError.None, OutOfMemory, InputOutput; FAULT_AGAIN. May sleep. */
export function swapInFault(space: AddressSpace, region: Region, where: u32, entry: ptr): i32 {
  const slot = entrySlot(load32(entry, 0))
  const frame = pageSlotFrame(slot)
  if (frame == 0) return readDemanded(space, region, where, slot)
  return slotArrived(slot, frame) ? mapFound(space, region, where, frame) : FAULT_AGAIN
}

/** Whether the frame that a slot has is there. If it is being read, it is waited for: look again. May sleep then. */
export function slotArrived(slot: u32, frame: PhysicalAddress): boolean {
  if (!pageHas(pageFrameOf(frame), PageState.Reading)) return true
  clustersPoll()
  if (pageSlotFrame(slot) == frame && pageHas(pageFrameOf(frame), PageState.Reading)) clusterWait()
  return false
}

// --- The page is in memory. ----------------------------------------------------------------------------------------

function mapFound(space: AddressSpace, region: Region, where: u32, frame: PhysicalAddress): i32 {
  const page = pageFrameOf(frame)
  if (!pageHas(page, PageState.Cached) && isElsewhere(page, space, where)) return copyFound(space, region, where, page)
  if (!pageHas(page, PageState.Cached)) vmStats().cacheHits += 1
  mapPage(space, region, where, page, Entry.Accessed)
  const end = mapFollowing(space, region, where)
  if (space.readWindow > 1 && end != where + PAGE_SIZE) readAhead(space, region, end)
  return MemoryError.None
}

/** Whether a page is mapped by somebody, or was, at another address or in another family. */
function isElsewhere(page: PageFrame, space: AddressSpace, where: u32): boolean {
  const own: u32 = pageHas(page, PageState.Writing) ? 1 : 0
  return page.count != own && (page.family != address(space.family) || pageAddress(page) != where)
}

/** Fill the entry that holds a page's slot with the page. */
function mapPage(space: AddressSpace, region: Region, where: u32, page: PageFrame, bits: u32): void {
  const entry = entryFind(space, where)
  if (pageHas(page, PageState.Cached)) pageUnset(page, PageState.Cached) // its reference is the entry's now
  else page.count += 1
  pageSlotPut(page.slot)
  pageAdopt(page, space, where)
  const own: u32 = pageHas(page, PageState.Writing) ? 2 : 1 // a transfer holds the page, and the slot
  const alone: boolean = page.count == own && pageSlotCount(page.slot) == own
  const writable: u32 = alone && (region.protection & Protection.Write) != 0 ? Entry.Writable : 0
  const high = entryHigh((region.protection & Protection.Execute) != 0)
  store64(entry, 0, page.physical | entryRights(region.protection) | writable | bits, high)
  space.swapped -= 1
  space.resident += 1
}

/** What was read ahead behind a page is mapped, too, as not used yet. Where that ends. */
function mapFollowing(space: AddressSpace, region: Region, where: u32): u32 {
  const end = tableEnd(where, region.end)
  let next: u32 = where + PAGE_SIZE
  let left: u32 = CLUSTER_PAGES - 1
  while (next < end && left != 0) {
    const low = load32(entryFind(space, next), 0)
    if (low == 0 || (low & Entry.Present) != 0) break
    const frame = pageSlotFrame(entrySlot(low))
    if (frame == 0 || !pageHas(pageFrameOf(frame), PageState.Cached)) break
    mapPage(space, region, next, pageFrameOf(frame), 0)
    next += PAGE_SIZE
    left -= 1
  }
  return next
}

/** The page is somebody's at another address: a copy. May sleep. */
function copyFound(space: AddressSpace, region: Region, where: u32, page: PageFrame): i32 {
  const slot: u32 = page.slot
  const generation: u32 = space.generation
  const frame = pageFrameAllocate()
  if (frame == 0) return MemoryError.OutOfMemory
  const entry = entryFind(space, where)
  if (space.generation != generation || entry == 0 || load32(entry, 0) != slot << 1 || pageSlotFrame(slot) != page.physical) {
    pageFrameRelease(frame)
    return FAULT_AGAIN
  }
  copyBytes(virtualOf(frame), virtualOf(page.physical), PAGE_SIZE)
  pageSlotPut(slot)
  pageAdopt(pageFrameOf(frame), space, where)
  const writable: u32 = (region.protection & Protection.Write) != 0 ? Entry.Writable : 0
  const bits: u32 = entryRights(region.protection) | writable | Entry.Accessed | Entry.Dirty
  store64(entry, 0, frame | bits, entryHigh((region.protection & Protection.Execute) != 0))
  invalidate(space, where)
  space.swapped -= 1
  space.resident += 1
  vmStats().copied += 1
  return MemoryError.None
}

// --- The page is on the disk. --------------------------------------------------------------------------------------

/** Read a page, and wait for it. */
function readDemanded(space: AddressSpace, region: Region, where: u32, slot: u32): i32 {
  const generation: u32 = space.generation
  space.readWindow = windowFor(space, where)
  const frame = pageFrameAllocate()
  if (frame == 0) return MemoryError.OutOfMemory
  const entry = entryFind(space, where)
  const changed: boolean = space.generation != generation || entry == 0 || load32(entry, 0) != slot << 1
  const cluster = changed || pageSlotFrame(slot) != 0 ? null : clusterTake()
  if (cluster == null) {
    pageFrameRelease(frame)
    if (!changed && pageSlotFrame(slot) == 0) clusterWait()
    return FAULT_AGAIN
  }
  if (evictionCount() - pageSlotWhen(slot) <= pagesListed()) vmStats().refaults += 1
  makeRoom(space.readWindow)
  cluster.slot = slot
  claim(space, where, slot, frame)
  clusterAdd(cluster, pageFrameOf(frame))
  space.readPage = addFollowing(space, cluster, where + PAGE_SIZE, tableEnd(where, region.end), space.readWindow - 1)
  vmStats().swapIns += 1
  vmStats().readAhead += cluster.count - 1
  return readAndWait(space, where, cluster, slot)
}

/** Have a cluster read, and wait until its first page has come. */
function readAndWait(space: AddressSpace, where: u32, cluster: Cluster, slot: u32): i32 {
  if (!slotsRead(cluster)) return MemoryError.InputOutput
  const entry = entryFind(space, where)
  if (entry == 0 || load32(entry, 0) != slot << 1) return FAULT_AGAIN // the slot may be another page's by now
  const how = slotReadTake(slot)
  if (how == SlotRead.Good) return FAULT_AGAIN
  space.readPage = 0 // the page alone, next time
  return how == SlotRead.FailedTogether ? FAULT_AGAIN : MemoryError.InputOutput
}

/** Have a cluster read, and wait until its first page has come. False: the disk does not take it, and it is given back. May sleep. */
export function slotsRead(cluster: Cluster): boolean {
  const slot: u32 = cluster.slot
  let begun = clusterRead(cluster)
  while (begun == Errno.Busy) {
    clusterWait()
    begun = clusterRead(cluster)
  }
  if (begun != Errno.None) { // the disk does not take such a request
    abandon(cluster)
    vmStats().readErrors += 1
    return false
  }
  while (isReading(slot)) clusterWait()
  return true
}

function isReading(slot: u32): boolean {
  if (!pageSlotUsed(slot)) return false
  const frame = pageSlotFrame(slot)
  return frame != 0 && pageHas(pageFrameOf(frame), PageState.Reading)
}

/** How reading has ended; the next attempt begins without a past. */
export function slotReadTake(slot: u32): SlotRead {
  const how = pageSlotRead(slot)
  pageSlotReadSet(slot, SlotRead.Good)
  if (how == SlotRead.Failed) vmStats().readErrors += 1
  return how
}

/** Pages to read at a fault: more and more if it is where the last stretch ended. */
function windowFor(space: AddressSpace, where: u32): u32 {
  if (where != space.readPage) return 1
  const twice: u32 = space.readWindow << 1
  if (twice < WINDOW_FIRST) return WINDOW_FIRST
  return twice < CLUSTER_PAGES ? twice : CLUSTER_PAGES
}

function claim(space: AddressSpace, where: u32, slot: u32, frame: PhysicalAddress): void {
  slotClaim(address(space.family), where, slot, frame)
}

/** A frame is going to have the contents of a slot: it is of `family`, a family of spaces or shared memory, at `place` there. */
export function slotClaim(family: ptr, place: u32, slot: u32, frame: PhysicalAddress): void {
  const page = pageFrameOf(frame)
  page.family = family
  page.page = place
  pageSet(page, PageState.Reading)
  pageSlotHold(slot)
  pageSlotReadSet(slot, SlotRead.Good)
  pageSetSlot(page, slot)
}

/** Add pages to a cluster, from `where` on, as long as their slots follow and there is memory to spare. Where that ends. */
function addFollowing(space: AddressSpace, cluster: Cluster, where: u32, end: u32, most: u32): u32 {
  const limit: u32 = pageSlotsManager()!.disk!.pieceLimit
  let next: u32 = where
  let left: u32 = most
  while (next < end && left != 0 && cluster.count < limit && framesFree() > watermarkMin()) {
    const slot: u32 = cluster.slot + cluster.count
    if (load32(entryFind(space, next), 0) != slot << 1 || !pageSlotUsed(slot) || pageSlotFrame(slot) != 0) break
    const frame = pageFrameAllocateNow()
    if (frame == 0) break
    claim(space, next, slot, frame)
    clusterAdd(cluster, pageFrameOf(frame))
    next += PAGE_SIZE
    left -= 1
  }
  return next
}

/** Faults come in order: begin to read what follows, and do not wait. */
function readAhead(space: AddressSpace, region: Region, where: u32): void {
  space.readPage = where
  if (where >= region.end) return
  const entry = entryFind(space, where)
  if (entry == 0) return
  const low = load32(entry, 0)
  if (low == 0 || (low & Entry.Present) != 0 || pageSlotFrame(entrySlot(low)) != 0) return
  const cluster = clusterTake()
  if (cluster == null) return
  space.readWindow = windowFor(space, where)
  makeRoom(space.readWindow)
  cluster.slot = entrySlot(low)
  addFollowing(space, cluster, where, tableEnd(where, region.end), space.readWindow)
  if (cluster.count == 0) return clusterGive(cluster)
  vmStats().readAhead += cluster.count
  if (clusterRead(cluster) == Errno.None) return
  vmStats().readAhead -= cluster.count
  abandon(cluster)
}

/** A cluster that the disk did not take: its frames are free again. */
function abandon(cluster: Cluster): void {
  let i: u32 = 0
  while (i < cluster.count) {
    const page = pageFrameOf(pageSlotFrame(cluster.slot + i))
    pageUnset(page, PageState.Reading)
    pageForgetSlot(page)
    pageFrameRelease(page.physical)
    i += 1
  }
  clusterGive(cluster)
}

/** Have frames for what is read ahead, if pages can leave for it. */
function makeRoom(pages: u32): void {
  while (framesFree() + pagesWriting() < watermarkLow() + pages) {
    if (evict(CLUSTER_PAGES) == 0) return
  }
}
