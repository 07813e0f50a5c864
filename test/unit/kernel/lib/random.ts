// The generator against a model of it in Node, whose ChaCha20 comes from OpenSSL.

import { createCipheriv } from 'node:crypto'
import t from 'tap'
import { engines, type Instance } from '../../../engine.ts'

/** The first `n` bytes of the key stream, from block 0. */
function stream(key: Buffer, nonce: Buffer, n: number): Buffer {
  const iv = Buffer.concat([Buffer.alloc(4), nonce]) // OpenSSL: a 32-bit counter, then the nonce
  return createCipheriv('chacha20', key, iv).update(Buffer.alloc(n))
}

class Model {
  key: Buffer = Buffer.alloc(32)
  pool: Buffer = Buffer.alloc(0)
  seed(bytes: Uint8Array) {
    for (let at = 0; at < bytes.length; at += 32) {
      const part = bytes.subarray(at, at + 32)
      for (let i = 0; i < part.length; i++) this.key[i]! ^= part[i]!
      const nonce = Buffer.alloc(12)
      nonce.writeUInt32LE(1, 0)
      nonce.writeUInt32LE(part.length, 4)
      this.key = stream(this.key, nonce, 32)
    }
    this.pool = Buffer.alloc(0)
  }
  bytes(n: number): number[] {
    const out: number[] = []
    while (out.length < n) {
      if (this.pool.length === 0) {
        const made = stream(this.key, Buffer.alloc(12), 256)
        this.key = made.subarray(0, 32)
        this.pool = made.subarray(32)
      }
      out.push(this.pool[0]!)
      this.pool = this.pool.subarray(1)
    }
    return out
  }
}

function seed(m: Instance, bytes: Uint8Array) {
  const p = m.alloc(Math.max(bytes.length, 1))
  m.write(p, bytes)
  m.call('randomSeed', p, bytes.length)
}

function take(m: Instance, n: number): number[] {
  const p = m.alloc(Math.max(n, 1))
  m.call('randomBytes', p, n)
  return [...m.bytes(p, n)]
}

for (const e of await engines('test/kernel/random.ts')) {
  t.test(`${e.kind}: no numbers before the first seed`, t => {
    t.throws(() => e.start().call('random32'), { message: /trap/ })
    t.throws(() => take(e.start(), 1), { message: /trap/ })
    const m = e.start()
    m.call('randomSeed', m.alloc(4), 0)
    t.equal(m.call('randomSeeds'), 0, 'a seed of no bytes is none')
    t.throws(() => m.call('random32'), { message: /trap/ })
    t.end()
  })

  for (const size of [1, 31, 32, 33, 64, 100]) {
    t.test(`${e.kind}: as the model, seeded with ${size} bytes`, t => {
      const m = e.start()
      const model = new Model()
      const bytes = Uint8Array.from({ length: size }, (_, i) => i * 7 + 3)
      seed(m, bytes)
      model.seed(bytes)
      t.same(take(m, 1000), model.bytes(1000))
      seed(m, Uint8Array.of(0))
      model.seed(Uint8Array.of(0))
      t.same(take(m, 33), model.bytes(33), 'after a second seed')
      t.equal(m.call('randomSeeds'), 2)
      t.end()
    })
  }

  t.test(`${e.kind}: random32 takes four bytes, least significant first`, t => {
    const m = e.start()
    const model = new Model()
    seed(m, Uint8Array.of(1, 2, 3))
    model.seed(Uint8Array.of(1, 2, 3))
    for (let i = 0; i < 100; i++) t.equal(m.call('random32') >>> 0, Buffer.from(model.bytes(4)).readUInt32LE())
    t.end()
  })

  t.test(`${e.kind}: what was handed out is nowhere in the generator's memory`, t => {
    const m = e.start()
    seed(m, Uint8Array.of(1, 2, 3))
    take(m, 40)
    const p = m.alloc(16)
    m.call('randomBytes', p, 16)
    const memory = Buffer.from(m.bytes(0x80000000, p + 16 - 0x80000000))
    const found = memory.indexOf(m.bytes(p, 16))
    t.equal(found, p - 0x80000000, 'first where the caller wanted it')
    t.equal(memory.indexOf(m.bytes(p, 4)), found, 'no part of it either')
    t.end()
  })

  t.test(`${e.kind}: a seed with zeros behind it is another seed`, t => {
    const one = e.start()
    const two = e.start()
    seed(one, Uint8Array.of(5))
    seed(two, Uint8Array.of(5, 0))
    t.notSame(take(one, 16), take(two, 16))
    t.end()
  })

  t.test(`${e.kind}: randomBelow stays below, reaches every value, and is even`, t => {
    const m = e.start()
    seed(m, Uint8Array.of(9))
    const counts = new Map<number, number>()
    for (let i = 0; i < 6000; i++) {
      const value = m.call('randomBelow', 6)
      counts.set(value, (counts.get(value) ?? 0) + 1)
    }
    t.same([...counts.keys()].sort(), [0, 1, 2, 3, 4, 5])
    for (const n of counts.values()) t.ok(n > 850 && n < 1150, `${n} of 6000, expected about 1000 (five sigma: 144)`)
    t.equal(m.call('randomBelow', 1), 0)
    t.end()
  })
}
