// What the tests of kernel/vm call: address spaces by number, and the functions of vm/ on them.

import { load8, load32, store32, store8 } from '../../kernel/lib/intrinsics.ts'
import {
  address, nth, plus, staticRow, staticStruct, struct, type PhysicalAddress, type bool, type i32, type ptr, type u32,
} from '../../kernel/lib/layout.ts'
import { setSleep, type Sleeper, type WaitQueue } from '../../kernel/lib/sleep.ts'
import { Errno } from '../../kernel/lib/errno.ts'
import { diskFirst } from '../../kernel/drivers/block/disk.ts'
import { SwapManager } from '../../kernel/swap/swap-manager.ts'
import { pollDisk } from './fake-disk.ts'
import { virtualOf } from '../../kernel/mm/address.ts'
import { pageFrameOf, pageFrameHold, pageFrameAllocateZeroed } from '../../kernel/mm/page-frame.ts'
import { spaceCreate, type AddressSpace } from '../../kernel/vm/address-space.ts'
import { spaceAdvise } from '../../kernel/vm/advise.ts'
import { spaceBrk, spaceBrkInit } from '../../kernel/vm/brk.ts'
import { pageFault, pageFaultRegister, type PageFaultHandler } from '../../kernel/vm/fault.ts'
import { spaceFork } from '../../kernel/vm/fork.ts'
import { spaceGuard, spaceMap, spaceProtect } from '../../kernel/vm/map.ts'
import { MemoryObject } from '../../kernel/vm/object.ts'
import { entryFind, spaceCurrent, spaceCurrentSet } from '../../kernel/vm/page-table.ts'
import { regionFind } from '../../kernel/vm/region.ts'
import { outOfMemoryRegister } from '../../kernel/vm/out-of-memory.ts'
import { spacePopulate } from '../../kernel/vm/populate.ts'
import { spaceRemap } from '../../kernel/vm/remap.ts'
import { swapOn } from '../../kernel/vm/swap-off.ts'
import { vmInit } from '../../kernel/vm/start.ts'
import { vmStats } from '../../kernel/vm/stats.ts'
import { Transfer, transferIn, transferInit, transferOut, transferZero } from '../../kernel/vm/transfer.ts'
import { spaceRelease, spaceUnmap } from '../../kernel/vm/unmap.ts'

export { keepLog, keptAddress, keptBytes } from './log-sink.ts'
export { panicWhy, rememberPanics } from './panics.ts'
export { randomSeed } from '../../kernel/lib/random.ts'
export { framesAddRegion, framesFree, framesTotal } from '../../kernel/mm/frames.ts'
export { heapInit } from '../../kernel/mm/heap.ts'
export { memoryErrorIsBus, memoryErrorName } from '../../kernel/vm/errors.ts'
export { spaceCount } from '../../kernel/vm/address-space.ts'
export {
  userCopyIn, userCopyOut, userLoad16, userLoad32, userLoad8, userLoaded, userPin, userStore16, userStore32, userStore8,
  userString, userZero,
} from '../../kernel/vm/user-copy.ts'

const SPACES: u32 = 128

@struct
class Slot {
  space: AddressSpace | null
}

const spaces = staticRow<Slot>(SPACES)
let invalidations: u32 = 0

/** Memory and heap are there: virtual memory from nothing, on a kernel's root table of zeros but one entry. */
export function start(): void {
  setSleep(sleep, wake)
  const root = pageFrameAllocateZeroed()
  store32(virtualOf(root), 4088, 0x1234_5003)
  vmInit(root, true, invalidatePage, invalidateAll)
}

let sleeps: u32 = 0

/** Whoever sleeps waits for the disk: a moment passes for it, and then what the test wanted to happen meanwhile. */
function sleep(_queue: WaitQueue | null, _milliseconds: u32, _interruptible: boolean): i32 {
  sleeps += 1
  if (meanwhileIn != 0) {
    meanwhileIn -= 1
    if (meanwhileIn == 0) meanwhileDo()
  }
  if (diskFirst() != null) pollDisk(0)
  return Errno.None
}
export function slept(): u32 { return sleeps }

let meanwhileIn: u32 = 0
let meanwhileWhat: u32 = 0
let meanwhileSpace: u32 = 0
let meanwhileWhere: u32 = 0

/** At the `after`th sleep from now on: 0 unmaps a page, 1 writes 0xee to it, 2 forks the space to number 100, 3 releases it. */
export function meanwhile(after: u32, what: u32, index: u32, where: u32): void {
  meanwhileIn = after
  meanwhileWhat = what
  meanwhileSpace = index
  meanwhileWhere = where
}

function meanwhileDo(): void {
  if (meanwhileWhat == 0) spaceUnmap(space(meanwhileSpace), meanwhileWhere, 4096)
  else if (meanwhileWhat == 1) touch(meanwhileSpace, meanwhileWhere, true, 0xee)
  else if (meanwhileWhat == 2) fork(meanwhileSpace, 100)
  else release(meanwhileSpace)
}

// --- Swap. ---------------------------------------------------------------------------------------------------------

const manager = staticStruct<SwapManager>()

/** Pages go to disk 0, which has a header. */
export function swapStart(): i32 {
  manager.init(0, 0)
  const result = manager.setSwapDevice(0)
  if (result == 0) swapOn(manager)
  return result
}
export { swapOff } from '../../kernel/vm/swap-off.ts'
export { evict, evictionCount, pagesAge, replacementSet } from '../../kernel/vm/evict.ts'
export { reclaimPoll } from '../../kernel/vm/reclaim.ts'
export { pagesLazy, pagesListed, pagesWithSlot } from '../../kernel/vm/page.ts'
export { clustersInFlight, pagesWriting } from '../../kernel/vm/cluster.ts'
export { watermarkHigh, watermarkLow, watermarkMin } from '../../kernel/vm/watermarks.ts'
export {
  addDisk, diskInFlight, diskLargest, diskMostInFlight, diskReads, diskWrites, failReads, failWrites, loseWrites, pollDisk, setDelay,
  setPieceLimit, tearWrites,
} from './fake-disk.ts'

/** 0 slots in all, 1 used, 2 of processes, 3 retired, 4 checksum errors, 5 read errors, 6 write errors. */
export function slots(which: u32): u32 {
  switch (which) {
    case 0: return manager.slots.total
    case 1: return manager.slots.used
    case 2: return manager.pagedSlots
    case 3: return manager.slots.retired
    case 4: return manager.checksumErrors
    case 5: return manager.readErrors
    default: return manager.writeErrors
  }
}

let killed: u32 = 0
let killWorks: bool = false
/** Spaces that are to end for want of memory: counted, and, if it `works`, released at the next sleep. */
export function onOutOfMemory(works: bool): void {
  killWorks = works
  outOfMemoryRegister(kill)
}
export function kills(): u32 { return killed }
function kill(which: AddressSpace): boolean {
  let index: u32 = 0
  killed += 1
  while (index < SPACES && nth(spaces, index).space != which) index += 1
  if (killWorks && which != spaceCurrent()) meanwhile(1, 3, index, 0)
  return true
}
function wake(_sleeper: Sleeper): void { }
function invalidatePage(_page: ptr): void { invalidations += 1 }
function invalidateAll(): void { invalidations += 1 }
export function invalidated(): u32 { return invalidations }

function space(index: u32): AddressSpace { return nth(spaces, index).space! }

/** Space `index` is a new one; false when there is no memory. */
export function create(index: u32): bool {
  nth(spaces, index).space = spaceCreate()
  return nth(spaces, index).space != null
}

export function fork(index: u32, child: u32): bool {
  nth(spaces, child).space = spaceFork(space(index))
  return nth(spaces, child).space != null
}

export function release(index: u32): void {
  spaceRelease(space(index))
  nth(spaces, index).space = null
}

/** The current one from now on; SPACES or more: none. */
export function use(index: u32): void { spaceCurrentSet(index < SPACES ? space(index) : null) }
export function map(index: u32, where: u32, length: u32, protection: u32, flags: u32): u32 {
  return spaceMap(space(index), where, length, protection, flags, null, 0)
}
export function unmap(index: u32, start: u32, length: u32): i32 { return spaceUnmap(space(index), start, length) }
export function protect(index: u32, start: u32, length: u32, protection: u32): i32 {
  return spaceProtect(space(index), start, length, protection)
}
export function guard(index: u32, start: u32, length: u32): i32 { return spaceGuard(space(index), start, length) }
export function remap(index: u32, start: u32, before: u32, after: u32, flags: u32, target: u32): u32 {
  return spaceRemap(space(index), start, before, after, flags, target)
}
export function advise(index: u32, start: u32, length: u32, advice: u32): i32 {
  return spaceAdvise(space(index), start, length, advice)
}
export function brkInit(index: u32, where: u32): void { spaceBrkInit(space(index), where) }
export function brk(index: u32, where: u32): u32 { return spaceBrk(space(index), where) }
export function fault(index: u32, where: u32, code: u32): i32 { return pageFault(space(index), where, code) }
export function populate(index: u32, start: u32, length: u32): void { spacePopulate(space(index), start, length) }
/** The stack it began on is there, and it may have so many bytes of it. */
export function setStack(index: u32, start: u32, end: u32, limit: u32): void {
  space(index).stackStart = start
  space(index).stackEnd = end
  space(index).stackLimit = limit
}
export function setPageLimit(index: u32, pages: u32): void { space(index).pageLimit = pages }

/** 0 regions, 1 pages in them, 2 resident, 3 swapped, 4 root, 5 members of the family. */
export function spaceField(index: u32, field: u32): u32 {
  switch (field) {
    case 0: return space(index).regions
    case 1: return space(index).pages
    case 2: return space(index).resident
    case 3: return space(index).swapped
    case 4: return space(index).root
    default: return space(index).family.spaces
  }
}

/** Of the region that has `where`: 0 start, 1 end, 2 protection, 3 type, 4 shared, 5 its object's page; 0 without a region. */
export function regionField(index: u32, where: u32, field: u32): u32 {
  const region = regionFind(space(index), where)
  if (region == null) return 0
  switch (field) {
    case 0: return region.start
    case 1: return region.end
    case 2: return region.protection
    case 3: return region.type
    case 4: return region.shared
    default: return region.objectPage
  }
}

/** Region number `n` from the lowest: its start, 0 if there are fewer. */
export function regionStart(index: u32, n: u32): u32 {
  let region = space(index).first
  let left: u32 = n
  while (region != null && left != 0) {
    region = region.next
    left -= 1
  }
  return region == null ? 0 : region.start
}

/** The low half of the entry of a page, and its high half; 0 without a page table. */
export function entryLow(index: u32, where: u32): u32 {
  const entry = entryFind(space(index), where)
  return entry == 0 ? 0 : load32(entry, 0)
}
export function entryTop(index: u32, where: u32): u32 {
  const entry = entryFind(space(index), where)
  return entry == 0 ? 0 : load32(entry, 4)
}

/**
 * Read, or write, a byte as a process does: the entry's rights are asked, its bits set, faults taken. The byte, or a
 * MemoryError as a u32.
 */
export function touch(index: u32, where: u32, writing: bool, value: u32): u32 {
  while (true) {
    const entry = entryFind(space(index), where)
    const low: u32 = entry == 0 ? 0 : load32(entry, 0)
    const needed: u32 = writing ? 7 : 5
    if ((low & needed) == needed) {
      store32(entry, 0, low | (writing ? 0x60 : 0x20))
      const place = plus(virtualOf((low & 0xfffff000) as PhysicalAddress), where & 0xfff)
      if (writing) store8(place, 0, value)
      return load8(place, 0)
    }
    const present: u32 = low & 1
    const result = pageFault(space(index), where, 4 | present | (writing ? 2 : 0))
    if (result != 0) return result as number as u32
  }
}

/** References of a frame. */
export function frameCount(frame: PhysicalAddress): u32 { return pageFrameOf(frame).count }

/** 0 faults, 1 demand zero, 2 zero shared, 3 file pages, 4 copied, 5 reused, 6 violations, 7 page tables. */
export function stat(which: u32): u32 { return load32(address(vmStats()), which << 2) }

// --- An object of pages that hold their own number. -------------------------------------------------------------

@struct
class Numbers {
  object: MemoryObject
}

const numbers = staticStruct<Numbers>()
const object = staticStruct<MemoryObject>()
let objectPages: u32 = 0
let objectHolds: u32 = 0
let objectFrames: ptr = 0 as ptr
let objectError: i32 = 0

/** An object of `pages` pages; `frames` has room for an address each. */
export function objectMake(pages: u32, frames: ptr): void {
  numbers.object = object
  object.page = objectPage
  object.hold = objectHold
  object.release = objectRelease
  objectPages = pages
  objectFrames = frames
}

function objectPage(_object: MemoryObject, index: u32): u32 {
  if (objectError != 0) return objectError as number as u32
  if (index >= objectPages) return 0
  let frame = load32(objectFrames, index << 2) as PhysicalAddress
  if (frame == 0) {
    frame = pageFrameAllocateZeroed()
    store32(objectFrames, index << 2, frame)
    store32(virtualOf(frame), 0, index + 1)
  }
  pageFrameHold(frame)
  return frame
}

function objectHold(_object: MemoryObject): void { objectHolds += 1 }
function objectRelease(_object: MemoryObject): void { objectHolds -= 1 }
export function objectHolders(): u32 { return objectHolds }
/** Asking for a page fails so from now on; 0: it does not. */
export function objectFails(error: i32): void { objectError = error }
export function mapObject(index: u32, where: u32, length: u32, protection: u32, flags: u32, page: u32): u32 {
  return spaceMap(space(index), where, length, protection, flags, numbers.object, page)
}

// --- Handlers. -----------------------------------------------------------------------------------------------------

let outer: PageFaultHandler | null = null
let inner: PageFaultHandler | null = null
let seen: u32 = 0

/** Two handlers, one in the other: the outer one counts 1 and asks on, the inner one counts 16 and refuses address 0x7000. */
export function installHandlers(): void {
  outer = pageFaultRegister(countOne)
  inner = pageFaultRegister(countSixteen)
}
export function removeInner(): bool { return pageFaultRegister(inner!) == countSixteen }
export function removeOuter(): bool { return pageFaultRegister(outer!) == countOne }
export function handled(): u32 { return seen }

function countOne(which: AddressSpace, where: u32, code: u32): i32 {
  seen += 1
  return outer!(which, where, code)
}

function countSixteen(which: AddressSpace, where: u32, code: u32): i32 {
  seen += 16
  return (where & 0xfffff000) == 0x7000 ? -17 : inner!(which, where, code)
}

// --- Transfers. -----------------------------------------------------------------------------------------------------

const transfer = staticStruct<Transfer>()

export function transferStart(place: ptr, n: u32, kernel: bool): void { transferInit(transfer, place, n, kernel) }
export function transferPut(from: ptr, n: u32): i32 { return transferOut(transfer, from, n) }
export function transferGet(to: ptr, n: u32): i32 { return transferIn(transfer, to, n) }
export function transferClear(n: u32): i32 { return transferZero(transfer, n) }
export function transferLeft(): u32 { return transfer.left }
