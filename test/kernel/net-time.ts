// Virtual time for tests: the clock stands still until the test lets it pass, and every timer fires on its
// millisecond.

import { clockNow64, clockSet } from '../../kernel/lib/clock.ts'
import { copy64, divide64, increase64, load32, store8 } from '../../kernel/lib/intrinsics.ts'
import { randomSeed } from '../../kernel/lib/random.ts'
import { staticMemory, type u32 } from '../../kernel/lib/layout.ts'
import { timersNext, timersRun } from '../../kernel/lib/timer.ts'

const time = staticMemory(8, 8)
const seed = staticMemory(32)
const quotient = staticMemory(8, 8)

/** Let milliseconds pass, timer by timer. At most 4,000,000 (one unit of 2^32 microseconds) at once. */
export function advance(milliseconds: u32): void {
  let left: u32 = milliseconds
  while (left > 0) {
    const next: u32 = timersNext()
    let step: u32 = next < left ? next : left
    if (step == 0) step = 1
    copy64(time, 0, clockNow64(), 0)
    increase64(time, step * 1000)
    clockSet(time)
    timersRun()
    left -= step
  }
}

/** Let seconds pass. */
export function advanceSeconds(seconds: u32): void {
  let left: u32 = seconds
  while (left > 0) {
    const step: u32 = left < 3600 ? left : 3600
    advance(step * 1000)
    left -= step
  }
}

/** Milliseconds until the next timer; 0xffffffff when none runs. */
export function untilTimer(): u32 {
  return timersNext()
}

/** Seconds since boot. */
export function virtualSeconds(): u32 {
  divide64(quotient, clockNow64(), 1_000_000)
  return load32(quotient, 0)
}

/** The same random numbers for the same `number`. */
export function seedRandom(number: u32): void {
  for (let i: u32 = 0; i < 32; i++) store8(seed, i, (number >>> ((i & 3) << 3)) & 0xff)
  randomSeed(seed, 32)
}
