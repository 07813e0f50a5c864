// ICMP messages on the wire. RFC 792; codes of RFC 1122 §3.2.2.1 and RFC 1812 §5.2.7.1.
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +---------------+---------------+-------------------------------+
//  0|     Type      |     Code      |           Checksum            |
//   +---------------+---------------+-------------------------------+
//  4|  Echo: Identifier             |  Echo: Sequence number        |
//   |  Errors: unused, or the MTU, the gateway, the pointer          |
//   +---------------------------------------------------------------+
//  8|  Echo: data.   Errors: the IPv4 header and the first bytes that followed it      …

import { sizeof, wire, type Be, type Stored, type u16, type u32, type u8 } from '../../lib/layout.ts'
import { Checksum, packetLength, type Packet } from '../../drivers/net/packet.ts'
import { fold, packetSum } from '../checksum.ts'
import { Drop } from '../stats.ts'

/** IANA, ICMP type numbers. */
export const enum IcmpType {
  EchoReply = 0,
  Unreachable = 3,
  SourceQuench = 4,
  Redirect = 5,
  Echo = 8,
  TimeExceeded = 11,
  ParameterProblem = 12,
}

/** Codes of IcmpType.Unreachable. RFC 792, RFC 1122 §3.2.2.1. */
export const enum Unreachable {
  Net = 0,
  Host = 1,
  Protocol = 2,
  Port = 3,
  FragmentationNeeded = 4,
  SourceRouteFailed = 5,
}

@wire(8)
export class IcmpHeader {
  type: Stored<u8, IcmpType>
  code: u8
  checksum: Be<u16>
  identifier: Be<u16> // of an echo
  sequence: Be<u16> // of an echo

  /** Type and code as the one 16-bit field that a checksum sees. */
  get typeAndCode(): u32 { return (this.type << 8) | this.code }
}

/** Why a packet is no ICMP message we read, or `None`. A device's verdict is about UDP and TCP: the sum is made here. */
export function icmpFault(icmp: IcmpHeader, packet: Packet): Drop {
  if (packetLength(packet) < sizeof<IcmpHeader>()) return Drop.IcmpTruncated
  if (packet.checksum == Checksum.Partial) return Drop.None // never crossed a wire: virtio 1.2 §5.1.6.4
  if (fold(packetSum(packet, 0, 0)) != 0xffff) return Drop.IcmpChecksum // RFC 1122 §3.2.2
  return Drop.None
}

/** Whether a message of this type reports an error: no error is ever sent about one. RFC 1122 §3.2.2. */
export function icmpIsError(type: IcmpType): boolean {
  switch (type) {
    case IcmpType.Unreachable:
    case IcmpType.SourceQuench:
    case IcmpType.Redirect:
    case IcmpType.TimeExceeded:
    case IcmpType.ParameterProblem:
      return true
    default:
      return false
  }
}
