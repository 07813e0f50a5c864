// Physical frames: a binary buddy allocator (Knowlton, "A fast storage allocator", CACM 8(10), 1965), orders
// 0 to 10, 4 KiB to 4 MiB, in the three zones RustOS has.
//
// Each region of RAM starts with its own table: one byte a frame, for the first frame of a block what the block
// is, for every other frame 0. A free block holds its own list links, so the only pages touched at boot are the
// tables and the first page of each largest block. A block is aligned to its size and lies in one region and one
// zone. Freeing joins buddies at once, upward. Main-loop context.

import { DIRECT_MAP_LIMIT } from '../config.ts'
import { countLeadingZeros, countTrailingZeros, load8, store8 } from '../lib/intrinsics.ts'
import { address, at, nth, staticRow, struct, type PhysicalAddress, type Row, type Stored, type ptr, type u32 } from '../lib/layout.ts'
import { zeroBytes } from '../lib/memory.ts'
import { panic } from '../lib/panic.ts'
import { PAGE_SHIFT, PAGE_SIZE, pageCeiling, pageFloor, physicalOf, virtualOf } from './address.ts'

/** 2^10 frames: 4 MiB. */
export const FRAME_ORDER_LIMIT: u32 = 10
const ORDERS: u32 = 11
/** Ranges of RAM in a firmware's memory map, what the kernel itself occupies taken out. */
const REGION_LIMIT: u32 = 32

/** RustOS's zones and bounds: below 16 MiB, below 896 MiB, and the rest. */
export const enum MemoryZone { Dma, Normal, HighMem }
const ZONES: u32 = 3
export const DMA_ZONE_END: u32 = 0x1000000
export const NORMAL_ZONE_END: u32 = 0x38000000

/** What an allocated block is used as, so that `heapFree` can tell. */
export const enum FrameUse { Plain, Slab, Heap }

// A frame's byte: 0, or kind | use << 4 | order.
const STATE_FREE: u32 = 0x40
const STATE_ALLOCATED: u32 = 0x80
const STATE_USE_SHIFT: u32 = 4
const STATE_USE_MASK: u32 = 0x30
const STATE_ORDER_MASK: u32 = 0x0f

/** Frames with one table of states. */
@struct
class Region {
  start: u32 // frame number of the first frame to hand out
  end: u32 // frame number past the last
  states: ptr // one byte a frame
}

/** The first bytes of a free block. */
@struct
class FreeBlock {
  next: FreeBlock | null
  previous: FreeBlock | null
}

@struct
class FreeList {
  first: FreeBlock | null
  blocks: u32
}

@struct
class Zone {
  lists: Row<FreeList, 11>
  totalFrames: u32
  allocatedFrames: u32
}

/** RustOS's FragmentationStats and ZoneStats in one; the ratio is in thousandths. */
@struct
export class ZoneStats {
  zone: Stored<u32, MemoryZone>
  totalFrames: u32
  allocatedFrames: u32
  freeFrames: u32
  largestFreeOrder: u32 // 0 also when nothing is free
  fragmentationPermille: u32 // 1000 - 1000 × largest free block ÷ all that is free
}

const regions = staticRow<Region>(REGION_LIMIT)
const zones = staticRow<Zone>(ZONES)
let regionCount: u32 = 0

/**
 * Hand out the whole frames from `start` up to `end`, RAM that nobody uses; its first bytes become its table.
 * What lies past the direct map, and frame 0, is left out. Returns the frames there are to hand out, 0 when
 * there are none, the range overlaps an earlier one, or it is one range too many.
 */
export function framesAddRegion(start: PhysicalAddress, end: PhysicalAddress): u32 {
  const limit: u32 = end > DIRECT_MAP_LIMIT ? DIRECT_MAP_LIMIT : end
  if (start >= limit || regionCount == REGION_LIMIT) return 0
  let first: u32 = pageCeiling(start) >> PAGE_SHIFT
  const last: u32 = pageFloor(limit) >> PAGE_SHIFT
  if (first == 0) first = 1
  if (first >= last || overlaps(first, last)) return 0
  const tableFrames: u32 = pageCeiling(last - first) >> PAGE_SHIFT
  if (first + tableFrames >= last) return 0
  const region = nth(regions, regionCount)
  regionCount += 1
  region.states = virtualOf((first << PAGE_SHIFT) as PhysicalAddress)
  region.start = first + tableFrames
  region.end = last
  zeroBytes(region.states, last - region.start)
  freeWhole(region)
  return last - region.start
}

/** Whether a region, its table included, has a frame from `first` up to `last`. */
function overlaps(first: u32, last: u32): boolean {
  let i: u32 = 0
  while (i < regionCount) {
    const region = nth(regions, i)
    const start: u32 = physicalOf(region.states) >> PAGE_SHIFT
    if (first < region.end && start < last) return true
    i += 1
  }
  return false
}

/** Put a new region's frames on the lists, as the largest aligned blocks there are. */
function freeWhole(region: Region): void {
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
  while (found <= FRAME_ORDER_LIMIT && nth(zone.lists, found).first == null) found += 1
  if (found > FRAME_ORDER_LIMIT) return 0 as PhysicalAddress
  const frame = frameOf(nth(zone.lists, found).first!)
  const region = regionOf(frame)!
  pull(region, frame, found)
  while (found > order) { // keep the lower half
    found -= 1
    push(region, frame + (1 << found), found)
  }
  setState(region, frame, STATE_ALLOCATED | order)
  zone.allocatedFrames += 1 << order
  return (frame << PAGE_SHIFT) as PhysicalAddress
}

/** Give a block back. Not exactly a block that is allocated, with its order: a panic. */
export function frameFree(block: PhysicalAddress, order: u32): void {
  const region = allocatedRegion(block, order)
  let frame: u32 = block >> PAGE_SHIFT
  let joined: u32 = order
  setState(region, frame, 0)
  zoneOf(frame).allocatedFrames -= 1 << order
  while (joined < FRAME_ORDER_LIMIT) {
    const buddy: u32 = frame ^ (1 << joined)
    if (!isFree(region, buddy, joined)) break
    pull(region, buddy, joined)
    frame &= ~(1 << joined)
    joined += 1
  }
  push(region, frame, joined)
}

/** The region of a block that must be allocated with this order. */
function allocatedRegion(block: PhysicalAddress, order: u32): Region {
  const frame: u32 = block >> PAGE_SHIFT
  const region = regionOf(frame)
  if (region == null) panic('a frame is freed that is not the allocator\'s')
  if (frame << PAGE_SHIFT != block) panic('a frame is freed by an address inside it')
  const state = stateOf(region, frame)
  if ((state & STATE_ALLOCATED) == 0) panic('a frame is freed twice')
  if ((state & STATE_ORDER_MASK) != order) panic('a frame is freed with another order than it was allocated')
  return region
}

/** Note what an allocated block is used as. */
export function frameUseSet(block: PhysicalAddress, order: u32, use: FrameUse): void {
  const region = allocatedRegion(block, order)
  setState(region, block >> PAGE_SHIFT, STATE_ALLOCATED | (use << STATE_USE_SHIFT) | order)
}

/** The start of the allocated block that has the byte at `p`, 0 if none has. */
export function frameBlockOf(p: PhysicalAddress): PhysicalAddress {
  const frame: u32 = p >> PAGE_SHIFT
  const region = regionOf(frame)
  if (region == null) return 0 as PhysicalAddress
  let order: u32 = 0
  while (order <= FRAME_ORDER_LIMIT) {
    const first: u32 = frame >> order << order
    if (first < region.start) break
    const state = stateOf(region, first)
    if ((state & STATE_ALLOCATED) != 0 && (state & STATE_ORDER_MASK) >= order) {
      // A block's first frame is the only one of its frames with a state, so this is the block if it reaches p.
      return frame < first + (1 << (state & STATE_ORDER_MASK)) ? (first << PAGE_SHIFT) as PhysicalAddress : 0 as PhysicalAddress
    }
    order += 1
  }
  return 0 as PhysicalAddress
}

/** What the block that starts at `block` is used as: see `frameBlockOf`. */
export function frameBlockUse(block: PhysicalAddress): FrameUse {
  return ((frameState(block) & STATE_USE_MASK) >> STATE_USE_SHIFT) as FrameUse
}

/** The order of the block that starts at `block`: see `frameBlockOf`. */
export function frameBlockOrder(block: PhysicalAddress): u32 {
  return frameState(block) & STATE_ORDER_MASK
}

function frameState(block: PhysicalAddress): u32 {
  const frame: u32 = block >> PAGE_SHIFT
  const region = regionOf(frame)
  if (region == null) panic('a frame is asked about that is not the allocator\'s')
  return stateOf(region, frame)
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

/** The zone of an address. */
export function zoneFromAddress(physical: PhysicalAddress): MemoryZone {
  if (physical < DMA_ZONE_END) return MemoryZone.Dma
  return physical < NORMAL_ZONE_END ? MemoryZone.Normal : MemoryZone.HighMem
}

function zoneOf(frame: u32): Zone {
  return nth(zones, zoneFromAddress((frame << PAGE_SHIFT) as PhysicalAddress))
}

function regionOf(frame: u32): Region | null {
  let i: u32 = 0
  while (i < regionCount) {
    const region = nth(regions, i)
    if (frame >= region.start && frame < region.end) return region
    i += 1
  }
  return null
}

function stateOf(region: Region, frame: u32): u32 {
  return load8(region.states, frame - region.start)
}

function setState(region: Region, frame: u32, state: u32): void {
  store8(region.states, frame - region.start, state)
}

/** Whether the block of this order at `frame` is in the region, whole, and on a list. */
function isFree(region: Region, frame: u32, order: u32): boolean {
  return frame >= region.start && frame < region.end && stateOf(region, frame) == (STATE_FREE | order)
}

/** The block as a free one; its frames are mapped, since they are RAM below DIRECT_MAP_LIMIT. */
function blockAt(frame: u32): FreeBlock {
  return at<FreeBlock>(virtualOf((frame << PAGE_SHIFT) as PhysicalAddress))
}

function frameOf(block: FreeBlock): u32 {
  return physicalOf(address(block)) >> PAGE_SHIFT
}

/** Onto the list of its zone and order. */
function push(region: Region, frame: u32, order: u32): void {
  const list = nth(zoneOf(frame).lists, order)
  const block = blockAt(frame)
  setState(region, frame, STATE_FREE | order)
  block.previous = null
  block.next = list.first
  if (list.first != null) list.first.previous = block
  list.first = block
  list.blocks += 1
}

/** Off its list. */
function pull(region: Region, frame: u32, order: u32): void {
  const list = nth(zoneOf(frame).lists, order)
  const block = blockAt(frame)
  setState(region, frame, 0)
  if (block.previous != null) block.previous.next = block.next
  else list.first = block.next
  if (block.next != null) block.next.previous = block.previous
  list.blocks -= 1
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
