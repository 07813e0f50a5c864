// Giving a device one of its queues: memory, registers, vector. virtio 1.2 §4.1.5.1.3.

import { VIRTQUEUE_SIZE_LIMIT } from '../../config.ts'
import { zeroBytes } from '../../lib/memory.ts'
import type { PhysicalAddress, u32 } from '../../lib/layout.ts'
import { virtualOf } from '../../mm/address.ts'
import { frameAllocate, frameFree, frameOrderFor } from '../../mm/frames.ts'
import { virtioQueueVector } from './interrupts.ts'
import { queueAvailablePhysical, queueInit, queueUsedPhysical, slotBytes, type Virtqueue } from './queue.ts'
import { FEATURE_EVENT_INDEX } from './registers.ts'
import { ringBytes } from './ring.ts'
import { virtioHas, virtioNotifyAddress, virtioRefuse, type VirtioDevice } from './transport.ts'

/**
 * Set up queue `index`, with as many entries as the device offers, VIRTQUEUE_SIZE_LIMIT at most. `interrupts`:
 * whether it may interrupt at all. After virtioInterrupts, before virtioStart.
 */
export function virtioQueue(device: VirtioDevice, queue: Virtqueue, index: u32, interrupts: boolean): boolean {
  const common = device.common
  if (index >= common.numQueues) return virtioRefuse(device, 'has too few queues')
  common.queueSelect = index
  let size: u32 = common.queueSize
  if (size < 2 || (size & (size - 1)) != 0) return virtioRefuse(device, 'the size of a queue is no power of 2')
  if (size > VIRTQUEUE_SIZE_LIMIT) size = VIRTQUEUE_SIZE_LIMIT
  const notify = virtioNotifyAddress(device, common.queueNotifyOff)
  if ((notify as u32) == 0) return virtioRefuse(device, 'a notification register lies outside its region')
  if (!allocate(device, queue, index, size)) return virtioRefuse(device, 'no memory for a queue')
  queue.notify = notify
  common.queueSize = size
  if (!virtioQueueVector(device, interrupts)) return false
  common.queueDescLow = queue.physical
  common.queueDescHigh = 0
  common.queueDriverLow = queueAvailablePhysical(queue)
  common.queueDriverHigh = 0
  common.queueDeviceLow = queueUsedPhysical(queue)
  common.queueDeviceHigh = 0
  common.queueEnable = 1
  return true
}

/** Queues live as long as the kernel: the memory is given back only if the second half of it is missing. */
function allocate(device: VirtioDevice, queue: Virtqueue, index: u32, size: u32): boolean {
  const order: u32 = frameOrderFor(ringBytes(size))
  const ring: PhysicalAddress = frameAllocate(order)
  if (ring == 0) return false
  const slots: PhysicalAddress = frameAllocate(frameOrderFor(slotBytes(size)))
  if (slots == 0) {
    frameFree(ring, order)
    return false
  }
  zeroBytes(virtualOf(ring), ringBytes(size))
  zeroBytes(virtualOf(slots), slotBytes(size))
  const eventIndex: boolean = virtioHas(device, FEATURE_EVENT_INDEX)
  queueInit(queue, index, size, virtualOf(ring), ring, virtualOf(slots), eventIndex)
  return true
}
