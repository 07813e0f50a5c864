// Packets that wait for a link address, in the order they came. RFC 1122 §2.3.2.2. Main-loop context only.
//
// Fragments of one datagram wait together, so an entry holds as many as a 64 KiB datagram makes; all entries
// together hold a part of the pool. When either is full the oldest packet of the entry goes: the RFC wants the
// latest kept.

import { ARP_QUEUE_LIMIT, ARP_QUEUE_SHARE } from '../../config.ts'
import { Errno } from '../../lib/errno.ts'
import type { i32, u32 } from '../../lib/layout.ts'
import { packetsTotal, type Packet } from '../../drivers/net/packet.ts'
import { chainCount } from '../chain.ts'
import { Drop, drop } from '../stats.ts'
import type { ArpEntry } from './cache.ts'

/** Buffers that wait, over all entries. */
let buffers: u32 = 0

/** Buffers that wait, over all entries. */
export function arpWaitingBuffers(): u32 {
  return buffers
}

/** Put a packet at the end of the queue. Errors: NoBufferSpace, the packet dropped, when others hold all that may wait. */
export function arpWait(entry: ArpEntry, packet: Packet): i32 {
  const wanted: u32 = chainCount(packet)
  const most: u32 = packetsTotal() / ARP_QUEUE_SHARE
  if (entry.waitingCount == ARP_QUEUE_LIMIT) dropOldest(entry)
  while (entry.waitingCount > 0 && buffers + wanted > most) dropOldest(entry)
  if (buffers + wanted > most) {
    drop(packet, Drop.ArpQueueFull)
    return Errno.NoBufferSpace
  }
  packet.next = null
  if (entry.waitingLast == null) entry.waiting = packet
  else entry.waitingLast.next = packet
  entry.waitingLast = packet
  entry.waitingCount += 1
  buffers += wanted
  return Errno.None
}

function dropOldest(entry: ArpEntry): void {
  const packet = entry.waiting as Packet
  entry.waiting = packet.next
  if (packet.next == null) entry.waitingLast = null
  packet.next = null
  entry.waitingCount -= 1
  buffers -= chainCount(packet)
  drop(packet, Drop.ArpQueueFull)
}

/** All that waits, oldest first through `next`; the entry holds nothing any more. */
export function arpTakeWaiting(entry: ArpEntry): Packet | null {
  const first: Packet | null = entry.waiting
  entry.waiting = null
  entry.waitingLast = null
  entry.waitingCount = 0
  let each: Packet | null = first
  while (each != null) {
    buffers -= chainCount(each)
    each = each.next
  }
  return first
}

/** Drop what waits at an entry. */
export function arpDropWaiting(entry: ArpEntry, reason: Drop): void {
  let each: Packet | null = arpTakeWaiting(entry)
  while (each != null) {
    const following: Packet | null = each.next
    each.next = null
    drop(each, reason)
    each = following
  }
}
