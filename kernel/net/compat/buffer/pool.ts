// RustOS's BufferPool (`net/buffer.rs`): buffers of one size, made ahead, more of them up to twice as many on
// demand. Memory is the kernel heap's; not for the packet path. Main-loop context only.

import { increase64 } from '../../../lib/intrinsics.ts'
import { zeroBytes } from '../../../lib/memory.ts'
import {
  address, at, plus, sizeof, struct, type Bytes, type Embed, type ptr, type u32,
} from '../../../lib/layout.ts'
import { heapAllocate, heapFree } from '../../../mm/heap.ts'
import { NetworkError, errorAddress, type NetworkResult } from '../error.ts'
import { PacketBuffer } from './packet-buffer.ts'

@struct
export class BufferPoolStats {
  allocations: Bytes<8>
  deallocations: Bytes<8>
  allocationFailures: Bytes<8>
  expansions: Bytes<8>
  clears: Bytes<8>
  peakUsage: u32
  reserved: u32
}

@struct
export class BufferPool {
  free: PacketBuffer | null
  bufferSize: u32
  limit: u32 // buffers, twice those made ahead
  made: u32
  available: u32
  nextId: u32
  stats: Embed<BufferPoolStats>

  /** `initial` buffers of `size` bytes, twice as many at most. Errors: InvalidPacket (size), InsufficientMemory. */
  init(size: u32, initial: u32): NetworkResult {
    zeroBytes(address(this), sizeof<BufferPool>())
    this.bufferSize = size
    this.limit = initial * 2
    while (this.made < initial) {
      const result = this.make()
      if (result != NetworkError.None) return result
    }
    return NetworkError.None
  }

  /** One buffer more on the free list; header and bytes are one allocation. */
  make(): NetworkResult {
    const p = heapAllocate(sizeof<PacketBuffer>() + this.bufferSize)
    if (p == 0) return NetworkError.InsufficientMemory
    const buffer = at<PacketBuffer>(p)
    const result = buffer.init(plus(p, sizeof<PacketBuffer>()), this.bufferSize, this.nextId, 0)
    if (result != NetworkError.None) {
      heapFree(p)
      return result
    }
    this.nextId += 1
    this.made += 1
    this.put(buffer)
    return NetworkError.None
  }

  put(buffer: PacketBuffer): void {
    buffer.next = this.free
    this.free = buffer
    this.available += 1
  }

  /** An empty buffer's address. Errors: InsufficientMemory (all in use and no more may be made). */
  allocate(timestamp: u32): ptr {
    if (this.free == null && !this.expand()) {
      increase64(this.stats.allocationFailures, 1)
      return errorAddress(NetworkError.InsufficientMemory)
    }
    const buffer = this.free as PacketBuffer
    this.free = buffer.next
    this.available -= 1
    buffer.next = null
    buffer.begin(buffer.metadata.id, timestamp)
    increase64(this.stats.allocations, 1)
    if (this.made - this.available > this.stats.peakUsage) this.stats.peakUsage = this.made - this.available
    return address(buffer)
  }

  expand(): boolean {
    if (this.made >= this.limit || this.make() != NetworkError.None) return false
    increase64(this.stats.expansions, 1)
    return true
  }

  /** Give a buffer of this pool back once nobody refers to it: one user less, and the pool's at none. */
  deallocate(buffer: PacketBuffer): void {
    if (buffer.releaseRef() > 0) return
    increase64(this.stats.deallocations, 1)
    this.put(buffer)
  }

  availableCount(): u32 { return this.available }
  totalCount(): u32 { return this.made }
  isEmpty(): boolean { return this.available == 0 }

  /** Have `count` buffers at most: free ones above that are given to the heap, missing ones are made on demand. */
  resize(count: u32): void {
    this.limit = count
    while (this.made > count && this.available > 0) this.unmake()
  }

  /** Give every free buffer to the heap. */
  clear(): void {
    while (this.available > 0) this.unmake()
    increase64(this.stats.clears, 1)
  }

  unmake(): void {
    const buffer = this.free as PacketBuffer
    this.free = buffer.next
    this.available -= 1
    this.made -= 1
    heapFree(address(buffer))
  }
}
