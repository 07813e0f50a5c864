// Memory that processes share and that no file has: MAP_SHARED | MAP_ANONYMOUS. Pages are made, as zeros, when they are
// first asked for, and stay until the last region that maps the object is gone: they are not swapped.
//
//   SharedMemory ─▶ directory: a pointer for each 1,024 pages ─▶ a frame of physical addresses

import { load32, store32 } from '../lib/intrinsics.ts'
import { Errno } from '../lib/errno.ts'
import { address, at, sizeof, struct, type Embed, type PhysicalAddress, type ptr, type u32 } from '../lib/layout.ts'
import { zeroBytes } from '../lib/memory.ts'
import { PAGE_SIZE, physicalOf } from '../mm/address.ts'
import { frameAllocateZeroed, frameFree, frameMemory } from '../mm/frames.ts'
import { heapAllocate, heapFree } from '../mm/heap.ts'
import { pageFrameAllocateZeroed, pageFrameHold, pageFrameRelease } from '../mm/page-frame.ts'
import { MemoryObject } from './object.ts'

@struct
class SharedMemory {
  object: Embed<MemoryObject>
  holders: u32
  pages: u32
  directory: ptr // the address of each frame of addresses, or 0
}

/** Addresses in one frame. */
const GROUP_SHIFT: u32 = 10
const GROUP_MASK: u32 = 1023

/** Memory of `pages` pages with one holder; null when there is no memory for its tables. */
export function sharedMake(pages: u32): MemoryObject | null {
  const groups: u32 = (pages + GROUP_MASK) >> GROUP_SHIFT
  const p = heapAllocate(sizeof<SharedMemory>())
  const directory = heapAllocate(groups << 2)
  if (p == 0 || directory == 0) {
    heapFree(p)
    heapFree(directory)
    return null
  }
  const shared = at<SharedMemory>(p)
  zeroBytes(directory, groups << 2)
  shared.object.page = sharedPage
  shared.object.hold = sharedHold
  shared.object.release = sharedRelease
  shared.holders = 1
  shared.pages = pages
  shared.directory = directory
  return shared.object
}

function sharedOf(object: MemoryObject): SharedMemory {
  return at<SharedMemory>(address(object))
}

/** See ObjectPage. May sleep. */
function sharedPage(object: MemoryObject, index: u32): u32 {
  const shared = sharedOf(object)
  if (index >= shared.pages) return 0
  const known = pageOf(shared, index)
  if (known != 0) {
    pageFrameHold(known)
    return known
  }
  const fresh = pageFrameAllocateZeroed()
  if (fresh == 0 || !groupMake(shared, index)) {
    if (fresh != 0) pageFrameRelease(fresh)
    return Errno.OutOfMemory as number as u32
  }
  const meanwhile = pageOf(shared, index)
  if (meanwhile != 0) {
    pageFrameRelease(fresh)
    pageFrameHold(meanwhile)
    return meanwhile
  }
  store32(groupOf(shared, index), (index & GROUP_MASK) << 2, fresh)
  pageFrameHold(fresh)
  return fresh
}

function groupOf(shared: SharedMemory, index: u32): ptr {
  return load32(shared.directory, index >> GROUP_SHIFT << 2) as ptr
}

function groupMake(shared: SharedMemory, index: u32): boolean {
  if (groupOf(shared, index) != 0) return true
  const group = frameMemory(frameAllocateZeroed())
  store32(shared.directory, index >> GROUP_SHIFT << 2, group)
  return group != 0
}

function pageOf(shared: SharedMemory, index: u32): PhysicalAddress {
  const group = groupOf(shared, index)
  return (group == 0 ? 0 : load32(group, (index & GROUP_MASK) << 2)) as PhysicalAddress
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
    releaseGroup(groupOf(shared, index))
    index += GROUP_MASK + 1
  }
  heapFree(shared.directory)
  heapFree(address(shared))
}

function releaseGroup(group: ptr): void {
  if (group == 0) return
  let i: u32 = 0
  while (i < PAGE_SIZE) {
    const frame = load32(group, i) as PhysicalAddress
    if (frame != 0) pageFrameRelease(frame)
    i += 4
  }
  frameFree(physicalOf(group), 0)
}
