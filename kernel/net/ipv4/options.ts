// Options of the IPv4 header. RFC 791 §3.1 "Options", RFC 1122 §3.2.1.8, RFC 1812 §5.3.13, RFC 7126 §4.
// Main-loop context only; a packet without options never comes here.
//
//    0               1               2               3
//   +---------------+---------------+---------------+---------------+---
//   |C|class| number|    length     |    pointer    | data …            C: copied into every fragment
//   +---------------+---------------+---------------+---------------+---
//
// What is done with them: a route chosen by the sender is refused (RFC 7126 §4.3, §4.4: it serves attacks only);
// addresses and times are recorded by a router and in the reply to an echo request (RFC 1812 §5.3.13.5, §5.3.13.6,
// RFC 1122 §3.2.2.6); all others are stepped over unread, as RFC 1122 §3.2.1.8 asks. Options whose lengths make
// no sense are refused with a parameter problem.

import { load8, loadBe32, store8, storeBe32 } from '../../lib/intrinsics.ts'
import { nowMilliseconds } from '../../lib/clock.ts'
import { copyBytes, fillBytes } from '../../lib/memory.ts'
import { address, at, plus, sizeof, type ptr, type u32 } from '../../lib/layout.ts'
import type { Ipv4Address } from './address.ts'
import { interfaceOwning } from '../interface.ts'
import { Ipv4Header, VERSION_IHL_PLAIN } from './header.ts'

/** IANA, IP option numbers, with copied flag and class. */
const enum IpOption {
  End = 0,
  NoOperation = 1,
  RecordRoute = 7,
  Timestamp = 68,
  LooseSourceRoute = 131,
  StrictSourceRoute = 137,
}

/** What `optionsCheck` found, apart from the offset of a byte that is wrong. */
export const OPTIONS_GOOD: u32 = 0
export const OPTIONS_SOURCE_ROUTE: u32 = 1

const COPIED: u32 = 0x80
/** Where the first address may be recorded: RFC 791 §3.1, "the smallest legal value for the pointer is 4". */
const ROUTE_FIRST: u32 = 4
const TIMESTAMP_FIRST: u32 = 5
/** Kinds of timestamp option: RFC 791 §3.1 "Internet Timestamp", flag. */
const enum TimestampKind { TimeOnly = 0, WithAddress = 1, Prespecified = 3 }
/** "The time is not milliseconds since midnight UT": RFC 791 §3.1. Ours is since boot. */
const NONSTANDARD_TIME: u32 = 0x80000000

/**
 * Look at all options of a checked header: OPTIONS_GOOD, OPTIONS_SOURCE_ROUTE, or where in the header, 20 or more,
 * the first byte is that makes no sense (the pointer of RFC 792's parameter problem).
 */
export function optionsCheck(ip: Ipv4Header): u32 {
  const header: ptr = address(ip)
  const end: u32 = ip.headerLength
  let i: u32 = sizeof<Ipv4Header>()
  while (i < end) {
    const type: u32 = load8(header, i)
    if (type == IpOption.End) return OPTIONS_GOOD
    if (type == IpOption.NoOperation) {
      i += 1
      continue
    }
    if (i + 2 > end) return i
    const length: u32 = load8(header, i + 1)
    if (length < 2 || i + length > end) return i + 1
    if (type == IpOption.LooseSourceRoute || type == IpOption.StrictSourceRoute) return OPTIONS_SOURCE_ROUTE
    const wrong: u32 = recordFault(header, i, type, length)
    if (wrong != 0) return wrong
    i += length
  }
  return OPTIONS_GOOD
}

/** Where an option that is to be written to makes no sense, or 0. One that is full makes sense. */
function recordFault(header: ptr, i: u32, type: u32, length: u32): u32 {
  if (type != IpOption.RecordRoute && type != IpOption.Timestamp) return 0
  const least: u32 = type == IpOption.RecordRoute ? ROUTE_FIRST : TIMESTAMP_FIRST
  if (length < least - 1) return i + 1
  const pointer: u32 = load8(header, i + 2)
  if (pointer < least) return i + 2
  if (pointer > length) return 0
  if (type == IpOption.RecordRoute) return pointer + 3 > length ? i + 2 : 0
  return pointer + entrySize(load8(header, i + 3) & 0x0f) - 1 > length ? i + 2 : 0
}

function entrySize(kind: u32): u32 {
  return kind == TimestampKind.TimeOnly ? 4 : 8
}

/**
 * Record `ours` and the time where a checked header asks for it. The caller seals. An option that is full stays so;
 * of those who found a timestamp full it counts up to fifteen.
 */
export function optionsRecord(ip: Ipv4Header, ours: Ipv4Address): void {
  const header: ptr = address(ip)
  const end: u32 = ip.headerLength
  let i: u32 = sizeof<Ipv4Header>()
  while (i < end) {
    const type: u32 = load8(header, i)
    if (type == IpOption.End) return
    if (type == IpOption.NoOperation) {
      i += 1
      continue
    }
    if (type == IpOption.RecordRoute) recordRoute(plus(header, i), ours)
    if (type == IpOption.Timestamp) recordTime(plus(header, i), ours)
    i += load8(header, i + 1)
  }
}

function recordRoute(option: ptr, ours: Ipv4Address): void {
  const pointer: u32 = load8(option, 2)
  if (pointer > load8(option, 1)) return
  storeBe32(option, pointer - 1, ours)
  store8(option, 2, pointer + 4)
}

function recordTime(option: ptr, ours: Ipv4Address): void {
  const pointer: u32 = load8(option, 2)
  const kind: u32 = load8(option, 3) & 0x0f
  if (pointer > load8(option, 1)) {
    const missed: u32 = load8(option, 3) >>> 4
    if (missed < 15) store8(option, 3, ((missed + 1) << 4) | kind)
    return
  }
  const time: u32 = nowMilliseconds() | NONSTANDARD_TIME
  if (kind == TimestampKind.TimeOnly) {
    storeBe32(option, pointer - 1, time)
    store8(option, 2, pointer + 4)
    return
  }
  if (kind == TimestampKind.Prespecified) {
    if (interfaceOwning(loadBe32(option, pointer - 1)) == null) return // meant for somebody else
  } else {
    storeBe32(option, pointer - 1, ours)
  }
  storeBe32(option, pointer + 3, time)
  store8(option, 2, pointer + 8)
}

/**
 * Make a header's options those of a reply to an echo: what was recorded stays, the rest becomes no-operation. False
 * when nothing stays.
 */
export function optionsReturned(ip: Ipv4Header): boolean {
  const header: ptr = address(ip)
  const end: u32 = ip.headerLength
  let i: u32 = sizeof<Ipv4Header>()
  let any = false
  while (i < end) {
    const type: u32 = load8(header, i)
    if (type == IpOption.End) return any
    const length: u32 = type == IpOption.NoOperation ? 1 : load8(header, i + 1)
    const kept: boolean = type == IpOption.RecordRoute || type == IpOption.Timestamp
    if (kept) any = true
    else fillBytes(plus(header, i), IpOption.NoOperation, length)
    i += length
  }
  return any
}

/**
 * Write to `to`, room for 60 bytes, the header that fragments after the first have: only the options that say so.
 * Returns its length. RFC 791 §3.2.
 */
export function optionsCopied(to: ptr, ip: Ipv4Header): u32 {
  const header: ptr = address(ip)
  const end: u32 = ip.headerLength
  let length: u32 = sizeof<Ipv4Header>()
  copyBytes(to, header, length)
  let i: u32 = length
  while (i < end) {
    const type: u32 = load8(header, i)
    if (type == IpOption.End) break
    const size: u32 = type == IpOption.NoOperation ? 1 : load8(header, i + 1)
    if ((type & COPIED) != 0) {
      copyBytes(plus(to, length), plus(header, i), size)
      length += size
    }
    i += size
  }
  while ((length & 3) != 0) {
    store8(to, length, IpOption.End)
    length += 1
  }
  at<Ipv4Header>(to).versionIhl = (VERSION_IHL_PLAIN & 0xf0) | (length >>> 2)
  return length
}
