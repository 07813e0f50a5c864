// The swap manager: RustOS's SwapManager, names in camelCase, on a real disk. docs/compat.md says what differs.
//
// It writes pages to slots, reads them back, and chooses which page to write. Page of slot n = sectors 8n to 8n + 7;
// slot 0 is the header page (header.ts) and never handed out. The checksum of each page stays in memory: what
// comes back different is an error, never a page. Without a device nothing is accepted.
//
// Addresses of pages are those of the present owner (a process: `setOwner`), rounded down to a page boundary
// before they are compared or noted. Main-loop context; swapOut and swapIn wait for the disk.

import type { Disk } from '../drivers/block/disk.ts'
import {
  address, nth, sizeof, struct, type Embed, type Stored, type bool, type i32, type ptr, type u32,
} from '../lib/layout.ts'
import { zeroBytes } from '../lib/memory.ts'
import { pageFloor } from '../mm/address.ts'
import { framesTotal } from '../mm/frames.ts'
import { heapAllocate } from '../mm/heap.ts'
import { diskByIndex, diskFlush } from './disk-access.ts'
import { EntryState, EntryTable, entryFind, entryOfPage, entryTableDrop, entryTableMake } from './entries.ts'
import { SwapError } from './errors.ts'
import { swapBadPage } from './header.ts'
import {
  Candidate, PageReplacementAlgorithm, PageTracker, trackerAccessed, trackerArrived, trackerBegin, trackerChoose,
  trackerForget, trackerForgetOwner, trackerInit, trackerOffer,
} from './replacement.ts'
import {
  SWAP_OWNER_LIMIT, SwapOwner, ownerOf, slotReclaimKept, slotRelease, slotReserve, slotState,
} from './slot-use.ts'
import { SlotMap, slotMapBad, slotMapDrop, slotMapMake } from './slots.ts'
import { AreaState, areaHeader, areaLook } from './swap-area.ts'
import { SwapStats, swapStatsFill } from './stats.ts'
import { swapInBegin } from './swap-in.ts'
import { swapOutBegin } from './swap-out.ts'
import { SwapTransfer, transferLetRun, transferWait } from './transfer.ts'

/** Slots for each frame of RAM: the tables of a full swap area take a sixteenth of it and an eighth of a bit. */
const SLOTS_PER_FRAME: u32 = 1024

@struct
export class SwapManager {
  disk: Disk | null
  algorithm: Stored<u32, PageReplacementAlgorithm>
  slotLimit: u32 // most slots to use; 0 for all the device has
  owner: u32 // whose addresses are meant
  owners: ptr // SWAP_OWNER_LIMIT SwapOwners
  storedPages: u32
  keptPages: u32
  pagedSlots: u32 // slots of page-slots.ts
  inFlight: u32 // transfers
  reclaimNext: u32 // where to look next for a copy to give up
  written: u32
  read: u32
  unchanged: u32
  writeErrors: u32
  readErrors: u32
  checksumErrors: u32
  slots: Embed<SlotMap>
  entries: Embed<EntryTable>
  tracker: Embed<PageTracker>
  transfer: Embed<SwapTransfer> // of swapOut and swapIn

  /**
   * RustOS's `new`: no device, nothing swapped, owner 0; `totalSlots` slots at most, 0 for as many as a device has.
   * SwapError.None or OutOfMemory. Once: the tables of an earlier life are not given back.
   */
  init(totalSlots: u32, algorithm: PageReplacementAlgorithm): i32 {
    zeroBytes(address(this), sizeof<SwapManager>())
    this.slotLimit = totalSlots
    this.algorithm = algorithm
    this.owners = heapAllocate(SWAP_OWNER_LIMIT * sizeof<SwapOwner>())
    if (this.owners == 0 || !trackerInit(this.tracker)) return SwapError.OutOfMemory
    return SwapError.None
  }

  /**
   * Swap to disk number `device`, which must have a valid header. SwapError.None; NoDevice; DeviceInUse while
   * slots of the present one are used; ReadOnlyDevice; BadHeader; ReadFailed; OutOfMemory. After an error there
   * is no device, or, after DeviceInUse, the one there was.
   */
  setSwapDevice(device: u32): i32 {
    const cleared = this.clearSwapDevice()
    if (cleared != SwapError.None) return cleared
    const disk = diskByIndex(device)
    if (disk == null) return SwapError.NoDevice
    const state = areaLook(disk)
    if (state == AreaState.ReadOnly) return SwapError.ReadOnlyDevice
    if (state == AreaState.Unreadable) return SwapError.ReadFailed
    if (state != AreaState.Valid) return SwapError.BadHeader
    return this.useArea(disk)
  }

  /** Tables for the area whose header `areaLook` just read. */
  private useArea(disk: Disk): i32 {
    const header = areaHeader()
    let lastSlot: u32 = header.lastPage
    const most: u32 = framesTotal() * SLOTS_PER_FRAME
    if (lastSlot > most) lastSlot = most
    if (this.slotLimit != 0 && lastSlot > this.slotLimit) lastSlot = this.slotLimit
    if (!slotMapMake(this.slots, lastSlot)) return SwapError.OutOfMemory
    if (!entryTableMake(this.entries, lastSlot)) {
      slotMapDrop(this.slots)
      return SwapError.OutOfMemory
    }
    let i: u32 = 0
    while (i < header.badPageCount) {
      slotMapBad(this.slots, swapBadPage(header, i))
      i += 1
    }
    this.reclaimNext = 1
    this.disk = disk
    return SwapError.None
  }

  /** The number of the disk swapped to, or SwapError.NoDevice as a u32 (`isError`). */
  getSwapDevice(): u32 {
    const disk = this.disk
    return disk == null ? SwapError.NoDevice as number as u32 : disk.index
  }

  /** Swap off: give up device and tables. SwapError.None, also without a device; DeviceInUse while it has pages. */
  clearSwapDevice(): i32 {
    if (this.slots.used != this.keptPages) return SwapError.DeviceInUse
    while (this.keptPages != 0) slotReclaimKept(this)
    this.disk = null
    slotMapDrop(this.slots)
    entryTableDrop(this.entries)
    return SwapError.None
  }

  /** Take the lowest free slot for a purpose of the caller's own; 0 when there is none, or no device. */
  allocateSlot(): u32 {
    if (this.disk == null) return 0
    const slot = slotReserve(this)
    return slot > this.slots.lastSlot ? 0 : slot // an error is larger than any slot
  }

  /**
   * Give up a slot and what is in it. SwapError.None; NoDevice; InvalidSlot for one the area does not have or
   * never hands out; SlotNotInUse; SlotBusy during a transfer, or if it is a process's. After an error nothing has changed.
   */
  deallocateSlot(slot: u32): i32 {
    if (this.disk == null) return SwapError.NoDevice
    if (slot == 0 || slot > this.slots.lastSlot) return SwapError.InvalidSlot
    const state = slotState(this, slot)
    if (state == EntryState.Unused) return SwapError.SlotNotInUse
    if (state == EntryState.Writing || state == EntryState.Reading || state == EntryState.Paged) return SwapError.SlotBusy
    slotRelease(this, slot)
    return SwapError.None
  }

  /**
   * Write the page at `page` (4,096 bytes of RAM), which the present owner has at `pageAddress`, and wait for it.
   * Returns its slot, or as `swapOutBegin`, or WriteFailed: then the slot is free again. A page swapped out twice
   * has two slots, and `slotOfPage` says the later.
   */
  swapOut(pageAddress: u32, page: ptr): u32 {
    const transfer = this.transfer
    let begun = swapOutBegin(this, transfer, pageAddress, page)
    while (begun == SwapError.DeviceBusy) {
      transferLetRun(this.disk!)
      begun = swapOutBegin(this, transfer, pageAddress, page)
    }
    if (begun != SwapError.None) return begun as number as u32
    transferWait(transfer, this.disk!)
    return transfer.result == SwapError.None ? transfer.slot : transfer.result as number as u32
  }

  /**
   * Read the page in `slot` into the 4,096 bytes at `page` and wait for it; then the slot is free. Returns the
   * page's address, or as `swapInBegin`, or ReadFailed or Corrupt: then the slot keeps the page, and what is at
   * `page` must not be used.
   */
  swapIn(slot: u32, page: ptr): u32 {
    return this.readSlot(slot, page, false)
  }

  /** As `swapIn`, and the slot keeps its copy: swapping the page out again unchanged needs no write. */
  swapInKeep(slot: u32, page: ptr): u32 {
    return this.readSlot(slot, page, true)
  }

  private readSlot(slot: u32, page: ptr, keep: bool): u32 {
    const transfer = this.transfer
    let begun = swapInBegin(this, transfer, slot, page, keep)
    while (begun == SwapError.DeviceBusy) {
      transferLetRun(this.disk!)
      begun = swapInBegin(this, transfer, slot, page, keep)
    }
    if (begun != SwapError.None) return begun as number as u32
    transferWait(transfer, this.disk!)
    return transfer.result == SwapError.None ? transfer.pageAddress : transfer.result as number as u32
  }

  /** swap-out.ts: several pages at once. */
  swapOutBegin(transfer: SwapTransfer, pageAddress: u32, page: ptr): i32 {
    return swapOutBegin(this, transfer, pageAddress, page)
  }

  /** swap-in.ts: several pages at once. */
  swapInBegin(transfer: SwapTransfer, slot: u32, page: ptr, keep: bool): i32 {
    return swapInBegin(this, transfer, slot, page, keep)
  }

  /** Have all that was written on the medium: SwapError.None, NoDevice, WriteFailed. */
  flush(): i32 {
    const disk = this.disk
    if (disk == null) return SwapError.NoDevice
    return diskFlush(disk) == 0 ? SwapError.None : SwapError.WriteFailed
  }

  /** The slot of the present owner's page, the later one of two; 0 if it has none, or only keeps a copy. */
  slotOfPage(pageAddress: u32): u32 {
    const slot = entryOfPage(this.entries, this.owner, pageFloor(pageAddress))
    return slotState(this, slot) == EntryState.Kept ? 0 : slot
  }

  /** RustOS's `is_page_swapped`, for any address in the page. */
  isPageSwapped(pageAddress: u32): boolean {
    return this.slotOfPage(pageAddress) != 0
  }

  /**
   * Which of `count` pages to swap out, by the algorithm; those already out are passed over, and a page not heard
   * of before arrives now. 0 when there is none.
   */
  selectVictimPage(candidates: Candidate, count: u32): u32 {
    let untracked: u32 = 0
    let i: u32 = 0
    trackerBegin(this.tracker, this.algorithm)
    while (i < count) {
      const page = pageFloor(nth(candidates, i).pageAddress)
      const offered = this.isPageSwapped(page) || trackerOffer(this.tracker, this.owner, page)
      if (!offered && untracked == 0) untracked = page
      i += 1
    }
    const chosen = trackerChoose(this.tracker)
    return chosen != 0 ? chosen : untracked
  }

  /** The present owner read or wrote this page. */
  recordAccess(pageAddress: u32): void {
    trackerAccessed(this.tracker, this.owner, pageFloor(pageAddress))
  }

  /** The present owner wrote this page: a copy that its slot keeps is out of date. Counts as an access. */
  recordWrite(pageAddress: u32): void {
    const page = pageFloor(pageAddress)
    const slot = entryOfPage(this.entries, this.owner, page)
    if (slotState(this, slot) == EntryState.Kept) entryFind(this.entries, slot)!.dirty = 1
    this.recordAccess(page)
  }

  /** The present owner has this page in memory from now on; for FIFO and the clock, the place in the line. */
  recordArrival(pageAddress: u32): void {
    trackerArrived(this.tracker, this.owner, pageFloor(pageAddress))
  }

  /** The present owner gave this page up: it is no candidate any more. Slots are freed by deallocateSlot. */
  forgetPage(pageAddress: u32): void {
    trackerForget(this.tracker, this.owner, pageFloor(pageAddress))
  }

  /** Whose addresses are meant from now on: 0 to SWAP_OWNER_LIMIT - 1. SwapError.None or OwnerLimit. */
  setOwner(owner: u32): i32 {
    if (owner >= SWAP_OWNER_LIMIT) return SwapError.OwnerLimit
    this.owner = owner
    return SwapError.None
  }

  /** The present owner may use this many slots; 0 for any number. */
  setOwnerLimit(slots: u32): void {
    ownerOf(this, this.owner).limit = slots
  }

  /** Slots with pages of the present owner. */
  ownerSlots(): u32 {
    return ownerOf(this, this.owner).used
  }

  /** The present owner is gone: free its slots, forget its pages. SwapError.None, or SlotBusy: call again later. */
  releaseOwner(): i32 {
    let result: i32 = SwapError.None
    let slot: u32 = 1
    trackerForgetOwner(this.tracker, this.owner)
    while (slot <= this.slots.lastSlot) {
      const entry = entryFind(this.entries, slot)
      const state = slotState(this, slot)
      if (entry != null && isOwned(state) && entry.owner == this.owner) {
        if (state == EntryState.Writing || state == EntryState.Reading) result = SwapError.SlotBusy
        else slotRelease(this, slot)
      }
      slot += 1
    }
    return result
  }

  /** RustOS's `get_stats`, into `out`. */
  getStats(out: SwapStats): void {
    swapStatsFill(this, out)
  }
}

/** Whether a slot in this state is an owner's. */
function isOwned(state: EntryState): boolean {
  return state > EntryState.Reserved && state != EntryState.Paged
}
