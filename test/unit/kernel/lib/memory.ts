// Copy, move, fill, compare: every length and alignment near the steps of the loops, against Node's own.

import t from 'tap'
import { engines, type Instance } from '../../../engine.ts'

const LENGTHS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 32, 33, 39, 40, 63, 64, 65, 100, 127, 128, 1500]
const pattern = (n: number, salt: number) => Uint8Array.from({ length: n }, (_, i) => (i * 37 + salt * 11 + 1) & 255)

const equal = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0

/** A buffer with a border of 64 bytes on each side that must not change. */
function bordered(m: Instance, n: number) {
  const base = m.alloc(n + 128)
  m.bytes(base, n + 128).fill(0xa5)
  return { inside: base + 64, untouched: () => [...m.bytes(base, 64), ...m.bytes(base + 64 + n, 64)].every(b => b === 0xa5) }
}

for (const e of await engines('test/kernel/lib.ts')) {
  t.test(`${e.kind}: copyBytes copies n bytes and no more, at every alignment`, t => {
    const m = e.start()
    const from = m.alloc(2048)
    m.write(from, pattern(2048, 1))
    for (const n of LENGTHS) {
      for (let shift = 0; shift < 9; shift++) {
        const to = bordered(m, n)
        m.call('copyBytes', to.inside, from + shift, n)
        if (!equal(m.bytes(to.inside, n), m.bytes(from + shift, n))) throw new Error(`${n} bytes from +${shift}`)
        if (!to.untouched()) throw new Error(`around ${n} bytes`)
      }
    }
    t.end()
  })

  t.test(`${e.kind}: copyBytes to below the source may overlap it`, t => {
    for (const distance of [1, 3, 8, 31, 33]) {
      const m = e.start()
      const base = m.alloc(600)
      m.write(base, pattern(600, 2))
      m.call('copyBytes', base, base + distance, 500)
      t.ok(equal(m.bytes(base, 500), pattern(600, 2).subarray(distance, distance + 500)), `by ${distance}`)
    }
    t.end()
  })

  t.test(`${e.kind}: moveBytes is copyWithin, both ways, at every distance`, t => {
    const m = e.start()
    const base = m.alloc(512)
    for (const n of [0, 1, 7, 8, 9, 40, 100, 200]) {
      for (const distance of [0, 1, 2, 7, 8, 9, 31, 32, 100, 199, 200, 201]) {
        for (const [to, from] of [[0, distance], [distance, 0]] as const) {
          const expected = pattern(512, 3).copyWithin(to, from, from + n)
          m.write(base, pattern(512, 3))
          m.call('moveBytes', base + to, base + from, n)
          if (!equal(m.bytes(base, 512), expected)) throw new Error(`${n} bytes from ${from} to ${to}`)
        }
      }
    }
    t.end()
  })

  t.test(`${e.kind}: fillBytes and zeroBytes fill n bytes and no more; only the low byte of the value counts`, t => {
    const m = e.start()
    for (const n of LENGTHS) {
      const to = bordered(m, n)
      m.call('fillBytes', to.inside, 0x1234567e, n)
      t.ok(m.bytes(to.inside, n).every(b => b === 0x7e) && to.untouched(), `${n} bytes`)
      m.call('zeroBytes', to.inside, n)
      t.ok(m.bytes(to.inside, n).every(b => b === 0) && to.untouched(), `${n} bytes of zero`)
    }
    t.end()
  })

  t.test(`${e.kind}: equalBytes sees a difference in any byte, allZero any byte that is not`, t => {
    const m = e.start()
    const [a, b] = [m.alloc(64), m.alloc(64)]
    for (const n of [0, 1, 3, 4, 7, 8, 9, 16, 33]) {
      t.equal(m.call('equalBytes', a, b, n), 1, `equal ${n}`)
      t.equal(m.call('allZero', a, n), 1, `zero ${n}`)
      for (let i = 0; i < 40; i++) {
        m.write(a + i, [1])
        const inside = i < n ? 0 : 1
        if (m.call('equalBytes', a, b, n) !== inside || m.call('allZero', a, n) !== inside) t.fail(`byte ${i} of ${n}`)
        m.write(a + i, [0])
      }
    }
    t.end()
  })

  t.test(`${e.kind}: strings`, t => {
    const m = e.start()
    const [empty, abc, abcd] = [m.cstring(''), m.cstring('abc'), m.cstring('abcd')]
    t.same([empty, abc, abcd].map(s => m.call('stringLength', s)), [0, 3, 4])
    t.same([0, 2, 3, 4, 5].map(limit => m.call('stringLengthBounded', abc, limit)), [0, 2, 3, 3, 3])
    t.equal(m.call('equalStrings', abc, m.cstring('abc')), 1)
    t.equal(m.call('equalStrings', abc, abcd), 0)
    t.equal(m.call('equalStrings', empty, empty), 1)
    t.equal(m.call('spells', abcd, 3, abc), 1, 'the first three bytes')
    t.equal(m.call('spells', abcd, 4, abc), 0)
    t.equal(m.call('spells', abcd, 2, abc), 0)
    t.end()
  })

  t.test(`${e.kind}: rangeWraps`, t => {
    const m = e.start()
    t.equal(m.call('rangeWraps', 0xfffff000, 0xfff), 0)
    t.equal(m.call('rangeWraps', 0xfffff000, 0x1000), 1)
    t.equal(m.call('rangeWraps', 0x1000, 0xfffff000), 1)
    t.equal(m.call('rangeWraps', 0, 0xffffffff), 0)
    t.end()
  })
}
