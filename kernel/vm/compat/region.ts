// RustOS's VirtualMemoryRegion (`memory.rs`): what is asked of an address space, in the caller's own memory.

import { address, sizeof, struct, type Embed, type PhysicalAddress, type Stored, type bool, type u32 } from '../../lib/layout.ts'
import { copyBytes, zeroBytes } from '../../lib/memory.ts'
import { randomBelow } from '../../lib/random.ts'
import { PAGE_SHIFT, PAGE_SIZE } from '../../mm/address.ts'
import { ASLR_PAGES } from '../address-space.ts'
import type { MemoryRegionType } from '../region.ts'
import { MemoryProtection } from './protection.ts'

@struct
export class VirtualMemoryRegion {
  start: u32
  size: u32 // bytes
  regionType: Stored<u32, MemoryRegionType>
  protection: Embed<MemoryProtection>
  mapped: Stored<u32, bool>
  physicalStart: PhysicalAddress // 0: None
  referenceCount: u32
  aslrOffset: u32

  /** `new`: not mapped, one reference. */
  init(start: u32, size: u32, regionType: MemoryRegionType, protection: MemoryProtection): void {
    zeroBytes(address(this), sizeof<VirtualMemoryRegion>())
    this.start = start
    this.size = size
    this.regionType = regionType
    this.referenceCount = 1
    copyBytes(address(this.protection), address(protection), sizeof<MemoryProtection>())
  }

  /** `new_with_aslr`: if `enable`, an offset at random is added to the start. */
  initWithAslr(start: u32, size: u32, regionType: MemoryRegionType, protection: MemoryProtection, enable: bool): void {
    this.init(start, size, regionType, protection)
    if (!enable) return
    this.aslrOffset = generateAslrOffset()
    this.start += this.aslrOffset
  }

  /** Exclusive. */
  end(): u32 {
    return this.start + this.size
  }

  contains(where: u32): boolean {
    return where - this.start < this.size
  }

  /** `pages` and `page_count`: rounded up. */
  pageCount(): u32 {
    return (this.size + PAGE_SIZE - 1) >> PAGE_SHIFT
  }

  incrementRefCount(): void {
    this.referenceCount += 1
  }

  /** What is left, not below 0. */
  decrementRefCount(): u32 {
    if (this.referenceCount != 0) this.referenceCount -= 1
    return this.referenceCount
  }
}

/** 0 to 268,431,360, whole pages. */
export function generateAslrOffset(): u32 {
  return randomBelow(ASLR_PAGES) << PAGE_SHIFT
}
