// The kernel heap: memory of any size, for what is made at boot or seldom. Nothing on a packet's path uses it.
//
// Up to 8 KiB an allocation is an object of the pool of its size class, the powers of two and the halves between
// them; above, whole frames. What a pointer is, and how large, is asked of the frames (FrameUse), not of bytes
// beside it: writing past an allocation can not make the heap free something else. Main-loop context.

import { countLeadingZeros } from '../lib/intrinsics.ts'
import { address, nth, staticRow, staticStruct, struct, type PhysicalAddress, type ptr, type u32 } from '../lib/layout.ts'
import { panic } from '../lib/panic.ts'
import { PAGE_SIZE, physicalOf, virtualOf } from './address.ts'
import {
  FRAME_ORDER_LIMIT, FrameUse, frameAllocate, frameBlockOf, frameBlockOrder, frameBlockUse, frameFree, frameOrderFor,
  frameUseSet,
} from './frames.ts'
import { POOL_OBJECT_LIMIT, Pool, poolAllocate, poolFree, poolInit, slabOf } from './pool.ts'

/** 16, 32, 48, 64, 96 and so on up to 8192: see `classSize`. */
const CLASSES: u32 = 18
const LEAST_SHIFT: u32 = 4

@struct
export class HeapStats {
  allocations: u32 // now
  bytes: u32 // what they take, rounded up to classes and blocks
  frames: u32 // of allocations larger than POOL_OBJECT_LIMIT
  failures: u32 // since boot
}

const pools = staticRow<Pool>(CLASSES)
const stats = staticStruct<HeapStats>()

/** Once, before the first allocation. */
export function heapInit(): void {
  let i: u32 = 0
  while (i < CLASSES) {
    poolInit(nth(pools, i), 'heap', classSize(i), 0)
    i += 1
  }
}

/** `bytes` bytes, aligned to 16, zeroed up to 8 KiB; 0 for no bytes, more than 4 MiB, or when memory is used up. */
export function heapAllocate(bytes: u32): ptr {
  let p = 0 as ptr
  if (bytes > POOL_OBJECT_LIMIT) p = allocateLarge(bytes)
  else if (bytes != 0) p = poolAllocate(nth(pools, classOf(bytes)))
  if (p == 0) {
    stats.failures += 1
    return p
  }
  stats.allocations += 1
  stats.bytes += heapSize(p)
  return p
}

/** Give memory back; 0 is nothing. What the heap did not hand out, or has back already, is a panic. */
export function heapFree(p: ptr): void {
  if (p == 0) return
  const slab = slabOf(p)
  if (slab == null) freeLarge(p)
  else {
    const size = slab.pool.size
    if (!isHeapPool(slab.pool)) panic('an object of a pool is freed to the heap')
    poolFree(slab.pool, p)
    stats.bytes -= size
  }
  stats.allocations -= 1
}

/** Bytes that may be used at `p`, which the heap handed out: as many as were asked for, or more. */
export function heapSize(p: ptr): u32 {
  const slab = slabOf(p)
  if (slab != null) return slab.pool.size
  return PAGE_SIZE << frameBlockOrder(largeBlock(p))
}

/** Counters; read only. */
export function heapStats(): HeapStats {
  return stats
}

function allocateLarge(bytes: u32): ptr {
  const order = frameOrderFor(bytes)
  if (order > FRAME_ORDER_LIMIT) return 0 as ptr
  const block = frameAllocate(order)
  if (block == 0) return 0 as ptr
  frameUseSet(block, order, FrameUse.Heap)
  stats.frames += 1 << order
  return virtualOf(block)
}

function freeLarge(p: ptr): void {
  const block = largeBlock(p)
  const order = frameBlockOrder(block)
  stats.frames -= 1 << order
  stats.bytes -= PAGE_SIZE << order
  frameFree(block, order)
}

/** The block of an allocation of whole frames; anything else is a panic. */
function largeBlock(p: ptr): PhysicalAddress {
  const block = frameBlockOf(physicalOf(p))
  if (block == 0 || frameBlockUse(block) != FrameUse.Heap) panic('memory is freed to the heap that it does not have')
  if (virtualOf(block) != p) panic('memory is freed by an address inside it')
  return block
}

/** Bytes of class `index`: 16, 32, 48, 64, 96, 128, … 8192. */
function classSize(index: u32): u32 {
  if (index == 0) return 1 << LEAST_SHIFT
  const whole: u32 = 1 << (LEAST_SHIFT + ((index + 1) >> 1))
  return (index & 1) == 1 ? whole : whole + (whole >> 1)
}

/** The least class with room for 1 to POOL_OBJECT_LIMIT bytes. */
function classOf(bytes: u32): u32 {
  if (bytes <= 1 << LEAST_SHIFT) return 0
  const shift: u32 = 32 - countLeadingZeros(bytes - 1) // 2^(shift - 1) < bytes <= 2^shift
  const whole: u32 = ((shift - LEAST_SHIFT) << 1) - 1
  const threeQuarters: u32 = 3 << (shift - 2)
  return bytes <= threeQuarters && whole > 1 ? whole - 1 : whole
}

function isHeapPool(pool: Pool): boolean {
  return address(pool) >= address(pools) && address(pool) <= address(nth(pools, CLASSES - 1))
}
