// A packet cut into fragments on its way out. RFC 791 §3.2 "Fragmentation". Main-loop context only.
//
// A fragment is what was there, cut out of its chain, with a header in front: where the chain has a buffer that ends
// near enough, nothing is copied (a datagram that came in fragments leaves in the same ones); where a buffer is
// cut in two, what follows the cut moves to a fresh one. The header goes into head room if there is enough, else
// into a buffer of its own, chained in front.
//
// Next: ipv4Transmit (transmit.ts), once a fragment.

import { Errno } from '../../lib/errno.ts'
import { copyBytes } from '../../lib/memory.ts'
import { at, plus, sizeof, staticMemory, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import {
  Checksum, packetAllocate, packetAlone, packetAppend, packetFree, packetHeadRoom, packetLength, packetPrepend,
  packetStrip, packetTailRoom, type Packet,
} from '../../drivers/net/packet.ts'
import { chainLength } from '../chain.ts'
import { ethernetHeadRoom } from '../ethernet/output.ts'
import type { NetInterface } from '../interface.ts'
import { Drop, counters, countDrop } from '../stats.ts'
import { Ipv4Header, MORE_FRAGMENTS } from './header.ts'
import { optionsCopied } from './options.ts'
import type { Path } from './route.ts'
import { HEAD_ROOM, ipv4Transmit } from './transmit.ts'

/** The header of the packet, and the one its later fragments get: without the options that only the first keeps. */
const firstHeader = staticMemory(60)
const laterHeader = staticMemory(60)
/** What `cut` cut off; null when nothing was left. */
let rest: Packet | null = null

/**
 * Send a packet, its header at `head`, by a path in fragments of at most `mtu` bytes, at least 68; it has no
 * DONT_FRAGMENT, is longer than `mtu`, and its checksums are complete. May itself be a fragment. The packet is the
 * callee's. Errors: NoBufferSpace, and those of ipv4Transmit: then what is left is not sent.
 */
export function fragmentOutput(path: Path, packet: Packet, mtu: u32): i32 {
  const ip = at<Ipv4Header>(packet.head)
  const more: u32 = ip.flagsFragment & MORE_FRAGMENTS
  let offset: u32 = ip.fragmentOffset
  let header: ptr = firstHeader
  let headerLength: u32 = ip.headerLength
  const laterLength: u32 = optionsCopied(laterHeader, ip)
  copyBytes(firstHeader, packet.head, headerLength)
  packetStrip(packet, headerLength)
  counters.ipv4Fragmented += 1

  let piece: Packet = packet
  while (true) {
    if (!cut(piece, (mtu - headerLength) & ~7)) return giveUp(piece, null)
    const following = rest
    const length: u32 = chainLength(piece)
    const front = withHeader(path.egress, piece, header, headerLength)
    if (front == null) return giveUp(piece, following)
    const head = at<Ipv4Header>(front.head)
    head.totalLength = headerLength + length
    head.flagsFragment = (offset >>> 3) | (following != null ? MORE_FRAGMENTS : more)
    head.seal()
    counters.ipv4FragmentsSent += 1
    const result: i32 = ipv4Transmit(path, front)
    if (following == null) return result
    if (result != Errno.None) {
      packetFree(following)
      return result
    }
    offset += length
    piece = following
    header = laterHeader
    headerLength = laterLength
  }
}

function giveUp(piece: Packet, following: Packet | null): i32 {
  countDrop(Drop.OutputNoRoom)
  packetFree(piece)
  if (following != null) packetFree(following)
  return Errno.NoBufferSpace
}

/**
 * Cut a chain so that at most `room` bytes, a multiple of eight, stay; `rest` is what follows, null if nothing does.
 * False when that takes a buffer and there is none; the chain is whole then.
 */
function cut(packet: Packet, room: u32): boolean {
  rest = null
  let keep: u32 = borderBefore(packet, room)
  if (keep == 0) return true
  let each: Packet = packet
  while (packetLength(each) < keep) {
    keep -= packetLength(each)
    each = each.nextFragment as Packet // the chain is longer than `keep`
  }
  let following: Packet | null = each.nextFragment
  if (packetLength(each) > keep) {
    following = tailOf(each, keep, following)
    if (following == null) return false
    each.tail = plus(each.head, keep)
  }
  each.nextFragment = null
  rest = following
  if (following != null) {
    following.device = packet.device
    following.linkDestination = packet.linkDestination
    following.priority = packet.priority
  }
  return true
}

/** How much stays: up to the end of a buffer if that is at least half of `room`, else `room`; 0 if the chain fits. */
function borderBefore(packet: Packet, room: u32): u32 {
  let border: u32 = 0
  let passed: u32 = 0
  let each: Packet | null = packet
  while (each != null) {
    passed += packetLength(each)
    if (passed > room) return border << 1 >= room ? border : room
    if ((passed & 7) == 0) border = passed
    each = each.nextFragment
  }
  return 0
}

/** A chain of fresh buffers with what follows the first `keep` bytes of a buffer, and `following` after it. */
function tailOf(packet: Packet, keep: u32, following: Packet | null): Packet | null {
  const from: ptr = plus(packet.head, keep)
  const length: u32 = packetLength(packet) - keep
  const first = packetAllocate(HEAD_ROOM)
  if (first == null) return null
  const fits: u32 = length < packetTailRoom(first) ? length : packetTailRoom(first)
  copyBytes(packetAppend(first, fits), from, fits)
  first.nextFragment = following
  if (fits == length) return first
  const second = packetAllocate(0) // one buffer is at most HEAD_ROOM bytes more than another holds
  if (second == null) {
    first.nextFragment = null
    packetFree(first)
    return null
  }
  copyBytes(packetAppend(second, length - fits), plus(from, fits), length - fits)
  second.nextFragment = following
  first.nextFragment = second
  return first
}

/** Put a header in front, never into a buffer others show; the packet to send, or null when that takes one and there is none. */
function withHeader(egress: NetInterface, piece: Packet, header: ptr, length: u32): Packet | null {
  let front: Packet = piece
  if (!packetAlone(piece) || packetHeadRoom(piece) < length + ethernetHeadRoom(egress)) {
    const fresh = packetAllocate(HEAD_ROOM + sizeof<Ipv4Header>())
    if (fresh == null) return null
    fresh.nextFragment = piece
    fresh.device = piece.device
    fresh.linkDestination = piece.linkDestination
    fresh.priority = piece.priority
    front = fresh
  }
  copyBytes(packetPrepend(front, length), header, length)
  front.checksum = Checksum.None
  return front
}
