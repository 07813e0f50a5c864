// The UDP header on the wire. RFC 768.
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +-------------------------------+-------------------------------+
//  0|         Source port           |       Destination port        |
//   +-------------------------------+-------------------------------+
//  4|            Length             |           Checksum            |
//   +-------------------------------+-------------------------------+

import { offsetof, plus, sizeof, wire, type Be, type ptr, type u16, type u32 } from '../../lib/layout.ts'
import { Checksum, packetLength, type Packet } from '../../drivers/net/packet.ts'
import { chainLength, chainTrim } from '../chain.ts'
import { fold, packetSum, pseudoSum } from '../checksum.ts'
import { IpProtocol, type Ipv4Header } from '../ipv4/header.ts'
import { Drop } from '../stats.ts'

/** RFC 768, "Format": a specification without section numbers. */
@wire(8)
export class UdpHeader {
  sourcePort: Be<u16>
  destinationPort: Be<u16>
  length: Be<u16> // header and data
  checksum: Be<u16> // 0: none
}

/** Bytes from the header to its checksum field: what a card is told to complete. */
export function udpChecksumOffset(): u32 {
  return offsetof<UdpHeader>('checksum')
}

/** Why a packet is no UDP datagram we read, or `None`: then it has been trimmed to the datagram's own length. */
export function udpFault(udp: UdpHeader, ip: Ipv4Header, packet: Packet): Drop {
  if (packetLength(packet) < sizeof<UdpHeader>()) return Drop.UdpTruncated
  if (udp.length < sizeof<UdpHeader>() || udp.length > chainLength(packet)) return Drop.UdpLength
  chainTrim(packet, udp.length)
  if (udp.checksum == 0 || packet.checksum != Checksum.None) return Drop.None // none sent, or the card knows
  const sum: u32 = packetSum(packet, 0, pseudoSum(ip.addresses, IpProtocol.Udp, udp.length))
  return fold(sum) == 0xffff ? Drop.None : Drop.UdpChecksum // RFC 1122 §4.1.3.4
}

/** The header of the datagram whose data is at `data`. */
export function udpHeaderBefore(data: ptr): ptr {
  return plus(data, 0 - sizeof<UdpHeader>())
}
