// Taking a slot for a page and giving it up: the slot map, the entry, and the owner's count, always together.

import { address, at, nth, sizeof, struct, type u32 } from '../lib/layout.ts'
import { zeroBytes } from '../lib/memory.ts'
import { EntryState, SwapEntry, entryFind, entryMake, entryUnlink } from './entries.ts'
import { SwapError } from './errors.ts'
import { slotGiveBack, slotTake } from './slots.ts'
import type { SwapManager } from './swap-manager.ts'

/** Owners of pages: numbers 0 to 255. Processes will have a number each; more than that wait for their turn. */
export const SWAP_OWNER_LIMIT: u32 = 256

@struct
export class SwapOwner {
  used: u32 // slots with pages of this owner
  limit: u32 // most of them; 0 for no limit
}

/** The owner with this number, below SWAP_OWNER_LIMIT. */
export function ownerOf(manager: SwapManager, owner: u32): SwapOwner {
  return nth(at<SwapOwner>(manager.owners), owner)
}

/**
 * Take the lowest free slot, or one that keeps a copy of a page that is in memory. Its entry is Reserved. Returns
 * the slot, or SwapError.NoSlots or OutOfMemory.
 */
export function slotReserve(manager: SwapManager): u32 {
  let slot = slotTake(manager.slots)
  if (slot == 0 && slotReclaimKept(manager)) slot = slotTake(manager.slots)
  if (slot == 0) return SwapError.NoSlots as number as u32
  const entry = entryMake(manager.entries, slot)
  if (entry == null) {
    slotGiveBack(manager.slots, slot)
    return SwapError.OutOfMemory as number as u32
  }
  entry.state = EntryState.Reserved
  return slot
}

/** Give up a slot that is in use, whatever is in it. */
export function slotRelease(manager: SwapManager, slot: u32): void {
  const entry = entryFind(manager.entries, slot)!
  const state = entry.state
  if (state == EntryState.Reserved) zeroBytes(address(entry), sizeof<SwapEntry>())
  else {
    ownerOf(manager, entry.owner).used -= 1
    if (state == EntryState.Kept) manager.keptPages -= 1
    if (state == EntryState.Stored || state == EntryState.Reading) manager.storedPages -= 1
    entryUnlink(manager.entries, slot, entry)
  }
  slotGiveBack(manager.slots, slot)
}

/** The state of a slot, Unused for one the area does not have. */
export function slotState(manager: SwapManager, slot: u32): EntryState {
  const entry = slot == 0 ? null : entryFind(manager.entries, slot)
  return entry == null ? EntryState.Unused : entry.state
}

/** Free one slot whose page is in memory too: the copy is only there to save a write. */
export function slotReclaimKept(manager: SwapManager): boolean {
  if (manager.keptPages == 0) return false
  let slot: u32 = manager.reclaimNext
  while (slotState(manager, slot) != EntryState.Kept) slot = slot >= manager.slots.lastSlot ? 1 : slot + 1
  manager.reclaimNext = slot
  slotRelease(manager, slot)
  return true
}
