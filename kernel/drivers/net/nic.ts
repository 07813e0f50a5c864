// CONTRACT: what a network card (virtio-net, loopback) does, and what the stack does for it.
// A driver imports this file; the stack imports this file; neither imports the other.
//
// Context: everything here runs in the main loop. An interrupt handler only sets `pending`.

import { store8 } from '../../lib/intrinsics.ts'
import { copyBytes, stringLength } from '../../lib/memory.ts'
import {
  plus, struct,
  type Bytes, type Embed, type Row, type Stored, type bool, type cstring, type i32, type ptr, type u16, type u32,
  type u8,
} from '../../lib/layout.ts'
import type { Packet } from './packet.ts'

/** What a card is; RustOS's DeviceType names more. */
export const enum NicKind { Ethernet, Loopback, VirtualEthernet }

/** Offloads a card may have; bits of `Nic.features`. */
export const enum NicFeature {
  None = 0,
  /** transmit() completes a Checksum.Partial packet. */
  TransmitChecksum = 1,
  /** Received packets may carry Checksum.Valid or Checksum.Partial. */
  ReceiveChecksum = 2,
  /**
   * transmit() takes a TCP/IPv4 packet with a `segmentSize`, of up to 65,535 bytes from the IPv4 header on, without CWR:
   * Checksum.Partial, at most SEGMENT_BUFFER_LIMIT buffers, all headers in the first. Comes with TransmitChecksum.
   */
  TransmitSegmentation = 4,
  /** Received packets may have a `segmentSize`, and be as long. Comes with ReceiveChecksum. */
  ReceiveSegmentation = 8,
  /** With TransmitSegmentation: CWR may be set, and leaves in the first segment only. RFC 3168 §6.1.2. */
  TransmitSegmentationEcn = 16,
}

/** Hand up one received frame, Ethernet header at `head`. The callee owns the packet from here on. */
export type NicReceive = (nic: Nic, packet: Packet) => void
/**
 * Send one frame, Ethernet header at `head` (60 bytes at least: the caller pads), all fragments of the chain.
 * Returns Errno.None and owns the packet until it is sent, or Errno.NoBufferSpace (ring full, counted in
 * `transmitDropped`) or Errno.NetworkDown (no link), having freed it: either way the caller is done with it.
 * The device may not be told until `flush`.
 */
export type NicTransmit = (nic: Nic, packet: Packet) => i32
/** Take what has arrived, give each frame to `received`, reclaim what was sent; at most `budget` frames.
 *  Returns how many frames it took, bad ones included; less than `budget` means there were no more. */
export type NicPoll = (nic: Nic, budget: u32) => u32
/** Whether there is something for `poll`: a frame, or what an interrupt announced. Changes nothing. */
export type NicReady = (nic: Nic) => boolean
/**
 * Have the card interrupt at the next frame. Called before the processor halts, and at no other time: while the main
 * loop runs it asks `ready`, and an interrupt would be paid for nothing. A frame that came before this took effect
 * may come without one, so the caller asks `ready` once more.
 */
export type NicArm = (nic: Nic) => void
/** Tell the device of everything transmitted since the last flush. */
export type NicFlush = (nic: Nic) => void
/** `settings` changed: put them into effect, now or at the next polls. What a card can not filter, the stack does. */
export type NicApply = (nic: Nic) => void
/** Be `mac` from now on. Returns Errno.None, with `nic.mac` changed, or NotSupported. */
export type NicSetAddress = (nic: Nic, mac: ptr) => i32

/** A group address a card lets in. */
@struct
export class NicGroup {
  mac: Bytes<6>
}

/** A VLAN a card lets in. IEEE 802.1Q §9.6. */
@struct
export class NicVlan {
  id: u16
}

/** Groups a card is told of; with more it lets in all of them. QEMU's virtio-net filters 64 addresses. */
export const NIC_GROUP_LIMIT: u32 = 64
/** VLANs of one card: as many as there can be interfaces, INTERFACE_LIMIT. */
export const NIC_VLAN_LIMIT: u32 = 32

/** What the interfaces on a card want of it, all together. Kept by the stack (net/card.ts), read by the driver. */
@struct
export class NicSettings {
  running: Stored<u8, bool> // an interface is up; else nothing need be let in
  promiscuous: Stored<u8, bool>
  allGroups: Stored<u8, bool> // more than NIC_GROUP_LIMIT
  reserved: u8
  groupCount: u16
  vlanCount: u16
  groups: Row<NicGroup, 64> // NIC_GROUP_LIMIT
  vlans: Row<NicVlan, 32> // NIC_VLAN_LIMIT
}

@struct
export class Nic {
  next: Nic | null // all cards, in the order found; see nicRegister
  received: NicReceive // set by the stack
  transmit: NicTransmit // the rest are set by the driver
  poll: NicPoll
  ready: NicReady
  arm: NicArm
  flush: NicFlush
  apply: NicApply | null // null: nothing to set, everything is let in
  setAddress: NicSetAddress | null // null: the address can not be changed
  driver: ptr // the driver's own state
  stack: ptr // the stack's own state
  features: u32 // NicFeature bits
  index: u32 // place in the order of registration; for Ethernet cards, which come first, N of ethN
  mtu: u16 // IP bytes in one frame: 1500 unless the device says otherwise
  headRoom: u16 // what a packet to be sent needs in front of the Ethernet header
  mac: Bytes<6>
  linkUp: Stored<u8, bool>
  pending: u8 // set by the interrupt handler, cleared by poll
  name: Bytes<12> // "eth0", zero-terminated
  kind: Stored<u8, NicKind>
  reserved: Bytes<3>
  settings: Embed<NicSettings>
  // Counters of the card; wrap at 2^32.
  receivedFrames: u32
  receivedBytes: u32
  receiveErrors: u32 // malformed by the device: bad id, bad length, bad header
  receiveDropped: u32 // no packet buffer free
  transmittedFrames: u32
  transmittedBytes: u32
  transmitErrors: u32
  transmitDropped: u32 // ring full or link down
}

let first: Nic | null = null
let last: Nic | null = null
let count: u32 = 0
let cards: u32 = 0

/** Bytes of a name, the zero at its end included. */
export const NIC_NAME_SIZE: u32 = 12

/** Add an Ethernet card, as eth<number of those so far>. Called by drivers at boot. */
export function nicRegister(nic: Nic): void {
  nic.kind = NicKind.Ethernet
  cardName(nic.name, cards)
  cards += 1
  append(nic)
}

/** Add another device under its own name, of NIC_NAME_SIZE - 1 characters at most; the rest is cut. */
export function nicRegisterAs(nic: Nic, name: cstring, kind: NicKind): void {
  nic.kind = kind
  const length: u32 = stringLength(name)
  const kept: u32 = length < NIC_NAME_SIZE ? length : NIC_NAME_SIZE - 1
  copyBytes(nic.name, name as ptr, kept)
  store8(plus(nic.name, kept), 0, 0)
  append(nic)
}

function append(nic: Nic): void {
  nic.next = null
  nic.index = count
  count += 1
  if (last == null) first = nic
  else last.next = nic
  last = nic
}

/** Take a device out of the list. Its memory may be used again once nothing points to it. */
export function nicUnregister(nic: Nic): void {
  let before: Nic | null = null
  let each: Nic | null = first
  while (each != null && each != nic) {
    before = each
    each = each.next
  }
  if (each == null) return
  if (before == null) first = nic.next
  else before.next = nic.next
  if (last == nic) last = before
  nic.next = null
}

/** The first card, or null; follow `next`. */
export function nicFirst(): Nic | null {
  return first
}

/** The name of a card: "eth0", "lo". */
export function nicName(nic: Nic): cstring {
  return nic.name as cstring
}

/** "eth0" to "eth9": CARD_LIMIT is less. */
function cardName(name: ptr, number: u32): void {
  store8(name, 0, 0x65) // e
  store8(name, 1, 0x74) // t
  store8(name, 2, 0x68) // h
  store8(name, 3, 0x30 + number % 10)
  store8(name, 4, 0)
}
