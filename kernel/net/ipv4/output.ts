// IPv4 packets out: header, route, link address. RFC 791 §3.2, RFC 1122 §3.2.1, §3.3.1. Main-loop context only.
//
// Next: arpTransmit (arp/resolve.ts) for one host; ethernetOutput (ethernet/output.ts) for all or a group.

import { Errno } from '../../lib/errno.ts'
import { at, sizeof, staticMemory, type i32, type u32 } from '../../lib/layout.ts'
import { Checksum, packetAllocate, packetHeadRoom, packetPrepend, type Packet } from '../../drivers/net/packet.ts'
import { arpTransmit } from '../arp/resolve.ts'
import { chainLength } from '../chain.ts'
import { EtherType, EthernetHeader } from '../ethernet/header.ts'
import { ethernetOutput, macBroadcast, refuse } from '../ethernet/output.ts'
import { Drop, counters } from '../stats.ts'
import { macOfGroup, type Ipv4Address } from './address.ts'
import { DEFAULT_TIME_TO_LIVE, DONT_FRAGMENT, Ipv4Header, VERSION_IHL_PLAIN, type IpProtocol } from './header.ts'
import { PathKind, pathFind, type Path } from './route.ts'

/** Multicast does not leave the link unless asked to. RFC 1112 §6.1. */
const MULTICAST_TIME_TO_LIVE: u32 = 1
/** Room in front of an IPv4 payload: more than any card's header, Ethernet's and IPv4's own; a multiple of 16. */
const HEAD_ROOM: u32 = 96

const groupMac = staticMemory(8)
let identification: u32 = 0

/** Identifications start at `seed`. Nothing is fragmented here, so any will do (RFC 6864 §4.1). */
export function ipv4OutputInit(seed: u32): void {
  identification = seed & 0xffff
}

/** An empty packet that all headers down to the card's fit in front of; null when the pool is empty. */
export function ipv4Allocate(transportHeader: u32): Packet | null {
  return packetAllocate(HEAD_ROOM + transportHeader)
}

/**
 * Send what is at `head` as the payload of an IPv4 packet; the packet is the callee's. `source` 0 stands for the
 * address of the interface it leaves by. Errors: NetworkUnreachable (no route), AddressNotAvailable (to an address of
 * ours: there is no loopback yet), and those of ipv4OutputVia.
 */
export function ipv4Output(
  packet: Packet, source: Ipv4Address, destination: Ipv4Address, protocol: IpProtocol, dscpEcn: u32,
): i32 {
  const path = pathFind(destination)
  if (path == null) return refuse(packet, Drop.OutputNoRoute, Errno.NetworkUnreachable)
  return ipv4OutputVia(path, packet, source != 0 ? source : path.source, destination, protocol, dscpEcn)
}

/**
 * As ipv4Output, by a path that is known. Errors: MessageTooLong, NoBufferSpace, NetworkDown, HostUnreachable,
 * AddressNotAvailable.
 */
export function ipv4OutputVia(
  path: Path, packet: Packet, source: Ipv4Address, destination: Ipv4Address, protocol: IpProtocol, dscpEcn: u32,
): i32 {
  const total: u32 = chainLength(packet) + sizeof<Ipv4Header>()
  if (total > path.egress.mtu) return refuse(packet, Drop.OutputTooLong, Errno.MessageTooLong)
  if (packetHeadRoom(packet) < sizeof<Ipv4Header>() + sizeof<EthernetHeader>()) {
    return refuse(packet, Drop.OutputNoRoom, Errno.NoBufferSpace)
  }
  if (packet.checksum == Checksum.Partial) packet.checksumStart += sizeof<Ipv4Header>()
  else packet.checksum = Checksum.None

  const ip = at<Ipv4Header>(packetPrepend(packet, sizeof<Ipv4Header>()))
  identification = (identification + 1) & 0xffff
  ip.versionIhl = VERSION_IHL_PLAIN
  ip.dscpEcn = dscpEcn
  ip.totalLength = total
  ip.identification = identification
  ip.flagsFragment = DONT_FRAGMENT
  ip.timeToLive = path.kind == PathKind.Multicast ? MULTICAST_TIME_TO_LIVE : DEFAULT_TIME_TO_LIVE
  ip.protocol = protocol
  ip.source = source
  ip.destination = destination
  ip.seal()
  counters.ipv4Sent += 1
  return transmit(path, packet)
}

function transmit(path: Path, packet: Packet): i32 {
  switch (path.kind) {
    case PathKind.Unicast:
      return arpTransmit(path.egress, path.nextHop, packet)
    case PathKind.Broadcast:
      return ethernetOutput(path.egress, packet, macBroadcast(), EtherType.Ipv4)
    case PathKind.Multicast:
      macOfGroup(groupMac, path.nextHop)
      return ethernetOutput(path.egress, packet, groupMac, EtherType.Ipv4)
    default:
      return refuse(packet, Drop.OutputLocal, Errno.AddressNotAvailable)
  }
}
