// The link of the packetdrill library: a card whose other end is netdev_send and netdev_receive. There a packet begins
// with its IPv4 header; here it has an Ethernet header, and whoever is asked for by ARP answers, all with one address.

import { Errno } from '../../kernel/lib/errno.ts'
import { copy64, load8, store8 } from '../../kernel/lib/intrinsics.ts'
import { copyBytes, zeroBytes } from '../../kernel/lib/memory.ts'
import {
  at, nth, plus, sizeof, staticMemory, staticRow, staticStruct, struct,
  type Bytes, type PhysicalAddress, type i32, type ptr, type u32,
} from '../../kernel/lib/layout.ts'
import { clockNow64 } from '../../kernel/lib/clock.ts'
import {
  Checksum, Packet, packetAllocate, packetAppend, packetFree, packetPoolAdd, packetTailRoom,
} from '../../kernel/drivers/net/packet.ts'
import { Nic, NicFeature, nicRegister } from '../../kernel/drivers/net/nic.ts'
import { ArpOperation, ArpPacket } from '../../kernel/net/arp/header.ts'
import { chainCopy, chainLength } from '../../kernel/net/chain.ts'
import { EtherType, EthernetHeader, macCopy } from '../../kernel/net/ethernet/header.ts'
import { checksumComplete } from '../../kernel/net/ethernet/output.ts'
import { IpProtocol, Ipv4Header } from '../../kernel/net/ipv4/header.ts'

const MTU: u32 = 1500
const BUFFER: u32 = 2048
/** Packets that wait for netdev_receive, and their bytes: a script looks at each, so more are not sent between two looks. */
const SENT_LIMIT: u32 = 1024
const SENT_BYTES: u32 = 4 << 20

/** One packet that was sent. */
@struct
class Sent {
  time: Bytes<8> // microseconds since the start
  start: ptr
  length: u32
}

const nic = staticStruct<Nic>()
const sent = staticRow<Sent>(SENT_LIMIT)
const answer = staticMemory(64)
const peer = staticMemory(8)
const bytes = staticMemory(SENT_BYTES, 16)
let sentFirst: u32 = 0
let sentNext: u32 = 0
let bytesUsed: u32 = 0
let waiting: Packet | null = null
let full = false

/** Whether the card takes nothing from now on: 1 or 0. */
export function linkFull(yes: u32): void {
  full = yes != 0
}

/** Whether it takes segments of more than a frame: 1 or 0. */
export function linkCuts(yes: u32): void {
  nic.features &= ~NicFeature.TransmitSegmentation
  if (yes != 0) nic.features |= NicFeature.TransmitSegmentation
}

/** Bytes of memory that `linkStart` wants for `packets` packets. */
export function linkMemory(packets: u32): u32 {
  return packets * (sizeof<Packet>() + BUFFER)
}

/** Fill the packet pool and register the card. */
export function linkStart(memory: ptr, packets: u32): void {
  const buffers = plus(memory, packets * sizeof<Packet>())
  for (let i: u32 = 0; i < packets; i++) {
    packetPoolAdd(plus(memory, i * sizeof<Packet>()), plus(buffers, i * BUFFER), (i * BUFFER) as PhysicalAddress, BUFFER)
  }
  zeroBytes(nic.mac, 6)
  zeroBytes(peer, 6)
  store8(nic.mac, 0, 2) // 02:00:00:00:00:00, locally administered
  store8(peer, 0, 2)
  store8(peer, 5, 1)
  nic.mtu = MTU
  nic.features = NicFeature.TransmitChecksum | NicFeature.ReceiveChecksum | NicFeature.TransmitSegmentation | NicFeature.ReceiveSegmentation
  nic.linkUp = true
  nic.transmit = transmit
  nic.poll = poll
  nic.ready = ready
  nic.flush = flush
  nicRegister(nic)
}

function transmit(card: Nic, packet: Packet): i32 {
  if (full) {
    packetFree(packet)
    return Errno.NoBufferSpace
  }
  const type: u32 = at<EthernetHeader>(packet.head).type
  if (type == EtherType.Arp) answerArp(packet)
  if (type == EtherType.Ipv4 && !keep(packet)) {
    card.transmitDropped += 1
    packetFree(packet)
    return Errno.NoBufferSpace
  }
  card.transmittedFrames += 1
  packetFree(packet)
  return Errno.None
}

/** Put a copy by. What a card would cut stays whole, as on a Linux tun device: its checksum is over all of it. */
function keep(packet: Packet): boolean {
  if (sentFirst == sentNext) restart()
  const length: u32 = chainLength(packet)
  if (sentNext == SENT_LIMIT || length > SENT_BYTES - bytesUsed) return false
  if (packet.checksum == Checksum.Partial) checksumComplete(packet)
  const place = nth(sent, sentNext)
  copy64(place.time, 0, clockNow64(), 0)
  place.start = plus(bytes, bytesUsed)
  place.length = length
  chainCopy(place.start, packet, length)
  bytesUsed += length
  sentNext += 1
  return true
}

function restart(): void {
  sentFirst = 0
  sentNext = 0
  bytesUsed = 0
}

/** Everybody is there, at the peer's address; a probe or an announcement (RFC 5227 §1.1) is not answered. */
function answerArp(packet: Packet): void {
  const question = at<ArpPacket>(plus(packet.head, sizeof<EthernetHeader>()))
  const ours: u32 = question.senderAddress
  if (question.operation != ArpOperation.Request || ours == 0 || question.targetAddress == ours) return
  const arp = at<ArpPacket>(answer)
  arp.begin(ArpOperation.Reply)
  macCopy(arp.senderMac, peer)
  arp.senderAddress = question.targetAddress
  macCopy(arp.targetMac, question.senderMac)
  arp.targetAddress = ours
  queue(answer, sizeof<ArpPacket>(), EtherType.Arp)
}

/** Takes what waits, up to the budget. */
function poll(card: Nic, budget: u32): u32 {
  let frames: u32 = 0
  while (waiting != null && frames < budget) {
    const packet = waiting
    waiting = packet.next
    packet.next = null
    frames += 1
    card.received(card, packet)
  }
  return frames
}

function ready(card: Nic): boolean {
  return waiting != null
}

function flush(card: Nic): void {
  card.pending = 0
}

/** Put a packet from the other end by for the next poll: `length` bytes from its IPv4 header on. Errors: NoBufferSpace. */
export function linkSend(packet: ptr, length: u32): i32 {
  return queue(packet, length, EtherType.Ipv4) ? Errno.None : Errno.NoBufferSpace
}

function queue(payload: ptr, length: u32, type: EtherType): boolean {
  const packet = build(payload, length, type)
  if (packet == null) return false
  if (waiting == null) {
    waiting = packet
    return true
  }
  let last: Packet = waiting
  while (last.next != null) last = last.next
  last.next = packet
  return true
}

function build(payload: ptr, length: u32, type: EtherType): Packet | null {
  const first = packetAllocate(0)
  if (first == null) return null
  const header = at<EthernetHeader>(packetAppend(first, sizeof<EthernetHeader>()))
  macCopy(header.destination, nic.mac)
  macCopy(header.source, peer)
  header.type = type
  first.totalLength = sizeof<EthernetHeader>() + length
  if (length > MTU) putTogether(first, payload)
  let last: Packet = first
  let done: u32 = fill(first, payload, length)
  while (done < length) {
    const next = packetAllocate(0)
    if (next == null) {
      packetFree(first)
      return null
    }
    last.nextFragment = next
    last = next
    done += fill(next, plus(payload, done), length - done)
  }
  return first
}

/** A packet longer than the MTU was segments on the wire: of TCP a card says so. drivers/net/nic.ts, ReceiveSegmentation. */
function putTogether(packet: Packet, payload: ptr): void {
  const ip = at<Ipv4Header>(payload)
  if (ip.protocol != IpProtocol.Tcp) return
  const dataOffset: u32 = (load8(payload, ip.headerLength + 12) >>> 4) << 2 // RFC 9293 §3.1
  packet.headerLength = ip.headerLength + dataOffset
  packet.segmentSize = MTU - packet.headerLength
  packet.checksum = Checksum.Partial
  packet.checksumStart = sizeof<EthernetHeader>() + ip.headerLength
  packet.checksumOffset = 16
}

function fill(packet: Packet, from: ptr, left: u32): u32 {
  const room: u32 = packetTailRoom(packet)
  const length: u32 = left < room ? left : room
  copyBytes(packetAppend(packet, length), from, length)
  return length
}

/** Whether a packet waits. It is the oldest from now on that linkPacket, linkLength and linkTime mean, until the next call. */
export function linkTake(): boolean {
  if (sentFirst == sentNext) return false
  sentFirst += 1
  return true
}

function takenPlace(): Sent {
  return nth(sent, sentFirst - 1)
}

/** The IPv4 header of the packet that was taken. */
export function linkPacket(): ptr {
  return plus(takenPlace().start, sizeof<EthernetHeader>())
}

/** Bytes from there on. */
export function linkLength(): u32 {
  return at<Ipv4Header>(linkPacket()).totalLength
}

/** The address of the 64 bits that say when it was sent: microseconds since the start. */
export function linkTime(): ptr {
  return takenPlace().time
}
