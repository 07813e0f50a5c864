// Packets that lie in more than one buffer: length, trimming, copying out. A frame larger than a buffer arrives
// so (mergeable receive, virtio 1.2 §5.1.6.4); headers are always in the first. Main-loop context only.

import { copyBytes } from '../lib/memory.ts'
import { plus, type ptr, type u32 } from '../lib/layout.ts'
import { packetFree, packetLength, packetTrim, type Packet } from '../drivers/net/packet.ts'

/** Bytes in the whole chain. */
export function chainLength(packet: Packet): u32 {
  if (packet.nextFragment == null) return packetLength(packet)
  let length: u32 = 0
  let each: Packet | null = packet
  while (each != null) {
    length += packetLength(each)
    each = each.nextFragment
  }
  return length
}

/** Bytes of the longest packet that a whole one of `length` bytes, its IPv4 header at `head`, leaves in: one segment. */
export function longestOf(packet: Packet, length: u32): u32 {
  return packet.segmentSize == 0 ? length : packet.headerLength + packet.segmentSize
}

/** Buffers in the chain. */
export function chainCount(packet: Packet): u32 {
  let count: u32 = 1
  let each: Packet | null = packet.nextFragment
  while (each != null) {
    count += 1
    each = each.nextFragment
  }
  return count
}

/** Drop what follows the first `length` bytes; buffers that are left empty, the first apart, go back to the pool. */
export function chainTrim(packet: Packet, length: u32): void {
  if (packet.nextFragment == null) return packetTrim(packet, length)
  let each: Packet = packet
  let left: u32 = length
  while (left > packetLength(each)) {
    const following: Packet | null = each.nextFragment
    if (following == null) return
    left -= packetLength(each)
    each = following
  }
  packetTrim(each, left)
  const rest: Packet | null = each.nextFragment
  each.nextFragment = null
  if (rest != null) packetFree(rest)
}

/** Copy up to `length` bytes from the start of the chain to `to`; returns how many there were. */
export function chainCopy(to: ptr, packet: Packet, length: u32): u32 {
  let copied: u32 = 0
  let each: Packet | null = packet
  while (each != null && copied < length) {
    const here: u32 = packetLength(each)
    const take: u32 = here < length - copied ? here : length - copied
    copyBytes(plus(to, copied), each.head, take)
    copied += take
    each = each.nextFragment
  }
  return copied
}

/** The last buffer of a chain. */
export function chainLast(packet: Packet): Packet {
  let each: Packet = packet
  let following: Packet | null = each.nextFragment
  while (following != null) {
    each = following
    following = each.nextFragment
  }
  return each
}
