// Multiboot2 boot information, as GRUB passes it. Multiboot2 specification §3.6.
//
// A header of 8 bytes, then tags, each on an 8-byte boundary, up to one of type 0:
//
//    0  total size     4  reserved      8  first tag
//    tag:  0  type     4  size, this header included, padding not     8  contents
//
// Pure: runs on the host.

import { at, distance, plus, sizeof, wire, type Le, type ptr, type u32 } from '../../lib/layout.ts'
import { copyBytes } from '../../lib/memory.ts'
import { BootFault, BootInfo, BootProtocol, bootFault, commandLineTake, moduleAdd, regionAdd, type PhysicalReader } from './boot-info.ts'

/** EAX at entry. §3.3 */
export const MULTIBOOT2_MAGIC: u32 = 0x36d76289
/** Largest information that is read: GRUB's is under 4 KiB, ELF section headers and SMBIOS tables included. */
const SIZE_LIMIT: u32 = 1 << 20
/** Of an ACPI 2.0 RSDP; the 1.0 form has the first 20 bytes. */
const RSDP_SIZE: u32 = 36

/** §3.6.3 and on; the other types are skipped. */
const enum Tag { End = 0, CommandLine = 1, Module = 3, MemoryMap = 6, RsdpOld = 14, RsdpNew = 15 }

@wire(8)
export class Multiboot2Header {
  totalSize: Le<u32>
  reserved: Le<u32>
}

@wire(8)
export class Multiboot2Tag {
  type: Le<u32>
  size: Le<u32>
}

/** §3.6.6; its command line follows. */
@wire(16)
export class Multiboot2Module {
  type: Le<u32>
  size: Le<u32>
  start: Le<u32>
  end: Le<u32> // exclusive
}

/** §3.6.8; entries follow. */
@wire(16)
export class Multiboot2MemoryMap {
  type: Le<u32>
  size: Le<u32>
  entrySize: Le<u32> // a multiple of 8, at least 24
  entryVersion: Le<u32>
}

@wire(24)
export class Multiboot2MemoryEntry {
  baseLow: Le<u32>
  baseHigh: Le<u32>
  lengthLow: Le<u32>
  lengthHigh: Le<u32>
  type: Le<u32>
  reserved: Le<u32>
}

function takeMemoryMap(map: Multiboot2MemoryMap, p: ptr, size: u32, into: BootInfo): void {
  if (size < sizeof<Multiboot2MemoryMap>()) return bootFault(into, BootFault.BadInformation)
  const step = map.entrySize
  if (step < sizeof<Multiboot2MemoryEntry>() || step > size) return bootFault(into, BootFault.BadInformation)
  const end = plus(p, size)
  let each = plus(p, sizeof<Multiboot2MemoryMap>())
  while (distance(each, end) >= step) {
    const entry = at<Multiboot2MemoryEntry>(each)
    regionAdd(into, entry.baseLow, entry.baseHigh, entry.lengthLow, entry.lengthHigh, entry.type)
    each = plus(each, step)
  }
}

function takeModule(module: Multiboot2Module, size: u32, into: BootInfo): void {
  const right = size >= sizeof<Multiboot2Module>() && module.end >= module.start
  if (right) moduleAdd(into, module.start, 0, module.end - module.start)
  else bootFault(into, BootFault.BadInformation)
}

function takeRsdp(contents: ptr, length: u32, into: BootInfo): void {
  copyBytes(into.rsdpCopy, contents, length < RSDP_SIZE ? length : RSDP_SIZE)
  into.hasRsdpCopy = true
}

function takeTag(p: ptr, size: u32, into: BootInfo): void {
  const contents = plus(p, sizeof<Multiboot2Tag>())
  const length = size - sizeof<Multiboot2Tag>()
  switch (at<Multiboot2Tag>(p).type) {
    case Tag.CommandLine: return commandLineTake(into, contents, length)
    case Tag.Module: return takeModule(at<Multiboot2Module>(p), size, into)
    case Tag.MemoryMap: return takeMemoryMap(at<Multiboot2MemoryMap>(p), p, size, into)
    case Tag.RsdpOld: if (!into.hasRsdpCopy) takeRsdp(contents, length, into); return
    case Tag.RsdpNew: return takeRsdp(contents, length, into)
  }
}

/** Take what the information at physical `low` says. What can not be right is left out and noted in `into.fault`. */
export function multiboot2Take(low: u32, read: PhysicalReader, into: BootInfo): void {
  into.protocol = BootProtocol.Multiboot2
  const first = read(low, 0, sizeof<Multiboot2Header>())
  if (first == 0) return bootFault(into, BootFault.BadInformation)
  const total = at<Multiboot2Header>(first).totalSize
  if (total < 16 || total > SIZE_LIMIT) return bootFault(into, BootFault.BadInformation)
  const start = read(low, 0, total)
  if (start == 0) return bootFault(into, BootFault.BadInformation)

  let offset = sizeof<Multiboot2Header>()
  while (total - offset >= sizeof<Multiboot2Tag>()) {
    const tag = plus(start, offset)
    if (at<Multiboot2Tag>(tag).type == Tag.End) break
    const size = at<Multiboot2Tag>(tag).size
    if (size < sizeof<Multiboot2Tag>() || size > total - offset) return bootFault(into, BootFault.BadInformation)
    takeTag(tag, size, into)
    const step = (size + 7) & ~7
    if (step > total - offset) break
    offset += step
  }
  if (into.regionCount == 0) bootFault(into, BootFault.NoMemoryMap)
}
