// What nobody outside can guess: initial sequence numbers, ports, timestamps, cookies. RFC 6528 §3, RFC 6056 §3.3.4,
// RFC 7323 §5.4, RFC 4987 §3.6. Each is a keyed hash of the connection's ends, under keys drawn at boot. Main-loop context only.

import { clockNow64, nowMilliseconds } from '../../lib/clock.ts'
import { load32, shiftRight64 } from '../../lib/intrinsics.ts'
import { KEYED_HASH_KEY, keyedHash } from '../../lib/keyed-hash.ts'
import { plus, staticMemory, type ptr, type u32 } from '../../lib/layout.ts'
import { randomBytes } from '../../lib/random.ts'
import type { Ipv4Address } from '../ipv4/address.ts'
import type { Seq } from './sequence.ts'

/** One key each. */
const enum Key { Sequence, Timestamp, Port, PortTable, Cookie, Table, Count }

const keys = staticMemory(48)
const ticks = staticMemory(8)

/** New keys. Needs random numbers. */
export function secretInit(): void {
  randomBytes(keys, Key.Count * KEYED_HASH_KEY)
}

function keyOf(which: Key): ptr {
  return plus(keys, which * KEYED_HASH_KEY)
}

function hashEnds(
  which: Key, local: Ipv4Address, localPort: u32, remote: Ipv4Address, remotePort: u32, more: u32,
): u32 {
  return keyedHash(keyOf(which), local, remote, (localPort << 16) | remotePort, more)
}

/** ISN = M + F(localip, localport, remoteip, remoteport, secretkey), M a clock of 4 µs. RFC 6528 §3. */
export function initialSequence(local: Ipv4Address, localPort: u32, remote: Ipv4Address, remotePort: u32): Seq {
  shiftRight64(ticks, clockNow64(), 2)
  return (load32(ticks, 0) + hashEnds(Key.Sequence, local, localPort, remote, remotePort, 0)) as Seq
}

/** What is added to the clock in this connection's timestamps: a multiple of 32, for cookies. RFC 7323 §5.4. */
export function timestampOffset(local: Ipv4Address, localPort: u32, remote: Ipv4Address, remotePort: u32): u32 {
  return hashEnds(Key.Timestamp, local, localPort, remote, remotePort, 0) & ~31
}

/** TSval of a connection with this offset, now: milliseconds. */
export function timestampNow(offset: u32): u32 {
  return nowMilliseconds() + offset
}

/** F and G of RFC 6056 §3.3.4: where a destination's ports begin, and which counter it has. */
export function portOffset(local: Ipv4Address, remote: Ipv4Address, remotePort: u32): u32 {
  return hashEnds(Key.Port, local, 0, remote, remotePort, 0)
}

/** See portOffset. */
export function portCounter(local: Ipv4Address, remote: Ipv4Address, remotePort: u32): u32 {
  return hashEnds(Key.PortTable, local, 0, remote, remotePort, 0)
}

/** For cookies: 24 bits are used, `count` is the time. RFC 4987 §3.6. */
export function cookieHash(
  local: Ipv4Address, localPort: u32, remote: Ipv4Address, remotePort: u32, count: u32,
): u32 {
  return hashEnds(Key.Cookie, local, localPort, remote, remotePort, count)
}

/** A place in the tables of connections. */
export function tableHash(local: Ipv4Address, localPort: u32, remote: Ipv4Address, remotePort: u32): u32 {
  const ports: u32 = (localPort << 16) | remotePort
  const mixed: u32 = (remote ^ load32(keyOf(Key.Table), 0)) * 0x9e3779b1 + (ports ^ load32(keyOf(Key.Table), 4)) * 0x85ebca6b
  return (mixed ^ (mixed >>> 15) ^ local) * 0xc2b2ae3d >>> 16
}
