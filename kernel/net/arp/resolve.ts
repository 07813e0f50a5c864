// From an IPv4 next hop to a link address: the cache, or a question on the wire and a packet that waits.
// RFC 826, RFC 1122 §2.3.2, RFC 5227 §3; states as in RFC 4861 §7.3, times from config.ts.
//
//   (none) ──used──▶ Incomplete ──answer──▶ Reachable ──ARP_REACHABLE──▶ Stale ──used──▶ Delay ──ARP_DELAY──▶ Probe
//                        │                      ▲                          │                │                  │
//                        │                      └──── any ARP packet of it, in every state ─┴──────────────────┤
//                        └── ARP_REQUESTS unanswered, ARP_INTERVAL apart ──▶ Failed ◀── the same, by unicast ──┘
//
// A Stale entry that nobody uses for ARP_STALE, and a Failed one after ARP_FAILED, are forgotten. A Failed
// entry that is used asks again: a second has passed since the last question, so an address is asked for at most
// once a second however many packets want it (RFC 1122 §2.3.2.1). Main-loop context only.
//
// Next: ethernetOutput (ethernet/output.ts).

import {
  ARP_DELAY, ARP_FAILED, ARP_INTERVAL, ARP_QUEUE_LIMIT, ARP_REACHABLE, ARP_REQUESTS, ARP_STALE,
} from '../../config.ts'
import { Errno } from '../../lib/errno.ts'
import { zeroBytes } from '../../lib/memory.ts'
import { timerStart, timerStop, type Timer } from '../../lib/timer.ts'
import { at, sizeof, type i32, type ptr } from '../../lib/layout.ts'
import { packetAllocate, packetAppend, type Packet } from '../../drivers/net/packet.ts'
import { EtherType, MAC_LENGTH, macCopy } from '../ethernet/header.ts'
import { ethernetHeadRoom, ethernetOutput, macBroadcast, refuse } from '../ethernet/output.ts'
import { interfaceSourceFor, type NetInterface } from '../interface.ts'
import type { Ipv4Address } from '../ipv4/address.ts'
import { Drop, counters, countDrop, drop } from '../stats.ts'
import {
  ArpState, arpCreate, arpDropWaiting, arpEntryOf, arpFind, arpRemove, arpTouch, type ArpEntry,
} from './cache.ts'
import { ArpOperation, ArpPacket } from './header.ts'

/**
 * Send an IPv4 packet, its header at `head`, to a neighbour; the packet is the callee's. Returns Errno.None when
 * it was sent or waits, else HostUnreachable (the table is full of permanent entries) or what ethernetOutput says.
 */
export function arpTransmit(egress: NetInterface, nextHop: Ipv4Address, packet: Packet): i32 {
  const entry = arpFind(egress, nextHop)
  if (entry == null) return arpAsk(egress, nextHop, packet)
  arpTouch(entry)
  switch (entry.state) {
    case ArpState.Incomplete: return wait(entry, packet)
    case ArpState.Failed: return askAgain(entry, packet)
    case ArpState.Stale: startDelay(entry)
  }
  return ethernetOutput(egress, packet, entry.mac, EtherType.Ipv4)
}

function arpAsk(egress: NetInterface, nextHop: Ipv4Address, packet: Packet): i32 {
  const entry = arpCreate(egress, nextHop)
  if (entry == null) return refuse(packet, Drop.ArpUnresolved, Errno.HostUnreachable)
  return askAgain(entry, packet)
}

function askAgain(entry: ArpEntry, packet: Packet): i32 {
  entry.state = ArpState.Incomplete
  entry.requests = 0
  const result: i32 = wait(entry, packet)
  ask(entry)
  return result
}

/** Put a packet at the end of the queue; if that is full the oldest goes: RFC 1122 §2.3.2.2 wants the latest kept. */
function wait(entry: ArpEntry, packet: Packet): i32 {
  if (entry.waitingCount == ARP_QUEUE_LIMIT) dropOldest(entry)
  packet.next = null
  if (entry.waitingLast == null) entry.waiting = packet
  else entry.waitingLast.next = packet
  entry.waitingLast = packet
  entry.waitingCount += 1
  return Errno.None
}

function dropOldest(entry: ArpEntry): void {
  const packet = entry.waiting as Packet
  entry.waiting = packet.next
  if (packet.next == null) entry.waitingLast = null
  packet.next = null
  entry.waitingCount -= 1
  drop(packet, Drop.ArpQueueFull)
}

/** One question, and a look in ARP_INTERVAL whether it was answered. Probes go to where the answer came from. */
function ask(entry: ArpEntry): void {
  entry.requests += 1
  const to: ptr = entry.state == ArpState.Probe ? entry.mac : macBroadcast()
  arpRequest(entry.egress, interfaceSourceFor(entry.egress, entry.address), entry.address, to)
  timerStart(entry.timer, ARP_INTERVAL, unanswered)
}

function unanswered(timer: Timer): void {
  const entry = arpEntryOf(timer)
  if (entry.requests < ARP_REQUESTS) return ask(entry)
  entry.state = ArpState.Failed
  arpDropWaiting(entry, Drop.ArpUnresolved)
  timerStart(timer, ARP_FAILED, expire)
}

function startDelay(entry: ArpEntry): void {
  entry.state = ArpState.Delay
  timerStart(entry.timer, ARP_DELAY, startProbe)
}

function startProbe(timer: Timer): void {
  const entry = arpEntryOf(timer)
  entry.state = ArpState.Probe
  entry.requests = 0
  ask(entry)
}

function becomeStale(timer: Timer): void {
  arpEntryOf(timer).state = ArpState.Stale
  timerStart(timer, ARP_STALE, expire)
}

function expire(timer: Timer): void {
  arpRemove(arpEntryOf(timer), Drop.ArpUnresolved)
}

/** The neighbour spoke: `mac` is its address. What waited is sent. A permanent entry stays as it is. */
export function arpLearn(entry: ArpEntry, mac: ptr): void {
  if (entry.permanent) return
  macCopy(entry.mac, mac)
  entry.state = ArpState.Reachable
  entry.requests = 0
  timerStart(entry.timer, ARP_REACHABLE, becomeStale)
  sendWaiting(entry)
}

function sendWaiting(entry: ArpEntry): void {
  let each: Packet | null = entry.waiting
  entry.waiting = null
  entry.waitingLast = null
  entry.waitingCount = 0
  while (each != null) {
    const following: Packet | null = each.next
    each.next = null
    ethernetOutput(entry.egress, each, entry.mac, EtherType.Ipv4) // counted where it fails
    each = following
  }
}

/** Fix what an address is on the link, by configuration. Errors: NoSpace when every entry is permanent. */
export function arpSetPermanent(egress: NetInterface, a: Ipv4Address, mac: ptr): i32 {
  let entry: ArpEntry | null = arpFind(egress, a)
  if (entry == null) entry = arpCreate(egress, a)
  if (entry == null) return Errno.NoSpace
  entry.permanent = false
  arpLearn(entry, mac)
  entry.permanent = true
  timerStop(entry.timer) // it does not age
  return Errno.None
}

/** Tell the link that an address is ours: an announcement, RFC 5227 §3 (a request for oneself). */
export function arpAnnounce(egress: NetInterface, a: Ipv4Address): void {
  arpRequest(egress, a, a, macBroadcast())
}

/** Ask who has `target`. Without a free packet the question is not asked now; the timer asks again. */
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
  ethernetOutput(egress, packet, to, EtherType.Arp) // counted where it fails
}
