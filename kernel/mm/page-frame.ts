// Frames that are pages of somebody's: counted references, and what happens when memory runs short.
//
// A frame handed out here belongs to whoever has a reference to it, and is free again when the last is released.
// Frames straight from frames.ts (pools, the heap, rings) have no count. Who makes memory when it is short is
// registered (vm/): until then, and under test, a shortage is the end. Process or main-loop context.

import type { PhysicalAddress, ptr, u32 } from '../lib/layout.ts'
import { zeroBytes } from '../lib/memory.ts'
import { panic } from '../lib/panic.ts'
import { PAGE_SHIFT, PAGE_SIZE, virtualOf } from './address.ts'
import { framePage, frameRegionOf, type PageFrame } from './frame-table.ts'
import { frameAllocate, frameFree, framesFree } from './frames.ts'

/** Make frames free. May sleep. False: there is no way to. */
export type FrameShortage = () => boolean

/** A process's own page has lost its last reference: take it off lists. Its frame is freed next. */
export type FrameGone = (page: PageFrame) => void

let shortage: FrameShortage | null = null
let leastFree: u32 = 0
let gone: FrameGone | null = null

/** Call `make` before a frame is handed out while `least` frames or fewer are free. */
export function pageFrameShortage(least: u32, make: FrameShortage): void {
  leastFree = least
  shortage = make
}

/** Call `pageGone` before the frame of a process's own page is freed. */
export function pageFrameGone(pageGone: FrameGone): void {
  gone = pageGone
}

/** What is known of a frame of the allocator's. */
export function pageFrameOf(frame: PhysicalAddress): PageFrame {
  const number: u32 = frame >> PAGE_SHIFT
  const region = frameRegionOf(number)
  if (region == null) panic('a page frame is asked about that is not the allocator\'s')
  return framePage(region, number)
}

/** A frame with one reference, the caller's, contents undefined; 0 when there is none. May sleep. */
export function pageFrameAllocate(): PhysicalAddress {
  if (shortage != null && framesFree() <= leastFree && !shortage()) return 0 as PhysicalAddress
  return pageFrameAllocateNow()
}

/** As `pageFrameAllocate`, from what is free: does not sleep. */
export function pageFrameAllocateNow(): PhysicalAddress {
  const frame = frameAllocate(0)
  if (frame == 0) return frame
  const page = pageFrameOf(frame)
  page.next = null
  page.previous = null
  page.physical = frame
  page.count = 1
  page.slot = 0
  page.page = 0
  page.family = 0 as ptr
  return frame
}

/** As `pageFrameAllocate`, of zeros. May sleep. */
export function pageFrameAllocateZeroed(): PhysicalAddress {
  const frame = pageFrameAllocate()
  if (frame != 0) zeroBytes(virtualOf(frame), PAGE_SIZE)
  return frame
}

/** One reference more. */
export function pageFrameHold(frame: PhysicalAddress): void {
  pageFrameOf(frame).count += 1
}

/** One reference less; without any the frame is free. */
export function pageFrameRelease(frame: PhysicalAddress): void {
  const page = pageFrameOf(frame)
  if (page.count == 0) panic('a page frame is released that nobody holds')
  page.count -= 1
  if (page.count != 0) return
  if ((page.family as u32) != 0 && gone != null) gone(page)
  frameFree(frame, 0)
}
