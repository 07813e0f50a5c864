// A keyed 32-bit hash: HalfSipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012; its 32-bit
// variant of 2016). Who does not know the key can not tell its values from random ones, so it is what sequence numbers, cookies and
// ports are made with. Pure but for its buffer: any one context.

import { load32, rotateLeft, store32 } from './intrinsics.ts'
import { staticMemory, type ptr, type u32 } from './layout.ts'

/** Bytes of a key. */
export const KEYED_HASH_KEY: u32 = 8
const WORDS: u32 = 4
const LENGTH_WORD: u32 = 16 << 24 // the length of the message in the last byte of its last word
const CONSTANT_2: u32 = 0x6c796765
const CONSTANT_3: u32 = 0x74656462

const message = staticMemory(20)

/** The hash of four words under the KEYED_HASH_KEY bytes at `key`. */
export function keyedHash(key: ptr, a: u32, b: u32, c: u32, d: u32): u32 {
  store32(message, 0, a)
  store32(message, 4, b)
  store32(message, 8, c)
  store32(message, 12, d)
  store32(message, 16, LENGTH_WORD)
  let v0: u32 = load32(key, 0)
  let v1: u32 = load32(key, 4)
  let v2: u32 = CONSTANT_2 ^ v0
  let v3: u32 = CONSTANT_3 ^ v1
  for (let i: u32 = 0; i <= WORDS + 1; i++) {
    const last: boolean = i > WORDS
    const word: u32 = last ? 0 : load32(message, i << 2)
    let rounds: u32 = last ? 4 : 2
    v3 ^= word
    if (last) v2 ^= 0xff
    while (rounds > 0) {
      v0 += v1
      v1 = rotateLeft(v1, 5) ^ v0
      v0 = rotateLeft(v0, 16)
      v2 += v3
      v3 = rotateLeft(v3, 8) ^ v2
      v0 += v3
      v3 = rotateLeft(v3, 7) ^ v0
      v2 += v1
      v1 = rotateLeft(v1, 13) ^ v2
      v2 = rotateLeft(v2, 16)
      rounds -= 1
    }
    v0 ^= word
  }
  return v1 ^ v3
}
