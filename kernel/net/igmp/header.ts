// IGMP messages on the wire. RFC 3376 §4 (version 3), RFC 2236 §2 (version 2), RFC 1112 §7, appendix I (version 1).
//
//   query, §4.1; the first 8 bytes are all of versions 1 and 2
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +---------------+---------------+-------------------------------+
//  0|  Type = 0x11  | Max Resp Code |           Checksum            |
//   +---------------+---------------+-------------------------------+
//  4|                         Group Address                         |
//   +-------+-+-----+---------------+-------------------------------+
//  8| Resv  |S| QRV |     QQIC      |     Number of Sources (N)     |
//   +-------+-+-----+---------------+-------------------------------+
// 12|                  Source Address [1] … [N]                     |
//   +---------------------------------------------------------------+
//
//   version 3 report, §4.2                       one of its group records, §4.2.4
//   +--------+--------+----------------+         +--------+--------+----------------+
//  0|  0x22  | Resv.  |    Checksum    |        0|  Type  | AuxLen | N of sources   |
//   +--------+--------+----------------+         +--------+--------+----------------+
//  4|    Reserved     |  N of records  |        4|        Multicast Address         |
//   +-----------------+----------------+         +----------------------------------+
//  8|         Group Record [1] …       |        8|     Source Address [1] … [N]     |
//   +----------------------------------+         +----------------------------------+

import { sizeof, wire, type Be, type Stored, type u16, type u32, type u8 } from '../../lib/layout.ts'
import { packetLength, type Packet } from '../../drivers/net/packet.ts'
import { fold, packetSum } from '../checksum.ts'
import { isMulticast, type Ipv4Address } from '../ipv4/address.ts'
import { Drop } from '../stats.ts'

export const enum IgmpType {
  Query = 0x11,
  Version1Report = 0x12,
  Version2Report = 0x16,
  Leave = 0x17,
  Version3Report = 0x22,
}

/** What a group record says. RFC 3376 §4.2.12. */
export const enum RecordType {
  IsInclude = 1,
  IsExclude = 2,
  ToInclude = 3,
  ToExclude = 4,
  AllowNew = 5,
  BlockOld = 6,
}

/** Version 1 and 2, all kinds: RFC 2236 §2. */
@wire(8)
export class IgmpMessage {
  type: Stored<u8, IgmpType>
  maxResponseCode: u8 // of a query: tenths of a second, from 128 on in the coding of codeValue
  checksum: Be<u16>
  group: Be<Ipv4Address> // 0 in a general query
}

/** RFC 3376 §4.1. */
@wire(12)
export class IgmpQuery {
  type: Stored<u8, IgmpType>
  maxResponseCode: u8
  checksum: Be<u16>
  group: Be<Ipv4Address>
  robustness: u8 // 4 bits reserved, S, QRV
  intervalCode: u8 // QQIC: seconds, coded
  sourceCount: Be<u16>

  /** Querier's Robustness Variable, 0 for more than 7. RFC 3376 §4.1.6. */
  get querierRobustness(): u32 { return this.robustness & 7 }
}

/** RFC 3376 §4.2. */
@wire(8)
export class IgmpReport {
  type: Stored<u8, IgmpType>
  reserved: u8
  checksum: Be<u16>
  reserved2: Be<u16>
  recordCount: Be<u16>
}

/** RFC 3376 §4.2.4. */
@wire(8)
export class GroupRecord {
  type: Stored<u8, RecordType>
  auxiliaryLength: u8
  sourceCount: Be<u16>
  group: Be<Ipv4Address>
}

/** A source in a query or a record. */
@wire(4)
export class SourceAddress {
  address: Be<Ipv4Address>
}

/** Why a packet is no IGMP message in one buffer, or `None`: then an IgmpMessage can be read. */
export function igmpFault(packet: Packet): Drop {
  if (packetLength(packet) < sizeof<IgmpMessage>()) return Drop.IgmpTruncated
  if (packet.nextFragment != null) return Drop.IgmpTruncated // longer than any message we read
  if (fold(packetSum(packet, 0, 0)) != 0xffff) return Drop.IgmpChecksum
  return Drop.None
}

/**
 * Why a query of `available` bytes in its first buffer means nothing, or `None`: 8 bytes, or 12 and as many sources
 * as it says (RFC 3376 §7.1: other lengths are ignored), about all groups or about one; sources only with a group.
 */
export function igmpQueryFault(query: IgmpQuery, available: u32): Drop {
  if (query.group != 0 && !isMulticast(query.group)) return Drop.IgmpQuery
  if (available == sizeof<IgmpMessage>()) return Drop.None
  if (available < sizeof<IgmpQuery>()) return Drop.IgmpQuery
  if (query.sourceCount > (available - sizeof<IgmpQuery>()) / sizeof<SourceAddress>()) return Drop.IgmpQuery
  return query.group == 0 && query.sourceCount != 0 ? Drop.IgmpQuery : Drop.None
}

/** The value of a Max Resp Code or a QQIC: itself below 128, else a float of 3 and 4 bits. RFC 3376 §4.1.1, §4.1.7. */
export function codeValue(code: u32): u32 {
  if (code < 128) return code
  return ((code & 0x0f) | 0x10) << (((code >>> 4) & 7) + 3)
}
