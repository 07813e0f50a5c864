// Boot information and usable RAM, taken from the machine: reads through views of physical memory, adds what
// is usable to the direct map, and says in the log what stays unused. Boot context.

import { DIRECT_MAP_LIMIT } from '../../config.ts'
import { linkerSymbol } from '../../lib/intrinsics.ts'
import { nth, staticStruct, type PhysicalAddress, type cstring, type ptr, type u32 } from '../../lib/layout.ts'
import { Level, logDecimal, logEnd, logStart, logText } from '../../lib/log.ts'
import { panic } from '../../lib/panic.ts'
import { directPhysical, directVirtual } from './address-map.ts'
import { BootFault, BootInfo, BootProtocol, bootFault } from './boot-info.ts'
import { physicalView, windowMark, windowRelease } from './device-window.ts'
import { memoryRanges, ramKib } from './memory-map.ts'
import { modulesPlace } from './modules.ts'
import { MULTIBOOT2_MAGIC, multiboot2Take } from './multiboot2.ts'
import { directMapAdd } from './paging.ts'
import { PVH_MAGIC, pvhTake } from './pvh.ts'
import { RangeSet, rangeAt, rangesLimit, rangesTotal } from './ranges.ts'

const boot = staticStruct<BootInfo>()
const usable = staticStruct<RangeSet>()

/** What the boot loader told; complete once `bootInfoTake` ran. */
export function bootInfo(): BootInfo {
  return boot
}

/** Copy everything the loader told: `magic` names its protocol, `low` is the physical address entry.S was given. */
export function bootInfoTake(magic: u32, low: u32): BootInfo {
  const mark = windowMark()
  if (magic == PVH_MAGIC) pvhTake(low, physicalView, boot)
  else if (magic == MULTIBOOT2_MAGIC) multiboot2Take(low, physicalView, boot)
  else bootFault(boot, BootFault.UnknownProtocol)
  windowRelease(mark)
  return boot
}

/** The protocol's name. */
export function bootProtocolName(): cstring {
  switch (boot.protocol) {
    case BootProtocol.Pvh: return 'pvh'
    case BootProtocol.Multiboot2: return 'multiboot2'
    default: return 'unknown'
  }
}

function logFault(): void {
  if (boot.fault == BootFault.None) return
  if (!logStart(Level.Warn, 'boot', 'information')) return
  logText('protocol', bootProtocolName())
  switch (boot.fault) {
    case BootFault.UnknownProtocol: logText('fault', 'protocol'); break
    case BootFault.BadInformation: logText('fault', 'malformed'); break
    case BootFault.TooMany: logText('fault', 'too-many'); break
    default: logText('fault', 'no-memory-map'); break
  }
  logEnd()
}

function logUnused(): void {
  const used = rangesTotal(usable) >>> 20
  const found = memoryTotalMib()
  if (found <= DIRECT_MAP_LIMIT >>> 20) return
  if (!logStart(Level.Warn, 'memory', 'unused')) return
  logDecimal('ram_mib', found)
  logDecimal('used_mib', used)
  logDecimal('limit_mib', DIRECT_MAP_LIMIT >>> 20)
  logEnd()
}

/** Bring every usable range into the direct map; one that can not be, for want of page tables, ends where it stopped. */
function mapUsable(): void {
  for (let i: u32 = 0; i < usable.count; i++) {
    const range = rangeAt(usable, i)
    range.end = directMapAdd(range.start as PhysicalAddress, range.end as PhysicalAddress)
  }
}

/**
 * Work out the usable RAM and add it to the direct map, and boot modules with it. `limit` is the most to use in bytes, 0 for
 * all. Without any RAM the kernel can not go on: a panic.
 */
export function memoryInit(limit: u32): void {
  const start = directPhysical(linkerSymbol('kernel_image'))
  const end = directPhysical(linkerSymbol('kernel_image_end'))
  memoryRanges(usable, boot, DIRECT_MAP_LIMIT, start, end)
  modulesPlace(boot, usable)
  if (limit != 0) rangesLimit(usable, limit)
  mapUsable()
  logFault()
  logUnused()
  if (rangesTotal(usable) == 0) panic('no usable memory')
}

/** How many ranges of usable RAM there are. */
export function memoryRangeCount(): u32 {
  return usable.count
}

/** First byte of a usable range; a page boundary. */
export function memoryRangeStart(index: u32): PhysicalAddress {
  return rangeAt(usable, index).start as PhysicalAddress
}

/** First byte after a usable range; a page boundary. */
export function memoryRangeEnd(index: u32): PhysicalAddress {
  return rangeAt(usable, index).end as PhysicalAddress
}

/** The boot module at `index`, below bootInfo().moduleCount: where it is now. 0 bytes: it was dropped. */
export function bootModuleStart(index: u32): ptr {
  return directVirtual(nth(boot.modules, index).base.low as PhysicalAddress)
}
export function bootModuleLength(index: u32): u32 {
  return nth(boot.modules, index).length
}

/** MiB of RAM the machine has, rounded up: firmware keeps some hundred KiB for itself. */
export function memoryTotalMib(): u32 {
  return (ramKib(boot) >>> 10) + ((ramKib(boot) & 1023) != 0 ? 1 : 0)
}
