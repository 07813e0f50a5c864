// RustOS's RingBuffer (`net/buffer.rs`): a bounded first-in first-out queue of buffers. Any context.

import { nth, struct, type u32 } from '../../../lib/layout.ts'
import { NetworkError, type NetworkResult } from '../error.ts'
import type { PacketBuffer } from './packet-buffer.ts'

@struct
export class RingSlot {
  buffer: PacketBuffer | null
}

@struct
export class RingBuffer {
  slots: RingSlot // the first of `limit`, the caller's
  limit: u32
  first: u32
  count: u32

  /** An empty queue in the `capacity` slots at `slots`. */
  init(slots: RingSlot, capacity: u32): void {
    this.slots = slots
    this.limit = capacity
    this.clear()
  }

  /** Add at the end. Errors: InsufficientMemory (full). */
  push(buffer: PacketBuffer): NetworkResult {
    if (this.count == this.limit) return NetworkError.InsufficientMemory
    nth(this.slots, (this.first + this.count) % this.limit).buffer = buffer
    this.count += 1
    return NetworkError.None
  }

  /** Take the oldest; null when there is none. */
  pop(): PacketBuffer | null {
    if (this.count == 0) return null
    const slot = nth(this.slots, this.first)
    const buffer = slot.buffer
    slot.buffer = null
    this.first = (this.first + 1) % this.limit
    this.count -= 1
    return buffer
  }

  /** The oldest, which stays; null when there is none. */
  peek(): PacketBuffer | null {
    return this.count == 0 ? null : nth(this.slots, this.first).buffer
  }

  /** Forget all of them; they are whoever's they were. */
  clear(): void {
    this.first = 0
    this.count = 0
  }

  isEmpty(): boolean { return this.count == 0 }
  isFull(): boolean { return this.count == this.limit }
  len(): u32 { return this.count }
  capacity(): u32 { return this.limit }
  availableSpace(): u32 { return this.limit - this.count }
}
