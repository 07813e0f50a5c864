// Random numbers: ChaCha20 with fast key erasure. (D. J. Bernstein, "Fast-key-erasure random-number
// generators", 2017.) Each refill makes 256 bytes; the first 32 are the next key at once, and every byte that is
// handed out is wiped, so what is in memory now tells nothing about what was handed out before.
//
// Entropy comes in by `randomSeed`, from drivers/rng. Before the first seed there are no random numbers, and
// asking for some is a broken boot order: panic. Main-loop context only.

import { CHACHA20_BLOCK_SIZE, CHACHA20_KEY_SIZE, chacha20Block, xorWords } from './chacha20.ts'
import { load8, store8 } from './intrinsics.ts'
import { at, plus, staticMemory, wire, type Le, type ptr, type u32 } from './layout.ts'
import { panic } from './panic.ts'

const BLOCKS: u32 = 4
const POOL_SIZE: u32 = 256

/** RFC 8439 §2.3: 96 bits that keep apart what is made from one key. */
@wire(12)
class Nonce {
  purpose: Le<u32>
  length: Le<u32>
  zero: Le<u32>
}

const enum Purpose { Output, Absorb }

const key = staticMemory(32)
const pool = staticMemory(256)
const chunk = staticMemory(64)
const nonceMemory = staticMemory(12)
let position: u32 = 256 // of the first byte in the pool not handed out yet
let seeds: u32 = 0

function nonceFor(purpose: Purpose, length: u32): ptr {
  const nonce = at<Nonce>(nonceMemory)
  nonce.purpose = purpose
  nonce.length = length
  return nonceMemory
}

function wipe(p: ptr, bytes: u32): void {
  for (let i: u32 = 0; i < bytes; i++) store8(p, i, 0)
}

function copy(to: ptr, from: ptr, bytes: u32): void {
  for (let i: u32 = 0; i < bytes; i++) store8(to, i, load8(from, i))
}

/** Fill the pool; its first 32 bytes become the key before anything is handed out. */
function refill(): void {
  const nonce = nonceFor(Purpose.Output, 0)
  for (let i: u32 = 0; i < BLOCKS; i++) chacha20Block(plus(pool, i * CHACHA20_BLOCK_SIZE), key, i, nonce)
  copy(key, pool, CHACHA20_KEY_SIZE)
  wipe(pool, CHACHA20_KEY_SIZE)
  position = CHACHA20_KEY_SIZE
}

/** Mix up to 32 bytes into the key, one way: XOR, then the first half of a block under the result. */
function absorb(p: ptr, bytes: u32): void {
  wipe(chunk, CHACHA20_BLOCK_SIZE)
  copy(chunk, p, bytes)
  xorWords(key, chunk, 8)
  chacha20Block(chunk, key, 0, nonceFor(Purpose.Absorb, bytes))
  copy(key, chunk, CHACHA20_KEY_SIZE)
  wipe(chunk, CHACHA20_BLOCK_SIZE)
}

/**
 * Mix the `bytes` bytes at `p` into the generator: never makes it worse, whatever they are. What was made before
 * and not handed out yet is thrown away. `bytes` of 0 does nothing.
 */
export function randomSeed(p: ptr, bytes: u32): void {
  if (bytes == 0) return
  let done: u32 = 0
  while (done < bytes) {
    let size: u32 = bytes - done
    if (size > CHACHA20_KEY_SIZE) size = CHACHA20_KEY_SIZE
    absorb(plus(p, done), size)
    done += size
  }
  wipe(pool, POOL_SIZE)
  position = POOL_SIZE
  seeds += 1
}

/** How often the generator was seeded; 0 means it has nothing to give yet. */
export function randomSeeds(): u32 {
  return seeds
}

/** `bytes` random bytes at `p`. Panics before the first seed. */
export function randomBytes(p: ptr, bytes: u32): void {
  if (seeds == 0) panic('random numbers asked for before the generator was seeded')
  for (let i: u32 = 0; i < bytes; i++) {
    if (position == POOL_SIZE) refill()
    store8(p, i, load8(pool, position))
    store8(pool, position, 0)
    position += 1
  }
}

const single = staticMemory(4)

/** A random number, all 32 bits. Panics before the first seed. */
export function random32(): u32 {
  randomBytes(single, 4)
  const number = at<RandomNumber>(single)
  const value: u32 = number.value
  number.value = 0
  return value
}

/** The first word of a block: RFC 8439 §2.3. */
@wire(4)
class RandomNumber {
  value: Le<u32>
}

/** A random number below `limit` (1 or more), each equally likely: what would make some likelier is thrown away. */
export function randomBelow(limit: u32): u32 {
  const unfair: u32 = (0 - limit as u32) % limit // 2^32 mod limit
  let value: u32 = random32()
  while (value < unfair) value = random32()
  return value % limit
}
