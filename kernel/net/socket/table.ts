// All sockets, by handle. A handle is an index and how often its entry was used before, so one that was closed is
// told from its successor; the first ones are 1, 2, 3 …, and none is 2^31 or more (that would read as an error).
//
//   bit 30                 14 13          0
//      |     generation      |    index    |     index 1 to SOCKET_LIMIT
//
// Entries are reused in the order they were freed, which keeps old handles wrong for long. Main-loop context.

import { SOCKET_BUFFER, SOCKET_LIMIT } from '../../config.ts'
import { Errno } from '../../lib/errno.ts'
import { add64, load32 } from '../../lib/intrinsics.ts'
import {
  address, at, nth, plus, sizeof, staticRow, staticStruct, struct, type i32, type ptr, type u32,
} from '../../lib/layout.ts'
import { zeroBytes } from '../../lib/memory.ts'
import { Pool, poolAllocate, poolFree, poolInit } from '../../mm/pool.ts'
import { Socket, SocketStatistics, type SocketType } from './socket.ts'

const INDEX_BITS: u32 = 14
const INDEX_MASK: u32 = 0x3fff
const GENERATION_MASK: u32 = 0x1ffff
const MULTICAST_TIME_TO_LIVE: u32 = 1 // RFC 1112 §6.1

@struct
class Entry {
  socket: Socket | null // null while it is free
  generation: u32
}

@struct
class FreeLink {
  next: u32 // index
}

/** What all sockets did together. Counters wrap at 2^32. */
@struct
export class SocketCounters {
  open: u32
  created: u32
  refused: u32 // SOCKET_LIMIT, or no memory
  bindConflicts: u32
  portFailures: u32 // no ephemeral port left
}

const entries = staticRow<Entry>(SOCKET_LIMIT + 1)
const free = staticRow<FreeLink>(SOCKET_LIMIT + 1)
const pool = staticStruct<Pool>()
const closed = staticStruct<SocketStatistics>()
export const socketCounters = staticStruct<SocketCounters>()
let unused: u32 = 1 // entries from here on were never used
let freeFirst: u32 = 0
let freeLast: u32 = 0

/** No sockets, and none remembered. Sockets of before are gone without a trace: for boot and for tests. */
export function socketTableInit(): void {
  zeroBytes(address(entries), (SOCKET_LIMIT + 1) * sizeof<Entry>())
  zeroBytes(address(socketCounters), sizeof<SocketCounters>())
  zeroBytes(address(closed), sizeof<SocketStatistics>())
  poolInit(pool, 'sockets', sizeof<Socket>(), SOCKET_LIMIT)
  unused = 1
  freeFirst = 0
  freeLast = 0
}

/** A socket with its options at their defaults: its handle, or FileTableFull (SOCKET_LIMIT), OutOfMemory. */
export function socketMake(type: SocketType, protocol: u32): i32 {
  const index = entryTake()
  if (index == 0) {
    socketCounters.refused += 1
    return Errno.FileTableFull
  }
  const entry = nth(entries, index)
  const memory = poolAllocate(pool)
  if (memory == 0) {
    entryGive(index)
    socketCounters.refused += 1
    return Errno.OutOfMemory
  }
  const socket = at<Socket>(memory)
  entry.socket = socket
  socket.handle = (entry.generation << INDEX_BITS) | index
  socket.type = type
  socket.protocol = protocol
  socket.receiveLimit = SOCKET_BUFFER
  socket.sendLimit = SOCKET_BUFFER
  socket.multicastTimeToLive = MULTICAST_TIME_TO_LIVE
  socket.multicastLoop = true
  socket.multicastAll = true
  socketCounters.open += 1
  socketCounters.created += 1
  return socket.handle as number as i32
}

/** The socket of a handle, or null: never made, or closed. */
export function socketOf(handle: u32): Socket | null {
  const index: u32 = handle & INDEX_MASK
  const entry = nth(entries, index)
  const socket = entry.socket
  return socket != null && socket.handle == handle ? socket : null
}

/** Give a socket's memory and handle back; what it did stays in the totals. */
export function socketUnmake(socket: Socket): void {
  const index: u32 = socket.handle & INDEX_MASK
  const entry = nth(entries, index)
  entry.socket = null
  entry.generation = (entry.generation + 1) & GENERATION_MASK
  entryGive(index)
  addStatistics(closed, socket.statistics)
  socketCounters.open -= 1
  poolFree(pool, address(socket))
}

/** The next socket after `handle` in the order of the table, 0 for the first; null at the end. */
export function socketNext(handle: u32): Socket | null {
  for (let index: u32 = (handle & INDEX_MASK) + 1; index < unused; index++) {
    const socket = nth(entries, index).socket
    if (socket != null) return socket
  }
  return null
}

/** Add up what all sockets did, closed ones included, into `sum`. */
export function socketTotals(sum: SocketStatistics): void {
  zeroBytes(address(sum), sizeof<SocketStatistics>())
  addStatistics(sum, closed)
  let each = socketNext(0)
  while (each != null) {
    addStatistics(sum, each.statistics)
    each = socketNext(each.handle)
  }
}

function addStatistics(sum: SocketStatistics, more: SocketStatistics): void {
  for (let offset: u32 = 0; offset < sizeof<SocketStatistics>(); offset += 8) {
    const to: ptr = plus(address(sum), offset)
    add64(to, to, plus(address(more), offset))
  }
}

/** The low half of a counter, for who can do without the rest. */
export function statisticLow(counter: ptr): u32 {
  return load32(counter, 0)
}

/** The index of a free entry, 0 for none. New entries first while there are some. */
function entryTake(): u32 {
  if (unused <= SOCKET_LIMIT) {
    unused += 1
    return unused - 1
  }
  const index = freeFirst
  if (index == 0) return 0
  freeFirst = nth(free, index).next
  if (freeFirst == 0) freeLast = 0
  return index
}

function entryGive(index: u32): void {
  nth(free, index).next = 0
  if (freeLast == 0) freeFirst = index
  else nth(free, freeLast).next = index
  freeLast = index
}
