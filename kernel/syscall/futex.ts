// futex(2): sleeping on a word of user memory until somebody wakes those who sleep there.
//
// Who sleeps is in the list of a bucket, by the word's place: an address of a space, or, where the memory is a shared mapping,
// a byte of its object, so that other processes find it by their own addresses. Between the look at the word and the sleep nothing
// else runs. The operations that priority inheritance needs, and FUTEX_WAKE_OP, are not there.

import { FUTEX_BUCKETS } from '../config.ts'
import { clockUpdate, nowMilliseconds } from '../lib/clock.ts'
import { Errno } from '../lib/errno.ts'
import { hash32 } from '../lib/hash.ts'
import {
  address, at, nth, sizeof, staticRow, staticStruct, struct, type Embed, type Stored, type bool, type i32, type ptr, type u32,
} from '../lib/layout.ts'
import { SLEEP_FOR_EVER, WaitQueue, sleepFor, wakeAll } from '../lib/sleep.ts'
import { PAGE_SHIFT } from '../mm/address.ts'
import { Pool, poolAllocate, poolFree, poolInit } from '../mm/pool.ts'
import type { Process } from '../process/process.ts'
import type { AddressSpace } from '../vm/address-space.ts'
import { regionFind } from '../vm/region.ts'
import { userLoad32, userLoaded } from '../vm/user-copy.ts'
import { scratchTime } from './scratch.ts'
import { timeLeft, timeMilliseconds, timeRead, timeUntil } from './time-value.ts'

export const enum FutexOperation { Wait = 0, Wake = 1, Requeue = 3, CompareRequeue = 4, WaitBits = 9, WakeBits = 10 }
/** Beside the operation: FUTEX_PRIVATE_FLAG, FUTEX_CLOCK_REALTIME. */
const PRIVATE: u32 = 128
const REALTIME: u32 = 256
const ALL_BITS: u32 = 0xffffffff

/** Where a word is, whoever looks. */
@struct
class Place {
  owner: ptr // an address space, or an object that is mapped shared
  offset: u32
}

/** A thread that sleeps. */
@struct
class Waiter {
  next: Waiter | null
  previous: Waiter | null
  bucket: Bucket
  place: Embed<Place>
  queue: Embed<WaitQueue>
  bits: u32
  woken: Stored<u32, bool>
}

/** Oldest first. */
@struct
class Bucket {
  first: Waiter | null
  last: Waiter | null
}

const buckets = staticRow<Bucket>(FUTEX_BUCKETS)
const pool = staticStruct<Pool>()
const here = staticStruct<Place>()
const there = staticStruct<Place>()

/** Nobody sleeps. Once. */
export function futexInit(): void {
  poolInit(pool, 'futex-waiters', sizeof<Waiter>(), 0)
}

/** Threads that sleep on a word. */
export function futexWaiters(): u32 {
  return pool.used
}

/**
 * futex(2). `limit` is a timespec for the waits, and a number for the requeues. Errors: WouldBlock (the word is not `value`),
 * TimedOut, Interrupted, InvalidArgument, BadAddress, OutOfMemory, NotImplemented. May sleep.
 */
export function sysFutex(self: Process, word: ptr, operation: u32, value: u32, limit: ptr, second: ptr, third: u32): i32 {
  if ((word & 3) != 0) return Errno.InvalidArgument
  const shared: boolean = (operation & PRIVATE) == 0
  const realtime: boolean = (operation & REALTIME) != 0
  switch (operation & ~(PRIVATE | REALTIME)) {
    case FutexOperation.Wait: return waitRelative(self, word, shared, value, limit)
    case FutexOperation.WaitBits: return third == 0 ? Errno.InvalidArgument : waitUntil(self, word, shared, value, limit, third, realtime)
    case FutexOperation.Wake: return wake(self, word, shared, value, ALL_BITS)
    case FutexOperation.WakeBits: return third == 0 ? Errno.InvalidArgument : wake(self, word, shared, value, third)
    case FutexOperation.Requeue: return requeue(self, word, shared, value, limit, second)
    case FutexOperation.CompareRequeue: return compareRequeue(self, word, shared, value, limit, second, third)
    default: return Errno.NotImplemented
  }
}

// --- Places. ----------------------------------------------------------------------------------------------

/** Where a word is, into `out`. */
function placeOf(out: Place, space: AddressSpace, word: ptr, shared: boolean): void {
  out.owner = address(space)
  out.offset = word
  if (!shared) return
  const region = regionFind(space, word)
  if (region == null || region.shared == 0 || region.object == null) return
  out.owner = address(region.object)
  out.offset = word - region.start + (region.objectPage << PAGE_SHIFT)
}

function bucketOf(place: Place): Bucket {
  return nth(buckets, hash32(place.owner ^ place.offset) & (FUTEX_BUCKETS - 1))
}

function isAt(waiter: Waiter, place: Place): boolean {
  return waiter.place.owner == place.owner && waiter.place.offset == place.offset
}

function enter(waiter: Waiter, place: Place): void {
  const bucket = bucketOf(place)
  waiter.place.owner = place.owner
  waiter.place.offset = place.offset
  waiter.bucket = bucket
  waiter.next = null
  waiter.previous = bucket.last
  if (bucket.last == null) bucket.first = waiter
  else bucket.last.next = waiter
  bucket.last = waiter
}

function leave(waiter: Waiter): void {
  const bucket = waiter.bucket
  if (waiter.previous == null) bucket.first = waiter.next
  else waiter.previous.next = waiter.next
  if (waiter.next == null) bucket.last = waiter.previous
  else waiter.next.previous = waiter.previous
}

// --- Waiting. ---------------------------------------------------------------------------------------------

function waitRelative(self: Process, word: ptr, shared: boolean, value: u32, limit: ptr): i32 {
  if (limit == 0) return wait(self, word, shared, value, SLEEP_FOR_EVER, ALL_BITS)
  const error = timeRead(limit, scratchTime(self))
  return error != Errno.None ? error : wait(self, word, shared, value, timeMilliseconds(scratchTime(self)), ALL_BITS)
}

function waitUntil(self: Process, word: ptr, shared: boolean, value: u32, limit: ptr, bits: u32, realtime: boolean): i32 {
  if (limit == 0) return wait(self, word, shared, value, SLEEP_FOR_EVER, bits)
  const error = timeRead(limit, scratchTime(self))
  return error != Errno.None ? error : wait(self, word, shared, value, timeUntil(scratchTime(self), realtime), bits)
}

function wait(self: Process, word: ptr, shared: boolean, value: u32, limit: u32, bits: u32): i32 {
  const memory = poolAllocate(pool)
  if (memory == 0) return Errno.OutOfMemory
  const waiter = at<Waiter>(memory)
  waiter.bits = bits
  let result: i32 = userLoad32(word)
  if (result == Errno.None && userLoaded() != value) result = Errno.WouldBlock
  if (result == Errno.None) {
    placeOf(here, self.space as AddressSpace, word, shared)
    enter(waiter, here)
    result = sleepUntilWoken(waiter, limit)
    if (!waiter.woken) leave(waiter)
  }
  poolFree(pool, memory)
  if (result == Errno.Interrupted && limit != SLEEP_FOR_EVER) self.signals.noRestart = true
  return result
}

function sleepUntilWoken(waiter: Waiter, limit: u32): i32 {
  clockUpdate()
  const since: u32 = nowMilliseconds()
  while (!waiter.woken) {
    const slept = sleepFor(waiter.queue, timeLeft(limit, since, nowMilliseconds()))
    if (!waiter.woken && slept != Errno.None) return slept
    clockUpdate()
  }
  return Errno.None
}

// --- Waking. ----------------------------------------------------------------------------------------------

function wakeOne(waiter: Waiter): void {
  leave(waiter)
  waiter.woken = true
  wakeAll(waiter.queue)
}

/** Wake up to `most` that sleep at a place, oldest first, whose bits are among `bits`: how many. */
function wakeAt(place: Place, most: u32, bits: u32): u32 {
  let woken: u32 = 0
  let each = bucketOf(place).first
  while (each != null && woken < most) {
    const following: Waiter | null = each.next
    if (isAt(each, place) && (each.bits & bits) != 0) {
      wakeOne(each)
      woken += 1
    }
    each = following
  }
  return woken
}

function wake(self: Process, word: ptr, shared: boolean, most: u32, bits: u32): i32 {
  placeOf(here, self.space as AddressSpace, word, shared)
  return wakeAt(here, most, bits) as number as i32
}

/** Wake one that sleeps on a word of the process's: when a thread has ended, and its id is zeroed. */
export function futexWake(self: Process, word: ptr): void {
  if (self.space != null) wake(self, word, true, 1, ALL_BITS)
  if (self.space != null) wake(self, word, false, 1, ALL_BITS)
}

/** Wake `most`, and have up to `moved` of the rest sleep on another word: how many in all. */
function requeue(self: Process, word: ptr, shared: boolean, most: u32, moved: u32, second: ptr): i32 {
  if ((second & 3) != 0) return Errno.InvalidArgument
  if ((most as number as i32) < 0 || (moved as number as i32) < 0) return Errno.InvalidArgument
  placeOf(here, self.space as AddressSpace, word, shared)
  placeOf(there, self.space as AddressSpace, second, shared)
  let count: u32 = wakeAt(here, most, ALL_BITS)
  let left: u32 = here.owner == there.owner && here.offset == there.offset ? 0 : moved
  let each = bucketOf(here).first
  while (each != null && left != 0) {
    const following: Waiter | null = each.next
    if (isAt(each, here)) {
      leave(each)
      enter(each, there)
      left -= 1
      count += 1
    }
    each = following
  }
  return count as number as i32
}

function compareRequeue(self: Process, word: ptr, shared: boolean, most: u32, moved: u32, second: ptr, value: u32): i32 {
  const error = userLoad32(word)
  if (error != Errno.None) return error
  return userLoaded() != value ? Errno.WouldBlock : requeue(self, word, shared, most, moved, second)
}
