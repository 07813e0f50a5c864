// Pages on their way between memory and slots that follow one another: one request to the disk, of up to 64 pages, several of
// them in flight. A page that is written is a reference of the transfer's until the disk says that it has it: its frame is
// not used for anything else before. A page that is read belongs to its slot (PageState.Cached) when it has come.
//
// When a request of several pages can not be written, they are tried one by one, to find out which slot it is. A slot that can
// not be written is never used again, and its page stays in memory until it is chosen anew. Context: started by whoever needs
// memory or a page; finished by the disk's poll.

import { DiskOperation, DiskPiece, DiskRequest } from '../drivers/block/disk.ts'
import { Errno } from '../lib/errno.ts'
import { load32, store32 } from '../lib/intrinsics.ts'
import {
  address, at, nth, staticRow, staticStruct, struct, type Bytes, type Embed, type Row, type i32, type ptr, type u32,
} from '../lib/layout.ts'
import { Level, logDecimal, logEnd, logStart } from '../lib/log.ts'
import { WaitQueue, sleepFor, sleepUninterruptible, wakeAll } from '../lib/sleep.ts'
import { PAGE_SIZE, virtualOf } from '../mm/address.ts'
import type { PageFrame } from '../mm/frame-table.ts'
import { pageFrameRelease } from '../mm/page-frame.ts'
import { SECTORS_PER_PAGE } from '../swap/disk-access.ts'
import {
  SlotRead, pageSlotCount, pageSlotIntact, pageSlotPut, pageSlotReadSet, pageSlotRetire, pageSlotsManager,
} from '../swap/page-slots.ts'
import { PageState, pageAppend, pageForgetSlot, pageHas, pageSet, pageUnset } from './page.ts'
import { mappingsFromSlot } from './rmap.ts'
import { vmStats } from './stats.ts'

/** Pages in one request: 256 KiB. */
export const CLUSTER_PAGES: u32 = 64
/** Requests in flight: what a ring of 256 descriptors holds in whole clusters is 3, in pieces that lie together more. */
const CLUSTERS: u32 = 8
/** Pages in a row that can not be written, after which nothing is written any more: the disk is broken. */
const WRITE_FAILURE_LIMIT: u32 = 256

@struct
export class Cluster {
  request: Embed<DiskRequest>
  next: Cluster | null // while nobody uses it
  slot: u32 // of the first page
  count: u32 // pages
  tried: u32 // pages tried one by one
  pages: Bytes<256> // the PageFrames
  pieces: Row<DiskPiece, 64>
}

const clusters = staticRow<Cluster>(CLUSTERS)
const waiting = staticStruct<WaitQueue>()
let unused: Cluster | null = null
let inFlight: u32 = 0
let most: u32 = CLUSTERS // in flight: fewer when the disk has refused one more
let writing: u32 = 0 // pages
let failures: u32 = 0 // pages in a row

/** Once. */
export function clustersInit(): void {
  let i: u32 = 0
  unused = null
  while (i < CLUSTERS) {
    clusterGive(nth(clusters, i))
    i += 1
  }
}

/** A swap disk is there: what was learnt of another does not count. */
export function clustersBegin(): void {
  most = CLUSTERS
  failures = 0
}

/** A cluster without pages; null when as many are in flight as may be. */
export function clusterTake(): Cluster | null {
  const cluster = unused
  if (cluster == null || inFlight >= most) return null
  unused = cluster.next
  cluster.count = 0
  return cluster
}

/** A cluster is not used any more: somebody may be waiting for one. */
export function clusterGive(cluster: Cluster): void {
  cluster.next = unused
  unused = cluster
  wakeAll(waiting)
}

export function clusterAdd(cluster: Cluster, page: PageFrame): void {
  store32(cluster.pages, cluster.count << 2, address(page))
  cluster.count += 1
}

export function clusterPage(cluster: Cluster, index: u32): PageFrame {
  return at<PageFrame>(load32(cluster.pages, index << 2) as ptr)
}

/** Pages that are being written: their frames are free soon. */
export function pagesWriting(): u32 {
  return writing
}

/** Whether there is a disk that takes pages. */
export function writingWorks(): boolean {
  return pageSlotsManager() != null && failures < WRITE_FAILURE_LIMIT
}

/** Transfers in flight. */
export function clustersInFlight(): u32 {
  return inFlight
}

/** May sleep, until a transfer ends; if none is in flight, for a moment: the disk works for others. */
export function clusterWait(): void {
  if (inFlight != 0) return sleepUninterruptible(waiting)
  clustersPoll()
  sleepFor(waiting, 1)
}

/** Let the disk finish what it has done; it interrupts when it has more. */
export function clustersPoll(): void {
  const swap = pageSlotsManager()
  if (swap == null) return
  const disk = swap.disk!
  if (!disk.ready(disk)) return
  disk.poll(disk)
  disk.arm(disk)
}

/** Start to write the pages of a cluster to its slots. Errno.None; Busy: not begun. */
export function clusterWrite(cluster: Cluster): i32 {
  const result = submit(cluster, DiskOperation.Write)
  if (result == Errno.None) writing += cluster.count
  return result
}

/** Start to read the pages of a cluster, which are in the state Reading and have their slots. Errno.None; Busy: not begun. */
export function clusterRead(cluster: Cluster): i32 {
  return submit(cluster, DiskOperation.Read)
}

function submit(cluster: Cluster, operation: DiskOperation): i32 {
  const request = cluster.request
  const disk = pageSlotsManager()!.disk!
  request.pieces = cluster.pieces
  request.pieceCount = piecesOf(cluster)
  request.operation = operation
  request.sector = cluster.slot * SECTORS_PER_PAGE
  request.sectors = cluster.count * SECTORS_PER_PAGE
  request.completed = operation == DiskOperation.Write ? written : hasRead
  request.done = false
  const result = disk.submit(disk, request)
  if (result == Errno.None) inFlight += 1
  else if (inFlight != 0) most = inFlight
  return result
}

/** Frames that lie together are one piece. */
function piecesOf(cluster: Cluster): u32 {
  let pieces: u32 = 0
  let end: u32 = 0
  let i: u32 = 0
  while (i < cluster.count) {
    const physical = clusterPage(cluster, i).physical
    if (physical == end) nth(cluster.pieces, pieces - 1).bytes += PAGE_SIZE
    else {
      nth(cluster.pieces, pieces).address = physical
      nth(cluster.pieces, pieces).bytes = PAGE_SIZE
      pieces += 1
    }
    end = physical + PAGE_SIZE
    i += 1
  }
  return pieces
}

// --- Writing. ------------------------------------------------------------------------------------------------------

/** Called by the disk. */
function written(request: DiskRequest): void {
  const cluster = at<Cluster>(address(request))
  if (request.result != Errno.None && cluster.count > 1) {
    cluster.tried = 0
    return writeNext(cluster)
  }
  let i: u32 = 0
  while (i < cluster.count) {
    settle(cluster, i, request.result == Errno.None)
    i += 1
  }
  finish(cluster)
}

/** One by one. */
function writeNext(cluster: Cluster): void {
  const request = cluster.request
  const disk = pageSlotsManager()!.disk!
  request.pieces = null
  request.pieceCount = 0
  request.buffer = clusterPage(cluster, cluster.tried).physical
  request.sector = (cluster.slot + cluster.tried) * SECTORS_PER_PAGE
  request.sectors = SECTORS_PER_PAGE
  request.completed = writtenOne
  request.done = false
  if (disk.submit(disk, request) == Errno.None) return
  while (cluster.tried < cluster.count) { // the disk takes nothing any more
    settle(cluster, cluster.tried, false)
    cluster.tried += 1
  }
  finish(cluster)
}

/** Called by the disk. */
function writtenOne(request: DiskRequest): void {
  const cluster = at<Cluster>(address(request))
  settle(cluster, cluster.tried, request.result == Errno.None)
  cluster.tried += 1
  if (cluster.tried < cluster.count) writeNext(cluster)
  else finish(cluster)
}

/** The transfer is done with a page, and has its reference no longer; nor that of the slot, which it had so long. */
function settle(cluster: Cluster, index: u32, good: boolean): void {
  const page = clusterPage(cluster, index)
  const slot: u32 = cluster.slot + index
  writing -= 1
  pageUnset(page, PageState.Writing)
  if (good) {
    failures = 0
    vmStats().swapOuts += 1
    pageSlotsManager()!.written += 1
    pageSlotPut(slot)
  } else takeBack(page, slot)
  pageFrameRelease(page.physical)
}

/** A page could not be written: it is mapped as before, and its slot never used again. */
function takeBack(page: PageFrame, slot: u32): void {
  failures += 1
  vmStats().writeRetries += 1
  pageSlotsManager()!.writeErrors += 1
  if (page.slot == slot) {
    if (pageSlotCount(slot) > 2) mappingsFromSlot(page, slot) // more than the page and the transfer have it
    pageForgetSlot(page)
  }
  if (page.count > 1 && !pageHas(page, PageState.Listed)) pageAppend(page)
  if (pageSlotCount(slot) == 1) pageSlotRetire(slot)
  else pageSlotPut(slot)
  logFailure(slot)
}

/** Failures come in crowds: the first in a row is logged, and the one that stops writing. */
function logFailure(slot: u32): void {
  if (failures != 1 && failures != WRITE_FAILURE_LIMIT) return
  if (!logStart(Level.Warn, 'swap', failures == 1 ? 'write-failed' : 'stopped')) return
  logDecimal('slot', slot)
  if (failures != 1) logDecimal('failed', failures)
  logEnd()
}

/** A transfer less. When none is left, how many there may be is found out anew. */
function finish(cluster: Cluster): void {
  inFlight -= 1
  if (inFlight == 0) most = CLUSTERS
  clusterGive(cluster)
}

// --- Reading. ------------------------------------------------------------------------------------------------------

/** Called by the disk. */
function hasRead(request: DiskRequest): void {
  const cluster = at<Cluster>(address(request))
  const good: boolean = request.result == Errno.None
  let i: u32 = 0
  while (i < cluster.count) {
    const intact = good && pageSlotIntact(cluster.slot + i, virtualOf(clusterPage(cluster, i).physical))
    const alone: boolean = good || cluster.count == 1 // a page that came back wrong is wrong
    if (!intact) pageSlotReadSet(cluster.slot + i, alone ? SlotRead.Failed : SlotRead.FailedTogether)
    if (good && !intact) pageSlotsManager()!.checksumErrors += 1
    arrive(clusterPage(cluster, i), intact)
    i += 1
  }
  if (!good) pageSlotsManager()!.readErrors += 1
  finish(cluster)
}

/** A page that was read belongs to its slot, or, if it is not what it was, or nobody has that any more, is thrown away. */
function arrive(page: PageFrame, intact: boolean): void {
  pageUnset(page, PageState.Reading)
  if (intact) pageSlotsManager()!.read += 1
  if (intact && pageSlotCount(page.slot) > 1) {
    pageSet(page, PageState.Cached)
    pageAppend(page)
    return
  }
  pageForgetSlot(page)
  pageFrameRelease(page.physical)
}
