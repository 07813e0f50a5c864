// What the swap manager counts, for whoever shows it.

import { struct, type Stored, type u32 } from '../lib/layout.ts'
import type { PageReplacementAlgorithm } from './replacement.ts'
import type { SwapManager } from './swap-manager.ts'

/** RustOS's SwapStats, and what it does not count. Counters since init wrap at 2^32. */
@struct
export class SwapStats {
  totalSlots: u32
  usedSlots: u32
  freeSlots: u32
  algorithm: Stored<u32, PageReplacementAlgorithm>
  totalSwappedPages: u32 // pages that are in their slot and nowhere else
  keptPages: u32 // pages in memory whose slot keeps a copy
  suspectSlots: u32 // slots with a failed write: handed out last
  trackedPages: u32 // pages in memory that the choice of a victim knows of
  written: u32
  read: u32
  unchanged: u32 // swapped out without a write
  writeErrors: u32
  readErrors: u32
  checksumErrors: u32
}

/** RustOS's `get_stats`. */
export function swapStatsFill(manager: SwapManager, out: SwapStats): void {
  out.totalSlots = manager.slots.total
  out.usedSlots = manager.slots.used
  out.freeSlots = manager.slots.total - manager.slots.used
  out.algorithm = manager.algorithm
  out.totalSwappedPages = manager.storedPages
  out.keptPages = manager.keptPages
  out.suspectSlots = manager.slots.suspects
  out.trackedPages = manager.tracker.records
  out.written = manager.written
  out.read = manager.read
  out.unchanged = manager.unchanged
  out.writeErrors = manager.writeErrors
  out.readErrors = manager.readErrors
  out.checksumErrors = manager.checksumErrors
}
