// Frames to a card: header, tag, padding, the last checks. RFC 894, IEEE 802.3 §3.2, IEEE 802.1Q §6.9. Main-loop
// context only.
//
// Next: nic.transmit (drivers/net/nic.ts).

import { Errno } from '../../lib/errno.ts'
import { increase64, load8, storeBe16 } from '../../lib/intrinsics.ts'
import { zeroBytes } from '../../lib/memory.ts'
import { address, at, plus, sizeof, staticMemory, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import {
  Checksum, packetAllocate, packetAlone, packetAppend, packetHeadRoom, packetPrepend, packetTailRoom, type Packet,
} from '../../drivers/net/packet.ts'
import { NicFeature } from '../../drivers/net/nic.ts'
import { chainLast, chainLength, longestOf } from '../chain.ts'
import { checksumOf, packetSum } from '../checksum.ts'
import type { NetInterface } from '../interface.ts'
import { Drop, drop } from '../stats.ts'
import {
  ETHERNET_MINIMUM_PAYLOAD, EtherType, EthernetHeader, PRIORITY_SHIFT, TaggedHeader, macCopy, macSetBroadcast,
} from './header.ts'

const broadcast = staticMemory(8)

/** The broadcast address is memory that is never written again. */
export function ethernetInit(): void {
  macSetBroadcast(broadcast)
}

/** The address of ff:ff:ff:ff:ff:ff. */
export function macBroadcast(): ptr {
  return broadcast
}

/** Bytes to leave in front of an Ethernet payload that will leave by this interface: card, header, tag. */
export function ethernetHeadRoom(egress: NetInterface): u32 {
  return egress.nic.headRoom + headerLength(egress)
}

function headerLength(egress: NetInterface): u32 {
  return egress.vlanId == 0 ? sizeof<EthernetHeader>() : sizeof<TaggedHeader>()
}

/**
 * Send what is at `head` to a link address; the packet is the callee's. A Checksum.Partial packet, its
 * `checksumStart` counted from `head`, is completed here if the card can not; one with a `segmentSize` the card must cut.
 * Errors: MessageTooLong (over the MTU), NoBufferSpace (the card's ring is full, or the buffer has no room for
 * header or padding), NetworkDown.
 */
export function ethernetOutput(egress: NetInterface, packet: Packet, destination: ptr, type: EtherType): i32 {
  const header: u32 = headerLength(egress)
  const length: u32 = chainLength(packet)
  if (!egress.up) return refuseOn(egress, packet, Drop.InterfaceDown, Errno.NetworkDown)
  if (longestOf(packet, length) > egress.mtu) return refuseOn(egress, packet, Drop.OutputTooLong, Errno.MessageTooLong)
  const room: boolean = packetHeadRoom(packet) >= egress.nic.headRoom + header
  if (!room || (length < ETHERNET_MINIMUM_PAYLOAD && !pad(packet, ETHERNET_MINIMUM_PAYLOAD - length))) {
    return refuseOn(egress, packet, Drop.OutputNoRoom, Errno.NoBufferSpace)
  }
  if (packet.checksum == Checksum.Partial) {
    if ((egress.nic.features & NicFeature.TransmitChecksum) == 0) checksumComplete(packet)
    packet.checksumStart += header
    packet.headerLength += header
  }
  const bytes: u32 = (length < ETHERNET_MINIMUM_PAYLOAD ? ETHERNET_MINIMUM_PAYLOAD : length) + header
  if (egress.vlanId == 0) writeHeader(egress, packet, destination, type)
  else writeTagged(egress, packet, destination, type)
  packet.device = address(egress)
  packet.totalLength = bytes
  const result: i32 = egress.nic.transmit(egress.nic, packet)
  if (result != Errno.None) {
    increase64(egress.stats.transmitErrors, 1)
    return result
  }
  increase64(egress.stats.transmittedPackets, 1)
  increase64(egress.stats.transmittedBytes, bytes)
  return result
}

function writeHeader(egress: NetInterface, packet: Packet, destination: ptr, type: EtherType): void {
  const frame = at<EthernetHeader>(packetPrepend(packet, sizeof<EthernetHeader>()))
  macCopy(frame.destination, destination)
  macCopy(frame.source, egress.mac)
  frame.type = type
}

/** IEEE 802.1Q §9.6. The payload is padded as without tag, so that whoever takes the tag off need not pad. */
function writeTagged(egress: NetInterface, packet: Packet, destination: ptr, type: EtherType): void {
  const priority: u32 = priorityOf(packet, type)
  const frame = at<TaggedHeader>(packetPrepend(packet, sizeof<TaggedHeader>()))
  macCopy(frame.destination, destination)
  macCopy(frame.source, egress.mac)
  frame.tagType = EtherType.Vlan
  frame.tag = (priority << PRIORITY_SHIFT) | egress.vlanId
  frame.type = type
}

/**
 * The priority of a frame: that of the frame it answers or carries on, or else what its IPv4 header asks for: the
 * class selector, the first three bits of the DSCP (RFC 2474 §4.2.2.2), means what the code point does (IEEE 802.1Q
 * annex I).
 */
function priorityOf(packet: Packet, type: EtherType): u32 {
  if (packet.priority != 0) return packet.priority
  return type == EtherType.Ipv4 ? load8(packet.head, 1) >>> 5 : 0
}

/** Count, free, and report. */
export function refuse(packet: Packet, reason: Drop, error: i32): i32 {
  drop(packet, reason)
  return error
}

function refuseOn(egress: NetInterface, packet: Packet, reason: Drop, error: i32): i32 {
  increase64(egress.stats.transmitErrors, 1)
  return refuse(packet, reason, error)
}

/**
 * Append zeros, so that nothing of an older packet leaves the machine (RFC 1122 §2.3.3; CVE-2003-0001). What lies behind
 * a view of somebody's data is not ours to write: the zeros get a buffer of their own.
 */
function pad(packet: Packet, bytes: u32): boolean {
  let last: Packet = chainLast(packet)
  if (!packetAlone(last)) {
    const more = packetAllocate(0)
    if (more == null) return false
    last.nextFragment = more
    last = more
  }
  if (packetTailRoom(last) < bytes) return false
  zeroBytes(packetAppend(last, bytes), bytes)
  return true
}

/** Where UDP has its checksum, in which 0 is none: RFC 768. */
const UDP_CHECKSUM: u32 = 6

/**
 * Finish a Checksum.Partial packet in software: what the field holds is part of the sum; padding adds nothing. UDP's
 * sum of 0 is sent as 0xffff, which every receiver takes for the same; others' 0 is 0 (RFC 1624 §3).
 */
export function checksumComplete(packet: Packet): void {
  const field = plus(packet.head, packet.checksumStart + packet.checksumOffset)
  const checksum: u32 = checksumOf(packetSum(packet, packet.checksumStart, 0))
  storeBe16(field, 0, checksum == 0 && packet.checksumOffset == UDP_CHECKSUM ? 0xffff : checksum)
  packet.checksum = Checksum.None
}
