// ARP questions out. RFC 826, RFC 5227 §1.1 (probes and announcements), RFC 3927 §2.5. Main-loop context only.
//
// Next: ethernetOutput (ethernet/output.ts).

import { zeroBytes } from '../../lib/memory.ts'
import { at, sizeof, type ptr } from '../../lib/layout.ts'
import { packetAllocate, packetAppend } from '../../drivers/net/packet.ts'
import { EtherType, MAC_LENGTH, macCopy } from '../ethernet/header.ts'
import { ethernetHeadRoom, ethernetOutput, macBroadcast } from '../ethernet/output.ts'
import type { NetInterface } from '../interface.ts'
import { isLinkLocal, type Ipv4Address } from '../ipv4/address.ts'
import { Drop, counters, countDrop } from '../stats.ts'
import { ArpOperation, ArpPacket } from './header.ts'

/** Tell the link that an address is ours: an announcement, RFC 5227 §1.1 (a request for oneself). */
export function arpAnnounce(egress: NetInterface, a: Ipv4Address): void {
  counters.arpAnnouncementsSent += 1
  arpRequest(egress, a, a, macBroadcast())
}

/** Ask whether anybody has an address, without saying that we would like it: a probe, RFC 5227 §1.1. */
export function arpProbe(egress: NetInterface, a: Ipv4Address): void {
  counters.arpProbesSent += 1
  arpRequest(egress, 0, a, macBroadcast())
}

/** Ask who has `target`. Without a free packet the question is not asked now; the caller's timer asks again. */
export function arpRequest(egress: NetInterface, sender: Ipv4Address, target: Ipv4Address, to: ptr): void {
  const packet = packetAllocate(ethernetHeadRoom(egress))
  if (packet == null) return countDrop(Drop.OutputNoRoom)
  const arp = at<ArpPacket>(packetAppend(packet, sizeof<ArpPacket>()))
  arp.begin(ArpOperation.Request)
  macCopy(arp.senderMac, egress.mac)
  arp.senderAddress = sender
  zeroBytes(arp.targetMac, MAC_LENGTH)
  arp.targetAddress = target
  counters.arpRequestsSent += 1
  ethernetOutput(egress, packet, arpDestination(sender, to), EtherType.Arp) // counted where it fails
}

/** `to`; or everybody, for what speaks of a link-local address, so that conflicts show: RFC 3927 §2.5. */
export function arpDestination(sender: Ipv4Address, to: ptr): ptr {
  return isLinkLocal(sender) ? macBroadcast() : to
}
