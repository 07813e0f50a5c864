// JSON into a bounded buffer: RFC 8259 §2. The caller writes the braces and commas, in the text before each value.

import { load8 } from '../../lib/intrinsics.ts'
import type { cstring, ptr, u32 } from '../../lib/layout.ts'
import { stringLength } from '../../lib/memory.ts'
import {
  isPrintable, writeChar, writeDecimal, writeDecimal64, writeHexDigits, writeText, type TextWriter,
} from '../../lib/print.ts'

const QUOTE: u32 = 0x22
const BACKSLASH: u32 = 0x5c

/** `before`, and a number. */
export function jsonNumber(writer: TextWriter, before: cstring, value: u32): void {
  writeText(writer, before)
  writeDecimal(writer, value)
}

/** `before`, and the u64 at `value`. */
export function jsonNumber64(writer: TextWriter, before: cstring, value: ptr): void {
  writeText(writer, before)
  writeDecimal64(writer, value)
}

/** `before`, and true or false. */
export function jsonBoolean(writer: TextWriter, before: cstring, value: boolean): void {
  writeText(writer, before)
  writeText(writer, value ? 'true' : 'false')
}

/** `before`, and terminated text as a string. */
export function jsonText(writer: TextWriter, before: cstring, value: cstring): void {
  writeText(writer, before)
  jsonString(writer, value as ptr, stringLength(value))
}

/** `n` bytes as a string; one that is not printable ASCII is the code point of its number. RFC 8259 §7. */
export function jsonString(writer: TextWriter, from: ptr, n: u32): void {
  writeChar(writer, QUOTE)
  for (let i: u32 = 0; i < n; i++) {
    const char: u32 = load8(from, i)
    if (char == QUOTE || char == BACKSLASH) writeChar(writer, BACKSLASH)
    if (isPrintable(char)) writeChar(writer, char)
    else {
      writeText(writer, '\\u00')
      writeHexDigits(writer, char, 2)
    }
  }
  writeChar(writer, QUOTE)
}
