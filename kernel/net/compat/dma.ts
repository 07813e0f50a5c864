// RustOS's rings of descriptors for a network card (`net/dma.rs`). The layout is RustOS's own invention, and no card has
// it: drivers here use virtio's (drivers/virtio/queue.ts). Memory is whole frames, so every buffer is contiguous for the
// bus and aligned to 4,096 bytes. Main-loop context only.
//
//   transmit: software fills the slot at `tail`, the card sets DONE from `head` on
//   receive:  the card fills slots from `head` on and sets DONE, software takes them there and gives them back

import { memoryBarrier, store32 } from '../../lib/intrinsics.ts'
import { copyBytes, zeroBytes } from '../../lib/memory.ts'
import {
  address, at, nth, sizeof, struct, wire,
  type Embed, type Le, type PhysicalAddress, type i32, type ptr, type u16, type u32,
} from '../../lib/layout.ts'
import { PAGE_SIZE, physicalOf, virtualOf } from '../../mm/address.ts'
import { frameAllocate, frameFree, frameOrderFor } from '../../mm/frames.ts'
import { heapAllocate, heapFree } from '../../mm/heap.ts'
import { NetworkError, type NetworkResult } from './error.ts'
import type { PacketBuffer } from './packet-buffer.ts'

export const DMA_ALIGNMENT: u32 = 64
export const MAX_DMA_BUFFER_SIZE: u32 = 65536
/** Descriptors of one ring: one frame of them. */
const RING_LIMIT: u32 = 256
/** What a descriptor's length can say. */
const LENGTH_LIMIT: u32 = 65535

export const enum DmaFlag { EndOfPacket = 1, Interrupt = 2 }
export const enum DmaStatus { Done = 1, Error = 2 }

/** RustOS's specification: no other document has it. */
@wire(16)
export class DmaDescriptor {
  bufferAddress: Le<PhysicalAddress>
  bufferAddressHigh: Le<u32> // 0: memory below 4 GiB
  length: Le<u16>
  flags: Le<u16>
  status: Le<u16>
  reserved: Le<u16>

  setEop(): void { this.flags = this.flags | DmaFlag.EndOfPacket }
  setInterrupt(): void { this.flags = this.flags | DmaFlag.Interrupt }
  isDone(): boolean { return (this.status & DmaStatus.Done) != 0 }
  hasError(): boolean { return (this.status & DmaStatus.Error) != 0 }
}

@struct
export class DmaBuffer {
  memory: ptr // 0: none
  size: u32

  /** Errors: InvalidArgument (no bytes, more than 65,536, an alignment that is no power of two up to 4,096), InsufficientMemory. */
  allocate(size: u32, alignment: u32): NetworkResult {
    if (size == 0 || size > MAX_DMA_BUFFER_SIZE) return NetworkError.InvalidArgument
    if (alignment == 0 || alignment > PAGE_SIZE || (alignment & (alignment - 1)) != 0) return NetworkError.InvalidArgument
    const block = frameAllocate(frameOrderFor(size))
    if (block == 0) return NetworkError.InsufficientMemory
    this.memory = virtualOf(block)
    this.size = size
    zeroBytes(this.memory, size)
    return NetworkError.None
  }

  /** Give the memory back; a buffer without any stays so. */
  release(): void {
    if (this.memory == 0) return
    frameFree(physicalOf(this.memory), frameOrderFor(this.size))
    this.memory = 0 as ptr
    this.size = 0
  }

  virtualAddr(): ptr { return this.memory }
  physicalAddr(): PhysicalAddress { return physicalOf(this.memory) }
  asMutSlice(): ptr { return this.memory }

  /** Errors: BufferOverflow, with nothing copied. */
  copyFromSlice(from: ptr, count: u32): NetworkResult {
    if (count > this.size) return NetworkError.BufferOverflow
    copyBytes(this.memory, from, count)
    return NetworkError.None
  }

  /** Copy what fits; returns how much that was. */
  copyToSlice(to: ptr, room: u32): u32 {
    const count: u32 = room < this.size ? room : this.size
    copyBytes(to, this.memory, count)
    return count
  }

  /** What was stored is in memory before what follows: on this processor caches follow the bus by themselves. */
  flushCache(): void { memoryBarrier() }
  invalidateCache(): void { memoryBarrier() }
}

@struct
export class DmaRing {
  table: Embed<DmaBuffer> // the descriptors
  buffers: DmaBuffer // the first of `size`
  size: u32
  head: u32
  tail: u32
  used: u32 // slots from head up to tail

  /** `size` slots of `bufferSize` bytes. Errors: InvalidArgument (1 to 256 slots, 1 to 65,535 bytes), InsufficientMemory. */
  init(size: u32, bufferSize: u32): NetworkResult {
    zeroBytes(address(this), sizeof<DmaRing>())
    if (size == 0 || size > RING_LIMIT || bufferSize > LENGTH_LIMIT) return NetworkError.InvalidArgument
    let result = this.table.allocate(size * sizeof<DmaDescriptor>(), DMA_ALIGNMENT)
    if (result != NetworkError.None) return result
    const row = heapAllocate(size * sizeof<DmaBuffer>())
    if (row == 0) result = NetworkError.InsufficientMemory
    else {
      zeroBytes(row, size * sizeof<DmaBuffer>())
      this.buffers = at<DmaBuffer>(row)
      this.size = size
    }
    for (let i: u32 = 0; i < this.size && result == NetworkError.None; i++) result = this.fill(i, bufferSize)
    if (result != NetworkError.None) this.release()
    return result
  }

  fill(index: u32, bufferSize: u32): NetworkResult {
    const buffer = nth(this.buffers, index)
    const result = buffer.allocate(bufferSize, DMA_ALIGNMENT)
    if (result == NetworkError.None) this.descriptor(index).bufferAddress = buffer.physicalAddr()
    return result
  }

  /** Give all memory back. */
  release(): void {
    for (let i: u32 = 0; i < this.size; i++) nth(this.buffers, i).release()
    heapFree(address(this.buffers))
    this.table.release()
    this.size = 0
    this.used = 0
  }

  descriptor(index: u32): DmaDescriptor { return nth(at<DmaDescriptor>(this.table.memory), index) }
  txBuffer(): DmaBuffer { return nth(this.buffers, this.tail) }
  rxBuffer(): DmaBuffer { return nth(this.buffers, this.head) }

  /** The slot to be filled next, or null: what the card has done is free again first. Its buffer is `txBuffer`. */
  getTxDescriptor(): DmaDescriptor | null {
    while (this.used > 0 && this.descriptor(this.head).isDone()) {
      this.head = (this.head + 1) % this.size
      this.used -= 1
    }
    return this.used < this.size ? this.descriptor(this.tail) : null
  }

  /** The slot at `tail` is the card's. */
  advanceTail(): void {
    this.descriptor(this.tail).status = 0
    this.tail = (this.tail + 1) % this.size
    this.used += 1
    memoryBarrier()
  }

  /** The oldest slot that the card has filled, or null. Its buffer is `rxBuffer`. */
  getRxDescriptor(): DmaDescriptor | null {
    const descriptor = this.descriptor(this.head)
    return descriptor.isDone() ? descriptor : null
  }

  /** The slot at `head` is the card's again. */
  advanceHead(): void {
    this.descriptor(this.head).status = 0
    this.head = (this.head + 1) % this.size
    memoryBarrier()
  }

  /** What the card is told. */
  descriptorRingAddr(): PhysicalAddress { return this.table.physicalAddr() }
  /** Slots that can be filled, those not counted that the card has done since. */
  availableSlots(): u32 { return this.size - this.used }
}

@struct
export class DmaStats {
  packetsSent: u32
  packetsReceived: u32
  sendErrors: u32
  receiveErrors: u32
}

@struct
export class DmaOperations {
  tx: Embed<DmaRing>
  rx: Embed<DmaRing>
  stats: Embed<DmaStats>

  /** Put the whole of a buffer into the next slot. Errors: InvalidPacket (empty), Busy (the ring is full), BufferOverflow. */
  transmitPacket(packet: PacketBuffer): NetworkResult {
    const result = this.transmit(packet)
    if (result == NetworkError.None) this.stats.packetsSent += 1
    else this.stats.sendErrors += 1
    return result
  }

  transmit(packet: PacketBuffer): NetworkResult {
    if (packet.length == 0) return NetworkError.InvalidPacket
    const descriptor = this.tx.getTxDescriptor()
    if (descriptor == null) return NetworkError.Busy
    const copied = this.tx.txBuffer().copyFromSlice(packet.data, packet.length)
    if (copied != NetworkError.None) return copied
    descriptor.length = packet.length
    descriptor.flags = 0
    descriptor.setEop()
    descriptor.setInterrupt()
    this.tx.advanceTail()
    return NetworkError.None
  }

  /**
   * Take the oldest packet into a buffer: its length, 0 for none. Errors: HardwareError (the card said so, or said more
   * than the slot holds), BufferOverflow (`into` is too small); the packet is gone then.
   */
  receivePacket(into: PacketBuffer): NetworkResult {
    const descriptor = this.rx.getRxDescriptor()
    if (descriptor == null) return 0
    const result = this.receive(descriptor, into)
    this.rx.advanceHead()
    if (result < 0) this.stats.receiveErrors += 1
    else this.stats.packetsReceived += 1
    return result
  }

  receive(descriptor: DmaDescriptor, into: PacketBuffer): NetworkResult {
    const buffer = this.rx.rxBuffer()
    const length: u32 = descriptor.length
    if (descriptor.hasError() || length > buffer.size) return NetworkError.HardwareError
    if (length > into.capacity) return NetworkError.BufferOverflow
    into.position = 0
    into.length = length
    copyBytes(into.data, buffer.memory, length)
    return length as number as i32
  }

  getTxRingAddr(): PhysicalAddress { return this.tx.descriptorRingAddr() }
  getRxRingAddr(): PhysicalAddress { return this.rx.descriptorRingAddr() }

  /** Two numbers at `out`: slots to send from, slots to receive into. */
  getRingSizes(out: ptr): void {
    store32(out, 0, this.tx.size)
    store32(out, 4, this.rx.size)
  }
}

/** Rings of `tx` and `rx` slots of `size` bytes, at `out`. Errors: those of DmaRing.init, with nothing taken. */
export function createEthernetDma(tx: u32, rx: u32, size: u32, out: DmaOperations): NetworkResult {
  zeroBytes(address(out), sizeof<DmaOperations>())
  const sending = out.tx.init(tx, size)
  if (sending != NetworkError.None) return sending
  const receiving = out.rx.init(rx, size)
  if (receiving != NetworkError.None) out.tx.release()
  return receiving
}
