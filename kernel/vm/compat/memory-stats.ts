// RustOS's MemoryStats (`memory.rs`), of the machine and of the current address space.

import { address, sizeof, struct, type Embed, type Stored, type bool, type u32 } from '../../lib/layout.ts'
import { zeroBytes } from '../../lib/memory.ts'
import { MemoryReport, memoryReport } from '../../mm/report.ts'
import { swapManager } from '../../swap/start.ts'
import { SwapStats } from '../../swap/stats.ts'
import { spaceCurrent } from '../page-table.ts'

const MEBIBYTE_SHIFT: u32 = 20

@struct
export class MemoryStats {
  totalMemory: u32 // bytes; RAM that is used is less than 4 GiB
  allocatedMemory: u32
  freeMemory: u32
  totalRegions: u32 // of the current address space; 0 without one
  mappedRegions: u32 // the same: what is a region here is mapped
  heapInitialized: Stored<u32, bool>
  report: Embed<MemoryReport> // RustOS's zone_stats and buddy_stats
  swapStats: Embed<SwapStats>

  /** Thousandths of the memory that are allocated. */
  memoryUsagePercent(): u32 {
    if (this.totalMemory == 0) return 0
    return (this.allocatedMemory >> 10) * 1000 / (this.totalMemory >> 10)
  }

  totalMemoryMb(): u32 { return this.totalMemory >> MEBIBYTE_SHIFT }
  allocatedMemoryMb(): u32 { return this.allocatedMemory >> MEBIBYTE_SHIFT }
  freeMemoryMb(): u32 { return this.freeMemory >> MEBIBYTE_SHIFT }
  /** Thousandths. */
  averageFragmentation(): u32 { return this.report.overallFragmentation }
}


/** `get_memory_stats`, into `out`. */
export function memoryStatsFill(out: MemoryStats): void {
  const space = spaceCurrent()
  zeroBytes(address(out), sizeof<MemoryStats>())
  memoryReport(out.report)
  out.totalMemory = out.report.totalMemory
  out.allocatedMemory = out.report.allocatedMemory
  out.freeMemory = out.report.freeMemory
  out.totalRegions = space == null ? 0 : space.regions
  out.mappedRegions = out.totalRegions
  out.heapInitialized = true
  swapManager().getStats(out.swapStats)
}
