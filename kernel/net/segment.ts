// TCP in packets longer than a frame: whether a card may be left to cut one, whether one that was received is what it
// says, and the cutting where no card does it. Segments are what the sender's TCP would have made of the same data:
// RFC 9293 §3.1, RFC 3168 §6.1.2. Main-loop context only.
//
// In software each segment is a fresh packet with a copy of the headers and of its part of the payload. Views of the
// payload would save that copy and take two or three descriptors of the card's ring a frame instead of one.
//
// Next: ipv4Transmit (ipv4/transmit.ts), fragmentOutput (ipv4/fragment.ts) for segments over the next link's MTU.

import { SEGMENT_BUFFER_LIMIT } from '../config.ts'
import { Errno } from '../lib/errno.ts'
import { copyBytes } from '../lib/memory.ts'
import { address, at, plus, sizeof, staticMemory, type i32, type u32 } from '../lib/layout.ts'
import { NicFeature } from '../drivers/net/nic.ts'
import {
  Checksum, packetAllocate, packetAppend, packetFree, packetLength, packetStrip, packetTailRoom, type Packet,
} from '../drivers/net/packet.ts'
import { chainCount, chainLength } from './chain.ts'
import { fold, pseudoSum } from './checksum.ts'
import { EthernetHeader } from './ethernet/header.ts'
import { checksumComplete, refuse } from './ethernet/output.ts'
import type { NetInterface } from './interface.ts'
import { fragmentOutput } from './ipv4/fragment.ts'
import { IpProtocol, Ipv4Header } from './ipv4/header.ts'
import type { Path } from './ipv4/route.ts'
import { HEAD_ROOM, ipv4Transmit } from './ipv4/transmit.ts'
import { Drop, counters } from './stats.ts'
import { TcpFlag, TcpHeader, tcpChecksumOffset } from './tcp/header.ts'

/** The headers of the packet being cut: 60 bytes each of IPv4 and TCP. */
const headers = staticMemory(120)
/** The buffer of it from which the next segment is taken. */
let source: Packet | null = null

/**
 * Decide whether a packet that was received with a `segmentSize`, its checked header at `head`, is TCP that can be cut:
 * the card's word is not proof. Fills in `headerLength`; what is one segment only is no longer one to be cut.
 */
export function segmentsFault(packet: Packet, ip: Ipv4Header): Drop {
  const start: u32 = ip.headerLength
  const here: u32 = packetLength(packet)
  if (ip.protocol != IpProtocol.Tcp || ip.isFragment || here < start + sizeof<TcpHeader>()) return Drop.Ipv4Segments
  const place: boolean = packet.checksumStart == sizeof<EthernetHeader>() + start && packet.checksumOffset == tcpChecksumOffset()
  if (packet.checksum != Checksum.Partial || !place) return Drop.Ipv4Segments
  const header: u32 = start + tcpAfter(ip).headerLength
  if (header < start + sizeof<TcpHeader>() || header > here) return Drop.Ipv4Segments
  packet.headerLength = header
  if (ip.totalLength - header <= packet.segmentSize) packet.segmentSize = 0
  return Drop.None
}

/** The TCP header behind an IPv4 header. */
function tcpAfter(ip: Ipv4Header): TcpHeader {
  return at<TcpHeader>(plus(address(ip), ip.headerLength))
}

/** In how many segments a packet of `total` bytes leaves: 1 if it is not to be cut. */
export function segmentCount(packet: Packet, total: u32): u32 {
  const size: u32 = packet.segmentSize
  return size == 0 ? 1 : (total - packet.headerLength + size - 1) / size
}

/**
 * The last step of a packet that may have a `segmentSize`, its finished header at `head`: whole where that is 0 or the card
 * cuts, else in segments. The packet is the callee's. Errors: those of ipv4Transmit, and NoBufferSpace.
 */
export function segmentedTransmit(path: Path, packet: Packet): i32 {
  if (packet.segmentSize == 0 || cardCuts(path.egress, packet)) return ipv4Transmit(path, packet)
  return segmentOutput(path, packet)
}

/** Whether the card cuts a packet, its header at `head`: as NicFeature says. */
function cardCuts(egress: NetInterface, packet: Packet): boolean {
  const reduced: boolean = (tcpAfter(at<Ipv4Header>(packet.head)).flags & TcpFlag.Cwr) != 0
  const wanted: u32 = reduced ? NicFeature.TransmitSegmentationEcn : NicFeature.TransmitSegmentation
  return (egress.nic.features & wanted) != 0 && chainCount(packet) <= SEGMENT_BUFFER_LIMIT
}

/**
 * Send a packet with a `segmentSize`, its finished header at `head` and Checksum.Partial, in segments; those over the
 * MTU of the link, which has no DONT_FRAGMENT then, in fragments. The packet is the callee's. Errors: NoBufferSpace,
 * and those of ipv4Transmit: then what is left is not sent.
 */
export function segmentOutput(path: Path, packet: Packet): i32 {
  const header: u32 = packet.headerLength
  const left: u32 = chainLength(packet) - header
  const size: u32 = packet.segmentSize
  copyBytes(headers, packet.head, header)
  packetStrip(packet, header)
  counters.ipv4Segmented += 1
  source = packet
  let result: i32 = Errno.None
  let done: u32 = 0
  for (let i: u32 = 0; done < left && result == Errno.None; i++) {
    const length: u32 = left - done < size ? left - done : size
    const segment = nextSegment(header, length)
    if (segment == null) return refuse(packet, Drop.OutputNoRoom, Errno.NoBufferSpace)
    segment.device = packet.device
    segment.linkDestination = packet.linkDestination
    segment.priority = packet.priority
    finish(segment, i, done, done + length == left)
    result = sendSegment(path, segment)
    done += length
  }
  packetFree(packet)
  path.egress.nic.flush(path.egress.nic) // a ring holds a few packets' worth: the device begins before the next is cut
  return result
}

/** A packet with the headers and the next `length` bytes of `source`, which has them; null when the pool is empty. */
function nextSegment(header: u32, length: u32): Packet | null {
  const first = packetAllocate(HEAD_ROOM)
  if (first == null) return null
  copyBytes(packetAppend(first, header), headers, header)
  let last: Packet = first
  let left: u32 = length
  while (left > 0) {
    if (packetTailRoom(last) == 0) {
      const next = packetAllocate(0)
      if (next == null) {
        packetFree(first)
        return null
      }
      last.nextFragment = next
      last = next
    }
    left -= move(last, source as Packet, left)
  }
  return first
}

/** Move up to `most` bytes from the front of one buffer to the end of another. Returns how many. */
function move(to: Packet, from: Packet, most: u32): u32 {
  let length: u32 = packetLength(from)
  if (length > most) length = most
  if (length > packetTailRoom(to)) length = packetTailRoom(to)
  copyBytes(packetAppend(to, length), from.head, length)
  packetStrip(from, length)
  if (packetLength(from) == 0) source = from.nextFragment
  return length
}

/**
 * Make the copied headers those of segment `index`, whose payload is `offset` bytes after that of the first. FIN and PSH
 * are the last one's, CWR is the first one's.
 */
function finish(segment: Packet, index: u32, offset: u32, last: boolean): void {
  const ip = at<Ipv4Header>(segment.head)
  const tcp = tcpAfter(ip)
  ip.totalLength = chainLength(segment)
  ip.identification += index
  ip.seal()
  tcp.sequence += offset
  if (!last) tcp.flags = tcp.flags & ~(TcpFlag.Fin | TcpFlag.Psh)
  if (index != 0) tcp.flags = tcp.flags & ~TcpFlag.Cwr
  tcp.checksum = fold(pseudoSum(ip.addresses, IpProtocol.Tcp, ip.totalLength - ip.headerLength))
  segment.checksum = Checksum.Partial
  segment.checksumStart = ip.headerLength
  segment.checksumOffset = tcpChecksumOffset()
}

function sendSegment(path: Path, segment: Packet): i32 {
  if (chainLength(segment) <= path.egress.mtu) return ipv4Transmit(path, segment)
  checksumComplete(segment)
  return fragmentOutput(path, segment, path.egress.mtu)
}
