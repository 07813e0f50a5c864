// Frames to a card: header, padding, the last checks. RFC 894, IEEE 802.3 §3.2. Main-loop context only.
//
// Next: nic.transmit (drivers/net/nic.ts).

import { Errno } from '../../lib/errno.ts'
import { storeBe16 } from '../../lib/intrinsics.ts'
import { zeroBytes } from '../../lib/memory.ts'
import { at, plus, sizeof, staticMemory, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import {
  Checksum, packetAppend, packetHeadRoom, packetPrepend, packetTailRoom, type Packet,
} from '../../drivers/net/packet.ts'
import { NicFeature } from '../../drivers/net/nic.ts'
import { chainLast, chainLength } from '../chain.ts'
import { checksumOf, packetSum } from '../checksum.ts'
import type { NetInterface } from '../interface.ts'
import { Drop, drop } from '../stats.ts'
import {
  ETHERNET_MINIMUM_PAYLOAD, EthernetHeader, macCopy, macSetBroadcast, type EtherType,
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

/** Bytes to leave in front of an Ethernet payload that will leave by this interface. */
export function ethernetHeadRoom(egress: NetInterface): u32 {
  return egress.nic.headRoom + sizeof<EthernetHeader>()
}

/**
 * Send what is at `head` to a link address; the packet is the callee's. A Checksum.Partial packet, its
 * `checksumStart` counted from `head`, is completed here if the card can not.
 * Errors: MessageTooLong (over the MTU), NoBufferSpace (the card's ring is full, or the buffer has no room for
 * header or padding), NetworkDown.
 */
export function ethernetOutput(egress: NetInterface, packet: Packet, destination: ptr, type: EtherType): i32 {
  if (!egress.up) return refuse(packet, Drop.InterfaceDown, Errno.NetworkDown)
  const length: u32 = chainLength(packet)
  if (length > egress.mtu) return refuse(packet, Drop.OutputTooLong, Errno.MessageTooLong)
  if (packetHeadRoom(packet) < ethernetHeadRoom(egress)) return refuse(packet, Drop.OutputNoRoom, Errno.NoBufferSpace)
  if (length < ETHERNET_MINIMUM_PAYLOAD && !pad(packet, ETHERNET_MINIMUM_PAYLOAD - length)) {
    return refuse(packet, Drop.OutputNoRoom, Errno.NoBufferSpace)
  }
  if (packet.checksum == Checksum.Partial) {
    if ((egress.nic.features & NicFeature.TransmitChecksum) == 0) checksumComplete(packet)
    packet.checksumStart += sizeof<EthernetHeader>()
  }

  const frame = at<EthernetHeader>(packetPrepend(packet, sizeof<EthernetHeader>()))
  macCopy(frame.destination, destination)
  macCopy(frame.source, egress.mac)
  frame.type = type
  packet.device = egress.nic.stack
  if (packet.nextFragment != null) packet.totalLength = length + sizeof<EthernetHeader>()
  return egress.nic.transmit(egress.nic, packet)
}

/** Count, free, and report. */
export function refuse(packet: Packet, reason: Drop, error: i32): i32 {
  drop(packet, reason)
  return error
}

/** Append zeros, so that nothing of an older packet leaves the machine (RFC 1122 §2.3.3; CVE-2003-0001). */
function pad(packet: Packet, bytes: u32): boolean {
  const last = chainLast(packet)
  if (packetTailRoom(last) < bytes) return false
  zeroBytes(packetAppend(last, bytes), bytes)
  return true
}

/**
 * Finish a Checksum.Partial packet in software: what the field holds is part of the sum; padding adds nothing. A
 * sum of 0 is sent as 0xffff, which every receiver takes for the same and UDP needs (RFC 768).
 */
export function checksumComplete(packet: Packet): void {
  const field = plus(packet.head, packet.checksumStart + packet.checksumOffset)
  const checksum: u32 = checksumOf(packetSum(packet, packet.checksumStart, 0))
  storeBe16(field, 0, checksum == 0 ? 0xffff : checksum)
  packet.checksum = Checksum.None
}
