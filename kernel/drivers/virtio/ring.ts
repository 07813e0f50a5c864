// The memory a driver and a device share for one split virtqueue, and where its parts are.
// virtio 1.2 §2.7: descriptor table §2.7.5, available ring §2.7.6, used ring §2.7.8.
//
//   descriptors      16 × size           the driver writes: buffers
//   available ring    4 + 2 × size + 2   the driver writes: heads of chains for the device; used_event
//   used ring         4 + 8 × size + 2   the device writes: heads of chains it is done with; avail_event
//
// The fields the other side polls or changes at any time are @mmio: one access, full width, when written so.

import { address, at, mmio, nth, plus, sizeof, wire, type Le, type u16, type u32 } from '../../lib/layout.ts'

/** virtio 1.2 §2.7.5. */
export const enum DescriptorFlag {
  None = 0,
  Next = 1, // VIRTQ_DESC_F_NEXT: the chain goes on at `next`
  Write = 2, // VIRTQ_DESC_F_WRITE: the device writes it, else reads it
}

@wire(16)
export class Descriptor {
  addressLow: Le<u32>
  addressHigh: Le<u32>
  length: Le<u32>
  flags: Le<u16> // DescriptorFlag
  next: Le<u16>
}

/** The beginning of either ring. virtio 1.2 §2.7.6, §2.7.8. */
@mmio(4)
export class RingHeader {
  flags: Le<u16> // 1: no notification wanted (VIRTQ_AVAIL_F_NO_INTERRUPT, VIRTQ_USED_F_NO_NOTIFY)
  index: Le<u16> // where the next entry goes, modulo 65536
}

/** One entry of the available ring, virtio 1.2 §2.7.6. */
@wire(2)
export class AvailableEntry {
  head: Le<u16>
}

/** One entry of the used ring, virtio 1.2 §2.7.8. @mmio: what is checked is what is used, never a second reading. */
@mmio(8)
export class UsedEntry {
  id: Le<u32> // head of the chain
  length: Le<u32> // bytes written by the device
}

/** used_event behind the available ring, avail_event behind the used ring. virtio 1.2 §2.7.7, §2.7.10. */
@mmio(2)
export class RingEvent {
  index: Le<u16>
}

/** Bytes of the descriptor table of a queue of `size`. */
export function descriptorBytes(size: u32): u32 {
  return size * sizeof<Descriptor>()
}

/** Offset of the used ring from the beginning of the available one: a multiple of 4. virtio 1.2 §2.7. */
export function usedOffset(size: u32): u32 {
  const available: u32 = sizeof<RingHeader>() + size * sizeof<AvailableEntry>() + sizeof<RingEvent>()
  return (available + 3) & ~3
}

/** Bytes of all three parts, laid out in the order above. */
export function ringBytes(size: u32): u32 {
  const used: u32 = sizeof<RingHeader>() + size * sizeof<UsedEntry>() + sizeof<RingEvent>()
  return descriptorBytes(size) + usedOffset(size) + used
}

/** Entry `index` of an available ring. */
export function availableEntry(ring: RingHeader, index: u32): AvailableEntry {
  return nth(at<AvailableEntry>(plus(address(ring), sizeof<RingHeader>())), index)
}

/** Entry `index` of a used ring. */
export function usedEntry(ring: RingHeader, index: u32): UsedEntry {
  return nth(at<UsedEntry>(plus(address(ring), sizeof<RingHeader>())), index)
}

/** used_event of an available ring of `size`: virtio 1.2 §2.7.7. */
export function usedEvent(ring: RingHeader, size: u32): RingEvent {
  return at<RingEvent>(address(availableEntry(ring, size)))
}

/** avail_event of a used ring of `size`: virtio 1.2 §2.7.10. */
export function availableEvent(ring: RingHeader, size: u32): RingEvent {
  return at<RingEvent>(address(usedEntry(ring, size)))
}
