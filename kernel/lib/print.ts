// Numbers, addresses and text into a bounded buffer.
//
// A TextWriter writes each item whole or not at all: the first that does not fit sets `cut`, and nothing is
// written after it, so a number is never half there. Usable in every context: a writer is its owner's.

import { copy64, divide64, load32, load8, store8 } from './intrinsics.ts'
import {
  distance, plus, staticMemory, struct, type Stored, type bool, type cstring, type i32, type ptr, type u32,
} from './layout.ts'
import { copyBytes, stringLength } from './memory.ts'

@struct
export class TextWriter {
  start: ptr
  next: ptr // where the next byte goes; start <= next <= limit
  limit: ptr
  cut: Stored<u32, bool> // something did not fit
}

const CHAR_SPACE: u32 = 0x20
const CHAR_QUOTE: u32 = 0x22
const CHAR_ZERO: u32 = 0x30
const CHAR_LETTER_A: u32 = 0x61
const CHAR_BACKSLASH: u32 = 0x5c
const BILLION: u32 = 1000000000

const quotient = staticMemory(8, 8)
const digits = staticMemory(16, 8)

/** Begin to write into the `bytes` bytes at `buffer`. */
export function writerInit(writer: TextWriter, buffer: ptr, bytes: u32): void {
  writer.start = buffer
  writer.next = buffer
  writer.limit = plus(buffer, bytes)
  writer.cut = false
}

/** Bytes written. */
export function writerLength(writer: TextWriter): u32 {
  return distance(writer.start, writer.next)
}

/** Room for `bytes` more, or 0 with `cut` set. */
export function writerRoom(writer: TextWriter, bytes: u32): ptr {
  if (writer.cut || bytes > distance(writer.next, writer.limit)) {
    writer.cut = true
    return 0 as ptr
  }
  const p = writer.next
  writer.next = plus(p, bytes)
  return p
}

/** One byte. */
export function writeChar(writer: TextWriter, char: u32): void {
  const p = writerRoom(writer, 1)
  if (p != 0) store8(p, 0, char)
}

/** `n` bytes as they are. */
export function writeBytes(writer: TextWriter, from: ptr, n: u32): void {
  const p = writerRoom(writer, n)
  if (p != 0) copyBytes(p, from, n)
}

/** Terminated text as it is. */
export function writeText(writer: TextWriter, text: cstring): void {
  writeBytes(writer, text as ptr, stringLength(text))
}

/** An unsigned decimal. */
export function writeDecimal(writer: TextWriter, value: u32): void {
  writePadded(writer, value, 1, CHAR_ZERO)
}

/** A signed decimal. */
export function writeSigned(writer: TextWriter, value: i32): void {
  if (value < 0) {
    writeChar(writer, 0x2d)
    writeDecimal(writer, (0 - value) as number as u32)
  } else writeDecimal(writer, value as number as u32)
}

/** An unsigned decimal of at least `width` places (1 to 16), filled up on the left with `fill`. */
export function writePadded(writer: TextWriter, value: u32, width: u32, fill: u32): void {
  let at: u32 = 16
  let rest: u32 = value
  do {
    at -= 1
    store8(digits, at, CHAR_ZERO + rest % 10)
    rest = rest / 10
  } while (rest != 0)
  while (16 - at < width) {
    at -= 1
    store8(digits, at, fill)
  }
  writeBytes(writer, plus(digits, at), 16 - at)
}

/** The u64 at `value`, in decimal. */
export function writeDecimal64(writer: TextWriter, value: ptr): void {
  writePadded64(writer, value, 1)
}

/** The u64 at `value`, in decimal, of at least `width` places (1 to 10), filled up with spaces. */
export function writePadded64(writer: TextWriter, value: ptr, width: u32): void {
  copy64(quotient, 0, value, 0)
  const low: u32 = divide64(quotient, quotient, BILLION)
  if (isZero64(quotient)) {
    writePadded(writer, low, width, CHAR_SPACE)
    return
  }
  const middle: u32 = divide64(quotient, quotient, BILLION)
  const high: u32 = load32(quotient, 0) // 2^64 is 18 times 10^18
  if (high != 0) {
    writeDecimal(writer, high)
    writePadded(writer, middle, 9, CHAR_ZERO)
  } else writePadded(writer, middle, width > 10 ? width - 9 : 1, CHAR_SPACE)
  writePadded(writer, low, 9, CHAR_ZERO)
}

function isZero64(p: ptr): boolean {
  return load32(p, 0) == 0 && load32(p, 4) == 0
}

/** The last `places` (1 to 8) hexadecimal digits, lower case, without a prefix. */
export function writeHexDigits(writer: TextWriter, value: u32, places: u32): void {
  const p = writerRoom(writer, places)
  if (p == 0) return
  let i: u32 = 0
  while (i < places) {
    store8(p, i, hexDigit((value >> ((places - 1 - i) << 2)) & 15))
    i += 1
  }
}

/** 0x and as many digits as the value needs. */
export function writeHex(writer: TextWriter, value: u32): void {
  let places: u32 = 1
  while (places < 8 && value >> (places << 2) != 0) places += 1
  writeText(writer, '0x')
  writeHexDigits(writer, value, places)
}

/** 0x and the 16 digits of the u64 at `value`. */
export function writeHex64(writer: TextWriter, value: ptr): void {
  writeText(writer, '0x')
  writeHexDigits(writer, load32(value, 4), 8)
  writeHexDigits(writer, load32(value, 0), 8)
}

function hexDigit(value: u32): u32 {
  return value < 10 ? CHAR_ZERO + value : CHAR_LETTER_A + value - 10
}

/** An IPv4 address, most significant byte first in the number: 0x0a000001 is 10.0.0.1. */
export function writeIpv4(writer: TextWriter, address: u32): void {
  writeDecimal(writer, address >> 24)
  writeChar(writer, 0x2e)
  writeDecimal(writer, (address >> 16) & 0xff)
  writeChar(writer, 0x2e)
  writeDecimal(writer, (address >> 8) & 0xff)
  writeChar(writer, 0x2e)
  writeDecimal(writer, address & 0xff)
}

/** The six bytes at `mac` as 52:54:00:12:34:56. */
export function writeMac(writer: TextWriter, mac: ptr): void {
  let i: u32 = 0
  while (i < 6) {
    if (i != 0) writeChar(writer, 0x3a)
    writeHexDigits(writer, load8(mac, i), 2)
    i += 1
  }
}

/** The 16 bytes at `uuid` as 8-4-4-4-12 digits. RFC 9562 §4. */
export function writeUuid(writer: TextWriter, uuid: ptr): void {
  let i: u32 = 0
  while (i < 16) {
    if (i == 4 || i == 6 || i == 8 || i == 10) writeChar(writer, 0x2d)
    writeHexDigits(writer, load8(uuid, i), 2)
    i += 1
  }
}

/**
 * `n` bytes of anything between double quotes: a quote and a backslash get a backslash, a byte that is not
 * printable ASCII becomes \xNN. What does not fit is left out; the closing quote is there if the opening one is.
 */
export function writeQuoted(writer: TextWriter, from: ptr, n: u32): void {
  if (writer.cut || distance(writer.next, writer.limit) < 2) {
    writer.cut = true
    return
  }
  writer.limit = plus(writer.limit, 0xffffffff) // keep the place of the closing quote
  writeChar(writer, CHAR_QUOTE)
  let i: u32 = 0
  while (i < n && !writer.cut) {
    writeEscaped(writer, load8(from, i))
    i += 1
  }
  writer.limit = plus(writer.limit, 1)
  store8(writer.next, 0, CHAR_QUOTE)
  writer.next = plus(writer.next, 1)
}

function writeEscaped(writer: TextWriter, char: u32): void {
  if (char == CHAR_QUOTE || char == CHAR_BACKSLASH) {
    const p = writerRoom(writer, 2)
    if (p == 0) return
    store8(p, 0, CHAR_BACKSLASH)
    store8(p, 1, char)
  } else if (isPrintable(char)) writeChar(writer, char)
  else {
    const p = writerRoom(writer, 4)
    if (p == 0) return
    store8(p, 0, CHAR_BACKSLASH)
    store8(p, 1, 0x78) // x
    store8(p, 2, hexDigit(char >> 4))
    store8(p, 3, hexDigit(char & 15))
  }
}

/** Printable ASCII, space included. */
export function isPrintable(char: u32): boolean {
  return char >= CHAR_SPACE && char < 0x7f
}
