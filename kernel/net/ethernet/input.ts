// Frames from a card: who are they for, and what is in them. RFC 894, RFC 1122 §2.3, IEEE 802.3 §3.2.
// Main-loop context: the card's driver calls, from its poll.
//
// Next: arpInput (arp/input.ts), ipv4Input (ipv4/input.ts). IEEE 802.3 length frames (RFC 1122 §2.3.3 lets a host
// not speak RFC 1042), 802.1Q tags without a VLAN here and unknown types are counted and dropped.

import { at, sizeof } from '../../lib/layout.ts'
import { packetLength, packetStrip, type Packet } from '../../drivers/net/packet.ts'
import type { Nic } from '../../drivers/net/nic.ts'
import { arpInput } from '../arp/input.ts'
import { interfaceInGroup, type NetInterface } from '../interface.ts'
import { ipv4Input } from '../ipv4/input.ts'
import { Drop, drop } from '../stats.ts'
import {
  EtherType, EthernetHeader, LinkDestination, ethernetFault, macEqual, macIsBroadcast, macIsGroup,
} from './header.ts'

/** What `nic.received` is set to: from a card to its interface. */
export function interfaceInput(nic: Nic, packet: Packet): void {
  const ingress = at<NetInterface>(nic.stack)
  packet.device = nic.stack
  if (!ingress.up) return drop(packet, Drop.InterfaceDown)
  ethernetInput(ingress, packet)
}

/** One frame, Ethernet header at `head`. */
export function ethernetInput(ingress: NetInterface, packet: Packet): void {
  const frame = at<EthernetHeader>(packet.head)
  const fault: Drop = ethernetFault(frame, packetLength(packet))
  if (fault != Drop.None) return drop(packet, fault)

  const to: LinkDestination = linkDestination(ingress, frame)
  if (to == LinkDestination.OtherHost && !ingress.promiscuous) return drop(packet, Drop.EthernetNotForUs)
  packet.linkDestination = to

  packetStrip(packet, sizeof<EthernetHeader>())
  switch (frame.type) {
    case EtherType.Ipv4: return ipv4Input(ingress, packet)
    case EtherType.Arp: return arpInput(ingress, packet)
    case EtherType.Vlan: return drop(packet, Drop.EthernetVlan)
    case EtherType.ServiceVlan: return drop(packet, Drop.EthernetVlan)
    default: return drop(packet, Drop.EthernetType)
  }
}

/** The card's own address, broadcast, a group joined; anything else is for somebody else. */
function linkDestination(ingress: NetInterface, frame: EthernetHeader): LinkDestination {
  const to = frame.destination
  if (macEqual(to, ingress.mac)) return LinkDestination.Us
  if (!macIsGroup(to)) return LinkDestination.OtherHost
  if (macIsBroadcast(to)) return LinkDestination.Broadcast
  return interfaceInGroup(ingress, to) ? LinkDestination.Multicast : LinkDestination.OtherHost
}
