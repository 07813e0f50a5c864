// What the tests of kernel/lib call: the modules themselves, and doubles for what they call back.

import { clockSet, clockSourceSet } from '../../kernel/lib/clock.ts'
import { commandLineParse } from '../../kernel/lib/command-line.ts'
import { setIdle } from '../../kernel/lib/idle.ts'
import { copy64, store32 } from '../../kernel/lib/intrinsics.ts'
import {
  address, nth, staticMemory, staticRow, staticStruct, struct, type Embed, type cstring, type i32, type ptr,
  type u32,
} from '../../kernel/lib/layout.ts'
import {
  Level, logBytes, logDecimal, logDecimal64, logEnd, logHex, logHex64, logIpv4, logIpv4Prefix, logLine, logMac,
  logQuoted, logQuotedBytes, logSigned, logStart, logText, logUuid,
} from '../../kernel/lib/log.ts'
import { Options, interfaceOption } from '../../kernel/lib/options.ts'
import {
  TextWriter, writeDecimal, writeDecimal64, writeHex, writeHex64, writeHexDigits, writeIpv4, writeMac, writePadded,
  writeQuoted, writeSigned, writeText, writeUuid, writerInit, writerLength,
} from '../../kernel/lib/print.ts'
import { Timer, timerActive, timerStart, timerStop } from '../../kernel/lib/timer.ts'

export { clockNow64, clockUpdate, nowMicroseconds, nowMilliseconds } from '../../kernel/lib/clock.ts'
export { errorOf, isError } from '../../kernel/lib/errno.ts'
export { idle } from '../../kernel/lib/idle.ts'
export { panic } from '../../kernel/lib/panic.ts'
export { panicWhy, rememberPanics } from './panics.ts'
export { hash32, hashBytes } from '../../kernel/lib/hash.ts'
export { keepLog, keptAddress, keptBytes } from './log-sink.ts'
export { logCount, logLevelSet, logRecent } from '../../kernel/lib/log.ts'
export {
  allZero, copyBytes, equalBytes, equalStrings, fillBytes, moveBytes, rangeWraps, spells, stringLength,
  stringLengthBounded, zeroBytes,
} from '../../kernel/lib/memory.ts'
export { timersActive, timersNext, timersRun } from '../../kernel/lib/timer.ts'
export { pollWake } from '../../kernel/lib/sleep.ts'
export { sleepersStart, sleepersWoken } from './sleepers.ts'
export * from './watch.ts'

// --- Time. -------------------------------------------------------------------------------------------------
const time = staticMemory(8, 8)

/** Let it be this many microseconds since boot, in two halves. */
export function setTime(low: u32, high: u32): void {
  store32(time, 0, low)
  store32(time, 4, high)
  clockSet(time)
}

/** From now on the clock reads what `setSource` says. */
export function useSource(): void {
  clockSourceSet(readSource)
}

const sourceTime = staticMemory(8, 8)

export function setSource(low: u32, high: u32): void {
  store32(sourceTime, 0, low)
  store32(sourceTime, 4, high)
}

function readSource(out: ptr): void {
  copy64(out, 0, sourceTime, 0)
}

// --- Timers: 256 of them, each with something to do when it fires. -------------------------------------------
const enum Action { None, Restart, StopOther, StartOther }

@struct
class TestTimer {
  timer: Embed<Timer>
  number: u32
  action: u32
  other: u32
  delay: u32
}

@struct
class FiredEvent {
  number: u32
}

const timers = staticRow<TestTimer>(256)
const fired = staticRow<FiredEvent>(8192)
let firedTotal: u32 = 0

export function startTimer(number: u32, delay: u32): void {
  const each = nth(timers, number)
  each.number = number
  each.timer.owner = address(each)
  timerStart(each.timer, delay, timerFired)
}

export function stopTimer(number: u32): void {
  timerStop(nth(timers, number).timer)
}

export function isTimerActive(number: u32): boolean {
  return timerActive(nth(timers, number).timer)
}

/** What a timer does when it fires: 1 starts itself, 2 stops `other`, 3 starts `other`, with `delay`. */
export function setAction(number: u32, action: u32, other: u32, delay: u32): void {
  const each = nth(timers, number)
  each.action = action
  each.other = other
  each.delay = delay
}

function timerFired(timer: Timer): void {
  let number: u32 = 0
  while (address(nth(timers, number)) != timer.owner) number += 1
  const each = nth(timers, number)
  nth(fired, firedTotal & 8191).number = number
  firedTotal += 1
  if (each.action == Action.Restart) startTimer(number, each.delay)
  if (each.action == Action.StopOther) stopTimer(each.other)
  if (each.action == Action.StartOther) startTimer(each.other, each.delay)
}

export function firedCount(): u32 {
  return firedTotal
}

export function firedNumber(index: u32): u32 {
  return nth(fired, index & 8191).number
}

// --- The log. ------------------------------------------------------------------------------------------------
/** One line with a value of every kind. */
export function logEverything(text: cstring, bytes: ptr, n: u32): void {
  if (!logStart(Level.Info, 'test', 'everything')) return
  logText('text', text)
  logBytes('bytes', bytes, n)
  logQuoted('quoted', text)
  logQuotedBytes('raw', bytes, n)
  logDecimal('max', 0xffffffff)
  logSigned('least', -2147483648)
  logHex('hex', 0xbeef)
  logHex('zero', 0)
  logDecimal64('long', bytes)
  logHex64('wide', bytes)
  logIpv4('ip', 0x0a00020f)
  logIpv4Prefix('net', 0xc0a80000, 16)
  logMac('mac', bytes)
  logUuid('uuid', bytes)
  logEnd()
}

export function logPair(level: u32, name: cstring, value: cstring): boolean {
  if (!logStart(level, 'test', 'pair')) return false
  logText(name, value)
  logEnd()
  return true
}

export function logBare(level: u32, event: cstring): void {
  logLine(level, 'test', event)
}

/** `count` pairs of this name and value, then a number. */
export function logMany(count: u32, name: cstring, value: cstring): void {
  if (!logStart(Level.Info, 'test', 'many')) return
  let i: u32 = 0
  while (i < count) {
    logText(name, value)
    i += 1
  }
  logDecimal('last', 123456789)
  logEnd()
}

export function logLongQuoted(p: ptr, n: u32): void {
  if (!logStart(Level.Info, 'test', 'long')) return
  logQuotedBytes('value', p, n)
  logDecimal('after', 1)
  logEnd()
}

/** A line begun and never ended, then another one. */
export function logForgotten(): void {
  if (logStart(Level.Info, 'test', 'first')) logDecimal('a', 1)
  logLine(Level.Info, 'test', 'second')
}

// --- Text: one writer. ---------------------------------------------------------------------------------------
const writer = staticStruct<TextWriter>()

/** Write one value of a kind into `size` bytes at `buffer`; returns the bytes written, plus 0x10000 if it was cut. */
export function print(kind: u32, value: u32, width: u32, buffer: ptr, size: u32): u32 {
  writerInit(writer, buffer, size)
  switch (kind) {
    case 0: writeDecimal(writer, value); break
    case 1: writeSigned(writer, value as number as i32); break
    case 2: writePadded(writer, value, width, 0x2e); break
    case 3: writeHex(writer, value); break
    case 4: writeHexDigits(writer, value, width); break
    case 5: writeIpv4(writer, value); break
    case 6: writeMac(writer, value as ptr); break
    case 7: writeUuid(writer, value as ptr); break
    case 8: writeDecimal64(writer, value as ptr); break
    case 9: writeHex64(writer, value as ptr); break
    case 10: writeText(writer, value as ptr); break
    default: writeQuoted(writer, value as ptr, width)
  }
  return writerLength(writer) | (writer.cut ? 0x10000 : 0)
}

// --- The command line. ---------------------------------------------------------------------------------------
const options = staticStruct<Options>()

export function parse(line: ptr, available: u32): void {
  commandLineParse(options, line, available)
}

/** The value for ethN or ethN.V, 0 if there is none. */
export function optionInterface(index: u32, vlan: u32): ptr {
  const found = interfaceOption(options, index, vlan)
  return found == null ? 0 as ptr : found.value as ptr
}

export function optionInterfaceCount(): u32 { return options.interfaceCount }
export function optionGivenBits(): u32 { return options.given }
export function optionServices(): u32 { return options.services }
export function optionMemory(): u32 { return options.memoryLimit }
export function optionInit(): ptr { return options.init as ptr }
export function optionForward(): boolean { return options.forward }
export function optionAcd(): u32 { return options.acd }
export function optionSwap(): u32 { return options.swap }
export function optionSwapDisk(): u32 { return options.swapDisk }
export function optionSelftest(): u32 { return options.selftest }
export function optionLog(): u32 { return options.log }
export function optionPanic(): u32 { return options.panic }
export function optionReplacement(): u32 { return options.replacement }

// --- Waiting. ------------------------------------------------------------------------------------------------
let waited: u32 = 0

export function countWaits(): void {
  setIdle(countOne)
}

function countOne(): void {
  waited += 1
}

export function waits(): u32 {
  return waited
}
