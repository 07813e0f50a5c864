// UDP datagrams out. RFC 768, RFC 1122 §4.1.3. Main-loop context only.
//
// The checksum field leaves here with the sum of the pseudo header; the card completes it, or ethernetOutput
// does for a card that can not (Checksum.Partial).
//
// Next: ipv4OutputWith (ipv4/output.ts).

import { Errno } from '../../lib/errno.ts'
import { address, at, sizeof, staticStruct, wire, type Be, type i32, type u32 } from '../../lib/layout.ts'
import { Checksum, packetPrepend, type Packet } from '../../drivers/net/packet.ts'
import { chainLength } from '../chain.ts'
import { fold, pseudoSum } from '../checksum.ts'
import { refuse } from '../ethernet/output.ts'
import type { Ipv4Address } from '../ipv4/address.ts'
import { IpProtocol } from '../ipv4/header.ts'
import { Ipv4Sending, ipv4Allocate, ipv4Output, ipv4OutputWith } from '../ipv4/output.ts'
import { pathFind, type Path } from '../ipv4/route.ts'
import { Drop, counters } from '../stats.ts'
import { UdpHeader, udpChecksumOffset } from './header.ts'

/** Source and destination as they will stand in the IPv4 header, for the pseudo header's sum. */
@wire(8)
class AddressPair {
  source: Be<Ipv4Address>
  destination: Be<Ipv4Address>
}

const pair = staticStruct<AddressPair>()
/** Never written: the usual way. */
const usual = staticStruct<Ipv4Sending>()

/** An empty packet with room in front for UDP and all below; null when the pool is empty. */
export function udpAllocate(): Packet | null {
  return ipv4Allocate(sizeof<UdpHeader>())
}

/**
 * Send what is at `head` as a datagram; the packet is the callee's. `source` 0 stands for the address of the
 * interface it leaves by. Errors: NetworkUnreachable, MessageTooLong, and those of ipv4OutputWith.
 */
export function udpOutput(
  packet: Packet, source: Ipv4Address, sourcePort: u32, destination: Ipv4Address, destinationPort: u32,
): i32 {
  const path = pathFind(destination)
  if (path == null) return refuse(packet, Drop.OutputNoRoute, Errno.NetworkUnreachable)
  return udpOutputVia(path, packet, source != 0 ? source : path.source, sourcePort, destination, destinationPort)
}

/** As udpOutput, by a path that is known. */
export function udpOutputVia(
  path: Path, packet: Packet, source: Ipv4Address, sourcePort: u32, destination: Ipv4Address, destinationPort: u32,
): i32 {
  return udpOutputWith(path, packet, source, sourcePort, destination, destinationPort, usual)
}

/** As udpOutputVia, in the way that `sending` says. Errors: those of ipv4OutputWith. */
export function udpOutputWith(
  path: Path, packet: Packet, source: Ipv4Address, sourcePort: u32, destination: Ipv4Address, destinationPort: u32,
  sending: Ipv4Sending,
): i32 {
  const length: u32 = chainLength(packet) + sizeof<UdpHeader>()
  const udp = at<UdpHeader>(packetPrepend(packet, sizeof<UdpHeader>()))
  udp.sourcePort = sourcePort
  udp.destinationPort = destinationPort
  udp.length = length
  pair.source = source
  pair.destination = destination
  udp.checksum = fold(pseudoSum(address(pair), IpProtocol.Udp, length))
  packet.checksum = Checksum.Partial
  packet.checksumStart = 0
  packet.checksumOffset = udpChecksumOffset()
  counters.udpSent += 1
  return ipv4OutputWith(path, packet, source, destination, IpProtocol.Udp, sending)
}

/**
 * Send a received datagram back where it came from, in its own buffer: data at `head`, as a handler gets it. The
 * ports change places; the sum of what the checksum covers does not change, so neither does the checksum, complete
 * or not. The packet is the callee's. Errors: those of ipv4Output.
 */
export function udpReflect(packet: Packet, ours: Ipv4Address, from: Ipv4Address): i32 {
  const udp = at<UdpHeader>(packetPrepend(packet, sizeof<UdpHeader>()))
  const port: u32 = udp.sourcePort
  udp.sourcePort = udp.destinationPort
  udp.destinationPort = port
  packet.checksumStart = 0
  packet.checksumOffset = udpChecksumOffset()
  counters.udpSent += 1
  return ipv4Output(packet, ours, from, IpProtocol.Udp, 0)
}
