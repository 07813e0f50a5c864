// UDP datagrams in: to whoever listens, else a port unreachable. RFC 768, RFC 1122 §4.1.3. Main-loop context only.
//
// Next: the function that udpBind was given (services/, net/dhcp/client.ts).

import { at, sizeof, type u32 } from '../../lib/layout.ts'
import { packetStrip, type Packet } from '../../drivers/net/packet.ts'
import { IcmpType, Unreachable } from '../icmp/header.ts'
import { icmpError } from '../icmp/error.ts'
import type { NetInterface } from '../interface.ts'
import { Ipv4Header } from '../ipv4/header.ts'
import { Drop, counters, drop } from '../stats.ts'
import { UdpHeader, udpFault } from './header.ts'
import { udpFind } from './ports.ts'

/** One UDP datagram, header at `head`. */
export function udpInput(ingress: NetInterface, packet: Packet): void {
  const udp = at<UdpHeader>(packet.head)
  const ip = at<Ipv4Header>(packet.networkHeader)
  const fault: Drop = udpFault(udp, ip, packet)
  if (fault != Drop.None) return drop(packet, fault)
  const binding = udpFind(udp.destinationPort)
  if (binding == null) {
    icmpError(ingress, packet, IcmpType.Unreachable, Unreachable.Port) // RFC 1122 §4.1.3.1
    return drop(packet, Drop.UdpPort)
  }
  counters.udpReceived += 1
  const fromPort: u32 = udp.sourcePort
  packetStrip(packet, sizeof<UdpHeader>())
  binding.received(binding, ingress, packet, ip.source, fromPort)
}
