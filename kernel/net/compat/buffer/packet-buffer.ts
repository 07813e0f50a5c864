// RustOS's second PacketBuffer (`net/buffer.rs`): bytes with a read and a write end, reference-counted, with notes
// on what is in them. Only pools of this folder use it; the stack's own buffers are drivers/net/packet.ts.
//
//    0        readPosition      writePosition           capacity
//    | consumed | data to be read  | room to write           |
//
// Any context.

import { copyBytes, zeroBytes } from '../../../lib/memory.ts'
import { plus, struct, type Embed, type i32, type ptr, type u32 } from '../../../lib/layout.ts'
import { NetworkError, type NetworkResult } from '../error.ts'

export const DEFAULT_BUFFER_SIZE: u32 = 2048
export const MAX_BUFFER_SIZE: u32 = 65536
export const MIN_BUFFER_SIZE: u32 = 64
export const DEFAULT_POOL_SIZE: u32 = 256
export const BUFFER_ALIGNMENT: u32 = 64

/** What is in a buffer: bits of BufferFlags. */
export const enum BufferFlag {
  Ipv4 = 1, Ipv6 = 2, Tcp = 4, Udp = 8, Icmp = 16, Fragmented = 32, ChecksumNeeded = 64, Readonly = 128,
}

@struct
export class BufferFlags {
  bits: u32

  contains(flags: u32): boolean { return (this.bits & flags) == flags }
  set(flags: u32): void { this.bits |= flags }
  clear(flags: u32): void { this.bits &= ~flags }
  toggle(flags: u32): void { this.bits ^= flags }
}

@struct
export class BufferMetadata {
  id: u32
  allocatedAt: u32 // in whatever unit the caller's timestamps are
  lastUsed: u32
  refCount: u32
  flags: Embed<BufferFlags>
  protocolData: u32
}

@struct
export class PacketBuffer {
  next: PacketBuffer | null // the pool's free list, or the chain
  memory: ptr
  capacity: u32
  readPosition: u32
  writePosition: u32
  metadata: Embed<BufferMetadata>

  /** An empty buffer of `size` bytes at `memory`. Errors: InvalidPacket (size outside 64 to 65,536). */
  init(memory: ptr, size: u32, id: u32, timestamp: u32): NetworkResult {
    if (size < MIN_BUFFER_SIZE || size > MAX_BUFFER_SIZE) return NetworkError.InvalidPacket
    this.next = null
    this.memory = memory
    this.capacity = size
    this.begin(id, timestamp)
    return NetworkError.None
  }

  /** RustOS's `with_data`: the `length` bytes at `memory`, to be read; any length, as there. */
  withData(memory: ptr, length: u32, id: u32, timestamp: u32): void {
    this.next = null
    this.memory = memory
    this.capacity = length
    this.begin(id, timestamp)
    this.writePosition = length
  }

  begin(id: u32, timestamp: u32): void {
    this.readPosition = 0
    this.writePosition = 0
    this.metadata.id = id
    this.metadata.allocatedAt = timestamp
    this.metadata.lastUsed = timestamp
    this.metadata.refCount = 1
    this.metadata.flags.bits = 0
    this.metadata.protocolData = 0
  }

  /** Bytes written. */
  len(): u32 { return this.writePosition }
  isEmpty(): boolean { return this.writePosition == 0 }
  /** Bytes that can still be written. */
  availableSpace(): u32 { return this.capacity - this.writePosition }
  /** Bytes that can still be read. */
  availableData(): u32 { return this.writePosition - this.readPosition }
  /** Where the bytes written start: `len` of them. */
  data(): ptr { return this.memory }
  /** Where the bytes to be read start: `availableData` of them. */
  readableData(): ptr { return plus(this.memory, this.readPosition) }
  /** Where the next byte is written: `availableSpace` of them. */
  writableSpace(): ptr { return plus(this.memory, this.writePosition) }

  /** Write what fits; returns how much that was. Errors: BufferTooSmall (nothing fits), PermissionDenied (read-only). */
  write(from: ptr, count: u32): NetworkResult {
    if (this.metadata.flags.contains(BufferFlag.Readonly)) return NetworkError.PermissionDenied
    const room: u32 = this.availableSpace()
    if (room == 0) return NetworkError.BufferTooSmall
    const taken: u32 = count < room ? count : room
    copyBytes(this.writableSpace(), from, taken)
    this.writePosition += taken
    return taken as number as i32
  }

  /** Read up to `room` bytes; returns how many there were. */
  read(to: ptr, room: u32): u32 {
    const taken: u32 = this.peek(to, room)
    this.readPosition += taken
    return taken
  }

  /** As `read`, and the bytes stay. */
  peek(to: ptr, room: u32): u32 {
    const there: u32 = this.availableData()
    const taken: u32 = room < there ? room : there
    copyBytes(to, this.readableData(), taken)
    return taken
  }

  /** Pass over up to `count` bytes; returns how many there were. */
  consume(count: u32): u32 {
    const there: u32 = this.availableData()
    const taken: u32 = count < there ? count : there
    this.readPosition += taken
    return taken
  }

  /** Empty again, room for all of the capacity; notes but for the identifier are forgotten. */
  reset(): void {
    this.begin(this.metadata.id, this.metadata.lastUsed)
  }

  /** Copy what is to be read into a fresh buffer; returns how much fitted. */
  cloneData(into: PacketBuffer): u32 {
    const there: u32 = this.availableData()
    const taken: u32 = there < into.availableSpace() ? there : into.availableSpace()
    copyBytes(into.writableSpace(), this.readableData(), taken)
    into.writePosition += taken
    return taken
  }

  /** Set the number of bytes written, new ones zero. Errors: BufferTooSmall (more than the capacity). */
  resize(size: u32): NetworkResult {
    if (size > this.capacity) return NetworkError.BufferTooSmall
    if (size > this.writePosition) zeroBytes(this.writableSpace(), size - this.writePosition)
    this.writePosition = size
    if (this.readPosition > size) this.readPosition = size
    return NetworkError.None
  }

  addRef(): void { this.metadata.refCount += 1 }

  /** One user less, never below 0; returns how many are left. */
  releaseRef(): u32 {
    if (this.metadata.refCount > 0) this.metadata.refCount -= 1
    return this.metadata.refCount
  }
}
