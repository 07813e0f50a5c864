// virtio-net, receiving: the device writes straight into packets of the pool, and those go up the stack.
// virtio 1.2 §5.1.6.3, §5.1.6.4.
//
//   base     RECEIVE_ROOM            frame                                 limit
//    | head room | 12-byte header | Ethernet | IPv4, 4-byte aligned | …      |
//
// The ring is always full: a frame is handed up only once each of its buffers was replaced by a fresh packet. With
// none left the frame is dropped and its own buffers go back, so a stack that holds on to packets can not make the
// card deaf. Main-loop context only.

import { compilerBarrier } from '../../lib/intrinsics.ts'
import { address, at, distance, plus, type ptr, type u32 } from '../../lib/layout.ts'
import { Level, logEnd, logStart, logText } from '../../lib/log.ts'
import {
  QueueFault, queueAddOne, queueArm, queueDisarm, queueKick, queueOffer, queueReady, queueTake, queueUnseen,
} from '../virtio/queue.ts'
import { DescriptorFlag } from '../virtio/ring.ts'
import { virtioHas, virtioHealthy } from '../virtio/transport.ts'
import { NicFeature, nicName, type Nic } from './nic.ts'
import {
  packetAllocate, packetFree, packetLength, packetPhysicalHead, packetStrip, packetsFree, type Packet,
} from './packet.ts'
import { controlPoll, controlReady } from './virtio-net-control.ts'
import {
  CHECKSUM_FAULT, FRAME_LEAST, GsoType, NET_HEADER_SIZE, NetConfiguration, NetFeature, NetHeader, NetStatus,
  receivedChecksum, segmentsFault,
} from './virtio-net-header.ts'
import { virtioNetFail, virtioNetOf, virtioNetReclaim, type VirtioNet } from './virtio-net.ts'

/**
 * Bytes left in front of the device's header. With the header itself there is room for the one of a reply sent in
 * place, a VLAN tag more, and 22 + 12 + 14 puts the IPv4 header on a multiple of 4.
 */
export const RECEIVE_ROOM: u32 = 22
/** The device is told after this many fresh buffers: it must not run dry during a batch. A frame of 64 KiB takes 33. */
const OFFER_INTERVAL: u32 = 16

/** See NicPoll in nic.ts. */
export function virtioNetPoll(nic: Nic, budget: u32): u32 {
  const net = virtioNetOf(nic)
  if (nic.pending != 0) quiet(net)
  if (net.device.configurationChanged != 0) configurationChange(net)
  virtioNetReclaim(net)
  if (isBroken(net)) return 0
  controlPoll(net.control, nic)
  const queue = net.receiveQueue
  let done: u32 = 0
  while (done < budget && receiveFrame(net)) {
    done += 1
    if (queueUnseen(queue) >= OFFER_INTERVAL) queueOffer(queue)
  }
  queueOffer(queue)
  if (queue.fault != QueueFault.None) virtioNetFail(net, 'the used ring of its receive queue makes no sense')
  if (net.control.queue.fault != QueueFault.None) virtioNetFail(net, 'the used ring of its control queue makes no sense')
  return isBroken(net) ? 0 : done
}

/** After an interrupt: no more of them until `virtioNetArm`. */
function quiet(net: VirtioNet): void {
  net.nic.pending = 0
  compilerBarrier() // before the ring is looked at: an interrupt in between sets it again
  queueDisarm(net.receiveQueue)
}

/** See NicReady in nic.ts. A fault of the ring is for poll too. */
export function virtioNetReady(nic: Nic): boolean {
  const net = virtioNetOf(nic)
  if (nic.pending != 0) return true
  if (net.broken) return false
  if (controlReady(net.control)) return true
  if (isCrowded(net) && queueReady(net.transmitQueue) != 0) return true
  return queueReady(net.receiveQueue) != 0 || net.receiveQueue.fault != QueueFault.None
}

/** Whether half of what may be in flight is, or half of the ring: somebody may be waiting for room to send. */
function isCrowded(net: VirtioNet): boolean {
  const queue = net.transmitQueue
  return queue.inFlight * 2 >= net.transmitLimit || queue.free * 2 <= queue.size
}

/** See NicArm in nic.ts. */
export function virtioNetArm(nic: Nic): void {
  const net = virtioNetOf(nic)
  if (net.broken) return
  queueArm(net.receiveQueue)
  queueKick(net.transmitQueue) // what was offered must not be overlooked now
  if (isCrowded(net)) queueArm(net.transmitQueue) // until something of it is reclaimed: virtioNetReclaim disarms
}

function isBroken(net: VirtioNet): boolean {
  return net.broken
}

/** Give a buffer, no frame in it, to the device. The ring has room: it is as large as what it holds. */
function post(net: VirtioNet, packet: Packet): void {
  packet.head = plus(packet.base, RECEIVE_ROOM)
  packet.tail = packet.head
  packet.nextFragment = null
  const length: u32 = distance(packet.head, packet.limit)
  queueAddOne(net.receiveQueue, packetPhysicalHead(packet), length, DescriptorFlag.Write, address(packet))
}

/** Give the device `count` fresh buffers, fewer when the pool has not so many. Returns how many. */
export function virtioNetFill(net: VirtioNet, count: u32): u32 {
  for (let i: u32 = 0; i < count; i++) {
    const packet = packetAllocate(RECEIVE_ROOM)
    if (packet == null) return i
    post(net, packet)
  }
  return count
}

/** Give the buffers of a frame that nobody gets back to the device. */
function recycle(net: VirtioNet, frame: Packet): void {
  let each: Packet | null = frame
  while (each != null) {
    const following: Packet | null = each.nextFragment
    post(net, each)
    each = following
  }
}

/** Take one frame from the ring and hand it up, or drop it and count why. False when there is none. */
function receiveFrame(net: VirtioNet): boolean {
  const nic = net.nic
  const token: u32 = queueTake(net.receiveQueue)
  if (token == 0) return false
  const frame = at<Packet>(token as ptr)
  frame.tail = plus(frame.head, net.receiveQueue.usedLength)
  frame.nextFragment = null
  const buffers: u32 = bufferCount(net, frame)
  if (!gather(net, frame, buffers)) {
    packetFree(frame)
    virtioNetFail(net, 'num_buffers of a frame is more than was used')
    return false
  }
  if (frameFault(net, frame)) {
    nic.receiveErrors += 1
    recycle(net, frame)
  } else if (packetsFree() < buffers) {
    nic.receiveDropped += 1
    recycle(net, frame)
  } else {
    virtioNetFill(net, buffers)
    nic.receivedFrames += 1
    nic.receivedBytes += frame.totalLength
    nic.received(nic, frame)
  }
  return true
}

/** How many buffers the frame says it takes, 1 if it has no whole header to say it in. §5.1.6.4. */
function bufferCount(net: VirtioNet, frame: Packet): u32 {
  if (!net.mergeable || packetLength(frame) < NET_HEADER_SIZE) return 1
  const buffers: u32 = at<NetHeader>(frame.head).numBuffers
  return buffers == 0 ? 1 : buffers
}

/** Chain the other buffers of a frame to the first. False if the device did not use them together: §5.1.6.4.1. */
function gather(net: VirtioNet, frame: Packet, buffers: u32): boolean {
  const queue = net.receiveQueue
  let total: u32 = packetLength(frame)
  let last = frame
  for (let i: u32 = 1; i < buffers; i++) {
    const token: u32 = queueTake(queue)
    if (token == 0) return false
    const fragment = at<Packet>(token as ptr)
    fragment.tail = plus(fragment.head, queue.usedLength)
    fragment.nextFragment = null
    last.nextFragment = fragment
    last = fragment
    total += packetLength(fragment)
  }
  frame.totalLength = total
  return true
}

/**
 * Check a frame the device wrote, header and all, and strip the header. True: it is not one. Every buffer but
 * the last must be full (§5.1.6.4.1), so the first holds the Ethernet header and more.
 */
function frameFault(net: VirtioNet, frame: Packet): boolean {
  if (frame.totalLength < NET_HEADER_SIZE + FRAME_LEAST) return true
  let each: Packet = frame
  let following: Packet | null = each.nextFragment
  while (following != null) {
    if (distance(each.tail, each.limit) != 0 || packetLength(following) == 0) return true
    each = following
    following = each.nextFragment
  }
  const header = at<NetHeader>(frame.head)
  if (net.mergeable && header.numBuffers == 0) return true
  const offered: boolean = (net.nic.features & NicFeature.ReceiveChecksum) != 0
  const flags: u32 = offered ? header.flags : 0
  frame.totalLength -= NET_HEADER_SIZE
  if (segmentsRefused(net, frame, header, flags)) return true
  frame.checksumStart = header.checksumStart
  frame.checksumOffset = header.checksumOffset
  const checksum: u32 = receivedChecksum(flags, frame.checksumStart, frame.checksumOffset, frame.totalLength)
  if (checksum == CHECKSUM_FAULT) return true
  frame.checksum = checksum
  packetStrip(frame, NET_HEADER_SIZE)
  return false
}

/** Take over what the header says of segments; true if it must not say that. §5.1.6.4.1. */
function segmentsRefused(net: VirtioNet, frame: Packet, header: NetHeader, flags: u32): boolean {
  const type: u32 = header.gsoType
  frame.segmentSize = 0
  if (type == GsoType.None) return false
  if ((net.nic.features & NicFeature.ReceiveSegmentation) == 0) return true
  frame.segmentSize = header.gsoSize
  return segmentsFault(type, frame.segmentSize, flags, frame.totalLength, virtioHas(net.device, NetFeature.GuestEcn))
}

/** After a configuration interrupt: the link went up or down, or the device gave up. virtio 1.2 §5.1.4, §2.1.2. */
function configurationChange(net: VirtioNet): void {
  if (isBroken(net)) return
  if (!virtioHealthy(net.device)) {
    virtioNetFail(net, 'the device needs a reset')
    return
  }
  virtioNetLink(net)
}

/** Read whether there is a link; a change is logged. Without VIRTIO_NET_F_STATUS there always is one: §5.1.5. */
export function virtioNetLink(net: VirtioNet): void {
  const nic = net.nic
  let up: boolean = true
  if (virtioHas(net.device, NetFeature.Status)) {
    up = (at<NetConfiguration>(net.device.configuration).status & NetStatus.LinkUp) != 0
  }
  if (up == nic.linkUp) return
  nic.linkUp = up
  if (!logStart(Level.Debug, 'virtio-net', 'link')) return // the stack tells its users
  logText('if', nicName(nic))
  logText('state', up ? 'up' : 'down')
  logEnd()
}
