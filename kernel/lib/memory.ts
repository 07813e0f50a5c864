// Bytes in memory: copy, move, fill, compare. Eight bytes a step through a general register, eight steps a
// turn of the loop; no SSE, which kernel code may not touch. Any alignment. Usable in every context.
//
// Addresses are a base and an offset: the offset of a step is a multiple of 64 plus a constant, so that the
// compiler can put the constant into the instruction (docs/dialect.md).

import { copy64, equal64, load16, load32, load8, store16, store32, store64, store8 } from './intrinsics.ts'
import { plus, type cstring, type ptr, type u32 } from './layout.ts'

/** Copy `n` bytes. The places may overlap only if `to` is below `from`; otherwise see `moveBytes`. */
export function copyBytes(to: ptr, from: ptr, n: u32): void {
  const bulk: u32 = n & 0xffffffc0
  let i: u32 = 0
  while (i < bulk) {
    copy64(to, i, from, i)
    copy64(to, i + 8, from, i + 8)
    copy64(to, i + 16, from, i + 16)
    copy64(to, i + 24, from, i + 24)
    copy64(to, i + 32, from, i + 32)
    copy64(to, i + 40, from, i + 40)
    copy64(to, i + 48, from, i + 48)
    copy64(to, i + 56, from, i + 56)
    i += 64
  }
  while (i + 8 <= n) {
    copy64(to, i, from, i)
    i += 8
  }
  copyTail(to, from, i, n & 7)
}

/** The last `n` bytes, 0 to 7, from offset `i` on. */
function copyTail(to: ptr, from: ptr, i: u32, n: u32): void {
  if ((n & 4) != 0) {
    store32(to, i, load32(from, i))
    i += 4
  }
  if ((n & 2) != 0) {
    store16(to, i, load16(from, i))
    i += 2
  }
  if ((n & 1) != 0) store8(to, i, load8(from, i))
}

/** Copy `n` bytes between places that may overlap in either way. */
export function moveBytes(to: ptr, from: ptr, n: u32): void {
  if ((to as u32) - (from as u32) >= n) copyBytes(to, from, n) // `to` is below `from`, or past its end
  else copyBackward(to, from, n)
}

/** From the last byte to the first, for a `to` inside the source. */
function copyBackward(to: ptr, from: ptr, n: u32): void {
  let i: u32 = n
  while ((i & 7) != 0) {
    i -= 1
    store8(to, i, load8(from, i))
  }
  while (i != 0) {
    i -= 8
    copy64(to, i, from, i)
  }
}

/** Set `n` bytes to the low eight bits of `value`. */
export function fillBytes(p: ptr, value: u32, n: u32): void {
  const word: u32 = (value & 0xff) * 0x01010101
  const bulk: u32 = n & 0xffffffe0
  let i: u32 = 0
  while (i < bulk) {
    store64(p, i, word, word)
    store64(p, i + 8, word, word)
    store64(p, i + 16, word, word)
    store64(p, i + 24, word, word)
    i += 32
  }
  while (i + 8 <= n) {
    store64(p, i, word, word)
    i += 8
  }
  while (i < n) {
    store8(p, i, word)
    i += 1
  }
}

/** Set `n` bytes to zero. */
export function zeroBytes(p: ptr, n: u32): void {
  fillBytes(p, 0, n)
}

/** Whether two places hold the same `n` bytes. Leaves at the first difference: not for secrets. */
export function equalBytes(a: ptr, b: ptr, n: u32): boolean {
  let i: u32 = 0
  while (i + 8 <= n) {
    if (!equal64(a, i, b, i)) return false
    i += 8
  }
  while (i < n) {
    if (load8(a, i) != load8(b, i)) return false
    i += 1
  }
  return true
}

/** Whether `n` bytes are all zero. */
export function allZero(p: ptr, n: u32): boolean {
  let i: u32 = 0
  while (i + 4 <= n) {
    if (load32(p, i) != 0) return false
    i += 4
  }
  while (i < n) {
    if (load8(p, i) != 0) return false
    i += 1
  }
  return true
}

/** Bytes before the terminating zero. */
export function stringLength(s: cstring): u32 {
  const p = s as ptr
  let n: u32 = 0
  while (load8(p, n) != 0) n += 1
  return n
}

/** Bytes before the terminating zero, or `limit` if none of the first `limit` bytes is zero. */
export function stringLengthBounded(p: ptr, limit: u32): u32 {
  let n: u32 = 0
  while (n < limit && load8(p, n) != 0) n += 1
  return n
}

/** Whether two terminated strings are the same. */
export function equalStrings(a: cstring, b: cstring): boolean {
  const n = stringLength(a)
  return n == stringLength(b) && equalBytes(a as ptr, b as ptr, n)
}

/** Whether the `n` bytes at `p` spell the terminated string `s`, no more and no less. */
export function spells(p: ptr, n: u32, s: cstring): boolean {
  return n == stringLength(s) && equalBytes(p, s as ptr, n)
}

/** The address just past `n` bytes at `p`, for a range that was checked: see `rangeWraps`. */
export function endOf(p: ptr, n: u32): ptr {
  return plus(p, n)
}

/** Whether `n` bytes at `p` reach past the end of the address space. */
export function rangeWraps(p: ptr, n: u32): boolean {
  return (p as u32) + n < (p as u32)
}
