// The TCP header on the wire. RFC 9293 §3.1.
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +-------------------------------+-------------------------------+
//  0|          Source Port          |       Destination Port        |
//   +-------------------------------+-------------------------------+
//  4|                        Sequence Number                        |
//   +---------------------------------------------------------------+
//  8|                    Acknowledgment Number                      |
//   +-------+-------+-+-+-+-+-+-+-+-+-------------------------------+
//   | Data  | Rsrvd |C|E|U|A|P|R|S|F|                               |
// 12| Offset|       |W|C|R|C|S|S|Y|I|            Window             |
//   |       |       |R|E|G|K|H|T|N|N|                               |
//   +-------+-------+-+-+-+-+-+-+-+-+-------------------------------+
// 16|           Checksum            |         Urgent Pointer        |
//   +-------------------------------+-------------------------------+

import { offsetof, sizeof, wire, type Be, type u16, type u32, type u8 } from '../../lib/layout.ts'
import { Checksum, packetLength, type Packet } from '../../drivers/net/packet.ts'
import { chainLength } from '../chain.ts'
import { fold, packetSum, pseudoSum } from '../checksum.ts'
import { LinkDestination } from '../ethernet/header.ts'
import { isUnicast } from '../ipv4/address.ts'
import { IpProtocol, type Ipv4Header } from '../ipv4/header.ts'
import { Drop } from '../stats.ts'
import type { Seq } from './sequence.ts'

/** The control bits, RFC 9293 §3.1. */
export const enum TcpFlag { None = 0, Fin = 1, Syn = 2, Rst = 4, Psh = 8, Ack = 0x10, Urg = 0x20, Ece = 0x40, Cwr = 0x80 }

/** The longest header: four bits of words. */
export const TCP_HEADER_LIMIT: u32 = 60

@wire(20)
export class TcpHeader {
  sourcePort: Be<u16>
  destinationPort: Be<u16>
  sequence: Be<Seq>
  acknowledgment: Be<Seq>
  dataOffset: u8 // upper half: 32-bit words of header
  flags: u8 // TcpFlag bits
  window: Be<u16> // not scaled
  checksum: Be<u16>
  urgentPointer: Be<u16>

  get headerLength(): u32 { return this.dataOffset >>> 4 << 2 }
}

/** Bytes from the header to its checksum field: what a card is told to complete. */
export function tcpChecksumOffset(): u32 {
  return offsetof<TcpHeader>('checksum')
}

/**
 * Why a packet is no TCP segment we read, or `None`: then the header with all its options is in the first buffer.
 * Segments that were not sent to one host are silently dropped: RFC 1122 §4.2.3.10.
 */
export function tcpFault(tcp: TcpHeader, ip: Ipv4Header, packet: Packet): Drop {
  const here: u32 = packetLength(packet)
  if (here < sizeof<TcpHeader>()) return Drop.TcpTruncated
  const header: u32 = tcp.headerLength
  if (header < sizeof<TcpHeader>() || header > here) return Drop.TcpHeaderLength
  if (packet.linkDestination != LinkDestination.Us || !isHost(ip)) return Drop.TcpGroup
  if (packet.checksum != Checksum.None) return Drop.None // the card knows
  const sum: u32 = packetSum(packet, 0, pseudoSum(ip.addresses, IpProtocol.Tcp, chainLength(packet)))
  return fold(sum) == 0xffff ? Drop.None : Drop.TcpChecksum // RFC 9293 §3.1
}

/** Whether both ends are hosts: 127/8 comes by `lo` only, which ipv4Input saw to. */
function isHost(ip: Ipv4Header): boolean {
  return (isUnicast(ip.destination) && isUnicast(ip.source)) || (ip.destination >>> 24) == LOOPBACK_NET
}

const LOOPBACK_NET: u32 = 127
