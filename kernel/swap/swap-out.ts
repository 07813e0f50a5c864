// A page's way to the disk.
//
//   swapOutBegin ─▶ settleOut        unchanged since it was read back: no transfer, its slot is as good as ever
//        │             ▲
//        └─ disk ──────┘             written: Stored; failed: the slot is free again, and suspect

import { DiskOperation } from '../drivers/block/disk.ts'
import { Errno, isError } from '../lib/errno.ts'
import { hashBytes } from '../lib/hash.ts'
import { copy64 } from '../lib/intrinsics.ts'
import { address, at, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { PAGE_SIZE, isDirectMapped, pageFloor } from '../mm/address.ts'
import { EntryState, entryFind, entryLink, entryOfPage, type SwapEntry } from './entries.ts'
import { SwapError } from './errors.ts'
import { trackerForget } from './replacement.ts'
import { ownerOf, slotRelease, slotReserve } from './slot-use.ts'
import { slotSuspect } from './slots.ts'
import type { SwapManager } from './swap-manager.ts'
import { transferFinish, transferStart, type SwapTransfer } from './transfer.ts'

/**
 * Begin to write the page at `page` (4,096 bytes of RAM, not to be written to until finished), which the present
 * owner has at `pageAddress`. SwapError.None: `transfer.slot` is its slot if the transfer ends well. Otherwise
 * nothing was begun: NoDevice, BadPage, OwnerLimit, NoSlots, OutOfMemory, WriteFailed; DeviceBusy: try again later.
 */
export function swapOutBegin(manager: SwapManager, transfer: SwapTransfer, pageAddress: u32, page: ptr): i32 {
  const disk = manager.disk
  if (disk == null) return SwapError.NoDevice
  if (!isDirectMapped(page, PAGE_SIZE)) return SwapError.BadPage
  transfer.settle = settleOut
  transfer.manager = address(manager)
  transfer.page = page
  transfer.pageAddress = pageFloor(pageAddress)
  const slot = keptSlot(manager, transfer.pageAddress)
  if (slot != 0) {
    if (isUnchanged(manager, slot, page)) return againStored(manager, transfer, slot)
    slotRelease(manager, slot)
  }
  const reserved = reserveForPage(manager, transfer)
  if (reserved != SwapError.None) return reserved
  const started = transferStart(transfer, disk, DiskOperation.Write, SwapError.WriteFailed)
  if (started != SwapError.None) slotRelease(manager, transfer.slot)
  else manager.inFlight += 1
  return started
}

/** The slot that keeps a copy of a page that was read back, or 0. */
function keptSlot(manager: SwapManager, pageAddress: u32): u32 {
  const slot = entryOfPage(manager.entries, manager.owner, pageAddress)
  if (slot == 0) return 0
  return entryFind(manager.entries, slot)!.state == EntryState.Kept ? slot : 0
}

/** Nobody noted a write since it was read back, and its bytes say the same. */
function isUnchanged(manager: SwapManager, slot: u32, page: ptr): boolean {
  const entry = entryFind(manager.entries, slot)!
  return entry.dirty == 0 && hashBytes(page, PAGE_SIZE, slot) == entry.checksum
}

/** The copy in the slot is the page again. */
function againStored(manager: SwapManager, transfer: SwapTransfer, slot: u32): i32 {
  const entry = entryFind(manager.entries, slot)!
  transfer.slot = slot
  manager.keptPages -= 1
  manager.unchanged += 1
  stored(manager, entry)
  transferFinish(transfer, SwapError.None)
  return SwapError.None
}

/** A slot for the page of `transfer`, its entry filled in and Writing. */
function reserveForPage(manager: SwapManager, transfer: SwapTransfer): i32 {
  const owner = ownerOf(manager, manager.owner)
  if (owner.limit != 0 && owner.used >= owner.limit) return SwapError.OwnerLimit
  const slot = slotReserve(manager)
  if (isError(slot)) return slot as number as i32
  const entry = entryFind(manager.entries, slot)!
  transfer.slot = slot
  owner.used += 1
  entry.state = EntryState.Writing
  entry.owner = manager.owner
  entry.pageAddress = transfer.pageAddress
  entry.dirty = 1
  entry.checksum = hashBytes(transfer.page, PAGE_SIZE, slot)
  copy64(entry.accessTime, 0, manager.tracker.counter, 0)
  entryLink(manager.entries, slot, entry)
  return SwapError.None
}

/** The disk is done with the write. */
function settleOut(transfer: SwapTransfer): void {
  const manager = at<SwapManager>(transfer.manager)
  manager.inFlight -= 1
  if (transfer.request.result == Errno.None) {
    transfer.result = SwapError.None
    manager.written += 1
    stored(manager, entryFind(manager.entries, transfer.slot)!)
    return
  }
  transfer.result = SwapError.WriteFailed
  manager.writeErrors += 1
  slotRelease(manager, transfer.slot)
  slotSuspect(manager.slots, transfer.slot)
}

/** The page is out: it is no candidate any more. */
function stored(manager: SwapManager, entry: SwapEntry): void {
  entry.state = EntryState.Stored
  manager.storedPages += 1
  trackerForget(manager.tracker, entry.owner, entry.pageAddress)
}
