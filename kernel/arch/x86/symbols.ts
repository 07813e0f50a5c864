// The kernel's own symbols: which function and which TypeScript line an address belongs to. linker/symbols.ts writes
// the table between the two links; the linker script puts it after everything else. All numbers little-endian:
//
//    0  magic         4  functions     8  files      12  bytes, this header included
//   16  functions, 16 bytes each, by address: address, size, offset of the name, offset of the lines
//       files, 4 bytes each: offset of the name
//       names, zero-terminated, and lines
//
// Addresses are the lower 32 bits; offsets are from the table's start. The lines of a function are LEB128 numbers
// (DWARF 5 §7.6): how many rows; then for each row the bytes of code since the row before, twice the zigzag
// difference in line number plus 1 if the file changes, and then the file. A row holds up to the next one.
//
// Pure: runs on the host. Any context; it may be the panic's.

import { load8 } from '../../lib/intrinsics.ts'
import { at, nth, plus, sizeof, struct, wire, type Le, type cstring, type ptr, type u32 } from '../../lib/layout.ts'

/** "PSYM" */
export const SYMBOLS_MAGIC: u32 = 0x4d595350

@wire(16)
class SymbolTable {
  magic: Le<u32>
  functions: Le<u32>
  files: Le<u32>
  bytes: Le<u32>
}

@wire(16)
class SymbolFunction {
  address: Le<u32>
  size: Le<u32>
  name: Le<u32>
  lines: Le<u32>
}

@wire(4)
class SymbolFile {
  name: Le<u32>
}

/** What an address is. */
@struct
export class CodePlace {
  name: cstring // of the function
  offset: u32 // bytes into it
  file: cstring // "" when unknown
  line: u32 // 0 when unknown
}

/** Where a LEB128 number is read, and up to where it may be. */
@struct
export class LineReader {
  next: ptr
  limit: ptr
}

/** The next number; 0 at the end of the table, and bits past the 32nd are lost. */
function readNumber(reader: LineReader): u32 {
  let value: u32 = 0
  let shift: u32 = 0
  while (reader.next < reader.limit && shift < 35) {
    const byte: u32 = load8(reader.next, 0)
    reader.next = plus(reader.next, 1)
    if (shift < 32) value |= (byte & 0x7f) << shift
    if (byte < 0x80) break
    shift += 7
  }
  return value
}

function isTable(table: ptr, bytes: u32): boolean {
  if (bytes < sizeof<SymbolTable>()) return false
  const header = at<SymbolTable>(table)
  if (header.magic != SYMBOLS_MAGIC || header.bytes > bytes) return false
  if (header.functions > header.bytes >>> 4 || header.files > header.bytes >>> 2) return false
  return sizeof<SymbolTable>() + (header.functions << 4) + (header.files << 2) <= header.bytes
}

function functionAt(table: ptr, index: u32): SymbolFunction {
  return nth(at<SymbolFunction>(plus(table, sizeof<SymbolTable>())), index)
}

/** The number of functions that begin at or below `code`. */
function functionsUpTo(table: ptr, code: u32): u32 {
  let low: u32 = 0
  let high = at<SymbolTable>(table).functions
  while (low < high) {
    const middle = (low + high) >>> 1
    if (functionAt(table, middle).address <= code) low = middle + 1
    else high = middle
  }
  return low
}

function textAt(table: ptr, offset: u32): cstring {
  return offset < at<SymbolTable>(table).bytes ? plus(table, offset) as cstring : ''
}

function fileName(table: ptr, index: u32): cstring {
  const header = at<SymbolTable>(table)
  if (index >= header.files) return ''
  const files = plus(table, sizeof<SymbolTable>() + (header.functions << 4))
  return textAt(table, nth(at<SymbolFile>(files), index).name)
}

/** Walk the rows of a function up to `offset` bytes into it. */
function findLine(table: ptr, entry: SymbolFunction, reader: LineReader, place: CodePlace): void {
  reader.next = plus(table, entry.lines)
  reader.limit = plus(table, at<SymbolTable>(table).bytes)
  let rows = readNumber(reader)
  let code: u32 = 0
  let line: u32 = 0
  let file: u32 = 0
  while (rows != 0 && reader.next < reader.limit) {
    rows -= 1
    code += readNumber(reader)
    if (code > place.offset) return
    const change = readNumber(reader)
    const zigzag = change >>> 1
    line += (zigzag & 1) != 0 ? ~(zigzag >>> 1) : zigzag >>> 1
    if ((change & 1) != 0) file = readNumber(reader)
    place.line = line
    place.file = fileName(table, file)
  }
}

/**
 * Find what the lower half of a code address is, in the table of `bytes` bytes; `reader` is working space. False,
 * with `place` unchanged, when no function has the address, or when there is no table.
 */
export function symbolFind(table: ptr, bytes: u32, code: u32, reader: LineReader, place: CodePlace): boolean {
  if (!isTable(table, bytes)) return false
  const count = functionsUpTo(table, code)
  if (count == 0) return false
  const entry = functionAt(table, count - 1)
  if (code - entry.address >= entry.size) return false
  place.name = textAt(table, entry.name)
  place.offset = code - entry.address
  place.file = ''
  place.line = 0
  if (entry.lines != 0 && entry.lines < at<SymbolTable>(table).bytes) findLine(table, entry, reader, place)
  return true
}
