// selftest=mm: the frame allocator and the heap under 20,000 random allocations and frees, against what must hold:
// no two blocks overlap (each is marked with its own number at both ends, and looked at before it is freed), the
// counters are those of what is allocated, and when all is freed every list of free blocks is as it was. Then two address spaces, one
// forked from the other: each sees what it wrote, and when both are gone no frame is missing. Boot; nothing here has to sleep.

import { load32, store32 } from '../lib/intrinsics.ts'
import {
  address, nth, plus, sizeof, staticRow, struct, type PhysicalAddress, type cstring, type ptr, type u32,
} from '../lib/layout.ts'
import { logDecimal, logEnd } from '../lib/log.ts'
import { zeroBytes } from '../lib/memory.ts'
import { randomBelow } from '../lib/random.ts'
import { PAGE_SIZE, physicalOf } from '../mm/address.ts'
import {
  FRAME_ORDER_LIMIT, frameAllocate, frameFree, frameFreeBlocks, frameMemory, framesFree,
} from '../mm/frames.ts'
import { heapAllocate, heapFree, heapSize, heapStats } from '../mm/heap.ts'
import { spaceCreate, type AddressSpace } from '../vm/address-space.ts'
import { spaceFork } from '../vm/fork.ts'
import { MapFlag, spaceMap } from '../vm/map.ts'
import { Protection } from '../vm/region.ts'
import { spaceRelease } from '../vm/unmap.ts'
import { pageWalk } from '../vm/walk.ts'
import { reportFail, reportPass } from './report.ts'

const STEPS: u32 = 20000
/** Blocks held at once: 64 of 32 KiB at most fit beside everything else in 16 MiB. */
const BLOCKS: u32 = 64
const ORDER_MOST: u32 = 3
const HEAP_MOST: u32 = 20000

/** A block that the test holds. */
@struct
class Block {
  memory: ptr // 0: none
  size: u32 // bytes; of frames a power of two pages
  order: u32
}

@struct
class Count {
  blocks: u32
}

const blocks = staticRow<Block>(BLOCKS)
const freeBefore = staticRow<Count>(FRAME_ORDER_LIMIT + 1)
let failure: cstring = ''
let failed: boolean = false
/** Frames, or bytes of the heap, that the test holds. */
let held: u32 = 0

/** Run it, report it, and say whether it passed. What it used is given back. */
export function selftestMm(): boolean {
  failed = false
  testFrames()
  if (!failed) testHeap()
  if (!failed) testSpaces()
  if (failed) reportFail('mm', failure)
  else if (reportPass('mm')) {
    logDecimal('steps', STEPS << 1)
    logDecimal('frames_free', framesFree())
    logEnd()
  }
  return !failed
}

function fail(why: cstring): void {
  if (failed) return // the first reason counts
  failed = true
  failure = why
}

function testFrames(): void {
  const before = framesFree()
  noteFreeBlocks()
  begin()
  let step: u32 = 0
  while (step < STEPS && !failed) {
    const block = nth(blocks, randomBelow(BLOCKS))
    if (block.memory == 0) takeFrames(block)
    else giveFrames(block)
    if (before - framesFree() != held) fail('the count of free frames is wrong')
    step += 1
  }
  let i: u32 = 0
  while (i < BLOCKS) {
    if (nth(blocks, i).memory != 0) giveFrames(nth(blocks, i))
    i += 1
  }
  if (framesFree() != before) fail('frames are lost')
  if (!sameFreeBlocks()) fail('free blocks were not joined')
}

function takeFrames(block: Block): void {
  block.order = randomBelow(ORDER_MOST + 1)
  const frame: PhysicalAddress = frameAllocate(block.order)
  if (frame == 0) return // memory may be short
  block.memory = frameMemory(frame)
  block.size = PAGE_SIZE << block.order
  held += 1 << block.order
  if ((frame & (block.size - 1)) != 0) fail('a block is not aligned to its size')
  mark(block)
}

function giveFrames(block: Block): void {
  if (!isMarked(block)) fail('two blocks of frames overlap')
  frameFree(physicalOf(block.memory), block.order)
  held -= 1 << block.order
  block.memory = 0 as ptr
}

function testHeap(): void {
  const stats = heapStats()
  const allocations = stats.allocations
  const bytes = stats.bytes
  begin()
  let step: u32 = 0
  while (step < STEPS && !failed) {
    const block = nth(blocks, randomBelow(BLOCKS))
    if (block.memory == 0) takeHeap(block)
    else giveHeap(block)
    if (stats.bytes - bytes != held) fail('the heap counts wrong')
    step += 1
  }
  let i: u32 = 0
  while (i < BLOCKS) {
    if (nth(blocks, i).memory != 0) giveHeap(nth(blocks, i))
    i += 1
  }
  if (stats.allocations != allocations || stats.bytes != bytes) fail('memory of the heap is lost')
}

function takeHeap(block: Block): void {
  const wanted: u32 = 8 + randomBelow(HEAP_MOST)
  const p = heapAllocate(wanted)
  if (p == 0) return // memory may be short
  block.memory = p
  block.size = heapSize(p)
  held += block.size
  if (block.size < wanted) fail('the heap gave less than was asked for')
  if (((p as u32) & 15) != 0) fail('memory of the heap is not aligned')
  mark(block)
}

function giveHeap(block: Block): void {
  if (!isMarked(block)) fail('two allocations overlap')
  heapFree(block.memory)
  held -= block.size
  block.memory = 0 as ptr
}

/** Pages of the address spaces: two page tables' worth of places, one page in each. */
const SPACE_PAGES: u32 = 64
const SPACE_START: u32 = 0x3e0000

/** Twice, because pools keep what they have made once. */
function testSpaces(): void {
  if (!useSpaces()) return
  const before = framesFree()
  if (useSpaces() && framesFree() != before) fail('frames of an address space are lost')
}

/** False when memory is too short for it. */
function useSpaces(): boolean {
  const parent = spaceCreate()
  if (parent == null) return false
  const flags: u32 = MapFlag.Private | MapFlag.Fixed
  spaceMap(parent, SPACE_START, SPACE_PAGES * PAGE_SIZE, Protection.Read | Protection.Write, flags, null, 0)
  let whole: boolean = writePages(parent, 0)
  const child = whole ? spaceFork(parent) : null
  if (child != null) {
    whole = writePages(child, 1)
    if (whole && !holdsPages(parent, 0)) fail('a process sees what its child wrote')
    if (whole && !holdsPages(child, 1)) fail('a page of an address space has other contents')
    spaceRelease(child)
  }
  spaceRelease(parent)
  return whole && child != null
}

/** Each page's number and `salt` into its first word; false when memory is short. */
function writePages(space: AddressSpace, salt: u32): boolean {
  let page: u32 = 0
  while (page < SPACE_PAGES) {
    const place = pageWalk(space, SPACE_START + page * PAGE_SIZE, true)
    if (place == 0) return false
    store32(place, 0, page << 1 | salt)
    page += 1
  }
  return true
}

function holdsPages(space: AddressSpace, salt: u32): boolean {
  let page: u32 = 0
  while (page < SPACE_PAGES) {
    const place = pageWalk(space, SPACE_START + page * PAGE_SIZE, false)
    if (place == 0 || load32(place, 0) != (page << 1 | salt)) return false
    page += 1
  }
  return true
}

function begin(): void {
  held = 0
  zeroBytes(address(blocks), BLOCKS * sizeof<Block>())
}

/** The block's own address in its first and last word. */
function mark(block: Block): void {
  store32(block.memory, 0, block.memory)
  store32(lastWord(block), 0, block.memory)
}

function isMarked(block: Block): boolean {
  return load32(block.memory, 0) == block.memory && load32(lastWord(block), 0) == block.memory
}

function lastWord(block: Block): ptr {
  return plus(block.memory, block.size - 4)
}

function noteFreeBlocks(): void {
  let order: u32 = 0
  while (order <= FRAME_ORDER_LIMIT) {
    nth(freeBefore, order).blocks = frameFreeBlocks(order)
    order += 1
  }
}

function sameFreeBlocks(): boolean {
  let order: u32 = 0
  while (order <= FRAME_ORDER_LIMIT) {
    if (nth(freeBefore, order).blocks != frameFreeBlocks(order)) return false
    order += 1
  }
  return true
}
