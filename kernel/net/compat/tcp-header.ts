// RustOS's TcpFlags and TcpHeader (`net/tcp.rs`) over the bytes of a segment. RFC 9293 §3.1; fields as in
// net/tcp/header.ts, under RustOS's names. Any context.

import { address, at, plus, sizeof, wire, type Be, type ptr, type u16, type u32, type u8 } from '../../lib/layout.ts'
import { IpProtocol } from '../ipv4/header.ts'
import type { NetworkAddress } from './address.ts'
import { NetworkError, errorAddress } from './error.ts'
import type { PacketBuffer } from './packet-buffer.ts'
import { transportChecksum } from './pseudo-header.ts'

export const TCP_HEADER_MIN_SIZE: u32 = 20

/** RFC 9293 §3.1. */
@wire(20)
export class TcpHeader {
  sourcePort: Be<u16>
  destPort: Be<u16>
  sequenceNumber: Be<u32>
  acknowledgmentNumber: Be<u32>
  offsetReserved: u8
  flags: u8 // TcpFlag bits of net/tcp/header.ts: RustOS's `to_byte`
  windowSize: Be<u16>
  checksum: Be<u16>
  urgentPointer: Be<u16>

  /** 32-bit words of header. */
  get dataOffset(): u32 { return this.offsetReserved >>> 4 }
  /** Bytes of options behind the fixed header. */
  get optionsLength(): u32 { return (this.dataOffset << 2) - TCP_HEADER_MIN_SIZE }
  get options(): ptr { return plus(address(this), TCP_HEADER_MIN_SIZE) }

  /**
   * The header at the buffer's position, which moves behind its options. Errors: InvalidPacket (fewer than 20 bytes, a data
   * offset below 5, options past the end).
   */
  static parse(buffer: PacketBuffer): ptr {
    const before: u32 = buffer.position
    const p = buffer.read(TCP_HEADER_MIN_SIZE)
    if (p == 0) return errorAddress(NetworkError.InvalidPacket)
    const options: u32 = optionBytes(p)
    if (options != NONE && buffer.read(options) != 0) return p
    buffer.position = before
    return errorAddress(NetworkError.InvalidPacket)
  }

  /**
   * The checksum of this header and its options, its own field taken as 0, with `count` bytes of data, over the pseudo header of
   * either family; addresses of two families give 0.
   */
  calculateChecksum(source: NetworkAddress, destination: NetworkAddress, payload: ptr, count: u32): u32 {
    if (source.kind != destination.kind || source.isMac) return 0
    const header: u32 = sizeof<TcpHeader>() + this.optionsLength
    const had: u32 = this.checksum
    this.checksum = 0
    const sum: u32 = transportChecksum(source, destination, IpProtocol.Tcp, header + count, address(this), header, payload, count)
    this.checksum = had
    return sum
  }
}

const NONE: u32 = 0xffffffff

/** Bytes of options that the header at `p` says there are; NONE if its offset is inside the fixed part. */
function optionBytes(p: ptr): u32 {
  const words: u32 = at<TcpHeader>(p).dataOffset
  return words < 5 ? NONE : (words - 5) << 2
}
