// What every frame of RAM is: a table at the start of each region of RAM, 29 bytes a frame.
//
//   | PageFrame of the first frame | of the second | … | state of the first frame | of the second | … |
//
// A PageFrame says who uses a frame that is a page of somebody's (page-frame.ts); that of the first frame of a free
// block is the block's place in its list instead, a FrameLink.
//
// A frame's state is 0 unless the frame is the first of a block of frames.ts:
//
//    7 6 5 4 3 2 1 0
//   |A|F|use| order |   A: the block is allocated; F: it is free, on a list; use: a FrameUse, if it is allocated
//
// A free block is linked here and not in its own memory: that is never touched before it is handed out (a virtual
// machine's host would have to find memory for it), and writing to it afterwards breaks no list. The table is made
// of the memory it describes, so that a small machine pays little. Main-loop context.

import { DIRECT_MAP_LIMIT } from '../config.ts'
import { load8, store8 } from '../lib/intrinsics.ts'
import {
  address, at, nth, plus, sizeof, staticRow, struct, type PhysicalAddress, type ptr, type u32,
} from '../lib/layout.ts'
import { zeroBytes } from '../lib/memory.ts'
import { PAGE_SHIFT, pageCeiling, pageFloor, physicalOf, virtualOf } from './address.ts'

export const FRAME_FREE: u32 = 0x40
export const FRAME_ALLOCATED: u32 = 0x80
export const FRAME_USE_SHIFT: u32 = 4
export const FRAME_USE_MASK: u32 = 0x30
export const FRAME_ORDER_MASK: u32 = 0x0f

/** Ranges of RAM in a firmware's memory map, what the kernel itself occupies taken out. */
const REGION_LIMIT: u32 = 32

/** Neighbours in a list of free blocks, by the number of their first frame; 0 for none. */
@struct
export class FrameLink {
  next: u32
  previous: u32
}

/** Who uses a frame that was handed out by page-frame.ts: then all of it is defined, and the links are its user's. */
@struct
export class PageFrame {
  next: PageFrame | null
  previous: PageFrame | null
  physical: PhysicalAddress // of the frame itself
  count: u32 // references: entries of page tables, and who else holds it; of a page table the entries that are not 0
  slot: u32 // of the swap area, with the same contents; 0 for none
  page: u32 // of memory that may leave for the disk: where it is mapped, and in the low 12 bits its state (vm/)
  family: ptr // of such: the address spaces, or the shared memory, that may have it; 0: it is somebody else's
}

/** Frames with one table. */
@struct
export class FrameRegion {
  start: u32 // number of the first frame to hand out; the table is in the frames before it
  end: u32 // number past the last
  pages: PageFrame // one a frame; where the table begins
  states: ptr // one byte a frame
}

/** Bytes a frame takes in the table: a PageFrame and a state. */
const TABLE_BYTES: u32 = sizeof<PageFrame>() + 1

const regions = staticRow<FrameRegion>(REGION_LIMIT)
let count: u32 = 0
/** The region asked for last: nearly all RAM is in one. */
let latest: FrameRegion | null = null

/**
 * Describe the whole frames from `start` up to `end`. Left out is what lies past the direct map, and frame 0: its
 * address means "none". Null when nothing is left, the range overlaps an earlier one, or it is one too many.
 */
export function frameRegionAdd(start: PhysicalAddress, end: PhysicalAddress): FrameRegion | null {
  const limit: u32 = end > DIRECT_MAP_LIMIT ? DIRECT_MAP_LIMIT : end
  if (start >= limit || count == REGION_LIMIT) return null
  let first: u32 = pageCeiling(start) >> PAGE_SHIFT
  const last: u32 = pageFloor(limit) >> PAGE_SHIFT
  if (first == 0) first = 1
  if (first >= last || overlaps(first, last)) return null
  const tableFrames: u32 = pageCeiling((last - first) * TABLE_BYTES) >> PAGE_SHIFT
  if (first + tableFrames >= last) return null
  const region = nth(regions, count)
  count += 1
  region.start = first + tableFrames
  region.end = last
  region.pages = at<PageFrame>(virtualOf((first << PAGE_SHIFT) as PhysicalAddress))
  region.states = plus(address(region.pages), (last - region.start) * sizeof<PageFrame>())
  zeroBytes(region.states, last - region.start)
  return region
}

/** Whether a region, its table included, has a frame from `first` up to `last`. */
function overlaps(first: u32, last: u32): boolean {
  let i: u32 = 0
  while (i < count) {
    const region = nth(regions, i)
    const start: u32 = physicalOf(address(region.pages)) >> PAGE_SHIFT
    if (first < region.end && start < last) return true
    i += 1
  }
  return false
}

/** The region that hands out frame number `frame`, or null. */
export function frameRegionOf(frame: u32): FrameRegion | null {
  if (latest != null && frame - latest.start < latest.end - latest.start) return latest
  let i: u32 = 0
  while (i < count) {
    const region = nth(regions, i)
    if (frame >= region.start && frame < region.end) {
      latest = region
      return region
    }
    i += 1
  }
  return null
}

/** The PageFrame of frame number `frame`, which is in the region. */
export function framePage(region: FrameRegion, frame: u32): PageFrame {
  return nth(region.pages, frame - region.start)
}

/** The byte of a frame that is in the region. */
export function frameState(region: FrameRegion, frame: u32): u32 {
  return load8(region.states, frame - region.start)
}

export function frameStateSet(region: FrameRegion, frame: u32, state: u32): void {
  store8(region.states, frame - region.start, state)
}

/** The place of a free block in its list. */
export function frameLink(region: FrameRegion, frame: u32): FrameLink {
  return at<FrameLink>(address(framePage(region, frame)))
}

/** Whether there is a free block of just this order at `frame`, all in the region. */
export function frameIsFree(region: FrameRegion, frame: u32, order: u32): boolean {
  return frame >= region.start && frame < region.end && frameState(region, frame) == (FRAME_FREE | order)
}
