// Reading ELF files: one put together here, byte by byte.

import t from 'tap'
import { findNote, parseElf } from '../../../linker/elf.ts'

/** An ELF64 with one text segment, one note segment, a symbol table and its names. */
function sample(): Buffer {
  const names = Buffer.from('\0f_kernelMain\0missing\0', 'latin1')
  const sectionNames = Buffer.from('\0.text\0.symtab\0.strtab\0', 'latin1')
  const bytes = Buffer.alloc(1024)
  bytes.writeUInt32BE(0x7f454c46, 0)
  bytes[4] = 2
  bytes[5] = 1
  bytes.writeUInt16LE(62, 18)
  bytes.writeBigUInt64LE(0x10001dn, 24)
  bytes.writeBigUInt64LE(64n, 32) // program headers
  bytes.writeBigUInt64LE(704n, 40) // section headers
  bytes.writeUInt16LE(2, 56)
  bytes.writeUInt16LE(5, 60)
  bytes.writeUInt16LE(4, 62) // the section that has the sections' names
  const segment = (at: number, type: number, flags: number, values: bigint[]): void => {
    bytes.writeUInt32LE(type, at)
    bytes.writeUInt32LE(flags, at + 4)
    values.forEach((value, i) => bytes.writeBigUInt64LE(value, at + 8 + i * 8))
  }
  segment(64, 1, 5, [256n, 0xffffffff80100000n, 0x100000n, 64n, 128n, 4096n])
  segment(120, 4, 4, [320n, 0n, 0n, 44n, 44n, 4n])
  const note = (at: number, owner: string, type: number, contents: number): void => {
    bytes.writeUInt32LE(owner.length + 1, at)
    bytes.writeUInt32LE(4, at + 4)
    bytes.writeUInt32LE(type, at + 8)
    bytes.write(`${owner}\0`, at + 12, 'latin1')
    bytes.writeUInt32LE(contents, at + 12 + Math.ceil((owner.length + 1) / 4) * 4)
  }
  note(320, 'Linux', 18, 7)
  note(344, 'Xen', 18, 0x100018)
  const symbol = (at: number, name: number, info: number, section: number, value: bigint, size: bigint): void => {
    bytes.writeUInt32LE(name, at)
    bytes[at + 4] = info
    bytes.writeUInt16LE(section, at + 6)
    bytes.writeBigUInt64LE(value, at + 8)
    bytes.writeBigUInt64LE(size, at + 16)
  }
  symbol(400 + 24, 1, 0x12, 1, 0xffffffff80100010n, 48n)
  symbol(400 + 48, names.indexOf('missing'), 0x10, 0, 0n, 0n)
  names.copy(bytes, 520)
  sectionNames.copy(bytes, 600)
  const section = (index: number, name: string, type: number, values: bigint[], link: number): void => {
    const at = 704 + index * 64
    bytes.writeUInt32LE(name === '' ? 0 : sectionNames.indexOf(name), at)
    bytes.writeUInt32LE(type, at + 4)
    values.forEach((value, i) => bytes.writeBigUInt64LE(value, at + 16 + i * 8))
    bytes.writeUInt32LE(link, at + 40)
  }
  section(1, '.text', 1, [0xffffffff80100000n, 256n, 64n], 0)
  section(2, '.symtab', 2, [0n, 400n, 72n], 3)
  section(3, '.strtab', 3, [0n, 520n, BigInt(names.length)], 0)
  section(4, '', 3, [0n, 600n, BigInt(sectionNames.length)], 0)
  return bytes
}

t.test('segments, sections and symbols', t => {
  const elf = parseElf(sample(), 'sample')
  t.equal(elf.entry, 0x10001dn)
  t.same(elf.segments.map(({ type, readable, writable, executable }) => [type, readable, writable, executable]), [[1, true, false, true], [4, true, false, false]])
  t.same([elf.segments[0]!.physical, elf.segments[0]!.fileSize, elf.segments[0]!.memorySize], [0x100000n, 64, 128])
  t.same(elf.sections.map(each => each.name), ['', '.text', '.symtab', '.strtab', ''])
  t.same(elf.symbols.slice(1), [
    { name: 'f_kernelMain', isFunction: true, section: 1, address: 0xffffffff80100010n, size: 48 },
    { name: 'missing', isFunction: false, section: 0, address: 0n, size: 0 }])
  t.end()
})

t.test('a note is found by owner and type', t => {
  const elf = parseElf(sample(), 'sample')
  t.equal(findNote(elf, 'Xen', 18)?.readUInt32LE(0), 0x100018)
  t.equal(findNote(elf, 'Linux', 18)?.readUInt32LE(0), 7)
  t.equal(findNote(elf, 'Xen', 17), undefined)
  t.equal(findNote(elf, 'GNU', 18), undefined)
  t.end()
})

t.test('what is no ELF64 for x86-64 is refused by name', t => {
  for (const change of [(b: Buffer) => { b[0] = 0 }, (b: Buffer) => { b[4] = 1 }, (b: Buffer) => { b[5] = 2 }, (b: Buffer) => { b.writeUInt16LE(183, 18) }]) {
    const bytes = sample()
    change(bytes)
    t.throws(() => parseElf(bytes, 'build/x.elf'), { message: 'build/x.elf is not an ELF64 file for x86-64' })
  }
  t.throws(() => parseElf(Buffer.alloc(10), 'short'), { message: /not an ELF64/ })
  t.end()
})
