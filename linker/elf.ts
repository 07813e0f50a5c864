// Reading an ELF64 file as far as the linker's own checks need it: program headers, sections, symbols, notes.
// System V ABI, "Object Files" (gABI 4.1), and its x86-64 supplement §4.

import fs from 'node:fs'

export interface Segment {
  readonly type: number
  readonly readable: boolean
  readonly writable: boolean
  readonly executable: boolean
  readonly offset: number
  readonly virtual: bigint
  readonly physical: bigint
  readonly fileSize: number
  readonly memorySize: number
}

export interface Section {
  readonly name: string
  readonly type: number
  readonly virtual: bigint
  readonly offset: number
  readonly size: number
  readonly link: number
}

export interface ElfSymbol {
  readonly name: string
  readonly address: bigint
  readonly size: number
  readonly section: number // 0 undefined, 0xfff1 absolute
  readonly isFunction: boolean
}

export interface Elf {
  readonly bytes: Buffer
  readonly entry: bigint
  readonly segments: readonly Segment[]
  readonly sections: readonly Section[]
  readonly symbols: readonly ElfSymbol[]
}

export const PT_LOAD = 1
export const PT_NOTE = 4
const SHT_SYMTAB = 2
const STT_FUNC = 2

/** Text up to the zero byte at `offset`. */
function textAt(bytes: Buffer, offset: number): string {
  return bytes.toString('latin1', offset, bytes.indexOf(0, offset))
}

function readSegments(bytes: Buffer): Segment[] {
  const start = Number(bytes.readBigUInt64LE(32))
  return Array.from({ length: bytes.readUInt16LE(56) }, (_, i) => {
    const at = start + i * 56
    const flags = bytes.readUInt32LE(at + 4)
    return {
      type: bytes.readUInt32LE(at),
      executable: (flags & 1) !== 0,
      writable: (flags & 2) !== 0,
      readable: (flags & 4) !== 0,
      offset: Number(bytes.readBigUInt64LE(at + 8)),
      virtual: bytes.readBigUInt64LE(at + 16),
      physical: bytes.readBigUInt64LE(at + 24),
      fileSize: Number(bytes.readBigUInt64LE(at + 32)),
      memorySize: Number(bytes.readBigUInt64LE(at + 40)),
    }
  })
}

function readSections(bytes: Buffer): Section[] {
  const start = Number(bytes.readBigUInt64LE(40))
  const headers = Array.from({ length: bytes.readUInt16LE(60) }, (_, i) => start + i * 64)
  const namesAt = headers[bytes.readUInt16LE(62)]
  const names = namesAt === undefined ? 0 : Number(bytes.readBigUInt64LE(namesAt + 24))
  return headers.map(at => ({
    name: textAt(bytes, names + bytes.readUInt32LE(at)),
    type: bytes.readUInt32LE(at + 4),
    virtual: bytes.readBigUInt64LE(at + 16),
    offset: Number(bytes.readBigUInt64LE(at + 24)),
    size: Number(bytes.readBigUInt64LE(at + 32)),
    link: bytes.readUInt32LE(at + 40),
  }))
}

function readSymbols(bytes: Buffer, sections: readonly Section[]): ElfSymbol[] {
  const table = sections.find(each => each.type === SHT_SYMTAB)
  if (table === undefined) return []
  const names = sections[table.link]!.offset
  return Array.from({ length: table.size / 24 }, (_, i) => {
    const at = table.offset + i * 24
    return {
      name: textAt(bytes, names + bytes.readUInt32LE(at)),
      isFunction: (bytes[at + 4]! & 15) === STT_FUNC,
      section: bytes.readUInt16LE(at + 6),
      address: bytes.readBigUInt64LE(at + 8),
      size: Number(bytes.readBigUInt64LE(at + 16)),
    }
  })
}

/** The parts of an ELF64 file; an error if it is not one for x86-64. */
export function readElf(file: string): Elf {
  return parseElf(fs.readFileSync(file), file)
}

/** The same from memory; `name` is for the message. */
export function parseElf(bytes: Buffer, name: string): Elf {
  const right = bytes.length >= 64 && bytes.readUInt32BE(0) === 0x7f454c46 && bytes[4] === 2 && bytes[5] === 1
  if (!right || bytes.readUInt16LE(18) !== 62) throw new Error(`${name} is not an ELF64 file for x86-64`)
  const sections = readSections(bytes)
  return {
    bytes, entry: bytes.readBigUInt64LE(24), segments: readSegments(bytes), sections,
    symbols: readSymbols(bytes, sections),
  }
}

/** The contents of the note of type `type` by `owner`, if a PT_NOTE segment has it. gABI 4.1 figure 2-3. */
export function findNote(elf: Elf, owner: string, type: number): Buffer | undefined {
  for (const segment of elf.segments) {
    if (segment.type !== PT_NOTE) continue
    let at = segment.offset
    while (at + 12 <= segment.offset + segment.fileSize) {
      const nameSize = elf.bytes.readUInt32LE(at)
      const size = elf.bytes.readUInt32LE(at + 4)
      const contents = at + 12 + ((nameSize + 3) & ~3)
      const named = elf.bytes.toString('latin1', at + 12, at + 12 + Math.max(nameSize - 1, 0))
      if (named === owner && elf.bytes.readUInt32LE(at + 8) === type) return elf.bytes.subarray(contents, contents + size)
      at = contents + ((size + 3) & ~3)
    }
  }
  return undefined
}
