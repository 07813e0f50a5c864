// RustOS's BufferManager (`net/buffer.rs`): three pools by size. It takes 784 KiB of the heap, so it exists from
// `initBufferManager` on, which nothing calls by itself. Main-loop context only.

import { isError } from '../../../lib/errno.ts'
import { increase64, store32 } from '../../../lib/intrinsics.ts'
import { at, staticStruct, struct, type Bytes, type Embed, type ptr, type u32 } from '../../../lib/layout.ts'
import { NetworkError, errorAddress, type NetworkResult } from '../error.ts'
import { PacketBuffer } from './packet-buffer.ts'
import { BufferPool } from './pool.ts'

const SMALL: u32 = 256
const MEDIUM: u32 = 2048
const LARGE: u32 = 8192
const SMALL_COUNT: u32 = 64
const MEDIUM_COUNT: u32 = 256
const LARGE_COUNT: u32 = 32

@struct
export class BufferManagerStats {
  allocationRequests: Bytes<8>
  smallAllocations: Bytes<8>
  mediumAllocations: Bytes<8>
  largeAllocations: Bytes<8>
  deallocations: Bytes<8>
  allocationFailures: Bytes<8>
}

@struct
export class BufferManager {
  small: Embed<BufferPool>
  medium: Embed<BufferPool>
  large: Embed<BufferPool>
  stats: Embed<BufferManagerStats>

  /** Errors: InsufficientMemory, with nothing taken. */
  init(): NetworkResult {
    let result = this.small.init(SMALL, SMALL_COUNT)
    if (result == NetworkError.None) result = this.medium.init(MEDIUM, MEDIUM_COUNT)
    if (result == NetworkError.None) result = this.large.init(LARGE, LARGE_COUNT)
    if (result != NetworkError.None) this.clear()
    return result
  }

  clear(): void {
    this.small.clear()
    this.medium.clear()
    this.large.clear()
  }

  poolFor(size: u32): BufferPool {
    if (size <= SMALL) return this.small
    return size <= MEDIUM ? this.medium : this.large
  }

  /** The address of an empty buffer with room for `size` bytes. Errors: InsufficientMemory, BufferTooSmall (over 8,192). */
  allocate(size: u32, timestamp: u32): ptr {
    increase64(this.stats.allocationRequests, 1)
    const p = size > LARGE ? errorAddress(NetworkError.BufferTooSmall) : this.poolFor(size).allocate(timestamp)
    if (isError(p)) increase64(this.stats.allocationFailures, 1)
    else if (size <= SMALL) increase64(this.stats.smallAllocations, 1)
    else if (size <= MEDIUM) increase64(this.stats.mediumAllocations, 1)
    else increase64(this.stats.largeAllocations, 1)
    return p
  }

  /** Give a buffer back to the pool of its size. */
  deallocate(buffer: PacketBuffer): void {
    increase64(this.stats.deallocations, 1)
    this.poolFor(buffer.capacity).deallocate(buffer)
  }

  getStats(): BufferManagerStats { return this.stats }

  /** Six numbers at `out`: buffers free and made, of the small, the medium and the large pool. */
  getPoolInfo(out: ptr): void {
    store32(out, 0, this.small.available)
    store32(out, 4, this.small.made)
    store32(out, 8, this.medium.available)
    store32(out, 12, this.medium.made)
    store32(out, 16, this.large.available)
    store32(out, 20, this.large.made)
  }
}

const manager = staticStruct<BufferManager>()
let initialised = false

/** Make the pools, once; again is nothing. Errors: InsufficientMemory. */
export function initBufferManager(): NetworkResult {
  if (initialised) return NetworkError.None
  const result = manager.init()
  initialised = result == NetworkError.None
  return result
}

/** The manager, or null before initBufferManager. */
export function bufferManager(): BufferManager | null {
  return initialised ? manager : null
}

/** The address of a buffer. Errors: InsufficientMemory (also before initBufferManager), BufferTooSmall. */
export function allocateBuffer(size: u32, timestamp: u32): ptr {
  return initialised ? manager.allocate(size, timestamp) : errorAddress(NetworkError.InsufficientMemory)
}

/** Give back what allocateBuffer gave. */
export function deallocateBuffer(buffer: ptr): void {
  if (initialised) manager.deallocate(at<PacketBuffer>(buffer))
}
