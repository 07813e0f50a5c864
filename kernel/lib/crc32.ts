// The cyclic redundancy check of Ethernet, gzip and zip: 32 bits, least significant bit first, polynomial 0xedb88320.
// IEEE 802.3 §3.2.9; RFC 1952 §8. A byte a step, by a table. Main-loop context.

import { load32, load8, store32 } from './intrinsics.ts'
import { staticMemory, type ptr, type u32 } from './layout.ts'

const POLYNOMIAL: u32 = 0xedb88320

const table = staticMemory(1024)
let made: boolean = false

function makeTable(): void {
  made = true
  for (let byte: u32 = 0; byte < 256; byte++) {
    let value: u32 = byte
    for (let bit: u32 = 0; bit < 8; bit++) value = (value & 1) != 0 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1
    store32(table, byte << 2, value)
  }
}

/** The check of what came before and of `n` bytes more; `before` is 0 at the beginning. */
export function crc32(before: u32, bytes: ptr, n: u32): u32 {
  if (!made) makeTable()
  let value: u32 = ~before
  for (let i: u32 = 0; i < n; i++) {
    value = (value >>> 8) ^ load32(table, ((value ^ load8(bytes, i)) & 0xff) << 2)
  }
  return ~value
}
