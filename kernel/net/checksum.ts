// The Internet checksum. RFC 1071 §1, §2; its update in place, RFC 1624 §3.
//
// A running sum is 32 bits of one's complement in *memory* order: words are added as they are loaded, end-around carry
// included. One's complement addition does not care which byte comes first
// (RFC 1071 §2 (B)), so the swap happens once, in `fold`, which gives the 16-bit value as a Be<u16> field holds it.
// Pure functions: any context.

import { addEndAround, load16, load32, load8, onesSum128, rotateLeft } from '../lib/intrinsics.ts'
import { distance, plus, type ptr, type u16, type u32 } from '../lib/layout.ts'
import type { Packet } from '../drivers/net/packet.ts'

/**
 * Add `length` bytes at `p` to a running sum. The bytes are the next of the message at an even position of it:
 * only the last piece of a message may have an odd length (`chainSum` does pieces of any length).
 */
export function onesSum(p: ptr, length: u32, sum: u32): u32 {
  const blocks: u32 = length & 0xffffff80
  const bulk: u32 = length & 0xffffffe0
  const words: u32 = length & 0xfffffffc
  let i: u32 = 0
  while (i < blocks) {
    sum = onesSum128(p, i, sum)
    i += 128
  }
  while (i < bulk) {
    sum = addEndAround(sum, load32(p, i))
    sum = addEndAround(sum, load32(p, i + 4))
    sum = addEndAround(sum, load32(p, i + 8))
    sum = addEndAround(sum, load32(p, i + 12))
    sum = addEndAround(sum, load32(p, i + 16))
    sum = addEndAround(sum, load32(p, i + 20))
    sum = addEndAround(sum, load32(p, i + 24))
    sum = addEndAround(sum, load32(p, i + 28))
    i += 32
  }
  while (i < words) {
    sum = addEndAround(sum, load32(p, i))
    i += 4
  }
  if ((length & 2) != 0) {
    sum = addEndAround(sum, load16(p, i))
    i += 2
  }
  if ((length & 1) != 0) sum = addEndAround(sum, load8(p, i)) // the missing byte counts as zero
  return sum
}

/** Add one 16-bit field, given as its value (0x0800 for the bytes 08 00). */
export function onesSum16(value: u32, sum: u32): u32 {
  return addEndAround(sum, swap16(value))
}

/** The sum of the message in 16 bits, as a Be<u16> field holds it. Over a message with its checksum: 0xffff. */
export function fold(sum: u32): u16 {
  let halves: u32 = (sum & 0xffff) + (sum >>> 16)
  halves = (halves & 0xffff) + (halves >>> 16)
  return swap16(halves)
}

/** The checksum field of a message whose other bytes have this sum. */
export function checksumOf(sum: u32): u16 {
  return fold(sum) ^ 0xffff
}

function swap16(value: u32): u16 {
  return ((value & 0xff) << 8) | ((value >>> 8) & 0xff)
}

/**
 * The sum of the pseudo header of UDP and TCP: RFC 768, RFC 9293 §3.1. `addresses` are the 8 bytes of source and
 * destination as they stand in the IPv4 header.
 */
export function pseudoSum(addresses: ptr, protocol: u32, length: u32): u32 {
  const sum: u32 = addEndAround(load32(addresses, 0), load32(addresses, 4))
  return onesSum16(length, onesSum16(protocol, sum))
}

/**
 * A checksum after one 16-bit field of its message went from `before` to `after`: HC' = ~(~HC + ~m + m').
 * RFC 1624 §3, equation 3. Values as Be<u16> fields hold them.
 */
export function checksumUpdate(checksum: u32, before: u32, after: u32): u16 {
  let sum: u32 = (checksum ^ 0xffff) + (before ^ 0xffff) + after
  sum = (sum & 0xffff) + (sum >>> 16)
  sum = (sum & 0xffff) + (sum >>> 16)
  return sum ^ 0xffff
}

/** Add the bytes of a whole chain from `from`, which lies in its first buffer, to its end. */
export function chainSum(packet: Packet, from: ptr, sum: u32): u32 {
  const first: u32 = distance(from, packet.tail)
  sum = onesSum(from, first, sum)
  if (packet.nextFragment == null) return sum
  return fragmentsSum(packet.nextFragment, first, sum)
}

/** A piece that starts at an odd position has its bytes in the other halves of the words: eight bits of rotation. */
function fragmentsSum(fragment: Packet, position: u32, sum: u32): u32 {
  let each: Packet | null = fragment
  while (each != null) {
    const length: u32 = distance(each.head, each.tail)
    const part: u32 = onesSum(each.head, length, 0)
    sum = addEndAround(sum, (position & 1) != 0 ? rotateLeft(part, 8) : part)
    position += length
    each = each.nextFragment
  }
  return sum
}

/** As `chainSum`, from `skip` bytes after the packet's head; the first buffer holds more than that. */
export function packetSum(packet: Packet, skip: u32, sum: u32): u32 {
  return chainSum(packet, plus(packet.head, skip), sum)
}
