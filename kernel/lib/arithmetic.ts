// Arithmetic that needs more than 32 bits on its way. Main-loop context: one buffer for all.

import { divide64, load32, multiplyHigh, store64 } from './intrinsics.ts'
import { staticMemory, type u32 } from './layout.ts'

const product = staticMemory(8, 8)

/** a × b ÷ c, rounded down, without losing the upper half of the product; what does not fit 32 bits is 2^32 - 1. c is not 0. */
export function multiplyDivide(a: u32, b: u32, c: u32): u32 {
  store64(product, 0, a * b, multiplyHigh(a, b))
  divide64(product, product, c)
  return load32(product, 4) != 0 ? 0xffffffff : load32(product, 0)
}

/** The largest number whose cube is at most `value`: up to 1625. */
export function cubeRoot(value: u32): u32 {
  let root: u32 = 0
  let bit: u32 = 1024
  while (bit != 0) {
    const next: u32 = root + bit
    if (next <= LARGEST_ROOT && next * next * next <= value) root = next
    bit = bit >>> 1
  }
  return root
}

const LARGEST_ROOT: u32 = 1625 // its cube is the last below 2^32
