// What the cache takes from ARP packets, from configuration and from callers. RFC 826 "Packet Reception",
// RFC 5227 §3. Main-loop context only.
//
// A neighbour that speaks to us is believed, also about a new link address (RFC 826); with `security` in force that
// is counted, and the entry marked. A gratuitous packet, which nobody asked for, can not move a neighbour to another
// link address then: the old address is asked, and if it is silent the entry fails and the new one is learned from
// the answer to a question of ours. Permanent entries never change.

import { ARP_INTERVAL } from '../../config.ts'
import { Errno } from '../../lib/errno.ts'
import { nowMilliseconds } from '../../lib/clock.ts'
import type { i32, ptr } from '../../lib/layout.ts'
import { macEqual } from '../ethernet/header.ts'
import type { NetInterface } from '../interface.ts'
import type { Ipv4Address } from '../ipv4/address.ts'
import { Drop, counters } from '../stats.ts'
import { ArpFlag, ArpState, arpCreate, arpFind, arpRemove, type ArpEntry } from './cache.ts'
import { arpPolicy, arpTrusts } from './policy.ts'
import { arpReachable, arpVerify } from './resolve.ts'

/** The neighbour spoke: `mac` is its address. What waited is sent. A permanent entry stays as it is. */
export function arpLearn(entry: ArpEntry, mac: ptr): void {
  if (entry.permanent) return
  if (isElsewhere(entry, mac)) {
    entry.flags |= ArpFlag.Suspicious
    if (arpPolicy.security && !arpTrusts(entry.address)) counters.arpViolations += 1
  }
  arpReachable(entry, mac)
}

/** Whether what is known of an entry's link address differs from `mac`. */
function isElsewhere(entry: ArpEntry, mac: ptr): boolean {
  const known: boolean = entry.state != ArpState.Incomplete && entry.state != ArpState.Failed
  return known && !macEqual(entry.mac, mac)
}

/** Learn, also of an address without entry. Errors: NoSpace when every entry is permanent. */
export function arpUpdate(egress: NetInterface, a: Ipv4Address, mac: ptr): i32 {
  let entry: ArpEntry | null = arpFind(egress, a)
  if (entry == null) entry = arpCreate(egress, a)
  if (entry == null) return Errno.NoSpace
  arpLearn(entry, mac)
  return Errno.None
}

/**
 * A neighbour announced itself, unasked. Errors: NotSupported (the policy ignores announcements), NoSuchEntry (nobody
 * we know: nothing is learned), AccessDenied (known at another link address, and `security` or a permanent entry
 * keeps it there).
 */
export function arpGratuitous(egress: NetInterface, a: Ipv4Address, mac: ptr): i32 {
  counters.arpGratuitous += 1
  if (!arpPolicy.allowGratuitous) return Errno.NotSupported
  const entry = arpFind(egress, a)
  if (entry == null) return Errno.NoSuchEntry
  if (isElsewhere(entry, mac) && (arpPolicy.security || entry.permanent)) {
    counters.arpViolations += 1
    entry.flags |= ArpFlag.Suspicious
    if (nowMilliseconds() - entry.updated >= ARP_INTERVAL) arpVerify(entry)
    return Errno.AccessDenied
  }
  arpLearn(entry, mac)
  entry.flags |= ArpFlag.Verified
  return Errno.None
}

/** Fix what an address is on the link, by configuration. Errors: NoSpace when every entry is permanent. */
export function arpSetPermanent(egress: NetInterface, a: Ipv4Address, mac: ptr): i32 {
  let entry: ArpEntry | null = arpFind(egress, a)
  if (entry == null) entry = arpCreate(egress, a)
  if (entry == null) return Errno.NoSpace
  entry.permanent = true
  entry.flags = ArpFlag.Trusted
  arpReachable(entry, mac)
  return Errno.None
}

/** Forget an address, permanent or not; what waits for it is dropped. Errors: NoSuchEntry. */
export function arpForget(egress: NetInterface, a: Ipv4Address): i32 {
  const entry = arpFind(egress, a)
  if (entry == null) return Errno.NoSuchEntry
  arpRemove(entry, Drop.ArpUnresolved)
  return Errno.None
}
