// The IPv4 header on the wire. RFC 791 §3.1.
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +-------+-------+-----------+---+-------------------------------+
//  0|Version|  IHL  |   DSCP    |ECN|          Total Length         |
//   +-------+-------+-----------+---+-----+-------------------------+
//  4|         Identification        |Flags|     Fragment Offset     |
//   +---------------+---------------+-----+-------------------------+
//  8|  Time to Live |    Protocol   |        Header Checksum        |
//   +---------------+---------------+-------------------------------+
// 12|                        Source Address                         |
//   +---------------------------------------------------------------+
// 16|                     Destination Address                       |
//   +---------------------------------------------------------------+
//  20 to 60: options, IHL says how many (RFC 791 §3.1, "Options")

import {
  address, offsetof, plus, sizeof, wire, type Be, type Stored, type ptr, type u16, type u32, type u8,
} from '../../lib/layout.ts'
import { checksumOf, fold, onesSum } from '../checksum.ts'
import { Drop } from '../stats.ts'
import type { Ipv4Address } from './address.ts'

/** IANA, protocol numbers. */
export const enum IpProtocol { Icmp = 1, Igmp = 2, Tcp = 6, Udp = 17 }

/** Bits of `flagsFragment`. RFC 791 §3.1, "Flags". */
export const DONT_FRAGMENT: u32 = 0x4000
export const MORE_FRAGMENTS: u32 = 0x2000
const FRAGMENT_OFFSET: u32 = 0x1fff // in units of eight bytes

/** Bits of `dscpEcn`: which service (RFC 2474 §3), and congestion (RFC 3168 §5). */
export const DSCP_MASK: u32 = 0xfc
export const ECN_MASK: u32 = 0x03
/** "Congestion experienced." */
export const ECN_CONGESTION: u32 = 3

/** The largest packet: `totalLength` has 16 bits. */
export const LONGEST_PACKET: u32 = 65_535
/** Version 4, five words of header. */
export const VERSION_IHL_PLAIN: u32 = 0x45
/** What hosts send. RFC 1122 §3.2.1.7, IANA "IP TIME TO LIVE PARAMETER". */
export const DEFAULT_TIME_TO_LIVE: u32 = 64

@wire(20)
export class Ipv4Header {
  versionIhl: u8
  dscpEcn: u8 // RFC 2474 §3, RFC 3168 §5
  totalLength: Be<u16>
  identification: Be<u16>
  flagsFragment: Be<u16>
  timeToLive: u8
  protocol: Stored<u8, IpProtocol>
  headerChecksum: Be<u16>
  source: Be<Ipv4Address>
  destination: Be<Ipv4Address>

  get version(): u32 { return this.versionIhl >>> 4 }
  get headerLength(): u32 { return (this.versionIhl & 0x0f) << 2 }
  get moreFragments(): boolean { return (this.flagsFragment & MORE_FRAGMENTS) != 0 }
  get fragmentOffset(): u32 { return (this.flagsFragment & FRAGMENT_OFFSET) << 3 }
  get isFragment(): boolean { return (this.flagsFragment & (MORE_FRAGMENTS | FRAGMENT_OFFSET)) != 0 }
  /** Source and destination, the 8 bytes that the pseudo headers of UDP and TCP begin with. */
  get addresses(): ptr { return plus(address(this), offsetof<Ipv4Header>('source')) }

  /** Set the checksum; the last step before a header is sent. */
  seal(): void {
    this.headerChecksum = 0
    this.headerChecksum = checksumOf(onesSum(address(this), this.headerLength, 0))
  }
}

/**
 * Decide whether `here` bytes at `ip`, the first buffer of a packet of `available` bytes, are a header we may
 * read. Once this returns `None`, every accessor above is safe, and `totalLength` bytes are there.
 */
export function ipv4Fault(ip: Ipv4Header, here: u32, available: u32): Drop {
  if (here < sizeof<Ipv4Header>()) return Drop.Ipv4Truncated
  if (ip.version != 4) return Drop.Ipv4Version // RFC 1122 §3.2.1.1
  if (ip.headerLength < sizeof<Ipv4Header>()) return Drop.Ipv4HeaderLength
  if (ip.headerLength > here) return Drop.Ipv4HeaderLength
  if (ip.totalLength < ip.headerLength) return Drop.Ipv4TotalLength
  if (ip.totalLength > available) return Drop.Ipv4TotalLength
  if (fold(onesSum(address(ip), ip.headerLength, 0)) != 0xffff) return Drop.Ipv4Checksum // RFC 1122 §3.2.1.2
  return Drop.None
}
