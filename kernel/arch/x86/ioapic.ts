// The I/O APICs: which interrupt line reaches which vector. Intel 82093AA data sheet §3.
//
// Lines are numbered by global system interrupt (GSI), ACPI 6.5 §5.2.13. Routes go to the one processor, fixed
// delivery, physical destination. Boot context.

import { at, mmio, nth, staticRow, struct, type Bytes, type u32 } from '../../lib/layout.ts'
import { AcpiInfo, ISA_IRQS } from './acpi.ts'
import { localApicId } from './apic.ts'
import { deviceMap } from './device-window.ts'

/** Registers are reached through an index and a window. */
@mmio(0x20)
class IoApicWindow {
  select: u32 // 0x00 IOREGSEL
  gap04: Bytes<12>
  data: u32 // 0x10 IOWIN
  gap14: Bytes<12>
}

@struct
class IoApic {
  registers: IoApicWindow
  firstGsi: u32
  lines: u32
}

const LIMIT: u32 = 4
const VERSION: u32 = 0x01
const REDIRECTION: u32 = 0x10
const LEVEL: u32 = 1 << 15
const ACTIVE_LOW: u32 = 1 << 13
const MASKED: u32 = 1 << 16

const ioApics = staticRow<IoApic>(LIMIT)
let count: u32 = 0
/** A PC without ACPI has its I/O APIC here. Intel MultiProcessor Specification 1.4 §3.6.5. */
const DEFAULT_ADDRESS: u32 = 0xfec00000

function read(registers: IoApicWindow, index: u32): u32 {
  registers.select = index
  return registers.data
}

function write(registers: IoApicWindow, index: u32, value: u32): void {
  registers.select = index
  registers.data = value
}

/** Map one and mask all its lines. */
function add(physical: u32, firstGsi: u32): void {
  const window = deviceMap(physical, 0, 0x20)
  if (window == 0 || count == LIMIT) return
  const each = nth(ioApics, count)
  each.registers = at<IoApicWindow>(window)
  each.firstGsi = firstGsi
  each.lines = ((read(each.registers, VERSION) >>> 16) & 0xff) + 1
  for (let line: u32 = 0; line < each.lines; line++) write(each.registers, REDIRECTION + line * 2, MASKED)
  count += 1
}

/** Find the I/O APICs the MADT names, or the one every PC has, all lines masked. */
export function ioapicInit(acpi: AcpiInfo): void {
  if (acpi.ioApicCount == 0) add(DEFAULT_ADDRESS, 0)
  for (let i: u32 = 0; i < acpi.ioApicCount; i++) add(nth(acpi.ioApics, i).address, nth(acpi.ioApics, i).firstGsi)
}

/** How many there are. */
export function ioapicCount(): u32 {
  return count
}

function find(gsi: u32): IoApic | null {
  for (let i: u32 = 0; i < count; i++) {
    const each = nth(ioApics, i)
    if (gsi >= each.firstGsi && gsi - each.firstGsi < each.lines) return each
  }
  return null
}

/** Deliver `gsi` as `vector`, level or edge triggered, active low or high. False when no I/O APIC has the line. */
export function ioapicRoute(gsi: u32, vector: u32, level: boolean, low: boolean): boolean {
  const ioApic = find(gsi)
  if (ioApic == null) return false
  const index = REDIRECTION + (gsi - ioApic.firstGsi) * 2
  write(ioApic.registers, index, MASKED)
  write(ioApic.registers, index + 1, localApicId() << 24)
  write(ioApic.registers, index, vector | (level ? LEVEL : 0) | (low ? ACTIVE_LOW : 0))
  return true
}

/** Mask `gsi`. */
export function ioapicUnroute(gsi: u32): void {
  const ioApic = find(gsi)
  if (ioApic != null) write(ioApic.registers, REDIRECTION + (gsi - ioApic.firstGsi) * 2, MASKED)
}

/** Deliver ISA interrupt `irq` (below 16) as `vector`, with the line and the trigger the MADT gives it. */
export function isaRoute(acpi: AcpiInfo, irq: u32, vector: u32): boolean {
  const isa = nth(acpi.isa, irq)
  return ioapicRoute(isa.gsi, vector, isa.level, isa.low)
}

/**
 * Deliver a PCI INTx line as `vector`, given the function's interrupt-line register.
 *
 * The firmware writes there the 8259 input the line is steered to, and both of QEMU's chip sets raise the I/O
 * APIC input of that number too (the MADT of the PC names 5, 9, 10 and 11 level triggered and active high; where
 * an override says nothing of it, PCI's own rule holds: level, active low). So no AML needs to be interpreted.
 * False for a line that is not one of the 16, such as 0xff, "unknown".
 */
export function pciRoute(acpi: AcpiInfo, line: u32, vector: u32): boolean {
  if (line >= ISA_IRQS) return false
  const isa = nth(acpi.isa, line)
  const told = isa.level
  return ioapicRoute(isa.gsi, vector, true, told ? isa.low : true)
}
