// Whole frames, as RustOS hands them around in a PacketBuffer, into and out of the stack's packets. Main-loop
// context only.

import { copyBytes } from '../../lib/memory.ts'
import { at, plus, sizeof, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import type { Nic } from '../../drivers/net/nic.ts'
import {
  packetAllocate, packetAppend, packetFree, packetStrip, packetTailRoom, type Packet,
} from '../../drivers/net/packet.ts'
import { chainCopy, chainLength } from '../chain.ts'
import { EthernetHeader, macEqual } from '../ethernet/header.ts'
import { ethernetOutput } from '../ethernet/output.ts'
import { HEAD_ROOM } from '../ipv4/transmit.ts'
import type { NetInterface } from '../interface.ts'
import { Drop, dropCount } from '../stats.ts'
import { NetworkError, networkErrorOf, type NetworkResult } from './error.ts'
import type { PacketBuffer } from './packet-buffer.ts'

/** A chain with the bytes, and room in front of the first for any link header; null when there are not enough packets. */
function frameBuild(from: ptr, length: u32): Packet | null {
  const first = packetAllocate(HEAD_ROOM)
  if (first == null) return null
  let done: u32 = fill(first, from, length)
  let last: Packet = first
  while (done < length) {
    const next = packetAllocate(0)
    if (next == null) {
      packetFree(first)
      return null
    }
    last.nextFragment = next
    last = next
    done += fill(next, plus(from, done), length - done)
  }
  first.totalLength = length
  return first
}

function fill(packet: Packet, from: ptr, left: u32): u32 {
  const room: u32 = packetTailRoom(packet)
  const length: u32 = left < room ? left : room
  copyBytes(packetAppend(packet, length), from, length)
  return length
}

/**
 * Send the whole of a buffer, a frame with its header, by an interface; it is padded to 60 bytes. Errors:
 * InvalidPacket (fewer than 14 bytes), InvalidAddress (it says that somebody else sends it), BufferOverflow (over the
 * MTU and the header), Busy (no packets free, or the card's ring is full), NetworkUnreachable (down, no link).
 */
export function frameSend(egress: NetInterface, frame: PacketBuffer): NetworkResult {
  if (frame.length < sizeof<EthernetHeader>()) return NetworkError.InvalidPacket
  if (frame.length - sizeof<EthernetHeader>() > egress.mtu) return NetworkError.BufferOverflow
  const header = at<EthernetHeader>(frame.data)
  if (!macEqual(header.source, egress.mac)) return NetworkError.InvalidAddress
  const packet = frameBuild(frame.data, frame.length)
  if (packet == null) return NetworkError.Busy
  packetStrip(packet, sizeof<EthernetHeader>())
  packet.totalLength = frame.length - sizeof<EthernetHeader>()
  return networkErrorOf(ethernetOutput(egress, packet, header.destination, header.type))
}

/**
 * Have a card's interface receive the whole of a buffer, a frame. Errors: InvalidPacket (a header or a checksum in it
 * is wrong), NotSupported (a VLAN: tagged frames come by its card), Busy (no packets free).
 */
export function frameReceive(ingress: NetInterface, frame: PacketBuffer): NetworkResult {
  if (ingress.parent != null) return NetworkError.NotSupported
  const packet = frameBuild(frame.data, frame.length)
  if (packet == null) return NetworkError.Busy
  const before: u32 = faults()
  ingress.nic.received(ingress.nic, packet)
  return faults() != before ? NetworkError.InvalidPacket : NetworkError.None
}

/** Packets dropped because something in them was wrong. */
function faults(): u32 {
  const link: u32 = dropCount(Drop.EthernetTruncated) + dropCount(Drop.ArpTruncated)
  const ip: u32 = dropCount(Drop.Ipv4Truncated) + dropCount(Drop.Ipv4Version) + dropCount(Drop.Ipv4HeaderLength)
    + dropCount(Drop.Ipv4TotalLength) + dropCount(Drop.Ipv4Checksum)
  const icmp: u32 = dropCount(Drop.IcmpTruncated) + dropCount(Drop.IcmpChecksum)
  const udp: u32 = dropCount(Drop.UdpTruncated) + dropCount(Drop.UdpLength) + dropCount(Drop.UdpChecksum)
  return link + ip + icmp + udp
}

let taken: PacketBuffer | null = null

/**
 * Take one frame from a card, past the stack: its length, 0 for none. A frame longer than the buffer is cut to it.
 * The buffer holds it from 0 on.
 */
export function frameTake(nic: Nic, into: PacketBuffer): i32 {
  const had = nic.received
  taken = into
  into.position = 0
  into.length = 0
  nic.received = keep
  nic.poll(nic, 1)
  nic.received = had
  taken = null
  return into.length as number as i32
}

function keep(nic: Nic, packet: Packet): void {
  const into = taken as PacketBuffer
  const length: u32 = chainLength(packet)
  into.length = length < into.capacity ? length : into.capacity
  chainCopy(into.data, packet, into.length)
  packetFree(packet)
}
