// All that the frame allocator counts, in one struct: RustOS's MemoryReport. Fractions are in thousandths.

import { nth, struct, type Embed, type Row, type u32 } from '../lib/layout.ts'
import { PAGE_SHIFT } from './address.ts'
import { FRAME_ORDER_LIMIT, frameFreeBlocks, frameZoneStats, framesFree, framesTotal } from './frames.ts'
import { ZONES, ZoneStats } from './zone.ts'

@struct
class OrderCount {
  blocks: u32
}

@struct
export class BuddyAllocatorStats {
  totalFreeBlocks: u32
  freeBlocksByOrder: Row<OrderCount, 11>
  maxOrder: u32
  minOrder: u32
}

@struct
export class MemoryReport {
  totalMemory: u32 // bytes
  allocatedMemory: u32
  freeMemory: u32
  overallFragmentation: u32 // mean of the three zones
  memoryPressure: u32 // 0.7 × mean usage of the zones + 0.3 × overallFragmentation
  zoneStats: Row<ZoneStats, 3>
  buddyStats: Embed<BuddyAllocatorStats>
}

/** RustOS's `get_memory_report`, into `out`. An empty zone counts as unused and whole, as there. */
export function memoryReport(out: MemoryReport): void {
  let usage: u32 = 0
  let fragmentation: u32 = 0
  let i: u32 = 0
  while (i < ZONES) {
    const zone = nth(out.zoneStats, i)
    frameZoneStats(i, zone)
    if (zone.totalFrames != 0) usage += zone.allocatedFrames * 1000 / zone.totalFrames
    fragmentation += zone.fragmentationPermille
    i += 1
  }
  out.totalMemory = framesTotal() << PAGE_SHIFT
  out.freeMemory = framesFree() << PAGE_SHIFT
  out.allocatedMemory = out.totalMemory - out.freeMemory
  out.overallFragmentation = fragmentation / ZONES
  out.memoryPressure = (usage * 7 + fragmentation * 3) / (ZONES * 10)
  buddyStats(out.buddyStats)
}

/** RustOS's `get_buddy_stats`. */
function buddyStats(out: BuddyAllocatorStats): void {
  out.totalFreeBlocks = 0
  out.maxOrder = FRAME_ORDER_LIMIT
  out.minOrder = 0
  let order: u32 = 0
  while (order <= FRAME_ORDER_LIMIT) {
    const blocks = frameFreeBlocks(order)
    nth(out.freeBlocksByOrder, order).blocks = blocks
    out.totalFreeBlocks += blocks
    order += 1
  }
}
