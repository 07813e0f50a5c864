// Pools and the heap: sizes, contents, counters, limits, and what is found out when memory is freed wrongly.

import t from 'tap'
import { engines, type Engine, type Instance } from '../../../engine.ts'

const PAGE = 4096
const BASE = 0x80000000

const xorshift = (seed: number) => (below: number) => {
  seed ^= seed << 13; seed ^= seed >>> 17; seed ^= seed << 5
  return (seed >>> 0) % below
}

function machine(e: Engine, pages = 2048): Instance {
  const m = e.start()
  const start = m.alloc(pages * PAGE, PAGE) - BASE
  m.call('framesAddRegion', start, start + pages * PAGE)
  m.call('heapInit')
  return m
}

const allocate = (m: Instance, bytes: number) => m.call('heapAllocate', bytes) >>> 0

/** Why `run` panicked. */
function panicOf(m: Instance, run: () => void): string {
  m.call('rememberPanics')
  try { run() } catch (error) { return `${m.text(m.call('panicWhy'))}${(error as Error).message === 'trap' ? '' : ` ${error}`}` }
  return 'no panic'
}

for (const e of await engines('test/kernel/mm.ts')) {
  t.test(`${e.kind}: a pool's objects are distinct, aligned to 16, zeroed, and come back`, t => {
    for (const size of [1, 16, 24, 100, 1000, 2048, 5000, 8192]) {
      const m = machine(e)
      m.call('makePool', 0, m.cstring('test'), size, 0)
      const rounded = Math.ceil(size / 16) * 16
      const objects = Array.from({ length: 300 }, () => m.call('fromPool', 0) >>> 0).sort((a, b) => a - b)
      t.ok(objects.every((p, i) => p % 16 === 0 && (i === 0 || p - objects[i - 1]! >= rounded)), `${size}: apart`)
      t.ok(objects.every(p => m.bytes(p, size).every(b => b === 0)), `${size}: zeroed`)
      for (const p of objects) m.bytes(p, rounded).fill(0xcc)
      t.equal(m.call('poolUsed', 0), 300)
      const again = objects[150]!
      m.call('toPool', 0, again)
      t.ok(m.bytes(m.call('fromPool', 0), size).every(b => b === 0), `${size}: zeroed again`)
      for (const p of objects) m.call('toPool', 0, p)
      t.equal(m.call('poolUsed', 0), 0)
      t.equal(m.call('poolSlabs', 0), 1, `${size}: one slab is kept`)
    }
    t.end()
  })

  t.test(`${e.kind}: a slab wastes an eighth at most, or is as large as slabs get`, t => {
    const m = machine(e)
    for (let size = 16; size <= 8192; size += 16) {
      m.call('makePool', 0, m.cstring('test'), size, 0)
      const bytes = PAGE << m.call('poolOrder', 0)
      const used = m.call('poolPerSlab', 0) * size
      const small = m.call('poolPerSlab', 0) === 256
      if (used > bytes - 48 || (used < (bytes - 48) * 7 / 8 && m.call('poolOrder', 0) < 3 && !small)) t.fail(`${size}: ${used} of ${bytes}`)
    }
    t.end()
  })

  t.test(`${e.kind}: a pool's limit holds, and is counted`, t => {
    const m = machine(e)
    m.call('makePool', 0, m.cstring('test'), 64, 5)
    const objects = Array.from({ length: 7 }, () => m.call('fromPool', 0))
    t.same(objects.map(p => p !== 0), [true, true, true, true, true, false, false])
    t.equal(m.call('poolFailures', 0), 2)
    m.call('toPool', 0, objects[2]!)
    t.not(m.call('fromPool', 0), 0)
    t.end()
  })

  t.test(`${e.kind}: without memory a pool gives 0, and goes on when there is some`, t => {
    const m = machine(e, 8)
    m.call('makePool', 0, m.cstring('test'), 1024, 0)
    const objects: number[] = []
    for (let p = m.call('fromPool', 0); p !== 0; p = m.call('fromPool', 0)) objects.push(p)
    t.ok(objects.length >= 15 && objects.length <= 7 * 3, `${objects.length} objects of 1 KiB in 7 pages`)
    m.call('toPool', 0, objects[0]!)
    t.equal(m.call('fromPool', 0), objects[0])
    t.equal(m.call('poolRoom', 0), 0)
    t.end()
  })

  t.test(`${e.kind}: an object freed wrongly is a panic that names it`, t => {
    const cases: [why: string, run: (m: Instance, p: number) => void][] = [
      ['an object is freed twice', (m, p) => { m.call('toPool', 0, p); m.call('toPool', 0, p) }],
      ['an object is freed by an address inside it', (m, p) => m.call('toPool', 0, p + 16)],
      ['an object is freed by an address inside it', (m, p) => m.call('toPool', 0, p - 8)],
      ['an object is freed to a pool it is not from', (m, p) => m.call('toPool', 1, p)],
      ['an object is freed to a pool it is not from', m => m.call('toPool', 0, m.alloc(64))],
      ['an object of a pool is freed to the heap', (m, p) => m.call('heapFree', p)],
    ]
    for (const [why, run] of cases) {
      const m = machine(e)
      m.call('makePool', 0, m.cstring('one'), 64, 0)
      m.call('makePool', 1, m.cstring('two'), 64, 0)
      m.call('fromPool', 0)
      const p = m.call('fromPool', 0)
      m.call('fromPool', 1)
      t.equal(panicOf(m, () => run(m, p)), why)
    }
    t.end()
  })

  t.test(`${e.kind}: every size gets at least its bytes; to 8 KiB no more than half as much again`, t => {
    const m = machine(e)
    for (const bytes of [1, 15, 16, 17, 32, 33, 48, 49, 64, 65, 96, 97, 100, 128, 1000, 1024, 1500, 1536, 1537, 4096, 6144, 8191, 8192, 8193, 12289, 65536]) {
      const p = allocate(m, bytes)
      const size = m.call('heapSize', p)
      t.ok(size >= bytes && (bytes > 8192 ? size < bytes * 2 : size <= Math.max(bytes * 1.5, 32)), `${bytes}: ${size}`)
      m.bytes(p, size).fill(1)
      m.call('heapFree', p)
    }
    t.equal(m.call('heapBytes'), 0)
    t.equal(m.call('heapFrames'), 0)
    t.end()
  })

  t.test(`${e.kind}: powers of two and the halves between them are sizes of their own`, t => {
    const m = machine(e)
    for (let size = 16; size <= 8192; size *= 2) {
      t.equal(m.call('heapSize', allocate(m, size)), size)
      if (size >= 32 && size < 8192) t.equal(m.call('heapSize', allocate(m, size * 1.5)), size * 1.5)
    }
    t.end()
  })

  t.test(`${e.kind}: no bytes, too many, and more than there is give 0`, t => {
    const m = machine(e, 64)
    t.same([0, (4 << 20) + 1, 0xffffffff, 1 << 20].map(bytes => allocate(m, bytes)), [0, 0, 0, 0])
    t.equal(m.call('heapFailures'), 4)
    m.call('heapFree', 0)
    t.equal(m.call('heapAllocations'), 0)
    t.end()
  })

  t.test(`${e.kind}: memory freed wrongly is a panic that names it`, t => {
    const cases: [why: string, run: (m: Instance) => void][] = [
      ['an object is freed twice', m => { const p = allocate(m, 100); allocate(m, 100); m.call('heapFree', p); m.call('heapFree', p) }],
      ['memory is freed to the heap that it does not have', m => { const p = allocate(m, 10000); m.call('heapFree', p); m.call('heapFree', p) }],
      ['memory is freed by an address inside it', m => m.call('heapFree', allocate(m, 10000) + PAGE)],
      ['memory is freed to the heap that it does not have', m => m.call('heapFree', m.call('frameMemory', m.call('frameAllocate', 0)))],
      ['memory is freed to the heap that it does not have', m => m.call('heapFree', m.alloc(16))],
      ['memory is freed to the heap that it does not have', m => m.call('heapFree', m.userAlloc(16))],
    ]
    for (const [why, run] of cases) {
      const m = machine(e)
      t.equal(panicOf(m, () => run(m)), why)
    }
    t.end()
  })

  t.test(`${e.kind}: 10,000 random allocations and frees: contents stay, counters agree`, t => {
    const m = machine(e)
    const pick = xorshift(4242)
    const held: { p: number, bytes: number, mark: number }[] = []
    let expected = 0
    for (let step = 0; step < 10000; step++) {
      if (pick(2) === 0 || held.length === 0) {
        const bytes = 1 + [pick(64), pick(600), pick(9000), pick(60000)][pick(4)]!
        const p = allocate(m, bytes)
        if (p === 0) continue
        const mark = 1 + pick(255)
        m.bytes(p, bytes).fill(mark)
        expected += m.call('heapSize', p)
        held.push({ p, bytes, mark })
      } else {
        const [{ p, bytes, mark }] = held.splice(pick(held.length), 1) as [typeof held[0] & object]
        if (!m.bytes(p, bytes).every(b => b === mark)) throw new Error(`step ${step}: ${bytes} bytes were overwritten`)
        expected -= m.call('heapSize', p)
        m.call('heapFree', p)
      }
      if (m.call('heapBytes') !== expected || m.call('heapAllocations') !== held.length) throw new Error(`step ${step}: counters`)
    }
    for (const { p } of held) m.call('heapFree', p)
    t.equal(m.call('heapBytes'), 0)
    t.ok(m.call('framesFree') > 2043 - 18 * 8, 'all that is kept is a slab a class')
    t.end()
  })

  t.test(`${e.kind}: a page of the heap written over whole does not break the heap`, t => {
    const m = machine(e)
    const objects = Array.from({ length: 30 }, () => allocate(m, 100))
    for (const p of objects.slice(0, 10)) m.call('heapFree', p)
    for (const p of objects) m.bytes(p, 112).fill(0xff) // freed ones too
    const again = Array.from({ length: 30 }, () => allocate(m, 100))
    t.equal(new Set([...again, ...objects.slice(10)]).size, 50)
    t.end()
  })
}
