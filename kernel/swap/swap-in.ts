// A page's way back from the disk. The page is only handed over if it is, byte for byte, what was written:
// a read error and a wrong checksum are errors, and the slot stays as it was.

import { DiskOperation } from '../drivers/block/disk.ts'
import { Errno } from '../lib/errno.ts'
import { hashBytes } from '../lib/hash.ts'
import { address, at, type bool, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { PAGE_SIZE, isDirectMapped } from '../mm/address.ts'
import { EntryState, entryFind, type SwapEntry } from './entries.ts'
import { SwapError } from './errors.ts'
import { trackerArrived } from './replacement.ts'
import { slotRelease, slotState } from './slot-use.ts'
import type { SwapManager } from './swap-manager.ts'
import { transferStart, type SwapTransfer } from './transfer.ts'

/**
 * Begin to read the page in `slot` into the 4,096 bytes at `page`, whose contents are undefined until finished,
 * and after an error. `keep`: the slot keeps its copy, so that swapping the page out again unchanged costs
 * nothing; otherwise it is free when the transfer has ended well. SwapError.None, and transfer.result ReadFailed or
 * Corrupt if it ends badly. Otherwise nothing was begun: NoDevice, InvalidSlot (no page is in it), SlotBusy,
 * BadPage, ReadFailed; DeviceBusy: try again later.
 */
export function swapInBegin(manager: SwapManager, transfer: SwapTransfer, slot: u32, page: ptr, keep: bool): i32 {
  const disk = manager.disk
  if (disk == null) return SwapError.NoDevice
  const state = slotState(manager, slot)
  if (state == EntryState.Writing || state == EntryState.Reading) return SwapError.SlotBusy
  if (state != EntryState.Stored) return SwapError.InvalidSlot
  if (!isDirectMapped(page, PAGE_SIZE)) return SwapError.BadPage
  const entry = entryFind(manager.entries, slot)!
  transfer.settle = settleIn
  transfer.manager = address(manager)
  transfer.page = page
  transfer.pageAddress = entry.pageAddress
  transfer.slot = slot
  transfer.keep = keep
  const started = transferStart(transfer, disk, DiskOperation.Read, SwapError.ReadFailed)
  if (started != SwapError.None) return started
  entry.state = EntryState.Reading
  manager.inFlight += 1
  return SwapError.None
}

/** The disk is done with the read. */
function settleIn(transfer: SwapTransfer): void {
  const manager = at<SwapManager>(transfer.manager)
  const entry = entryFind(manager.entries, transfer.slot)!
  manager.inFlight -= 1
  entry.state = EntryState.Stored
  transfer.result = readResult(manager, transfer, entry)
  if (transfer.result != SwapError.None) return
  manager.read += 1
  trackerArrived(manager.tracker, entry.owner, entry.pageAddress)
  if (!transfer.keep) {
    slotRelease(manager, transfer.slot)
    return
  }
  entry.state = EntryState.Kept
  entry.dirty = 0
  manager.storedPages -= 1
  manager.keptPages += 1
}

function readResult(manager: SwapManager, transfer: SwapTransfer, entry: SwapEntry): i32 {
  if (transfer.request.result != Errno.None) {
    manager.readErrors += 1
    return SwapError.ReadFailed
  }
  if (hashBytes(transfer.page, PAGE_SIZE, transfer.slot) != entry.checksum) {
    manager.checksumErrors += 1
    return SwapError.Corrupt
  }
  return SwapError.None
}
