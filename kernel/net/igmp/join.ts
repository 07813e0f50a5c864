// Joining and leaving multicast groups. RFC 1112 §7, RFC 3376 §2, §3. Main-loop context only.
//
// One call for each socket and source; the interface's own state is the union, membership.ts. The first member joins
// the Ethernet group, the last one leaves it. A group can be joined while the interface is down: it is reported when
// it comes up.

import { Errno } from '../../lib/errno.ts'
import { staticMemory, type i32, type ptr } from '../../lib/layout.ts'
import { interfaceJoin, interfaceLeave } from '../group.ts'
import type { NetInterface } from '../interface.ts'
import { ADDRESS_ALL_HOSTS, isMulticast, isUnicast, macOfGroup, type Ipv4Address } from '../ipv4/address.ts'
import {
  igmpForgetRouters, igmpOf, isMember, membershipCreate, membershipEmpty, membershipFind, membershipSettle, membershipTidy,
  sourceAllowed, sourceFind, sourceGet, type Membership,
} from './membership.ts'
import { igmpChanged, igmpForgetPending, igmpReportAll } from './respond.ts'

const mac = staticMemory(8)

function macOf(group: Ipv4Address): ptr {
  macOfGroup(mac, group)
  return mac
}

/**
 * One socket more wants a group: from any source for `source` 0, else from that one. Errors: InvalidArgument (no
 * group, or a source that can not be one), NoBufferSpace (a limit of config.ts, or the card's filter).
 */
export function multicastJoin(netif: NetInterface, group: Ipv4Address, source: Ipv4Address): i32 {
  if (!isMulticast(group) || (source != 0 && !isUnicast(source))) return Errno.InvalidArgument
  let m: Membership | null = membershipFind(netif, group)
  if (m == null) m = membershipCreate(netif, group)
  if (m == null) return Errno.NoBufferSpace
  const was: boolean = isMember(m)
  const counted: boolean = link(m) && countIn(m, source)
  if (counted) settle(m, was)
  else tidyLink(m)
  return counted ? Errno.None : Errno.NoBufferSpace
}

/** Join the Ethernet group, unless that was done. */
function link(m: Membership): boolean {
  if (m.linked) return true
  m.linked = interfaceJoin(m.netif, macOf(m.group)) == Errno.None
  return m.linked
}

function countIn(m: Membership, source: Ipv4Address): boolean {
  if (source == 0) {
    m.anySource += 1
    return true
  }
  const named = sourceGet(m, source)
  if (named == null) return false
  named.includers += 1
  m.includers += 1
  return true
}

/** Leave the Ethernet group when nobody is in it; forget what says nothing any more. */
function tidyLink(m: Membership): void {
  unlinkEmpty(m)
  membershipTidy(m)
}

function unlinkEmpty(m: Membership): void {
  if (!m.linked || isMember(m)) return
  interfaceLeave(m.netif, macOf(m.group))
  m.linked = false
}

/** What a socket's coming or going changes is told to the routers. */
function settle(m: Membership, was: boolean): void {
  unlinkEmpty(m)
  const changed: boolean = membershipSettle(m, igmpOf(m.netif).robustness)
  if (changed) igmpChanged(m, was)
  else membershipTidy(m)
}

/** Undo one multicastJoin. Errors: AddressNotAvailable (there was none). */
export function multicastLeave(netif: NetInterface, group: Ipv4Address, source: Ipv4Address): i32 {
  const m = membershipFind(netif, group)
  if (m == null || !countOut(m, source)) return Errno.AddressNotAvailable
  settle(m, true)
  return Errno.None
}

function countOut(m: Membership, source: Ipv4Address): boolean {
  if (source == 0) {
    if (m.anySource == 0) return false
    m.anySource -= 1
    return true
  }
  const named = sourceFind(m, source)
  if (named == null || named.includers == 0) return false
  named.includers -= 1
  m.includers -= 1
  return true
}

/**
 * A socket that is in a group from any source does not want this one. It unblocks before it leaves. Errors:
 * InvalidArgument, AddressNotAvailable (no such socket), NoBufferSpace (MULTICAST_SOURCE_LIMIT).
 */
export function multicastBlock(netif: NetInterface, group: Ipv4Address, source: Ipv4Address): i32 {
  if (!isUnicast(source)) return Errno.InvalidArgument
  const m = membershipFind(netif, group)
  if (m == null || m.anySource == 0) return Errno.AddressNotAvailable
  const named = sourceGet(m, source)
  if (named == null) return Errno.NoBufferSpace
  if (named.blockers == m.anySource) return Errno.AddressNotAvailable // all of them block it already
  named.blockers += 1
  settle(m, true)
  return Errno.None
}

/** Undo one multicastBlock. Errors: AddressNotAvailable (there was none). */
export function multicastUnblock(netif: NetInterface, group: Ipv4Address, source: Ipv4Address): i32 {
  const m = membershipFind(netif, group)
  const named = m != null ? sourceFind(m, source) : null
  if (m == null || named == null || named.blockers == 0) return Errno.AddressNotAvailable
  named.blockers -= 1
  settle(m, true)
  return Errno.None
}

/** Whether the interface is in a group, from whatever source; in 224.0.0.1 it always is. RFC 1112 §4. */
export function multicastMember(netif: NetInterface, group: Ipv4Address): boolean {
  if (group == ADDRESS_ALL_HOSTS) return true
  const m = membershipFind(netif, group)
  return m != null && isMember(m)
}

/** Whether a packet to a group is for somebody here. RFC 3376 §3.2. */
export function multicastAccepts(netif: NetInterface, group: Ipv4Address, source: Ipv4Address): boolean {
  if (group == ADDRESS_ALL_HOSTS) return true
  const m = membershipFind(netif, group)
  return m != null && sourceAllowed(m, source)
}

/** The interface has come up, or its link has come back: routers there know nothing of us yet. */
export function multicastUp(netif: NetInterface): void {
  const igmp = igmpOf(netif)
  igmpForgetRouters(igmp)
  igmpForgetPending(igmp)
  if (netif.up) igmpReportAll(igmp)
}

/** The interface goes down: its groups stay, but nothing is said of them. */
export function multicastDown(netif: NetInterface): void {
  igmpForgetPending(igmpOf(netif))
}

/** The interface is taken away, and nobody is in a group by it any more. */
export function multicastForget(netif: NetInterface): void {
  const igmp = igmpOf(netif)
  let each: Membership | null = igmp.first
  while (each != null) {
    const following: Membership | null = each.next
    membershipEmpty(each)
    unlinkEmpty(each)
    each = following
  }
  igmpForgetRouters(igmp)
  igmpForgetPending(igmp)
}
