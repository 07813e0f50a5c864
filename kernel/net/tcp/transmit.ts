// Segments put together and handed down: header, options, and views of the buffers they carry. RFC 9293 §3.10.7,
// RFC 7323 §3.2, RFC 2018 §4, RFC 3168 §6.1. Main-loop context only.
//
// Next: ipv4OutputWith (ipv4/output.ts).

import { Errno } from '../../lib/errno.ts'
import { address, at, plus, sizeof, staticMemory, staticStruct, wire, type Be, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import { copyBytes } from '../../lib/memory.ts'
import {
  Checksum, packetAlone, packetFree, packetHeadRoom, packetLength, packetPrepend, packetShare, type Packet,
} from '../../drivers/net/packet.ts'
import { fold, pseudoSum } from '../checksum.ts'
import type { Ipv4Address } from '../ipv4/address.ts'
import { IpProtocol, Ipv4Header } from '../ipv4/header.ts'
import { Ipv4Sending, ipv4Allocate, ipv4OutputWith } from '../ipv4/output.ts'
import { pathFind } from '../ipv4/route.ts'
import { HEAD_ROOM } from '../ipv4/transmit.ts'
import type { TcpControlBlock } from './control-block.ts'
import { TCP_HEADER_LIMIT, TcpFlag, TcpHeader, tcpChecksumOffset } from './header.ts'
import { NO_SCALE, mssWrite, synOptionsWrite, timestampsWrite } from './options.ts'
import { sackBlocksWrite } from './sack-blocks.ts'
import { timestampNow } from './secret.ts'
import type { Seq } from './sequence.ts'
import { tcpCounters } from './stats.ts'
import { windowAdvertise } from './window.ts'

/** "ECN-capable transport (0)". RFC 3168 §5. */
const ECT_0: u32 = 2

/** Source and destination as they will stand in the IPv4 header, for the pseudo header's sum. RFC 9293 §3.1. */
@wire(8)
class AddressPair {
  source: Be<Ipv4Address>
  destination: Be<Ipv4Address>
}

const pair = staticStruct<AddressPair>()
const usual = staticStruct<Ipv4Sending>()
const options = staticMemory(40)

/**
 * Send `length` octets, those of the buffers from `first` on, at `seq`; ACK, window and the options of the connection are
 * added. More than a full segment goes only where somebody below cuts it. Errors: NoBufferSpace (no packet, or the card's ring is
 * full), and those of ipv4OutputWith: the segment is as good as lost, and its loss is noticed.
 */
export function segmentTransmit(tcb: TcpControlBlock, first: Packet | null, length: u32, seq: Seq, flags: u32): i32 {
  const optionBytes: u32 = optionsFor(tcb, flags)
  const packet = withData(first, length, sizeof<TcpHeader>() + optionBytes)
  if (packet == null) return Errno.NoBufferSpace
  copyBytes(packetPrepend(packet, optionBytes), options, optionBytes)
  const tcp = at<TcpHeader>(packetPrepend(packet, sizeof<TcpHeader>()))
  tcp.sourcePort = tcb.localPort
  tcp.destinationPort = tcb.remotePort
  tcp.sequence = seq
  tcp.acknowledgment = (flags & TcpFlag.Ack) != 0 ? tcb.rcv.nxt : 0
  tcp.dataOffset = (sizeof<TcpHeader>() + optionBytes) << 2
  tcp.flags = flags | (tcb.ecnEcho && (flags & TcpFlag.Syn) == 0 ? TcpFlag.Ece : 0)
  tcp.window = (flags & TcpFlag.Syn) != 0 ? synWindow(tcb) : windowAdvertise(tcb)
  tcp.urgentPointer = 0
  const full: u32 = tcb.mss
  if (length > full) {
    packet.segmentSize = full
    packet.headerLength = sizeof<Ipv4Header>() + sizeof<TcpHeader>() + optionBytes
  }
  const owed: boolean = tcb.ackNow || tcb.unackedBytes != 0
  tcb.rcv.acked = tcb.rcv.nxt
  tcb.unackedBytes = 0
  tcb.ackNow = false
  tcb.stats.segmentsOut += 1
  const fresh: boolean = length != 0 && seq == tcb.snd.nxt // what is sent again is not marked: RFC 3168 §6.1.5
  tcb.sending.dscpEcn = (tcb.sending.dscpEcn & ~ECT_0) | (tcb.ecn && fresh ? ECT_0 : 0)
  const result: i32 = handDown(packet, tcb.localAddress, tcb.remoteAddress, sizeof<TcpHeader>() + optionBytes + length, tcb.sending)
  if (result == Errno.NoBufferSpace && owed) tcb.ackNow = true // it was not said
  return result
}

/** A segment that belongs to no connection, or to what is left of one: no data. `optionBytes` of options lie at `from`. */
export function segmentTransmitBare(
  local: Ipv4Address, localPort: u32, remote: Ipv4Address, remotePort: u32,
  seq: Seq, ack: Seq, flags: u32, window: u32, from: ptr, optionBytes: u32,
): i32 {
  const packet = ipv4Allocate(TCP_HEADER_LIMIT)
  if (packet == null) return Errno.NoBufferSpace
  copyBytes(packetPrepend(packet, optionBytes), from, optionBytes)
  const tcp = at<TcpHeader>(packetPrepend(packet, sizeof<TcpHeader>()))
  tcp.sourcePort = localPort
  tcp.destinationPort = remotePort
  tcp.sequence = seq
  tcp.acknowledgment = ack
  tcp.dataOffset = (sizeof<TcpHeader>() + optionBytes) << 2
  tcp.flags = flags
  tcp.window = window
  tcp.urgentPointer = 0
  if ((flags & TcpFlag.Rst) != 0) tcpCounters.resetsOut += 1
  return handDown(packet, local, remote, sizeof<TcpHeader>() + optionBytes, usual)
}

function handDown(packet: Packet, local: Ipv4Address, remote: Ipv4Address, bytes: u32, sending: Ipv4Sending): i32 {
  tcpCounters.segmentsOut += 1
  const path = pathFind(remote)
  if (path == null) {
    packetFree(packet)
    return Errno.NetworkUnreachable
  }
  pair.source = local
  pair.destination = remote
  at<TcpHeader>(packet.head).checksum = fold(pseudoSum(address(pair), IpProtocol.Tcp, bytes))
  packet.checksum = Checksum.Partial
  packet.checksumStart = 0
  packet.checksumOffset = tcpChecksumOffset()
  return ipv4OutputWith(path, packet, local, remote, IpProtocol.Tcp, sending)
}

/** A packet with room for `header` bytes of TCP in front of `length` octets from the buffers at `first`. */
function withData(first: Packet | null, length: u32, header: u32): Packet | null {
  if (first == null) return ipv4Allocate(TCP_HEADER_LIMIT)
  const own: boolean = packetAlone(first) && packetHeadRoom(first) >= HEAD_ROOM + header
  const packet = own ? packetShare(first, 0, packetLength(first)) : ipv4Allocate(TCP_HEADER_LIMIT)
  if (packet == null) return null
  let left: u32 = own ? length - packetLength(first) : length
  let each: Packet | null = own ? first.next : first
  let last: Packet = packet
  while (left != 0 && each != null) {
    const view = packetShare(each, 0, packetLength(each))
    if (view == null) {
      packetFree(packet)
      return null
    }
    last.nextFragment = view
    last = view
    left -= packetLength(each)
    each = each.next
  }
  return packet
}

/** Write the options of the next segment to `options`; returns their length, a multiple of four. */
function optionsFor(tcb: TcpControlBlock, flags: u32): u32 {
  const echo: u32 = (flags & TcpFlag.Ack) != 0 ? tcb.tsRecent : 0
  if ((flags & TcpFlag.Syn) != 0) return synOptions(tcb, echo)
  let length: u32 = tcb.timestamps ? timestampsWrite(options, timestampNow(tcb.tsOffset), echo) : 0
  if ((flags & TcpFlag.Ack) != 0) length += sackBlocksWrite(tcb, plus(options, length), 40 - length)
  return length
}

/** RFC 9293 §3.7.1, RFC 7323 §2.2, RFC 2018 §2. In a SYN+ACK what the SYN had. */
function synOptions(tcb: TcpControlBlock, echo: u32): u32 {
  const length: u32 = mssWrite(options, segmentAsked(tcb))
  const scale: u32 = tcb.scaling ? tcb.rcvScale : NO_SCALE
  const value: u32 = timestampNow(tcb.tsOffset)
  return length + synOptionsWrite(plus(options, length), tcb.sackPermitted, tcb.timestamps, value, echo, scale)
}

/** What a segment from a peer may hold: the MTU of the link to it, less the fixed headers. RFC 6691 §2. */
export function segmentRoom(remote: Ipv4Address): u32 {
  const path = pathFind(remote)
  const mtu: u32 = path != null ? path.egress.mtu : DEFAULT_MTU
  return mtu - sizeof<Ipv4Header>() - sizeof<TcpHeader>()
}

/** The same for one connection, whose user may want less. tcp(7), TCP_MAXSEG. */
export function segmentAsked(tcb: TcpControlBlock): u32 {
  const room: u32 = segmentRoom(tcb.remoteAddress)
  return tcb.userMss != 0 && tcb.userMss < room ? tcb.userMss : room
}

const DEFAULT_MTU: u32 = 576 // RFC 9293 §3.7.1: 536 octets where nothing is known

/** The window of a SYN is not scaled: RFC 7323 §2.2. */
function synWindow(tcb: TcpControlBlock): u32 {
  const window: u32 = tcb.rcv.advertised - tcb.rcv.nxt
  return window < 0xffff ? window : 0xffff
}
