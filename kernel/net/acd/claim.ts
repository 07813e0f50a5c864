// Claiming an address from the link: probe, announce, hold; give up and try again. RFC 5227 §2.1 to §2.3.
// Main-loop context only.
//
//            ┌─ conflict ──────────────────────────────────────────┬──────────────────┐
//            ▼                                                     │                  │
//   Lost ──RATE_LIMIT──▶ Probing ──PROBE_NUM probes, ANNOUNCE_WAIT──▶ Announcing ──▶ Held
//   (Configured only)
//
// With acd=strict the address is put on the interface when Probing is over; with acd=optimistic before it begins,
// so that the machine serves at once; with acd=off there is no Probing, and one announcement. A link-local address is
// always probed first. In optimistic use the address answers others' probes like any address of ours: of two hosts
// that are given one address at the same time, the one that asks second gives way.
//
// While there is no link nothing is proved: probing waits for it, and a link that comes back has every address
// probed again (§2.1), without taking it away meanwhile.

import { Errno } from '../../lib/errno.ts'
import { Level, logDecimal, logEnd, logIpv4, logStart, logText } from '../../lib/log.ts'
import { AddressConflict } from '../../lib/options.ts'
import { randomBelow } from '../../lib/random.ts'
import { INTERFACE_ADDRESS_LIMIT, INTERFACE_LIMIT } from '../../config.ts'
import { timerStart, type Timer } from '../../lib/timer.ts'
import { nth, staticRow, struct, type i32, type u32 } from '../../lib/layout.ts'
import { arpAnnounce, arpProbe } from '../arp/output.ts'
import { interfaceAddAddress, interfaceRemoveAddress } from '../configure.ts'
import { interfaceFindAddress, type NetInterface } from '../interface.ts'
import { isHostOf, type Ipv4Address } from '../ipv4/address.ts'
import {
  AddressClaim, ClaimEvent, ClaimKind, ClaimState, acdMode, claimCreate, claimEnd, claimFind, claimFirst, claimOf,
  type ClaimDecided,
} from './claims.ts'

// RFC 5227 §1.1, in milliseconds.
const PROBE_WAIT: u32 = 1000
const PROBE_NUM: u32 = 3
const PROBE_MIN: u32 = 1000
const PROBE_MAX: u32 = 2000
const ANNOUNCE_WAIT: u32 = 2000
const ANNOUNCE_NUM: u32 = 2
const ANNOUNCE_INTERVAL: u32 = 2000
const MAX_CONFLICTS: u32 = 10
const RATE_LIMIT_INTERVAL: u32 = 60_000
/** How often probing that waits for a link looks for it. */
const LINK_WAIT: u32 = 1000

/** Conflicts on one interface since an address was last found free there. */
@struct
class Conflicts {
  count: u32
}

const conflicts = staticRow<Conflicts>(INTERFACE_LIMIT)

/**
 * Claim an address for an interface that is up. 0, and `decided` hears what becomes of it: Usable before this returns
 * where the address is not probed first. Errors: InvalidArgument (no host's address), Exists (claimed, or on the
 * interface), NoSpace (ADDRESS_CLAIM_LIMIT, INTERFACE_ADDRESS_LIMIT, ROUTE_LIMIT); `decided` hears nothing then.
 */
export function addressClaim(
  netif: NetInterface, a: Ipv4Address, prefixLength: u32, kind: ClaimKind, decided: ClaimDecided,
): i32 {
  if (prefixLength > 32 || prefixLength == 0 || !isHostOf(a, prefixLength)) return Errno.InvalidArgument
  if (claimFind(netif, a) != null || interfaceFindAddress(netif, a) != null) return Errno.Exists
  if (netif.addressCount + unusable(netif) >= INTERFACE_ADDRESS_LIMIT) return Errno.NoSpace
  const claim = claimCreate(netif, a, prefixLength, kind, decided)
  if (claim == null) return Errno.NoSpace
  if (probesFirst(kind)) {
    startProbing(claim)
    return Errno.None
  }
  const added: i32 = interfaceAddAddress(netif, a, prefixLength)
  if (added != Errno.None) {
    claimEnd(netif, a)
    return added
  }
  claim.usable = true
  if (acdMode() == AddressConflict.Off || netif.loopback) hold(claim)
  else startProbing(claim)
  decided(netif, a, ClaimEvent.Usable)
  return Errno.None
}

/** Claims of an interface whose address is not on it. */
function unusable(netif: NetInterface): u32 {
  let count: u32 = 0
  let each: AddressClaim | null = claimFirst()
  while (each != null) {
    if (each.netif == netif && !each.usable) count += 1
    each = each.next
  }
  return count
}

function probesFirst(kind: ClaimKind): boolean {
  return kind == ClaimKind.LinkLocal || acdMode() == AddressConflict.Strict
}

/** Give a claim up, and the address with it. Errors: NoSuchEntry. `decided` is not called. */
export function addressRelease(netif: NetInterface, a: Ipv4Address): i32 {
  const claim = claimFind(netif, a)
  if (claim == null) return Errno.NoSuchEntry
  if (claim.usable) return interfaceRemoveAddress(netif, a) // ends the claim
  claimEnd(netif, a)
  return Errno.None
}

/** Probe from the beginning: after a random part of PROBE_WAIT, or a minute where there were many conflicts. */
function startProbing(claim: AddressClaim): void {
  claim.state = ClaimState.Probing
  claim.sent = 0
  const many: boolean = nth(conflicts, claim.netif.index).count >= MAX_CONFLICTS
  timerStart(claim.timer, (many ? RATE_LIMIT_INTERVAL : 0) + randomBelow(PROBE_WAIT + 1), step)
}

function hold(claim: AddressClaim): void {
  claim.state = ClaimState.Held
  if (claim.netif.up) arpAnnounce(claim.netif, claim.address)
}

function step(timer: Timer): void {
  const claim = claimOf(timer)
  switch (claim.state) {
    case ClaimState.Probing: return probe(claim)
    case ClaimState.Announcing: return announce(claim)
    case ClaimState.Lost: return startProbing(claim)
  }
}

/** RFC 5227 §2.1.1. */
function probe(claim: AddressClaim): void {
  if (!claim.netif.up || !claim.netif.linkUp) {
    claim.sent = 0
    return timerStart(claim.timer, LINK_WAIT, step)
  }
  if (claim.sent == PROBE_NUM) return verified(claim)
  claim.sent += 1
  arpProbe(claim.netif, claim.address)
  const wait: u32 = claim.sent < PROBE_NUM ? PROBE_MIN + randomBelow(PROBE_MAX - PROBE_MIN + 1) : ANNOUNCE_WAIT
  timerStart(claim.timer, wait, step)
}

/** Nobody has it: it is ours. */
function verified(claim: AddressClaim): void {
  const netif = claim.netif
  const a: Ipv4Address = claim.address
  const decided: ClaimDecided = claim.decided
  nth(conflicts, netif.index).count = 0
  if (!claim.usable) {
    if (interfaceAddAddress(netif, a, claim.prefixLength) != Errno.None) {
      claimEnd(netif, a)
      return decided(netif, a, ClaimEvent.Refused)
    }
    claim.usable = true
    startAnnouncing(claim)
    decided(netif, a, ClaimEvent.Usable)
  } else startAnnouncing(claim)
  log(Level.Debug, 'address-verified', claim)
  if (claimFind(netif, a) == claim) decided(netif, a, ClaimEvent.Verified)
}

function startAnnouncing(claim: AddressClaim): void {
  claim.state = ClaimState.Announcing
  claim.sent = 0
  announce(claim)
}

/** RFC 5227 §2.3. */
function announce(claim: AddressClaim): void {
  claim.sent += 1
  arpAnnounce(claim.netif, claim.address)
  if (claim.sent < ANNOUNCE_NUM) timerStart(claim.timer, ANNOUNCE_INTERVAL, step)
  else claim.state = ClaimState.Held
}

/**
 * Somebody else has the address, and it is not ours to keep: take it off the interface and tell the claimant. One
 * that was configured is probed again every minute, and used when it is free.
 */
export function claimGiveUp(claim: AddressClaim): void {
  const netif = claim.netif
  const a: Ipv4Address = claim.address
  const decided: ClaimDecided = claim.decided
  const prefixLength: u32 = claim.prefixLength
  const kind: ClaimKind = claim.kind
  nth(conflicts, netif.index).count += 1
  log(Level.Error, 'address-lost', claim)
  addressRelease(netif, a)
  if (kind == ClaimKind.Configured) {
    const again = claimCreate(netif, a, prefixLength, kind, decided) as AddressClaim // the one just freed
    again.state = ClaimState.Lost
    timerStart(again.timer, RATE_LIMIT_INTERVAL, step)
  }
  decided(netif, a, ClaimEvent.Conflict)
}

/** The link is back, or the interface: is everything on it still ours? RFC 5227 §2.1. */
export function acdLinkUp(netif: NetInterface): void {
  if (acdMode() == AddressConflict.Off) return
  let each: AddressClaim | null = claimFirst()
  while (each != null) {
    if (each.netif == netif && each.state != ClaimState.Lost) startProbing(each)
    each = each.next
  }
}

function log(level: Level, event: 'address-verified' | 'address-lost', claim: AddressClaim): void {
  if (!logStart(level, 'net', event)) return
  logText('if', claim.netif.name)
  logIpv4('ip', claim.address)
  if (level == Level.Error && claim.kind == ClaimKind.Configured) logDecimal('retry', RATE_LIMIT_INTERVAL / 1000)
  logEnd()
}
