// Physical frames: a binary buddy allocator (Knowlton, "A fast storage allocator", CACM 8(10), 1965), orders
// 0 to 10, 4 KiB to 4 MiB, in the three zones RustOS has.
//
// What a frame is, and the links of the lists, are in the tables of frame-table.ts: the memory handed out is not
// touched. A block is aligned to its size and lies in one region and one zone. Freeing joins buddies at once,
// upward. Main-loop context.

import { countLeadingZeros, countTrailingZeros } from '../lib/intrinsics.ts'
import { nth, staticRow, struct, type PhysicalAddress, type Row, type ptr, type u32 } from '../lib/layout.ts'
import { zeroBytes } from '../lib/memory.ts'
import { panic } from '../lib/panic.ts'
import { PAGE_SHIFT, PAGE_SIZE, virtualOf } from './address.ts'
import {
  FRAME_ALLOCATED, FRAME_FREE, FRAME_ORDER_MASK, FRAME_USE_MASK, FRAME_USE_SHIFT, frameIsFree, frameLink,
  frameRegionAdd, frameRegionOf, frameState, frameStateSet, type FrameLink, type FrameRegion,
} from './frame-table.ts'
import { MemoryZone, ZONES, zoneFromAddress, type ZoneStats } from './zone.ts'

/** 2^10 frames: 4 MiB. */
export const FRAME_ORDER_LIMIT: u32 = 10
const ORDERS: u32 = 11

/** What an allocated block is used as, so that `heapFree` can tell. */
export const enum FrameUse { Plain, Slab, Heap }

@struct
class FreeList {
  first: u32 // number of the first frame of the block freed last; 0 for none
  blocks: u32
}

@struct
class Zone {
  lists: Row<FreeList, 11>
  totalFrames: u32
  allocatedFrames: u32
}

const zones = staticRow<Zone>(ZONES)

/**
 * Hand out the whole frames from `start` up to `end`, RAM that nobody uses; the first of them become their table.
 * Returns how many there are to hand out: 0 for a range that `frameRegionAdd` refuses.
 */
export function framesAddRegion(start: PhysicalAddress, end: PhysicalAddress): u32 {
  const region = frameRegionAdd(start, end)
  if (region == null) return 0
  freeWhole(region)
  return region.end - region.start
}

/** Put a new region's frames on the lists, as the largest aligned blocks there are. */
function freeWhole(region: FrameRegion): void {
  let frame: u32 = region.start
  while (frame < region.end) {
    const aligned: u32 = countTrailingZeros(frame)
    const fits: u32 = 31 - countLeadingZeros(region.end - frame)
    let order: u32 = aligned < fits ? aligned : fits
    if (order > FRAME_ORDER_LIMIT) order = FRAME_ORDER_LIMIT
    zoneOf(frame).totalFrames += 1 << order
    push(region, frame, order)
    frame += 1 << order
  }
}

/**
 * A block of 2^order frames, aligned to its size, contents undefined; 0 when there is none or the order is
 * above FRAME_ORDER_LIMIT. From zone Normal if it has one, else HighMem, else Dma, as RustOS.
 */
export function frameAllocate(order: u32): PhysicalAddress {
  let block = frameAllocateInZone(MemoryZone.Normal, order)
  if (block == 0) block = frameAllocateInZone(MemoryZone.HighMem, order)
  if (block == 0) block = frameAllocateInZone(MemoryZone.Dma, order)
  return block
}

/** As `frameAllocate`, from one zone only. */
export function frameAllocateInZone(which: MemoryZone, order: u32): PhysicalAddress {
  const zone = nth(zones, which)
  let found: u32 = order
  while (found <= FRAME_ORDER_LIMIT && nth(zone.lists, found).first == 0) found += 1
  if (found > FRAME_ORDER_LIMIT) return 0 as PhysicalAddress
  const frame = nth(zone.lists, found).first
  const region = frameRegionOf(frame)!
  pull(region, frame, found)
  while (found > order) { // keep the lower half
    found -= 1
    push(region, frame + (1 << found), found)
  }
  frameStateSet(region, frame, FRAME_ALLOCATED | order)
  zone.allocatedFrames += 1 << order
  return (frame << PAGE_SHIFT) as PhysicalAddress
}

/** Give a block back. Not exactly a block that is allocated, with its order: a panic. */
export function frameFree(block: PhysicalAddress, order: u32): void {
  const region = allocatedRegion(block, order)
  let frame: u32 = block >> PAGE_SHIFT
  let joined: u32 = order
  frameStateSet(region, frame, 0)
  zoneOf(frame).allocatedFrames -= 1 << order
  while (joined < FRAME_ORDER_LIMIT) {
    const buddy: u32 = frame ^ (1 << joined)
    if (!frameIsFree(region, buddy, joined)) break
    pull(region, buddy, joined)
    frame &= ~(1 << joined)
    joined += 1
  }
  push(region, frame, joined)
}

/** The region of a block that must be allocated with this order. */
function allocatedRegion(block: PhysicalAddress, order: u32): FrameRegion {
  const frame: u32 = block >> PAGE_SHIFT
  const region = frameRegionOf(frame)
  if (region == null) panic('a frame is freed that is not the allocator\'s')
  if (frame << PAGE_SHIFT != block) panic('a frame is freed by an address inside it')
  const state = frameState(region, frame)
  if ((state & FRAME_ALLOCATED) == 0) panic('a frame is freed twice')
  if ((state & FRAME_ORDER_MASK) != order) panic('a frame is freed with another order than it was allocated')
  return region
}

/** Note what an allocated block is used as. */
export function frameUseSet(block: PhysicalAddress, order: u32, use: FrameUse): void {
  const region = allocatedRegion(block, order)
  frameStateSet(region, block >> PAGE_SHIFT, FRAME_ALLOCATED | (use << FRAME_USE_SHIFT) | order)
}

/** The start of the allocated block that has the byte at `p`, 0 if none has. */
export function frameBlockOf(p: PhysicalAddress): PhysicalAddress {
  const frame: u32 = p >> PAGE_SHIFT
  const region = frameRegionOf(frame)
  if (region == null) return 0 as PhysicalAddress
  let order: u32 = 0
  while (order <= FRAME_ORDER_LIMIT) {
    const first: u32 = frame >> order << order
    if (first < region.start) break
    const state = frameState(region, first)
    if ((state & FRAME_ALLOCATED) != 0 && (state & FRAME_ORDER_MASK) >= order) {
      // A block's first frame is the only one of its frames with a state, so this is the block if it reaches p.
      const end: u32 = first + (1 << (state & FRAME_ORDER_MASK))
      return (frame < end ? first << PAGE_SHIFT : 0) as PhysicalAddress
    }
    order += 1
  }
  return 0 as PhysicalAddress
}

/** What the block that starts at `block` is used as: see `frameBlockOf`. */
export function frameBlockUse(block: PhysicalAddress): FrameUse {
  return ((blockState(block) & FRAME_USE_MASK) >> FRAME_USE_SHIFT) as FrameUse
}

/** The order of the block that starts at `block`: see `frameBlockOf`. */
export function frameBlockOrder(block: PhysicalAddress): u32 {
  return blockState(block) & FRAME_ORDER_MASK
}

function blockState(block: PhysicalAddress): u32 {
  const frame: u32 = block >> PAGE_SHIFT
  const region = frameRegionOf(frame)
  if (region == null) panic('a frame is asked about that is not the allocator\'s')
  return frameState(region, frame)
}

/** Frames in all zones. */
export function framesTotal(): u32 {
  return nth(zones, 0).totalFrames + nth(zones, 1).totalFrames + nth(zones, 2).totalFrames
}

/** Frames that `frameAllocate` could still hand out, in blocks of some order. */
export function framesFree(): u32 {
  const allocated: u32 = nth(zones, 0).allocatedFrames + nth(zones, 1).allocatedFrames + nth(zones, 2).allocatedFrames
  return framesTotal() - allocated
}

/** Free blocks of an order over all zones; RustOS's `free_blocks_by_order`. */
export function frameFreeBlocks(order: u32): u32 {
  let blocks: u32 = 0
  let i: u32 = 0
  while (i < ZONES) {
    blocks += nth(nth(zones, i).lists, order).blocks
    i += 1
  }
  return blocks
}

/** RustOS's `get_zone_stats`, one zone at a time, into `out`. */
export function frameZoneStats(which: MemoryZone, out: ZoneStats): void {
  const zone = nth(zones, which)
  out.zone = which
  out.totalFrames = zone.totalFrames
  out.allocatedFrames = zone.allocatedFrames
  out.freeFrames = zone.totalFrames - zone.allocatedFrames
  out.largestFreeOrder = 0
  out.fragmentationPermille = 0
  let order: u32 = 0
  while (order < ORDERS) {
    if (nth(zone.lists, order).blocks != 0) out.largestFreeOrder = order
    order += 1
  }
  // A block is 1,024 frames at most and a zone 2^19: the product stays below 2^32.
  if (out.freeFrames != 0) out.fragmentationPermille = 1000 - (1000 << out.largestFreeOrder) / out.freeFrames
}

function zoneOf(frame: u32): Zone {
  return nth(zones, zoneFromAddress((frame << PAGE_SHIFT) as PhysicalAddress))
}

/** Onto the list of its zone and order. */
function push(region: FrameRegion, frame: u32, order: u32): void {
  const list = nth(zoneOf(frame).lists, order)
  const link = frameLink(region, frame)
  frameStateSet(region, frame, FRAME_FREE | order)
  link.previous = 0
  link.next = list.first
  if (list.first != 0) linkOf(list.first).previous = frame
  list.first = frame
  list.blocks += 1
}

/** Off its list. */
function pull(region: FrameRegion, frame: u32, order: u32): void {
  const list = nth(zoneOf(frame).lists, order)
  const link = frameLink(region, frame)
  frameStateSet(region, frame, 0)
  if (link.previous != 0) linkOf(link.previous).next = link.next
  else list.first = link.next
  if (link.next != 0) linkOf(link.next).previous = link.previous
  list.blocks -= 1
}

/** The link of a block on a list, in whichever region it is. */
function linkOf(frame: u32): FrameLink {
  return frameLink(frameRegionOf(frame)!, frame)
}

/** One frame of zeros; 0 when there is none. */
export function frameAllocateZeroed(): PhysicalAddress {
  const frame = frameAllocate(0)
  if (frame != 0) zeroBytes(virtualOf(frame), PAGE_SIZE)
  return frame
}

/** The least order whose block holds `bytes`; above FRAME_ORDER_LIMIT if none does. */
export function frameOrderFor(bytes: u32): u32 {
  if (bytes <= PAGE_SIZE) return 0
  return 32 - countLeadingZeros((bytes - 1) >> PAGE_SHIFT)
}

/** RustOS's `allocate_contiguous_pages`: the block of 2^k frames that holds `pages`; 0 for no pages, or none free. */
export function frameAllocateContiguous(pages: u32): PhysicalAddress {
  if (pages == 0 || pages > 1 << FRAME_ORDER_LIMIT) return 0 as PhysicalAddress
  return frameAllocate(frameOrderFor(pages << PAGE_SHIFT))
}

/** Where the kernel sees the first byte of an allocated block; 0 stays 0. */
export function frameMemory(block: PhysicalAddress): ptr {
  return block == 0 ? 0 as ptr : virtualOf(block)
}
