// The ChaCha20 block function against the vectors of RFC 8439.

import t from 'tap'
import { engines } from '../../../engine.ts'

const bytesOf = (hex: string) => Uint8Array.from(Buffer.from(hex.replace(/[^0-9a-f]/g, ''), 'hex'))
const words = (...values: number[]) => new Uint8Array(new Uint32Array(values).buffer)

const KEY = bytesOf('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f')

for (const e of await engines('test/kernel/random.ts')) {
  t.test(`${e.kind}: quarter round, RFC 8439 §2.1.1`, t => {
    const m = e.start()
    const state = m.alloc(64)
    m.write(state, words(0x11111111, 0x01020304, 0x9b8d6f43, 0x01234567))
    m.call('chacha20QuarterRound', state, 0, 1, 2, 3)
    t.same([...m.bytes(state, 16)], [...words(0xea2a92f4, 0xcb1cf8ce, 0x4581472e, 0x5881c4bb)])
    t.end()
  })

  t.test(`${e.kind}: quarter round on a whole state, RFC 8439 §2.2.1`, t => {
    const m = e.start()
    const state = m.alloc(64)
    m.write(state, words(
      0x879531e0, 0xc5ecf37d, 0x516461b1, 0xc9a62f8a, 0x44c20ef3, 0x3390af7f, 0xd9fc690b, 0x2a5f714c,
      0x53372767, 0xb00a5631, 0x974c541a, 0x359e9963, 0x5c971061, 0x3d631689, 0x2098d9d6, 0x91dbd320))
    m.call('chacha20QuarterRound', state, 2, 7, 8, 13)
    t.same([...m.bytes(state, 64)], [...words(
      0x879531e0, 0xc5ecf37d, 0xbdb886dc, 0xc9a62f8a, 0x44c20ef3, 0x3390af7f, 0xd9fc690b, 0xcfacafd2,
      0xe46bea80, 0xb00a5631, 0x974c541a, 0x359e9963, 0x5c971061, 0xccc07c79, 0x2098d9d6, 0x91dbd320)])
    t.end()
  })

  t.test(`${e.kind}: block, RFC 8439 §2.3.2`, t => {
    const m = e.start()
    const key = m.alloc(32)
    const nonce = m.alloc(12)
    const out = m.alloc(64)
    m.write(key, KEY)
    m.write(nonce, bytesOf('000000090000004a00000000'))
    m.call('chacha20Block', out, key, 1, nonce)
    t.same([...m.bytes(out, 64)], [...bytesOf(`
      10f1e7e4d13b5915500fdd1fa32071c4 c7d1f4c733c068030422aa9ac3d46c4e
      d2826446079faa0914c2d705d98b02a2 b5129cd1de164eb9cbd083e8a2503c4e`)])
    t.end()
  })

  t.test(`${e.kind}: block of an all-zero key, RFC 8439 appendix A.1 vectors 1 and 2`, t => {
    const m = e.start()
    const zero = m.alloc(32)
    const out = m.alloc(64)
    m.call('chacha20Block', out, zero, 0, zero)
    t.same([...m.bytes(out, 64)], [...bytesOf(`
      76b8e0ada0f13d90405d6ae55386bd28 bdd219b8a08ded1aa836efcc8b770dc7
      da41597c5157488d7724e03fb8d84a37 6a43b8f41518a11cc387b669b2ee6586`)])
    m.call('chacha20Block', out, zero, 1, zero)
    t.same([...m.bytes(out, 64)], [...bytesOf(`
      9f07e7be5551387a98ba977c732d080d cb0f29a048e3656912c6533e32ee7aed
      29b721769ce64e43d57133b074d839d5 31ed1f28510afb45ace10a1f4b794d6f`)])
    t.end()
  })

  t.test(`${e.kind}: the block may be written over its key`, t => {
    const m = e.start()
    const key = m.alloc(64)
    const other = m.alloc(64)
    const nonce = m.alloc(12)
    m.write(key, KEY)
    m.call('chacha20Block', other, key, 7, nonce)
    m.call('chacha20Block', key, key, 7, nonce)
    t.same([...m.bytes(key, 64)], [...m.bytes(other, 64)])
    t.end()
  })

  t.test(`${e.kind}: xorWords touches what it is told to and no more`, t => {
    const m = e.start()
    const to = m.alloc(16)
    const from = m.alloc(16)
    m.write(to, words(1, 2, 3, 4))
    m.write(from, words(0xff, 0xff, 0xff, 0xff))
    m.call('xorWords', to, from, 3)
    t.same([...m.bytes(to, 16)], [...words(1 ^ 0xff, 2 ^ 0xff, 3 ^ 0xff, 4)])
    t.end()
  })
}
