// JSON into a TextWriter. RFC 8259 §2. Main-loop context only.
//
// A comma goes before whatever does not follow an opening bracket, so there is nothing to keep beside the writer.
// Texts are the kernel's own: nothing in them needs an escape.

import { divide64, load8 } from '../../lib/intrinsics.ts'
import { plus, staticMemory, type cstring, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import { writeChar, writeDecimal64, writePadded, writeSigned, writeText, type TextWriter } from '../../lib/print.ts'

const QUOTE: u32 = 0x22
const COMMA: u32 = 0x2c
const COLON: u32 = 0x3a
const OPEN_ARRAY: u32 = 0x5b
const CLOSE_ARRAY: u32 = 0x5d
const OPEN_OBJECT: u32 = 0x7b
const CLOSE_OBJECT: u32 = 0x7d
const POINT: u32 = 0x2e
const ZERO: u32 = 0x30
const MICROSECONDS_PER_SECOND: u32 = 1_000_000
const PLACES: u32 = 6

const whole = staticMemory(8, 8)

function comma(writer: TextWriter): void {
  if (writer.next == writer.start) return
  const last: u32 = load8(plus(writer.next, 0 - 1), 0)
  if (last != OPEN_OBJECT && last != OPEN_ARRAY) writeChar(writer, COMMA)
}

/** The beginning of an object without a name. */
export function jsonObject(writer: TextWriter): void {
  comma(writer)
  writeChar(writer, OPEN_OBJECT)
}

/** The end of an object. */
export function jsonObjectEnd(writer: TextWriter): void {
  writeChar(writer, CLOSE_OBJECT)
}

/** The beginning of an array that is a member of an object. */
export function jsonArray(writer: TextWriter, name: cstring): void {
  member(writer, name)
  writeChar(writer, OPEN_ARRAY)
}

/** The end of an array. */
export function jsonArrayEnd(writer: TextWriter): void {
  writeChar(writer, CLOSE_ARRAY)
}

function member(writer: TextWriter, name: cstring): void {
  comma(writer)
  quoted(writer, name)
  writeChar(writer, COLON)
}

function quoted(writer: TextWriter, text: cstring): void {
  writeChar(writer, QUOTE)
  writeText(writer, text)
  writeChar(writer, QUOTE)
}

/** A member that is an integer. */
export function jsonSigned(writer: TextWriter, name: cstring, value: i32): void {
  member(writer, name)
  writeSigned(writer, value)
}

/** A member that is the u64 at `value`. */
export function jsonDecimal64(writer: TextWriter, name: cstring, value: ptr): void {
  member(writer, name)
  writeDecimal64(writer, value)
}

/** A member in seconds: the u64 of microseconds at `value`, with six places. */
export function jsonSeconds(writer: TextWriter, name: cstring, value: ptr): void {
  member(writer, name)
  const rest: u32 = divide64(whole, value, MICROSECONDS_PER_SECOND)
  writeDecimal64(writer, whole)
  writeChar(writer, POINT)
  writePadded(writer, rest, PLACES, ZERO)
}

/** A member that is a text. */
export function jsonText(writer: TextWriter, name: cstring, text: cstring): void {
  member(writer, name)
  quoted(writer, text)
}
