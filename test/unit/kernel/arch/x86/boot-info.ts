// Boot information of both protocols, right and wrong: what is taken, and that nothing outside is read.

import t from 'tap'
import { type Instance, engines } from '../../../../engine.ts'

const BASE = 0x7ff0000
const Fault = { None: 0, UnknownProtocol: 1, BadInformation: 2, TooMany: 3, NoMemoryMap: 4 }

const le32 = (...values: number[]): number[] => values.flatMap(v => [v & 255, v >>> 8 & 255, v >>> 16 & 255, v >>> 24])
const le64 = (...values: bigint[]): number[] => values.flatMap(v => le32(Number(v & 0xffffffffn), Number(v >> 32n)))
const text = (value: string): number[] => [...Buffer.from(value, 'latin1'), 0]
const unsigned = (m: Instance, name: string, ...args: number[]): number => m.call(name, ...args) >>> 0

/** Physical memory at BASE with `parts` at their offsets. */
function memoryWith(m: Instance, parts: Record<number, number[]>, low = BASE, high = 0): void {
  const memory = unsigned(m, 'physicalMemory')
  m.call('physicalAt', low, high)
  for (const [offset, bytes] of Object.entries(parts)) m.write(memory + Number(offset), bytes)
}

const region = (m: Instance, index: number): number[] => [0, 1, 2, 3, 4].map(word => unsigned(m, 'regionWord', index, word))

/** A start info at offset 0: module list at 0x100, command line at 0x200, memory map at 0x400. */
function startInfo(change: { magic?: number, version?: number, modules?: number, entries?: number, line?: bigint, map?: bigint, rsdp?: bigint } = {}): number[] {
  const { magic = 0x336ec578, version = 1, modules = 0, entries = 0, line = 0n, map = BigInt(BASE + 0x400), rsdp = 0n } = change
  return [...le32(magic, version, 0, modules), ...le64(BigInt(BASE + 0x100), line, rsdp, map), ...le32(entries, 0)]
}
const pvhEntry = (base: bigint, length: bigint, type: number): number[] => [...le64(base, length), ...le32(type, 0)]

const tag = (type: number, contents: number[]): number[] => {
  const bytes = [...le32(type, 8 + contents.length), ...contents]
  return [...bytes, ...Array<number>((8 - bytes.length % 8) % 8).fill(0)]
}
const information = (...tags: number[][]): number[] => {
  const body = [...tags.flat(), ...le32(0, 8)]
  return [...le32(8 + body.length, 0), ...body]
}
const mmap = (...entries: [bigint, bigint, number][]): number[] =>
  tag(6, [...le32(24, 0), ...entries.flatMap(([base, length, type]) => [...le64(base, length), ...le32(type, 0)])])

for (const e of await engines('test/kernel/arch.ts')) {
  t.test(`${e.kind}: PVH: memory map, modules, command line and RSDP are taken`, t => {
    const m = e.start()
    memoryWith(m, {
      0: startInfo({ modules: 1, entries: 2, line: BigInt(BASE + 0x200), rsdp: 0x1_000f_5a40n }),
      0x100: le64(0x1_4000_0000n, 0x12345n, 0n, 0n),
      0x200: text('eth0=off log=debug'),
      0x400: [...pvhEntry(0n, 0x9fc00n, 1), ...pvhEntry(0x1_0000_0000n, 0x2_8000_0000n, 2)],
    })
    m.call('takePvh', BASE)
    t.equal(m.call('bootFaultOf'), Fault.None)
    t.equal(m.call('bootProtocolOf'), 1)
    t.equal(m.call('regionCount'), 2)
    t.same(region(m, 0), [0, 0, 0x9fc00, 0, 1])
    t.same(region(m, 1), [0, 1, 0x80000000, 2, 2])
    t.same([m.call('moduleCount'), unsigned(m, 'moduleLow', 0), m.call('moduleHigh', 0), m.call('moduleLength', 0)], [1, 0x40000000, 1, 0x12345])
    t.equal(m.text(unsigned(m, 'commandLine')), 'eth0=off log=debug')
    t.same([unsigned(m, 'rsdpLow'), m.call('rsdpHigh')], [0x000f5a40, 1])
    t.end()
  })

  t.test(`${e.kind}: PVH: what lies above 4 GiB is read there`, t => {
    const m = e.start()
    memoryWith(m, { 0: startInfo({ line: 0x3_0000_0200n }) }, 0, 0)
    const memory = unsigned(m, 'physicalMemory')
    m.write(memory + 0x200, text('wrong'))
    m.call('takePvh', 0)
    t.equal(m.text(unsigned(m, 'commandLine')), '', 'the low half alone is another place')
    t.equal(m.call('bootFaultOf'), Fault.BadInformation)
    t.end()
  })

  t.test(`${e.kind}: PVH: wrong information is left out and said`, t => {
    for (const [name, parts, fault] of [
      ['magic', { 0: startInfo({ magic: 1 }) }, Fault.BadInformation],
      ['version 0 has no memory map', { 0: startInfo({ version: 0, entries: 5 }) }, Fault.NoMemoryMap],
      ['no entries', { 0: startInfo() }, Fault.NoMemoryMap],
      ['memory map out of reach', { 0: startInfo({ entries: 1, map: 0xffff_ffff_ffff_0000n }) }, Fault.BadInformation],
      ['65 entries', { 0: startInfo({ entries: 65 }), 0x400: Array.from({ length: 65 }, (_, i) => pvhEntry(BigInt(i) << 12n, 4096n, 1)).flat() }, Fault.TooMany],
      ['a count of 2^32 - 1', { 0: startInfo({ entries: 0xffffffff }) }, Fault.TooMany],
      ['9 modules', { 0: startInfo({ modules: 9, entries: 1 }), 0x100: le64(0x1000n, 1n, 0n, 0n), 0x400: pvhEntry(0n, 1n, 1) }, Fault.TooMany],
      ['a module of 4 GiB', { 0: startInfo({ modules: 1, entries: 1 }), 0x100: le64(0n, 1n << 32n, 0n, 0n), 0x400: pvhEntry(0n, 1n, 1) }, Fault.BadInformation],
    ] as [string, Record<number, number[]>, number][]) {
      const m = e.start()
      memoryWith(m, parts)
      m.call('takePvh', BASE)
      t.equal(m.call('bootFaultOf'), fault, name)
      t.ok(m.call('regionCount') <= 64, name)
      t.ok(m.call('moduleCount') <= 8, name)
    }
    const m = e.start()
    memoryWith(m, {})
    m.call('takePvh', 4)
    t.equal(m.call('bootFaultOf'), Fault.BadInformation, 'a start info that can not be read')
    t.end()
  })

  t.test(`${e.kind}: a command line longer than 2047 bytes is cut, after a whole word`, t => {
    for (const length of [2046, 2047, 2048, 2049, 2050, 5000]) {
      const line = 'log=debug '.repeat(500).slice(0, length)
      const m = e.start()
      memoryWith(m, { 0: information(tag(1, text(line)), mmap([0n, 4096n, 1])) })
      m.call('takeMultiboot2', BASE)
      const cut = length > 2047
      t.equal(m.text(unsigned(m, 'commandLine')), cut ? line.slice(0, line.lastIndexOf(' ', 2047)) : line, `${length} bytes`)
      t.equal(m.call('commandLineCut'), cut ? 1 : 0, `${length} bytes`)
    }
    t.end()
  })

  t.test(`${e.kind}: multiboot2: tags of every kind that is used, others skipped`, t => {
    const m = e.start()
    const rsdp = Array.from({ length: 36 }, (_, i) => i + 1)
    memoryWith(m, {
      0: information(
        tag(2, text('GRUB 2.06')), tag(1, text('services=none')), tag(3, [...le32(0x200000, 0x234567), ...text('module')]),
        mmap([0n, 0x9fc00n, 1], [0x100000n, 0x7ee0000n, 1], [0xfffc0000n, 0x40000n, 2]), tag(9, le32(1, 2, 3, 4)), tag(14, rsdp.slice(0, 20)), tag(15, rsdp)),
    })
    m.call('takeMultiboot2', BASE)
    t.equal(m.call('bootFaultOf'), Fault.None)
    t.equal(m.text(unsigned(m, 'commandLine')), 'services=none')
    t.equal(m.call('regionCount'), 3)
    t.same(region(m, 2), [0xfffc0000, 0, 0x40000, 0, 2])
    t.same([m.call('moduleCount'), m.call('moduleLow', 0), m.call('moduleLength', 0)], [1, 0x200000, 0x34567])
    t.equal(m.call('hasRsdpCopy'), 1)
    t.same([...m.bytes(unsigned(m, 'rsdpCopy'), 36)], rsdp, 'the newer RSDP, whatever the order')
    t.end()
  })

  t.test(`${e.kind}: multiboot2: sizes that can not be right end the walk`, t => {
    const wrongTag = (size: number): number[] => [...le32(40, 0), ...le32(1, size), ...text('eth0=off'), ...Array<number>(15).fill(0)]
    for (const [name, bytes] of [
      ['total of 0', le32(0, 0)], ['total of 15', le32(15, 0)], ['total of 2 GiB', le32(0x80000000, 0)], ['total past the memory', le32(16384 + 8, 0)],
      ['tag of 7 bytes', wrongTag(7)], ['tag past the end', wrongTag(33)], ['tag of 2^32 - 1', wrongTag(0xffffffff)],
      ['memory map with entries of 0', information(tag(6, le32(0, 0)))], ['with entries of 23', information(tag(6, [...le32(23, 0), ...Array<number>(23).fill(0)]))],
      ['module that ends before it starts', information(tag(3, le32(8, 4)), mmap([0n, 1n, 1]))], ['module without an end', information(tag(3, le32(8)), mmap([0n, 1n, 1]))],
    ] as [string, number[]][]) {
      const m = e.start()
      memoryWith(m, { 0: bytes })
      m.call('takeMultiboot2', BASE)
      t.ok([Fault.BadInformation, Fault.NoMemoryMap].includes(m.call('bootFaultOf')), name)
      t.equal(m.call('moduleCount'), 0, name)
    }
    const m = e.start()
    memoryWith(m, { 0: information(tag(1, text('a'))) })
    m.call('takeMultiboot2', BASE)
    t.equal(m.call('bootFaultOf'), Fault.NoMemoryMap)
    t.end()
  })

  t.test(`${e.kind}: random bytes as boot information read nothing outside`, t => {
    let seed = 12345
    const random = (): number => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) >>> 16
    for (let i = 0; i < 80; i++) {
      const m = e.start()
      const bytes = Array.from({ length: 600 }, () => random() % 5 === 0 ? random() & 255 : 0)
      const magic = i % 2 === 0 ? le32(0x336ec578, 1, 0, random() % 20) : le32(600, 0)
      memoryWith(m, { 0: [...magic, ...bytes.slice(magic.length)] })
      m.call(i % 2 === 0 ? 'takePvh' : 'takeMultiboot2', BASE) // a read outside throws
      t.ok(m.call('regionCount') <= 64 && m.call('moduleCount') <= 8)
    }
    t.end()
  })
}
