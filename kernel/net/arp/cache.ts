// Who has which link address: a hash table of bounded size with the least recently used entry given up first.
// RFC 826, RFC 1122 §2.3.2. States and ages are resolve.ts, what waits is queue.ts; this file only keeps entries.
//
// Entries are found by (interface, address). One that is asked for moves to the front of the list of use, unless
// it is there already: the usual case is one load and one comparison. Main-loop context only.

import { ARP_ENTRY_LIMIT } from '../../config.ts'
import { nowMilliseconds } from '../../lib/clock.ts'
import { timerStop, type Timer } from '../../lib/timer.ts'
import {
  address, at, nth, offsetof, plus, staticRow, struct,
  type Bytes, type Embed, type Stored, type bool, type i32, type u32, type u8,
} from '../../lib/layout.ts'
import type { Packet } from '../../drivers/net/packet.ts'
import type { NetInterface } from '../interface.ts'
import type { Ipv4Address } from '../ipv4/address.ts'
import { Drop, counters } from '../stats.ts'
import { arpPolicy, arpPolicyDefault, arpPolicySet, type ArpConfig } from './policy.ts'
import { arpDropWaiting } from './queue.ts'

/** What is known of an address; the states of RFC 4861 §7.3.2, for ARP. */
export const enum ArpState {
  /** Asked for; packets wait. */
  Incomplete,
  /** Answered within ARP_REACHABLE. */
  Reachable,
  /** Answered once; used without question until somebody uses it. */
  Stale,
  /** Stale and in use again: the protocols above may confirm it, else Probe follows. */
  Delay,
  /** Asked again, by unicast (RFC 1122 §2.3.2.1 (2)). */
  Probe,
  /** Nobody answered. */
  Failed,
}

/** Bits of `ArpEntry.flags`: RustOS's ArpSecurityFlags. */
export const enum ArpFlag {
  /** An announcement agreed with what was known. */
  Verified = 1,
  /** It has had, or was said to have, another link address. */
  Suspicious = 2,
  /** Configured. */
  Trusted = 4,
}

@struct
export class ArpEntry {
  bucketNext: ArpEntry | null // same hash; or the free list
  newer: ArpEntry | null // list of use
  older: ArpEntry | null
  egress: NetInterface
  address: Ipv4Address
  mac: Bytes<6>
  state: Stored<u8, ArpState>
  permanent: Stored<u8, bool> // configured: never learned over, never aged, never evicted
  requests: u8 // sent since the state began
  waitingCount: u8
  inUse: Stored<u8, bool>
  flags: u8 // ArpFlag
  waiting: Packet | null // oldest first, through Packet.next
  waitingLast: Packet | null
  timer: Embed<Timer> // the end of the state
  created: u32 // milliseconds, as all three
  updated: u32 // the link address was last heard
  lastUsed: u32 // a packet was last sent to it, or wanted to be
  useCount: u32
}

@struct
class Bucket {
  first: ArpEntry | null
}

const BUCKET_BITS: u32 = 9
const BUCKETS: u32 = 512

const entries = staticRow<ArpEntry>(ARP_ENTRY_LIMIT)
const buckets = staticRow<Bucket>(BUCKETS)
let free: ArpEntry | null = null
let newest: ArpEntry | null = null
let oldest: ArpEntry | null = null
let count: u32 = 0

/** Empty the table, with the default policy; waiting packets are dropped. */
export function arpCacheInit(): void {
  arpPolicyDefault(arpPolicy)
  while (newest != null) arpRemove(newest, Drop.ArpEvicted)
  free = null
  for (let i: u32 = 0; i < ARP_ENTRY_LIMIT; i++) {
    const entry = nth(entries, i)
    entry.bucketNext = free
    free = entry
  }
}

/**
 * Put a policy in force. Entries over its limit go, the least recently used first. Errors: InvalidArgument.
 */
export function arpConfigure(config: ArpConfig): i32 {
  const result: i32 = arpPolicySet(config)
  while (count > arpPolicy.maxEntries && evict()) { /* one each time */ }
  return result
}

/** Entries in use. */
export function arpEntryCount(): u32 {
  return count
}

/** The most recently used entry, or null; follow `older`. */
export function arpNewest(): ArpEntry | null {
  return newest
}

/** The entry of the timer. */
export function arpEntryOf(timer: Timer): ArpEntry {
  return at<ArpEntry>(plus(address(timer), 0 - offsetof<ArpEntry>('timer')))
}

/** The bucket of an address, on whichever interface: two rarely have a neighbour of the same one. */
function bucketIndex(a: Ipv4Address): u32 {
  const hash: u32 = a * 0x9e3779b1 // 2^32 divided by the golden ratio: Knuth, vol. 3, §6.4
  return hash >>> (32 - BUCKET_BITS)
}

/** The entry for an address, or null. Does not count as use. */
export function arpFind(egress: NetInterface, a: Ipv4Address): ArpEntry | null {
  let each: ArpEntry | null = nth(buckets, bucketIndex(a)).first
  while (each != null) {
    if (each.address == a && each.egress == egress) return each
    each = each.bucketNext
  }
  return null
}

/** Note that an entry was used. */
export function arpTouch(entry: ArpEntry): void {
  if (newest == entry) return
  useUnlink(entry)
  useLinkFirst(entry)
}

/**
 * A new Incomplete entry for an address that has none. When the table is full the least recently used entry that
 * is not permanent is given up, with what waits there; null if all are permanent.
 */
export function arpCreate(egress: NetInterface, a: Ipv4Address): ArpEntry | null {
  if (count >= arpPolicy.maxEntries && !evict()) return null
  const entry = free as ArpEntry
  free = entry.bucketNext
  const bucket = nth(buckets, bucketIndex(a))
  entry.bucketNext = bucket.first
  bucket.first = entry
  entry.egress = egress
  entry.address = a
  entry.state = ArpState.Incomplete
  entry.permanent = false
  entry.requests = 0
  entry.waitingCount = 0
  entry.waiting = null
  entry.waitingLast = null
  entry.inUse = true
  entry.flags = 0
  entry.created = nowMilliseconds()
  entry.updated = entry.created
  entry.lastUsed = entry.created
  entry.useCount = 0
  useLinkFirst(entry)
  count += 1
  return entry
}

function evict(): boolean {
  let each: ArpEntry | null = oldest
  while (each != null) {
    if (!each.permanent) {
      counters.arpEvictions += 1
      arpRemove(each, Drop.ArpEvicted)
      return true
    }
    each = each.newer
  }
  return false
}

/** Forget an entry; packets that wait there are dropped for `reason`. */
export function arpRemove(entry: ArpEntry, reason: Drop): void {
  timerStop(entry.timer)
  arpDropWaiting(entry, reason)
  const bucket = nth(buckets, bucketIndex(entry.address))
  if (bucket.first == entry) bucket.first = entry.bucketNext
  else bucketUnlink(bucket.first as ArpEntry, entry)
  useUnlink(entry)
  entry.inUse = false
  entry.bucketNext = free
  free = entry
  count -= 1
}

function bucketUnlink(from: ArpEntry, entry: ArpEntry): void {
  let each: ArpEntry = from
  while (each.bucketNext != entry) each = each.bucketNext as ArpEntry
  each.bucketNext = entry.bucketNext
}

/** Forget everything learned on an interface, or on all of them for null. Permanent entries stay. */
export function arpFlush(egress: NetInterface | null): void {
  let each: ArpEntry | null = newest
  while (each != null) {
    const following: ArpEntry | null = each.older
    if (!each.permanent && (egress == null || each.egress == egress)) arpRemove(each, Drop.ArpUnresolved)
    each = following
  }
}

function useLinkFirst(entry: ArpEntry): void {
  entry.newer = null
  entry.older = newest
  if (newest != null) newest.newer = entry
  else oldest = entry
  newest = entry
}

function useUnlink(entry: ArpEntry): void {
  if (entry.newer != null) entry.newer.older = entry.older
  else newest = entry.older
  if (entry.older != null) entry.older.newer = entry.newer
  else oldest = entry.newer
}
