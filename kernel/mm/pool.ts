// Pools of fixed-size structs, in slabs of frames (Bonwick, "The Slab Allocator", USENIX 1994, without its caches).
//
//   slab, 2^order frames, aligned to its size
//   | Slab: pool, links, bits of what is in use | object 0 | object 1 | … | unused |
//
// What is in use is told by bits in the slab's head, never by what objects hold: an object written after it was
// freed can not break the pool, and one freed twice is found out. A slab that becomes empty goes back to the
// frames unless it is the only one with room. Main-loop context.

import { countTrailingZeros, load32, store32 } from '../lib/intrinsics.ts'
import {
  address, at, distance, plus, sizeof, struct, type Bytes, type PhysicalAddress, type cstring, type ptr, type u32,
} from '../lib/layout.ts'
import { zeroBytes } from '../lib/memory.ts'
import { panic } from '../lib/panic.ts'
import { PAGE_SIZE, physicalOf, virtualOf } from './address.ts'
import {
  FrameUse, frameAllocate, frameBlockOf, frameBlockUse, frameFree, frameUseSet,
} from './frames.ts'

/** Objects in one slab: the bits of its head. */
const SLAB_OBJECT_LIMIT: u32 = 256
/** Slabs are 32 KiB at most: the largest object, 8 KiB, fits three times. */
const SLAB_ORDER_LIMIT: u32 = 3
export const POOL_OBJECT_LIMIT: u32 = 8192
const ALIGNMENT: u32 = 16

@struct
export class Pool {
  name: cstring // for the log
  size: u32 // bytes of an object, a multiple of 16
  limit: u32 // most objects at once; 0 for no limit
  order: u32 // of a slab
  perSlab: u32 // objects in a slab
  used: u32 // objects allocated
  slabs: u32
  withRoom: Slab | null // slabs with a free object
  failures: u32 // allocations refused, for want of frames or by the limit
}

@struct
export class Slab {
  pool: Pool
  next: Slab | null // in the list of slabs with room, while it has some
  previous: Slab | null
  used: u32
  bits: Bytes<32> // bit n set: object n is allocated
}

/** Make a pool of objects of `size` bytes (1 to POOL_OBJECT_LIMIT), `limit` of them at most, 0 for as many as fit. */
export function poolInit(pool: Pool, name: cstring, size: u32, limit: u32): void {
  if (size == 0 || size > POOL_OBJECT_LIMIT) panic('a pool is made with a size it can not have')
  zeroBytes(address(pool), sizeof<Pool>())
  pool.name = name
  pool.size = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1)
  pool.limit = limit
  pool.order = slabOrder(pool.size)
  const fit: u32 = ((PAGE_SIZE << pool.order) - sizeof<Slab>()) / pool.size
  pool.perSlab = fit > SLAB_OBJECT_LIMIT ? SLAB_OBJECT_LIMIT : fit
}

/** The least order that wastes an eighth at most, or else SLAB_ORDER_LIMIT. */
function slabOrder(size: u32): u32 {
  let order: u32 = 0
  while (order < SLAB_ORDER_LIMIT) {
    const room: u32 = (PAGE_SIZE << order) - sizeof<Slab>()
    if (room >= size && room % size <= room >> 3) return order
    order += 1
  }
  return order
}

/** A zeroed object, aligned to 16; 0 when memory or the pool's limit is used up. */
export function poolAllocate(pool: Pool): ptr {
  let slab = pool.withRoom
  if (pool.limit != 0 && pool.used >= pool.limit) slab = null
  else if (slab == null) slab = addSlab(pool)
  if (slab == null) {
    pool.failures += 1
    return 0 as ptr
  }
  const index = takeFirstFree(slab)
  slab.used += 1
  pool.used += 1
  if (slab.used == pool.perSlab) withoutRoom(pool, slab)
  const object = plus(address(slab), sizeof<Slab>() + index * pool.size)
  zeroBytes(object, pool.size)
  return object
}

/** Give an object back. One that is not this pool's, or is free already, is a panic. */
export function poolFree(pool: Pool, object: ptr): void {
  const slab = slabOf(object)
  if (slab == null || slab.pool != pool) panic('an object is freed to a pool it is not from')
  const offset: u32 = distance(address(slab), object) - sizeof<Slab>()
  const index: u32 = offset / pool.size
  if (index >= pool.perSlab || index * pool.size != offset) panic('an object is freed by an address inside it')
  const word: u32 = index >> 5 << 2
  const bit: u32 = 1 << (index & 31)
  const bits = load32(slab.bits, word)
  if ((bits & bit) == 0) panic('an object is freed twice')
  store32(slab.bits, word, bits & ~bit)
  if (slab.used == pool.perSlab) withRoom(pool, slab)
  slab.used -= 1
  pool.used -= 1
  if (slab.used == 0 && (slab.next != null || slab.previous != null)) dropSlab(pool, slab)
}

/** The slab that has the byte at `p`, or null if that is not in a slab. */
export function slabOf(p: ptr): Slab | null {
  const block = frameBlockOf(physicalOf(p))
  if (block == 0 || frameBlockUse(block) != FrameUse.Slab) return null
  return at<Slab>(virtualOf(block))
}

/** Objects a pool can hand out without asking for another slab. */
export function poolFreeObjects(pool: Pool): u32 {
  return pool.slabs * pool.perSlab - pool.used
}

/** Mark the first free object of a slab that has one, and return its number. */
function takeFirstFree(slab: Slab): u32 {
  let word: u32 = 0
  while (load32(slab.bits, word) == 0xffffffff) word += 4
  const bits = load32(slab.bits, word)
  const bit = countTrailingZeros(~bits)
  store32(slab.bits, word, bits | (1 << bit))
  return (word << 3) + bit
}

function addSlab(pool: Pool): Slab | null {
  const block: PhysicalAddress = frameAllocate(pool.order)
  if (block == 0) return null
  frameUseSet(block, pool.order, FrameUse.Slab)
  const slab = at<Slab>(virtualOf(block))
  zeroBytes(address(slab), sizeof<Slab>())
  slab.pool = pool
  pool.slabs += 1
  withRoom(pool, slab)
  return slab
}

function dropSlab(pool: Pool, slab: Slab): void {
  withoutRoom(pool, slab)
  pool.slabs -= 1
  frameFree(physicalOf(address(slab)), pool.order)
}

function withRoom(pool: Pool, slab: Slab): void {
  const first = pool.withRoom
  slab.previous = null
  slab.next = first
  if (first != null) first.previous = slab
  pool.withRoom = slab
}

function withoutRoom(pool: Pool, slab: Slab): void {
  if (slab.previous != null) slab.previous.next = slab.next
  else pool.withRoom = slab.next
  if (slab.next != null) slab.next.previous = slab.previous
  slab.next = null
  slab.previous = null
}
