// Frames from a card: which interface are they for, who on it, and what is in them. RFC 894, RFC 1122 §2.3, IEEE 802.3
// §3.2, IEEE 802.1Q §6.9. Main-loop context: the card's driver calls, from its poll.
//
// A frame without tag, or with a tag that only gives a priority (VLAN 0), is for the card's own interface; one with a
// tag for that of the VLAN. A tag inside a tag is no VLAN of ours.
//
// Next: arpInput (arp/input.ts), ipv4Input (ipv4/input.ts). IEEE 802.3 length frames (RFC 1122 §2.3.3 lets a host
// not speak RFC 1042), VLANs that are not here and unknown types are counted and dropped.

import { increase64 } from '../../lib/intrinsics.ts'
import { address, at, sizeof, type u32 } from '../../lib/layout.ts'
import { Checksum, packetLength, packetStrip, type Packet } from '../../drivers/net/packet.ts'
import type { Nic } from '../../drivers/net/nic.ts'
import { arpInput } from '../arp/input.ts'
import { chainLength } from '../chain.ts'
import { interfaceInGroup } from '../group.ts'
import type { NetInterface } from '../interface.ts'
import { ipv4Input } from '../ipv4/input.ts'
import { Drop, drop } from '../stats.ts'
import { vlanFind } from '../vlan.ts'
import {
  EtherType, EthernetHeader, LinkDestination, TaggedHeader, ethernetFault, macEqual, macIsBroadcast, macIsGroup,
} from './header.ts'

/** What `nic.received` is set to: from a card to its interface. */
export function interfaceInput(nic: Nic, packet: Packet): void {
  ethernetInput(at<NetInterface>(nic.stack), packet)
}

/** The same for `lo`, whose frames have no addresses worth a look: whatever was sent was sent to us. */
export function loopbackInput(nic: Nic, packet: Packet): void {
  const ingress = at<NetInterface>(nic.stack)
  const type: EtherType = at<EthernetHeader>(packet.head).type
  countReceived(ingress, packet)
  packet.device = nic.stack
  packet.linkDestination = LinkDestination.Us
  packetStrip(packet, sizeof<EthernetHeader>())
  if (type == EtherType.Ipv4) return ipv4Input(ingress, packet)
  refuse(ingress, packet, Drop.EthernetType)
}

/** One frame, Ethernet header at `head`. */
export function ethernetInput(card: NetInterface, packet: Packet): void {
  const frame = at<EthernetHeader>(packet.head)
  const fault: Drop = ethernetFault(frame, packetLength(packet))
  if (fault != Drop.None) return malformed(card, packet, fault)
  if (frame.type == EtherType.Vlan) return taggedInput(card, packet)
  packet.priority = 0
  deliver(card, packet, frame, frame.type, sizeof<EthernetHeader>())
}

/** One frame with an 802.1Q tag. */
function taggedInput(card: NetInterface, packet: Packet): void {
  if (packetLength(packet) < sizeof<TaggedHeader>()) return malformed(card, packet, Drop.EthernetTruncated)
  const frame = at<TaggedHeader>(packet.head)
  const type: EtherType = frame.type
  if (type == EtherType.Vlan || type == EtherType.ServiceVlan) return refuse(card, packet, Drop.EthernetNested)
  if (type < EtherType.First) return malformed(card, packet, Drop.EthernetLength)
  const id: u32 = frame.vlanId
  const ingress = id == 0 ? card : vlanFind(card, id)
  if (ingress == null) return refuse(card, packet, Drop.EthernetVlan)
  packet.priority = frame.priority
  // Counted from the device's view of the frame: what follows is where it would be without the tag.
  if (packet.checksum == Checksum.Partial) packet.checksumStart -= sizeof<TaggedHeader>() - sizeof<EthernetHeader>()
  deliver(ingress, packet, at<EthernetHeader>(packet.head), type, sizeof<TaggedHeader>())
}

/** To the interface the frame is for, if it is for it; `header` bytes are in front of what has `type`. */
function deliver(
  ingress: NetInterface, packet: Packet, frame: EthernetHeader, type: EtherType, header: u32,
): void {
  if (!ingress.up) return refuse(ingress, packet, Drop.InterfaceDown)
  const to: LinkDestination = linkDestination(ingress, frame)
  if (to == LinkDestination.OtherHost && !ingress.promiscuous) return refuse(ingress, packet, Drop.EthernetNotForUs)
  countReceived(ingress, packet)
  packet.device = address(ingress)
  packet.linkDestination = to
  packetStrip(packet, header)
  switch (type) {
    case EtherType.Ipv4: return ipv4Input(ingress, packet)
    case EtherType.Arp: return arpInput(ingress, packet)
    case EtherType.ServiceVlan: return refuse(ingress, packet, Drop.EthernetVlan)
    default: return refuse(ingress, packet, Drop.EthernetType)
  }
}

function countReceived(ingress: NetInterface, packet: Packet): void {
  increase64(ingress.stats.receivedPackets, 1)
  increase64(ingress.stats.receivedBytes, chainLength(packet))
}

/** No frame that anybody could use. */
function malformed(ingress: NetInterface, packet: Packet, reason: Drop): void {
  increase64(ingress.stats.receiveErrors, 1)
  drop(packet, reason)
}

/** A frame in good order, but not for us. */
function refuse(ingress: NetInterface, packet: Packet, reason: Drop): void {
  increase64(ingress.stats.dropped, 1)
  drop(packet, reason)
}

/** The card's own address, broadcast, a group joined; anything else is for somebody else. */
function linkDestination(ingress: NetInterface, frame: EthernetHeader): LinkDestination {
  const to = frame.destination
  if (macEqual(to, ingress.mac)) return LinkDestination.Us
  if (!macIsGroup(to)) return LinkDestination.OtherHost
  if (macIsBroadcast(to)) return LinkDestination.Broadcast
  return interfaceInGroup(ingress, to) ? LinkDestination.Multicast : LinkDestination.OtherHost
}
