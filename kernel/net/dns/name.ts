// Domain names: from text, out of a message, back to text. RFC 1035 §3.1, §4.1.4; RFC 2181 §11. Pure.
//
// A name in memory is as on the wire without compression: each label after its length, then a zero; at most
// DNS_NAME_LIMIT bytes. Letters are small ones: names are compared without regard to case (RFC 4343 §3), and so
// a comparison is one of bytes. In a message a name may end in a pointer to an earlier one; each pointer followed
// must go further back than all before it, so there is no loop and at most one step a byte.

import { load8, store8 } from '../../lib/intrinsics.ts'
import { equalBytes } from '../../lib/memory.ts'
import { plus, type cstring, type ptr, type u32 } from '../../lib/layout.ts'

/** RFC 1035 §2.3.4: octets of a name with its lengths and its end, and of one label. */
export const DNS_NAME_LIMIT: u32 = 255
const LABEL_LIMIT: u32 = 63
/** Text of the longest name, each octet as \DDD, and a zero. */
export const DNS_TEXT_LIMIT: u32 = 1024
/** The first octet a pointer can point at: the header has no names. */
const FIRST_NAME: u32 = 12

const POINTER: u32 = 0xc0
const CHAR_DOT: u32 = 0x2e
const CHAR_BACKSLASH: u32 = 0x5c
const CHAR_ZERO: u32 = 0x30
const FIRST_PRINTED: u32 = 0x21
const LAST_PRINTED: u32 = 0x7e

function small(c: u32): u32 {
  return c >= 0x41 && c <= 0x5a ? c + 0x20 : c
}

/**
 * The name that `length` bytes of text spell, with or without a dot at the end, to `out` (DNS_NAME_LIMIT bytes). Returns
 * its length, 0 for text that is no name: an empty label, one over 63, more than 255 in all, or what is not
 * printed ASCII.
 */
export function dnsNameFromText(out: ptr, text: ptr, length: u32): u32 {
  let size: u32 = length
  if (size > 1 && load8(text, size - 1) == CHAR_DOT) size -= 1
  if (size == 0 || size + 2 > DNS_NAME_LIMIT) return 0
  let start: u32 = 0 // of the label, in the text; its length goes to the same place in `out`
  for (let i: u32 = 0; i <= size; i++) {
    const c: u32 = i < size ? load8(text, i) : CHAR_DOT
    if (c == CHAR_DOT) {
      if (i == start || i - start > LABEL_LIMIT) return 0
      store8(out, start, i - start)
      start = i + 1
    } else {
      if (c < FIRST_PRINTED || c > LAST_PRINTED) return 0
      store8(out, i + 1, small(c))
    }
  }
  store8(out, size + 1, 0)
  return size + 2
}

/**
 * The name at `offset` of a message of `length` bytes, to `out` (DNS_NAME_LIMIT bytes). Returns the offset after it in
 * the message, or 0 if there is none: past the end, over 255 octets, a label type that does not exist, or a
 * pointer that does not go back.
 */
export function dnsNameRead(out: ptr, message: ptr, length: u32, offset: u32): u32 {
  let i: u32 = offset
  let earliest: u32 = offset // where any part of the name began
  let after: u32 = 0 // the first pointer, once there was one
  let size: u32 = 0
  while (i < length) {
    const c: u32 = load8(message, i)
    if (c >= POINTER) {
      if (i + 2 > length) return 0
      const target: u32 = ((c & ~POINTER) << 8) | load8(message, i + 1)
      if (target >= earliest || target < FIRST_NAME) return 0
      if (after == 0) after = i + 2
      earliest = target
      i = target
    } else {
      if (c > LABEL_LIMIT || i + 1 + c > length || size + 1 + c > DNS_NAME_LIMIT) return 0
      store8(out, size, c)
      for (let k: u32 = 1; k <= c; k++) store8(out, size + k, small(load8(message, i + k)))
      size += 1 + c
      i += 1 + c
      if (c == 0) return after != 0 ? after : i
    }
  }
  return 0
}

/** Bytes of a name in memory. */
export function dnsNameLength(name: ptr): u32 {
  let i: u32 = 0
  while (load8(name, i) != 0) i += 1 + load8(name, i)
  return i + 1
}

/** Whether two names in memory are the same. */
export function dnsNameEqual(a: ptr, b: ptr): boolean {
  const length = dnsNameLength(a)
  return length == dnsNameLength(b) && equalBytes(a, b, length)
}

/**
 * The text of a name, zero-terminated, to `out` (DNS_TEXT_LIMIT bytes): labels with dots between, the root as ".", what is
 * not printed as \DDD, a dot or backslash inside a label after a backslash (RFC 1035 §5.1). Returns its length.
 */
export function dnsNameToText(out: ptr, name: ptr): u32 {
  let i: u32 = 0
  let n: u32 = 0
  while (load8(name, i) != 0) {
    if (i > 0) n = put(out, n, CHAR_DOT)
    const end: u32 = i + 1 + load8(name, i)
    for (i += 1; i < end; i++) n = putOctet(out, n, load8(name, i))
  }
  if (n == 0) n = put(out, n, CHAR_DOT)
  store8(out, n, 0)
  return n
}

function putOctet(out: ptr, at: u32, c: u32): u32 {
  let n: u32 = at
  if (c == CHAR_DOT || c == CHAR_BACKSLASH) n = put(out, n, CHAR_BACKSLASH)
  if (c >= FIRST_PRINTED && c <= LAST_PRINTED) return put(out, n, c)
  n = put(out, n, CHAR_BACKSLASH)
  n = put(out, n, CHAR_ZERO + c / 100)
  n = put(out, n, CHAR_ZERO + (c / 10) % 10)
  return put(out, n, CHAR_ZERO + c % 10)
}

function put(out: ptr, at: u32, c: u32): u32 {
  store8(out, at, c)
  return at + 1
}

/** Whether a name is one label, `label`, or ends in it: "localhost" and all names under it. */
export function dnsNameUnder(name: ptr, label: cstring): boolean {
  let i: u32 = 0
  let last: u32 = 0
  while (load8(name, i) != 0) {
    last = i
    i += 1 + load8(name, i)
  }
  const length: u32 = load8(name, last)
  for (let k: u32 = 0; k < length; k++) {
    if (load8(label as ptr, k) != load8(plus(name, last + 1), k)) return false
  }
  return load8(label as ptr, length) == 0
}
