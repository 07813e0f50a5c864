// Which groups each interface is a member of, and from which sources: tables and filters. RFC 3376 §3.2.
//
// Sockets ask for a group from any source, less some (EXCLUDE), or from named sources only (INCLUDE). What an
// interface does is their union, and counting is enough to know it:
//
//   anySource     sockets in mode EXCLUDE
//   per source    includers: sockets that named it; blockers: sockets in mode EXCLUDE that do not want it
//
//   the interface's mode is EXCLUDE if anySource > 0, else INCLUDE;
//   a source is let through if includers > 0, or if some socket in mode EXCLUDE does not block it.
//
// Each source remembers what was last said of it (`allowed`), so that a change is a comparison. This file keeps
// the tables; what is told to routers is report.ts and respond.ts. Main-loop context only.

import { INTERFACE_LIMIT, MULTICAST_GROUP_LIMIT, MULTICAST_SOURCE_LIMIT } from '../../config.ts'
import { timerStop, type Timer } from '../../lib/timer.ts'
import {
  address, at, nth, offsetof, plus, staticRow, struct,
  type Embed, type Row, type Stored, type bool, type u16, type u32, type u8,
} from '../../lib/layout.ts'
import type { NetInterface } from '../interface.ts'
import { ADDRESS_ALL_HOSTS, type Ipv4Address } from '../ipv4/address.ts'

/** Sources of one query that are remembered until it is answered; of more, the whole group is reported. */
export const ASKED_LIMIT: u32 = 16
/** RFC 3376 §8.1, §8.2, until a querier says otherwise. */
const ROBUSTNESS: u32 = 2
const QUERY_INTERVAL: u32 = 125

/** A source that sockets or pending reports know. */
@struct
export class GroupSource {
  next: GroupSource | null
  address: Ipv4Address
  includers: u16
  blockers: u16
  changes: u8 // reports of a change still to be sent
  allowed: Stored<u8, bool> // let through, as last computed
  reserved: u16
}

@struct
export class AskedSource {
  address: Ipv4Address
}

/** An interface in a group, or one that still has to say that it is no longer. */
@struct
export class Membership {
  bucketNext: Membership | null // same hash; or the free list
  next: Membership | null // of the same interface
  netif: NetInterface
  group: Ipv4Address
  sources: GroupSource | null
  timer: Embed<Timer> // an answer to a query; in version 1 and 2 also the repeated first report
  anySource: u32 // sockets
  includers: u32 // sockets, over all sources
  askedCount: u32 // sources of the query to be answered; 0 with a running timer: all
  asked: Row<AskedSource, 16> // ASKED_LIMIT
  modeChanges: u8 // reports of a change of mode still to be sent
  unsolicited: u8 // version 1 and 2: first reports still to be sent
  lastReporter: Stored<u8, bool> // version 2: nobody has reported the group after us
  exclude: Stored<u8, bool> // mode, as last computed
  linked: Stored<u8, bool> // the Ethernet group was joined
  reserved: u8
  reserved2: u16
}

/** What an interface knows of the routers on its link. RFC 3376 §7.2.1. */
@struct
export class IgmpInterface {
  netif: NetInterface
  first: Membership | null
  responseTimer: Embed<Timer> // the answer to a general query
  changeTimer: Embed<Timer> // the next repetition of changes
  version1Timer: Embed<Timer> // a router of version 1 is there while it runs
  version2Timer: Embed<Timer>
  robustness: u32
  queryInterval: u32 // seconds
}

const BUCKET_BITS: u32 = 6
const BUCKETS: u32 = 64

@struct
class Bucket {
  first: Membership | null
}

const memberships = staticRow<Membership>(MULTICAST_GROUP_LIMIT)
const sources = staticRow<GroupSource>(MULTICAST_SOURCE_LIMIT)
const buckets = staticRow<Bucket>(BUCKETS)
const interfaces = staticRow<IgmpInterface>(INTERFACE_LIMIT)
let freeMembership: Membership | null = null
let freeSource: GroupSource | null = null

/** No memberships. */
export function membershipsInit(): void {
  freeMembership = null
  freeSource = null
  for (let i: u32 = 0; i < BUCKETS; i++) nth(buckets, i).first = null
  for (let i: u32 = 0; i < INTERFACE_LIMIT; i++) interfaceForget(nth(interfaces, i))
  for (let i: u32 = 0; i < MULTICAST_GROUP_LIMIT; i++) {
    const each = nth(memberships, i)
    timerStop(each.timer)
    each.bucketNext = freeMembership
    freeMembership = each
  }
  for (let i: u32 = 0; i < MULTICAST_SOURCE_LIMIT; i++) {
    const each = nth(sources, i)
    each.next = freeSource
    freeSource = each
  }
}

function interfaceForget(igmp: IgmpInterface): void {
  timerStop(igmp.responseTimer)
  timerStop(igmp.changeTimer)
  timerStop(igmp.version1Timer)
  timerStop(igmp.version2Timer)
  igmp.first = null
  igmp.robustness = ROBUSTNESS
  igmp.queryInterval = QUERY_INTERVAL
}

/** What is known of the routers on an interface's link. */
export function igmpOf(netif: NetInterface): IgmpInterface {
  const igmp = nth(interfaces, netif.index)
  igmp.netif = netif
  return igmp
}

/** Forget what routers said: the link may be another one. */
export function igmpForgetRouters(igmp: IgmpInterface): void {
  timerStop(igmp.version1Timer)
  timerStop(igmp.version2Timer)
  igmp.robustness = ROBUSTNESS
  igmp.queryInterval = QUERY_INTERVAL
}

/** The membership of the timer. */
export function membershipOf(timer: Timer): Membership {
  return at<Membership>(plus(address(timer), 0 - offsetof<Membership>('timer')))
}

function bucketOf(group: Ipv4Address): Bucket {
  const hash: u32 = group * 0x9e3779b1 // 2^32 divided by the golden ratio: Knuth, vol. 3, §6.4
  return nth(buckets, hash >>> (32 - BUCKET_BITS))
}

/** The membership, or one that is being left, or null. */
export function membershipFind(netif: NetInterface, group: Ipv4Address): Membership | null {
  let each: Membership | null = bucketOf(group).first
  while (each != null) {
    if (each.group == group && each.netif == netif) return each
    each = each.bucketNext
  }
  return null
}

/** A membership nobody is in yet: INCLUDE of nothing. Null when there are MULTICAST_GROUP_LIMIT. */
export function membershipCreate(netif: NetInterface, group: Ipv4Address): Membership | null {
  const m = freeMembership
  if (m == null) return null
  freeMembership = m.bucketNext
  const bucket = bucketOf(group)
  m.bucketNext = bucket.first
  bucket.first = m
  const igmp = igmpOf(netif)
  m.next = igmp.first
  igmp.first = m
  m.netif = netif
  m.group = group
  m.sources = null
  m.anySource = 0
  m.includers = 0
  m.askedCount = 0
  m.modeChanges = 0
  m.unsolicited = 0
  m.lastReporter = false
  m.exclude = false
  m.linked = false
  return m
}

/** Forget a membership that nobody is in, unless it still has something to say. */
export function membershipTidy(m: Membership): void {
  sourcesTidy(m)
  if (isMember(m) || m.modeChanges != 0 || m.sources != null) return
  timerStop(m.timer)
  const bucket = bucketOf(m.group)
  if (bucket.first == m) bucket.first = m.bucketNext
  else bucketUnlink(bucket.first as Membership, m)
  const igmp = igmpOf(m.netif)
  if (igmp.first == m) igmp.first = m.next
  else listUnlink(igmp.first as Membership, m)
  m.bucketNext = freeMembership
  freeMembership = m
}

function bucketUnlink(from: Membership, m: Membership): void {
  let each: Membership = from
  while (each.bucketNext != m) each = each.bucketNext as Membership
  each.bucketNext = m.bucketNext
}

function listUnlink(from: Membership, m: Membership): void {
  let each: Membership = from
  while (each.next != m) each = each.next as Membership
  each.next = m.next
}

/** Nobody is in the group, whoever was. */
export function membershipEmpty(m: Membership): void {
  m.anySource = 0
  m.includers = 0
  let each: GroupSource | null = m.sources
  while (each != null) {
    each.includers = 0
    each.blockers = 0
    each = each.next
  }
}

/** Whether somebody is in the group. */
export function isMember(m: Membership): boolean {
  return m.anySource + m.includers != 0
}

/** Whether routers are told of a group at all: of 224.0.0.1 they never are. RFC 3376 §5. */
export function isReported(m: Membership): boolean {
  return m.group != ADDRESS_ALL_HOSTS && !m.netif.loopback
}

/** Whether packets of a source are let through to a group. */
export function sourceAllowed(m: Membership, source: Ipv4Address): boolean {
  const known = sourceFind(m, source)
  return known != null ? isAllowed(m, known) : m.anySource > 0
}

function isAllowed(m: Membership, source: GroupSource): boolean {
  return source.includers > 0 || source.blockers < m.anySource
}

/** What is known of a source, or null. */
export function sourceFind(m: Membership, source: Ipv4Address): GroupSource | null {
  let each: GroupSource | null = m.sources
  while (each != null) {
    if (each.address == source) return each
    each = each.next
  }
  return null
}

/** What is known of a source, from now on if not before. Null when there are MULTICAST_SOURCE_LIMIT. */
export function sourceGet(m: Membership, source: Ipv4Address): GroupSource | null {
  const known = sourceFind(m, source)
  if (known != null) return known
  const fresh = freeSource
  if (fresh == null) return null
  freeSource = fresh.next
  fresh.next = m.sources
  m.sources = fresh
  fresh.address = source
  fresh.includers = 0
  fresh.blockers = 0
  fresh.changes = 0
  fresh.allowed = m.exclude
  return fresh
}

/** Forget the sources that nobody names and nothing is to be said of. */
function sourcesTidy(m: Membership): void {
  let each: GroupSource | null = m.sources
  let kept: GroupSource | null = null
  m.sources = null
  while (each != null) {
    const following: GroupSource | null = each.next
    if (each.includers + each.blockers + each.changes == 0) {
      each.next = freeSource
      freeSource = each
    } else {
      each.next = null
      if (kept == null) m.sources = each
      else kept.next = each
      kept = each
    }
    each = following
  }
}

/**
 * After sockets came or went: what changed for routers, to be said `times` times; RFC 3376 §5.1. A change of mode
 * says everything about the sources. True if anything changed.
 */
export function membershipSettle(m: Membership, times: u32): boolean {
  const exclude: boolean = m.anySource > 0
  const turned: boolean = exclude != m.exclude
  let changed: boolean = turned
  m.exclude = exclude
  if (turned) m.modeChanges = times
  let each: GroupSource | null = m.sources
  while (each != null) {
    const allowed: boolean = isAllowed(m, each)
    if (turned) each.changes = 0
    else if (allowed != each.allowed) {
      each.changes = times
      changed = true
    }
    each.allowed = allowed
    each = each.next
  }
  return changed
}
