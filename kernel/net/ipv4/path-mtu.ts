// What is known of the largest packets that whole paths take. RFC 1191 §3. Main-loop context only.
//
// A bounded table, by destination: four ways, what a router's "fragmentation needed" said, for PATH_MTU_AGE; then the first
// link's MTU is tried again (RFC 1191 §6.3). Nothing is stored for a path that takes what its first link does. Whether a
// report is believed is decided before (icmp/received.ts); here only its number is bounded: an attacker that
// could make us send 68-byte packets would multiply our work by twenty (RFC 5927 §7), so below PATH_MTU_LEAST
// nothing is believed; packets that have to go below may be fragmented by routers instead (`narrow`).

import { PATH_MTU_AGE, PATH_MTU_LEAST, PATH_MTU_LIMIT } from '../../config.ts'
import { nowMilliseconds } from '../../lib/clock.ts'
import { fillBytes } from '../../lib/memory.ts'
import { timerActive, timerStart, timerStop, Timer } from '../../lib/timer.ts'
import {
  address, nth, sizeof, staticRow, staticStruct, struct, type Stored, type bool, type u16, type u32, type u8,
} from '../../lib/layout.ts'
import { counters } from '../stats.ts'
import type { Ipv4Address } from './address.ts'

/** Called when what was known of the path to a destination is known no more, or better. */
export type PathMtuChanged = (destination: Ipv4Address) => void

@struct
export class PathMtu {
  destination: Ipv4Address // 0: the entry is free
  mtu: u16
  narrow: Stored<u8, bool> // the path takes less than `mtu`, which is as low as we go
  reserved: u8
  learnedAt: u32 // milliseconds
}

/** Milliseconds between two looks at the ages. */
const AGE_INTERVAL: u32 = 60_000

/** A destination has its place in one of SETS sets, the oldest of WAYS. */
const WAYS: u32 = 4
const SETS: u32 = PATH_MTU_LIMIT / WAYS

const entries = staticRow<PathMtu>(PATH_MTU_LIMIT)
const aging = staticStruct<Timer>()

let pathForget: PathMtuChanged = ignore

function ignore(destination: Ipv4Address): void {
}

/** Forget all. `changed` is called for each destination whose path MTU is another from then on. */
export function pathMtuInit(changed: PathMtuChanged): void {
  pathForget = changed
  timerStop(aging)
  fillBytes(address(entries), 0, PATH_MTU_LIMIT * sizeof<PathMtu>())
}

/** The first of the WAYS places in the table that a destination may have. */
function placeOf(destination: Ipv4Address): u32 {
  const hash: u32 = destination * 0x9e3779b1 // 2^32 divided by the golden ratio: Knuth, vol. 3, §6.4
  return (hash >>> 16) % SETS * WAYS
}

/** What was learned of a destination, or null. */
export function pathMtuFind(destination: Ipv4Address): PathMtu | null {
  const place: u32 = placeOf(destination)
  for (let i: u32 = 0; i < WAYS; i++) {
    const entry = nth(entries, place + i)
    if (entry.destination == destination) return entry
  }
  return null
}

/**
 * The path MTU to use after a router could not forward a packet of `length` bytes over a link of `mtu`, 0 if it did
 * not say (RFC 1191 §4), where it was `current`: never more than that, never less than PATH_MTU_LEAST but for it.
 */
export function pathMtuBounded(mtu: u32, length: u32, current: u32): u32 {
  let learned: u32 = mtu != 0 ? mtu : plateauBelow(length < current ? length : current)
  if (learned < PATH_MTU_LEAST) learned = PATH_MTU_LEAST
  return learned < current ? learned : current
}

/**
 * From now on `learned` (pathMtuBounded) is the path MTU to a destination; `narrow`: in truth it is less, and
 * routers are to fragment. `current` is what it was.
 */
export function pathMtuLearn(destination: Ipv4Address, learned: u32, narrow: boolean, current: u32): void {
  if (learned == current && !narrow) return
  let entry: PathMtu | null = pathMtuFind(destination)
  if (entry == null) entry = unusedOrOldest(destination)
  else if (entry.narrow && entry.mtu == learned) return // its age counts from the first report
  if (entry.destination != 0) pathForget(entry.destination)
  entry.destination = destination
  entry.mtu = learned
  entry.narrow = narrow
  entry.learnedAt = nowMilliseconds()
  counters.ipv4PathMtuLearned += 1
  pathForget(destination)
  if (!timerActive(aging)) timerStart(aging, AGE_INTERVAL, age)
}

function unusedOrOldest(destination: Ipv4Address): PathMtu {
  const now: u32 = nowMilliseconds()
  const place: u32 = placeOf(destination)
  let best: PathMtu = nth(entries, place)
  for (let i: u32 = 0; i < WAYS; i++) {
    const entry = nth(entries, place + i)
    if (entry.destination == 0) return entry
    if (now - entry.learnedAt > now - best.learnedAt) best = entry
  }
  return best
}

/** For routers that do not say: the next lower of the MTUs that there are. RFC 1191 §7.1, table 7-1. */
function plateauBelow(length: u32): u32 {
  if (length > 32_000) return 32_000
  if (length > 17_914) return 17_914
  if (length > 8166) return 8166
  if (length > 4352) return 4352
  if (length > 2002) return 2002
  if (length > 1492) return 1492
  if (length > 1006) return 1006
  if (length > 508) return 508
  return 296
}

function age(timer: Timer): void {
  const now: u32 = nowMilliseconds()
  let left: u32 = 0
  for (let i: u32 = 0; i < PATH_MTU_LIMIT; i++) {
    const entry = nth(entries, i)
    if (entry.destination == 0) continue
    if (now - entry.learnedAt < PATH_MTU_AGE) {
      left += 1
      continue
    }
    const destination: Ipv4Address = entry.destination
    entry.destination = 0
    pathForget(destination)
  }
  if (left != 0) timerStart(timer, AGE_INTERVAL, age)
}
