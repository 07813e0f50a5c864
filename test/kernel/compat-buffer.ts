// RustOS's buffer pools as their tests call them; a heap of host memory behind them.

import { at, nth, staticMemory, staticRow, staticStruct, address, type i32, type ptr, type u32 } from '../../kernel/lib/layout.ts'
import { load32 } from '../../kernel/lib/intrinsics.ts'
import { BufferChain } from '../../kernel/net/compat/buffer/chain.ts'
import { bufferManager } from '../../kernel/net/compat/buffer/manager.ts'
import { PacketBuffer } from '../../kernel/net/compat/buffer/packet-buffer.ts'
import { BufferPool } from '../../kernel/net/compat/buffer/pool.ts'
import { RingBuffer, RingSlot } from '../../kernel/net/compat/buffer/ring.ts'

export { framesAddRegion } from '../../kernel/mm/frames.ts'
export { heapInit } from '../../kernel/mm/heap.ts'
export { allocateBuffer, deallocateBuffer, initBufferManager } from '../../kernel/net/compat/buffer/manager.ts'

const buffers = staticRow<PacketBuffer>(4)
const slots = staticRow<RingSlot>(8)
const ring = staticStruct<RingBuffer>()
const pool = staticStruct<BufferPool>()
const chain = staticStruct<BufferChain>()
const info = staticMemory(24)

export function bufferAt(index: u32): ptr { return address(nth(buffers, index)) }
export function bufferInit(p: ptr, memory: ptr, size: u32): i32 { return at<PacketBuffer>(p).init(memory, size, 7, 100) }
export function bufferWith(p: ptr, memory: ptr, size: u32): void { at<PacketBuffer>(p).withData(memory, size, 8, 200) }
export function bufferWrite(p: ptr, from: ptr, n: u32): i32 { return at<PacketBuffer>(p).write(from, n) }
export function bufferRead(p: ptr, to: ptr, n: u32): u32 { return at<PacketBuffer>(p).read(to, n) }
export function bufferPeek(p: ptr, to: ptr, n: u32): u32 { return at<PacketBuffer>(p).peek(to, n) }
export function bufferConsume(p: ptr, n: u32): u32 { return at<PacketBuffer>(p).consume(n) }
export function bufferReset(p: ptr): void { at<PacketBuffer>(p).reset() }
export function bufferResize(p: ptr, n: u32): i32 { return at<PacketBuffer>(p).resize(n) }
export function bufferClone(p: ptr, into: ptr): u32 { return at<PacketBuffer>(p).cloneData(at<PacketBuffer>(into)) }
export function bufferAddRef(p: ptr): void { at<PacketBuffer>(p).addRef() }
export function bufferRelease(p: ptr): u32 { return at<PacketBuffer>(p).releaseRef() }
export function bufferFlags(p: ptr, how: u32, bits: u32): u32 {
  const flags = at<PacketBuffer>(p).metadata.flags
  if (how == 1) flags.set(bits)
  if (how == 2) flags.clear(bits)
  if (how == 3) flags.toggle(bits)
  return flags.contains(bits) ? 1 : 0
}
export function bufferField(p: ptr, field: u32): u32 {
  const buffer = at<PacketBuffer>(p)
  switch (field) {
    case 0: return buffer.capacity
    case 1: return buffer.len()
    case 2: return buffer.isEmpty() ? 1 : 0
    case 3: return buffer.availableSpace()
    case 4: return buffer.availableData()
    case 5: return buffer.metadata.refCount
    case 6: return buffer.metadata.id
    case 7: return buffer.metadata.allocatedAt
    default: return buffer.metadata.flags.bits
  }
}

export function ringInit(capacity: u32): void { ring.init(slots, capacity) }
export function ringPush(p: ptr): i32 { return ring.push(at<PacketBuffer>(p)) }
export function ringPop(): ptr { return address(ring.pop()) }
export function ringPeek(): ptr { return address(ring.peek()) }
export function ringClear(): void { ring.clear() }
export function ringField(field: u32): u32 {
  switch (field) {
    case 0: return ring.len()
    case 1: return ring.capacity()
    case 2: return ring.availableSpace()
    case 3: return ring.isEmpty() ? 1 : 0
    default: return ring.isFull() ? 1 : 0
  }
}

export function poolInit(size: u32, initial: u32): i32 { return pool.init(size, initial) }
export function poolAllocate(timestamp: u32): ptr { return pool.allocate(timestamp) }
export function poolDeallocate(p: ptr): void { pool.deallocate(at<PacketBuffer>(p)) }
export function poolResize(count: u32): void { pool.resize(count) }
export function poolClear(): void { pool.clear() }
export function poolField(field: u32): u32 {
  switch (field) {
    case 0: return pool.availableCount()
    case 1: return pool.totalCount()
    case 2: return pool.isEmpty() ? 1 : 0
    case 3: return load32(pool.stats.allocations, 0)
    case 4: return load32(pool.stats.deallocations, 0)
    case 5: return load32(pool.stats.allocationFailures, 0)
    case 6: return load32(pool.stats.expansions, 0)
    case 7: return load32(pool.stats.clears, 0)
    default: return pool.stats.peakUsage
  }
}

export function chainInit(): void { chain.init() }
export function chainFrom(p: ptr): void { chain.fromBuffer(at<PacketBuffer>(p)) }
export function chainAdd(p: ptr): void { chain.addBuffer(at<PacketBuffer>(p)) }
export function chainLength(): u32 { return chain.totalLength() }
export function chainCount(): u32 { return chain.bufferCount() }
export function chainRead(to: ptr, room: u32): u32 { return chain.read(to, room) }
export function chainGet(index: u32): ptr { return address(chain.getBuffer(index)) }
export function chainFlatten(): ptr { return chain.flatten(pool, 5) }

export function managerThere(): boolean { return bufferManager() != null }
/** Buffers free and made, of each pool: 0 to 5. */
export function managerInfo(index: u32): u32 {
  const manager = bufferManager()
  if (manager == null) return 0
  manager.getPoolInfo(info)
  return load32(info, index * 4)
}
export function managerStat(index: u32): u32 {
  const manager = bufferManager()
  return manager == null ? 0 : load32(address(manager.getStats()), index * 8)
}
