// ACPI's tables as the firmware leaves them in memory, as far as they are read. ACPI 6.5 §5.2.
// Offsets are the comments; everything is little-endian and unaligned.

import { wire, type Bytes, type Embed, type Le, type u16, type u32, type u8 } from '../../lib/layout.ts'

/** §5.2.5.3. The first 20 bytes are all of the 1.0 form. */
@wire(36)
export class Rsdp {
  signatureLow: Le<u32> // 0   "RSD PTR "
  signatureHigh: Le<u32>
  checksum: u8 // 8   over the first 20 bytes
  oemId: Bytes<6>
  revision: u8 // 15  0: 1.0
  rsdt: Le<u32> // 16
  length: Le<u32> // 20
  xsdtLow: Le<u32> // 24
  xsdtHigh: Le<u32>
  extendedChecksum: u8 // 32  over `length` bytes
  reserved: Bytes<3>
}

/** The header of every table, §5.2.6. */
@wire(36)
export class TableHeader {
  signature: Le<u32> // 0
  length: Le<u32> // 4   header included
  revision: u8
  checksum: u8 // 9   all bytes add up to 0
  oemId: Bytes<6>
  oemTableId: Bytes<8>
  oemRevision: Le<u32>
  creatorId: Le<u32>
  creatorRevision: Le<u32>
}

/** §5.2.12. Entries follow. */
@wire(44)
export class Madt {
  header: Embed<TableHeader>
  localApic: Le<u32> // 36  physical address of the local APICs
  flags: Le<u32> // 40  bit 0: there are 8259s too
}

@wire(2)
export class MadtEntry {
  type: u8
  length: u8
}

/** §5.2.12.2, type 0. */
@wire(8)
export class MadtProcessor {
  type: u8
  length: u8
  processorId: u8
  apicId: u8
  flags: Le<u32> // bit 0: enabled
}

/** §5.2.12.3, type 1. */
@wire(12)
export class MadtIoApic {
  type: u8
  length: u8
  id: u8
  reserved: u8
  address: Le<u32>
  firstGsi: Le<u32>
}

/** §5.2.12.5, type 2. */
@wire(10)
export class MadtOverride {
  type: u8
  length: u8
  bus: u8 // 0: ISA
  source: u8 // the ISA IRQ
  gsi: Le<u32>
  flags: Le<u16> // bits 0-1 polarity, 2-3 trigger: 0 as the bus, 1 high or edge, 3 low or level
}

/** §5.2.12.8, type 5. */
@wire(12)
export class MadtLocalApicAddress {
  type: u8
  length: u8
  reserved: Le<u16>
  low: Le<u32>
  high: Le<u32>
}

/** §5.2.9, up to the reset register; later fields are not read. */
@wire(129)
export class Fadt {
  header: Embed<TableHeader>
  gap36: Bytes<40>
  pmTimer: Le<u32> // 76  port of the power-management timer
  gap80: Bytes<32>
  flags: Le<u32> // 112 bit 10: there is a reset register
  resetSpace: u8 // 116 a generic address structure, §5.2.3.2: 1 is I/O ports
  resetWidth: u8
  resetOffset: u8
  resetAccess: u8
  resetLow: Le<u32> // 120
  resetHigh: Le<u32>
  resetValue: u8 // 128
}
