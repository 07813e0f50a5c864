// The ChaCha20 block function, RFC 8439 §2.3: 32 bytes of key, a counter and a nonce make 64 bytes that can
// not be told from random ones without the key. Used by lib/random.ts; encrypts nothing here.
// Not reentrant: the working state is one static block. Main-loop context only.

import { rotateLeft } from './intrinsics.ts'
import { at, nth, staticMemory, wire, type Le, type ptr, type u32 } from './layout.ts'

/** Bytes of a key, of a nonce, of one block. RFC 8439 §2.3. */
export const CHACHA20_KEY_SIZE: u32 = 32
export const CHACHA20_NONCE_SIZE: u32 = 12
export const CHACHA20_BLOCK_SIZE: u32 = 64

/** One little-endian word of a state, a key or a nonce. */
@wire(4)
class Word {
  value: Le<u32>
}

const WORDS: u32 = 16
const DOUBLE_ROUNDS: u32 = 10

//  cccccccc  cccccccc  cccccccc  cccccccc        c  constant      RFC 8439 §2.3
//  kkkkkkkk  kkkkkkkk  kkkkkkkk  kkkkkkkk        k  key
//  kkkkkkkk  kkkkkkkk  kkkkkkkk  kkkkkkkk        b  block counter
//  bbbbbbbb  nnnnnnnn  nnnnnnnn  nnnnnnnn        n  nonce
const initial = staticMemory(64)
const working = staticMemory(64)

function word(block: ptr, index: u32): Word {
  return nth(at<Word>(block), index)
}

/** RFC 8439 §2.1, on the words `a`, `b`, `c`, `d` (0 to 15) of the 64-byte state at `state`. */
export function chacha20QuarterRound(state: ptr, a: u32, b: u32, c: u32, d: u32): void {
  let va: u32 = word(state, a).value
  let vb: u32 = word(state, b).value
  let vc: u32 = word(state, c).value
  let vd: u32 = word(state, d).value
  va += vb
  vd = rotateLeft(vd ^ va, 16)
  vc += vd
  vb = rotateLeft(vb ^ vc, 12)
  va += vb
  vd = rotateLeft(vd ^ va, 8)
  vc += vd
  vb = rotateLeft(vb ^ vc, 7)
  word(state, a).value = va
  word(state, b).value = vb
  word(state, c).value = vc
  word(state, d).value = vd
}

/** One column round and one diagonal round. RFC 8439 §2.3. */
function doubleRound(state: ptr): void {
  chacha20QuarterRound(state, 0, 4, 8, 12)
  chacha20QuarterRound(state, 1, 5, 9, 13)
  chacha20QuarterRound(state, 2, 6, 10, 14)
  chacha20QuarterRound(state, 3, 7, 11, 15)
  chacha20QuarterRound(state, 0, 5, 10, 15)
  chacha20QuarterRound(state, 1, 6, 11, 12)
  chacha20QuarterRound(state, 2, 7, 8, 13)
  chacha20QuarterRound(state, 3, 4, 9, 14)
}

function setInitial(key: ptr, counter: u32, nonce: ptr): void {
  word(initial, 0).value = 0x61707865 // "expand 32-byte k"
  word(initial, 1).value = 0x3320646e
  word(initial, 2).value = 0x79622d32
  word(initial, 3).value = 0x6b206574
  for (let i: u32 = 0; i < 8; i++) word(initial, 4 + i).value = word(key, i).value
  word(initial, 12).value = counter
  for (let i: u32 = 0; i < 3; i++) word(initial, 13 + i).value = word(nonce, i).value
}

/**
 * RFC 8439 §2.3: the 64 bytes of block `counter` under the 32-byte `key` and the 12-byte `nonce`, at `out`,
 * which may overlap either. Leaves nothing of the key behind.
 */
export function chacha20Block(out: ptr, key: ptr, counter: u32, nonce: ptr): void {
  setInitial(key, counter, nonce)
  for (let i: u32 = 0; i < WORDS; i++) word(working, i).value = word(initial, i).value
  for (let i: u32 = 0; i < DOUBLE_ROUNDS; i++) doubleRound(working)
  for (let i: u32 = 0; i < WORDS; i++) word(out, i).value = word(working, i).value + word(initial, i).value
  for (let i: u32 = 0; i < WORDS; i++) {
    word(working, i).value = 0
    word(initial, i).value = 0
  }
}

/** XOR the `count` 32-bit words at `from` into those at `to`. */
export function xorWords(to: ptr, from: ptr, count: u32): void {
  for (let i: u32 = 0; i < count; i++) word(to, i).value = word(to, i).value ^ word(from, i).value
}
