// PVH boot: Xen's start-of-day structure, as QEMU's -kernel passes it. xen/include/public/arch-x86/hvm/start_info.h
//
//    0  magic         4  version       8  flags        12  modules
//   16  module list (64 bits)         24  command line (64 bits)
//   32  RSDP (64 bits)                40  memory map (64 bits, from version 1)
//   48  entries of it                 52  zero
//
// All addresses are physical and may be anywhere below 2⁶⁴. Pure: runs on the host.

import { COMMAND_LINE_LIMIT } from '../../config.ts'
import { at, nth, sizeof, wire, type Embed, type Le, type u32 } from '../../lib/layout.ts'
import {
  BootFault, BootInfo, BootProtocol, MODULE_LIMIT, REGION_LIMIT, bootFault, commandLineTake, moduleAdd, regionAdd,
  type PhysicalReader,
} from './boot-info.ts'

/** First word of the start info, and what entry.S passes for this protocol. */
export const PVH_MAGIC: u32 = 0x336ec578

@wire(8)
export class PvhAddress {
  low: Le<u32>
  high: Le<u32>
}

@wire(56)
export class PvhStartInfo {
  magic: Le<u32>
  version: Le<u32> // 1 has the memory map
  flags: Le<u32>
  moduleCount: Le<u32>
  modules: Embed<PvhAddress>
  commandLine: Embed<PvhAddress>
  rsdp: Embed<PvhAddress>
  memoryMap: Embed<PvhAddress>
  memoryMapEntries: Le<u32>
  reserved: Le<u32>
}

@wire(32)
export class PvhModule {
  base: Embed<PvhAddress>
  length: Embed<PvhAddress>
  commandLine: Embed<PvhAddress>
  reserved: Embed<PvhAddress>
}

@wire(24)
export class PvhMemoryEntry {
  base: Embed<PvhAddress>
  length: Embed<PvhAddress>
  type: Le<u32>
  reserved: Le<u32>
}

function isSet(address: PvhAddress): boolean {
  return (address.low | address.high) != 0
}

function takeMemoryMap(start: PvhStartInfo, read: PhysicalReader, into: BootInfo): void {
  if (start.version < 1 || start.memoryMapEntries == 0) return bootFault(into, BootFault.NoMemoryMap)
  let entries = start.memoryMapEntries
  if (entries > REGION_LIMIT) {
    entries = REGION_LIMIT
    bootFault(into, BootFault.TooMany)
  }
  const map = read(start.memoryMap.low, start.memoryMap.high, entries * sizeof<PvhMemoryEntry>())
  if (map == 0) return bootFault(into, BootFault.BadInformation)
  for (let i: u32 = 0; i < entries; i++) {
    const entry = nth(at<PvhMemoryEntry>(map), i)
    regionAdd(into, entry.base.low, entry.base.high, entry.length.low, entry.length.high, entry.type)
  }
}

function takeModules(start: PvhStartInfo, read: PhysicalReader, into: BootInfo): void {
  let count = start.moduleCount
  if (count == 0) return
  if (count > MODULE_LIMIT) {
    count = MODULE_LIMIT
    bootFault(into, BootFault.TooMany)
  }
  const list = read(start.modules.low, start.modules.high, count * sizeof<PvhModule>())
  if (list == 0) return bootFault(into, BootFault.BadInformation)
  for (let i: u32 = 0; i < count; i++) {
    const module = nth(at<PvhModule>(list), i)
    if (module.length.high != 0) bootFault(into, BootFault.BadInformation) // no module has 4 GiB
    else moduleAdd(into, module.base.low, module.base.high, module.length.low)
  }
}

/** Take what the start info at physical `low` says. What can not be right is left out and noted in `into.fault`. */
export function pvhTake(low: u32, read: PhysicalReader, into: BootInfo): void {
  into.protocol = BootProtocol.Pvh
  const view = read(low, 0, sizeof<PvhStartInfo>())
  if (view == 0) return bootFault(into, BootFault.BadInformation)
  const start = at<PvhStartInfo>(view)
  if (start.magic != PVH_MAGIC) return bootFault(into, BootFault.BadInformation)
  into.rsdp.low = start.rsdp.low
  into.rsdp.high = start.rsdp.high
  takeMemoryMap(start, read, into)
  takeModules(start, read, into)
  if (!isSet(start.commandLine)) return
  const line = read(start.commandLine.low, start.commandLine.high, COMMAND_LINE_LIMIT)
  if (line == 0) return bootFault(into, BootFault.BadInformation)
  commandLineTake(into, line, COMMAND_LINE_LIMIT)
}
