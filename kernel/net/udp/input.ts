// UDP datagrams in: to a function of the kernel's own or to sockets, else a port unreachable. RFC 768,
// RFC 1122 §4.1.3. Main-loop context only.
//
// Next: the function that udpBind was given (services/, net/dhcp/client.ts); udpDeliver (deliver.ts).

import { at, sizeof, type u32 } from '../../lib/layout.ts'
import { packetPrepend, packetStrip, type Packet } from '../../drivers/net/packet.ts'
import { IcmpType, Unreachable } from '../icmp/header.ts'
import { icmpError } from '../icmp/error.ts'
import type { NetInterface } from '../interface.ts'
import { Ipv4Header } from '../ipv4/header.ts'
import { Drop, counters, drop } from '../stats.ts'
import { udpDeliver } from './deliver.ts'
import { UdpHeader, udpFault } from './header.ts'
import { udpFind } from './ports.ts'

/** One UDP datagram, header at `head`. */
export function udpInput(ingress: NetInterface, packet: Packet): void {
  const udp = at<UdpHeader>(packet.head)
  const ip = at<Ipv4Header>(packet.networkHeader)
  const fault: Drop = udpFault(udp, ip, packet)
  if (fault != Drop.None) return drop(packet, fault)
  const port: u32 = udp.destinationPort
  const fromPort: u32 = udp.sourcePort
  const binding = udpFind(port)
  if (binding != null) {
    counters.udpReceived += 1
    packetStrip(packet, sizeof<UdpHeader>())
    return binding.received(binding, ingress, packet, ip.source, fromPort)
  }
  packetStrip(packet, sizeof<UdpHeader>())
  if (udpDeliver(ingress, packet, ip.destination, port, ip.source, fromPort)) {
    counters.udpReceived += 1
    return
  }
  packetPrepend(packet, sizeof<UdpHeader>()) // what ICMP quotes
  icmpError(ingress, packet, IcmpType.Unreachable, Unreachable.Port) // RFC 1122 §4.1.3.1
  drop(packet, Drop.UdpPort)
}
