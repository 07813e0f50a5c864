// Lines of a panic's report: built here, logged whole. The log wants an event's name before its first value, and
// a panic's first line is `panic: why="…"`: so the whole line is passed as the name. Panic context.

import { staticMemory, staticStruct, type cstring, type ptr, type u32 } from '../../lib/layout.ts'
import { Level, logEnd, logStart } from '../../lib/log.ts'
import { stringLength } from '../../lib/memory.ts'
import {
  TextWriter, writeChar, writeDecimal, writeHex, writeHex64, writeHexDigits, writeQuoted, writeText, writerInit,
  writerLength,
} from '../../lib/print.ts'

const SIZE: u32 = 400
const CHAR_SPACE: u32 = 0x20
const CHAR_EQUALS: u32 = 0x3d

const line = staticMemory(400, 8)
const writer = staticStruct<TextWriter>()

/** Begin a line. */
export function reportStart(): void {
  writerInit(writer, line, SIZE - 1)
}

/** Log the line. */
export function reportEnd(): void {
  writer.limit = (writer.limit + 1) as ptr // the last byte was kept for the zero
  writer.cut = false
  writeChar(writer, 0)
  if (logStart(Level.Error, 'panic', line as cstring)) logEnd()
}

function key(name: cstring): void {
  if (writerLength(writer) != 0) writeChar(writer, CHAR_SPACE)
  writeText(writer, name)
  writeChar(writer, CHAR_EQUALS)
}

/** Text as it is. */
export function reportText(text: cstring): void {
  writeText(writer, text)
}

/** ` name="value"` */
export function reportQuoted(name: cstring, value: cstring): void {
  key(name)
  writeQuoted(writer, value as ptr, stringLength(value))
}

/** ` name=value`, a word of the kernel's own. */
export function reportWord(name: cstring, value: cstring): void {
  key(name)
  writeText(writer, value)
}

/** ` name=0x…`, the 64 bits at `value`. */
export function reportHex64(name: cstring, value: ptr): void {
  key(name)
  writeHex64(writer, value)
}

/** ` name=0x…` */
export function reportHex(name: cstring, value: u32): void {
  key(name)
  writeHex(writer, value)
}

/** A decimal number as it is. */
export function reportNumber(value: u32): void {
  writeDecimal(writer, value)
}

/** A hexadecimal number as it is, with 0x. */
export function reportHexNumber(value: u32): void {
  writeHex(writer, value)
}

/** The 64 bits at `value` as they are, as 0x and 16 digits. */
export function reportHex64Number(value: ptr): void {
  writeHex64(writer, value)
}

/** An address of the kernel in full: 0xffffffff and the eight digits of its lower half. */
export function reportKernelAddress(p: u32): void {
  writeText(writer, '0xffffffff')
  writeHexDigits(writer, p, 8)
}
