// What the tests of kernel/swap and of selftest=swap call: the manager's methods as functions, its numbers, and
// fake disks to swap to.

import { load32 } from '../../kernel/lib/intrinsics.ts'
import {
  at, nth, sizeof, staticRow, staticStruct, type bool, type cstring, type i32, type ptr, type u32,
} from '../../kernel/lib/layout.ts'
import { commandLineParse } from '../../kernel/lib/command-line.ts'
import { stringLength } from '../../kernel/lib/memory.ts'
import { Options } from '../../kernel/lib/options.ts'
import { selftestStart, type SelftestNetFinished } from '../../kernel/selftest/run.ts'
import { selftestSwap as runSelftest } from '../../kernel/selftest/swap.ts'
import { entryFind } from '../../kernel/swap/entries.ts'
import { pageSlotsUse } from '../../kernel/swap/page-slots.ts'
import { SwapHeader } from '../../kernel/swap/header.ts'
import { Candidate } from '../../kernel/swap/replacement.ts'
import { swapManager, swapStart } from '../../kernel/swap/start.ts'
import { SwapStats } from '../../kernel/swap/stats.ts'
import { SwapManager } from '../../kernel/swap/swap-manager.ts'
import { SwapTransfer } from '../../kernel/swap/transfer.ts'

export {
  addDisk, diskFlushes, diskInFlight, diskMostInFlight, diskReads, diskWrites, failFlushes, failReads, failWrites,
  loseWrites, pollDisk, setCanFlush, setDelay, setReadOnly,
} from './fake-disk.ts'
export { keepLog, keptAddress, keptBytes } from './log-sink.ts'
export { startVm } from './vm-start.ts'
export { hashBytes } from '../../kernel/lib/hash.ts'
export { randomSeed } from '../../kernel/lib/random.ts'
export { frameAllocate, frameFree, framesAddRegion, framesFree, framesTotal } from '../../kernel/mm/frames.ts'
export { heapInit } from '../../kernel/mm/heap.ts'
export { swapErrorName } from '../../kernel/swap/errors.ts'

const options = staticStruct<Options>()
const stats = staticStruct<SwapStats>()
const transfers = staticRow<SwapTransfer>(64)

/** The manager of the tests that need no command line. */
const manager = staticStruct<SwapManager>()

export function init(totalSlots: u32, algorithm: u32): i32 { return manager.init(totalSlots, algorithm) }
export function setSwapDevice(device: u32): i32 { return manager.setSwapDevice(device) }
export function getSwapDevice(): u32 { return manager.getSwapDevice() }
export function clearSwapDevice(): i32 { return manager.clearSwapDevice() }
export function allocateSlot(): u32 { return manager.allocateSlot() }
export function deallocateSlot(slot: u32): i32 { return manager.deallocateSlot(slot) }
export function swapOut(pageAddress: u32, page: ptr): u32 { return manager.swapOut(pageAddress, page) }
export function swapIn(slot: u32, page: ptr): u32 { return manager.swapIn(slot, page) }
export function swapInKeep(slot: u32, page: ptr): u32 { return manager.swapInKeep(slot, page) }
export function flush(): i32 { return manager.flush() }
export function slotOfPage(pageAddress: u32): u32 { return manager.slotOfPage(pageAddress) }
export function isPageSwapped(pageAddress: u32): bool { return manager.isPageSwapped(pageAddress) }
export function recordAccess(pageAddress: u32): void { manager.recordAccess(pageAddress) }
export function recordWrite(pageAddress: u32): void { manager.recordWrite(pageAddress) }
export function recordArrival(pageAddress: u32): void { manager.recordArrival(pageAddress) }
export function forgetPage(pageAddress: u32): void { manager.forgetPage(pageAddress) }
export function setOwner(owner: u32): i32 { return manager.setOwner(owner) }
export function setOwnerLimit(slots: u32): void { manager.setOwnerLimit(slots) }
export function ownerSlots(): u32 { return manager.ownerSlots() }
export function releaseOwner(): i32 { return manager.releaseOwner() }

/** Slots of page-slots.ts, of this manager. */
export function usePageSlots(): void { pageSlotsUse(manager) }
export function retiredSlots(): u32 { return manager.slots.retired }
export function pagedSlots(): u32 { return manager.pagedSlots }
export {
  pageSlotCount, pageSlotHold, pageSlotPut, pageSlotRetire, pageSlotUsed, pageSlotsTake, pageSlotsTaken,
} from '../../kernel/swap/page-slots.ts'

/** `count` u32 addresses at `pages`. */
export function selectVictimPage(pages: ptr, count: u32): u32 {
  return manager.selectVictimPage(at<Candidate>(pages), count)
}

/** Several at once: transfer `index`, of 64. */
export function beginOut(index: u32, pageAddress: u32, page: ptr): i32 {
  return manager.swapOutBegin(nth(transfers, index), pageAddress, page)
}
export function beginIn(index: u32, slot: u32, page: ptr, keep: bool): i32 {
  return manager.swapInBegin(nth(transfers, index), slot, page, keep)
}
export function isFinished(index: u32): bool { return nth(transfers, index).finished }
export function transferResult(index: u32): i32 { return nth(transfers, index).result }
export function transferSlot(index: u32): u32 { return nth(transfers, index).slot }
export function transferAddress(index: u32): u32 { return nth(transfers, index).pageAddress }

/** Start transfer `index` anew, with another page, as soon as it is finished; once. */
export function beginNextWhenFinished(index: u32, pageAddress: u32, page: ptr): void {
  nextAddress = pageAddress
  nextPage = page
  nth(transfers, index).notify = beginNext
}

let nextAddress: u32 = 0
let nextPage: ptr = 0 as ptr
let notified: u32 = 0

function beginNext(transfer: SwapTransfer): void {
  notified += 1
  transfer.notify = null
  manager.swapOutBegin(transfer, nextAddress, nextPage)
}

export function notifications(): u32 { return notified }

/** RustOS's numbers first, in its order, then ours. */
export function stat(which: u32): u32 {
  manager.getStats(stats)
  return statOf(which)
}

/** The same of the kernel's own manager, which `start` makes. */
export function kernelStat(which: u32): u32 {
  swapManager().getStats(stats)
  return statOf(which)
}

function statOf(which: u32): u32 {
  switch (which) {
    case 0: return stats.totalSlots
    case 1: return stats.usedSlots
    case 2: return stats.freeSlots
    case 3: return stats.algorithm
    case 4: return stats.totalSwappedPages
    case 5: return stats.keptPages
    case 6: return stats.suspectSlots
    case 7: return stats.trackedPages
    case 8: return stats.written
    case 9: return stats.read
    case 10: return stats.unchanged
    case 11: return stats.writeErrors
    case 12: return stats.readErrors
    default: return stats.checksumErrors
  }
}

/** The entry of a slot: 0 page address, 1 checksum, 2 low half of the access time, 3 dirty. */
export function entryField(slot: u32, field: u32): u32 {
  const entry = entryFind(manager.entries, slot)!
  if (field == 0) return entry.pageAddress
  if (field == 1) return entry.checksum
  return field == 2 ? load32(entry.accessTime, 0) : entry.dirty
}

/** Read a command line and start the kernel's swap. */
export function start(line: cstring): void {
  commandLineParse(options, line as ptr, stringLength(line))
  swapStart(options)
}

export function kernelDevice(): u32 { return swapManager().getSwapDevice() }
export function kernelAllocateSlot(): u32 { return swapManager().allocateSlot() }
export function kernelSwapOut(pageAddress: u32, page: ptr): u32 { return swapManager().swapOut(pageAddress, page) }
export function selftestSwap(): bool { return runSelftest(swapManager()) }
export function headerSize(): u32 { return sizeof<SwapHeader>() }

// --- selftest/run.ts, with a network's test that ends when it is told to. ---------------------------------------
let verdict: u32 = 0
let verdicts: u32 = 0
let netEnds: SelftestNetFinished | null = null

export function selftest(which: u32): void {
  selftestStart(which, swapManager(), netStarts, takeVerdict)
}

function netStarts(finished: SelftestNetFinished): void {
  netEnds = finished
}

export function selftestNetEnds(passed: bool, why: cstring): void {
  if (netEnds != null) netEnds(passed, why)
}

function takeVerdict(passed: bool): void {
  verdict = passed ? 1 : 2
  verdicts += 1
}

/** 0 none yet, 1 passed, 2 failed. */
export function selftestVerdict(): u32 { return verdict }
export function selftestVerdicts(): u32 { return verdicts }
