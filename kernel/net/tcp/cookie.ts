// SYN cookies: a connection remembered by its peer while there are too many to remember here. RFC 4987 §3.6.
//
// The initial sequence number of the SYN+ACK holds all that is needed:
//
//    31      27 26  24 23                                            0
//   | minutes  | MSS  |   keyed hash of the ends, the minute, the MSS  |
//
// What the peer said of windows, SACK and ECN travels in the low bits of our timestamp, if it sends timestamps, and is
// lost if it does not. Main-loop context only.

import { nowMilliseconds } from '../../lib/clock.ts'
import type { u32 } from '../../lib/layout.ts'
import type { Seq } from './sequence.ts'
import { cookieHash, timestampNow, timestampOffset } from './secret.ts'
import { segment, segmentOptions } from './segment.ts'

const PERIOD: u32 = 60_000
const PERIODS: u32 = 32
const VALID: u32 = 2 // this minute and the one before
const HASH_MASK: u32 = 0xffffff
/** What the timestamp holds in its last five bits: four of scale (15: none), one of SACK. */
const STATE_MASK: u32 = 0x1f
const NO_SCALE: u32 = 15
const SACK_BIT: u32 = 16

/** The n-th size that is told apart: the usual ones. */
function mssOf(index: u32): u32 {
  switch (index) {
    case 0: return 216
    case 1: return 536
    case 2: return 1024
    case 3: return 1220
    case 4: return 1360
    case 5: return 1400
    case 6: return 1440
    default: return 1460
  }
}

function indexOf(mss: u32): u32 {
  let index: u32 = 7
  while (index > 0 && mssOf(index) > mss) index -= 1
  return index
}

function minute(): u32 {
  return nowMilliseconds() / PERIOD
}

function hashFor(when: u32, index: u32, peer: Seq): u32 {
  const mixed: u32 = (when << 3 | index) ^ peer
  return cookieHash(segment.localAddress, segment.localPort, segment.remoteAddress, segment.remotePort, mixed) & HASH_MASK
}

/** The initial sequence number that answers the SYN at hand. */
export function cookieMake(): Seq {
  const index: u32 = indexOf(segmentOptions.hasMss ? segmentOptions.mss : 536)
  const when: u32 = minute() % PERIODS
  return ((when << 27) | (index << 24) | hashFor(when, index, segment.seq)) as Seq
}

/** The maximum segment size of the cookie that the ACK at hand brings back; 0: it is none of ours, or too old. */
export function cookieCheck(): u32 {
  const cookie: u32 = segment.ack - 1
  const when: u32 = cookie >>> 27
  const index: u32 = (cookie >>> 24) & 7
  const age: u32 = (minute() - when) & (PERIODS - 1)
  if (age >= VALID) return 0
  const peer = (segment.seq - 1) as Seq
  return (cookie & HASH_MASK) == hashFor(when, index, peer) ? mssOf(index) : 0
}

/** The timestamp of a SYN+ACK with a cookie: the clock, its low bits replaced, and not ahead of it. */
export function cookieTimestamp(): u32 {
  const offset: u32 = timestampOffset(segment.localAddress, segment.localPort, segment.remoteAddress, segment.remotePort)
  const scale: u32 = segmentOptions.hasScale ? segmentOptions.scale : NO_SCALE
  const state: u32 = scale | (segmentOptions.sackPermitted ? SACK_BIT : 0)
  const now: u32 = timestampNow(offset)
  const value: u32 = (now & ~STATE_MASK) | state
  return state > (now & STATE_MASK) ? value - (STATE_MASK + 1) : value
}

/** Put what the ACK at hand echoes of it into `segmentOptions`, as if it were the SYN's. */
export function cookieOptions(): void {
  const state: u32 = segmentOptions.hasTimestamps ? segmentOptions.echo & STATE_MASK : NO_SCALE
  segmentOptions.hasScale = (state & NO_SCALE) != NO_SCALE
  segmentOptions.scale = (state & NO_SCALE) < 14 ? state & NO_SCALE : 14
  segmentOptions.sackPermitted = (state & SACK_BIT) != 0
}
