// The program headers of an ELF64 file, little-endian. gABI specification, chapter 5.

export interface ProgramHeader {
  readonly type: number
  readonly flags: number
  readonly address: bigint
  readonly memory: bigint
}

export function programHeaders(file: Buffer): ProgramHeader[] {
  const first = Number(file.readBigUInt64LE(32))
  const size = file.readUInt16LE(54)
  return Array.from({ length: file.readUInt16LE(56) }, (_, index) => {
    const at = first + index * size
    return { type: file.readUInt32LE(at), flags: file.readUInt32LE(at + 4), address: file.readBigUInt64LE(at + 16), memory: file.readBigUInt64LE(at + 40) }
  })
}
