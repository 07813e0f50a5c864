// The network card of virtio: its state, sending, and what both directions share. virtio 1.2 §5.1.
// Receiving is in virtio-net-receive.ts, finding and starting the device in virtio-net-probe.ts.
//
// Sending: the packet itself goes to the device, the 12-byte header in its head room, in one descriptor
// (§5.1.6.2 step 6) and one more for each further fragment. Nothing is copied. What was sent is reclaimed when
// room is needed, and at every poll; the device interrupts for it only while the processor sleeps and half of what may
// be in flight is, so that who waits for room is woken (§5.1.6.2.3).
//
// Main-loop context only.

import { Errno } from '../../lib/errno.ts'
import { load8 } from '../../lib/intrinsics.ts'
import {
  address, at, plus, struct,
  type Embed, type Stored, type bool, type cstring, type i32, type ptr, type u16, type u32, type u8,
} from '../../lib/layout.ts'
import { copyBytes } from '../../lib/memory.ts'
import { panic } from '../../lib/panic.ts'
import {
  QueueFault, Virtqueue, queueAbandon, queueAdd, queueDisarm, queueElement, queueKick, queueOffer, queueTake,
} from '../virtio/queue.ts'
import { DescriptorFlag } from '../virtio/ring.ts'
import { VirtioDevice, virtioBreak } from '../virtio/transport.ts'
import { Nic, NicFeature } from './nic.ts'
import {
  Checksum, packetFree, packetHeadRoom, packetLength, packetPhysicalHead, packetPrepend, type Packet,
} from './packet.ts'
import { NetControl, controlChanged, controlSetAddress } from './virtio-net-control.ts'
import { GsoType, NET_HEADER_SIZE, NetFlag, NetHeader } from './virtio-net-header.ts'

@struct
export class VirtioNet {
  nic: Embed<Nic>
  device: Embed<VirtioDevice>
  receiveQueue: Embed<Virtqueue>
  transmitQueue: Embed<Virtqueue>
  control: Embed<NetControl>
  transmitLimit: u16 // frames in flight: what the pool can spare
  mergeable: Stored<u8, bool> // VIRTIO_NET_F_MRG_RXBUF was negotiated
  broken: Stored<u8, bool> // the device did what it must not, or asked to be reset: down for good
}

/** The driver's state of a card. */
export function virtioNetOf(nic: Nic): VirtioNet {
  return at<VirtioNet>(nic.driver)
}

/** See NicTransmit in nic.ts. */
export function virtioNetTransmit(nic: Nic, packet: Packet): i32 {
  const net = virtioNetOf(nic)
  if (!nic.linkUp || net.broken) return turnAway(nic, packet, Errno.NetworkDown)
  if (!hasRoom(net, packet)) return turnAway(nic, packet, Errno.NoBufferSpace)
  nic.transmittedFrames += 1
  nic.transmittedBytes += packet.nextFragment == null ? packetLength(packet) : packet.totalLength
  prependHeader(nic, packet)
  const queue = net.transmitQueue
  let each: Packet | null = packet
  while (each != null) {
    queueElement(queue, packetPhysicalHead(each), packetLength(each), DescriptorFlag.None)
    each = each.nextFragment
  }
  queueAdd(queue, address(packet))
  return Errno.None
}

function turnAway(nic: Nic, packet: Packet, why: Errno): i32 {
  nic.transmitDropped += 1
  packetFree(packet)
  return why
}

function fragmentsOf(packet: Packet): u32 {
  let fragments: u32 = 1
  let each: Packet | null = packet.nextFragment
  while (each != null) {
    fragments += 1
    each = each.nextFragment
  }
  return fragments
}

/** Whether the ring takes the packet, if need be after telling the device of what is there and reclaiming. */
function hasRoom(net: VirtioNet, packet: Packet): boolean {
  const queue = net.transmitQueue
  const fragments: u32 = fragmentsOf(packet)
  if (queue.inFlight < net.transmitLimit && fragments <= queue.free) return true
  queueKick(queue)
  virtioNetReclaim(net)
  return queue.inFlight < net.transmitLimit && fragments <= queue.free
}

/** The 12 bytes in front of the frame: virtio 1.2 §5.1.6.2. */
function prependHeader(nic: Nic, packet: Packet): void {
  if (packetHeadRoom(packet) < NET_HEADER_SIZE) panic('virtio-net: a packet without head room for the header')
  const header = at<NetHeader>(packetPrepend(packet, NET_HEADER_SIZE))
  header.flags = 0
  header.gsoType = GsoType.None
  header.headerLength = 0
  header.gsoSize = 0
  header.checksumStart = 0
  header.checksumOffset = 0
  header.numBuffers = 0
  if (packet.checksum != Checksum.Partial) return
  if ((nic.features & NicFeature.TransmitChecksum) == 0) panic('virtio-net: a partial checksum, and no offload')
  header.flags = NetFlag.NeedsChecksum
  header.checksumStart = packet.checksumStart
  header.checksumOffset = packet.checksumOffset
  if (packet.segmentSize != 0) askForSegments(nic, packet, header)
}

/** §5.1.6.2: the device is told of a CWR, which it leaves in the first segment only. */
function askForSegments(nic: Nic, packet: Packet, header: NetHeader): void {
  const flags: u32 = load8(plus(packet.head, NET_HEADER_SIZE + packet.checksumStart), TCP_FLAGS)
  const wanted: u32 = (flags & TCP_CWR) == 0 ? NicFeature.TransmitSegmentation : NicFeature.TransmitSegmentationEcn
  if ((nic.features & wanted) == 0) panic('virtio-net: segments, and no offload')
  header.gsoType = (flags & TCP_CWR) == 0 ? GsoType.Tcp4 : GsoType.Tcp4 | GsoType.Ecn
  header.gsoSize = packet.segmentSize
  header.headerLength = packet.headerLength
}
/** Where TCP has its flags, and the one that is no segment's but the first's: RFC 9293 §3.1, RFC 3168 §6.1.2. */
const TCP_FLAGS: u32 = 13
const TCP_CWR: u32 = 0x80

/** See NicFlush in nic.ts. */
export function virtioNetFlush(nic: Nic): void {
  const net = virtioNetOf(nic)
  if (!net.broken) queueOffer(net.transmitQueue)
}

/** See NicApply in nic.ts: the next polls tell the device. */
export function virtioNetApply(nic: Nic): void {
  controlChanged(virtioNetOf(nic).control)
}

/** See NicSetAddress in nic.ts: from here on frames leave from `mac`, and after the next polls those to it come in. */
export function virtioNetSetAddress(nic: Nic, mac: ptr): i32 {
  const net = virtioNetOf(nic)
  if (!controlSetAddress(net.control, mac)) return Errno.NotSupported
  copyBytes(nic.mac, mac, 6)
  return Errno.None
}

/** Free what was sent. A used ring that makes no sense breaks the card. */
export function virtioNetReclaim(net: VirtioNet): void {
  const queue = net.transmitQueue
  let token: u32 = queueTake(queue)
  if (token == 0 && queue.fault == QueueFault.None) return
  while (token != 0) {
    packetFree(at<Packet>(token as ptr))
    token = queueTake(queue)
  }
  if (queue.fault == QueueFault.None) queueDisarm(queue)
  else virtioNetFail(net, 'the used ring of its transmit queue makes no sense')
}

/** Take the card down for good: the device is reset, so that it touches no buffer any more, and all are freed. */
export function virtioNetFail(net: VirtioNet, why: cstring): void {
  if (net.broken) return
  const nic = net.nic
  net.broken = true
  nic.linkUp = false
  nic.receiveErrors += 1
  if (!virtioBreak(net.device, why)) return // it may still write to them: they stay lost
  freeAll(net.receiveQueue)
  freeAll(net.transmitQueue)
}

function freeAll(queue: Virtqueue): void {
  let token: u32 = queueAbandon(queue)
  while (token != 0) {
    packetFree(at<Packet>(token as ptr))
    token = queueAbandon(queue)
  }
}
