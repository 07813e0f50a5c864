// The RAM we may use, worked out of the boot loader's memory map: whole pages, below the end of the direct map,
// nothing of which is firmware's, the kernel image's or a boot module's. Maps overlap and contradict themselves:
// what any region calls reserved is reserved. Pure: runs on the host; memory-init.ts applies it. Boot context.

import { add64, compare64 } from '../../lib/intrinsics.ts'
import { address, nth, staticStruct, type u32 } from '../../lib/layout.ts'
import { PAGE_SIZE, pageDown, pageUp } from './address-map.ts'
import { BootInfo, BootModule, MemoryRegion, REGION_RAM, Wide } from './boot-info.ts'
import { RangeSet, rangesAdd, rangesCut } from './ranges.ts'

const sum = staticStruct<Wide>()

/** The low half of base + length, or `limit` when that is above it (or above 2⁶⁴). */
function endBelow(base: Wide, lengthLow: u32, lengthHigh: u32, limit: u32): u32 {
  sum.low = lengthLow
  sum.high = lengthHigh
  add64(address(sum), address(sum), address(base))
  const wrapped = compare64(address(sum), address(base)) < 0
  return wrapped || sum.high != 0 || sum.low > limit ? limit : sum.low
}

function startBelow(base: Wide, limit: u32): u32 {
  return base.high != 0 || base.low > limit ? limit : base.low
}

function regionEnd(region: MemoryRegion, limit: u32): u32 {
  return endBelow(region.base, region.length.low, region.length.high, limit)
}

function addRam(set: RangeSet, region: MemoryRegion, limit: u32): void {
  const start = startBelow(region.base, limit)
  if (start > limit - PAGE_SIZE) return
  rangesAdd(set, pageUp(start), pageDown(regionEnd(region, limit)))
}

function cutRegion(set: RangeSet, region: MemoryRegion, limit: u32): void {
  rangesCut(set, pageDown(startBelow(region.base, limit)), pageUp(regionEnd(region, limit)))
}

function cutModule(set: RangeSet, module: BootModule, limit: u32): void {
  rangesCut(set, pageDown(startBelow(module.base, limit)), pageUp(endBelow(module.base, module.length, 0, limit)))
}

/**
 * Put the usable RAM below `limit` (a page boundary, at most 0xfffff000) into the empty `set`. The image lies from
 * `imageStart` up to `imageEnd`, physical. Page 0 is left out: a physical address of 0 means none.
 */
export function memoryRanges(set: RangeSet, info: BootInfo, limit: u32, imageStart: u32, imageEnd: u32): void {
  for (let i: u32 = 0; i < info.regionCount; i++) {
    const region = nth(info.regions, i)
    if (region.type == REGION_RAM) addRam(set, region, limit)
  }
  for (let i: u32 = 0; i < info.regionCount; i++) {
    const region = nth(info.regions, i)
    if (region.type != REGION_RAM) cutRegion(set, region, limit)
  }
  for (let i: u32 = 0; i < info.moduleCount; i++) cutModule(set, nth(info.modules, i), limit)
  rangesCut(set, 0, PAGE_SIZE)
  rangesCut(set, pageDown(imageStart), pageUp(imageEnd))
}

/** KiB of RAM the map has, wherever it lies; 2³² - 1 for 4 TiB and more. */
export function ramKib(info: BootInfo): u32 {
  let total: u32 = 0
  for (let i: u32 = 0; i < info.regionCount; i++) {
    const region = nth(info.regions, i)
    if (region.type != REGION_RAM) continue
    if (region.length.high >= 1024) return 0xffffffff
    const kib = (region.length.high << 22) | (region.length.low >>> 10)
    if (total + kib < total) return 0xffffffff
    total += kib
  }
  return total
}
