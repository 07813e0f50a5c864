// The kernel command line: `key=value` separated by spaces, from the loader. docs/contract.md, "Kernel command line".
//
// The line comes from outside and may hold anything: it is read up to a zero byte, the end of what the loader
// gave, or COMMAND_LINE_LIMIT, whichever comes first, copied, and cut into words. An unknown key and a bad value
// are one `warn` line each; of a key given twice the later value counts. `init=` takes the rest of the line.
// What a value of `eth0` means is kernel/net's business: it is kept as text. Once, at boot.

import { COMMAND_LINE_LIMIT, CARD_LIMIT } from '../config.ts'
import { load8, store8 } from './intrinsics.ts'
import { nth, plus, staticMemory, type cstring, type ptr, type u32 } from './layout.ts'
import { Level, logBytes, logDecimal, logEnd, logQuoted, logQuotedBytes, logStart } from './log.ts'
import { copyBytes, spells, stringLengthBounded } from './memory.ts'
import {
  AddressConflict, Given, INTERFACE_OPTION_LIMIT, PanicOption, ReplacementOption, Selftest, Service, SwapChoice, interfaceOption,
  optionsDefault, type Options,
} from './options.ts'

const enum Verdict { Taken, UnknownKey, BadValue }

/** Less RAM than this is not enough to boot. */
const LEAST_MEMORY: u32 = 16 << 20
const MOST_MEMORY: u32 = 0xfffff000
const CHAR_SPACE: u32 = 0x20
const CHAR_COMMA: u32 = 0x2c
const CHAR_DOT: u32 = 0x2e
const CHAR_EQUALS: u32 = 0x3d
const NOT_A_NUMBER: u32 = 0xffffffff

/** The copy that values point into; each value is followed by a zero byte. */
const text = staticMemory(COMMAND_LINE_LIMIT + 8, 8)
/** What a bad value should have been. */
let wanted: cstring = ''

/** Read the line at `line`, of which `available` bytes may be looked at, into `options`. Logs what is wrong with it. */
export function commandLineParse(options: Options, line: ptr, available: u32): void {
  optionsDefault(options)
  const end = copyLine(line, available)
  let i: u32 = 0
  while (i < end) {
    if (isSeparator(load8(text, i))) i += 1
    else i = takeWord(options, i, end)
  }
}

/** Copy the line and return its length; a word that the limit cuts is dropped, half a value is another value. */
function copyLine(line: ptr, available: u32): u32 {
  let length = stringLengthBounded(line, available > COMMAND_LINE_LIMIT ? COMMAND_LINE_LIMIT + 1 : available)
  if (length > COMMAND_LINE_LIMIT) {
    length = COMMAND_LINE_LIMIT
    while (length != 0 && !isSeparator(load8(line, length))) length -= 1
    if (logStart(Level.Warn, 'boot', 'options-cut')) {
      logDecimal('bytes', length)
      logDecimal('limit', COMMAND_LINE_LIMIT)
      logEnd()
    }
  }
  copyBytes(text, line, length)
  store8(text, length, 0)
  return length
}

/** Take the word that begins at `start`; returns where to go on. */
function takeWord(options: Options, start: u32, end: u32): u32 {
  let keyEnd: u32 = start
  while (keyEnd < end && load8(text, keyEnd) != CHAR_EQUALS && !isSeparator(load8(text, keyEnd))) keyEnd += 1
  let valueStart: u32 = keyEnd
  if (keyEnd < end && load8(text, keyEnd) == CHAR_EQUALS) valueStart += 1
  const key = plus(text, start)
  const keyLength: u32 = keyEnd - start
  const takesRest = valueStart != keyEnd && spells(key, keyLength, 'init')
  const valueEnd = takesRest ? trimmed(valueStart, end) : wordEnd(valueStart, end)
  store8(text, valueEnd, 0)
  const value = plus(text, valueStart)
  const valueLength: u32 = valueEnd - valueStart
  const verdict = takeOption(options, key, keyLength, value, valueLength)
  if (verdict == Verdict.UnknownKey) warnUnknown(key, keyLength)
  if (verdict == Verdict.BadValue) warnBad(key, keyLength, value, valueLength)
  return valueEnd == end ? end : valueEnd + 1
}

function wordEnd(start: u32, end: u32): u32 {
  let i: u32 = start
  while (i < end && !isSeparator(load8(text, i))) i += 1
  return i
}

/** The rest of the line, without what separates at its end. */
function trimmed(start: u32, end: u32): u32 {
  let i: u32 = end
  while (i > start && isSeparator(load8(text, i - 1))) i -= 1
  return i
}

/** Space, and what editors and loaders put in its place. */
function isSeparator(char: u32): boolean {
  return char == CHAR_SPACE || (char >= 0x09 && char <= 0x0d) || char == 0
}

function takeOption(options: Options, key: ptr, keyLength: u32, value: ptr, length: u32): Verdict {
  if (spells(key, keyLength, 'forward')) return takeForward(options, value, length)
  if (spells(key, keyLength, 'swap')) return takeSwap(options, value, length)
  if (spells(key, keyLength, 'replacement')) return takeReplacement(options, value, length)
  if (spells(key, keyLength, 'acd')) return takeAcd(options, value, length)
  if (spells(key, keyLength, 'mem')) return takeMemory(options, value, length)
  if (spells(key, keyLength, 'services')) return takeServices(options, value, length)
  if (spells(key, keyLength, 'init')) return takeInit(options, value, length)
  if (spells(key, keyLength, 'selftest')) return takeSelftest(options, value, length)
  if (spells(key, keyLength, 'log')) return takeLog(options, value, length)
  if (spells(key, keyLength, 'panic')) return takePanic(options, value, length)
  if (isInterfaceKey(key, keyLength)) return takeInterface(options, key, keyLength, value, length)
  return Verdict.UnknownKey
}

function taken(options: Options, which: Given): Verdict {
  options.given |= which
  return Verdict.Taken
}

function bad(want: cstring): Verdict {
  wanted = want
  return Verdict.BadValue
}

function takeForward(options: Options, value: ptr, length: u32): Verdict {
  if (spells(value, length, '0')) options.forward = false
  else if (spells(value, length, '1')) options.forward = true
  else return bad('0 or 1')
  return taken(options, Given.Forward)
}

function takeSwap(options: Options, value: ptr, length: u32): Verdict {
  if (spells(value, length, 'none')) options.swap = SwapChoice.None
  else {
    if (length != 3 || !spells(value, 2, 'vd')) return bad('vda to vdz, or none')
    const letter: u32 = load8(value, 2) - 0x61
    if (letter >= 26) return bad('vda to vdz, or none')
    options.swap = SwapChoice.Named
    options.swapDisk = letter
  }
  return taken(options, Given.Swap)
}

function takeAcd(options: Options, value: ptr, length: u32): Verdict {
  if (spells(value, length, 'optimistic')) options.acd = AddressConflict.Optimistic
  else if (spells(value, length, 'strict')) options.acd = AddressConflict.Strict
  else if (spells(value, length, 'off')) options.acd = AddressConflict.Off
  else return bad('optimistic, strict or off')
  return taken(options, Given.Acd)
}

/** Digits, then nothing, K, M or G. */
function takeMemory(options: Options, value: ptr, length: u32): Verdict {
  const want: cstring = 'a size from 16M on, such as 512M or 1G'
  if (length == 0) return bad(want)
  const shift = sizeShift(load8(value, length - 1))
  const digits: u32 = shift == 0 ? length : length - 1
  const number = decimal(value, digits)
  if (number == NOT_A_NUMBER) return bad(want)
  let bytes: u32 = number << shift
  if (bytes >> shift != number) bytes = MOST_MEMORY
  if (bytes < LEAST_MEMORY) return bad(want)
  options.memoryLimit = bytes > MOST_MEMORY ? MOST_MEMORY : bytes
  return taken(options, Given.Mem)
}

function sizeShift(suffix: u32): u32 {
  const letter: u32 = suffix | 0x20
  if (letter == 0x6b) return 10 // k
  if (letter == 0x6d) return 20 // m
  if (letter == 0x67) return 30 // g
  return 0
}

/** A list with commas of what is in `serviceBit`, or `none`. */
function takeServices(options: Options, value: ptr, length: u32): Verdict {
  let services: u32 = 0
  let start: u32 = 0
  while (start <= length && !spells(value, length, 'none')) {
    let end: u32 = start
    while (end < length && load8(value, end) != CHAR_COMMA) end += 1
    const bit = serviceBit(plus(value, start), end - start)
    if (bit == 0) return bad('any of echo,discard,chargen,http,iperf3, or none')
    services |= bit
    start = end + 1
  }
  options.services = services
  return taken(options, Given.Services)
}

function serviceBit(name: ptr, length: u32): u32 {
  if (spells(name, length, 'echo')) return Service.Echo
  if (spells(name, length, 'discard')) return Service.Discard
  if (spells(name, length, 'chargen')) return Service.Chargen
  if (spells(name, length, 'http')) return Service.Http
  if (spells(name, length, 'iperf3')) return Service.Iperf3
  return 0
}

function takeInit(options: Options, value: ptr, length: u32): Verdict {
  if (length == 0) return bad('the path of a program')
  options.init = value as cstring
  return taken(options, Given.Init)
}

function takeSelftest(options: Options, value: ptr, length: u32): Verdict {
  if (spells(value, length, 'swap')) options.selftest = Selftest.Swap
  else if (spells(value, length, 'net')) options.selftest = Selftest.Net
  else if (spells(value, length, 'mm')) options.selftest = Selftest.Mm
  else if (spells(value, length, 'all')) options.selftest = Selftest.All
  else return bad('swap, net, mm or all')
  return taken(options, Given.Selftest)
}

function takeLog(options: Options, value: ptr, length: u32): Verdict {
  if (spells(value, length, 'error')) options.log = Level.Error
  else if (spells(value, length, 'warn')) options.log = Level.Warn
  else if (spells(value, length, 'info')) options.log = Level.Info
  else if (spells(value, length, 'debug')) options.log = Level.Debug
  else return bad('error, warn, info or debug')
  return taken(options, Given.Log)
}

function takeReplacement(options: Options, value: ptr, length: u32): Verdict {
  if (spells(value, length, 'lru')) options.replacement = ReplacementOption.Lru
  else if (spells(value, length, 'clock')) options.replacement = ReplacementOption.Clock
  else if (spells(value, length, 'fifo')) options.replacement = ReplacementOption.Fifo
  else return bad('lru, clock or fifo')
  return taken(options, Given.Replacement)
}

function takePanic(options: Options, value: ptr, length: u32): Verdict {
  if (spells(value, length, 'halt')) options.panic = PanicOption.Halt
  else if (spells(value, length, 'reboot')) options.panic = PanicOption.Reboot
  else if (spells(value, length, 'exit')) options.panic = PanicOption.Exit
  else return bad('halt, reboot or exit')
  return taken(options, Given.Panic)
}

/** eth and a digit: whatever follows, it is meant to be an interface. */
function isInterfaceKey(key: ptr, length: u32): boolean {
  return length >= 4 && spells(key, 3, 'eth') && isDigit(load8(key, 3))
}

/** ethN or ethN.V, and any text that is not empty. */
function takeInterface(options: Options, key: ptr, keyLength: u32, value: ptr, length: u32): Verdict {
  let dot: u32 = 3
  while (dot < keyLength && load8(key, dot) != CHAR_DOT) dot += 1
  const index = decimal(plus(key, 3), dot - 3)
  let vlan: u32 = 0
  if (dot < keyLength) {
    vlan = decimal(plus(key, dot + 1), keyLength - dot - 1)
    if (vlan == 0 || vlan > 4094) return bad('a VLAN from 1 to 4094')
  }
  if (index >= CARD_LIMIT) return bad('an interface from eth0 to eth7')
  if (length == 0) return bad('dhcp, off or A.B.C.D/N')
  let option = interfaceOption(options, index, vlan)
  if (option == null) {
    if (options.interfaceCount == INTERFACE_OPTION_LIMIT) return bad('no more than 16 interfaces')
    option = nth(options.interfaces, options.interfaceCount)
    options.interfaceCount += 1
  }
  option.index = index
  option.vlan = vlan
  option.value = value as cstring
  return taken(options, vlan == 0 ? Given.Interface : Given.Vlan)
}

function isDigit(char: u32): boolean {
  return char >= 0x30 && char <= 0x39
}

/** The number that `length` digits spell; NOT_A_NUMBER for none, ten or more, another byte, or a needless zero. */
function decimal(p: ptr, length: u32): u32 {
  if (length == 0 || length > 9 || (length > 1 && load8(p, 0) == 0x30)) return NOT_A_NUMBER
  let number: u32 = 0
  let i: u32 = 0
  while (i < length) {
    const char = load8(p, i)
    if (!isDigit(char)) return NOT_A_NUMBER
    number = number * 10 + char - 0x30
    i += 1
  }
  return number
}

function warnUnknown(key: ptr, length: u32): void {
  if (!logStart(Level.Warn, 'boot', 'option-unknown')) return
  logQuotedBytes('key', key, length)
  logEnd()
}

function warnBad(key: ptr, keyLength: u32, value: ptr, length: u32): void {
  if (!logStart(Level.Warn, 'boot', 'option-bad')) return
  logBytes('key', key, keyLength)
  logQuotedBytes('value', value, length)
  logQuoted('want', wanted)
  logEnd()
}
