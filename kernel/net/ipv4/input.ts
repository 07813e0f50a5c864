// IPv4 packets in: is the header sound, is it for us, who gets it. RFC 791 §3.2, RFC 1122 §3.2.1, §3.3.
// Main-loop context only.
//
// Every packet is checked here; then one for us waits for the rest of its fragments, if it is one, and goes up; one
// for others is forwarded, if that was asked for. What is done with options is in options.ts.
//
// Next: ipv4Forward (forward.ts), reassemble (reassembly.ts), rawDeliver (socket/raw.ts),
// icmpInput (icmp/input.ts), igmpInput (igmp/input.ts), udpInput (udp/input.ts), tcpInput (tcp/input.ts).

import { at, sizeof, type u32 } from '../../lib/layout.ts'
import { packetFree, packetLength, packetStrip, type Packet } from '../../drivers/net/packet.ts'
import { chainLength, chainTrim } from '../chain.ts'
import { LinkDestination } from '../ethernet/header.ts'
import { icmpInput } from '../icmp/input.ts'
import { IcmpType, Unreachable } from '../icmp/header.ts'
import { icmpError, icmpErrorWith } from '../icmp/error.ts'
import { igmpInput } from '../igmp/input.ts'
import { multicastAccepts, multicastMember } from '../igmp/join.ts'
import { interfaceIsBroadcast, interfaceOwning, type NetInterface } from '../interface.ts'
import { segmentsFault } from '../segment.ts'
import { rawDeliver } from '../socket/raw.ts'
import { Drop, counters, drop } from '../stats.ts'
import { tcpInput } from '../tcp/input.ts'
import { udpInput } from '../udp/input.ts'
import { ADDRESS_BROADCAST, isLoopback, isMulticast, isUnicast, type Ipv4Address } from './address.ts'
import { ipv4Forward, ipv4Forwarding } from './forward.ts'
import { IpProtocol, Ipv4Header, ipv4Fault } from './header.ts'
import { OPTIONS_GOOD, OPTIONS_SOURCE_ROUTE, optionsCheck } from './options.ts'
import { reassemble } from './reassembly.ts'

/** One IPv4 packet, header at `head`. */
export function ipv4Input(ingress: NetInterface, packet: Packet): void {
  counters.ipv4Received += 1
  const ip = at<Ipv4Header>(packet.head)
  const fault: Drop = ipv4Fault(ip, packetLength(packet), chainLength(packet))
  if (fault != Drop.None) return drop(packet, fault)
  const unwanted: Drop = ipv4Unwanted(ingress, packet, ip)
  const forOthers = unwanted == Drop.Ipv4NotForUs && ipv4Forwarding()
  if (unwanted != Drop.None && !forOthers) return drop(packet, unwanted)

  chainTrim(packet, ip.totalLength) // Ethernet pads short frames
  if (ip.headerLength > sizeof<Ipv4Header>() && optionsRefused(ingress, packet, ip)) return
  if (packet.segmentSize != 0 && segmentsFault(packet, ip) != Drop.None) return drop(packet, Drop.Ipv4Segments)
  if (forOthers) return ipv4Forward(ingress, packet, ip)
  if (ip.isFragment) return fragmentInput(ingress, packet, ip)
  packet.networkHeader = packet.head
  packetStrip(packet, ip.headerLength)
  ipv4Deliver(ingress, packet, ip)
}

function fragmentInput(ingress: NetInterface, packet: Packet, ip: Ipv4Header): void {
  const whole = reassemble(ingress, packet, ip)
  if (whole != null) ipv4Deliver(ingress, whole, at<Ipv4Header>(whole.networkHeader))
}

/** A whole packet for us, what follows its header at `head`. */
function ipv4Deliver(ingress: NetInterface, packet: Packet, ip: Ipv4Header): void {
  counters.ipv4Delivered += 1
  const heard = rawDeliver(ingress, packet)
  switch (ip.protocol) {
    case IpProtocol.Icmp: return icmpInput(packet)
    case IpProtocol.Igmp: return igmpInput(ingress, packet)
    case IpProtocol.Tcp: return tcpInput(packet)
    case IpProtocol.Udp: return udpInput(ingress, packet)
  }
  if (heard) return packetFree(packet) // a raw socket speaks the protocol
  icmpError(ingress, packet, IcmpType.Unreachable, Unreachable.Protocol) // RFC 1122 §3.2.2.1
  drop(packet, Drop.Ipv4Protocol)
}

/** Whether options are such that the packet was dropped; its sender hears of it: RFC 1122 §3.2.2.5, RFC 1812 §5.2.7.1. */
function optionsRefused(ingress: NetInterface, packet: Packet, ip: Ipv4Header): boolean {
  const found: u32 = optionsCheck(ip)
  if (found == OPTIONS_GOOD) return false
  packet.networkHeader = packet.head
  packetStrip(packet, ip.headerLength)
  if (found == OPTIONS_SOURCE_ROUTE) {
    if (ipv4Forwarding()) icmpError(ingress, packet, IcmpType.Unreachable, Unreachable.SourceRouteFailed)
    drop(packet, Drop.Ipv4SourceRoute)
    return true
  }
  icmpErrorWith(ingress, packet, IcmpType.ParameterProblem, 0, found << 24)
  drop(packet, Drop.Ipv4Options)
  return true
}

/** What comes by `lo` was sent by ourselves, to one of our addresses or 127/8: RFC 1122 §3.2.1.3 (g). */
function loopbackUnwanted(ip: Ipv4Header): Drop {
  const source: Ipv4Address = ip.source
  const destination: Ipv4Address = ip.destination
  if (!isLoopback(source) && !isUnicast(source)) return Drop.Ipv4Source
  return isLoopback(destination) || interfaceOwning(destination) != null ? Drop.None : Drop.Ipv4Loopback
}

/** Who it is from and who it is for: the usual packet, to the interface's first address, is through at once. */
function ipv4Unwanted(ingress: NetInterface, packet: Packet, ip: Ipv4Header): Drop {
  if (ingress.loopback) return loopbackUnwanted(ip)
  const link: u32 = packet.linkDestination
  if (link == LinkDestination.OtherHost) return Drop.Ipv4OtherHost
  const source: Ipv4Address = ip.source
  if (!isUnicast(source) || interfaceIsBroadcast(ingress, source)) return Drop.Ipv4Source // RFC 1122 §3.2.1.3
  const destination: Ipv4Address = ip.destination
  if (isLoopback(destination)) return Drop.Ipv4Loopback // never on a wire: RFC 1122 §3.2.1.3 (g)
  const group = destination != ingress.first.address && isGroup(ingress, ip, destination)
  const ours = group || isOurs(ingress, ip, destination)
  if (!group && link != LinkDestination.Us) return Drop.Ipv4LinkBroadcast // RFC 1122 §3.3.6
  if (interfaceOwning(source) != null) return Drop.Ipv4Source // our own address from outside: a loop or a lie
  return ours ? Drop.None : Drop.Ipv4NotForUs
}

/** One of our addresses, whichever interface has it (RFC 1122 §3.3.4.2, weak), or an offer from a DHCP server. */
function isOurs(ingress: NetInterface, ip: Ipv4Header, destination: Ipv4Address): boolean {
  if (destination == ingress.first.address) return destination != 0
  if (interfaceOwning(destination) != null) return true
  return ingress.configuring && ip.protocol == IpProtocol.Udp && isUnicast(destination) // RFC 2131 §4.1
}

/**
 * Broadcast, limited or directed, or a group somebody here is in, from a source that is wanted: RFC 1122 §3.2.1.3,
 * RFC 1112 §7.2, RFC 3376 §3.2. Sources of IGMP itself are not filtered: RFC 3376 §5.
 */
function isGroup(ingress: NetInterface, ip: Ipv4Header, destination: Ipv4Address): boolean {
  if (destination == ADDRESS_BROADCAST) return true
  if (!isMulticast(destination)) return interfaceIsBroadcast(ingress, destination)
  if (ip.protocol == IpProtocol.Igmp) return multicastMember(ingress, destination)
  return multicastAccepts(ingress, destination, ip.source)
}
