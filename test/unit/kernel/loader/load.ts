// ELF files loaded into address spaces: what is where afterwards, byte for byte; what fails for want of memory; the stack a program
// begins on; and files with bytes changed at random, which never do more than fail.

import fs from 'node:fs'
import t from 'tap'
import { elfFile, muslProgram, SOUND, type Segment } from '../../../elf.ts'
import { engines, type Engine, type Instance } from '../../../engine.ts'

const PAGE = 4096
const BASE = 0x80000000
const [CORRUPTED, MEMORY, MAPPING] = [-20, -16, -17]
const [text, data] = SOUND as [Segment, Segment]

class Loader {
  readonly m: Instance
  readonly #buffer: number
  constructor(engine: Engine, pages = 3000) {
    this.m = engine.start()
    const start = this.m.alloc(pages * PAGE, PAGE) - BASE
    this.#buffer = this.m.alloc(1 << 20)
    this.m.call('framesAddRegion', start, start + pages * PAGE)
    this.m.call('heapInit')
    this.m.call('randomSeed', this.m.cstring('a seed'), 6)
    this.m.call('loaderStart')
  }
  put(bytes: Uint8Array): number {
    this.m.write(this.#buffer, bytes)
    return this.#buffer
  }
  /** The verdict of loading these bytes; the space is still there. */
  load(file: Uint8Array): number {
    if (this.m.call('programSet', this.put(file), file.length) !== file.length) throw new Error('the file was not written')
    return this.m.call('programLoad')
  }
  read(where: number, length: number): Buffer {
    if (this.m.call('userCopyIn', this.#buffer, where, length) !== 0) throw new Error(`nothing at ${where.toString(16)}`)
    return Buffer.from(this.m.bytes(this.#buffer, length))
  }
  long(where: number): number { return Number(this.read(where, 8).readBigUInt64LE()) }
  string(where: number): string {
    const bytes = this.read(where, Math.min(200, PAGE - where % PAGE))
    return bytes.subarray(0, bytes.indexOf(0)).toString()
  }
  gone(): void { this.m.call('programGone') }
}

const random = (seed: number) => (below: number) => {
  seed ^= seed << 13; seed ^= seed >>> 17; seed ^= seed << 5
  return (seed >>> 0) % below
}

for (const e of await engines('test/kernel/loader.ts')) {
  t.test(`${e.kind}: each segment where it says, with its own rights; zeros behind, and a heap after that`, async t => {
    const l = new Loader(e)
    const file = elfFile()
    t.equal(l.load(file), 0)
    t.same(['imageEntry', 'imageHeaders', 'imageHeaderCount', 'imageBase', 'imageEnd'].map(name => l.m.call(name)), [0x401000, 0x400040, 2, 0, 0x407200])
    t.ok(l.read(0x400000, 0x1200).equals(file.subarray(0, 0x1200)))
    t.ok(l.read(0x403200, 0x300).equals(file.subarray(0x1200, 0x1500)))
    t.ok(l.read(0x403500, 0x3d00).every(byte => byte === 0), 'zeros up to its end in memory')
    t.same([0x3ff000, 0x400000, 0x401fff, 0x402000, 0x403000, 0x407fff, 0x408000].map(where => l.m.call('rightsAt', where)), [-1, 5, 5, -1, 3, 3, -1])
    t.equal(l.m.call('brkNow'), 0x408000)
    l.gone()
    t.equal(l.m.call('spaceCount'), 0)
  })

  t.test(`${e.kind}: a DYN file goes anywhere, where its alignment lets it, and another time elsewhere`, async t => {
    const l = new Loader(e)
    const places = new Set<number>()
    for (let i = 0; i < 6; i++) {
      const file = elfFile({ type: 3, entry: 0x1000, segments: [{ ...text, address: 0, alignment: 0x4000 }, { ...data, address: 0x5200, alignment: 0x1000 }] })
      t.equal(l.load(file), 0)
      const base = l.m.call('imageBase')
      places.add(base)
      t.equal(base % 0x4000, 0)
      t.same([l.m.call('imageEntry'), l.m.call('imageHeaders')], [base + 0x1000, base + 0x40])
      t.ok(l.read(base + 0x5200, 0x300).equals(file.subarray(0x1200, 0x1500)))
      t.same([0, 0x1fff, 0x2000, 0x5000].map(offset => l.m.call('rightsAt', base + offset)), [5, 5, -1, 3])
      l.gone()
    }
    t.ok(places.size > 3, `${places.size} places`)
  })

  t.test(`${e.kind}: real programs, static and position-independent`, async t => {
    const l = new Loader(e)
    const source = 'static int zeros[5000]; int some[3] = {1, 2, 3}; int main(int argc, char **argv) { zeros[argc] = 1; return argv[0][0] + zeros[2] + some[1]; }'
    for (const options of [[], ['-static-pie', '-fPIE']]) {
      const file = fs.readFileSync(muslProgram(source, ...options))
      t.equal(l.load(file), 0)
      const base = l.m.call('imageBase')
      for (let i = 0; i < file.readUInt16LE(56); i++) {
        const at = Number(file.readBigUInt64LE(32)) + 56 * i
        if (file.readUInt32LE(at) !== 1) continue
        const [offset, address, fileSize, memorySize] = [8, 16, 32, 40].map(each => Number(file.readBigUInt64LE(at + each))) as [number, number, number, number]
        t.ok(l.read(base + address, fileSize).equals(file.subarray(offset, offset + fileSize)), `segment ${i}`)
        if (memorySize > fileSize) t.ok(l.read(base + address + fileSize, memorySize - fileSize).every(byte => byte === 0), 'and its zeros')
      }
      t.ok(l.read(l.m.call('imageHeaders'), 56).equals(file.subarray(64, 120)))
      l.gone()
    }
  })

  t.test(`${e.kind}: no place, no memory: the errors of mapping`, async t => {
    const l = new Loader(e)
    t.equal(l.load(elfFile({ type: 3, entry: 0x1000, segments: [{ ...text, address: 0 }, { ...data, address: 0x3200, memorySize: 0x7fff_0000 - 0x3200 }] })), MAPPING)
    l.gone()
    t.equal(l.load(elfFile({ type: 3, entry: 0x1000, segments: [{ ...text, address: 0, alignment: 0x4000_0000 }, { ...data, address: 0x3200 }] })), 0, 'an alignment of 1 GiB')
    t.equal(l.m.call('imageBase'), 0x4000_0000)
    l.gone()
    t.equal(l.load(elfFile()), 0)
    l.gone()
    const headers = l.m.call('heapAllocate', 4096)
    for (const [room, verdict] of [[false, MEMORY], [true, MAPPING]] as const) {
      l.m.call('programOpen')
      const held: number[] = []
      for (let size = 8192; size >= 16; size >>= 1) {
        for (let p = l.m.call('heapAllocate', size); p !== 0; p = l.m.call('heapAllocate', size)) held.push(p)
      }
      if (room) l.m.call('heapFree', headers)
      t.equal(l.m.call('programLoadOpen'), verdict, room ? 'room for the headers, and for nothing else' : 'no memory at all')
      for (const each of held) l.m.call('heapFree', each)
      l.gone()
    }
    t.equal(l.load(elfFile()), 0, 'and all is well again')
  })

  t.test(`${e.kind}: the stack a program begins on, by the System V ABI`, async t => {
    const l = new Loader(e)
    l.load(elfFile())
    const add = (value: string, environment: number) => l.m.call('argumentAdd', l.put(Buffer.from(value)), Buffer.byteLength(value), environment)
    t.equal(l.m.call('argumentsBegin'), 0)
    for (const each of ['sh', '-c', 'echo hello', '']) t.equal(add(each, 0), 0)
    for (const each of ['HOME=/', 'PATH=/bin:/sbin']) t.equal(add(each, 1), 0)
    l.m.call('argumentPath', l.put(Buffer.from('/bin/sh')), 7)
    const stack = l.m.call('stackOf', 1000, 33, 1, 0x178bfbff) >>> 0
    t.equal(stack % 16, 0)
    t.equal(l.long(stack), 4, 'argc')
    t.same([1, 2, 3, 4].map(i => l.string(l.long(stack + 8 * i))), ['sh', '-c', 'echo hello', ''])
    t.equal(l.long(stack + 40), 0)
    t.same([6, 7].map(i => l.string(l.long(stack + 8 * i))), ['HOME=/', 'PATH=/bin:/sbin'])
    t.equal(l.long(stack + 64), 0)
    const auxiliary = new Map<number, number>()
    let at = stack + 72
    for (; l.long(at) !== 0; at += 16) auxiliary.set(l.long(at), l.long(at + 8))
    t.same([3, 4, 5, 6, 9, 11, 12, 13, 14, 16, 17, 23].map(type => auxiliary.get(type)), [0x400040, 56, 2, 4096, 0x401000, 1000, 33, 1001, 34, 0x178bfbff, 100, 1])
    t.equal(l.string(auxiliary.get(31)!), '/bin/sh', 'AT_EXECFN')
    t.notOk(auxiliary.has(33), 'no AT_SYSINFO_EHDR')
    t.ok(new Set(l.read(auxiliary.get(25)!, 16)).size > 4, 'sixteen random bytes')
    t.ok(auxiliary.get(25)! > at && auxiliary.get(31)! < 0x80000000)
    t.equal(l.m.call('rightsAt', stack), 3, 'not to be executed')
    let bottom = stack - (stack % PAGE)
    while (l.m.call('rightsAt', bottom - PAGE) === 3) bottom -= PAGE
    t.equal(l.m.call('rightsAt', bottom - PAGE), -2, 'a guard page below')
    t.ok(stack - bottom > 7 << 20, 'eight megabytes of it')
    l.m.call('argumentsEnd')
    l.gone()
  })

  t.test(`${e.kind}: arguments up to their limit, and no further`, async t => {
    const l = new Loader(e)
    l.m.call('argumentsBegin')
    const long = Buffer.alloc(30_000, 'x')
    let count = 0
    while (l.m.call('argumentAdd', l.put(long), long.length, 0) === 0) count++
    t.equal(count, 4, 'of 30,000 bytes four fit 128 KiB')
    t.equal(l.m.call('argumentAdd', l.put(long), long.length, 0), -7)
    l.m.call('argumentsEnd')
  })

  t.test(`${e.kind}: bytes changed at random never do more than fail, and leave nothing behind`, async t => {
    const l = new Loader(e)
    const draw = random(Number(process.env['SEED'] ?? 20261128))
    const real = fs.readFileSync(muslProgram('int main(void) { return 0; }'))
    l.load(real)
    l.gone()
    let free = -1
    const seen = new Map<number, number>()
    for (let i = 0; i < 600; i++) {
      const file = Buffer.from(i % 2 === 0 ? real.subarray(0, real.length - draw(200)) : elfFile())
      for (let n = 1 + draw(4); n > 0; n--) {
        const at = 24 + draw(64 + 56 * 3 - 24)
        if (draw(3) === 0) file[at] = draw(256)
        else if (draw(2) === 0) file[at]! ^= 1 << draw(8)
        else file.fill(draw(2) * 255, at, at + 8)
      }
      const verdict = l.load(file)
      seen.set(verdict, (seen.get(verdict) ?? 0) + 1)
      if (verdict === 0) {
        const entry = l.m.call('imageEntry')
        t.ok((l.m.call('rightsAt', entry) & 4) !== 0, 'what is loaded can be entered')
      }
      l.gone()
      l.m.call('programSet', l.put(Buffer.alloc(1)), 1)
      if (free < 0 && i === 100) free = l.m.call('framesFree')
    }
    t.equal(l.m.call('spaceCount'), 0)
    t.ok(Math.abs(l.m.call('framesFree') - free) < 8, 'frames are back')
    t.ok(seen.has(0) && seen.size > 8, [...seen].join(' '))
    t.notOk(seen.has(CORRUPTED - 5), 'no verdict there is not')
  })
}
