// Which page to swap out: least recently used, the clock with second chance, or first in first out.
//
// A page that is in memory has a PageRecord from the first time it is heard of (its arrival, an access, or as a
// candidate) until it is swapped out or forgotten, so records never outnumber pages of RAM. Records form a ring in
// order of arrival; the clock's hand goes round it (Corbató, "A Paging Experiment with the Multics System", 1968).
// One 64-bit counter orders arrivals and accesses: it does not wrap. Main-loop context.

import { hash32 } from '../lib/hash.ts'
import { compare64, copy64, increase64, load32, store32 } from '../lib/intrinsics.ts'
import {
  address, at, sizeof, struct, type Bytes, type Embed, type Stored, type ptr, type u16, type u32,
} from '../lib/layout.ts'
import { zeroBytes } from '../lib/memory.ts'
import { heapAllocate, heapFree } from '../mm/heap.ts'
import { Pool, poolAllocate, poolFree, poolInit } from '../mm/pool.ts'
import { framesTotal } from '../mm/frames.ts'

export const enum PageReplacementAlgorithm { LRU, Clock, FIFO }

/** An element of a list of candidates: the address of a page of the present owner. */
@struct
export class Candidate {
  pageAddress: u32
}

@struct
class PageRecord {
  chain: PageRecord | null // in the same bucket
  next: PageRecord // the ring: arrived next
  previous: PageRecord
  pageAddress: u32
  owner: u16
  referenced: u16 // 1: accessed since the hand last passed
  round: u32 // the choice in which it was a candidate last
  arrival: Bytes<8>
  access: Bytes<8>
}

@struct
export class PageTracker {
  pool: Embed<Pool>
  hand: PageRecord | null // where the clock looks next
  buckets: ptr
  bucketMask: u32
  algorithm: Stored<u32, PageReplacementAlgorithm> // of the choice being made
  round: u32 // choices so far
  oldest: PageRecord | null // of the candidates offered, by `algorithm`
  records: u32
  counter: Bytes<8> // arrivals and accesses so far
}

const BUCKETS_LEAST: u32 = 64
const BUCKETS_MOST: u32 = 16384

/** Once; false when there is no memory for the table. */
export function trackerInit(tracker: PageTracker): boolean {
  zeroBytes(address(tracker), sizeof<PageTracker>())
  let buckets: u32 = BUCKETS_LEAST
  while (buckets < BUCKETS_MOST && buckets << 2 < framesTotal()) buckets = buckets << 1
  tracker.buckets = heapAllocate(buckets << 2)
  if (tracker.buckets == 0) return false
  zeroBytes(tracker.buckets, buckets << 2)
  tracker.bucketMask = buckets - 1
  poolInit(tracker.pool, 'swap pages', sizeof<PageRecord>(), framesTotal())
  return true
}

/** Give back everything. */
export function trackerDrop(tracker: PageTracker): void {
  while (tracker.hand != null) remove(tracker, tracker.hand)
  heapFree(tracker.buckets)
  tracker.buckets = 0 as ptr
}

/** A page came into memory. Known already: no change. */
export function trackerArrived(tracker: PageTracker, owner: u32, pageAddress: u32): void {
  findOrAdd(tracker, owner, pageAddress)
}

/** A page was accessed. */
export function trackerAccessed(tracker: PageTracker, owner: u32, pageAddress: u32): void {
  const record = findOrAdd(tracker, owner, pageAddress)
  if (record == null) return
  record.referenced = 1
  copy64(record.access, 0, tracker.counter, 0)
  increase64(tracker.counter, 1)
}

/** A page left memory. */
export function trackerForget(tracker: PageTracker, owner: u32, pageAddress: u32): void {
  const record = find(tracker, owner, pageAddress)
  if (record != null) remove(tracker, record)
}

/** Every page of an owner left memory. */
export function trackerForgetOwner(tracker: PageTracker, owner: u32): void {
  let left: u32 = tracker.records
  let record: PageRecord | null = tracker.hand
  while (left != 0 && record != null) {
    const following: PageRecord = record.next
    if (record.owner == owner) remove(tracker, record)
    record = following
    left -= 1
  }
}

/** Begin a choice: the candidates follow, one `trackerOffer` each. */
export function trackerBegin(tracker: PageTracker, algorithm: PageReplacementAlgorithm): void {
  tracker.algorithm = algorithm
  tracker.oldest = null
  tracker.round += 1
}

/** Offer a candidate. One not heard of before arrives now. False when it could not get a record. */
export function trackerOffer(tracker: PageTracker, owner: u32, pageAddress: u32): boolean {
  const record = findOrAdd(tracker, owner, pageAddress)
  if (record == null) return false
  const oldest = tracker.oldest
  record.round = tracker.round
  if (oldest == null || isOlder(record, oldest, tracker.algorithm)) tracker.oldest = record
  return true
}

/** The candidate to swap out; 0 when none was offered. A page's address is never 0: page 0 is not mapped. */
export function trackerChoose(tracker: PageTracker): u32 {
  const chosen = tracker.algorithm == PageReplacementAlgorithm.Clock ? underHand(tracker) : tracker.oldest
  return chosen == null ? 0 : chosen.pageAddress
}

/** Least recently used: the earlier last access. First in first out: the earlier arrival. */
function isOlder(a: PageRecord, b: PageRecord, algorithm: PageReplacementAlgorithm): boolean {
  if (algorithm == PageReplacementAlgorithm.FIFO) return compare64(a.arrival, b.arrival) < 0
  return compare64(a.access, b.access) < 0
}

/** The first candidate under the hand that was not referenced since the hand last passed; at most two rounds. */
function underHand(tracker: PageTracker): PageRecord | null {
  let left: u32 = tracker.records << 1
  while (left != 0 && tracker.hand != null) {
    const record: PageRecord = tracker.hand
    tracker.hand = record.next
    if (record.round == tracker.round) {
      if (record.referenced == 0) return record
      record.referenced = 0
    }
    left -= 1
  }
  return null
}

function find(tracker: PageTracker, owner: u32, pageAddress: u32): PageRecord | null {
  const first = load32(tracker.buckets, bucketOf(tracker, owner, pageAddress)) as ptr
  let record: PageRecord | null = at<PageRecord>(first)
  while (record != null) {
    if (record.pageAddress == pageAddress && record.owner == owner) return record
    record = record.chain
  }
  return null
}

function findOrAdd(tracker: PageTracker, owner: u32, pageAddress: u32): PageRecord | null {
  const found = find(tracker, owner, pageAddress)
  if (found != null) return found
  const p = poolAllocate(tracker.pool)
  if (p == 0) return null
  const record = at<PageRecord>(p)
  const bucket = bucketOf(tracker, owner, pageAddress)
  record.owner = owner
  record.pageAddress = pageAddress
  copy64(record.arrival, 0, tracker.counter, 0)
  copy64(record.access, 0, tracker.counter, 0)
  increase64(tracker.counter, 1)
  record.chain = at<PageRecord>(load32(tracker.buckets, bucket) as ptr)
  store32(tracker.buckets, bucket, p)
  enterRing(tracker, record)
  return record
}

/** Behind the hand: the last place it comes to. */
function enterRing(tracker: PageTracker, record: PageRecord): void {
  const hand = tracker.hand
  tracker.records += 1
  if (hand == null) {
    record.next = record
    record.previous = record
    tracker.hand = record
    return
  }
  record.next = hand
  record.previous = hand.previous
  hand.previous.next = record
  hand.previous = record
}

function remove(tracker: PageTracker, record: PageRecord): void {
  unchain(tracker, record)
  if (record.next == record) tracker.hand = null
  else {
    if (tracker.hand == record) tracker.hand = record.next
    record.previous.next = record.next
    record.next.previous = record.previous
  }
  tracker.records -= 1
  poolFree(tracker.pool, address(record))
}

function unchain(tracker: PageTracker, record: PageRecord): void {
  const bucket = bucketOf(tracker, record.owner, record.pageAddress)
  let each = at<PageRecord>(load32(tracker.buckets, bucket) as ptr)
  if (each == record) {
    store32(tracker.buckets, bucket, address(record.chain))
    return
  }
  while (each.chain != record) each = each.chain!
  each.chain = record.chain
}

/** Place in `buckets`, in bytes. */
function bucketOf(tracker: PageTracker, owner: u32, pageAddress: u32): u32 {
  return (hash32(pageAddress | owner) & tracker.bucketMask) << 2
}
