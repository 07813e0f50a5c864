// Virtual Ethernet cards in pairs: what one end sends the other receives, in order, as if a cable were between them.
//
// Each end has a queue of what its peer sent. An end that is down has no link, and so its peer has none either: the
// first to send learns it (NetworkDown). Checksums left to the device pass through open, TCP uncut: no wire is crossed.
// Main-loop context only.

import { VETH_PAIR_LIMIT } from '../../config.ts'
import { Errno } from '../../lib/errno.ts'
import { equalBytes, stringLength } from '../../lib/memory.ts'
import { load8, store8 } from '../../lib/intrinsics.ts'
import { randomBytes } from '../../lib/random.ts'
import {
  address, at, nth, staticRow, struct, type Embed, type cstring, type i32, type ptr, type u32,
} from '../../lib/layout.ts'
import {
  LINK_QUEUE_FEATURES, LinkQueue, linkQueueEmpty, linkQueueReceive, linkQueueRefuse, linkQueueSend,
} from './link-queue.ts'
import {
  NIC_NAME_SIZE, Nic, NicKind, nicFirst, nicRegisterAs, nicUnregister,
} from './nic.ts'
import { packetFree, type Packet } from './packet.ts'

const ETHERNET_MTU: u32 = 1500
/** Ends of all pairs: 2 × VETH_PAIR_LIMIT. The pair of an end is the other one of two neighbours. */
const ENDS: u32 = VETH_PAIR_LIMIT * 2
const MAC_LENGTH: u32 = 6

@struct
class Veth {
  nic: Embed<Nic>
  peer: Nic
  queue: Embed<LinkQueue> // what the peer sent
  inUse: u32
}

const ends = staticRow<Veth>(ENDS)

/**
 * Make a pair, both ends without link until both are up. Each has a random, locally administered address that no
 * other device has. Returns Errno.None; InvalidArgument (a name that is empty, too long, or both the same), Exists
 * (a device has one of the names), NoSpace (VETH_PAIR_LIMIT).
 */
export function vethCreate(nameA: cstring, nameB: cstring): i32 {
  if (!isName(nameA) || !isName(nameB) || sameText(nameA, nameB)) return Errno.InvalidArgument
  if (nicNamed(nameA) != null || nicNamed(nameB) != null) return Errno.Exists
  let place: u32 = 0
  while (place < ENDS && nth(ends, place).inUse != 0) place += 2
  if (place == ENDS) return Errno.NoSpace
  const a = nth(ends, place)
  const b = nth(ends, place + 1)
  open(a, b.nic, nameA)
  open(b, a.nic, nameB)
  return Errno.None
}

function isName(name: cstring): boolean {
  const length: u32 = stringLength(name)
  return length > 0 && length < NIC_NAME_SIZE
}

function sameText(a: cstring, b: cstring): boolean {
  const length: u32 = stringLength(a)
  return stringLength(b) == length && equalBytes(a as ptr, b as ptr, length)
}

/** The device of a name, or null. */
export function nicNamed(name: cstring): Nic | null {
  let each: Nic | null = nicFirst()
  while (each != null && !sameText(each.name as cstring, name)) each = each.next
  return each
}

function open(end: Veth, peer: Nic, name: cstring): void {
  const nic = end.nic
  end.inUse = 1
  end.peer = peer
  nic.received = discard
  nic.transmit = transmit
  nic.poll = poll
  nic.ready = ready
  nic.arm = nothing
  nic.flush = nothing
  nic.apply = apply
  nic.setAddress = setAddress
  nic.driver = address(end)
  nic.features = LINK_QUEUE_FEATURES
  nic.mtu = ETHERNET_MTU
  nic.headRoom = 0
  nic.linkUp = false
  nic.settings.running = false
  inventMac(nic.mac)
  nicRegisterAs(nic, name, NicKind.VirtualEthernet)
}

/** Unicast (bit 0 clear), locally administered (bit 1 set): IEEE 802 §8.2.2. */
function inventMac(mac: ptr): void {
  do {
    randomBytes(mac, MAC_LENGTH)
    store8(mac, 0, load8(mac, 0) & 0xfc | 2)
  } while (isTaken(mac))
}

function isTaken(mac: ptr): boolean {
  let each: Nic | null = nicFirst()
  while (each != null) {
    if (equalBytes(each.mac, mac, MAC_LENGTH)) return true
    each = each.next
  }
  return false
}

/** The other end. */
export function vethPeer(nic: Nic): Nic {
  return of(nic).peer
}

/** Take both ends of the pair of `nic` away. The caller has made sure that nothing points to either. */
export function vethRemove(nic: Nic): void {
  const other = vethPeer(nic)
  close(nic)
  close(other)
}

function close(nic: Nic): void {
  linkQueueEmpty(of(nic).queue)
  nicUnregister(nic)
  of(nic).inUse = 0
}

function of(nic: Nic): Veth {
  return at<Veth>(nic.driver)
}

function discard(nic: Nic, packet: Packet): void {
  nic.receiveDropped += 1
  packetFree(packet)
}

function nothing(nic: Nic): void {}

/** See NicTransmit in nic.ts. */
function transmit(nic: Nic, packet: Packet): i32 {
  if (!nic.linkUp) return linkQueueRefuse(nic, packet, Errno.NetworkDown)
  return linkQueueSend(nic, of(of(nic).peer).queue, packet)
}

/** See NicPoll in nic.ts. */
function poll(nic: Nic, budget: u32): u32 {
  return linkQueueReceive(nic, of(nic).queue, budget)
}

function ready(nic: Nic): boolean {
  return of(nic).queue.first != null
}

/** Both ends running: the link is up. Down, an end forgets what waits. */
function apply(nic: Nic): void {
  const peer = vethPeer(nic)
  const up: boolean = nic.settings.running && peer.settings.running
  nic.linkUp = up
  peer.linkUp = up
  if (!nic.settings.running) nic.receiveDropped += linkQueueEmpty(of(nic).queue)
}

/** There is nobody to ask. */
function setAddress(nic: Nic, mac: ptr): i32 {
  for (let i: u32 = 0; i < MAC_LENGTH; i++) store8(nic.mac, i, load8(mac, i))
  return Errno.None
}
