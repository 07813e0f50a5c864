// Packets for others, from one link to the next. RFC 1812 §5. Main-loop context only.
//
// A packet is forwarded in the buffer it came in: the TTL is taken down, the checksum follows (RFC 1624 §3), a fresh
// Ethernet header goes over the old one. Off unless `forward=1`.
//
// Not done, on purpose: redirects are not sent (RFC 1812 §5.2.7.2: they help only hosts that believe them, and
// RFC 1122 §3.2.2.2 lets no host that is careful), directed broadcasts are not forwarded (RFC 2644 §3), nor is multicast,
// nor anything link-local (RFC 3927 §7); the sender's address is not checked against the routes (RFC 1812 §5.3.8 lets
// one leave that out).
//
// TCP that a card received uncut goes on uncut where the next card cuts it.
//
// Next: segmentedTransmit (segment.ts), fragmentOutput (fragment.ts).

import { at, plus, sizeof, type u32 } from '../../lib/layout.ts'
import { Checksum, packetLength, packetStrip, type Packet } from '../../drivers/net/packet.ts'
import { longestOf } from '../chain.ts'
import { checksumUpdate } from '../checksum.ts'
import { EthernetHeader, LinkDestination } from '../ethernet/header.ts'
import { checksumComplete } from '../ethernet/output.ts'
import { icmpError, icmpErrorWith } from '../icmp/error.ts'
import { IcmpType, Unreachable } from '../icmp/header.ts'
import { QUOTED_LEAST, icmpTellSender } from '../icmp/received.ts'
import { interfaceOwning, type NetInterface } from '../interface.ts'
import { segmentOutput, segmentedTransmit } from '../segment.ts'
import { Drop, counters, drop } from '../stats.ts'
import { isLinkLocal, isUnicast, type Ipv4Address } from './address.ts'
import { fragmentOutput } from './fragment.ts'
import { DONT_FRAGMENT, Ipv4Header } from './header.ts'
import { optionsRecord } from './options.ts'
import { PathKind, pathFind, type Path } from './route.ts'

let forwarding = false

/** Whether packets for others are forwarded from now on. */
export function ipv4ForwardSet(enabled: boolean): void {
  forwarding = enabled
}

/** Whether they are. */
export function ipv4Forwarding(): boolean {
  return forwarding
}

/** A packet that is not for us, its checked header at `head`, trimmed to its total length; its options are good. */
export function ipv4Forward(ingress: NetInterface, packet: Packet, ip: Ipv4Header): void {
  const destination: Ipv4Address = ip.destination
  if (packet.linkDestination != LinkDestination.Us) return drop(packet, Drop.ForwardRefused) // RFC 1812 §5.3.4
  if (!isRouted(destination) || !isRouted(ip.source)) return drop(packet, Drop.ForwardRefused)
  if (ip.timeToLive <= 1) return report(ingress, packet, ip, Drop.ForwardTimeToLive, IcmpType.TimeExceeded, 0, 0)
  const path = pathFind(destination)
  if (path == null) {
    return report(ingress, packet, ip, Drop.ForwardNoRoute, IcmpType.Unreachable, Unreachable.Net, 0)
  }
  if (path.kind != PathKind.Unicast) return drop(packet, Drop.ForwardRefused) // a directed broadcast: RFC 2644 §3
  const mtu: u32 = path.egress.mtu
  const fits = longestOf(packet, ip.totalLength) <= mtu
  if (!fits && (ip.flagsFragment & DONT_FRAGMENT) != 0) { // RFC 1191 §4: with the MTU of the next link
    return report(
      ingress, packet, ip, Drop.ForwardTooLong, IcmpType.Unreachable, Unreachable.FragmentationNeeded, mtu,
    )
  }
  if (packet.checksum == Checksum.Partial && !partialGood(packet, ip)) return drop(packet, Drop.ForwardChecksum)
  send(path, packet, ip, fits)
}

/** Addresses that may be beyond a router: RFC 1812 §5.3.7, RFC 3927 §7. */
function isRouted(a: Ipv4Address): boolean {
  return isUnicast(a) && !isLinkLocal(a)
}

function send(path: Path, packet: Packet, ip: Ipv4Header, fits: boolean): void {
  const before: u32 = (ip.timeToLive << 8) | ip.protocol
  ip.timeToLive -= 1
  ip.headerChecksum = checksumUpdate(ip.headerChecksum, before, before - 0x100) // RFC 1812 §5.3.1
  if (ip.headerLength > sizeof<Ipv4Header>()) {
    optionsRecord(ip, path.source)
    ip.seal()
  }
  if (packet.checksum == Checksum.Valid) packet.checksum = Checksum.None
  counters.ipv4Forwarded += 1
  if (fits) {
    segmentedTransmit(path, packet) // counted where it fails
    return
  }
  if (packet.segmentSize != 0) {
    segmentOutput(path, packet)
    return
  }
  if (packet.checksum == Checksum.Partial) checksumComplete(packet)
  fragmentOutput(path, packet, path.egress.mtu)
}

/**
 * A checksum that the card left open is counted from the frame; what sends counts from the packet. False where it
 * would not lie in what is left of the packet after its header.
 */
function partialGood(packet: Packet, ip: Ipv4Header): boolean {
  const start: u32 = packet.checksumStart
  if (start < sizeof<EthernetHeader>() + ip.headerLength) return false
  packet.checksumStart = start - sizeof<EthernetHeader>()
  return packet.checksumStart + packet.checksumOffset + 2 <= packetLength(packet)
}

/** Tell the sender, and drop. */
function report(
  ingress: NetInterface, packet: Packet, ip: Ipv4Header, reason: Drop, type: IcmpType, code: u32, rest: u32,
): void {
  packet.networkHeader = packet.head
  packetStrip(packet, ip.headerLength)
  icmpErrorWith(ingress, packet, type, code, rest)
  drop(packet, reason)
}

/**
 * Nobody at the next hop answers for a packet, its header at `head`, which stays the caller's. Its sender hears of
 * it: by ICMP 3/1 if the packet was forwarded (RFC 1812 §5.2.7.1), as the same error if it was ours.
 */
export function ipv4Unresolved(packet: Packet): void {
  const ip = at<Ipv4Header>(packet.head)
  if (interfaceOwning(ip.source) != null) {
    if (ip.fragmentOffset != 0 || packetLength(packet) < ip.headerLength + QUOTED_LEAST) return
    icmpTellSender(ip, IcmpType.Unreachable, Unreachable.Host, 0)
    return
  }
  if (packet.device == 0) return
  const head = packet.head
  packet.networkHeader = head
  packet.head = plus(head, ip.headerLength)
  icmpError(at<NetInterface>(packet.device), packet, IcmpType.Unreachable, Unreachable.Host)
  packet.head = head
}
