// ARP packets from the wire: learn, answer. RFC 826 "Packet Reception", RFC 1122 §2.3.2, RFC 5227 §2.
// Main-loop context only.
//
// What is learned: a sender we have an entry for already (RFC 826's merge), or one that asks for an address of
// ours. Nothing else creates an entry: strangers can not fill the table by talking to each other. A probe
// (sender 0.0.0.0, RFC 5227 §2.1.1) is answered and teaches nothing. An announcement, which nobody asked for, teaches
// what the policy lets it. An address of ours in somebody else's mouth is a conflict, and never learned from.

import { at, sizeof, type u32 } from '../../lib/layout.ts'
import { Checksum, packetFree, packetLength, type Packet } from '../../drivers/net/packet.ts'
import { acdConflict } from '../acd/conflict.ts'
import { chainTrim } from '../chain.ts'
import { EtherType, LinkDestination, macCopy, macEqual } from '../ethernet/header.ts'
import { ethernetOutput } from '../ethernet/output.ts'
import { interfaceFindAddress, type NetInterface } from '../interface.ts'
import { Drop, counters, drop } from '../stats.ts'
import { arpCreate, arpFind } from './cache.ts'
import { ArpOperation, ArpPacket, arpFault } from './header.ts'
import { arpGratuitous, arpLearn } from './learn.ts'
import { arpDestination } from './output.ts'

/** One ARP packet, at `head`. */
export function arpInput(ingress: NetInterface, packet: Packet): void {
  const arp = at<ArpPacket>(packet.head)
  const fault: Drop = arpFault(arp, packetLength(packet))
  if (fault != Drop.None) return drop(packet, fault)
  if (packet.linkDestination == LinkDestination.OtherHost) return drop(packet, Drop.ArpNotForUs)
  if (arp.operation == ArpOperation.Request) counters.arpRequestsReceived += 1
  else counters.arpRepliesReceived += 1

  if (isEcho(ingress, arp)) return drop(packet, Drop.ArpSender)
  if (acdConflict(ingress, arp)) return drop(packet, Drop.ArpConflict)
  const forUs = interfaceFindAddress(ingress, arp.targetAddress) != null
  learn(ingress, arp, forUs)
  if (!forUs) return drop(packet, Drop.ArpNotForUs)
  if (arp.operation == ArpOperation.Request) return reply(ingress, packet, arp)
  packetFree(packet)
}

/** RFC 826: an entry that exists is brought up to date by anything the sender says; a new one needs a reason. */
function learn(ingress: NetInterface, arp: ArpPacket, forUs: boolean): void {
  if (arp.senderAddress == 0) return
  if (arp.senderAddress == arp.targetAddress) {
    arpGratuitous(ingress, arp.senderAddress, arp.senderMac) // counted, believed or not
    return
  }
  const known = arpFind(ingress, arp.senderAddress)
  if (known != null) return arpLearn(known, arp.senderMac)
  if (!forUs || arp.operation != ArpOperation.Request) return // an answer to no question teaches nothing
  const entry = arpCreate(ingress, arp.senderAddress)
  if (entry != null) arpLearn(entry, arp.senderMac)
}

/** Turn the request around in place: RFC 826, "Swap hardware and protocol fields, putting the local … in". */
function reply(ingress: NetInterface, packet: Packet, arp: ArpPacket): void {
  const ours: u32 = arp.targetAddress
  arp.operation = ArpOperation.Reply
  macCopy(arp.targetMac, arp.senderMac)
  arp.targetAddress = arp.senderAddress
  macCopy(arp.senderMac, ingress.mac)
  arp.senderAddress = ours
  chainTrim(packet, sizeof<ArpPacket>())
  packet.checksum = Checksum.None // whatever the card said of the request's: ARP has none to complete
  counters.arpRepliesSent += 1
  ethernetOutput(ingress, packet, arpDestination(ours, arp.targetMac), EtherType.Arp) // counted where it fails
}

/** A frame of our own that came back: no conflict, and no probe of somebody else's. */
function isEcho(ingress: NetInterface, arp: ArpPacket): boolean {
  if (!macEqual(arp.senderMac, ingress.mac)) return false
  return arp.senderAddress == 0 || interfaceFindAddress(ingress, arp.senderAddress) != null
}
