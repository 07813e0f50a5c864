// The zones of physical memory, by address: RustOS's names and bounds. What a zone has is in frames.ts.

import { struct, type PhysicalAddress, type Stored, type u32 } from '../lib/layout.ts'

/** Below 16 MiB, which old devices reach; below 896 MiB; and the rest. */
export const enum MemoryZone { Dma, Normal, HighMem }
export const ZONES: u32 = 3
export const DMA_ZONE_END: u32 = 0x1000000
export const NORMAL_ZONE_END: u32 = 0x38000000

/** RustOS's FragmentationStats and ZoneStats in one; the ratio is in thousandths. */
@struct
export class ZoneStats {
  zone: Stored<u32, MemoryZone>
  totalFrames: u32
  allocatedFrames: u32
  freeFrames: u32
  largestFreeOrder: u32 // 0 also when nothing is free
  fragmentationPermille: u32 // 1000 - 1000 × largest free block ÷ all that is free
}

/** The zone of an address. */
export function zoneFromAddress(physical: PhysicalAddress): MemoryZone {
  if (physical < DMA_ZONE_END) return MemoryZone.Dma
  return physical < NORMAL_ZONE_END ? MemoryZone.Normal : MemoryZone.HighMem
}
