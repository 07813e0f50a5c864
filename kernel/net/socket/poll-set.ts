// Sets of sockets that are polled together, as epoll(7) does it: what became ready is in a list, so asking costs what
// is ready and not what is watched (lib/watch.ts). This file: the sets and what is in them. What they are asked: poll.ts.
//
//   PollSet --watches--> SocketWatch <--> SocketWatch …     all of the set
//           --ready----> those that may be ready
//   Socket  --watchers-> Watch <--> Watch …                 of the sets that the socket is in, and of processes' epolls
//
// Main-loop context.

import { POLL_SET_LIMIT, POLL_WATCH_LIMIT } from '../../config.ts'
import {
  address, at, nth, sizeof, staticRow, staticStruct, struct, type Embed, type Stored, type bool, type u32,
} from '../../lib/layout.ts'
import { zeroBytes } from '../../lib/memory.ts'
import { ReadyList, Watch, watchBegin, watchEnd } from '../../lib/watch.ts'
import { Pool, poolAllocate, poolFree, poolInit } from '../../mm/pool.ts'
import type { Socket } from './socket.ts'

/** One socket in one set. */
@struct
export class SocketWatch {
  watch: Embed<Watch> // first: who finds it finds this
  set: PollSet
  socket: Socket
  next: SocketWatch | null // of the set
  previous: SocketWatch | null
  data: u32 // the caller's, given back with each report
}

@struct
export class PollSet {
  ready: Embed<ReadyList>
  watches: SocketWatch | null
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
  poolInit(pool, 'watches', sizeof<SocketWatch>(), POLL_WATCH_LIMIT)
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
export function watchFind(set: PollSet, socket: Socket): SocketWatch | null {
  let each = socket.watchers.first
  while (each != null && each.ready != set.ready) each = each.next
  return at<SocketWatch>(address(each))
}

/** A watch of a socket in a set, for nothing yet; null when there is no memory, or POLL_WATCH_LIMIT exist. */
export function watchAdd(set: PollSet, socket: Socket): SocketWatch | null {
  const memory = poolAllocate(pool)
  if (memory == 0) return null
  const watch = at<SocketWatch>(memory)
  watch.set = set
  watch.socket = socket
  watch.watch.ready = set.ready
  watchBegin(watch.watch, socket.watchers)
  watch.next = set.watches
  if (set.watches != null) set.watches.previous = watch
  set.watches = watch
  return watch
}

/** Take a watch out of its set and its socket. */
export function watchRemove(watch: SocketWatch): void {
  const set = watch.set
  watchEnd(watch.watch)
  if (watch.previous != null) watch.previous.next = watch.next
  else set.watches = watch.next
  if (watch.next != null) watch.next.previous = watch.previous
  poolFree(pool, address(watch))
}

/** Remove a socket from every set. It is in no epoll: its file has left those before it was closed (fs/file.ts). */
export function watchesRemoveOf(socket: Socket): void {
  while (socket.watchers.first != null) watchRemove(at<SocketWatch>(address(socket.watchers.first)))
}
