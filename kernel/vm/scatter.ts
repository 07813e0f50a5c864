// Several places that bytes are read into or written from, one after another: an iovec. What moves the bytes does not know how
// many there are. readv(2). May sleep where the places are a process's.

import { Errno } from '../lib/errno.ts'
import { nth, plus, struct, wire, type Embed, type Le, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { Transfer, transferIn, transferInit, transferOut } from './transfer.ts'
import { userPin } from './user-copy.ts'

/** struct iovec. readv(2) specification. */
@wire(16)
export class IoVector {
  base: Le<u32>
  baseHigh: Le<u32>
  length: Le<u32>
  lengthHigh: Le<u32>
}

@struct
export class Scatter {
  place: Embed<Transfer> // the one that is at work
  vectors: IoVector | null // all of them; null: only `place`
  next: u32 // of the vectors
  count: u32
  left: u32 // bytes of all places
}

/** One place: `n` bytes at `p`, the kernel's or the current process's. */
export function scatterOne(scatter: Scatter, p: ptr, n: u32, kernel: boolean): void {
  transferInit(scatter.place, p, n, kernel)
  scatter.vectors = null
  scatter.next = 0
  scatter.count = 0
  scatter.left = n
}

/** The current process's places, whose lengths are checked and together `bytes`. The vectors stay where they are meanwhile. */
export function scatterMany(scatter: Scatter, vectors: IoVector, count: u32, bytes: u32): void {
  transferInit(scatter.place, 0 as ptr, 0, false)
  scatter.vectors = vectors
  scatter.next = 0
  scatter.count = count
  scatter.left = bytes
}

/** The place that the next byte goes to, or comes from: with room, unless nothing is left at all. */
function current(scatter: Scatter): Transfer {
  const vectors = scatter.vectors
  while (vectors != null && scatter.place.left == 0 && scatter.next < scatter.count) {
    const vector = nth(vectors, scatter.next)
    transferInit(scatter.place, vector.base as ptr, vector.length, false)
    scatter.next += 1
  }
  return scatter.place
}

/** Move `n` bytes at `from`, `left` at most, into the places. None, or BadAddress. May sleep. */
export function scatterOut(scatter: Scatter, from: ptr, n: u32): i32 {
  return move(scatter, from, n, false)
}

/** Move `n` bytes, `left` at most, out of the places to `to`. None, or BadAddress. May sleep. */
export function scatterIn(scatter: Scatter, to: ptr, n: u32): i32 {
  return move(scatter, to, n, true)
}

function move(scatter: Scatter, kernel: ptr, n: u32, into: boolean): i32 {
  let done: u32 = 0
  while (done < n) {
    const place = current(scatter)
    const there = plus(kernel, done)
    const moved = into ? transferIn(place, there, n - done) : transferOut(place, there, n - done)
    if (moved <= 0) return Errno.BadAddress
    done += moved as number as u32
    scatter.left -= moved as number as u32
  }
  return Errno.None
}

/**
 * Bytes of `n` that can be moved without sleeping until something sleeps: those of the current place, whose pages are brought in.
 * BadAddress, OutOfMemory: none. May sleep.
 */
export function scatterPin(scatter: Scatter, n: u32, writing: boolean): i32 {
  const place = current(scatter)
  const most: u32 = n < place.left ? n : place.left
  const pinned: i32 = place.kernel ? Errno.None : userPin(place.address, most, writing)
  return pinned == Errno.None ? most as number as i32 : pinned
}
