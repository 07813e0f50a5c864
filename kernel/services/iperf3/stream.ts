// The streams of the test that is on: at most one test at a time, as the stock server. Main-loop context only.
//
// They are numbered in the order in which they were made, whatever came first of each: that is how the client numbers
// them, and how both know which of them goes which way.

import { IPERF3_STREAM_LIMIT } from '../../config.ts'
import {
  address, nth, sizeof, staticRow, struct, type Bytes, type Embed, type Stored, type bool, type u32,
} from '../../lib/layout.ts'
import { zeroBytes } from '../../lib/memory.ts'
import type { Ipv4Address } from '../../net/ipv4/address.ts'
import type { ServiceConnection } from '../stream-service.ts'
import { Arrivals, arrivalsForgetJitter } from './datagram.ts'
import { streamSends, type Parameters } from './parameters.ts'
import { Pace, paceStart } from './pace.ts'

@struct
export class Stream {
  next: Stream | null
  connection: ServiceConnection | null // TCP; null when it has ended
  sequence: u32 // they are in the order of this
  id: u32 // the client's number for it
  remote: Ipv4Address // UDP
  local: Ipv4Address
  remotePort: u32
  sends: Stored<u32, bool> // to the client
  bytes: Bytes<8> // u64, since the omitted seconds
  retransmitsBefore: u32 // in the omitted seconds
  retransmits: u32 // when they were last looked at
  arrivals: Embed<Arrivals>
  pace: Embed<Pace>
}

/** The client numbers its streams 1, 3, 4, 5 and so on. */
const ID_OF_FIRST: u32 = 1
const ID_STEP: u32 = 2

const row = staticRow<Stream>(IPERF3_STREAM_LIMIT)
let used: u32 = 0
let first: Stream | null = null

/** No streams. */
export function streamsClear(): void {
  used = 0
  first = null
}

/** How many there are. */
export function streamsCount(): u32 {
  return used
}

/** The first of them, or null; `next` leads on. */
export function streamsFirst(): Stream | null {
  return first
}

/** A new stream behind those with a lower sequence number. The caller has seen that there is room. */
export function streamAdd(sequence: u32): Stream {
  const stream = nth(row, used)
  zeroBytes(address(stream), sizeof<Stream>())
  stream.sequence = sequence
  used += 1
  let before: Stream | null = null
  let after = first
  while (after != null && after.sequence < sequence) {
    before = after
    after = after.next
  }
  stream.next = after
  if (before == null) first = stream
  else before.next = stream
  return stream
}

/** All are there: who is who, and from now on it counts. */
export function streamsNumber(p: Parameters): void {
  let index: u32 = 0
  let each = first
  while (each != null) {
    each.id = index == 0 ? ID_OF_FIRST : index + ID_STEP
    each.sends = streamSends(p, index)
    paceStart(each.pace)
    index += 1
    each = each.next
  }
}

/** The omitted seconds are over: bytes, `retransmits` and jitter count from here on, datagrams from the first. */
export function streamForget(stream: Stream): void {
  zeroBytes(stream.bytes, 8)
  stream.retransmitsBefore = stream.retransmits
  arrivalsForgetJitter(stream.arrivals)
}
