// Packet buffers: a fixed pool, made once; a packet moves through the stack by its head and tail.
//
//   base        head            tail          limit
//    | head room  | bytes in use  | tail room   |
//
// base <= head <= tail <= limit (Plan 9's four pointers). Stripping a header moves `head` up, prepending one
// moves it down; nothing is copied between the device ring and a socket queue. A function that is handed a
// packet passes it on or frees it before it returns: there is no third case. Main-loop context only.
//
// A frame larger than one buffer (mergeable receive, design.md §4) is a chain through `nextFragment`; only the
// first carries `totalLength`, the checksum fields and `segmentSize`.
//
// A packet may also be a second view of another's buffer (`packetShare`): a sender keeps its data until it is
// acknowledged while a card sends it. The buffer goes back to the pool when its packet and every view of it were freed.

import { panic } from '../../lib/panic.ts'
import {
  at, distance, nth, plus, staticRow, struct,
  type PhysicalAddress, type Stored, type ptr, type u16, type u32, type u8,
} from '../../lib/layout.ts'

/** What is known about the checksum of a received packet, or wanted of one to be sent. virtio 1.2 §5.1.6. */
export const enum Checksum {
  /** Nothing known: verify in software, or already complete when sending. */
  None,
  /** Received: the device vouches for it (VIRTIO_NET_HDR_F_DATA_VALID). */
  Valid,
  /** The field holds the pseudo-header sum; sum from `checksumStart` to the end completes it
   *  (VIRTIO_NET_HDR_F_NEEDS_CSUM). Received so, the bytes never crossed a wire and are right. */
  Partial,
}

@struct
export class Packet {
  next: Packet | null // free list, or the queue that owns it
  nextFragment: Packet | null // more bytes of the same frame
  base: ptr
  head: ptr
  tail: ptr
  limit: ptr
  physicalBase: PhysicalAddress // of `base`; the buffer is physically contiguous
  totalLength: u32 // bytes in the whole chain; kept by whoever chains
  checksumStart: u16 // from `head` of the frame as the device sees it; with Checksum.Partial
  checksumOffset: u16 // of the field, from checksumStart
  segmentSize: u16 // 0: the packet is what it is. Else TCP to be cut: payload of one segment; received: the peer's
  headerLength: u16 // with segmentSize: bytes from the IPv4 header, for the device from `head`, to the TCP payload
  checksum: Stored<u8, Checksum>
  priority: u8 // IEEE 802.1Q priority code point it came with, 0 to 7; kept when it is sent on or back
  linkDestination: u8 // see LinkDestination in net/ethernet; how the frame was addressed
  reserved: u8
  device: ptr // the interface it came in on, or leaves by
  networkHeader: ptr // the IPv4 header, once seen: ICMP errors quote it
  owner: u32 // free for the layer that holds the packet
  stamp: u32 // likewise
  mark: u16 // likewise
  inUse: u16 // holders: 0 free, 1 its user, and one more for each view; a double free is a panic, not a corruption
  shares: Packet | null // the packet whose buffer this one shows; null: its own
}

/** Views of others' buffers at once: a transmit ring of 256, as many in `lo` and in ARP's queues, and what is cut. */
const VIEW_LIMIT: u32 = 1024

const views = staticRow<Packet>(VIEW_LIMIT)
let viewsUnused: u32 = 0
let viewsFree: Packet | null = null

/** Bytes between head and tail of this buffer. */
export function packetLength(packet: Packet): u32 {
  return distance(packet.head, packet.tail)
}

/** Free bytes before `head`. */
export function packetHeadRoom(packet: Packet): u32 {
  return distance(packet.base, packet.head)
}

/** Free bytes after `tail`. */
export function packetTailRoom(packet: Packet): u32 {
  return distance(packet.tail, packet.limit)
}

/** Consume `bytes` at the front: the caller has checked that they are there. */
export function packetStrip(packet: Packet, bytes: u32): void {
  packet.head = plus(packet.head, bytes)
}

/** Make room for a header in front and return its address: the caller knows the head room is there. */
export function packetPrepend(packet: Packet, bytes: u32): ptr {
  packet.head = plus(packet.head, 0 - bytes)
  return packet.head
}

/** Append `bytes` of room at the end and return the address of the first: the caller knows the tail room. */
export function packetAppend(packet: Packet, bytes: u32): ptr {
  const p = packet.tail
  packet.tail = plus(p, bytes)
  return p
}

/** Drop what follows the first `length` bytes (Ethernet pads short frames); longer than the packet: no change. */
export function packetTrim(packet: Packet, length: u32): void {
  if (length < packetLength(packet)) packet.tail = plus(packet.head, length)
}

let freeList: Packet | null = null
let freeCount: u32 = 0
let totalCount: u32 = 0

/**
 * Give the pool one buffer of `size` bytes at `base` (physical address `physicalBase`), described by the
 * Packet at `descriptor`. Called at boot for each buffer the pool is to hold.
 */
export function packetPoolAdd(descriptor: ptr, base: ptr, physicalBase: PhysicalAddress, size: u32): void {
  const packet = at<Packet>(descriptor)
  packet.base = base
  packet.limit = plus(base, size)
  packet.physicalBase = physicalBase
  packet.inUse = 0
  packet.next = freeList
  freeList = packet
  freeCount += 1
  totalCount += 1
}

/** How many packets there are, free or not. */
export function packetsTotal(): u32 {
  return totalCount
}

/** How many packets are free. */
export function packetsFree(): u32 {
  return freeCount
}

/** A packet with `headRoom` bytes before its empty contents; null when the pool is empty. */
export function packetAllocate(headRoom: u32): Packet | null {
  const packet = freeList
  if (packet == null) return null
  freeList = packet.next
  freeCount -= 1
  clean(packet)
  packet.head = plus(packet.base, headRoom)
  packet.tail = packet.head
  return packet
}

function clean(packet: Packet): void {
  packet.next = null
  packet.nextFragment = null
  packet.totalLength = 0
  packet.checksum = Checksum.None
  packet.segmentSize = 0
  packet.headerLength = 0
  packet.inUse = 1
  packet.linkDestination = 0
  packet.priority = 0
  packet.device = 0 as ptr
  packet.networkHeader = 0 as ptr
  packet.owner = 0
  packet.stamp = 0
  packet.mark = 0
}

/**
 * A second packet that shows `length` bytes of the buffer of `packet`, from `skip` after its head on; it may be a view
 * itself. What is in front of and behind these bytes is the other's to use. Null when there are too many views.
 */
export function packetShare(packet: Packet, skip: u32, length: u32): Packet | null {
  const owner: Packet = packet.shares != null ? packet.shares : packet
  const view = viewTake()
  if (view == null) return null
  clean(view)
  view.base = owner.base
  view.limit = owner.limit
  view.physicalBase = owner.physicalBase
  view.head = plus(packet.head, skip)
  view.tail = plus(view.head, length)
  view.shares = owner
  owner.inUse += 1
  return view
}

function viewTake(): Packet | null {
  const view = viewsFree
  if (view != null) {
    viewsFree = view.next
    return view
  }
  if (viewsUnused == VIEW_LIMIT) return null
  viewsUnused += 1
  return nth(views, viewsUnused - 1)
}

/** Whether nobody else shows or holds this packet's buffer: its head and tail room may be written. */
export function packetAlone(packet: Packet): boolean {
  return packet.shares == null && packet.inUse == 1
}

/** The address of a packet's bus view at `head`. */
export function packetPhysicalHead(packet: Packet): PhysicalAddress {
  return (packet.physicalBase + packetHeadRoom(packet)) as PhysicalAddress
}

/** Give a packet, and the fragments chained to it, back to the pool. A packet that is free already is a panic. */
export function packetFree(packet: Packet): void {
  let each: Packet | null = packet
  while (each != null) {
    const following: Packet | null = each.nextFragment
    if (each.inUse == 0) panic('packet freed twice')
    each.nextFragment = null
    if (each.shares != null) viewFree(each, each.shares)
    else release(each)
    each = following
  }
}

/** One holder of a buffer less: its own packet, or a view; the last one gives it back. */
function release(packet: Packet): void {
  packet.inUse -= 1
  if (packet.inUse != 0) return
  packet.next = freeList
  freeList = packet
  freeCount += 1
}

function viewFree(view: Packet, owner: Packet): void {
  view.inUse = 0
  view.shares = null
  view.next = viewsFree
  viewsFree = view
  release(owner)
}
