// The kernel's log: one event a line, for people and for scripts. docs/contract.md, "Serial log".
//
//   [    0.004213] info  net: up if=eth0 ip=10.0.2.15/24
//   [seconds.microseconds] level subsystem: event key=value key=value
//
//   if (logStart(Level.Info, 'net', 'up')) { logText('if', name); logIpv4('ip', address); logEnd() }
//
// A line is built in one fixed buffer and handed whole to every sink. A value that does not fit is left out and
// the line ends in ` cut=1`; a value that could break the format is quoted, its quotes and control bytes escaped.
// The last lines stay in memory: `logRecent`. Main-loop context, or a panic; a sink must not log.

import { clockNow64, clockUpdate } from './clock.ts'
import { copy64, divide64, load8, store8 } from './intrinsics.ts'
import {
  nth, plus, staticMemory, staticRow, staticStruct, struct, type cstring, type i32, type ptr, type u32,
} from './layout.ts'
import { copyBytes, stringLength } from './memory.ts'
import {
  TextWriter, isPrintable, writeBytes, writeChar, writeDecimal, writeDecimal64, writeHex, writeHex64, writeIpv4,
  writeMac, writePadded, writePadded64, writeQuoted, writeSigned, writeText, writeUuid, writerInit, writerLength,
  writerRoom,
} from './print.ts'

export const enum Level { Error, Warn, Info, Debug }

/** Takes one line of `length` bytes, without a line end. Must not log. */
export type LogSink = (line: ptr, length: u32) => void

/** Longest line, the mark of a cut one included. */
export const LOG_LINE_LIMIT: u32 = 512
/** Bytes of past lines kept in memory. */
const RECENT_SIZE: u32 = 16384
/** Serial console, VGA console, and two more. */
const SINK_LIMIT: u32 = 4
const CUT_MARK_LENGTH: u32 = 6
const MICROSECONDS_PER_SECOND: u32 = 1000000
const CHAR_NEWLINE: u32 = 0x0a
const CHAR_SPACE: u32 = 0x20
const CHAR_QUOTE: u32 = 0x22
const CHAR_BACKSLASH: u32 = 0x5c
const CHAR_EQUALS: u32 = 0x3d

@struct
class Sink {
  write: LogSink
}

@struct
class LevelCount {
  lines: u32
}

const sinks = staticRow<Sink>(SINK_LIMIT)
const counts = staticRow<LevelCount>(4)
const line = staticMemory(LOG_LINE_LIMIT, 8)
const writer = staticStruct<TextWriter>()
const seconds = staticMemory(8, 8)
const recent = staticMemory(RECENT_SIZE, 8)

let sinkCount: u32 = 0
let threshold: Level = Level.Info
let open: boolean = false
/** Where the last ` key=` began. */
let pairStart: ptr = 0 as ptr
/** Bytes ever put into `recent`, modulo 2^32, which its size divides: the place is the remainder. */
let recentNext: u32 = 0
let recentLength: u32 = 0

/** Give every further line to `write` too. False when there are SINK_LIMIT already. */
export function logSinkAdd(write: LogSink): boolean {
  if (sinkCount == SINK_LIMIT) return false
  nth(sinks, sinkCount).write = write
  sinkCount += 1
  return true
}

/** Let through what is as grave as `level` or graver. */
export function logLevelSet(level: Level): void {
  threshold = level
}

/** Lines of this level so far, those not let through left out. */
export function logCount(level: Level): u32 {
  return nth(counts, level).lines
}

/** Begin a line; false when its level is not let through: then leave out its values and `logEnd`. */
export function logStart(level: Level, subsystem: cstring, event: cstring): boolean {
  if (level > threshold) return false
  if (open) logEnd()
  open = true
  nth(counts, level).lines += 1
  writerInit(writer, line, LOG_LINE_LIMIT - CUT_MARK_LENGTH)
  writeTime()
  writeText(writer, levelName(level))
  writeText(writer, subsystem)
  writeText(writer, ': ')
  writeText(writer, event)
  return true
}

/** End the line: every sink gets it. */
export function logEnd(): void {
  if (!open) return
  open = false
  if (writer.cut) appendCutMark()
  const length = writerLength(writer)
  keep(length)
  let i: u32 = 0
  while (i < sinkCount) {
    const sink = nth(sinks, i)
    sink.write(line, length)
    i += 1
  }
}

/** A line without values. */
export function logLine(level: Level, subsystem: cstring, event: cstring): void {
  if (logStart(level, subsystem, event)) logEnd()
}

/** Text of the kernel's own; quoted all the same if it is empty or has a byte that would break the format. */
export function logText(name: cstring, value: cstring): void {
  logBytes(name, value as ptr, stringLength(value))
}

/** As `logText`, for `n` bytes that may come from outside. */
export function logBytes(name: cstring, value: ptr, n: u32): void {
  key(name)
  if (isPlain(value, n)) writeBytes(writer, value, n)
  else writeQuoted(writer, value, n)
}

/** Text between quotes: sentences, and whatever comes from outside. */
export function logQuoted(name: cstring, value: cstring): void {
  logQuotedBytes(name, value as ptr, stringLength(value))
}

/** As `logQuoted`, for `n` bytes. */
export function logQuotedBytes(name: cstring, value: ptr, n: u32): void {
  key(name)
  writeQuoted(writer, value, n)
}

export function logDecimal(name: cstring, value: u32): void {
  key(name)
  writeDecimal(writer, value)
}

export function logSigned(name: cstring, value: i32): void {
  key(name)
  writeSigned(writer, value)
}

/** The u64 at `value`, in decimal. */
export function logDecimal64(name: cstring, value: ptr): void {
  key(name)
  writeDecimal64(writer, value)
}

/** In hexadecimal with 0x. */
export function logHex(name: cstring, value: u32): void {
  key(name)
  writeHex(writer, value)
}

/** The u64 at `value` as 0x and 16 digits. */
export function logHex64(name: cstring, value: ptr): void {
  key(name)
  writeHex64(writer, value)
}

/** An IPv4 address, most significant byte first in the number. */
export function logIpv4(name: cstring, address: u32): void {
  key(name)
  writeIpv4(writer, address)
}

/** An IPv4 address and the length of its prefix: 10.0.2.15/24. */
export function logIpv4Prefix(name: cstring, address: u32, prefixLength: u32): void {
  key(name)
  writeIpv4(writer, address)
  writeChar(writer, 0x2f)
  writeDecimal(writer, prefixLength)
}

/** An IPv4 address and a port: 10.0.2.15:80. */
export function logIpv4Port(name: cstring, address: u32, port: u32): void {
  key(name)
  writeIpv4(writer, address)
  writeChar(writer, 0x3a)
  writeDecimal(writer, port)
}

/** The six bytes at `mac`. */
export function logMac(name: cstring, mac: ptr): void {
  key(name)
  writeMac(writer, mac)
}

/** The 16 bytes at `uuid`. */
export function logUuid(name: cstring, uuid: ptr): void {
  key(name)
  writeUuid(writer, uuid)
}

/**
 * The newest whole lines that fit into `capacity` bytes at `out`, oldest first, each with a line feed. Returns
 * how many bytes.
 */
export function logRecent(out: ptr, capacity: u32): u32 {
  let length: u32 = recentLength
  if (length > capacity) {
    length = capacity
    while (length != 0 && recentByte(length + 1) != CHAR_NEWLINE) length -= 1
  }
  let i: u32 = 0
  while (i < length) {
    store8(out, i, recentByte(length - i))
    i += 1
  }
  return length
}

/** The byte `back` places before the end of what is kept. */
function recentByte(back: u32): u32 {
  return load8(recent, (recentNext - back) & (RECENT_SIZE - 1))
}

/** Keep a line, and forget the oldest whole lines it needs the place of. */
function keep(length: u32): void {
  while (recentLength + length + 1 > RECENT_SIZE) {
    while (recentByte(recentLength) != CHAR_NEWLINE) recentLength -= 1
    recentLength -= 1
  }
  let i: u32 = 0
  while (i < length) {
    keepByte(load8(line, i))
    i += 1
  }
  keepByte(CHAR_NEWLINE)
}

function keepByte(char: u32): void {
  store8(recent, recentNext & (RECENT_SIZE - 1), char)
  recentNext += 1
  recentLength += 1
}

/** [seconds.microseconds], the seconds in five places. */
function writeTime(): void {
  clockUpdate()
  copy64(seconds, 0, clockNow64(), 0)
  const microseconds: u32 = divide64(seconds, seconds, MICROSECONDS_PER_SECOND)
  writeChar(writer, 0x5b)
  writePadded64(writer, seconds, 5)
  writeChar(writer, 0x2e)
  writePadded(writer, microseconds, 6, 0x30)
  writeText(writer, '] ')
}

/** Six places, so that what follows lines up. */
function levelName(level: Level): cstring {
  switch (level) {
    case Level.Error:
      return 'error '
    case Level.Warn:
      return 'warn  '
    case Level.Info:
      return 'info  '
    default:
      return 'debug '
  }
}

/** ` name=`, whole or not at all. */
function key(name: cstring): void {
  const length = stringLength(name)
  const start = writer.next
  const p = writerRoom(writer, length + 2)
  if (p == 0) return
  pairStart = start
  store8(p, 0, CHAR_SPACE)
  copyBytes(plus(p, 1), name as ptr, length)
  store8(p, length + 1, CHAR_EQUALS)
}

/** Printable, not empty, and without space, quote, backslash and equals sign. */
function isPlain(p: ptr, n: u32): boolean {
  let i: u32 = 0
  while (i < n) {
    const char = load8(p, i)
    if (!isPrintable(char) || char == CHAR_SPACE || char == CHAR_EQUALS) return false
    if (char == CHAR_QUOTE || char == CHAR_BACKSLASH) return false
    i += 1
  }
  return n != 0
}

/** The place for it was kept free. A key whose value did not fit goes too. */
function appendCutMark(): void {
  if (load8(plus(writer.next, 0xffffffff), 0) == CHAR_EQUALS) writer.next = pairStart
  writer.limit = plus(line, LOG_LINE_LIMIT)
  writer.cut = false
  writeText(writer, ' cut=1')
}
