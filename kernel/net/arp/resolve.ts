// From an IPv4 next hop to a link address: the cache, or a question on the wire and a packet that waits.
// RFC 826, RFC 1122 §2.3.2; states as in RFC 4861 §7.3, times from config.ts and policy.ts.
//
//   (none) ──used──▶ Incomplete ──answer──▶ Reachable ──ARP_REACHABLE──▶ Stale ──used──▶ Delay ──ARP_DELAY──▶ Probe
//                        │                      ▲                          │                │                  │
//                        │                      └──── any ARP packet of it, in every state ─┴──────────────────┤
//                        └── ARP_REQUESTS unanswered, ARP_INTERVAL apart ──▶ Failed ◀── the same, by unicast ──┘
//
// A Stale entry that nobody uses for twice the policy's age, and a Failed one after ARP_FAILED, are forgotten. A
// Failed entry that is used asks again: a second has passed since the last question, so an address is asked for at
// most once a second however many packets want it (RFC 1122 §2.3.2.1). What waited when an entry failed is shown to
// arpUnresolvedTo's function, which tells the sender, and dropped. Main-loop context only.
//
// Next: ethernetOutput (ethernet/output.ts).

import { ARP_DELAY, ARP_FAILED, ARP_INTERVAL, ARP_REQUESTS } from '../../config.ts'
import { Errno } from '../../lib/errno.ts'
import { nowMilliseconds } from '../../lib/clock.ts'
import { timerStart, timerStop, type Timer } from '../../lib/timer.ts'
import type { i32, ptr } from '../../lib/layout.ts'
import type { Packet } from '../../drivers/net/packet.ts'
import { EtherType, macCopy } from '../ethernet/header.ts'
import { ethernetOutput, macBroadcast, refuse } from '../ethernet/output.ts'
import { interfaceSourceFor, type NetInterface } from '../interface.ts'
import type { Ipv4Address } from '../ipv4/address.ts'
import { Drop, counters, drop } from '../stats.ts'
import { ArpState, arpCreate, arpEntryOf, arpFind, arpRemove, arpTouch, type ArpEntry } from './cache.ts'
import { arpRequest } from './output.ts'
import { arpReachableTime, arpStaleTime } from './policy.ts'
import { arpTakeWaiting, arpWait } from './queue.ts'

/** Told of each packet that waited in vain, IPv4 header at `head`; the packet stays the caller's. */
export type ArpUnresolved = (packet: Packet) => void

let unresolved: ArpUnresolved | null = null

/** Whom to tell of packets whose next hop did not answer. One function; it replaces the one before. */
export function arpUnresolvedTo(told: ArpUnresolved): void {
  unresolved = told
}

/**
 * Send an IPv4 packet, its header at `head`, to a neighbour; the packet is the callee's. Returns Errno.None when
 * it was sent or waits, else HostUnreachable (the table is full of permanent entries), NoBufferSpace (too many
 * wait) or what ethernetOutput says.
 */
export function arpTransmit(egress: NetInterface, nextHop: Ipv4Address, packet: Packet): i32 {
  const entry = arpFind(egress, nextHop)
  if (entry == null) return askFirst(egress, nextHop, packet)
  arpTouch(entry)
  entry.useCount += 1
  entry.lastUsed = nowMilliseconds()
  switch (entry.state) {
    case ArpState.Incomplete:
      counters.arpMisses += 1
      return arpWait(entry, packet)
    case ArpState.Failed:
      return askAgain(entry, packet)
    case ArpState.Stale:
      startDelay(entry)
  }
  counters.arpHits += 1
  return ethernetOutput(egress, packet, entry.mac, EtherType.Ipv4)
}

function askFirst(egress: NetInterface, nextHop: Ipv4Address, packet: Packet): i32 {
  const entry = arpCreate(egress, nextHop)
  if (entry == null) return refuse(packet, Drop.ArpUnresolved, Errno.HostUnreachable)
  entry.useCount = 1
  return askAgain(entry, packet)
}

function askAgain(entry: ArpEntry, packet: Packet): i32 {
  counters.arpMisses += 1
  const result: i32 = arpWait(entry, packet)
  startAsking(entry)
  return result
}

function startAsking(entry: ArpEntry): void {
  entry.state = ArpState.Incomplete
  entry.requests = 0
  ask(entry)
}

/**
 * Ask for an address without having a packet for it; one that is known is verified. Errors: HostUnreachable when
 * the table is full of permanent entries.
 */
export function arpAsk(egress: NetInterface, a: Ipv4Address): i32 {
  let entry: ArpEntry | null = arpFind(egress, a)
  if (entry == null) entry = arpCreate(egress, a)
  else if (entry.state != ArpState.Failed) {
    arpVerify(entry)
    return Errno.None
  }
  if (entry == null) return Errno.HostUnreachable
  startAsking(entry)
  return Errno.None
}

/** Find out by unicast whether a neighbour is still where it was; nothing is done where that is being asked. */
export function arpVerify(entry: ArpEntry): void {
  if (entry.permanent) return
  const state: ArpState = entry.state
  if (state == ArpState.Reachable || state == ArpState.Stale || state == ArpState.Delay) startProbe(entry.timer)
}

/** What was sent to a neighbour has arrived, so it is where it was and need not be asked. RFC 4861 §7.3.1, RFC 1122 §2.3.2.1 (4). */
export function arpConfirm(egress: NetInterface, a: Ipv4Address): void {
  const entry = arpFind(egress, a)
  if (entry != null && (entry.state == ArpState.Delay || entry.state == ArpState.Probe)) arpReachable(entry, entry.mac)
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
  timerStart(timer, ARP_FAILED, expire)
  tellWaiting(arpTakeWaiting(entry))
}

/** HostUnreachable to whoever waits: RFC 1122 §2.3.2.2, RFC 1812 §5.2.7.1 (code 1). */
function tellWaiting(first: Packet | null): void {
  let each: Packet | null = first
  while (each != null) {
    const following: Packet | null = each.next
    each.next = null
    if (unresolved != null) unresolved(each)
    drop(each, Drop.ArpUnresolved)
    each = following
  }
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
  timerStart(timer, arpStaleTime(), expire)
}

function expire(timer: Timer): void {
  arpRemove(arpEntryOf(timer), Drop.ArpUnresolved)
}

/** The neighbour is at `mac`, as of now. What waited is sent. The caller knows that the entry may be changed. */
export function arpReachable(entry: ArpEntry, mac: ptr): void {
  macCopy(entry.mac, mac)
  entry.state = ArpState.Reachable
  entry.requests = 0
  entry.updated = nowMilliseconds()
  if (entry.permanent) timerStop(entry.timer) // it does not age
  else timerStart(entry.timer, arpReachableTime(), becomeStale)
  sendWaiting(entry)
}

function sendWaiting(entry: ArpEntry): void {
  let each: Packet | null = arpTakeWaiting(entry)
  while (each != null) {
    const following: Packet | null = each.next
    each.next = null
    ethernetOutput(entry.egress, each, entry.mac, EtherType.Ipv4) // counted where it fails
    each = following
  }
}
