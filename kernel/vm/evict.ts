// Pages that leave: which, by the algorithm, and how. Nothing here sleeps.
//
//   FIFO    the page that arrived first
//   Clock   the same, but one that was used since it was looked at last gets a second chance
//   LRU     as Clock; besides, every so often all pages that were used since the last time become the latest (`pagesAge`), so that
//           the list is in order of use, as far as the processor tells
//
// A page whose slot still has the same contents is simply dropped. The others are written, in clusters of slots that follow one
// another: pages which leave together lie together, and are read together.

import { Errno } from '../lib/errno.ts'
import { load32, store32 } from '../lib/intrinsics.ts'
import { address, at, staticMemory, type ptr, type u32 } from '../lib/layout.ts'
import { virtualOf } from '../mm/address.ts'
import type { PageFrame } from '../mm/frame-table.ts'
import { pageFrameHold, pageFrameRelease } from '../mm/page-frame.ts'
import {
  pageSlotCount, pageSlotEvicted, pageSlotHold, pageSlotPut, pageSlotSeal, pageSlotsManager, pageSlotsTake, pageSlotsTaken,
} from '../swap/page-slots.ts'
import { PageReplacementAlgorithm } from '../swap/replacement.ts'
import { clusterAdd, clusterGive, clusterTake, clusterWrite, writingWorks, type Cluster } from './cluster.ts'
import {
  PageState, pageFirst, pageForgetSlot, pageHas, pageMoveLast, pagePutFirst, pageLazySet, pageSet, pageSetSlot, pageUnlist,
  pagesLazy, pagesListed, pagesWithSlot,
} from './page.ts'
import { Entry } from './page-table.ts'
import { forgetStale, mappingBits, mappingsClear, mappingsLook, mappingsToSlot } from './rmap.ts'
import { vmStats } from './stats.ts'

const victims = staticMemory(256, 8) // 64 PageFrames; not used across a sleep
let victimCount: u32 = 0
let dropped: u32 = 0
let evictions: u32 = 0
let allowed: boolean = true
let algorithm: PageReplacementAlgorithm = PageReplacementAlgorithm.LRU

/** Which pages leave first, from now on. */
export function replacementSet(next: PageReplacementAlgorithm): void {
  const swap = pageSlotsManager()
  algorithm = next
  if (swap != null) swap.algorithm = next // for its statistics
}

export function replacementAlgorithm(): PageReplacementAlgorithm {
  return algorithm
}

/** Pages that have left since boot; wraps at 2^32. */
export function evictionCount(): u32 {
  return evictions
}

/** Whether pages leave at all: not while swap is switched off. */
export function evictAllow(allow: boolean): void {
  allowed = allow
}

/** Have up to `wanted` (1 to 64) pages leave. Returns how many frames are free now, or will be. */
export function evict(wanted: u32): u32 {
  victimCount = 0
  dropped = 0
  if (!allowed) return 0
  const writable: boolean = canWrite()
  if (!writable && pagesWithSlot() == 0 && pagesLazy() == 0) return 0
  let left: u32 = (pagesListed() << 1) + 1
  while (left != 0 && victimCount + dropped < wanted) {
    const page = pageFirst()
    if (page == null) break
    consider(page, writable)
    left -= 1
  }
  forgetStale()
  const leaving = writeVictims()
  forgetStale()
  evictions += leaving + dropped
  return leaving + dropped
}

/** Whether a page that has no slot could get one. */
function canWrite(): boolean {
  const swap = pageSlotsManager()
  if (swap == null || !writingWorks()) return false
  return swap.slots.used < swap.slots.total || pagesWithSlot() != 0
}

/** The first page of the list: it goes, or gets another place. */
function consider(page: PageFrame, writable: boolean): void {
  if (pageHas(page, PageState.Cached)) return drop(page)
  if (pageHas(page, PageState.Writing)) return pageMoveLast(page) // wanted back; whoever wanted it may be gone again
  const mappings = mappingsLook(page, algorithm != PageReplacementAlgorithm.FIFO)
  const used: boolean = algorithm != PageReplacementAlgorithm.FIFO && (mappingBits() & Entry.Accessed) != 0
  // One with other references is held by the kernel.
  if (used || mappings != page.count) return pageMoveLast(page)
  const written: boolean = (mappingBits() & Entry.Dirty) != 0
  if (pageHas(page, PageState.Lazy) && !written) return forget(page)
  pageLazySet(page, false)
  if (page.slot != 0 && !written) return drop(page)
  if (!writable) return pageMoveLast(page)
  pageForgetSlot(page)
  pageUnlist(page)
  store32(victims, victimCount << 2, address(page))
  victimCount += 1
}

/** A page that its slot has, too: only its frame goes. */
function drop(page: PageFrame): void {
  if (pageHas(page, PageState.Cached)) pageFrameRelease(page.physical)
  else {
    pageFrameHold(page.physical)
    pageSlotEvicted(page.slot, evictions)
    mappingsToSlot(page, page.slot)
    pageFrameRelease(page.physical)
  }
  dropped += 1
  vmStats().dropped += 1
}

/** A page that its process does not need. */
function forget(page: PageFrame): void {
  pageFrameHold(page.physical)
  mappingsClear(page)
  pageFrameRelease(page.physical)
  dropped += 1
  vmStats().dropped += 1
}

function victim(index: u32): PageFrame {
  return at<PageFrame>(load32(victims, index << 2) as ptr)
}

/** Write the victims, as many as the disk takes at once; the others get their places back. Returns how many leave. */
function writeVictims(): u32 {
  let done: u32 = 0
  while (done < victimCount) {
    const cluster = clusterTake()
    if (cluster == null) break
    const taken = writeRun(cluster, done)
    if (taken == 0) {
      clusterGive(cluster)
      break
    }
    done += taken
  }
  let i: u32 = victimCount
  while (i > done) {
    i -= 1
    pagePutFirst(victim(i))
  }
  return done
}

/** Write victims from `from` on to slots that follow one another. Returns how many; 0: there is no slot, or the disk is busy. */
function writeRun(cluster: Cluster, from: u32): u32 {
  const limit: u32 = pageSlotsManager()!.disk!.pieceLimit
  const left: u32 = victimCount - from
  const wanted: u32 = left < limit ? left : limit
  let slot = pageSlotsTake(wanted)
  if (slot == 0 && slotsFromPages(wanted)) slot = pageSlotsTake(wanted)
  if (slot == 0) return 0
  const taken = pageSlotsTaken()
  let i: u32 = 0
  cluster.slot = slot
  while (i < taken) {
    pageSlotSeal(slot + i, virtualOf(victim(from + i).physical))
    clusterAdd(cluster, victim(from + i))
    i += 1
  }
  const begun: boolean = clusterWrite(cluster) == Errno.None
  i = 0
  while (i < taken) {
    if (begun) leave(victim(from + i), slot + i)
    else pageSlotPut(slot + i)
    i += 1
  }
  return begun ? taken : 0
}

/** A page is being written: who maps it has its slot from now on. The transfer holds the page, and the slot. */
function leave(page: PageFrame, slot: u32): void {
  pageFrameHold(page.physical)
  pageSet(page, PageState.Writing)
  pageSetSlot(page, slot)
  pageSlotHold(slot)
  pageSlotEvicted(slot, evictions)
  mappingsToSlot(page, slot)
}

/** Take up to `wanted` slots away from pages that are in memory: they only save a write. Whether there were any. */
function slotsFromPages(wanted: u32): boolean {
  let page = pageFirst()
  let found: u32 = 0
  while (page != null && found < wanted && pagesWithSlot() != 0) {
    const next: PageFrame | null = page.next
    if (page.slot != 0 && pageSlotCount(page.slot) == 1 && !pageHas(page, PageState.Cached)) {
      pageForgetSlot(page)
      found += 1
    }
    page = next
  }
  return found != 0
}

/** All pages used since the last time become the latest, in the order they have. For LRU; for the others nothing. */
export function pagesAge(): void {
  if (algorithm != PageReplacementAlgorithm.LRU) return
  let left: u32 = pagesListed()
  let page = pageFirst()
  while (left != 0 && page != null) {
    const next: PageFrame | null = page.next
    if (!pageHas(page, PageState.Cached) && !pageHas(page, PageState.Writing)) {
      mappingsLook(page, true)
      if ((mappingBits() & Entry.Accessed) != 0) pageMoveLast(page)
    }
    page = next
    left -= 1
  }
  forgetStale()
}
