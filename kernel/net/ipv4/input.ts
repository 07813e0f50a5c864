// IPv4 packets in: is the header sound, is it for us, who gets it. RFC 791 §3.2, RFC 1122 §3.2.1, §3.3.
// Main-loop context only.
//
// Options are checked for their length and skipped: RFC 1122 §3.2.1.8 lets a host ignore those it does not
// support. Fragments are counted and dropped: reassembly is not there yet. Nothing is forwarded.
//
// Next: icmpInput (icmp/input.ts), udpInput (udp/input.ts).

import { at, type u32 } from '../../lib/layout.ts'
import { packetLength, packetStrip, type Packet } from '../../drivers/net/packet.ts'
import { chainLength, chainTrim } from '../chain.ts'
import { LinkDestination } from '../ethernet/header.ts'
import { icmpInput } from '../icmp/input.ts'
import { IcmpType, Unreachable } from '../icmp/header.ts'
import { icmpError } from '../icmp/error.ts'
import { interfaceIsBroadcast, interfaceOwning, type NetInterface } from '../interface.ts'
import { Drop, counters, drop } from '../stats.ts'
import { udpInput } from '../udp/input.ts'
import { ADDRESS_ALL_HOSTS, ADDRESS_BROADCAST, isMulticast, isUnicast, type Ipv4Address } from './address.ts'
import { IpProtocol, Ipv4Header, ipv4Fault } from './header.ts'

/** One IPv4 packet, header at `head`. */
export function ipv4Input(ingress: NetInterface, packet: Packet): void {
  counters.ipv4Received += 1
  const ip = at<Ipv4Header>(packet.head)
  const fault: Drop = ipv4Fault(ip, packetLength(packet), chainLength(packet))
  if (fault != Drop.None) return drop(packet, fault)
  const unwanted: Drop = ipv4Unwanted(ingress, packet, ip)
  if (unwanted != Drop.None) return drop(packet, unwanted)

  chainTrim(packet, ip.totalLength) // Ethernet pads short frames
  if (ip.isFragment) return drop(packet, Drop.Ipv4Fragment)
  packet.networkHeader = packet.head
  packetStrip(packet, ip.headerLength)
  counters.ipv4Delivered += 1
  switch (ip.protocol) {
    case IpProtocol.Icmp: return icmpInput(packet)
    case IpProtocol.Udp: return udpInput(ingress, packet)
  }
  icmpError(ingress, packet, IcmpType.Unreachable, Unreachable.Protocol) // RFC 1122 §3.2.2.1
  drop(packet, Drop.Ipv4Protocol)
}

/** Who it is from and who it is for: the usual packet, to the interface's first address, is through at once. */
function ipv4Unwanted(ingress: NetInterface, packet: Packet, ip: Ipv4Header): Drop {
  const link: u32 = packet.linkDestination
  if (link == LinkDestination.OtherHost) return Drop.Ipv4OtherHost
  const source: Ipv4Address = ip.source
  if (!isUnicast(source) || interfaceIsBroadcast(ingress, source)) return Drop.Ipv4Source // RFC 1122 §3.2.1.3
  const destination: Ipv4Address = ip.destination
  const group = destination != ingress.first.address && isGroup(ingress, destination)
  if (!group && !isOurs(ingress, ip, destination)) return Drop.Ipv4NotForUs
  if (!group && link != LinkDestination.Us) return Drop.Ipv4LinkBroadcast // RFC 1122 §3.3.6
  if (interfaceOwning(source) != null) return Drop.Ipv4Source // our own address from outside: a loop or a lie
  return Drop.None
}

/** One of our addresses, whichever interface has it (RFC 1122 §3.3.4.2, weak), or an offer from a DHCP server. */
function isOurs(ingress: NetInterface, ip: Ipv4Header, destination: Ipv4Address): boolean {
  if (destination == ingress.first.address) return destination != 0
  if (interfaceOwning(destination) != null) return true
  return ingress.configuring && ip.protocol == IpProtocol.Udp && isUnicast(destination) // RFC 2131 §4.1
}

/** Broadcast, limited or directed, or the one group every host is in. RFC 1122 §3.2.1.3, RFC 1112 §4. */
function isGroup(ingress: NetInterface, destination: Ipv4Address): boolean {
  if (destination == ADDRESS_BROADCAST) return true
  if (isMulticast(destination)) return destination == ADDRESS_ALL_HOSTS
  return interfaceIsBroadcast(ingress, destination)
}
