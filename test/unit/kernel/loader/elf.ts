// What is looked at in an ELF file before anything is mapped: a sound file, each thing that can be wrong with one, and
// real files with bytes changed at random.

import fs from 'node:fs'
import t from 'tap'
import { engines, type Engine, type Instance } from '../../../engine.ts'
import { elfFile, Flag, muslProgram, SOUND, type ElfFile, type Segment } from '../../../elf.ts'

const NAMES = [
  'None', 'InvalidMagic', 'UnsupportedClass', 'UnsupportedEndianness', 'UnsupportedVersion', 'UnsupportedArchitecture',
  'InvalidFileType', 'InvalidHeaderSize', 'ProgramHeaderOutOfBounds', 'TooManyProgramHeaders', 'InvalidSegmentOffset',
  'InvalidSegmentSize', 'SegmentOverlap', 'InvalidAlignment', 'InvalidVirtualAddress', 'InvalidPermissions',
  'MemoryAllocationFailed', 'MappingFailed', 'InvalidEntryPoint', 'FileTooLarge', 'CorruptedBinary', 'FileTooSmall',
] as const

const [text, data] = SOUND as [Segment, Segment]
const textWith = (wrong: Segment): ElfFile => ({ segments: [{ ...text, ...wrong }, data] })
const dataWith = (wrong: Segment): ElfFile => ({ segments: [text, { ...data, ...wrong }] })

/** Each with the file that earns it. */
const FAULTS: [name: typeof NAMES[number], why: string, file: ElfFile][] = [
  ['InvalidMagic', 'another first byte', { magic: [0x7e, 0x45, 0x4c, 0x46] }],
  ['InvalidMagic', 'a script', { magic: [...Buffer.from('#!/b')] }],
  ['UnsupportedClass', '32 bits', { fileClass: 1 }],
  ['UnsupportedEndianness', 'most significant byte first', { encoding: 2 }],
  ['UnsupportedVersion', 'of the identification', { identVersion: 2 }],
  ['UnsupportedVersion', 'of the file', { version: 0 }],
  ['UnsupportedArchitecture', 'AArch64', { machine: 183 }],
  ['InvalidFileType', 'relocatable', { type: 1 }],
  ['InvalidFileType', 'a core', { type: 4 }],
  ['InvalidFileType', 'it asks for an interpreter', { segments: [text, { type: 3, offset: 0x200, fileSize: 8 }, data] }],
  ['InvalidHeaderSize', "of the file's", { headerSize: 52 }],
  ['InvalidHeaderSize', 'of program headers', { programHeaderSize: 32 }],
  ['ProgramHeaderOutOfBounds', 'they begin past the end', { headersAt: 0x1801 }],
  ['ProgramHeaderOutOfBounds', 'the last is cut', { headersAt: 0x1800 - 111 }],
  ['ProgramHeaderOutOfBounds', '4 GiB up', { headersAt: 0x1_0000_0040n }],
  ['TooManyProgramHeaders', '65', { count: 65 }],
  ['TooManyProgramHeaders', 'as many as a section would have to say', { count: 0xffff }],
  ['InvalidSegmentOffset', 'it begins past the end', dataWith({ offset: 0x2200 })],
  ['InvalidSegmentOffset', 'it ends past the end', dataWith({ fileSize: 0x601 })],
  ['InvalidSegmentOffset', 'its length has a high half', dataWith({ fileSize: 0x1_0000_0100n, memorySize: 0x1_0000_0100n })],
  ['InvalidSegmentSize', 'more in the file than in memory', dataWith({ memorySize: 0x2ff })],
  ['InvalidSegmentSize', 'zeros behind text', textWith({ memorySize: 0x1201 })],
  ['SegmentOverlap', 'by bytes', dataWith({ address: 0x400200 })],
  ['SegmentOverlap', 'by a page', dataWith({ address: 0x401200 })],
  ['InvalidAlignment', 'no power of two', dataWith({ alignment: 0x3000 })],
  ['InvalidAlignment', 'offset and address differ within a page', dataWith({ address: 0x403400 })],
  ['InvalidAlignment', 'offset and address differ within its own alignment', dataWith({ alignment: 0x4000 })],
  ['InvalidAlignment', '4 GiB', dataWith({ alignment: 0x1_0000_0000n })],
  ['InvalidVirtualAddress', 'page 0', textWith({ address: 0 })],
  ['InvalidVirtualAddress', "the kernel's half", dataWith({ address: 0x80000200 })],
  ['InvalidVirtualAddress', 'a high half', dataWith({ address: 0x1_0040_3200n })],
  ['InvalidVirtualAddress', 'its end is past user memory', dataWith({ memorySize: 0x7fbf_d000 })],
  ['InvalidVirtualAddress', 'more than 4 GiB', dataWith({ memorySize: 0x1_0000_4000n })],
  ['InvalidPermissions', 'none', dataWith({ flags: 0 })],
  ['InvalidPermissions', 'to write and to execute', dataWith({ flags: Flag.R | Flag.W | Flag.X })],
  ['InvalidEntryPoint', '0', { entry: 0 }],
  ['InvalidEntryPoint', 'among data', { entry: 0x403300 }],
  ['InvalidEntryPoint', 'just past text', { entry: 0x401200 }],
  ['InvalidEntryPoint', 'a high half', { entry: 0x1_0040_1000n }],
  ['CorruptedBinary', 'no program headers', { segments: [] }],
  ['CorruptedBinary', 'nothing to load', { segments: [{ type: 4, fileSize: 32 }] }],
  ['CorruptedBinary', 'only empty segments', { segments: [{ ...text, fileSize: 0, memorySize: 0 }] }],
  ['CorruptedBinary', 'out of order', { segments: [data, text] }],
]

class Loader {
  readonly m: Instance
  readonly place: number
  constructor(engine: Engine) {
    this.m = engine.start()
    this.place = this.m.alloc(1 << 20)
  }
  /** The verdict on these bytes, by name; `size` is what the file system says. */
  fault(file: Uint8Array, size = file.length): string {
    this.m.write(this.place, file)
    return NAMES[-this.m.call('elfFault', this.place, size)] ?? 'unknown'
  }
}

const random = (seed: number) => (below: number) => {
  seed ^= seed << 13; seed ^= seed >>> 17; seed ^= seed << 5
  return (seed >>> 0) % below
}

/** Some bytes changed, most of them where headers are. */
function mutated(file: Uint8Array, headers: number, draw: (below: number) => number): Buffer {
  const copy = Buffer.from(file)
  for (let n = 1 + draw(6); n > 0; n--) {
    const at = draw(8) === 0 ? draw(copy.length) : draw(headers)
    switch (draw(4)) {
      case 0: copy[at] = draw(256); break
      case 1: copy[at]! ^= 1 << draw(8); break
      case 2: copy.fill(draw(2) * 255, at, at + 8); break
      default: copy.copyWithin(at, draw(headers), draw(headers))
    }
  }
  return copy
}

for (const e of await engines('test/kernel/loader.ts')) {
  t.test(`${e.kind}: a sound file, and what it comes to`, async t => {
    const loader = new Loader(e)
    t.equal(loader.fault(elfFile()), 'None')
    t.equal(loader.m.call('layoutLowest'), 0x400000)
    t.equal(loader.m.call('layoutEnd'), 0x407200)
    t.equal(loader.m.call('layoutEntry'), 0x401000)
    t.equal(loader.m.call('layoutHeaders'), 0x400040)
    t.equal(loader.m.call('layoutAlignment'), 0x1000)
    t.equal(loader.fault(elfFile({ type: 3 })), 'None', 'DYN')
    t.equal(loader.fault(elfFile({ type: 3, entry: 0x1000, segments: [{ ...text, address: 0 }, { ...data, address: 0x3200 }] })), 'None', 'DYN from 0')
    t.equal(loader.m.call('layoutLowest'), 0)
    t.equal(loader.fault(elfFile({ segments: [text, { ...data, alignment: 0 }] })), 'None', 'no alignment asked for')
    t.equal(loader.fault(elfFile({ segments: [text, { ...data, address: 0x7fff_f200, memorySize: 0xe00 }] })), 'None', 'to the last byte of user memory')
    t.equal(loader.fault(elfFile({ segments: [{ ...text, offset: 0x1000, address: 0x401000, fileSize: 0x200, memorySize: 0x200 }, data] })), 'None')
    t.equal(loader.m.call('layoutHeaders'), 0, 'headers that are in no segment')
  })

  t.test(`${e.kind}: each fault has the file that earns it`, async t => {
    const loader = new Loader(e)
    for (const [name, why, file] of FAULTS) t.equal(loader.fault(elfFile(file)), name, `${name}: ${why}`)
    t.equal(loader.fault(elfFile().subarray(0, 63)), 'FileTooSmall')
    t.equal(loader.fault(elfFile(), 0x4000_0001), 'FileTooLarge')
    t.equal(loader.fault(Buffer.alloc(0)), 'FileTooSmall')
    const earned = new Set([...FAULTS.map(([name]) => name), 'FileTooSmall', 'FileTooLarge'])
    t.same(NAMES.filter(each => !earned.has(each)), ['None', 'MemoryAllocationFailed', 'MappingFailed'], 'those of mapping apart')
  })

  t.test(`${e.kind}: every error has a text and a number of Linux's`, async t => {
    const { m } = new Loader(e)
    const texts = NAMES.map((_, i) => m.text(m.call('elfErrorName', -i)))
    t.equal(new Set(texts).size, NAMES.length)
    t.equal(m.text(m.call('elfErrorName', -22)), 'Unknown loader error')
    for (const [i, name] of NAMES.entries()) {
      const memory = name === 'MemoryAllocationFailed' || name === 'MappingFailed'
      t.equal(m.call('elfErrno', -i), i === 0 ? 0 : memory ? -12 : -8, name)
    }
  })

  t.test(`${e.kind}: real programs are sound`, async t => {
    const loader = new Loader(e)
    const source = 'static int zeros[5000]; int main(int argc, char **argv) { zeros[argc] = 1; return argv[0][0] + zeros[2]; }'
    for (const options of [[], ['-static-pie', '-fPIE'], ['-Wl,-z,noseparate-code'], ['-O2', '-s']]) {
      const file = fs.readFileSync(muslProgram(source, ...options))
      t.equal(loader.fault(file), 'None', options.join(' '))
      t.ok(loader.m.call('layoutHeaders') !== 0)
    }
  })

  t.test(`${e.kind}: bytes changed at random never do more than earn a verdict`, async t => {
    const loader = new Loader(e)
    const draw = random(Number(process.env['SEED'] ?? 20261128))
    const real = fs.readFileSync(muslProgram('int main(void) { return 0; }'))
    const seen = new Map<string, number>()
    for (let i = 0; i < 4000; i++) {
      const fault = loader.fault(i % 2 === 0 ? mutated(real, 64 + 56 * 8, draw) : mutated(elfFile(), 64 + 56 * 2, draw))
      seen.set(fault, (seen.get(fault) ?? 0) + 1)
    }
    t.notOk(seen.has('unknown'))
    t.ok(seen.size > 12, `verdicts: ${[...seen].map(([name, n]) => `${name} ${n}`).join(', ')}`)
  })
}
