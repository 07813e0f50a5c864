// Sets of sockets that are polled together, as epoll(7) does it: what became ready is in a list, so asking costs what
// is ready and not what is watched. This file: the sets, the watches, the ready list. What they are asked: poll.ts.
//
//   PollSet --watches--> Watch <--> Watch …        all of the set
//           --ready----> Watch <--> Watch …        those that may be ready, oldest first
//   Socket  --watches--> Watch --> Watch …         one in each set the socket is in
//
// Main-loop context.

import { POLL_SET_LIMIT, POLL_WATCH_LIMIT } from '../../config.ts'
import {
  address, at, nth, sizeof, staticRow, staticStruct, struct,
  type Embed, type Stored, type bool, type u16, type u32, type u8,
} from '../../lib/layout.ts'
import { WaitQueue, pollWake, wakeAll } from '../../lib/sleep.ts'
import { zeroBytes } from '../../lib/memory.ts'
import { Pool, poolAllocate, poolFree, poolInit } from '../../mm/pool.ts'
import type { Socket } from './socket.ts'

@struct
export class Watch {
  set: PollSet
  socket: Socket
  nextOfSocket: Watch | null
  next: Watch | null // of the set
  previous: Watch | null
  readyNext: Watch | null
  readyPrevious: Watch | null
  events: u32 // SocketEvents it is watched for; 0 while a one-shot watch is off
  data: u32 // the caller's, given back with each report
  flags: u16 // PollFlag
  isReady: Stored<u8, bool> // in the ready list
  reserved: u8
}

@struct
export class PollSet {
  watches: Watch | null
  readyFirst: Watch | null
  readyLast: Watch | null
  count: u32 // watches
  readyCount: u32
  waiters: Embed<WaitQueue> // processes that sleep until one is ready
  polled: Stored<u32, bool> // the next one that becomes ready wakes those who poll (lib/sleep.ts)
  generation: u32
  open: Stored<u32, bool>
}

const INDEX_BITS: u32 = 8
const INDEX_MASK: u32 = 0xff
const GENERATION_MASK: u32 = 0x3fffff

const sets = staticRow<PollSet>(POLL_SET_LIMIT)
const pool = staticStruct<Pool>()

/** No sets. */
export function pollSetsInit(): void {
  zeroBytes(address(sets), POLL_SET_LIMIT * sizeof<PollSet>())
  poolInit(pool, 'watches', sizeof<Watch>(), POLL_WATCH_LIMIT)
}

/** The handle of a new set, 0 when POLL_SET_LIMIT are open. */
export function pollSetOpen(): u32 {
  for (let i: u32 = 0; i < POLL_SET_LIMIT; i++) {
    const set = nth(sets, i)
    if (set.open) continue
    set.open = true
    set.generation = (set.generation + 1) & GENERATION_MASK
    return (set.generation << INDEX_BITS) | (i + 1)
  }
  return 0
}

/** The set of a handle, or null. */
export function pollSetOf(handle: u32): PollSet | null {
  const index: u32 = (handle & INDEX_MASK) - 1
  if (index >= POLL_SET_LIMIT) return null
  const set = nth(sets, index)
  return set.open && set.generation == handle >>> INDEX_BITS ? set : null
}

/** Close a set, with all its watches. */
export function pollSetEnd(set: PollSet): void {
  while (set.watches != null) watchRemove(set.watches)
  set.open = false
}

/** The watch of a socket in a set, or null. */
export function watchFind(set: PollSet, socket: Socket): Watch | null {
  let each = socket.watches
  while (each != null && each.set != set) each = each.nextOfSocket
  return each
}

/** A watch of a socket in a set, for nothing yet; null when there is no memory, or POLL_WATCH_LIMIT exist. */
export function watchAdd(set: PollSet, socket: Socket): Watch | null {
  const memory = poolAllocate(pool)
  if (memory == 0) return null
  const watch = at<Watch>(memory)
  watch.set = set
  watch.socket = socket
  watch.nextOfSocket = socket.watches
  socket.watches = watch
  watch.next = set.watches
  if (set.watches != null) set.watches.previous = watch
  set.watches = watch
  set.count += 1
  return watch
}

/** Take a watch out of its set and its socket. */
export function watchRemove(watch: Watch): void {
  const set = watch.set
  watchNotReady(watch)
  if (watch.previous != null) watch.previous.next = watch.next
  else set.watches = watch.next
  if (watch.next != null) watch.next.previous = watch.previous
  set.count -= 1
  const socket = watch.socket
  if (socket.watches == watch) socket.watches = watch.nextOfSocket
  else {
    let before: Watch | null = socket.watches
    while (before != null && before.nextOfSocket != watch) before = before.nextOfSocket
    if (before != null) before.nextOfSocket = watch.nextOfSocket
  }
  poolFree(pool, address(watch))
}

/** Remove a socket from every set. */
export function watchesRemoveOf(socket: Socket): void {
  while (socket.watches != null) watchRemove(socket.watches)
}

/** Put a watch at the end of its set's ready list, if it is not there, and wake who waits for the set. */
export function watchReady(watch: Watch): void {
  if (watch.isReady) return
  const set = watch.set
  const last = set.readyLast
  watch.isReady = true
  watch.readyNext = null
  watch.readyPrevious = last
  if (last == null) set.readyFirst = watch
  else last.readyNext = watch
  set.readyLast = watch
  set.readyCount += 1
  if (set.waiters.first != null) wakeAll(set.waiters)
  if (!set.polled) return
  set.polled = false
  pollWake()
}

/** Take a watch out of its set's ready list, if it is there. */
export function watchNotReady(watch: Watch): void {
  if (!watch.isReady) return
  const set = watch.set
  watch.isReady = false
  if (watch.readyPrevious != null) watch.readyPrevious.readyNext = watch.readyNext
  else set.readyFirst = watch.readyNext
  if (watch.readyNext != null) watch.readyNext.readyPrevious = watch.readyPrevious
  else set.readyLast = watch.readyPrevious
  set.readyCount -= 1
}
