// The ARP packet on the wire, for Ethernet and IPv4. RFC 826, "Packet format".
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +-------------------------------+-------------------------------+
//  0|        Hardware type          |         Protocol type         |
//   +---------------+---------------+-------------------------------+
//  4|  Hw. length   | Prot. length  |           Operation           |
//   +---------------+---------------+-------------------------------+
//  8|                   Sender hardware address                     |
//   +-------------------------------+-------------------------------+
// 12|      … last two bytes         |   Sender protocol address     |
//   +-------------------------------+-------------------------------+
// 16|      … last two bytes         |   Target hardware address     |
//   +-------------------------------+-------------------------------+
// 20|                      … last four bytes                        |
//   +---------------------------------------------------------------+
// 24|                   Target protocol address                     |
//   +---------------------------------------------------------------+

import { sizeof, wire, type Be, type Bytes, type Stored, type u16, type u32, type u8 } from '../../lib/layout.ts'
import { EtherType, MAC_LENGTH, macIsGroup, macIsZero } from '../ethernet/header.ts'
import { isUnicast, type Ipv4Address } from '../ipv4/address.ts'
import { Drop } from '../stats.ts'

export const enum ArpOperation { Request = 1, Reply = 2 }

/** IANA, ARP hardware types. */
const HARDWARE_ETHERNET = 1
const IPV4_LENGTH = 4

/** RFC 826, "Packet format", and its specification of ar$ names. */
@wire(28)
export class ArpPacket {
  hardwareType: Be<u16> // ar$hrd
  protocolType: Be<Stored<u16, EtherType>> // ar$pro
  hardwareLength: u8 // ar$hln
  protocolLength: u8 // ar$pln
  operation: Be<Stored<u16, ArpOperation>> // ar$op
  senderMac: Bytes<6> // ar$sha
  senderAddress: Be<Ipv4Address> // ar$spa; 0 in a probe, RFC 5227 §1.1
  targetMac: Bytes<6> // ar$tha
  targetAddress: Be<Ipv4Address> // ar$tpa

  /** The fields that never differ. */
  begin(operation: ArpOperation): void {
    this.hardwareType = HARDWARE_ETHERNET
    this.protocolType = EtherType.Ipv4
    this.hardwareLength = MAC_LENGTH
    this.protocolLength = IPV4_LENGTH
    this.operation = operation
  }
}

/** Why `available` bytes are no ARP packet we act on, or `None`: then every field is safe to read and believable. */
export function arpFault(arp: ArpPacket, available: u32): Drop {
  if (available < sizeof<ArpPacket>()) return Drop.ArpTruncated
  if (arp.hardwareType != HARDWARE_ETHERNET || arp.protocolType != EtherType.Ipv4) return Drop.ArpFormat
  if (arp.hardwareLength != MAC_LENGTH || arp.protocolLength != IPV4_LENGTH) return Drop.ArpFormat
  if (arp.operation != ArpOperation.Request && arp.operation != ArpOperation.Reply) return Drop.ArpOperation
  if (macIsGroup(arp.senderMac) || macIsZero(arp.senderMac)) return Drop.ArpSender
  if (arp.senderAddress != 0 && !isUnicast(arp.senderAddress)) return Drop.ArpSender
  return Drop.None
}
