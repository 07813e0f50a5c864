// ICMP messages in. RFC 792, RFC 1122 §3.2.2. Main-loop context only.
//
// An echo request is turned around in the buffer it came in: type, an incremental checksum, a fresh IPv4 header
// in the place of the old one. Requests to broadcast and multicast addresses are not answered (RFC 1122 §3.2.2.6
// lets a host; smurf attacks are why). Errors about our packets are counted; nobody listens to them yet.
//
// Next: echoReceived (icmp/echo.ts); ipv4Output (ipv4/output.ts).

import { at, type u32 } from '../../lib/layout.ts'
import { Checksum, type Packet } from '../../drivers/net/packet.ts'
import { checksumOf, checksumUpdate, packetSum } from '../checksum.ts'
import { LinkDestination } from '../ethernet/header.ts'
import { IpProtocol, Ipv4Header } from '../ipv4/header.ts'
import { ipv4Output } from '../ipv4/output.ts'
import { Drop, counters, drop } from '../stats.ts'
import { echoReceived } from './echo.ts'
import { IcmpHeader, IcmpType, icmpFault, icmpIsError } from './header.ts'

/** The bits of `dscpEcn` that say which service. RFC 2474 §3. */
const DSCP: u32 = 0xfc

/** One ICMP message, at `head`. */
export function icmpInput(packet: Packet): void {
  const icmp = at<IcmpHeader>(packet.head)
  const fault: Drop = icmpFault(icmp, packet)
  if (fault != Drop.None) return drop(packet, fault)
  if (icmp.type == IcmpType.Echo) return echoReply(packet, icmp)
  if (icmp.type == IcmpType.EchoReply) return echoReceived(packet)
  drop(packet, icmpIsError(icmp.type) ? Drop.IcmpError : Drop.IcmpType) // RFC 1122 §3.2.2: unknown types silently
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
  const service: u32 = ip.dscpEcn & DSCP // RFC 1122 §3.2.2.6; congestion marks are the receiver's, RFC 3168 §5
  ipv4Output(packet, ip.destination, ip.source, IpProtocol.Icmp, service) // counted where it fails
}
