// What ACPI says that the kernel needs: interrupt controllers (MADT), the reset register (FADT). ACPI 6.5 §5.2.
//
// Tables are found from the RSDP through the XSDT, or the RSDT of an ACPI 1.0 machine. A table counts only if its
// length is sane and its bytes add up to 0; what is wrong is left out. Pure but for the reader it is given: runs
// on the host. Boot context.

import { load32, load8 } from '../../lib/intrinsics.ts'
import {
  at, nth, plus, sizeof, struct, type Embed, type Row, type Stored, type bool, type ptr, type u16, type u32, type u8,
} from '../../lib/layout.ts'
import {
  Fadt, Madt, MadtEntry, MadtIoApic, MadtLocalApicAddress, MadtOverride, MadtProcessor, Rsdp, TableHeader,
} from './acpi-tables.ts'
import { Wide, type PhysicalReader } from './boot-info.ts'

/** I/O APICs that are kept: QEMU has one (microvm two). */
export const IOAPIC_LIMIT: u32 = 4
/** ISA interrupts: an override each. */
export const ISA_IRQS: u32 = 16

const SIGNATURE_RSD: u32 = 0x20445352 // "RSD "
const SIGNATURE_PTR: u32 = 0x20525450 // "PTR "
const SIGNATURE_XSDT: u32 = 0x54445358
const SIGNATURE_RSDT: u32 = 0x54445352
const SIGNATURE_MADT: u32 = 0x43495041 // "APIC"
const SIGNATURE_FADT: u32 = 0x50434146 // "FACP"
/** Largest table that is read: QEMU's DSDT, which is not, has 8 KiB. */
const TABLE_LIMIT: u32 = 1 << 16
const RSDP_OLD_SIZE: u32 = 20

const enum Entry { Processor = 0, IoApic = 1, Override = 2, LocalApicAddress = 5 }

@struct
export class IoApicInfo {
  address: u32
  firstGsi: u32
  id: u32
}

/** Where an ISA interrupt really arrives. */
@struct
export class IsaInterrupt {
  gsi: u32
  level: Stored<u8, bool> // level triggered, else edge
  low: Stored<u8, bool> // active low, else high
  reserved: u16
}

@struct
export class AcpiInfo {
  processors: u32 // enabled ones
  localApic: Embed<Wide>
  ioApicCount: u32
  ioApics: Row<IoApicInfo, 4> // IOAPIC_LIMIT
  isa: Row<IsaInterrupt, 16> // ISA_IRQS
  pmTimer: u32 // port, 0 none
  resetPort: u32 // 0 none
  resetValue: u32
  hasMadt: Stored<u8, bool>
  hasFadt: Stored<u8, bool>
  reserved: u16
}

/** Whether `bytes` bytes add up to 0 modulo 256. */
export function checksumRight(p: ptr, bytes: u32): boolean {
  let sum: u32 = 0
  for (let i: u32 = 0; i < bytes; i++) sum += load8(p, i)
  return (sum & 0xff) == 0
}

/** Whether there is a right RSDP in the `available` bytes at `p`. */
export function isRsdp(p: ptr, available: u32): boolean {
  if (available < RSDP_OLD_SIZE) return false
  const rsdp = at<Rsdp>(p)
  if (rsdp.signatureLow != SIGNATURE_RSD || rsdp.signatureHigh != SIGNATURE_PTR) return false
  if (!checksumRight(p, RSDP_OLD_SIZE)) return false
  return rsdp.revision == 0 || (available >= sizeof<Rsdp>() && checksumRight(p, sizeof<Rsdp>()))
}

/** The RSDP in a stretch of memory, on a 16-byte boundary (§5.2.5.1); 0 if there is none. */
export function rsdpSearch(p: ptr, bytes: u32): ptr {
  for (let offset: u32 = 0; offset + 16 <= bytes; offset += 16) {
    if (isRsdp(plus(p, offset), bytes - offset)) return plus(p, offset)
  }
  return 0 as ptr
}

/** ISA interrupts arrive where they are called, edge triggered and active high, unless the MADT says otherwise. */
export function acpiDefaults(info: AcpiInfo): void {
  for (let irq: u32 = 0; irq < ISA_IRQS; irq++) {
    const each = nth(info.isa, irq)
    each.gsi = irq
    each.level = false
    each.low = false
  }
}

function takeIoApic(entry: MadtIoApic, info: AcpiInfo): void {
  if (info.ioApicCount == IOAPIC_LIMIT) return
  const ioApic = nth(info.ioApics, info.ioApicCount)
  ioApic.address = entry.address
  ioApic.firstGsi = entry.firstGsi
  ioApic.id = entry.id
  info.ioApicCount += 1
}

function takeOverride(entry: MadtOverride, info: AcpiInfo): void {
  if (entry.bus != 0 || entry.source >= ISA_IRQS) return
  const each = nth(info.isa, entry.source)
  each.gsi = entry.gsi
  each.low = (entry.flags & 3) == 3
  each.level = ((entry.flags >>> 2) & 3) == 3
}

/** An entry whose length is less than its type's is skipped. */
function takeEntry(p: ptr, length: u32, info: AcpiInfo): void {
  switch (at<MadtEntry>(p).type) {
    case Entry.Processor:
      if (length >= sizeof<MadtProcessor>() && (at<MadtProcessor>(p).flags & 1) != 0) info.processors += 1
      return
    case Entry.IoApic:
      if (length >= sizeof<MadtIoApic>()) takeIoApic(at<MadtIoApic>(p), info)
      return
    case Entry.Override:
      if (length >= sizeof<MadtOverride>()) takeOverride(at<MadtOverride>(p), info)
      return
    case Entry.LocalApicAddress:
      if (length < sizeof<MadtLocalApicAddress>()) return
      info.localApic.low = at<MadtLocalApicAddress>(p).low
      info.localApic.high = at<MadtLocalApicAddress>(p).high
      return
  }
}

/** Take a MADT of `length` bytes whose checksum is right. */
export function madtTake(p: ptr, length: u32, info: AcpiInfo): void {
  if (length < sizeof<Madt>()) return
  info.localApic.low = at<Madt>(p).localApic
  info.localApic.high = 0
  info.hasMadt = true
  let offset = sizeof<Madt>()
  while (length - offset >= sizeof<MadtEntry>()) {
    const entry = at<MadtEntry>(plus(p, offset))
    const size: u32 = entry.length
    if (size < sizeof<MadtEntry>() || size > length - offset) return
    takeEntry(plus(p, offset), size, info)
    offset += size
  }
}

/** Take a FADT of `length` bytes whose checksum is right; that of ACPI 1.0 has no reset register. */
export function fadtTake(p: ptr, length: u32, info: AcpiInfo): void {
  if (length < 116) return
  const fadt = at<Fadt>(p)
  info.pmTimer = fadt.pmTimer
  info.hasFadt = true
  if (length < sizeof<Fadt>() || (fadt.flags & (1 << 10)) == 0) return
  if (fadt.resetSpace != 1 || fadt.resetHigh != 0 || fadt.resetLow > 0xffff) return
  info.resetPort = fadt.resetLow
  info.resetValue = fadt.resetValue
}

/** The table at a physical address, looked at whole; 0 unless it has a length and a checksum that are right. */
function tableAt(low: u32, high: u32, read: PhysicalReader): ptr {
  if ((low | high) == 0) return 0 as ptr
  const header = read(low, high, sizeof<TableHeader>())
  if (header == 0) return 0 as ptr
  const length = at<TableHeader>(header).length
  if (length < sizeof<TableHeader>() || length > TABLE_LIMIT) return 0 as ptr
  const table = read(low, high, length)
  if (table == 0 || !checksumRight(table, length)) return 0 as ptr
  return table
}

function takeTable(low: u32, high: u32, read: PhysicalReader, info: AcpiInfo): void {
  const table = tableAt(low, high, read)
  if (table == 0) return
  const length = at<TableHeader>(table).length
  if (at<TableHeader>(table).signature == SIGNATURE_MADT) madtTake(table, length, info)
  else if (at<TableHeader>(table).signature == SIGNATURE_FADT) fadtTake(table, length, info)
}

/** Every table the root table names; `width` is 4 in an RSDT and 8 in an XSDT. */
function takeRoot(root: ptr, width: u32, read: PhysicalReader, info: AcpiInfo): void {
  const length = at<TableHeader>(root).length
  for (let offset = sizeof<TableHeader>(); length - offset >= width; offset += width) {
    takeTable(load32(root, offset), width == 8 ? load32(root, offset + 4) : 0, read, info)
  }
}

/** Take everything the right RSDP at `p` leads to. */
export function acpiTake(p: ptr, read: PhysicalReader, info: AcpiInfo): void {
  const rsdp = at<Rsdp>(p)
  if (rsdp.revision != 0) {
    const xsdt = tableAt(rsdp.xsdtLow, rsdp.xsdtHigh, read)
    if (xsdt != 0 && at<TableHeader>(xsdt).signature == SIGNATURE_XSDT) return takeRoot(xsdt, 8, read, info)
  }
  const rsdt = tableAt(rsdp.rsdt, 0, read)
  if (rsdt != 0 && at<TableHeader>(rsdt).signature == SIGNATURE_RSDT) takeRoot(rsdt, 4, read, info)
}
