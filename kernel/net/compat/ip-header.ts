// RustOS's IPv4Header and IPv6Header (`net/ip.rs`) over the bytes of a packet. RFC 791 §3.1, RFC 8200 §3. Any context.

import { address, at, plus, wire, type Be, type Bytes, type ptr, type u16, type u32, type u8 } from '../../lib/layout.ts'
import { checksumOf, onesSum } from '../checksum.ts'
import type { Ipv4Address } from '../ipv4/address.ts'
import { NetworkError, errorAddress } from './error.ts'
import type { PacketBuffer } from './packet-buffer.ts'

export const IPV4_HEADER_MIN_SIZE: u32 = 20
export const IPV6_HEADER_SIZE: u32 = 40
const MORE_OR_OFFSET: u32 = 0x3fff

@wire(20)
export class IPv4Header {
  versionIhl: u8
  tos: u8
  totalLength: Be<u16>
  identification: Be<u16>
  flagsFragment: Be<u16>
  ttl: u8
  protocol: u8
  checksum: Be<u16>
  source: Be<Ipv4Address>
  destination: Be<Ipv4Address>

  /** Bytes of options behind the 20. */
  get optionsLength(): u32 { return ((this.versionIhl & 15) << 2) - IPV4_HEADER_MIN_SIZE }
  get options(): ptr { return plus(address(this), IPV4_HEADER_MIN_SIZE) }

  /**
   * The header at the buffer's position, which moves behind its options. Errors: InvalidPacket (fewer than 20 bytes,
   * not version 4, a header of less than five words or longer than what is there, and, unlike RustOS's, a total
   * length below the header's or above what is there).
   */
  static parse(buffer: PacketBuffer): ptr {
    const available: u32 = buffer.remaining()
    if (available < IPV4_HEADER_MIN_SIZE) return errorAddress(NetworkError.InvalidPacket)
    const header = at<IPv4Header>(plus(buffer.data, buffer.position))
    const bytes: u32 = (header.versionIhl & 15) << 2
    if (header.versionIhl >>> 4 != 4 || bytes < IPV4_HEADER_MIN_SIZE) return errorAddress(NetworkError.InvalidPacket)
    if (bytes > available) return errorAddress(NetworkError.InvalidPacket)
    if (header.totalLength < bytes || header.totalLength > available) return errorAddress(NetworkError.InvalidPacket)
    buffer.position += bytes
    return address(header)
  }

  /** The checksum of this header and its options, its own field taken as 0. */
  calculateChecksum(): u32 {
    const had: u32 = this.checksum
    this.checksum = 0
    const sum: u32 = onesSum(address(this), IPV4_HEADER_MIN_SIZE + this.optionsLength, 0)
    this.checksum = had
    return checksumOf(sum)
  }

  /** More fragments follow, or this is not the first. */
  isFragmented(): boolean {
    return (this.flagsFragment & MORE_OR_OFFSET) != 0
  }
}

@wire(40)
export class IPv6Header {
  versionTcFl: Be<u32> // version, traffic class, flow label
  payloadLength: Be<u16>
  nextHeader: u8
  hopLimit: u8
  source: Bytes<16>
  destination: Bytes<16>

  /** The header at the buffer's position, which moves behind it. Errors: InvalidPacket (fewer than 40 bytes, not version 6). */
  static parse(buffer: PacketBuffer): ptr {
    if (buffer.remaining() < IPV6_HEADER_SIZE) return errorAddress(NetworkError.InvalidPacket)
    const header = at<IPv6Header>(plus(buffer.data, buffer.position))
    if (header.versionTcFl >>> 28 != 6) return errorAddress(NetworkError.InvalidPacket)
    buffer.position += IPV6_HEADER_SIZE
    return address(header)
  }
}
