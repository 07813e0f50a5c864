// RustOS's PacketBuffer (`net/mod.rs`): bytes, a position and a length, over memory of the caller's. Every layer
// passes the same buffer on with `position` advanced: the payload is what lies after it, `asSlice` is the whole.
// Frames that travel through the stack are not these: they are Packets (drivers/net/packet.ts). Any context.

import { copyBytes, zeroBytes } from '../../lib/memory.ts'
import { plus, struct, type ptr, type u32 } from '../../lib/layout.ts'
import { NetworkError, type NetworkResult } from './error.ts'

@struct
export class PacketBuffer {
  data: ptr
  capacity: u32 // bytes at `data`; fixed
  position: u32
  length: u32

  /** `capacity` bytes of zeros at `memory`, length 0: RustOS's `new`. */
  init(memory: ptr, capacity: u32): void {
    this.data = memory
    this.capacity = capacity
    this.position = 0
    this.length = 0
    zeroBytes(memory, capacity)
  }

  /** The `length` bytes at `memory`, all of them in use. */
  fromData(memory: ptr, length: u32): void {
    this.data = memory
    this.capacity = length
    this.position = 0
    this.length = length
  }

  /** Bytes from the position to the length, 0 if the position is past it. */
  remaining(): u32 {
    return this.position < this.length ? this.length - this.position : 0
  }

  /** The address of the next `count` bytes, which are then behind the position; 0, and no move, if there are fewer. */
  read(count: u32): ptr {
    if (count > this.remaining()) return 0 as ptr
    const p = plus(this.data, this.position)
    this.position += count
    return p
  }

  /** Write `count` bytes at the position. Errors: BufferOverflow, with nothing written, past the capacity. */
  write(from: ptr, count: u32): NetworkResult {
    if (this.position > this.capacity || count > this.capacity - this.position) return NetworkError.BufferOverflow
    copyBytes(plus(this.data, this.position), from, count)
    this.position += count
    if (this.position > this.length) this.length = this.position
    return NetworkError.None
  }

  /** Back to position 0. */
  reset(): void {
    this.position = 0
  }

  /** The address of the whole, `length` bytes, headers that were read included. */
  asSlice(): ptr {
    return this.data
  }
}

/** The address of room for `count` bytes at the position, which moves behind it; 0 past the capacity. */
export function bufferReserve(buffer: PacketBuffer, count: u32): ptr {
  if (buffer.position > buffer.capacity || count > buffer.capacity - buffer.position) return 0 as ptr
  const p = plus(buffer.data, buffer.position)
  buffer.position += count
  if (buffer.position > buffer.length) buffer.length = buffer.position
  return p
}

