// What virtio-blk puts around a transfer, and its configuration. virtio 1.2 §5.2.3, §5.2.4, §5.2.6.

import { mmio, wire, type Le, type u16, type u32, type u8 } from '../../lib/layout.ts'

/** Feature bits, lower word. virtio 1.2 §5.2.3. */
export const enum BlkFeature {
  SizeMax = 0x2, // bit 1: largest segment
  SegMax = 0x4, // bit 2: most segments in one request
  ReadOnly = 0x20, // bit 5
  BlockSize = 0x40, // bit 6
  Flush = 0x200, // bit 9
}

/** virtio 1.2 §5.2.6. */
export const enum BlkType { In = 0, Out = 1, Flush = 4 }

/** virtio 1.2 §5.2.6. */
export const enum BlkStatus {
  Ok = 0,
  IoError = 1,
  Unsupported = 2,
  /** Not of the specification: what the byte is set to before the device writes it. */
  Unset = 0xff,
}

/** First part of a request, read by the device; the data and one byte of status follow. virtio 1.2 §5.2.6. */
@wire(16)
export class BlkHeader {
  type: Le<u32> // BlkType
  reserved: Le<u32>
  sectorLow: Le<u32> // in 512-byte units; 0 for Flush
  sectorHigh: Le<u32>
}

/** One byte of status. */
@wire(1)
export class BlkStatusByte {
  status: u8
}

/** The first 24 bytes of virtio 1.2 §5.2.4; what follows is not used. */
@mmio(24)
export class BlkConfiguration {
  capacityLow: Le<u32> // in 512-byte sectors
  capacityHigh: Le<u32>
  sizeMax: Le<u32>
  segMax: Le<u32>
  cylinders: Le<u16>
  heads: u8
  sectors: u8
  blockSize: Le<u32>
}
