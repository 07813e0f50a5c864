// CONTRACT: what a network card (virtio-net, loopback) does, and what the stack does for it.
// A driver imports this file; the stack imports this file; neither imports the other.
//
// Context: everything here runs in the main loop. An interrupt handler only sets `pending`.

import { store8 } from '../../lib/intrinsics.ts'
import {
  staticMemory, struct,
  type Bytes, type Stored, type bool, type cstring, type i32, type ptr, type u16, type u32, type u8,
} from '../../lib/layout.ts'
import type { Packet } from './packet.ts'

/** Offloads a card may have; bits of `Nic.features`. */
export const enum NicFeature {
  None = 0,
  /** transmit() completes a Checksum.Partial packet. */
  TransmitChecksum = 1,
  /** Received packets may carry Checksum.Valid or Checksum.Partial. */
  ReceiveChecksum = 2,
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

@struct
export class Nic {
  next: Nic | null // all cards, in the order found; see nicRegister
  received: NicReceive // set by the stack
  transmit: NicTransmit // the rest are set by the driver
  poll: NicPoll
  ready: NicReady
  arm: NicArm
  flush: NicFlush
  driver: ptr // the driver's own state
  stack: ptr // the stack's own state
  features: u32 // NicFeature bits
  index: u32 // 0 for eth0
  mtu: u16 // IP bytes in one frame: 1500 unless the device says otherwise
  headRoom: u16 // what a packet to be sent needs in front of the Ethernet header
  mac: Bytes<6>
  linkUp: Stored<u8, bool>
  pending: u8 // set by the interrupt handler, cleared by poll
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

/** Add a card, as eth<number of cards so far>. Called by drivers at boot. */
export function nicRegister(nic: Nic): void {
  nic.next = null
  nic.index = count
  count += 1
  if (last == null) first = nic
  else last.next = nic
  last = nic
}

/** The first card, or null; follow `next`. */
export function nicFirst(): Nic | null {
  return first
}

const name = staticMemory(8)

/** "eth0" to "eth9"; good until the next call. */
export function nicName(nic: Nic): cstring {
  store8(name, 0, 0x65) // e
  store8(name, 1, 0x74) // t
  store8(name, 2, 0x68) // h
  store8(name, 3, 0x30 + nic.index % 10)
  store8(name, 4, 0)
  return name as cstring
}
