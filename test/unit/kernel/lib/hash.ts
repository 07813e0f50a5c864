// xxHash32 against an implementation of its specification in plain JavaScript, and known values.

import t from 'tap'
import { engines } from '../../../engine.ts'

const PRIMES = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f, 0x165667b1].map(BigInt)
const MASK = 0xffffffffn

/** The specification, step by step, over bigints. */
function reference(bytes: Uint8Array, seed: number): number {
  const [p1, p2, p3, p4, p5] = PRIMES as [bigint, bigint, bigint, bigint, bigint]
  const word = (at: number) => BigInt(new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true))
  const rotate = (x: bigint, n: bigint) => ((x << n) | (x >> (32n - n))) & MASK
  const round = (acc: bigint, lane: bigint) => (rotate((acc + lane * p2) & MASK, 13n) * p1) & MASK
  const s = BigInt(seed)
  let at = 0
  let acc = (s + p5) & MASK
  if (bytes.length >= 16) {
    let lanes = [s + p1 + p2, s + p2, s, s - p1].map(x => x & MASK)
    for (; at + 16 <= bytes.length; at += 16) lanes = lanes.map((lane, i) => round(lane, word(at + i * 4)))
    acc = ([1n, 7n, 12n, 18n] as const).reduce((sum, n, i) => sum + rotate(lanes[i]!, n), 0n) & MASK
  }
  acc = (acc + BigInt(bytes.length)) & MASK
  for (; at + 4 <= bytes.length; at += 4) acc = (rotate((acc + word(at) * p3) & MASK, 17n) * p4) & MASK
  for (; at < bytes.length; at++) acc = (rotate((acc + BigInt(bytes[at]!) * p5) & MASK, 11n) * p1) & MASK
  acc = ((acc ^ (acc >> 15n)) * p2) & MASK
  acc = ((acc ^ (acc >> 13n)) * p3) & MASK
  return Number(acc ^ (acc >> 16n))
}

for (const e of await engines('test/kernel/lib.ts')) {
  t.test(`${e.kind}: known values of XXH32`, t => {
    const m = e.start()
    t.equal(m.call('hashBytes', m.cstring(''), 0, 0) >>> 0, 0x02cc5d05)
    t.equal(m.call('hashBytes', m.cstring('abc'), 3, 0) >>> 0, 0x32d153ff)
    t.end()
  })

  t.test(`${e.kind}: every length to 70, a page, seeds and alignments`, t => {
    const m = e.start()
    const buffer = m.alloc(4200)
    const bytes = Uint8Array.from({ length: 4200 }, (_, i) => (i * i * 7 + 13) & 255)
    m.write(buffer, bytes)
    for (const n of [...Array(71).keys(), 4096]) {
      for (const [seed, shift] of [[0, 0], [1, 1], [0xffffffff, 3]] as const) {
        const expected = reference(bytes.slice(shift, shift + n), seed)
        const actual = m.call('hashBytes', buffer + shift, n, seed) >>> 0
        if (actual !== expected) t.fail(`${n} bytes, seed ${seed}: ${actual}, not ${expected}`)
      }
    }
    t.end()
  })

  t.test(`${e.kind}: hash32 spreads neighbours over the low bits`, t => {
    const m = e.start()
    const buckets = new Set<number>()
    for (let page = 0; page < 64; page++) buckets.add(m.call('hash32', page * 4096) & 255)
    t.ok(buckets.size > 48, `${buckets.size} of 256 buckets for 64 pages in a row`)
    t.end()
  })
}
