// What the boot loader told us, in one form for both protocols, copied out of its memory before anything else
// uses that memory. Nothing of it is believed before it is bounded: see pvh.ts and multiboot2.ts.
//
// Pure but for the reader it is given: runs on the host. Boot context.

import { COMMAND_LINE_LIMIT } from '../../config.ts'
import { load8, store8 } from '../../lib/intrinsics.ts'
import { nth, struct, type Bytes, type Embed, type Row, type Stored, type bool, type ptr, type u32, type u8 } from '../../lib/layout.ts'

/** Regions of the memory map that are kept: QEMU gives 7 to 10, real firmware some dozens. */
export const REGION_LIMIT: u32 = 64
/** Boot modules that are kept. */
export const MODULE_LIMIT: u32 = 8

/** Type of a region that is RAM; every other type is not for us. ACPI 6.5 §15.1, the same in both protocols. */
export const REGION_RAM: u32 = 1

const SPACE: u32 = 0x20

/** What was wrong with the boot information; the kernel boots with what it did get. */
export const enum BootFault {
  None,
  /** Neither protocol's magic number. */
  UnknownProtocol,
  /** The information can not be there: address, size or magic number. */
  BadInformation,
  /** More regions or modules than are kept; the rest is unused. */
  TooMany,
  /** No memory map. */
  NoMemoryMap,
}

export const enum BootProtocol { Unknown, Pvh, Multiboot2 }

/** A number of 64 bits. */
@struct
export class Wide {
  low: u32
  high: u32
}

@struct
export class MemoryRegion {
  base: Embed<Wide>
  length: Embed<Wide>
  type: u32
}

/** A file the loader put into memory (QEMU's -initrd, GRUB's module2). */
@struct
export class BootModule {
  base: Embed<Wide>
  length: u32
}

@struct
export class BootInfo {
  protocol: Stored<u8, BootProtocol>
  fault: Stored<u8, BootFault> // the last one met
  commandLineCut: Stored<u8, bool> // it was longer than COMMAND_LINE_LIMIT - 1
  hasRsdpCopy: Stored<u8, bool> // rsdpCopy is filled in
  regionCount: u32
  moduleCount: u32
  rsdp: Embed<Wide> // physical address of ACPI's RSDP; 0 when not told
  regions: Row<MemoryRegion, 64> // REGION_LIMIT
  modules: Row<BootModule, 8> // MODULE_LIMIT
  rsdpCopy: Bytes<36> // the RSDP itself, where the protocol hands over a copy
  commandLine: Bytes<2048> // COMMAND_LINE_LIMIT; zero-terminated
}

/**
 * How to look at physical memory: the address of `bytes` bytes at low + high × 2³², or 0. What it returned stays
 * readable until the whole boot information was taken.
 */
export type PhysicalReader = (low: u32, high: u32, bytes: u32) => ptr

/** Note a fault; the last one is kept. */
export function bootFault(info: BootInfo, fault: BootFault): void {
  info.fault = fault
}

/** Keep one region; a region of no length is ignored. */
export function regionAdd(info: BootInfo, baseLow: u32, baseHigh: u32, lengthLow: u32, lengthHigh: u32, type: u32): void {
  if ((lengthLow | lengthHigh) == 0) return
  if (info.regionCount == REGION_LIMIT) return bootFault(info, BootFault.TooMany)
  const region = nth(info.regions, info.regionCount)
  region.base.low = baseLow
  region.base.high = baseHigh
  region.length.low = lengthLow
  region.length.high = lengthHigh
  region.type = type
  info.regionCount += 1
}

/** Keep one module; an empty one is ignored. */
export function moduleAdd(info: BootInfo, baseLow: u32, baseHigh: u32, length: u32): void {
  if (length == 0) return
  if (info.moduleCount == MODULE_LIMIT) return bootFault(info, BootFault.TooMany)
  const module = nth(info.modules, info.moduleCount)
  module.base.low = baseLow
  module.base.high = baseHigh
  module.length = length
  info.moduleCount += 1
}

/**
 * Copy the command line: up to a zero byte, `available` bytes, or the limit. What the limit cuts ends with the last
 * whole word: half a value is another value.
 */
export function commandLineTake(info: BootInfo, text: ptr, available: u32): void {
  const room: u32 = COMMAND_LINE_LIMIT - 1
  let length: u32 = 0
  while (length < available && length < room) {
    const byte: u8 = load8(text, length)
    if (byte == 0) break
    store8(info.commandLine, length, byte)
    length += 1
  }
  info.commandLineCut = length == room && length < available && load8(text, length) != 0
  if (info.commandLineCut) {
    while (length != 0 && load8(text, length) != SPACE) length -= 1
  }
  store8(info.commandLine, length, 0)
}
