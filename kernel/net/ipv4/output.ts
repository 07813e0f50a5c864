// IPv4 packets out: header, route, link address. RFC 791 §3.2, RFC 1122 §3.2.1, §3.3.1. Main-loop context only.
//
// Next: segmentedTransmit (segment.ts), ipv4Transmit (transmit.ts), or fragmentOutput (fragment.ts).

import { Errno } from '../../lib/errno.ts'
import { copyBytes } from '../../lib/memory.ts'
import { random32 } from '../../lib/random.ts'
import {
  at, nth, plus, sizeof, staticRow, staticStruct, struct,
  type Stored, type i32, type ptr, type u32, type u8,
} from '../../lib/layout.ts'
import {
  Checksum, packetAllocate, packetAppend, packetHeadRoom, packetLength, packetPrepend, packetTailRoom, type Packet,
} from '../../drivers/net/packet.ts'
import { NicFeature } from '../../drivers/net/nic.ts'
import { chainLast, chainLength, longestOf } from '../chain.ts'
import { EthernetHeader } from '../ethernet/header.ts'
import { checksumComplete, refuse } from '../ethernet/output.ts'
import { segmentCount, segmentedTransmit } from '../segment.ts'
import { Drop, counters } from '../stats.ts'
import type { Ipv4Address } from './address.ts'
import { fragmentOutput } from './fragment.ts'
import {
  DEFAULT_TIME_TO_LIVE, DONT_FRAGMENT, Ipv4Header, LONGEST_PACKET, VERSION_IHL_PLAIN, type IpProtocol,
} from './header.ts'
import { OPTIONS_GOOD, optionsCheck } from './options.ts'
import { PathKind, pathFind, type Path } from './route.ts'
import { HEAD_ROOM, ipv4Transmit } from './transmit.ts'

/** Whether a packet may be fragmented, and by whom. */
export const enum Fragmentation {
  /** RFC 1191 §3: routers must not while it fits the path MTU; what is longer is fragmented here. */
  Usual,
  /** Nobody: what is over the path MTU is MessageTooLong. Linux's IP_PMTUDISC_DO. */
  Never,
  /** Anybody. Linux's IP_PMTUDISC_DONT. */
  Allowed,
  /** Nobody, and the path MTU learned so far does not count: RFC 4821 §7. Linux's IP_PMTUDISC_PROBE. */
  Probe,
}

/** How a packet is sent, beyond where to. Zeroed memory is the usual way. */
@struct
export class Ipv4Sending {
  dscpEcn: u8
  timeToLive: u8 // 0: 64, or 1 to a group
  fragmentation: Stored<u8, Fragmentation>
  reserved: u8
}

@struct
class Identification {
  last: u32
}

/** Multicast does not leave the link unless asked to. RFC 1112 §6.1. */
const MULTICAST_TIME_TO_LIVE: u32 = 1

const IDENTIFICATION_BITS: u32 = 8
const IDENTIFICATIONS: u32 = 256

const usual = staticStruct<Ipv4Sending>()
/**
 * The last identification for each of 256 classes of source, destination and protocol, which a secret spreads: they
 * repeat as late as can be (RFC 6864 §4.2), and those for one host tell nothing about another (RFC 6274 §3.5.2).
 */
const identifications = staticRow<Identification>(IDENTIFICATIONS)
let identificationSecret: u32 = 0

/** Identifications start anywhere; `seed` is their secret. */
export function ipv4OutputInit(seed: u32): void {
  identificationSecret = seed
  for (let i: u32 = 0; i < IDENTIFICATIONS; i++) nth(identifications, i).last = random32()
}

/** The first of `count` identifications in a row, for a packet that becomes so many. */
function identificationsFor(source: Ipv4Address, destination: Ipv4Address, protocol: u32, count: u32): u32 {
  const mixed: u32 = (destination ^ identificationSecret) * 0x9e3779b1 + (source ^ (protocol << 24))
  const hash: u32 = mixed * 0x85ebca6b // murmur3's first finalizer constant: odd, half its bits set
  const entry = nth(identifications, hash >>> (32 - IDENTIFICATION_BITS))
  entry.last += count
  return (entry.last - count + 1) & 0xffff
}

/** An empty packet that all headers down to the card's fit in front of; null when the pool is empty. */
export function ipv4Allocate(transportHeader: u32): Packet | null {
  return packetAllocate(HEAD_ROOM + transportHeader)
}

/**
 * Append `length` bytes to a packet from ipv4Allocate, its transport header in place, in as many buffers as it takes for
 * a path with this MTU to need no copy of them: every buffer is one fragment. False when the pool has not so
 * many; the packet stays the caller's, with what fitted.
 */
export function ipv4Append(packet: Packet, mtu: u32, from: ptr, length: u32): boolean {
  let each: Packet = chainLast(packet)
  let done: u32 = 0
  while (done < length) {
    const room: u32 = fragmentRoom(each, mtu)
    const here: u32 = length - done < room ? length - done : room
    copyBytes(packetAppend(each, here), plus(from, done), here)
    done += here
    if (done == length) break
    const next = packetAllocate(HEAD_ROOM)
    if (next == null) return false
    each.nextFragment = next
    each = next
  }
  return true
}

/** Bytes that still go into a buffer which is to be one fragment. */
function fragmentRoom(packet: Packet, mtu: u32): u32 {
  const most: u32 = (mtu - sizeof<Ipv4Header>()) & ~7
  const left: u32 = packetLength(packet) < most ? most - packetLength(packet) : 0
  return left < packetTailRoom(packet) ? left : packetTailRoom(packet) & ~7
}

/**
 * The largest IPv4 packet that may be handed to ipv4OutputWith with `segmentSize` set on this path: 65,535 where the card
 * segments, or `lo`, else path.mtu.
 */
export function ipv4SegmentLimit(path: Path): u32 {
  const cuts: boolean = (path.egress.nic.features & NicFeature.TransmitSegmentation) != 0
  return cuts ? LONGEST_PACKET : path.mtu
}

/**
 * Send what is at `head` as the payload of an IPv4 packet; the packet is the callee's. `source` 0 stands for the
 * address of the interface it leaves by. Errors: NetworkUnreachable (no route), and those of ipv4OutputVia.
 */
export function ipv4Output(
  packet: Packet, source: Ipv4Address, destination: Ipv4Address, protocol: IpProtocol, dscpEcn: u32,
): i32 {
  const path = pathFind(destination)
  if (path == null) return refuse(packet, Drop.OutputNoRoute, Errno.NetworkUnreachable)
  return ipv4OutputVia(path, packet, source != 0 ? source : path.source, destination, protocol, dscpEcn)
}

/** As ipv4Output, by a path that is known. Errors: MessageTooLong, NoBufferSpace, NetworkDown, HostUnreachable. */
export function ipv4OutputVia(
  path: Path, packet: Packet, source: Ipv4Address, destination: Ipv4Address, protocol: IpProtocol, dscpEcn: u32,
): i32 {
  usual.dscpEcn = dscpEcn
  return ipv4OutputWith(path, packet, source, destination, protocol, usual)
}

/**
 * As ipv4OutputVia, in the way that `sending` says. What is over the path MTU leaves in fragments if it may;
 * MessageTooLong if it may not, or would be more than 65,535 bytes. With a `segmentSize` the packet is TCP, its
 * checksum Partial, and longer than one segment; its segments must fit the path MTU, and leave whole.
 */
export function ipv4OutputWith(
  path: Path, packet: Packet, source: Ipv4Address, destination: Ipv4Address, protocol: IpProtocol,
  sending: Ipv4Sending,
): i32 {
  const total: u32 = chainLength(packet) + sizeof<Ipv4Header>()
  const how: Fragmentation = sending.fragmentation
  const fits = longestOf(packet, total) <= (how == Fragmentation.Probe ? path.egress.mtu : path.mtu)
  if (total > LONGEST_PACKET || (!fits && !mayBeFragmented(packet, how))) {
    return refuse(packet, Drop.OutputTooLong, Errno.MessageTooLong)
  }
  if (packetHeadRoom(packet) < sizeof<Ipv4Header>() + sizeof<EthernetHeader>()) {
    return refuse(packet, Drop.OutputNoRoom, Errno.NoBufferSpace)
  }
  if (packet.checksum == Checksum.Partial && !fits) checksumComplete(packet)
  if (packet.checksum == Checksum.Partial) packet.checksumStart += sizeof<Ipv4Header>()
  else packet.checksum = Checksum.None

  const ip = at<Ipv4Header>(packetPrepend(packet, sizeof<Ipv4Header>()))
  const timeToLive: u32 = sending.timeToLive
  ip.versionIhl = VERSION_IHL_PLAIN
  ip.dscpEcn = sending.dscpEcn
  ip.totalLength = total
  ip.identification = identificationsFor(source, destination, protocol, segmentCount(packet, total))
  ip.flagsFragment = fits && mustNotBeFragmented(path, how) ? DONT_FRAGMENT : 0
  ip.timeToLive = timeToLive != 0 ? timeToLive : timeToLiveOf(path)
  ip.protocol = protocol
  ip.source = source
  ip.destination = destination
  counters.ipv4Sent += 1
  if (!fits) return fragmentOutput(path, packet, path.mtu)
  ip.seal()
  return segmentedTransmit(path, packet)
}

/** TCP chooses its segments so that they fit: those that do not are chosen anew. */
function mayBeFragmented(packet: Packet, how: Fragmentation): boolean {
  return packet.segmentSize == 0 && how != Fragmentation.Never && how != Fragmentation.Probe
}

function mustNotBeFragmented(path: Path, how: Fragmentation): boolean {
  if (how == Fragmentation.Usual) return !path.narrow
  return how != Fragmentation.Allowed
}

function timeToLiveOf(path: Path): u32 {
  return path.kind == PathKind.Multicast ? MULTICAST_TIME_TO_LIVE : DEFAULT_TIME_TO_LIVE
}

/**
 * Send a packet whose header, options and all, is at `head` already: length and checksum are filled in here, and the
 * identification if it is 0. The packet is the callee's. Errors: InvalidArgument (a header that makes no sense), and
 * those of ipv4OutputVia; DONT_FRAGMENT in the header says whether it may be fragmented.
 */
export function ipv4OutputPrepared(path: Path, packet: Packet): i32 {
  const ip = at<Ipv4Header>(packet.head)
  const here: u32 = packetLength(packet)
  if (here < sizeof<Ipv4Header>() || ip.version != 4) return refuse(packet, Drop.OutputHeader, Errno.InvalidArgument)
  if (ip.headerLength < sizeof<Ipv4Header>() || ip.headerLength > here || optionsCheck(ip) != OPTIONS_GOOD) {
    return refuse(packet, Drop.OutputHeader, Errno.InvalidArgument)
  }
  const total: u32 = chainLength(packet)
  const fits = total <= path.mtu
  if (!fits && (total > LONGEST_PACKET || (ip.flagsFragment & DONT_FRAGMENT) != 0)) {
    return refuse(packet, Drop.OutputTooLong, Errno.MessageTooLong)
  }
  ip.totalLength = total
  if (ip.identification == 0) ip.identification = identificationsFor(ip.source, ip.destination, ip.protocol, 1)
  packet.checksum = Checksum.None
  counters.ipv4Sent += 1
  if (!fits) return fragmentOutput(path, packet, path.mtu)
  ip.seal()
  return ipv4Transmit(path, packet)
}
