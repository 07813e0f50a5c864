// Between the kernel's memory and the current process's. Every function may sleep, and answers BadAddress for memory that
// the process may not touch in that way; bytes before it may have been moved then.

import { Errno } from '../lib/errno.ts'
import { load8, load16, load32, store8, store16, store32 } from '../lib/intrinsics.ts'
import { plus, staticMemory, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { copyBytes, zeroBytes } from '../lib/memory.ts'
import { PAGE_MASK, PAGE_SIZE } from '../mm/address.ts'
import { isUserRange, type AddressSpace } from './address-space.ts'
import { spaceCurrent } from './page-table.ts'
import { pageWalk, pageWalkNow } from './walk.ts'

/** How often pinning begins anew when pages leave while others come. */
const PIN_ROUNDS: u32 = 64

/** The current space if all `n` bytes at `p` are in the range of a process, else null. */
function spaceFor(p: ptr, n: u32): AddressSpace | null {
  return isUserRange(p, n) ? spaceCurrent() : null
}

/** Bytes from `p` to the end of its page, `n` at most. */
function pieceAt(p: ptr, n: u32): u32 {
  const room: u32 = PAGE_SIZE - (p & PAGE_MASK)
  return n < room ? n : room
}

/** Copy `n` bytes of the process's at `from` to `to`. Errno.None or BadAddress. May sleep. */
export function userCopyIn(to: ptr, from: ptr, n: u32): i32 {
  if (n == 0) return Errno.None
  const space = spaceFor(from, n)
  if (space == null) return Errno.BadAddress
  let done: u32 = 0
  while (done < n) {
    const place = pageWalk(space, plus(from, done), false)
    if (place == 0) return Errno.BadAddress
    const piece = pieceAt(plus(from, done), n - done)
    copyBytes(plus(to, done), place, piece)
    done += piece
  }
  return Errno.None
}

/** Copy `n` bytes at `from` to the process's memory at `to`. Errno.None or BadAddress. May sleep. */
export function userCopyOut(to: ptr, from: ptr, n: u32): i32 {
  if (n == 0) return Errno.None
  const space = spaceFor(to, n)
  if (space == null) return Errno.BadAddress
  let done: u32 = 0
  while (done < n) {
    const place = pageWalk(space, plus(to, done), true)
    if (place == 0) return Errno.BadAddress
    const piece = pieceAt(plus(to, done), n - done)
    copyBytes(place, plus(from, done), piece)
    done += piece
  }
  return Errno.None
}

/**
 * Where the kernel sees the `n` bytes at `p`, to read or to write until something sleeps; 0 if they are not in one page, or the
 * process may not. May sleep.
 */
export function userPlace(p: ptr, n: u32, writing: boolean): ptr {
  const space = pieceAt(p, n) == n ? spaceFor(p, n) : null
  return space == null ? 0 as ptr : pageWalk(space, p, writing)
}

/** Set `n` bytes of the process's memory to zero. Errno.None or BadAddress. May sleep. */
export function userZero(to: ptr, n: u32): i32 {
  if (n == 0) return Errno.None
  const space = spaceFor(to, n)
  if (space == null) return Errno.BadAddress
  let done: u32 = 0
  while (done < n) {
    const place = pageWalk(space, plus(to, done), true)
    if (place == 0) return Errno.BadAddress
    const piece = pieceAt(plus(to, done), n - done)
    zeroBytes(place, piece)
    done += piece
  }
  return Errno.None
}

/**
 * Copy a string of the process's, its terminating zero included, to `room` (1 or more) bytes at `to`. Its length without the zero;
 * NameTooLong when no zero is among the first `room` bytes; BadAddress. May sleep.
 */
export function userString(to: ptr, from: ptr, room: u32): i32 {
  let done: u32 = 0
  while (done < room) {
    const space = spaceFor(plus(from, done), 1)
    if (space == null) return Errno.BadAddress
    const place = pageWalk(space, plus(from, done), false)
    if (place == 0) return Errno.BadAddress
    const piece = pieceAt(plus(from, done), room - done)
    const length = copyToZero(plus(to, done), place, piece)
    if (length < piece) return (done + length) as number as i32
    done += piece
  }
  return Errno.NameTooLong
}

/** Copy up to and with the first zero byte; how many bytes come before it, `n` if there is none. */
function copyToZero(to: ptr, from: ptr, n: u32): u32 {
  let i: u32 = 0
  while (i < n) {
    const byte = load8(from, i)
    store8(to, i, byte)
    if (byte == 0) return i
    i += 1
  }
  return n
}

let loaded: u32 = 0

/** What the last `userLoad…` read, if it answered Errno.None. */
export function userLoaded(): u32 {
  return loaded
}

/** Read 1, 2 or 4 bytes of the process's into `userLoaded()`. Errno.None or BadAddress. May sleep. */
export function userLoad8(from: ptr): i32 {
  return loadAt(from, 1)
}
export function userLoad16(from: ptr): i32 {
  return loadAt(from, 2)
}
export function userLoad32(from: ptr): i32 {
  return loadAt(from, 4)
}

const scratch = staticMemory(8, 8)

function loadAt(from: ptr, bytes: u32): i32 {
  const space = spaceFor(from, bytes)
  if (space == null) return Errno.BadAddress
  const place = pageWalk(space, from, false)
  if (place == 0) return Errno.BadAddress
  let at = place
  if ((from & PAGE_MASK) + bytes > PAGE_SIZE) { // over the end of a page
    if (userCopyIn(scratch, from, bytes) != Errno.None) return Errno.BadAddress
    at = scratch
  }
  if (bytes == 4) loaded = load32(at, 0)
  else loaded = bytes == 2 ? load16(at, 0) : load8(at, 0)
  return Errno.None
}

/** Write 1, 2 or 4 bytes of the process's. Errno.None or BadAddress. May sleep. */
export function userStore8(to: ptr, value: u32): i32 {
  return storeAt(to, value, 1)
}
export function userStore16(to: ptr, value: u32): i32 {
  return storeAt(to, value, 2)
}
export function userStore32(to: ptr, value: u32): i32 {
  return storeAt(to, value, 4)
}

function storeAt(to: ptr, value: u32, bytes: u32): i32 {
  const space = spaceFor(to, bytes)
  if (space == null) return Errno.BadAddress
  let left: u32 = value
  let i: u32 = 0
  if ((to & PAGE_MASK) + bytes > PAGE_SIZE) { // over the end of a page
    while (i < bytes) {
      if (storeAt(plus(to, i), left & 0xff, 1) != Errno.None) return Errno.BadAddress
      left = left >> 8
      i += 1
    }
    return Errno.None
  }
  const place = pageWalk(space, to, true)
  if (place == 0) return Errno.BadAddress
  if (bytes == 4) store32(place, 0, value)
  else if (bytes == 2) store16(place, 0, value)
  else store8(place, 0, value)
  return Errno.None
}

/**
 * All pages of `n` bytes at `p` are there, and may be read, or written, at their own addresses until something sleeps.
 * Errno.None or BadAddress; OutOfMemory when there is not room for all of them. May sleep.
 */
export function userPin(p: ptr, n: u32, writing: boolean): i32 {
  if (n == 0) return Errno.None
  const space = spaceFor(p, n)
  if (space == null) return Errno.BadAddress
  let round: u32 = 0
  while (round < PIN_ROUNDS) {
    if (allThere(space, p, n, writing)) return Errno.None
    let done: u32 = 0
    while (done < n) {
      if (pageWalk(space, plus(p, done), writing) == 0) return Errno.BadAddress
      done += pieceAt(plus(p, done), n - done)
    }
    round += 1
  }
  return Errno.OutOfMemory
}

/** Whether no page needs anything done: then nothing has slept since the first was looked at. */
function allThere(space: AddressSpace, p: ptr, n: u32, writing: boolean): boolean {
  let done: u32 = 0
  while (done < n) {
    if (pageWalkNow(space, plus(p, done), writing) == 0) return false
    done += pieceAt(plus(p, done), n - done)
  }
  return true
}
