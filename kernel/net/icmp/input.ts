// ICMP messages in. RFC 792, RFC 1122 §3.2.2. Main-loop context only.
//
// An echo request is turned around in the buffer it came in: type, an incremental checksum, a fresh IPv4 header
// in the place of the old one. Requests to broadcast and multicast addresses are not answered (RFC 1122 §3.2.2.6
// lets a host; smurf attacks are why). Of its options the reply has what was recorded in them, ourselves included.
//
// Not answered, and counted as unknown types: timestamp requests (RFC 1122 §3.2.2.8 MAY; they tell strangers our
// clock), information requests (§3.2.2.7 SHOULD NOT), address mask requests (§3.2.2.9 only by an authority), router
// solicitations and advertisements (RFC 1256 §5, never asked for here).
//
// Next: echoReceived (icmp/echo.ts); icmpErrorInput (icmp/received.ts); ipv4OutputWith (ipv4/output.ts).

import { at, sizeof, staticStruct, type u32 } from '../../lib/layout.ts'
import { Checksum, type Packet } from '../../drivers/net/packet.ts'
import { checksumOf, checksumUpdate, packetSum } from '../checksum.ts'
import { LinkDestination } from '../ethernet/header.ts'
import type { Ipv4Address } from '../ipv4/address.ts'
import { DEFAULT_TIME_TO_LIVE, DSCP_MASK, IpProtocol, Ipv4Header } from '../ipv4/header.ts'
import { optionsRecord, optionsReturned } from '../ipv4/options.ts'
import { Fragmentation, Ipv4Sending, ipv4OutputPrepared, ipv4OutputWith } from '../ipv4/output.ts'
import { pathFind, type Path } from '../ipv4/route.ts'
import { Drop, counters, drop } from '../stats.ts'
import { echoReceived } from './echo.ts'
import { IcmpHeader, IcmpType, icmpFault, icmpIsError } from './header.ts'
import { icmpErrorInput } from './received.ts'

/** How replies go: routers may fragment them, for there is nobody here to hear of a path MTU. */
const replying = staticStruct<Ipv4Sending>()

/** One ICMP message, at `head`. */
export function icmpInput(packet: Packet): void {
  const icmp = at<IcmpHeader>(packet.head)
  const fault: Drop = icmpFault(icmp, packet)
  if (fault != Drop.None) return drop(packet, fault)
  if (icmp.type == IcmpType.Echo) return echoReply(packet, icmp)
  if (icmp.type == IcmpType.EchoReply) return echoReceived(packet)
  if (icmpIsError(icmp.type)) return icmpErrorInput(packet, icmp)
  drop(packet, Drop.IcmpType) // RFC 1122 §3.2.2: unknown types silently
}

/** RFC 792 "Echo or Echo Reply Message": the same data, from the address that was asked, with the same service. */
function echoReply(packet: Packet, icmp: IcmpHeader): void {
  if (packet.linkDestination != LinkDestination.Us) return drop(packet, Drop.IcmpEchoGroup)
  counters.icmpEchoRequestsReceived += 1
  const ip = at<Ipv4Header>(packet.networkHeader)
  const before: u32 = icmp.typeAndCode
  icmp.type = IcmpType.EchoReply
  icmp.code = 0
  if (packet.checksum == Checksum.Partial) {
    icmp.checksum = 0
    icmp.checksum = checksumOf(packetSum(packet, 0, 0))
  } else {
    icmp.checksum = checksumUpdate(icmp.checksum, before, icmp.typeAndCode)
  }
  packet.checksum = Checksum.None
  counters.icmpEchoRepliesSent += 1
  const to: Ipv4Address = ip.source
  const from: Ipv4Address = ip.destination
  const path = pathFind(to)
  if (path == null) return drop(packet, Drop.OutputNoRoute)
  replying.dscpEcn = ip.dscpEcn & DSCP_MASK // RFC 1122 §3.2.2.6; congestion marks are the receiver's, RFC 3168 §5
  replying.fragmentation = Fragmentation.Allowed
  if (ip.headerLength > sizeof<Ipv4Header>() && optionsReturned(ip)) return replyWithOptions(packet, ip, path)
  ipv4OutputWith(path, packet, from, to, IpProtocol.Icmp, replying) // counted where it fails
}

/** RFC 1122 §3.2.2.6: what the request recorded goes back, with ourselves in it; the header is turned around too. */
function replyWithOptions(packet: Packet, ip: Ipv4Header, path: Path): void {
  const from: Ipv4Address = ip.destination
  optionsRecord(ip, from)
  ip.destination = ip.source
  ip.source = from
  ip.dscpEcn = replying.dscpEcn
  ip.timeToLive = DEFAULT_TIME_TO_LIVE
  ip.flagsFragment = 0
  ip.identification = 0
  packet.head = packet.networkHeader
  ipv4OutputPrepared(path, packet) // counted where it fails
}
