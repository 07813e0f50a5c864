// What the tests of kernel/mm and of selftest=mm call.

import { nth, staticRow, staticStruct, type cstring, type ptr, type u32 } from '../../kernel/lib/layout.ts'
import { frameZoneStats } from '../../kernel/mm/frames.ts'
import { heapStats } from '../../kernel/mm/heap.ts'
import { Pool, poolAllocate, poolFree, poolFreeObjects, poolInit } from '../../kernel/mm/pool.ts'
import { MemoryReport, memoryReport } from '../../kernel/mm/report.ts'
import { ZoneStats } from '../../kernel/mm/zone.ts'

export { keepLog, keptAddress, keptBytes } from './log-sink.ts'
export { panicWhy, rememberPanics } from './panics.ts'
export { randomSeed } from '../../kernel/lib/random.ts'
export { isDirectMapped, pageCeiling, pageFloor, physicalOf, virtualOf } from '../../kernel/mm/address.ts'
export {
  frameAllocate, frameAllocateContiguous, frameAllocateInZone, frameAllocateZeroed, frameBlockOf, frameBlockOrder,
  frameBlockUse, frameFree, frameFreeBlocks, frameMemory, frameOrderFor, frameUseSet, framesAddRegion, framesFree,
  framesTotal,
} from '../../kernel/mm/frames.ts'
export { heapAllocate, heapFree, heapInit, heapSize } from '../../kernel/mm/heap.ts'
export { zoneFromAddress } from '../../kernel/mm/zone.ts'
export { selftestMm } from '../../kernel/selftest/mm.ts'
export { startVm } from './vm-start.ts'

const pools = staticRow<Pool>(4)
const stats = staticStruct<ZoneStats>()

export function makePool(index: u32, name: cstring, size: u32, limit: u32): void {
  poolInit(nth(pools, index), name, size, limit)
}
export function fromPool(index: u32): ptr { return poolAllocate(nth(pools, index)) }
export function toPool(index: u32, p: ptr): void { poolFree(nth(pools, index), p) }
export function poolUsed(index: u32): u32 { return nth(pools, index).used }
export function poolSlabs(index: u32): u32 { return nth(pools, index).slabs }
export function poolPerSlab(index: u32): u32 { return nth(pools, index).perSlab }
export function poolOrder(index: u32): u32 { return nth(pools, index).order }
export function poolFailures(index: u32): u32 { return nth(pools, index).failures }
export function poolRoom(index: u32): u32 { return poolFreeObjects(nth(pools, index)) }

export function heapAllocations(): u32 { return heapStats().allocations }
export function heapBytes(): u32 { return heapStats().bytes }
export function heapFrames(): u32 { return heapStats().frames }
export function heapFailures(): u32 { return heapStats().failures }

export function zoneTotal(zone: u32): u32 { frameZoneStats(zone, stats); return stats.totalFrames }
export function zoneAllocated(zone: u32): u32 { frameZoneStats(zone, stats); return stats.allocatedFrames }
export function zoneLargest(zone: u32): u32 { frameZoneStats(zone, stats); return stats.largestFreeOrder }
export function zoneFragmentation(zone: u32): u32 { frameZoneStats(zone, stats); return stats.fragmentationPermille }

const report = staticStruct<MemoryReport>()

/** 0 total, 1 allocated, 2 free bytes, 3 fragmentation, 4 pressure, 5 free blocks, 6 blocks of order `order`. */
export function reportField(which: u32, order: u32): u32 {
  memoryReport(report)
  switch (which) {
    case 0: return report.totalMemory
    case 1: return report.allocatedMemory
    case 2: return report.freeMemory
    case 3: return report.overallFragmentation
    case 4: return report.memoryPressure
    case 5: return report.buddyStats.totalFreeBlocks
    default: return nth(report.buddyStats.freeBlocksByOrder, order).blocks
  }
}
