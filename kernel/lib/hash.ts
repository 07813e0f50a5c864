// A 32-bit hash of bytes: xxHash32 (the algorithm's specification, version 0.1.1, "XXH32 algorithm description").
// Fast, well mixed, and not a secret: what an attacker may choose must be hashed under a random seed. Any context.

import { load32, load8, rotateLeft } from './intrinsics.ts'
import type { ptr, u32 } from './layout.ts'

const PRIME_1: u32 = 0x9e3779b1
const PRIME_2: u32 = 0x85ebca77
const PRIME_3: u32 = 0xc2b2ae3d
const PRIME_4: u32 = 0x27d4eb2f
const PRIME_5: u32 = 0x165667b1
const STRIPE: u32 = 16

/** The hash of `n` bytes, any alignment, under a seed. */
export function hashBytes(p: ptr, n: u32, seed: u32): u32 {
  const stripes: u32 = n & ~(STRIPE - 1)
  let hash: u32 = stripes == 0 ? seed + PRIME_5 : hashStripes(p, stripes, seed)
  hash += n
  let i: u32 = stripes
  while (i + 4 <= n) {
    hash = rotateLeft(hash + load32(p, i) * PRIME_3, 17) * PRIME_4
    i += 4
  }
  while (i < n) {
    hash = rotateLeft(hash + load8(p, i) * PRIME_5, 11) * PRIME_1
    i += 1
  }
  return avalanche(hash)
}

/** Four lanes of 32 bits over `n` bytes, a multiple of 16. */
function hashStripes(p: ptr, n: u32, seed: u32): u32 {
  let a: u32 = seed + PRIME_1 + PRIME_2
  let b: u32 = seed + PRIME_2
  let c: u32 = seed
  let d: u32 = seed - PRIME_1
  let i: u32 = 0
  while (i < n) {
    a = rotateLeft(a + load32(p, i) * PRIME_2, 13) * PRIME_1
    b = rotateLeft(b + load32(p, i + 4) * PRIME_2, 13) * PRIME_1
    c = rotateLeft(c + load32(p, i + 8) * PRIME_2, 13) * PRIME_1
    d = rotateLeft(d + load32(p, i + 12) * PRIME_2, 13) * PRIME_1
    i += STRIPE
  }
  return rotateLeft(a, 1) + rotateLeft(b, 7) + rotateLeft(c, 12) + rotateLeft(d, 18)
}

function avalanche(value: u32): u32 {
  let hash: u32 = value
  hash = (hash ^ (hash >> 15)) * PRIME_2
  hash = (hash ^ (hash >> 13)) * PRIME_3
  return hash ^ (hash >> 16)
}

/** A number spread over all 32 bits, for tables whose size is a power of two. */
export function hash32(value: u32): u32 {
  return avalanche(value + PRIME_5)
}
