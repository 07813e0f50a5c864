// RustOS's BufferChain (`net/buffer.rs`): buffers read one after another as one. Any context.

import { isError } from '../../../lib/errno.ts'
import { at, plus, struct, type ptr, type u32 } from '../../../lib/layout.ts'
import { NetworkError, errorAddress } from '../error.ts'
import type { BufferPool } from './pool.ts'
import { PacketBuffer } from './packet-buffer.ts'

@struct
export class BufferChain {
  first: PacketBuffer | null
  last: PacketBuffer | null
  count: u32

  /** An empty chain. */
  init(): void {
    this.first = null
    this.last = null
    this.count = 0
  }

  /** A chain of one. */
  fromBuffer(buffer: PacketBuffer): void {
    this.init()
    this.addBuffer(buffer)
  }

  /** Add at the end; a buffer is in one chain at most. */
  addBuffer(buffer: PacketBuffer): void {
    buffer.next = null
    if (this.last == null) this.first = buffer
    else this.last.next = buffer
    this.last = buffer
    this.count += 1
  }

  /** Bytes to be read from all of them. */
  totalLength(): u32 {
    let total: u32 = 0
    let each: PacketBuffer | null = this.first
    while (each != null) {
      total += each.availableData()
      each = each.next
    }
    return total
  }

  bufferCount(): u32 { return this.count }

  /** Read up to `room` bytes across the buffers; returns how many there were. */
  read(to: ptr, room: u32): u32 {
    let done: u32 = 0
    let each: PacketBuffer | null = this.first
    while (each != null && done < room) {
      done += each.read(plus(to, done), room - done)
      each = each.next
    }
    return done
  }

  /**
   * All of it in one buffer of a pool, whose address this is; the chain stays as it is. Errors: BufferTooSmall (more
   * than one buffer of the pool holds: RustOS cuts it off), InsufficientMemory.
   */
  flatten(pool: BufferPool, timestamp: u32): ptr {
    if (this.totalLength() > pool.bufferSize) return errorAddress(NetworkError.BufferTooSmall)
    const p = pool.allocate(timestamp)
    if (isError(p)) return p
    const into = at<PacketBuffer>(p)
    let each: PacketBuffer | null = this.first
    while (each != null) {
      each.cloneData(into)
      each = each.next
    }
    return p
  }

  /** Forget the buffers; they are whoever's they were. */
  clear(): void {
    this.init()
  }

  /** The `index`th buffer, or null. */
  getBuffer(index: u32): PacketBuffer | null {
    let left: u32 = index
    let each: PacketBuffer | null = this.first
    while (each != null && left > 0) {
      each = each.next
      left -= 1
    }
    return each
  }
}
