// A split virtqueue, the driver's side: hand buffers to a device, take them back, say no more than needed.
// virtio 1.2 §2.7. The device is not trusted: what it writes into the used ring is checked against the driver's
// own record of what is in flight (Slot), never against memory the device could have changed.
//
// Ordering. x86 keeps stores in order and loads in order, so against the device only two things are needed: that
// the compiler keeps the order too (compilerBarrier), and a fence wherever a store must be seen before a later
// load is done (memoryBarrier), which is the one pair x86 does turn round. Each says which it is and why.
//
// Main-loop context only.

import { compilerBarrier, memoryBarrier, storeVolatile16 } from '../../lib/intrinsics.ts'
import {
  at, nth, plus, sizeof, struct,
  type PhysicalAddress, type Stored, type bool, type ptr, type u16, type u32, type u8,
} from '../../lib/layout.ts'
import { panic } from '../../lib/panic.ts'
import {
  Descriptor, DescriptorFlag, RingHeader, availableEntry, availableEvent, descriptorBytes, usedEntry, usedEvent,
  usedOffset,
} from './ring.ts'

/** What a device did that it must not. */
export const enum QueueFault {
  None,
  /** More entries in the used ring than there are chains in flight. */
  UsedIndex,
  /** An id past the end of the descriptor table. */
  Id,
  /** An id that is no head of a chain in flight. */
  NotInFlight,
  /** More bytes written than the chain's buffers hold. */
  Length,
}

/** The driver's own record of a descriptor. */
@struct
class Slot {
  token: u32 // head of a chain in flight: what the driver gave with it, not 0
  writable: u32 // head: bytes the device may write
  next: u16 // the free list, or the rest of the chain
  descriptors: u16 // head: length of the chain
}

/** Bytes of the driver's own memory for a queue of `size`. */
export function slotBytes(size: u32): u32 {
  return size * sizeof<Slot>()
}

const RING_MODULUS: u32 = 0xffff
/** Chains offered without a fence after which there is one: a quarter of the indices, so that they do not go round. */
const UNSETTLED_LIMIT: u32 = 0x4000
const QUIET: u32 = 1 // flag of either ring: see RingHeader

@struct
export class Virtqueue {
  descriptors: Descriptor
  available: RingHeader
  used: RingHeader
  slots: Slot
  notify: ptr // where the device listens; 0: nobody
  size: u16 // a power of 2, 2 to 32768
  index: u16 // of the queue in its device: what is written to `notify`
  free: u16 // descriptors
  freeHead: u16
  added: u16 // available index once everything added is published
  notified: u16 // available index up to which the device was told, or wants nothing: see queueOffer
  taken: u16 // used index up to which everything was taken
  head: u16 // of the chain being built
  last: u16 // its newest descriptor
  building: u16 // descriptors in it
  usedLength: u32 // bytes the device wrote into the chain taken last
  inFlight: u16 // chains
  eventIndex: Stored<u8, bool> // VIRTIO_F_EVENT_IDX was negotiated
  fault: Stored<u8, QueueFault> // not None: broken for good
  physical: PhysicalAddress // of the descriptor table; the rings follow
  notifications: u32 // sent; wraps at 2^32
}

/**
 * Make a queue of `size` (a power of 2) out of zeroed memory: ringBytes(size) at `ring`, which is `physical` to the
 * device and 16-byte aligned, and slotBytes(size) at `slots`. `notify` is the 16-bit register of the transport.
 */
export function queueInit(
  queue: Virtqueue, index: u32, size: u32, ring: ptr, physical: PhysicalAddress, slots: ptr, eventIndex: boolean,
): void {
  queue.descriptors = at<Descriptor>(ring)
  queue.available = at<RingHeader>(plus(ring, descriptorBytes(size)))
  queue.used = at<RingHeader>(plus(ring, descriptorBytes(size) + usedOffset(size)))
  queue.slots = at<Slot>(slots)
  queue.physical = physical
  queue.notify = 0 as ptr
  queue.size = size
  queue.index = index
  queue.free = size
  queue.freeHead = 0
  queue.added = 0
  queue.notified = 0
  queue.taken = 0
  queue.building = 0
  queue.inFlight = 0
  queue.eventIndex = eventIndex
  queue.fault = QueueFault.None
  queue.notifications = 0
  for (let i: u32 = 0; i < size; i++) nth(queue.slots, i).next = i + 1
}

/** Physical address of the available ring. */
export function queueAvailablePhysical(queue: Virtqueue): PhysicalAddress {
  return (queue.physical + descriptorBytes(queue.size)) as PhysicalAddress
}

/** Physical address of the used ring. */
export function queueUsedPhysical(queue: Virtqueue): PhysicalAddress {
  return (queue.physical + descriptorBytes(queue.size) + usedOffset(queue.size)) as PhysicalAddress
}

// --- Handing over. virtio 1.2 §2.7.13. --------------------------------------------------------------------

/**
 * Append a buffer to the chain being built, beginning one if there is none: `length` bytes (1 or more) at
 * `physical`, for the device to write if `flag` is Write, else to read. Buffers to read come first. The caller has
 * seen that `free` is not 0, and ends the chain with queueAdd before anything else is done with the queue.
 */
export function queueElement(queue: Virtqueue, physical: PhysicalAddress, length: u32, flag: DescriptorFlag): void {
  if (queue.free == 0) panic('virtqueue: more descriptors taken than are free')
  const index: u32 = queue.freeHead
  const slot = nth(queue.slots, index)
  const descriptor = nth(queue.descriptors, index)
  queue.freeHead = slot.next
  queue.free -= 1
  descriptor.addressLow = physical
  descriptor.addressHigh = 0 // RAM is used up to 1.5 GiB only
  descriptor.length = length
  descriptor.flags = flag
  if (queue.building == 0) {
    queue.head = index
    slot.writable = 0
  } else {
    const previous = nth(queue.descriptors, queue.last)
    previous.flags = previous.flags | DescriptorFlag.Next
    previous.next = index
  }
  if (flag == DescriptorFlag.Write) nth(queue.slots, queue.head).writable += length
  queue.last = index
  queue.building += 1
}

/** End the chain: it goes to the device, at the latest with queueKick, and comes back from queueTake as `token`. */
export function queueAdd(queue: Virtqueue, token: u32): void {
  if (queue.building == 0 || token == 0) panic('virtqueue: nothing to add')
  const slot = nth(queue.slots, queue.head)
  slot.token = token
  slot.descriptors = queue.building
  queue.building = 0
  queue.inFlight += 1
  availableEntry(queue.available, queue.added & (queue.size - 1)).head = queue.head
  queue.added = (queue.added + 1) & RING_MODULUS
}

/** One buffer that is a chain by itself: queueElement and queueAdd. */
export function queueAddOne(
  queue: Virtqueue, physical: PhysicalAddress, length: u32, flag: DescriptorFlag, token: u32,
): void {
  queueElement(queue, physical, length, flag)
  queueAdd(queue, token)
}

/** Chains added that the device can not see yet: queueOffer and queueKick let it. */
export function queueUnseen(queue: Virtqueue): u32 {
  return (queue.added - queue.available.index) & RING_MODULUS
}

/** Let the device see every chain added so far, and notify it if it wants to know of them. */
export function queueKick(queue: Virtqueue): void {
  if (queue.added == queue.notified || queue.fault != QueueFault.None) return
  publish(queue)
  // §2.7.13.4.1: the device sees the index before its wish is read, or each waits for the other: store, then load.
  memoryBarrier()
  tell(queue)
}

/**
 * As queueKick, but without its fence, which costs more than all the rest: a wish that the device utters at this moment
 * may be overlooked. Called again, also with nothing added, it is seen; who stops calling ends with queueKick or queueArm.
 */
export function queueOffer(queue: Virtqueue): void {
  if (queue.added == queue.notified || queue.fault != QueueFault.None) return
  publish(queue)
  const unsettled: u32 = (queue.added - queue.notified) & RING_MODULUS
  if (unsettled > UNSETTLED_LIMIT) return queueKick(queue)
  if (deviceWantsNotification(queue)) tell(queue)
}

/** §2.7.13.3.1: descriptors and ring entries are written before the index that exposes them. */
function publish(queue: Virtqueue): void {
  compilerBarrier()
  queue.available.index = queue.added
  compilerBarrier() // and the index before the device's wish is read
}

/** Everything published is settled now: the device is notified, or it looks by itself. */
function tell(queue: Virtqueue): void {
  const wanted: boolean = deviceWantsNotification(queue)
  queue.notified = queue.added
  if (!wanted || (queue.notify as u32) == 0) return
  queue.notifications += 1
  storeVolatile16(queue.notify, 0, queue.index) // §4.1.5.2
}

/** virtio 1.2 §2.7.10.1: with the event index, whether avail_event lies between the last notification and now. */
function deviceWantsNotification(queue: Virtqueue): boolean {
  if (!queue.eventIndex) return (queue.used.flags & QUIET) == 0
  return eventReached(availableEvent(queue.used, queue.size).index, queue.added, queue.notified)
}

/** Whether an index that went from `before` to `now` has passed `event`; all modulo 65536. virtio 1.2 §2.7.10.1. */
export function eventReached(event: u32, now: u32, before: u32): boolean {
  const past: u32 = (now - event - 1) & RING_MODULUS
  const moved: u32 = (now - before) & RING_MODULUS
  return past < moved
}

// --- Taking back. virtio 1.2 §2.7.14. ---------------------------------------------------------------------

/** Chains the device is done with and that were not taken yet; more than are in flight breaks the queue. */
export function queueReady(queue: Virtqueue): u32 {
  if (queue.fault != QueueFault.None) return 0
  const ready: u32 = (queue.used.index - queue.taken) & RING_MODULUS
  if (ready > queue.inFlight) {
    queue.fault = QueueFault.UsedIndex
    return 0
  }
  return ready
}

/**
 * The token of the oldest chain the device is done with, its bytes in `usedLength`; 0 when there is none, or the
 * device did what it must not: then `fault` says what, and the queue gives nothing more.
 */
export function queueTake(queue: Virtqueue): u32 {
  if (queueReady(queue) == 0) return 0
  compilerBarrier() // the entry is read after the index that says it is there
  const entry = usedEntry(queue.used, queue.taken & (queue.size - 1))
  const id: u32 = entry.id
  const length: u32 = entry.length
  queue.fault = usedFault(queue, id, length)
  if (queue.fault != QueueFault.None) return 0
  queue.taken = (queue.taken + 1) & RING_MODULUS
  queue.usedLength = length
  return release(queue, id)
}

/** Check an entry of the used ring: all that follows relies on it. */
function usedFault(queue: Virtqueue, id: u32, length: u32): QueueFault {
  if (id >= queue.size) return QueueFault.Id
  const slot = nth(queue.slots, id)
  if (slot.token == 0) return QueueFault.NotInFlight
  if (length > slot.writable) return QueueFault.Length
  return QueueFault.None
}

/** Put the chain at `head` on the free list; its token. */
function release(queue: Virtqueue, head: u32): u32 {
  const slot = nth(queue.slots, head)
  const token: u32 = slot.token
  let tail = slot
  for (let left: u32 = slot.descriptors; left > 1; left--) tail = nth(queue.slots, tail.next)
  tail.next = queue.freeHead
  queue.freeHead = head
  queue.free += slot.descriptors
  queue.inFlight -= 1
  slot.token = 0
  return token
}

/**
 * The token of any chain in flight, which is taken back; 0 when there is none. Only once the device was reset: until
 * then the buffers are its own.
 */
export function queueAbandon(queue: Virtqueue): u32 {
  for (let i: u32 = 0; i < queue.size; i++) {
    if (nth(queue.slots, i).token != 0) return release(queue, i)
  }
  return 0
}

// --- Notifications from the device. virtio 1.2 §2.7.7. -----------------------------------------------------

/**
 * Have the device interrupt when it next uses a chain. Returns true if it already has used one that was not taken:
 * that one may come without an interrupt, so the caller takes it before it sleeps. Also what queueKick does.
 */
export function queueArm(queue: Virtqueue): boolean {
  const unsettled: boolean = queue.added != queue.notified && queue.fault == QueueFault.None
  if (unsettled) publish(queue)
  if (queue.eventIndex) usedEvent(queue.available, queue.size).index = queue.taken
  else queue.available.flags = 0
  memoryBarrier() // the wish is seen before the used index is looked at once more: store, then load
  if (unsettled) tell(queue) // by the same fence
  return queueReady(queue) != 0
}

/**
 * Ask the device not to interrupt. With the event index the wish is "at the entry before the one to be taken next",
 * 65,535 entries away: it holds while at most that many are used, so for as long as it is renewed at each take.
 */
export function queueDisarm(queue: Virtqueue): void {
  if (queue.eventIndex) usedEvent(queue.available, queue.size).index = (queue.taken - 1) & RING_MODULUS
  else queue.available.flags = QUIET
}
