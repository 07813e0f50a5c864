// ICMP errors out: when one may be sent, what it quotes, how many a second. RFC 792, RFC 1122 §3.2.2,
// RFC 1812 §4.3.2. Main-loop context only.
//
// An error needs a packet of its own (the offender's buffer has no room in front of its header) and copies what
// it quotes: this is not the path of packets that matter, and the token bucket bounds it.
//
// Next: ipv4OutputWith (ipv4/output.ts).

import { ICMP_ERROR_BURST, ICMP_ERROR_INTERVAL } from '../../config.ts'
import { nowMilliseconds } from '../../lib/clock.ts'
import { at, distance, sizeof, staticStruct, type ptr, type u32 } from '../../lib/layout.ts'
import { packetAppend, packetPrepend, packetTailRoom, type Packet } from '../../drivers/net/packet.ts'
import { chainCopy, chainLength } from '../chain.ts'
import { checksumOf, packetSum } from '../checksum.ts'
import { LinkDestination } from '../ethernet/header.ts'
import { interfaceIsBroadcast, interfaceOwning, type NetInterface } from '../interface.ts'
import { ADDRESS_BROADCAST, isLoopback, isMulticast, isUnicast, type Ipv4Address } from '../ipv4/address.ts'
import { IpProtocol, Ipv4Header } from '../ipv4/header.ts'
import { Fragmentation, Ipv4Sending, ipv4Allocate, ipv4OutputWith } from '../ipv4/output.ts'
import { pathFind, type Path } from '../ipv4/route.ts'
import { Drop, counters, countDrop, drop } from '../stats.ts'
import { IcmpHeader, icmpIsError, type IcmpType } from './header.ts'

/** The whole error fits a datagram every host takes: RFC 1812 §4.3.2.3. */
const LONGEST_ERROR: u32 = 576
/** Internetwork control, as RFC 1812 §4.3.2.5 wants errors marked. */
const PRECEDENCE_INTERNETWORK: u32 = 0xc0

const sending = staticStruct<Ipv4Sending>()
let tokens: u32 = 0
let refilledAt: u32 = 0

/** A full bucket. */
export function icmpErrorInit(): void {
  tokens = ICMP_ERROR_BURST
  refilledAt = nowMilliseconds()
}

/** As icmpErrorWith, for an error that has nothing more to say. */
export function icmpError(ingress: NetInterface, packet: Packet, type: IcmpType, code: u32): void {
  icmpErrorWith(ingress, packet, type, code, 0)
}

/**
 * Report an error about a received packet, which stays the caller's: its IPv4 header at `networkHeader`, `head`
 * just after that header. Sends nothing where RFC 1122 §3.2.2 forbids it or the bucket is empty; both are counted.
 * `rest`: the second word of the message, the MTU of RFC 1191 §4 or the pointer of a parameter problem in its top byte.
 */
export function icmpErrorWith(ingress: NetInterface, packet: Packet, type: IcmpType, code: u32, rest: u32): void {
  const ip = at<Ipv4Header>(packet.networkHeader)
  if (!mayReport(ingress, packet, ip)) {
    counters.icmpErrorsSuppressed += 1
    return
  }
  if (!takeToken()) {
    counters.icmpErrorsLimited += 1
    return
  }
  const report = ipv4Allocate(sizeof<IcmpHeader>())
  if (report == null) return countDrop(Drop.OutputNoRoom)
  quote(report, packet)
  const icmp = at<IcmpHeader>(packetPrepend(report, sizeof<IcmpHeader>()))
  icmp.type = type
  icmp.code = code
  icmp.checksum = 0
  icmp.identifier = rest >>> 16
  icmp.sequence = rest & 0xffff
  icmp.checksum = checksumOf(packetSum(report, 0, 0))
  const path = pathFind(ip.source)
  if (path == null) return drop(report, Drop.OutputNoRoute)
  const source: Ipv4Address = sourceFor(ip, path)
  if (source == 0) return drop(report, Drop.OutputNoRoute) // nobody would know who speaks
  counters.icmpErrorsSent += 1
  ipv4OutputWith(path, report, source, ip.source, IpProtocol.Icmp, errorSending()) // counted where it fails
}

/** Marked as RFC 1812 §4.3.2.5 wants, and for routers to fragment: nobody would hear of a path MTU. */
function errorSending(): Ipv4Sending {
  sending.dscpEcn = PRECEDENCE_INTERNETWORK
  sending.fragmentation = Fragmentation.Allowed
  return sending
}

/** RFC 1122 §3.2.2: not about an error, a broadcast or group, a later fragment, or from nobody in particular. */
function mayReport(ingress: NetInterface, packet: Packet, ip: Ipv4Header): boolean {
  if (packet.linkDestination != LinkDestination.Us) return false
  const destination: Ipv4Address = ip.destination
  if (destination == ADDRESS_BROADCAST || isMulticast(destination)) return false
  if (interfaceIsBroadcast(ingress, destination)) return false
  if (ip.fragmentOffset != 0) return false
  if (!isUnicast(ip.source) && !(ingress.loopback && isLoopback(ip.source))) return false
  if (ip.protocol != IpProtocol.Icmp) return true
  return packetHasHeader(packet) && !icmpIsError(at<IcmpHeader>(packet.head).type)
}

function packetHasHeader(packet: Packet): boolean {
  return distance(packet.head, packet.tail) >= sizeof<IcmpHeader>()
}

/**
 * The address that was written to when it is ours, RFC 1122 §3.2.2; a router's is that of the interface the error
 * leaves by, RFC 1812 §4.3.2.4.
 */
function sourceFor(ip: Ipv4Header, path: Path): Ipv4Address {
  return interfaceOwning(ip.destination) != null ? ip.destination : path.source
}

/** The header, and as much after it as fits: RFC 1122 §3.2.2 wants 8 bytes, RFC 1812 §4.3.2.3 more. */
function quote(report: Packet, packet: Packet): void {
  const header: u32 = distance(packet.networkHeader, packet.head)
  let length: u32 = header + chainLength(packet)
  const most: u32 = LONGEST_ERROR - sizeof<Ipv4Header>() - sizeof<IcmpHeader>()
  if (length > most) length = most
  if (length > packetTailRoom(report)) length = packetTailRoom(report)
  const to = packetAppend(report, length)
  const before: ptr = packet.head
  packet.head = packet.networkHeader
  chainCopy(to, packet, length)
  packet.head = before
}

/** One token a ICMP_ERROR_INTERVAL, ICMP_ERROR_BURST at most. RFC 1812 §4.3.2.8. */
function takeToken(): boolean {
  const passed: u32 = (nowMilliseconds() - refilledAt) / ICMP_ERROR_INTERVAL
  if (passed > 0) {
    tokens = passed >= ICMP_ERROR_BURST - tokens ? ICMP_ERROR_BURST : tokens + passed
    refilledAt += passed * ICMP_ERROR_INTERVAL
  }
  if (tokens == 0) return false
  tokens -= 1
  return true
}
