// The queue behind a device that is only memory: loopback, the ends of a virtual pair. First in, first out, and
// bounded in buffers, not frames: a frame may be a chain. Main-loop context only.

import { LINK_QUEUE_LIMIT } from '../../config.ts'
import { Errno } from '../../lib/errno.ts'
import { struct, type i32, type u32 } from '../../lib/layout.ts'
import { NicFeature, type Nic } from './nic.ts'
import { packetFree, packetLength, packetsTotal, type Packet } from './packet.ts'

/** Nothing crosses a wire, so no checksum is needed and nothing has to be cut: packets arrive as they were sent. */
export const LINK_QUEUE_FEATURES: u32 = NicFeature.TransmitChecksum | NicFeature.ReceiveChecksum
  | NicFeature.TransmitSegmentation | NicFeature.ReceiveSegmentation | NicFeature.TransmitSegmentationEcn
/** The part of all packet buffers that one queue may hold: one in so many. */
const POOL_SHARE: u32 = 4

@struct
export class LinkQueue {
  first: Packet | null // through Packet.next
  last: Packet | null
  buffers: u32
}

/** Put a frame at the end, its `totalLength` filled in; false when there is no room: it is the caller's still. */
export function linkQueuePut(queue: LinkQueue, packet: Packet): boolean {
  const buffers: u32 = measure(packet)
  if (queue.buffers + buffers > limit()) return false
  queue.buffers += buffers
  packet.next = null
  if (queue.last == null) queue.first = packet
  else queue.last.next = packet
  queue.last = packet
  return true
}

function limit(): u32 {
  const share: u32 = packetsTotal() / POOL_SHARE
  return share < LINK_QUEUE_LIMIT ? share : LINK_QUEUE_LIMIT
}

/** Fill in `totalLength`; the buffers of the chain. */
function measure(packet: Packet): u32 {
  let buffers: u32 = 0
  let length: u32 = 0
  let each: Packet | null = packet
  while (each != null) {
    buffers += 1
    length += packetLength(each)
    each = each.nextFragment
  }
  packet.totalLength = length
  return buffers
}

/** The oldest frame, or null. */
export function linkQueueTake(queue: LinkQueue): Packet | null {
  const packet = queue.first
  if (packet == null) return null
  queue.first = packet.next
  if (packet.next == null) queue.last = null
  packet.next = null
  let each: Packet | null = packet
  while (each != null) {
    queue.buffers -= 1
    each = each.nextFragment
  }
  return packet
}

/** Free whatever waits. Returns how many frames that were. */
export function linkQueueEmpty(queue: LinkQueue): u32 {
  let frames: u32 = 0
  let packet: Packet | null = linkQueueTake(queue)
  while (packet != null) {
    packetFree(packet)
    frames += 1
    packet = linkQueueTake(queue)
  }
  return frames
}

/** A frame that `nic` sends, at the end of the queue of who gets it. Counts and errors as NicTransmit in nic.ts. */
export function linkQueueSend(nic: Nic, queue: LinkQueue, packet: Packet): i32 {
  if (!linkQueuePut(queue, packet)) return linkQueueRefuse(nic, packet, Errno.NoBufferSpace)
  nic.transmittedFrames += 1
  nic.transmittedBytes += packet.totalLength
  return Errno.None
}

/** A frame that `nic` does not send: freed, counted, and `error` returned. */
export function linkQueueRefuse(nic: Nic, packet: Packet, error: Errno): i32 {
  nic.transmitDropped += 1
  packetFree(packet)
  return error
}

/** See NicPoll in nic.ts. What is sent in answer to a frame may land at the end of the same queue, within the same budget. */
export function linkQueueReceive(nic: Nic, queue: LinkQueue, budget: u32): u32 {
  let frames: u32 = 0
  while (frames < budget) {
    const packet = linkQueueTake(queue)
    if (packet == null) return frames
    frames += 1
    nic.receivedFrames += 1
    nic.receivedBytes += packet.totalLength
    nic.received(nic, packet)
  }
  return frames
}
