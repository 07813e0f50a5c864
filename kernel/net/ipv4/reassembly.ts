// Fragments put together again. RFC 791 §3.2, RFC 1122 §3.3.2, RFC 5722 §4. Main-loop context only.
//
// A datagram is found by source, destination, protocol and identification. Its fragments are the packets they came
// in, sorted by offset; the usual one goes to the end. When the last gap is filled they are chained, first buffer
// first, and that chain is the datagram: nothing was copied, its header is that of the first fragment.
//
// What does not fit is not argued about: overlapping fragments condemn their datagram (RFC 5722 §4 for IPv6; here
// the same attacks exist, RFC 1858 §4, and no sender makes them), and what still comes of it is dropped until its time
// is up. An exact repetition is dropped alone. A datagram holds REASSEMBLY_BUFFERS at most, all of them together
// a share of the pool: when that is reached the oldest is given up.

import {
  REASSEMBLY_BUFFERS, REASSEMBLY_LIMIT, REASSEMBLY_SHARE, REASSEMBLY_TIMEOUT,
} from '../../config.ts'
import { timerStart, timerStop, type Timer } from '../../lib/timer.ts'
import {
  address, at, nth, staticRow, struct, type Embed, type Stored, type u16, type u32, type u8,
} from '../../lib/layout.ts'
import { Checksum, packetStrip, packetsFree, type Packet } from '../../drivers/net/packet.ts'
import { chainCount, chainLast } from '../chain.ts'
import { icmpError } from '../icmp/error.ts'
import { IcmpType } from '../icmp/header.ts'
import type { NetInterface } from '../interface.ts'
import { Drop, counters, drop } from '../stats.ts'
import type { Ipv4Address } from './address.ts'
import { ECN_CONGESTION, ECN_MASK, IpProtocol, Ipv4Header, LONGEST_PACKET } from './header.ts'

/** ICMP time exceeded, code 1: RFC 792. */
const REASSEMBLY_TIME: u32 = 1
/** TCP's fixed header: what a first fragment must hold, or filters that look at flags are deceived. RFC 1858 §3. */
const TCP_HEADER: u32 = 20

@struct
class Datagram {
  bucketNext: Datagram | null // same hash; or the free list
  newer: Datagram | null
  older: Datagram | null
  source: Ipv4Address
  destination: Ipv4Address
  ingress: NetInterface // where its first part came in
  fragments: Packet | null // by offset, through Packet.next; `owner` of each is offset and length
  last: Packet | null
  received: u32 // bytes there
  total: u32 // bytes of the whole; 0 until the last fragment came
  identification: u16
  buffers: u16
  protocol: u8
  marks: u8 // bit n: a fragment had ECN codepoint n, RFC 3168 §5
  refused: Stored<u8, Drop> // why what still comes is dropped; or None
  reserved: u8
  timer: Embed<Timer>
}

@struct
class Bucket {
  first: Datagram | null
}

const BUCKET_BITS: u32 = 6
const BUCKETS: u32 = 64

const datagrams = staticRow<Datagram>(REASSEMBLY_LIMIT)
const buckets = staticRow<Bucket>(BUCKETS)
let free: Datagram | null = null
let newest: Datagram | null = null
let oldest: Datagram | null = null
let buffersHeld: u32 = 0
let buffersLimit: u32 = 0

/** Empty; what waits is dropped. The limit of buffers follows from what is free now. */
export function reassemblyInit(): void {
  while (oldest != null) forget(oldest, Drop.FragmentLimit)
  free = null
  for (let i: u32 = 0; i < REASSEMBLY_LIMIT; i++) {
    const datagram = nth(datagrams, i)
    datagram.bucketNext = free
    free = datagram
  }
  buffersLimit = packetsFree() / REASSEMBLY_SHARE
}

/** Packet buffers that wait for the rest of their datagrams. */
export function reassemblyHeld(): u32 {
  return buffersHeld
}

/**
 * Take one fragment, its checked header at `head`, trimmed to its total length. Returns the datagram when this was
 * its last missing part, what follows its header at `head`, one chain; null while more is missing, or it was dropped.
 */
export function reassemble(ingress: NetInterface, packet: Packet, ip: Ipv4Header): Packet | null {
  counters.ipv4FragmentsReceived += 1
  const fault: Drop = fragmentFault(ip)
  if (fault != Drop.None) return refuse(packet, fault)
  let datagram: Datagram | null = find(ip)
  if (datagram == null) datagram = create(ingress, ip)
  if (datagram.refused != Drop.None) return refuse(packet, datagram.refused)
  if (isRepetition(datagram, ip)) return refuse(packet, Drop.FragmentDuplicate)
  if (!insert(datagram, packet, ip)) {
    drop(packet, Drop.FragmentOverlap)
    condemn(datagram, Drop.FragmentOverlap)
    return null
  }
  if (datagram.total != 0 && datagram.received == datagram.total) return join(datagram)
  bound(datagram)
  return null
}

function refuse(packet: Packet, reason: Drop): Packet | null {
  drop(packet, reason)
  return null
}

/** What no sender makes: RFC 791 §3.2; RFC 1858 §3 (tiny fragments), "ping of death". */
function fragmentFault(ip: Ipv4Header): Drop {
  const length: u32 = ip.totalLength - ip.headerLength
  const offset: u32 = ip.fragmentOffset
  if (length == 0 || (ip.moreFragments && (length & 7) != 0)) return Drop.FragmentSize
  if (ip.headerLength + offset + length > LONGEST_PACKET) return Drop.FragmentSize
  if (ip.protocol != IpProtocol.Tcp) return Drop.None // other headers are 8 bytes: no fragment has less
  if (offset == 8 || (offset == 0 && length < TCP_HEADER)) return Drop.FragmentTiny
  return Drop.None
}

function bucketOf(source: Ipv4Address, destination: Ipv4Address, identification: u32): Bucket {
  const hash: u32 = (source ^ (destination << 7) ^ (identification << 16)) * 0x9e3779b1 // 2^32 by the golden ratio
  return nth(buckets, hash >>> (32 - BUCKET_BITS))
}

function find(ip: Ipv4Header): Datagram | null {
  const source: Ipv4Address = ip.source
  const destination: Ipv4Address = ip.destination
  const identification: u32 = ip.identification
  let each: Datagram | null = bucketOf(source, destination, identification).first
  while (each != null) {
    const sameEnds: boolean = each.source == source && each.destination == destination
    if (sameEnds && each.identification == identification && each.protocol == ip.protocol) return each
    each = each.bucketNext
  }
  return null
}

/** A new datagram; the oldest makes room for it when all are in use. */
function create(ingress: NetInterface, ip: Ipv4Header): Datagram {
  if (free == null) forget(oldest as Datagram, Drop.FragmentLimit)
  const datagram = free as Datagram
  free = datagram.bucketNext
  datagram.source = ip.source
  datagram.destination = ip.destination
  datagram.identification = ip.identification
  datagram.protocol = ip.protocol
  datagram.ingress = ingress
  datagram.fragments = null
  datagram.last = null
  datagram.received = 0
  datagram.total = 0
  datagram.buffers = 0
  datagram.marks = 0
  datagram.refused = Drop.None
  const bucket = bucketOf(datagram.source, datagram.destination, datagram.identification)
  datagram.bucketNext = bucket.first
  bucket.first = datagram
  linkNewest(datagram)
  datagram.timer.owner = address(datagram)
  timerStart(datagram.timer, REASSEMBLY_TIMEOUT, expired)
  return datagram
}

function offsetOf(fragment: Packet): u32 {
  return fragment.owner >>> 16
}

function endOf(fragment: Packet): u32 {
  return (fragment.owner >>> 16) + (fragment.owner & 0xffff)
}

/** Whether the very same part is there. Where it is, the bytes are taken to be the same. */
function isRepetition(datagram: Datagram, ip: Ipv4Header): boolean {
  const last = datagram.last
  if (last == null || ip.fragmentOffset >= endOf(last)) return false
  const place: u32 = (ip.fragmentOffset << 16) | (ip.totalLength - ip.headerLength)
  let each: Packet | null = datagram.fragments
  while (each != null && each.owner != place) each = each.next
  return each != null
}

/** Put a fragment in its place; false if it overlaps others, or contradicts the length of the whole. */
function insert(datagram: Datagram, packet: Packet, ip: Ipv4Header): boolean {
  const offset: u32 = ip.fragmentOffset
  const length: u32 = ip.totalLength - ip.headerLength
  const end: u32 = offset + length
  let previous: Packet | null = datagram.last
  if (previous != null && offset < endOf(previous)) previous = before(datagram, offset)
  const following: Packet | null = previous == null ? datagram.fragments : previous.next
  if (previous != null && offset < endOf(previous)) return false
  if (following != null && end > offsetOf(following)) return false
  if (ip.moreFragments) {
    if (datagram.total != 0 && end > datagram.total) return false
  } else {
    if (datagram.total != 0 || following != null) return false // a second last one, or not the last
    datagram.total = end
  }
  datagram.marks |= 1 << (ip.dscpEcn & ECN_MASK)
  packet.owner = (offset << 16) | length
  packet.networkHeader = packet.head
  packetStrip(packet, ip.headerLength)
  packet.next = following
  if (previous == null) datagram.fragments = packet
  else previous.next = packet
  if (following == null) datagram.last = packet
  datagram.received += length
  const buffers: u32 = chainCount(packet)
  datagram.buffers += buffers
  buffersHeld += buffers
  return true
}

/** The fragment after which one at `offset` belongs, or null for the front. */
function before(datagram: Datagram, offset: u32): Packet | null {
  let previous: Packet | null = null
  let each: Packet | null = datagram.fragments
  while (each != null && offsetOf(each) <= offset) {
    previous = each
    each = each.next
  }
  return previous
}

/** Keep the datagram, and all of them, within their limits. */
function bound(datagram: Datagram): void {
  if (datagram.buffers > REASSEMBLY_BUFFERS) return condemn(datagram, Drop.FragmentLimit)
  while (buffersHeld > buffersLimit) {
    const eldest = oldestHolding() as Datagram // something holds them
    if (eldest == datagram) return condemn(datagram, Drop.FragmentLimit)
    forget(eldest, Drop.FragmentLimit)
  }
}

function oldestHolding(): Datagram | null {
  let each: Datagram | null = oldest
  while (each != null && each.buffers == 0) each = each.newer
  return each
}

/** Drop what is there, and keep the name, so that what still comes is known for what it is. */
function condemn(datagram: Datagram, reason: Drop): void {
  dropFragments(datagram, reason)
  datagram.refused = reason
}

/** All parts are there: one chain, the header made that of the whole. Null if it can not be: that is counted. */
function join(datagram: Datagram): Packet | null {
  const first = datagram.fragments as Packet
  const ip = at<Ipv4Header>(first.networkHeader)
  const total: u32 = datagram.total
  const marks: u32 = datagram.marks
  const congested = (marks & (1 << ECN_CONGESTION)) != 0
  if (congested && (marks & 1) != 0) {
    forget(datagram, Drop.FragmentCongestion)
    return null
  }
  if (ip.headerLength + total > LONGEST_PACKET) { // the first header is longer than that of the last fragment
    forget(datagram, Drop.FragmentSize)
    return null
  }
  chain(first)
  buffersHeld -= datagram.buffers
  datagram.fragments = null
  release(datagram)
  if (congested) ip.dscpEcn |= ECN_CONGESTION
  ip.totalLength = ip.headerLength + total
  ip.flagsFragment = 0
  ip.seal()
  first.totalLength = total
  first.checksum = Checksum.None // what the card said was about a fragment
  counters.ipv4Reassembled += 1
  return first
}

/** From a list of packets to one packet of many buffers. */
function chain(first: Packet): void {
  let each: Packet = first
  let following: Packet | null = first.next
  first.next = null
  while (following != null) {
    chainLast(each).nextFragment = following
    each = following
    following = each.next
    each.next = null
  }
}

/** RFC 1122 §3.3.2: the time is up; the sender hears of it if its first fragment came, which the error quotes. */
function expired(timer: Timer): void {
  const datagram = at<Datagram>(timer.owner)
  const first = datagram.fragments
  if (first != null && offsetOf(first) == 0) {
    icmpError(datagram.ingress, first, IcmpType.TimeExceeded, REASSEMBLY_TIME)
  }
  forget(datagram, Drop.FragmentTimeout)
}

/** Give a datagram up. */
function forget(datagram: Datagram, reason: Drop): void {
  dropFragments(datagram, reason)
  release(datagram)
}

function dropFragments(datagram: Datagram, reason: Drop): void {
  let each: Packet | null = datagram.fragments
  datagram.fragments = null
  datagram.last = null
  buffersHeld -= datagram.buffers
  datagram.buffers = 0
  while (each != null) {
    const following: Packet | null = each.next
    each.next = null
    drop(each, reason)
    each = following
  }
}

/** Back to the free list. It holds no packets any more. */
function release(datagram: Datagram): void {
  timerStop(datagram.timer)
  const bucket = bucketOf(datagram.source, datagram.destination, datagram.identification)
  if (bucket.first == datagram) bucket.first = datagram.bucketNext
  else unlinkAfter(bucket.first as Datagram, datagram)
  if (datagram.newer != null) datagram.newer.older = datagram.older
  else newest = datagram.older
  if (datagram.older != null) datagram.older.newer = datagram.newer
  else oldest = datagram.newer
  datagram.bucketNext = free
  free = datagram
}

function unlinkAfter(from: Datagram, datagram: Datagram): void {
  let each: Datagram = from
  while (each.bucketNext != datagram) each = each.bucketNext as Datagram
  each.bucketNext = datagram.bucketNext
}

function linkNewest(datagram: Datagram): void {
  datagram.newer = null
  datagram.older = newest
  if (newest != null) newest.newer = datagram
  else oldest = datagram
  newest = datagram
}
