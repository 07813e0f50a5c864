// Somebody else speaks in the name of an address of ours: is it a conflict, and who gives way. RFC 5227 §2.1.1, §2.4.
// Main-loop context only.
//
// While an address is probed the other one has it. After that: an address that was configured is kept, and defended
// by an announcement every DEFEND_INTERVAL at most (§2.4 (c)), unless acd=strict; any other is defended once, and
// given up when that did not help (§2.4 (b)). With acd=off every address but a link-local one is kept.

import { nowMilliseconds } from '../../lib/clock.ts'
import { Level, logEnd, logIpv4, logMac, logStart, logText } from '../../lib/log.ts'
import { AddressConflict } from '../../lib/options.ts'
import type { u32 } from '../../lib/layout.ts'
import { ArpOperation, type ArpPacket } from '../arp/header.ts'
import { arpAnnounce } from '../arp/output.ts'
import { macEqual } from '../ethernet/header.ts'
import { interfaceFindAddress, interfaceFirst, type NetInterface } from '../interface.ts'
import { counters } from '../stats.ts'
import { claimGiveUp } from './claim.ts'
import { AddressClaim, ClaimKind, ClaimState, acdMode, claimFind } from './claims.ts'

/** RFC 5227 §1.1, milliseconds. */
const DEFEND_INTERVAL: u32 = 10_000
/** Milliseconds between two lines in the log about conflicts. */
const LOG_INTERVAL: u32 = 1000
let logged = false
let loggedAt: u32 = 0

/** Nothing was logged yet. */
export function acdConflictInit(): void {
  logged = false
}

/**
 * Look at a sound ARP packet before anything is learned from it. True when it was a conflict, which has been dealt
 * with: nothing else is to be done with the packet.
 */
export function acdConflict(ingress: NetInterface, arp: ArpPacket): boolean {
  if (arp.senderAddress == 0) return probedByAnother(ingress, arp)
  const claim = claimFind(ingress, arp.senderAddress)
  if (claim == null && interfaceFindAddress(ingress, arp.senderAddress) == null) return false
  if (claim != null && claim.state == ClaimState.Lost) return false // theirs
  if (isOurs(arp)) return false
  counters.arpConflicts += 1
  report(ingress, arp, arp.senderAddress)
  if (claim != null) decide(claim)
  return true
}

/**
 * Two hosts that probe for one address at the same time: neither gets it, §2.1.1. Where we use it already while we
 * probe, the other one gets an answer.
 */
function probedByAnother(ingress: NetInterface, arp: ArpPacket): boolean {
  if (arp.operation != ArpOperation.Request) return false
  const claim = claimFind(ingress, arp.targetAddress)
  if (claim == null || claim.usable || claim.state != ClaimState.Probing || isOurs(arp)) return false
  counters.arpConflicts += 1
  report(ingress, arp, arp.targetAddress)
  claimGiveUp(claim)
  return true
}

/** Whether a card of our own sent this: a loop in the network, or two of our cards on one link. §2.1.1. */
function isOurs(arp: ArpPacket): boolean {
  let each: NetInterface | null = interfaceFirst()
  while (each != null) {
    if (macEqual(arp.senderMac, each.mac)) return true
    each = each.next
  }
  return false
}

function decide(claim: AddressClaim): void {
  if (claim.state == ClaimState.Probing) return claimGiveUp(claim)
  const now: u32 = nowMilliseconds()
  const recently: boolean = claim.defended && now - claim.defendedAt < DEFEND_INTERVAL
  if (recently && !isKept(claim)) return claimGiveUp(claim)
  if (recently) return
  claim.defended = true
  claim.defendedAt = now
  arpAnnounce(claim.netif, claim.address)
}

/** §2.4 (c): an address under which others expect this machine and no other. */
function isKept(claim: AddressClaim): boolean {
  if (claim.kind == ClaimKind.LinkLocal) return false
  if (acdMode() == AddressConflict.Off) return true
  return claim.kind == ClaimKind.Configured && acdMode() == AddressConflict.Optimistic
}

function report(ingress: NetInterface, arp: ArpPacket, a: u32): void {
  const now: u32 = nowMilliseconds()
  if (logged && now - loggedAt < LOG_INTERVAL) return
  logged = true
  loggedAt = now
  if (!logStart(Level.Warn, 'net', 'address-conflict')) return
  logText('if', ingress.name)
  logIpv4('ip', a)
  logMac('mac', arp.senderMac)
  logEnd()
}
