// The table with which a panic names functions and TypeScript lines: made from the first link, linked into the
// second. kernel/arch/x86/symbols.ts has its layout, and reads it.

import { execFileSync } from 'node:child_process'
import path from 'node:path'
import type { Elf } from './elf.ts'

export interface CodeFunction { readonly address: bigint; readonly size: number; readonly name: string }
/** From `address` on, up to the next row, the code is of this line; `end` closes a sequence of rows. */
export interface CodeLine { readonly address: bigint; readonly file: string; readonly line: number; readonly end: boolean }

/** Code of a function that was put into its caller's: from `start` up to `end`, and where the call stands. */
export interface InlinedCode {
  readonly start: bigint
  readonly end: bigint
  readonly name: string
  readonly file: string
  readonly line: number
}

const DWARFDUMP = 'llvm-dwarfdump-19'
const MAGIC = 0x4d595350
const HEADER = 16
const FUNCTION = 20

/** The kernel's name of a C function: without the prefix that keeps it apart from other kinds of names. */
export function kernelName(name: string): string {
  return name.replace(/^f_/, '')
}

/** Functions of the loaded kernel by address, each once; assembly labels reach up to the next symbol of the text. */
export function functionsOf(elf: Elf): CodeFunction[] {
  const section = elf.sections.findIndex(each => each.name === '.text')
  const text = elf.sections[section]
  if (text === undefined) return []
  const inText = elf.symbols.filter(each => each.section === section && each.name !== '' && !each.name.startsWith('$'))
  const order = (a: { address: bigint, name: string }, b: { address: bigint, name: string }) =>
    a.address < b.address ? -1 : a.address > b.address ? 1 : a.name < b.name ? -1 : 1
  const sorted = inText.sort(order).filter((each, i, all) => i === 0 || all[i - 1]!.address !== each.address)
  const end = text.virtual + BigInt(text.size)
  return sorted.filter(each => each.address < end).map((each, i) => ({
    address: each.address, name: kernelName(each.name),
    size: each.size > 0 ? each.size : Number((sorted[i + 1]?.address ?? end) - each.address),
  }))
}

/** The line table of an ELF with debug information, in the order of its rows. */
export function linesOf(file: string): CodeLine[] {
  const text = execFileSync(DWARFDUMP, ['--debug-line', file], { encoding: 'utf8', maxBuffer: 1 << 29 })
  return parseLines(text)
}

const DIRECTORY = /^include_directories\[ *(\d+)\] = "(.*)"$/
const FILE = /^file_names\[ *(\d+)\]:$/
const NAME = /^ +name: "(.*)"$/
const DIRECTORY_OF = /^ +dir_index: (\d+)$/
const ROW = /^0x([0-9a-f]{16}) +(\d+) +\d+ +(\d+) /

/** What llvm-dwarfdump prints of `.debug_line`; each unit numbers its directories and files anew (DWARF 5 §6.2.4). */
export function parseLines(text: string): CodeLine[] {
  const rows: CodeLine[] = []
  let directories: string[] = []
  let files: string[] = []
  let current = 0
  for (const line of text.split('\n')) {
    const row = ROW.exec(line)
    if (row) {
      const file = files[Number(row[3])] ?? ''
      rows.push({ address: BigInt(`0x${row[1]}`), line: Number(row[2]), file, end: line.includes('end_sequence') })
    } else if (line.startsWith('debug_line[')) {
      directories = []
      files = []
    } else {
      const directory = DIRECTORY.exec(line)
      const file = FILE.exec(line)
      const name = NAME.exec(line)
      const of = DIRECTORY_OF.exec(line)
      if (directory) directories[Number(directory[1])] = directory[2]!
      else if (file) current = Number(file[1])
      else if (name) files[current] = name[1]!
      else if (of && of[1] !== '0') files[current] = path.join(directories[Number(of[1])] ?? '', files[current]!)
    }
  }
  return rows
}

/** The inlined calls of an ELF with debug information; an outer one before those inside it. */
export function inlinedOf(file: string): InlinedCode[] {
  return parseInlined(execFileSync(DWARFDUMP, ['--debug-info', file], { encoding: 'utf8', maxBuffer: 1 << 29 }))
}

const ENTRY = /^0x[0-9a-f]+: +(DW_TAG_\w+|NULL)/
const ORIGIN = /^ +DW_AT_abstract_origin\t\(0x[0-9a-f]+ "(.*)"\)$/
const LOW = /^ +DW_AT_low_pc\t\(0x([0-9a-f]+)\)$/
const HIGH = /^ +DW_AT_high_pc\t\(0x([0-9a-f]+)\)$/
const RANGE = /^ +\[0x([0-9a-f]+), 0x([0-9a-f]+)\)\)?$/
const CALL_FILE = /^ +DW_AT_call_file\t\("(.*)"\)$/
const CALL_LINE = /^ +DW_AT_call_line\t\((\d+)\)$/

/** What llvm-dwarfdump prints of `.debug_info`: its DW_TAG_inlined_subroutine entries, DWARF 5 §3.3.8. */
export function parseInlined(text: string): InlinedCode[] {
  const found: InlinedCode[] = []
  let open = false
  let [name, file, line] = ['', '', 0]
  let ranges: [bigint, bigint][] = []
  const close = (): void => {
    if (open) for (const [start, end] of ranges) if (end > start) found.push({ start, end, name: kernelName(name), file, line })
    open = false
  }
  for (const each of text.split('\n')) {
    const entry = ENTRY.exec(each)
    if (entry) {
      close()
      open = entry[1] === 'DW_TAG_inlined_subroutine'
      ;[name, file, line, ranges] = ['', '', 0, []]
    } else if (open) {
      const [origin, low, high, range] = [ORIGIN.exec(each), LOW.exec(each), HIGH.exec(each), RANGE.exec(each)]
      const [callFile, callLine] = [CALL_FILE.exec(each), CALL_LINE.exec(each)]
      if (origin) name = origin[1]!
      else if (low) ranges.push([BigInt(`0x${low[1]}`), 0n])
      else if (high && ranges[0]) ranges[0][1] = BigInt(`0x${high[1]}`)
      else if (range) ranges.push([BigInt(`0x${range[1]}`), BigInt(`0x${range[2]}`)])
      else if (callFile) file = path.normalize(callFile[1]!)
      else if (callLine) line = Number(callLine[1])
    }
  }
  close()
  return found
}

/** A number of at most 32 bits as LEB128, DWARF 5 §7.6. */
export function leb128(value: number): number[] {
  const bytes: number[] = []
  let rest = value >>> 0
  do {
    bytes.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0))
    rest >>>= 7
  } while (rest !== 0)
  return bytes
}

const zigzag = (value: number): number => value < 0 ? -value * 2 - 1 : value * 2

/** Names at the end of the table, each once. */
class Texts {
  readonly bytes: number[] = []
  readonly #places = new Map<string, number>()
  constructor(readonly start: number) {}

  place(text: string): number {
    const known = this.#places.get(text)
    if (known !== undefined) return known
    const place = this.start + this.bytes.length
    this.bytes.push(...Buffer.from(text, 'utf8'), 0)
    this.#places.set(text, place)
    return place
  }
}

/** The rows that say where lines change, by address; the first row of those with the same address is dropped. */
function changes(lines: readonly CodeLine[]): CodeLine[] {
  const byAddress = new Map<bigint, CodeLine>()
  for (const each of lines) {
    const there = byAddress.get(each.address)
    if (there === undefined || there.end || !each.end) byAddress.set(each.address, each) // a sequence may begin where one ends
  }
  return [...byAddress.values()].filter(each => each.end || each.line !== 0)
    .sort((a, b) => a.address < b.address ? -1 : a.address > b.address ? 1 : 0)
}

function encodeLines(of: CodeFunction, rows: readonly CodeLine[], fileNumber: (file: string) => number): number[] {
  const bytes: number[] = []
  let count = 0
  let [code, line, file] = [0, 0, -1]
  for (const row of rows) {
    const offset = Number(row.address - of.address)
    const number = fileNumber(row.file)
    if (number === file && row.line === line) continue
    bytes.push(...leb128(offset - code), ...leb128(zigzag(row.line - line) * 2 + (number === file ? 0 : 1)))
    if (number !== file) bytes.push(...leb128(number))
    ;[code, line, file] = [offset, row.line, number]
    count++
  }
  return count === 0 ? [] : [...leb128(count), ...bytes]
}

/** Rows of each function: a function that begins inside a row gets that row at its own beginning. */
function rowsOf(functions: readonly CodeFunction[], lines: readonly CodeLine[]): CodeLine[][] {
  const rows = changes(lines)
  let next = 0
  let before: CodeLine | undefined
  return functions.map(each => {
    const end = each.address + BigInt(each.size)
    while (next < rows.length && rows[next]!.address < each.address) before = rows[next++]
    const own: CodeLine[] = []
    const startsHere = rows[next]?.address === each.address
    if (!startsHere && before !== undefined && !before.end) own.push({ ...before, address: each.address })
    while (next < rows.length && rows[next]!.address < end) {
      before = rows[next++]!
      if (!before.end) own.push(before)
    }
    return own
  })
}

/** The inlined calls of each function. */
function inlinedIn(functions: readonly CodeFunction[], inlined: readonly InlinedCode[]): InlinedCode[][] {
  const own: InlinedCode[][] = functions.map(() => [])
  for (const each of inlined) {
    let [low, high] = [0, functions.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (functions[middle]!.address <= each.start) low = middle + 1
      else high = middle
    }
    own[low - 1]?.push(each)
  }
  return own
}

/** The table's bytes. */
export function symbolTable(functions: readonly CodeFunction[], lines: readonly CodeLine[], inlined: readonly InlinedCode[]): Buffer {
  const rows = rowsOf(functions, lines)
  const calls = inlinedIn(functions, inlined)
  const files = [...new Set([...rows.flat(), ...calls.flat()].map(each => each.file))].sort()
  const numbers = new Map(files.map((file, i) => [file, i]))
  const texts = new Texts(HEADER + functions.length * FUNCTION + files.length * 4)
  const names = functions.map(each => texts.place(each.name))
  const fileNames = files.map(file => texts.place(file))
  const callNames = calls.map(each => each.map(call => texts.place(call.name)))

  const head = Buffer.alloc(texts.start)
  const encoded: number[] = []
  const append = (bytes: readonly number[]): number => {
    if (bytes.length === 0) return 0
    const place = texts.start + texts.bytes.length + encoded.length
    for (const byte of bytes) encoded.push(byte)
    return place
  }
  functions.forEach((each, i) => {
    const inside = calls[i]!.flatMap((call, j) => [
      Number(call.start - each.address), Number(call.end - call.start), callNames[i]![j]!, numbers.get(call.file)!, call.line,
    ].flatMap(leb128))
    const fields = [
      Number(each.address & 0xffffffffn), each.size, names[i]!,
      append(encodeLines(each, rows[i]!, file => numbers.get(file)!)),
      append(inside.length === 0 ? [] : [...leb128(calls[i]!.length), ...inside]),
    ]
    fields.forEach((value, j) => head.writeUInt32LE(value, HEADER + i * FUNCTION + j * 4))
  })
  fileNames.forEach((place, i) => head.writeUInt32LE(place, HEADER + functions.length * FUNCTION + i * 4))
  const size = texts.start + texts.bytes.length + encoded.length
  ;[MAGIC, functions.length, files.length, size].forEach((value, i) => head.writeUInt32LE(value, i * 4))
  return Buffer.concat([head, Buffer.from(texts.bytes), Buffer.from(encoded)])
}
