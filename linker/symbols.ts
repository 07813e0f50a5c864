// The table with which a panic names functions and TypeScript lines: made from the first link, linked into the
// second. kernel/arch/x86/symbols.ts has its layout, and reads it.

import { execFileSync } from 'node:child_process'
import path from 'node:path'
import type { Elf } from './elf.ts'

export interface CodeFunction { readonly address: bigint; readonly size: number; readonly name: string }
/** From `address` on, up to the next row, the code is of this line; `end` closes a sequence of rows. */
export interface CodeLine { readonly address: bigint; readonly file: string; readonly line: number; readonly end: boolean }

const DWARFDUMP = 'llvm-dwarfdump-19'
const MAGIC = 0x4d595350
const HEADER = 16
const FUNCTION = 16

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

/** The table's bytes. */
export function symbolTable(functions: readonly CodeFunction[], lines: readonly CodeLine[]): Buffer {
  const rows = rowsOf(functions, lines)
  const files = [...new Set(rows.flat().map(each => each.file))].sort()
  const numbers = new Map(files.map((file, i) => [file, i]))
  const texts = new Texts(HEADER + functions.length * FUNCTION + files.length * 4)
  const head = Buffer.alloc(texts.start)
  functions.forEach((each, i) => {
    const at = HEADER + i * FUNCTION
    head.writeUInt32LE(Number(each.address & 0xffffffffn), at)
    head.writeUInt32LE(each.size, at + 4)
    head.writeUInt32LE(texts.place(each.name), at + 8)
  })
  files.forEach((file, i) => head.writeUInt32LE(texts.place(file), HEADER + functions.length * FUNCTION + i * 4))
  const encoded: number[] = []
  functions.forEach((each, i) => {
    const bytes = encodeLines(each, rows[i]!, file => numbers.get(file)!)
    if (bytes.length > 0) head.writeUInt32LE(texts.start + texts.bytes.length + encoded.length, HEADER + i * FUNCTION + 12)
    for (const byte of bytes) encoded.push(byte)
  })
  const size = texts.start + texts.bytes.length + encoded.length
  ;[MAGIC, functions.length, files.length, size].forEach((value, i) => head.writeUInt32LE(value, i * 4))
  return Buffer.concat([head, Buffer.from(texts.bytes), Buffer.from(encoded)])
}
