// Slots that hold pages of processes, for vm/. Their entries in page tables name the slot, so nothing is looked up by
// page here: a slot has a count of those entries, a checksum, and the frame that has the same contents, if one has.
//
//   SwapEntry of state Paged:  owner = references, pageAddress = physical address of the frame or 0, checksum, dirty = SlotRead
//
// The frame is a reference, too. A slot without references is free. Contiguous slots are handed out together, so that
// pages which leave together lie together. Process or main-loop context; nothing here waits.

import { hash32 } from '../lib/hash.ts'
import { load32, store32 } from '../lib/intrinsics.ts'
import { address, sizeof, type PhysicalAddress, type ptr, type u32 } from '../lib/layout.ts'
import { zeroBytes } from '../lib/memory.ts'
import { PAGE_SIZE } from '../mm/address.ts'
import { EntryState, SwapEntry, entryFind, entryMake } from './entries.ts'
import { slotReclaimKept } from './slot-use.ts'
import { slotGiveBack, slotRetire, slotTakeRun } from './slots.ts'
import type { SwapManager } from './swap-manager.ts'

/** How the last attempt to read a slot ended: alone, or as one of several. */
export const enum SlotRead { Good, Failed, FailedTogether }

let manager: SwapManager | null = null
let runLength: u32 = 0

/** Where the pages of processes go from now on; none: nowhere. */
export function pageSlotsUse(swap: SwapManager | null): void {
  manager = swap
}

/** The manager, if it has a disk. */
export function pageSlotsManager(): SwapManager | null {
  if (manager == null || manager.disk == null) return null
  return manager
}

/**
 * Take up to `wanted` slots that follow one another; how many, `pageSlotsTaken` says. Returns the first, 0 for none. They have
 * no frame and one reference.
 */
export function pageSlotsTake(wanted: u32): u32 {
  const swap = pageSlotsManager()
  if (swap == null) return 0
  let first = slotTakeRun(swap.slots, wanted)
  if (first == 0 && slotReclaimKept(swap)) first = slotTakeRun(swap.slots, 1)
  runLength = 0
  if (first == 0) return 0
  while (runLength < swap.slots.runLength) {
    const entry = entryMake(swap.entries, first + runLength)
    if (entry == null) break
    entry.state = EntryState.Paged
    entry.owner = 1
    entry.pageAddress = 0
    entry.dirty = SlotRead.Good
    runLength += 1
  }
  let i: u32 = runLength
  while (i < swap.slots.runLength) { // no memory to note them in
    slotGiveBack(swap.slots, first + i)
    i += 1
  }
  swap.pagedSlots += runLength
  return runLength == 0 ? 0 : first
}

/** Slots that `pageSlotsTake` took. */
export function pageSlotsTaken(): u32 {
  return runLength
}

function entryOf(slot: u32): SwapEntry {
  return entryFind(manager!.entries, slot)!
}

/** One reference more. */
export function pageSlotHold(slot: u32): void {
  entryOf(slot).owner += 1
}

/** References of a slot. */
export function pageSlotCount(slot: u32): u32 {
  return entryOf(slot).owner
}

/** One reference less; without any the slot is free. */
export function pageSlotPut(slot: u32): void {
  const entry = entryOf(slot)
  entry.owner -= 1
  if (entry.owner != 0) return
  zeroBytes(address(entry), sizeof<SwapEntry>())
  manager!.pagedSlots -= 1
  slotGiveBack(manager!.slots, slot)
}

/** The last reference of a slot that can not be written goes: it is never handed out again. */
export function pageSlotRetire(slot: u32): void {
  pageSlotPut(slot)
  slotRetire(manager!.slots, slot)
}

/** The frame with the contents of a slot, or about to have them; 0 if there is none. */
export function pageSlotFrame(slot: u32): PhysicalAddress {
  return entryOf(slot).pageAddress as PhysicalAddress
}

export function pageSlotFrameSet(slot: u32, frame: PhysicalAddress): void {
  entryOf(slot).pageAddress = frame
}

/** Note when a page left for its slot, by a count of such: `pageSlotWhen` says it. */
export function pageSlotEvicted(slot: u32, when: u32): void {
  store32(entryOf(slot).accessTime, 0, when)
}

export function pageSlotWhen(slot: u32): u32 {
  return load32(entryOf(slot).accessTime, 0)
}

/** Note how reading a slot has ended. */
export function pageSlotReadSet(slot: u32, how: SlotRead): void {
  entryOf(slot).dirty = how
}

export function pageSlotRead(slot: u32): SlotRead {
  return entryOf(slot).dirty as SlotRead
}

/** Whether a slot of the area holds a page of a process: what the next in order may be. */
export function pageSlotUsed(slot: u32): boolean {
  const swap = manager!
  if (slot > swap.slots.lastSlot) return false
  const entry = entryFind(swap.entries, slot)
  return entry != null && entry.state == EntryState.Paged
}

/** Note the checksum of what is going to be written to a slot. */
export function pageSlotSeal(slot: u32, page: ptr): void {
  entryOf(slot).checksum = pageChecksum(page, slot)
}

/** Whether a page that was read from a slot is what was written to it. */
export function pageSlotIntact(slot: u32, page: ptr): boolean {
  return entryOf(slot).checksum == pageChecksum(page, slot)
}

/**
 * Two sums over the words, the second of the first's values, under the slot: any change of one word, an exchange of two and
 * a page of another slot are noticed. Chosen for its price: two additions a word.
 */
function pageChecksum(page: ptr, slot: u32): u32 {
  let low: u32 = slot + 1
  let high: u32 = 0
  let i: u32 = 0
  while (i < PAGE_SIZE) {
    low += load32(page, i)
    high += low
    low += load32(page, i + 4)
    high += low
    low += load32(page, i + 8)
    high += low
    low += load32(page, i + 12)
    high += low
    i += 16
  }
  return hash32(low) ^ high
}
