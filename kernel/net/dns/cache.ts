// What names resolved to, for as long as the answer said: a hash table of bounded size, the least recently used
// answer given up first. RFC 1035 §7.4; RFC 2308 §5 for answers that there is nothing. Main-loop context only.
//
// The key is a name, in small letters, and a type; that a name does not exist at all is kept under type Any and
// answers for every type (RFC 2308 §5). Names are an outsider's to choose, so the hash has a random seed.

import { DNS_CACHE_LIMIT } from '../../config.ts'
import { nowSeconds } from '../../lib/clock.ts'
import { hashBytes } from '../../lib/hash.ts'
import { copyBytes, equalBytes } from '../../lib/memory.ts'
import { random32 } from '../../lib/random.ts'
import {
  address, nth, sizeof, staticRow, struct, type Bytes, type Embed, type Stored, type ptr, type u16, type u32,
} from '../../lib/layout.ts'
import { DnsRecordType } from './header.ts'
import { dnsNameLength } from './name.ts'

/** How a question ended. */
export const enum DnsStatus {
  Found,
  NoName, // NXDOMAIN: there is no such name
  NoData, // the name has no record of this type
  NoServer, // no DNS server is known
  TimedOut, // none answered
  ServerFailure, // all that answered refused, or failed
  TruncatedNeedsTcp, // the answer does not fit UDP, and no server gave it over TCP
  ChainTooLong, // more than DNS_CHAIN_LIMIT CNAMEs
}

/** What a question brought. */
@struct
export class DnsAnswer {
  status: Stored<u16, DnsStatus>
  type: Stored<u16, DnsRecordType>
  count: u32 // addresses
  chain: u32 // CNAMEs followed
  timeToLive: u32 // seconds it may be kept
  addresses: Bytes<128> // network order, 4 bytes each for A, 16 for AAAA
  canonical: Bytes<256> // the name at the end of the CNAMEs
}

@struct
class Entry {
  bucketNext: Entry | null // same hash; or the free list
  newer: Entry | null
  older: Entry | null
  hash: u32
  nameLength: u32
  expiresAt: u32 // seconds since boot
  type: Stored<u32, DnsRecordType>
  name: Bytes<256>
  answer: Embed<DnsAnswer>
}

@struct
class Bucket {
  first: Entry | null
}

const BUCKETS: u32 = 128

const entries = staticRow<Entry>(DNS_CACHE_LIMIT)
const buckets = staticRow<Bucket>(BUCKETS)
let free: Entry | null = null
let newest: Entry | null = null
let oldest: Entry | null = null
let count: u32 = 0
let seed: u32 = 0

/** Forget everything. */
export function dnsCacheInit(): void {
  free = null
  newest = null
  oldest = null
  count = 0
  seed = random32()
  for (let i: u32 = 0; i < BUCKETS; i++) nth(buckets, i).first = null
  for (let i: u32 = 0; i < DNS_CACHE_LIMIT; i++) {
    const entry = nth(entries, i)
    entry.bucketNext = free
    free = entry
  }
}

/** Answers kept, those included whose time is over and that nobody has asked for since. */
export function dnsCacheCount(): u32 {
  return count
}

/** Copy what is known of a name and type to `answer`, with the seconds that are left. False when nothing is. */
export function dnsCacheFind(answer: DnsAnswer, name: ptr, type: u32): boolean {
  const entry = alive(name, type)
  if (entry != null) return give(answer, entry)
  const none = alive(name, DnsRecordType.Any)
  return none != null && none.answer.status == DnsStatus.NoName && give(answer, none)
}

function give(answer: DnsAnswer, entry: Entry): boolean {
  useUnlink(entry)
  useLinkFirst(entry)
  copyBytes(address(answer), address(entry.answer), sizeof<DnsAnswer>())
  answer.timeToLive = entry.expiresAt - nowSeconds()
  return true
}

/** The entry, unless its time is over: then it goes. */
function alive(name: ptr, type: u32): Entry | null {
  const length: u32 = dnsNameLength(name)
  const entry = find(name, length, hashBytes(name, length, seed + type), type)
  if (entry == null) return null
  if (nowSeconds() < entry.expiresAt) return entry
  remove(entry)
  return null
}

function find(name: ptr, length: u32, hash: u32, type: u32): Entry | null {
  let each: Entry | null = nth(buckets, hash & (BUCKETS - 1)).first
  while (each != null) {
    if (each.hash == hash && each.type == type && each.nameLength == length && equalBytes(each.name, name, length)) return each
    each = each.bucketNext
  }
  return null
}

/** Keep an answer for its timeToLive, instead of what was known of the name and type. With 0 nothing is kept. */
export function dnsCacheStore(name: ptr, type: u32, answer: DnsAnswer): void {
  const length: u32 = dnsNameLength(name)
  const hash: u32 = hashBytes(name, length, seed + type)
  const known = find(name, length, hash, type)
  if (known != null) remove(known)
  if (answer.timeToLive == 0) return
  if (free == null) remove(oldest as Entry)
  const entry = free as Entry
  free = entry.bucketNext
  entry.hash = hash
  entry.type = type
  entry.nameLength = length
  entry.expiresAt = nowSeconds() + answer.timeToLive
  copyBytes(entry.name, name, length)
  copyBytes(address(entry.answer), address(answer), sizeof<DnsAnswer>())
  const bucket = nth(buckets, hash & (BUCKETS - 1))
  entry.bucketNext = bucket.first
  bucket.first = entry
  useLinkFirst(entry)
  count += 1
}

/** Give up what is too old. Look-ups do it for what they look for; this frees the rest at once. */
export function dnsCacheCleanUp(): void {
  let each: Entry | null = newest
  while (each != null) {
    const following: Entry | null = each.older
    if (nowSeconds() >= each.expiresAt) remove(each)
    each = following
  }
}

function remove(entry: Entry): void {
  const bucket = nth(buckets, entry.hash & (BUCKETS - 1))
  if (bucket.first == entry) bucket.first = entry.bucketNext
  else bucketUnlink(bucket.first as Entry, entry)
  useUnlink(entry)
  entry.bucketNext = free
  free = entry
  count -= 1
}

function bucketUnlink(from: Entry, entry: Entry): void {
  let each: Entry = from
  while (each.bucketNext != entry) each = each.bucketNext as Entry
  each.bucketNext = entry.bucketNext
}

function useLinkFirst(entry: Entry): void {
  entry.newer = null
  entry.older = newest
  if (newest != null) newest.newer = entry
  else oldest = entry
  newest = entry
}

function useUnlink(entry: Entry): void {
  if (entry.newer != null) entry.newer.older = entry.older
  else newest = entry.older
  if (entry.older != null) entry.older.newer = entry.newer
  else oldest = entry.newer
}
