// The Ethernet II header on the wire. RFC 894, IEEE 802.3 §3.2.6 (types are 0x0600 and up).
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +---------------------------------------------------------------+
//  0|                      Destination address                      |
//   +-------------------------------+-------------------------------+
//  4|      … last two bytes         |        Source address         |
//   +-------------------------------+-------------------------------+
//  8|                      … last four bytes                        |
//   +-------------------------------+-------------------------------+
// 12|             Type              |
//   +-------------------------------+
//
// Pure functions: any context.

import { load16, load32, load8, store16, store32 } from '../../lib/intrinsics.ts'
import { sizeof, wire, type Be, type Bytes, type Stored, type ptr, type u16, type u32 } from '../../lib/layout.ts'
import { Drop } from '../stats.ts'

/** What the two bytes after the addresses say. IANA, IEEE 802 Numbers. */
export const enum EtherType {
  /** Below this the field is an IEEE 802.3 length. */
  First = 0x0600,
  Ipv4 = 0x0800,
  Arp = 0x0806,
  Vlan = 0x8100, // IEEE 802.1Q customer tag
  ServiceVlan = 0x88a8, // IEEE 802.1ad service tag
}

/** How a frame was addressed: `Packet.linkDestination`. */
export const enum LinkDestination {
  Us,
  Broadcast,
  Multicast,
  /** Somebody else: seen by a promiscuous interface. */
  OtherHost,
}

/** Payload bytes of the shortest frame, the four of the frame check sequence apart. IEEE 802.3 §3.2.8. */
export const ETHERNET_MINIMUM_PAYLOAD: u32 = 46
/** Bytes of an address. */
export const MAC_LENGTH: u32 = 6

@wire(14)
export class EthernetHeader {
  destination: Bytes<6>
  source: Bytes<6>
  type: Be<Stored<u16, EtherType>>
}

/**
 * The same with a tag in front of the type. IEEE 802.1Q §9.6.
 *
 *      0                   1
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5
 *     +-------------------------------+
 *   12| 0x8100                        |
 *     +-----+-+-----------------------+
 *   14| PCP |D|    VLAN identifier    |   PCP: priority code point; D: drop eligible
 *     +-----+-+-----------------------+
 *   16| Type                          |
 *     +-------------------------------+
 */
@wire(18)
export class TaggedHeader {
  destination: Bytes<6>
  source: Bytes<6>
  tagType: Be<Stored<u16, EtherType>>
  tag: Be<u16>
  type: Be<Stored<u16, EtherType>>

  get vlanId(): u32 { return this.tag & 0x0fff }
  get priority(): u32 { return this.tag >>> 13 }
}

/** Bits of the priority in a tag. */
export const PRIORITY_SHIFT: u32 = 13

/** Why `available` bytes are no Ethernet II frame we read, or `None`: then every field above is safe to read. */
export function ethernetFault(frame: EthernetHeader, available: u32): Drop {
  if (available < sizeof<EthernetHeader>()) return Drop.EthernetTruncated
  if (macIsGroup(frame.source) || macIsZero(frame.source)) return Drop.EthernetSource
  if (frame.type < EtherType.First) return Drop.EthernetLength
  return Drop.None
}

/** Whether the two addresses are the same. */
export function macEqual(a: ptr, b: ptr): boolean {
  return load32(a, 0) == load32(b, 0) && load16(a, 4) == load16(b, 4)
}

/** Copy an address. */
export function macCopy(to: ptr, from: ptr): void {
  store32(to, 0, load32(from, 0))
  store16(to, 4, load16(from, 4))
}

/** The group bit: multicast, or broadcast. IEEE 802.3 §3.2.3 (b). */
export function macIsGroup(mac: ptr): boolean {
  return (load8(mac, 0) & 1) != 0
}

/** ff:ff:ff:ff:ff:ff. */
export function macIsBroadcast(mac: ptr): boolean {
  return load32(mac, 0) == 0xffffffff && load16(mac, 4) == 0xffff
}

/** 00:00:00:00:00:00, which is nobody. */
export function macIsZero(mac: ptr): boolean {
  return load32(mac, 0) == 0 && load16(mac, 4) == 0
}

/** Write ff:ff:ff:ff:ff:ff. */
export function macSetBroadcast(mac: ptr): void {
  store32(mac, 0, 0xffffffff)
  store16(mac, 4, 0xffff)
}
