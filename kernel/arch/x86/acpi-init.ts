// ACPI on this machine: find the RSDP, take the tables through views of physical memory. Boot context, once.
//
// The RSDP comes from the boot loader (an address with PVH, a copy with multiboot2), else from where a BIOS puts
// it: the first KiB of the extended BIOS data area, or 0xe0000 to 0xfffff. ACPI 6.5 §5.2.5.1.

import { load16 } from '../../lib/intrinsics.ts'
import { staticStruct, sizeof, type ptr, type u32 } from '../../lib/layout.ts'
import { Level, logDecimal, logEnd, logLine, logStart } from '../../lib/log.ts'
import { AcpiInfo, acpiDefaults, acpiTake, isRsdp, rsdpSearch } from './acpi.ts'
import { Rsdp } from './acpi-tables.ts'
import { BootInfo } from './boot-info.ts'
import { physicalView, windowMark, windowRelease } from './device-window.ts'
import { bootInfo } from './memory-init.ts'

/** Where the BIOS data area has the segment of the extended one. */
const EBDA_SEGMENT: u32 = 0x40e
const EBDA_SEARCHED: u32 = 1024
const BIOS_START: u32 = 0xe0000
const BIOS_SIZE: u32 = 0x20000

const info = staticStruct<AcpiInfo>()

/** What ACPI told; complete once `acpiInit` ran. */
export function acpiInfo(): AcpiInfo {
  return info
}

function searchIn(low: u32, bytes: u32): ptr {
  const view = physicalView(low, 0, bytes)
  return view == 0 ? view : rsdpSearch(view, bytes)
}

function searchBios(): ptr {
  const data = physicalView(EBDA_SEGMENT, 0, 2)
  if (data == 0) return data
  const area: u32 = load16(data, 0) << 4
  const found = area == 0 ? area as ptr : searchIn(area, EBDA_SEARCHED)
  return found != 0 ? found : searchIn(BIOS_START, BIOS_SIZE)
}

function findRsdp(boot: BootInfo): ptr {
  if (boot.hasRsdpCopy && isRsdp(boot.rsdpCopy, sizeof<Rsdp>())) return boot.rsdpCopy
  if ((boot.rsdp.low | boot.rsdp.high) != 0) {
    const view = physicalView(boot.rsdp.low, boot.rsdp.high, sizeof<Rsdp>())
    if (view != 0 && isRsdp(view, sizeof<Rsdp>())) return view
  }
  return searchBios()
}

/** Find and take the tables. Without any the kernel goes on with what every PC has; the log says so. */
export function acpiInit(): void {
  acpiDefaults(info)
  const mark = windowMark()
  const rsdp = findRsdp(bootInfo())
  if (rsdp == 0) logLine(Level.Warn, 'acpi', 'none')
  else acpiTake(rsdp, physicalView, info)
  windowRelease(mark)
  if (rsdp == 0 || !logStart(Level.Debug, 'acpi', 'found')) return
  logDecimal('processors', info.processors)
  logDecimal('ioapics', info.ioApicCount)
  logEnd()
}
