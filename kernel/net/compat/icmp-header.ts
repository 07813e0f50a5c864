// RustOS's IcmpHeader and PingData (`net/icmp.rs`) over the bytes of a message. RFC 792. Any context.

import { addEndAround, loadBe16, storeBe16 } from '../../lib/intrinsics.ts'
import { copyBytes } from '../../lib/memory.ts'
import { address, struct, wire, type Be, type Bytes, type ptr, type u16, type u32, type u8 } from '../../lib/layout.ts'
import { checksumOf, onesSum } from '../checksum.ts'
import { NetworkError, errorAddress, type NetworkResult } from './error.ts'
import { bufferReserve, type PacketBuffer } from './packet-buffer.ts'

/** IANA, ICMP type numbers: those RustOS names. */
export const enum IcmpType {
  EchoReply = 0, DestinationUnreachable = 3, SourceQuench = 4, Redirect = 5, EchoRequest = 8, RouterAdvertisement = 9,
  RouterSolicitation = 10, TimeExceeded = 11, ParameterProblem = 12, TimestampRequest = 13, TimestampReply = 14,
  InformationRequest = 15, InformationReply = 16,
}

/** IANA, ICMPv6 "type" numbers: those RustOS names. */
export const enum Icmpv6Type {
  DestinationUnreachable = 1, PacketTooBig = 2, TimeExceeded = 3, ParameterProblem = 4, EchoRequest = 128, EchoReply = 129,
  RouterSolicitation = 133, RouterAdvertisement = 134, NeighborSolicitation = 135, NeighborAdvertisement = 136,
  Redirect = 137,
}

export const ICMP_HEADER_SIZE: u32 = 8

/** RFC 792; the same layout serves ICMPv6 (RFC 4443 §2.1): RustOS's Icmpv6Header is an alias. */
@wire(8)
export class IcmpHeader {
  icmpType: u8
  code: u8
  checksum: Be<u16>
  rest: Bytes<4>

  /** The header at the buffer's position, which moves behind it. Errors: InvalidPacket (fewer than 8 bytes). */
  static parse(buffer: PacketBuffer): ptr {
    const p = buffer.read(ICMP_HEADER_SIZE)
    return p != 0 ? p : errorAddress(NetworkError.InvalidPacket)
  }

  /** The checksum of this header, its own field taken as 0, and `count` bytes at `payload`. */
  calculateChecksum(payload: ptr, count: u32): u32 {
    const had: u32 = this.checksum
    this.checksum = 0
    const sum: u32 = addEndAround(onesSum(address(this), ICMP_HEADER_SIZE, 0), onesSum(payload, count, 0))
    this.checksum = had
    return checksumOf(sum)
  }

  /** Write this at the buffer's position. Errors: BufferOverflow. */
  serialize(buffer: PacketBuffer): NetworkResult {
    const p = bufferReserve(buffer, ICMP_HEADER_SIZE)
    if (p == 0) return NetworkError.BufferOverflow
    copyBytes(p, address(this), ICMP_HEADER_SIZE)
    return NetworkError.None
  }
}

/** What an echo carries. The time it was made is not sent. */
@struct
export class PingData {
  identifier: u32
  sequence: u32
  payload: ptr
  payloadLength: u32
  timestamp: u32 // milliseconds; of whoever fills it in

  /** RustOS's `new`. */
  init(identifier: u32, sequence: u32, payload: ptr, length: u32): void {
    this.identifier = identifier
    this.sequence = sequence
    this.payload = payload
    this.payloadLength = length
    this.timestamp = 0
  }

  /** Identifier and sequence out of `IcmpHeader.rest`. */
  fromRestBytes(rest: ptr, payload: ptr, length: u32): void {
    this.init(loadBe16(rest, 0), loadBe16(rest, 2), payload, length)
  }

  /** And back: both most significant byte first. */
  toRestBytes(rest: ptr): void {
    storeBe16(rest, 0, this.identifier)
    storeBe16(rest, 2, this.sequence)
  }
}
