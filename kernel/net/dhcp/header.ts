// The DHCP message on the wire, and when it is one we believe. RFC 2131 §2, RFC 951 §3; options are options.ts.
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +---------------+---------------+---------------+---------------+
//  0|      op       |     htype     |     hlen      |     hops      |
//   +---------------+---------------+---------------+---------------+
//  4|                              xid                              |
//   +-------------------------------+-------------------------------+
//  8|             secs              |B|           flags             |
//   +-------------------------------+-------------------------------+
// 12|                             ciaddr                            |
// 16|                             yiaddr                            |
// 20|                             siaddr                            |
// 24|                             giaddr                            |
//   +---------------------------------------------------------------+
// 28|                       chaddr, 16 bytes                        |
// 44|                       sname, 64 bytes                         |
//108|                       file, 128 bytes                         |
//236|              magic cookie 99.130.83.99, then options        …

import {
  at, sizeof, wire, type Be, type Bytes, type Stored, type ptr, type u16, type u32, type u8,
} from '../../lib/layout.ts'
import { packetLength, type Packet } from '../../drivers/net/packet.ts'
import { MAC_LENGTH, macEqual } from '../ethernet/header.ts'
import type { Ipv4Address } from '../ipv4/address.ts'
import { Drop } from '../stats.ts'

export const enum DhcpOperation { BootRequest = 1, BootReply = 2 }

/** Option 53. RFC 2132 §9.6. */
export const enum DhcpMessageType { None = 0, Discover, Offer, Request, Decline, Ack, Nak, Release, Inform }

/** Ports of RFC 2131 §4.1. */
export const DHCP_SERVER_PORT: u32 = 67
export const DHCP_CLIENT_PORT: u32 = 68

/** IANA, ARP hardware types: the same numbers. */
export const DHCP_ETHERNET: u32 = 1
/** RFC 2131 §3. */
export const DHCP_MAGIC: u32 = 0x63825363
/** "Answer by broadcast": the client can not be reached by unicast before it has its address. RFC 2131 §2. */
export const DHCP_BROADCAST: u32 = 0x8000
/** Bytes of sname and file, which may hold options. RFC 2132 §9.3. */
export const DHCP_SNAME_LENGTH: u32 = 64
export const DHCP_FILE_LENGTH: u32 = 128

@wire(240)
export class DhcpMessage {
  op: Stored<u8, DhcpOperation>
  htype: u8
  hlen: u8
  hops: u8
  xid: Be<u32>
  secs: Be<u16>
  flags: Be<u16>
  ciaddr: Be<Ipv4Address> // the client's, when it has one already
  yiaddr: Be<Ipv4Address> // "yours"
  siaddr: Be<Ipv4Address> // next server of a boot
  giaddr: Be<Ipv4Address> // relay agent
  chaddr: Bytes<16>
  sname: Bytes<64>
  file: Bytes<128>
  magic: Be<u32>
}

/**
 * Why a datagram, data at `head`, is no reply to the client with this link address and transaction, or `None`: then
 * the fixed part is safe to read, and what follows it in the buffer are options.
 */
export function dhcpFault(packet: Packet, mac: ptr, xid: u32): Drop {
  if (packet.nextFragment != null || packetLength(packet) < sizeof<DhcpMessage>()) return Drop.DhcpMessage
  const message = at<DhcpMessage>(packet.head)
  if (message.op != DhcpOperation.BootReply || message.magic != DHCP_MAGIC) return Drop.DhcpMessage
  if (message.htype != DHCP_ETHERNET || message.hlen != MAC_LENGTH) return Drop.DhcpMessage
  if (message.xid != xid || !macEqual(message.chaddr, mac)) return Drop.DhcpMessage
  return Drop.None
}
