// Sets of ranges, and the usable RAM worked out of memory maps; a model in JavaScript sets of pages is the judge.

import t from 'tap'
import { type Instance, engines } from '../../../../engine.ts'

const le32 = (...values: number[]): number[] => values.flatMap(v => [v & 255, v >>> 8 & 255, v >>> 16 & 255, v >>> 24])
const unsigned = (m: Instance, name: string, ...args: number[]): number => m.call(name, ...args) >>> 0
const ranges = (m: Instance): number[][] =>
  Array.from({ length: m.call('rangeCount') }, (_, i) => [unsigned(m, 'rangeStart', i), unsigned(m, 'rangeEnd', i)])

/** A machine with these regions, through the PVH protocol. */
function machine(m: Instance, regions: [base: bigint, length: bigint, type: number][]): void {
  const memory = unsigned(m, 'physicalMemory')
  const half = (v: bigint): number[] => le32(Number(v & 0xffffffffn), Number(v >> 32n))
  m.call('physicalAt', 0, 0)
  m.write(memory, [...le32(0x336ec578, 1, 0, 0), ...le32(0, 0, 0, 0, 0, 0, 0x400, 0), ...le32(regions.length, 0)])
  m.write(memory + 0x400, regions.flatMap(([base, length, type]) => [...half(base), ...half(length), ...le32(type, 0)]))
  m.call('takePvh', 0)
}

const LIMIT = 0x60000000
const [IMAGE, IMAGE_END] = [0x105000, 0x1d5123]

for (const e of await engines('test/kernel/arch.ts')) {
  t.test(`${e.kind}: ranges merge, split and shrink`, t => {
    const m = e.start()
    m.call('add', 0x3000, 0x5000)
    m.call('add', 0x8000, 0x9000)
    m.call('add', 0x5000, 0x6000)
    t.same(ranges(m), [[0x3000, 0x6000], [0x8000, 0x9000]], 'what touches becomes one')
    m.call('add', 0x1000, 0x8800)
    t.same(ranges(m), [[0x1000, 0x9000]])
    m.call('cut', 0x4000, 0x5000)
    m.call('cut', 0x8000, 0xa000)
    m.call('cut', 0, 0x2000)
    t.same(ranges(m), [[0x2000, 0x4000], [0x5000, 0x8000]])
    m.call('cut', 0x2000, 0x4000)
    t.same(ranges(m), [[0x5000, 0x8000]])
    m.call('add', 0x6000, 0x6000)
    m.call('cut', 0x6000, 0x6000)
    t.same(ranges(m), [[0x5000, 0x8000]], 'nothing added, nothing cut')
    t.equal(m.call('total'), 0x3000)
    t.end()
  })

  t.test(`${e.kind}: random adding and cutting against a set of numbers`, t => {
    let seed = 99
    const random = (below: number): number => ((seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) >>> 8) % below
    const m = e.start()
    const model = new Set<number>()
    for (let i = 0; i < 400; i++) {
      const start = random(200)
      const end = start + random(20)
      const adding = random(2) === 0
      m.call(adding ? 'add' : 'cut', start, end)
      for (let n = start; n < end; n++) adding ? model.add(n) : model.delete(n)
      const now = ranges(m)
      const pages = now.flatMap(([from, to]) => Array.from({ length: to! - from! }, (_, k) => from! + k))
      t.same(pages, [...model].sort((a, b) => a - b), `step ${i}`)
      t.ok(now.every(([from], k) => k === 0 || now[k - 1]![1]! < from!), 'apart')
    }
    t.end()
  })

  t.test(`${e.kind}: a full list loses bytes, and counts them`, t => {
    const m = e.start()
    for (let i = 0; i < 130; i++) m.call('add', i * 4, i * 4 + 2)
    t.equal(m.call('rangeCount'), 128)
    t.equal(m.call('bytesLost'), 4)
    t.end()
  })

  t.test(`${e.kind}: a limit keeps the first bytes`, t => {
    for (const [limit, left] of [[0, []], [0x800, [[0x1000, 0x1800]]], [0x1000, [[0x1000, 0x2000]]], [0x1800, [[0x1000, 0x2000], [0x4000, 0x4800]]],
      [0x9000, [[0x1000, 0x2000], [0x4000, 0x6000]]]] as [number, number[][]][]) {
      const m = e.start()
      m.call('add', 0x1000, 0x2000)
      m.call('add', 0x4000, 0x6000)
      m.call('limitTo', limit)
      t.same(ranges(m), left, `limit ${limit}`)
    }
    t.end()
  })

  t.test(`${e.kind}: QEMU's map of 128 MiB`, t => {
    const m = e.start()
    machine(m, [[0n, 0x9fc00n, 1], [0x9fc00n, 0x400n, 2], [0xf0000n, 0x10000n, 2], [0x100000n, 0x7ee0000n, 1], [0x7fe0000n, 0x20000n, 2], [0xfffc0000n, 0x40000n, 2]])
    m.call('usable', LIMIT, IMAGE, IMAGE_END)
    t.same(ranges(m), [[0x1000, 0x9f000], [0x100000, 0x105000], [0x1d6000, 0x7fe0000]])
    t.equal(m.call('ramKibOf'), 639 + 129920)
    t.end()
  })

  t.test(`${e.kind}: 4 GiB ends at the direct map's limit`, t => {
    const m = e.start()
    machine(m, [[0n, 0x9fc00n, 1], [0x100000n, 0xbfee0000n, 1], [0x100000000n, 0x40000000n, 1]])
    m.call('usable', LIMIT, IMAGE, IMAGE_END)
    t.same(ranges(m).at(-1), [0x1d6000, LIMIT])
    t.equal(m.call('ramKibOf'), 639 + 0xbfee0000 / 1024 + 1048576)
    t.end()
  })

  t.test(`${e.kind}: what any region calls reserved is reserved, whatever the order; parts of pages are lost`, t => {
    const m = e.start()
    machine(m, [[0x200800n, 0x1000n, 2], [0x100000n, 0x400000n, 1], [0x480000n, 0x200000n, 1], [0x300001n, 1n, 5], [0x700123n, 0x2fffn, 1]])
    m.call('usable', LIMIT, 0, 0)
    t.same(ranges(m), [[0x100000, 0x200000], [0x202000, 0x300000], [0x301000, 0x680000], [0x701000, 0x703000]])
    t.end()
  })

  t.test(`${e.kind}: regions that wrap or reach past 2^64 do no harm`, t => {
    const m = e.start()
    machine(m, [[0x100000n, 0xffffffffffffffffn, 1], [0xffffffffffff0000n, 0x20000n, 2], [0xfffff800n, 0x1000n, 1], [0x50000000n, 0xfffffffff0000000n, 2]])
    m.call('usable', LIMIT, 0, 0)
    t.same(ranges(m), [[0x100000, 0x50000000]])
    t.equal(m.call('ramKibOf'), -1, 'more than can be counted')
    t.end()
  })

  t.test(`${e.kind}: modules and page 0 are left out`, t => {
    const m = e.start()
    const memory = unsigned(m, 'physicalMemory')
    machine(m, [[0n, 0x1000000n, 1]])
    m.write(memory + 12, le32(1))
    m.write(memory + 16, le32(0x800, 0))
    m.write(memory + 0x800, [...le32(0x400800, 0), ...le32(0x1001, 0), ...le32(0, 0, 0, 0)])
    const again = e.start()
    const fresh = unsigned(again, 'physicalMemory')
    again.call('physicalAt', 0, 0)
    again.write(fresh, m.bytes(memory, 16384))
    again.call('takePvh', 0)
    again.call('usable', LIMIT, 0, 0)
    t.same(ranges(again), [[0x1000, 0x400000], [0x402000, 0x1000000]])
    t.end()
  })
}
