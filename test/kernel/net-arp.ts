// What tests ask of ARP's cache, of address claims and of multicast groups: interfaces by number, events remembered.

import { zeroBytes } from '../../kernel/lib/memory.ts'
import { address, nth, sizeof, staticRow, staticStruct, struct, type i32, type ptr, type u32 } from '../../kernel/lib/layout.ts'
import { addressClaim, addressRelease } from '../../kernel/net/acd/claim.ts'
import { claimFind, type ClaimEvent, type ClaimKind } from '../../kernel/net/acd/claims.ts'
import { arpConfigure, arpFind } from '../../kernel/net/arp/cache.ts'
import { arpForget, arpGratuitous, arpUpdate } from '../../kernel/net/arp/learn.ts'
import { ArpConfig, arpPolicyDefault } from '../../kernel/net/arp/policy.ts'
import { arpAsk } from '../../kernel/net/arp/resolve.ts'
import { ArpStatistics, arpStatistics } from '../../kernel/net/arp/statistics.ts'
import { interfaceSetMtu } from '../../kernel/net/device.ts'
import {
  multicastBlock, multicastForget, multicastJoin, multicastLeave, multicastMember, multicastUnblock,
} from '../../kernel/net/igmp/join.ts'
import { igmpOf, membershipFind } from '../../kernel/net/igmp/membership.ts'
import { igmpVersion } from '../../kernel/net/igmp/respond.ts'
import { interfaceAt, type NetInterface } from '../../kernel/net/interface.ts'
import { counters } from '../../kernel/net/stats.ts'

const config = staticStruct<ArpConfig>()
const statistics = staticStruct<ArpStatistics>()

function netif(index: u32): NetInterface {
  return interfaceAt(index) as NetInterface
}

/** Put a policy in force: the default with these; 0 and 2 leave the default; one trusted prefix or 0 for none. */
export function arpPolicyWith(maxAge: u32, maxEntries: u32, security: u32, gratuitous: u32, trusted: u32): i32 {
  arpPolicyDefault(config)
  if (maxAge != 0) config.maxAge = maxAge
  if (maxEntries != 0) config.maxEntries = maxEntries
  if (security != 2) config.security = security == 1
  if (gratuitous != 2) config.allowGratuitous = gratuitous == 1
  if (trusted != 0) {
    config.trustedCount = 1
    nth(config.trusted, 0).network = trusted
  }
  return arpConfigure(config)
}

/** A policy with a limit that can not be: 0 entries, 1 age, 2 prefixes. */
export function arpPolicyBad(which: u32): i32 {
  arpPolicyDefault(config)
  switch (which) {
    case 0: config.maxEntries = 0; break
    case 1: config.maxAge = 0; break
    case 2: config.trustedCount = 9; break
    default: config.maxEntries = 1025
  }
  return arpConfigure(config)
}

/** Fields of ArpStatistics in their order. */
export function arpStatisticsAt(): ptr {
  zeroBytes(address(statistics), sizeof<ArpStatistics>())
  arpStatistics(statistics)
  return address(statistics)
}

export function arpUpdateOn(index: u32, a: u32, mac: ptr): i32 {
  return arpUpdate(netif(index), a, mac)
}

export function arpGratuitousOn(index: u32, a: u32, mac: ptr): i32 {
  return arpGratuitous(netif(index), a, mac)
}

export function arpForgetOn(index: u32, a: u32): i32 {
  return arpForget(netif(index), a)
}

export function arpAskOn(index: u32, a: u32): i32 {
  return arpAsk(netif(index), a)
}

/** Of an entry: flags, times used. */
export function arpEntryField(index: u32, a: u32, field: u32): u32 {
  const entry = arpFind(netif(index), a)
  if (entry == null) return 0xffffffff
  switch (field) {
    case 0: return entry.flags
    case 1: return entry.useCount
    case 2: return entry.lastUsed - entry.created
    default: return entry.updated - entry.created
  }
}

// --- Claims. ----------------------------------------------------------------------------------------------
@struct
class Happened {
  event: u32
  address: u32
}

const happened = staticRow<Happened>(32)
let happenedCount: u32 = 0
let nextCandidate: u32 = 0

/** Claim an address; what becomes of it is in claimEvent. */
export function claim(index: u32, a: u32, prefixLength: u32, kind: ClaimKind): i32 {
  return addressClaim(netif(index), a, prefixLength, kind, decided)
}

/** On a conflict, claim this one next, and the one after it then: what a link-local client does. */
export function claimNext(a: u32): void {
  nextCandidate = a
}

function decided(which: NetInterface, a: u32, event: ClaimEvent): void {
  nth(happened, happenedCount % 32).event = event
  nth(happened, happenedCount % 32).address = a
  happenedCount += 1
  if (event != 2 || nextCandidate == 0) return
  nextCandidate += 1
  addressClaim(which, nextCandidate - 1, 16, 2, decided)
}

export function claimRelease(index: u32, a: u32): i32 {
  return addressRelease(netif(index), a)
}

/** How many events there were. */
export function claimEvents(): u32 {
  return happenedCount
}

/** The `index`th event. */
export function claimEvent(index: u32): u32 {
  return nth(happened, index).event
}

export function claimEventAddress(index: u32): u32 {
  return nth(happened, index).address
}

/** State of a claim, or 0xffffffff. */
export function claimState(index: u32, a: u32): u32 {
  const found = claimFind(netif(index), a)
  return found != null ? found.state : 0xffffffff
}

/** A smaller MTU, which reports have to fit. */
export function interfaceMtuSet(index: u32, mtu: u32): i32 {
  return interfaceSetMtu(netif(index), mtu)
}

// --- Groups. ----------------------------------------------------------------------------------------------
export function groupJoin(index: u32, group: u32, source: u32): i32 {
  return multicastJoin(netif(index), group, source)
}

export function groupLeave(index: u32, group: u32, source: u32): i32 {
  return multicastLeave(netif(index), group, source)
}

export function groupBlock(index: u32, group: u32, source: u32): i32 {
  return multicastBlock(netif(index), group, source)
}

export function groupUnblock(index: u32, group: u32, source: u32): i32 {
  return multicastUnblock(netif(index), group, source)
}

export function groupMember(index: u32, group: u32): u32 {
  return multicastMember(netif(index), group) ? 1 : 0
}

/** Whether the table has the group at all, also one that is being left. */
export function groupKnown(index: u32, group: u32): u32 {
  return membershipFind(netif(index), group) != null ? 1 : 0
}

export function groupForgetAll(index: u32): void {
  multicastForget(netif(index))
}

/** The version spoken on an interface. */
export function groupVersion(index: u32): u32 {
  return igmpVersion(igmpOf(netif(index)))
}

/** Counters by number. */
export function linkCounter(index: u32): u32 {
  switch (index) {
    case 0: return counters.arpProbesSent
    case 1: return counters.arpAnnouncementsSent
    case 2: return counters.arpGratuitous
    case 3: return counters.arpViolations
    case 4: return counters.arpConflicts
    case 5: return counters.igmpQueriesReceived
    case 6: return counters.igmpReportsReceived
    case 7: return counters.igmpReportsSent
    default: return counters.igmpLeavesSent
  }
}
