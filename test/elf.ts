// ELF64 files for tests: made by hand, field by field, so that each can be wrong in one way; and real ones, by musl-gcc.

import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { hashOf, ROOT } from '../linker/cache.ts'

export interface Segment {
  type?: number
  flags?: number
  offset?: number
  address?: number | bigint
  fileSize?: number | bigint
  memorySize?: number | bigint
  alignment?: number | bigint
}

export interface ElfFile {
  magic?: number[]
  fileClass?: number
  encoding?: number
  identVersion?: number
  type?: number
  machine?: number
  version?: number
  entry?: number | bigint
  headersAt?: number | bigint
  headerSize?: number
  programHeaderSize?: number
  count?: number
  segments?: Segment[]
  /** Bytes behind the headers, from 0x1000 on. */
  length?: number
}

export const Flag = { X: 1, W: 2, R: 4 } as const
export const Load = 1

/** A text and a data segment as ld writes them: the data's zeros go on after the file's bytes. */
export const SOUND: readonly Segment[] = [
  { flags: Flag.R | Flag.X, offset: 0, address: 0x400000, fileSize: 0x1200, memorySize: 0x1200, alignment: 0x1000 },
  { flags: Flag.R | Flag.W, offset: 0x1200, address: 0x403200, fileSize: 0x300, memorySize: 0x4000, alignment: 0x1000 },
]

/** The bytes of a file that is sound but for what `wrong` says. */
export function elfFile(wrong: ElfFile = {}): Buffer {
  const segments = wrong.segments ?? SOUND
  const file = Buffer.alloc(wrong.length ?? 0x1800)
  for (let i = 0x1000; i < file.length; i++) file[i] = i * 7
  Buffer.from(wrong.magic ?? [0x7f, 0x45, 0x4c, 0x46]).copy(file)
  file[4] = wrong.fileClass ?? 2
  file[5] = wrong.encoding ?? 1
  file[6] = wrong.identVersion ?? 1
  file.writeUInt16LE(wrong.type ?? 2, 16)
  file.writeUInt16LE(wrong.machine ?? 62, 18)
  file.writeUInt32LE(wrong.version ?? 1, 20)
  file.writeBigUInt64LE(BigInt(wrong.entry ?? 0x401000), 24)
  file.writeBigUInt64LE(BigInt(wrong.headersAt ?? 64), 32)
  file.writeUInt16LE(wrong.headerSize ?? 64, 52)
  file.writeUInt16LE(wrong.programHeaderSize ?? 56, 54)
  file.writeUInt16LE(wrong.count ?? segments.length, 56)
  segments.forEach((each, i) => writeSegment(file, 64 + 56 * i, each))
  return file
}

function writeSegment(file: Buffer, at: number, each: Segment): void {
  file.writeUInt32LE(each.type ?? Load, at)
  file.writeUInt32LE(each.flags ?? Flag.R, at + 4)
  file.writeBigUInt64LE(BigInt(each.offset ?? 0), at + 8)
  file.writeBigUInt64LE(BigInt(each.address ?? 0), at + 16)
  file.writeBigUInt64LE(BigInt(each.address ?? 0), at + 24)
  file.writeBigUInt64LE(BigInt(each.fileSize ?? 0), at + 32)
  file.writeBigUInt64LE(BigInt(each.memorySize ?? each.fileSize ?? 0), at + 40)
  file.writeBigUInt64LE(BigInt(each.alignment ?? 0x1000), at + 48)
}

/** A program built by musl-gcc with these arguments behind the source: the file's name. */
export function muslProgram(source: string, ...options: string[]): string {
  const folder = path.join(ROOT, 'build', 'test', 'programs')
  fs.mkdirSync(folder, { recursive: true })
  const name = path.join(folder, hashOf(source, ...options).slice(0, 24))
  if (fs.existsSync(name)) return name
  fs.writeFileSync(`${name}.c`, source)
  execFileSync('musl-gcc', [`${name}.c`, '-o', `${name}.new`, '-static', ...options], { stdio: ['ignore', 'inherit', 'inherit'] })
  fs.renameSync(`${name}.new`, name)
  return name
}
