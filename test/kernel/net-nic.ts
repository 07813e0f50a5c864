// A network card for tests: frames are injected by the test and recorded when sent. Eight cards at most.
//
// A record keeps the frame, and what the stack said of its checksum. Receive buffers hold old bytes (0xa5) where the
// frame does not, so that a leak would show.

import { Errno } from '../../kernel/lib/errno.ts'
import { store8 } from '../../kernel/lib/intrinsics.ts'
import { copyBytes, fillBytes } from '../../kernel/lib/memory.ts'
import {
  address, nth, plus, staticMemory, staticRow, struct,
  type Bytes, type PhysicalAddress, type Stored, type bool, type i32, type ptr, type u16, type u32,
} from '../../kernel/lib/layout.ts'
import {
  Checksum, Packet, packetAllocate, packetAppend, packetFree, packetLength, packetPoolAdd,
} from '../../kernel/drivers/net/packet.ts'
import { Nic, nicRegister } from '../../kernel/drivers/net/nic.ts'

const PACKETS: u32 = 256
const BUFFER: u32 = 2048
const RECORDS: u32 = 128
const RECORD_BYTES: u32 = 2048

/** One frame that was sent. */
@struct
class Sent {
  length: u32 // of the whole frame; at most RECORD_BYTES of it are kept
  nic: u32
  checksum: Stored<u32, Checksum>
  checksumStart: u16
  checksumOffset: u16
  segmentSize: u16
  headerLength: u16
  fragments: u32
  frame: Bytes<2048>
}

const descriptors = staticRow<Packet>(PACKETS)
const buffers = staticMemory(524288, 16) // PACKETS × BUFFER
const nics = staticRow<Nic>(8)
const records = staticRow<Sent>(RECORDS)
let nicCount: u32 = 0
let recorded: u32 = 0
let result: i32 = 0
let flushes: u32 = 0
let waiting: Packet | null = null

/** Fill the packet pool; once. */
export function fakePool(): void {
  fillBytes(buffers, 0xa5, PACKETS * BUFFER)
  for (let i: u32 = 0; i < PACKETS; i++) {
    packetPoolAdd(address(nth(descriptors, i)), plus(buffers, i * BUFFER), (i * BUFFER) as PhysicalAddress, BUFFER)
  }
}

/** Register a card with MAC 02:00:00:00:00:01, the next with :02, and so on. */
export function fakeNic(features: u32, mtu: u32, headRoom: u32): void {
  const nic = nth(nics, nicCount)
  nicCount += 1
  fillBytes(nic.mac, 0, 6)
  store8(nic.mac, 0, 2)
  store8(nic.mac, 5, nicCount)
  nic.features = features
  nic.mtu = mtu
  nic.headRoom = headRoom
  nic.linkUp = true
  nic.transmit = fakeTransmit
  nic.poll = fakePoll
  nic.flush = fakeFlush
  nicRegister(nic)
}

function fakeTransmit(nic: Nic, packet: Packet): i32 {
  if (result != Errno.None) {
    nic.transmitDropped += 1
    packetFree(packet)
    return result
  }
  const sent = nth(records, recorded % RECORDS)
  recorded += 1
  sent.nic = nic.index
  sent.checksum = packet.checksum
  sent.checksumStart = packet.checksumStart
  sent.checksumOffset = packet.checksumOffset
  sent.segmentSize = packet.segmentSize
  sent.headerLength = packet.headerLength
  sent.length = 0
  sent.fragments = 0
  let each: Packet | null = packet
  while (each != null) {
    record(sent, each)
    each = each.nextFragment
  }
  nic.transmittedFrames += 1
  packetFree(packet)
  return Errno.None
}

function record(sent: Sent, fragment: Packet): void {
  const length = packetLength(fragment)
  if (sent.length < RECORD_BYTES) {
    const room: u32 = RECORD_BYTES - sent.length
    copyBytes(plus(sent.frame, sent.length), fragment.head, length < room ? length : room)
  }
  sent.length += length
  sent.fragments += 1
}

/** Hands up what fakeQueue put by. */
function fakePoll(nic: Nic, budget: u32): u32 {
  let frames: u32 = 0
  while (waiting != null && frames < budget) {
    const packet = waiting
    waiting = packet.next
    packet.next = null
    frames += 1
    nic.received(nic, packet)
  }
  nic.pending = 0
  return frames
}

function fakeFlush(nic: Nic): void {
  flushes += 1
}

/** What transmit answers from now on; an error counts and frees the packet. */
export function fakeTransmitResult(error: i32): void {
  result = error
}

export function fakeLink(index: u32, up: bool): void {
  nth(nics, index).linkUp = up
}

export function fakeFlushes(): u32 {
  return flushes
}

let partialStart: u32 = 34
let partialOffset: u32 = 6
let segmentSize: u32 = 0

/** Where the checksums are that cards leave open from now on: virtio 1.2 §5.1.6.4. */
export function fakePartial(start: u32, offset: u32): void {
  partialStart = start
  partialOffset = offset
}

/** Frames received now and from now on are TCP not yet cut, the payload of a segment so long; 0: they are not. */
export function fakeSegments(size: u32): void {
  segmentSize = size
}

/** What a card can do, from now on: NicFeature bits. */
export function fakeFeatures(index: u32, features: u32): void {
  nth(nics, index).features = features
}

/** Receive a frame now, in one buffer. False when the pool is empty or it does not fit. */
export function fakeReceive(index: u32, frame: ptr, length: u32, checksum: Checksum): bool {
  return fakeReceiveChained(index, frame, length, length, checksum)
}

/** Receive a frame now, in a chain of buffers that hold `piece` bytes each. */
export function fakeReceiveChained(index: u32, frame: ptr, length: u32, piece: u32, checksum: Checksum): bool {
  const packet = build(frame, length, piece)
  if (packet == null) return false
  packet.checksum = checksum
  packet.checksumStart = partialStart
  packet.checksumOffset = partialOffset
  packet.segmentSize = segmentSize
  const nic = nth(nics, index)
  nic.received(nic, packet)
  return true
}

/** Put a frame by for the next poll of any card, behind those that wait already. */
export function fakeQueue(frame: ptr, length: u32): bool {
  const packet = build(frame, length, length)
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

/** A chain with the frame in it. The first buffer leaves 12 bytes free, as a virtio-net header would. */
function build(frame: ptr, length: u32, piece: u32): Packet | null {
  const first = packetAllocate(12)
  if (first == null) return null
  first.totalLength = length
  let last: Packet = first
  let done: u32 = fill(first, frame, length < piece ? length : piece)
  while (done < length) {
    const next = packetAllocate(0)
    if (next == null) {
      packetFree(first)
      return null
    }
    last.nextFragment = next
    last = next
    done += fill(next, plus(frame, done), length - done < piece ? length - done : piece)
  }
  return first
}

function fill(packet: Packet, from: ptr, length: u32): u32 {
  copyBytes(packetAppend(packet, length), from, length)
  return length
}

/** How many frames were sent since fakeForget. */
export function fakeSent(): u32 {
  return recorded
}

export function fakeForget(): void {
  recorded = 0
}

export function fakeSentFrame(index: u32): ptr {
  return nth(records, index).frame
}

export function fakeSentLength(index: u32): u32 {
  return nth(records, index).length
}

export function fakeSentNic(index: u32): u32 {
  return nth(records, index).nic
}

export function fakeSentChecksum(index: u32): u32 {
  return nth(records, index).checksum
}

export function fakeSentChecksumStart(index: u32): u32 {
  return nth(records, index).checksumStart
}

export function fakeSentChecksumOffset(index: u32): u32 {
  return nth(records, index).checksumOffset
}

/** Of a frame that was sent: 0 segmentSize, 1 headerLength. */
export function fakeSentSegments(index: u32, field: u32): u32 {
  const sent = nth(records, index)
  return field == 0 ? sent.segmentSize : sent.headerLength
}

export function fakeSentFragments(index: u32): u32 {
  return nth(records, index).fragments
}
