// RustOS's UdpHeader (`net/udp.rs`) over the bytes of a datagram. RFC 768; fields as in net/udp/header.ts, under
// RustOS's names. Any context.

import { copyBytes } from '../../lib/memory.ts'
import { address, sizeof, wire, type Be, type ptr, type u16, type u32 } from '../../lib/layout.ts'
import { IpProtocol } from '../ipv4/header.ts'
import type { NetworkAddress } from './address.ts'
import { NetworkError, errorAddress, type NetworkResult } from './error.ts'
import { bufferReserve, type PacketBuffer } from './packet-buffer.ts'
import { transportChecksum } from './pseudo-header.ts'

export const UDP_HEADER_SIZE: u32 = 8

/** RFC 768, "Format": a specification without section numbers. */
@wire(8)
export class UdpHeader {
  sourcePort: Be<u16>
  destPort: Be<u16>
  length: Be<u16> // header and data
  checksum: Be<u16> // 0: none

  /** The header at the buffer's position, which moves behind it. Errors: InvalidPacket (fewer than 8 bytes). */
  static parse(buffer: PacketBuffer): ptr {
    const p = buffer.read(UDP_HEADER_SIZE)
    return p != 0 ? p : errorAddress(NetworkError.InvalidPacket)
  }

  /**
   * The checksum of this header, its own field taken as 0, with `count` bytes of data, over the pseudo header of
   * either family: 0 becomes 0xffff (RFC 768), addresses of two families give 0.
   */
  calculateChecksum(source: NetworkAddress, destination: NetworkAddress, payload: ptr, count: u32): u32 {
    if (source.kind != destination.kind || source.isMac) return 0
    const had: u32 = this.checksum
    this.checksum = 0
    const sum: u32 = transportChecksum(source, destination, IpProtocol.Udp, this.length, address(this),
      sizeof<UdpHeader>(), payload, count)
    this.checksum = had
    return sum == 0 ? 0xffff : sum
  }

  /** Write this at the buffer's position. Errors: BufferOverflow. */
  serialize(buffer: PacketBuffer): NetworkResult {
    const p = bufferReserve(buffer, UDP_HEADER_SIZE)
    if (p == 0) return NetworkError.BufferOverflow
    copyBytes(p, address(this), UDP_HEADER_SIZE)
    return NetworkError.None
  }
}

