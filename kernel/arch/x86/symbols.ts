// The kernel's own symbols: which function and which TypeScript line an address belongs to. linker/symbols.ts writes
// the table between the two links; the linker script puts it after everything else. All numbers little-endian:
//
//    0  magic         4  functions     8  files      12  bytes, this header included
//   16  functions, 20 bytes each, by address: address, size, offsets of the name, the lines, the inlined calls
//       files, 4 bytes each: offset of the name
//       names, zero-terminated; lines; inlined calls
//
// Addresses are the lower 32 bits; offsets are from the table's start, 0 for none. Lines and inlined calls are
// LEB128 numbers (DWARF 5 §7.6). Lines: how many rows; then for each row the bytes of code since the row before,
// twice the zigzag difference in line number plus 1 if the file changes, and then the file. A row holds up to the
// next one. Inlined calls: how many; then for each, outer ones first, where its code begins in the function, how
// many bytes it has, offset of the callee's name, file and line of the call.
//
// Pure: runs on the host. Any context; it may be the panic's.

import { load8 } from '../../lib/intrinsics.ts'
import { at, nth, plus, sizeof, struct, wire, type Le, type Stored, type bool, type cstring, type ptr, type u32 } from '../../lib/layout.ts'

/** "PSYM" */
export const SYMBOLS_MAGIC: u32 = 0x4d595350

@wire(16)
class SymbolTable {
  magic: Le<u32>
  functions: Le<u32>
  files: Le<u32>
  bytes: Le<u32>
}

@wire(20)
class SymbolFunction {
  address: Le<u32>
  size: Le<u32>
  name: Le<u32>
  lines: Le<u32>
  inlined: Le<u32>
}

@wire(4)
class SymbolFile {
  name: Le<u32>
}

/** What an address is, or who called that. */
@struct
export class CodePlace {
  name: cstring // of the function
  offset: u32 // bytes into it
  file: cstring // "" when unknown
  line: u32 // 0 when unknown
  inlined: Stored<u32, bool> // the function's code was put into its caller's: ask for the next depth
}

/** A call whose callee's code was put in its place. */
@struct
export class InlinedCall {
  name: u32 // offset of the callee's
  file: u32 // of the call
  line: u32
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

function filesOffset(header: SymbolTable): u32 {
  return sizeof<SymbolTable>() + header.functions * sizeof<SymbolFunction>()
}

function isTable(table: ptr, bytes: u32): boolean {
  if (bytes < sizeof<SymbolTable>()) return false
  const header = at<SymbolTable>(table)
  if (header.magic != SYMBOLS_MAGIC || header.bytes > bytes) return false
  if (header.functions > header.bytes / sizeof<SymbolFunction>() || header.files > header.bytes >>> 2) return false
  return filesOffset(header) + (header.files << 2) <= header.bytes
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
  return textAt(table, nth(at<SymbolFile>(plus(table, filesOffset(header))), index).name)
}

/** Read from `offset` of the table on; nothing for 0 and for what lies outside. */
function readFrom(table: ptr, offset: u32, reader: LineReader): void {
  const bytes = at<SymbolTable>(table).bytes
  reader.next = plus(table, offset == 0 || offset > bytes ? bytes : offset)
  reader.limit = plus(table, bytes)
}

/** Walk the rows of a function up to `place.offset` bytes into it. */
function findLine(table: ptr, entry: SymbolFunction, reader: LineReader, place: CodePlace): void {
  readFrom(table, entry.lines, reader)
  let rows = readNumber(reader)
  let code: u32 = 0
  let line: u32 = 0
  let file: u32 = 0
  place.file = ''
  place.line = 0
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

/** The inlined call at `index`, counted from the outermost, around `offset` bytes into a function. */
function findInlined(table: ptr, entry: SymbolFunction, offset: u32, index: u32, reader: LineReader, call: InlinedCall): boolean {
  readFrom(table, entry.inlined, reader)
  let calls = readNumber(reader)
  let left = index
  while (calls != 0 && reader.next < reader.limit) {
    calls -= 1
    const start = readNumber(reader)
    const size = readNumber(reader)
    call.name = readNumber(reader)
    call.file = readNumber(reader)
    call.line = readNumber(reader)
    if (offset - start >= size) continue
    if (left == 0) return true
    left -= 1
  }
  return false
}

/**
 * Find what the lower half of a code address is, in the table of `bytes` bytes: at `depth` 0 the function the code was
 * written in; while that is inlined, at the next depth the one that called it. `reader` and `call` are working space.
 * False when no function has the address, when it has no such depth, or when there is no table.
 */
export function symbolFind(
  table: ptr, bytes: u32, code: u32, depth: u32, reader: LineReader, call: InlinedCall, place: CodePlace,
): boolean {
  if (!isTable(table, bytes)) return false
  const count = functionsUpTo(table, code)
  if (count == 0) return false
  const entry = functionAt(table, count - 1)
  const offset = code - entry.address
  if (offset >= entry.size) return false
  let around: u32 = 0
  while (findInlined(table, entry, offset, around, reader, call)) around += 1
  if (depth > around) return false
  place.name = textAt(table, entry.name)
  place.offset = offset
  place.inlined = depth < around
  findLine(table, entry, reader, place)
  if (depth > 0 && findInlined(table, entry, offset, around - depth, reader, call)) {
    place.file = fileName(table, call.file)
    place.line = call.line
  }
  if (depth < around && findInlined(table, entry, offset, around - 1 - depth, reader, call)) {
    place.name = textAt(table, call.name)
  }
  return true
}
