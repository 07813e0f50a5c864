// Time since boot: a 64-bit count of microseconds, fed by kernel/arch (or by a test, with virtual time).
//
// Between two updates time stands still: a turn of the main loop sees one time, and reading it is a load. The
// clock never goes back. Main-loop context; a panic may read.

import { compare64, copy64, divide64, load32 } from './intrinsics.ts'
import { staticMemory, type ptr, type u32 } from './layout.ts'

/** Stores the microseconds since boot, 64 bits, at `out`. */
export type ClockSource = (out: ptr) => void

const MICROSECONDS_PER_MILLISECOND: u32 = 1000
const MICROSECONDS_PER_SECOND: u32 = 1_000_000

const now = staticMemory(8, 8)
const milliseconds = staticMemory(8, 8)
const reading = staticMemory(8, 8)
const quotient = staticMemory(8, 8)
let source: ClockSource | null = null

/** Where `clockUpdate` reads the time from now on. */
export function clockSourceSet(next: ClockSource): void {
  source = next
}

/** Read the source and let time pass up to there; without a source nothing changes. */
export function clockUpdate(): void {
  if (source == null) return
  source(reading)
  clockSet(reading)
}

/** Set the time to the u64 at `microseconds64`. An earlier time than the present one is ignored. */
export function clockSet(microseconds64: ptr): void {
  if (compare64(microseconds64, now) < 0) return
  copy64(now, 0, microseconds64, 0)
  divide64(milliseconds, now, MICROSECONDS_PER_MILLISECOND)
}

/** The address of the 64-bit time, least significant half first. Read only. */
export function clockNow64(): ptr {
  return now
}

/** Microseconds since boot modulo 2^32: compare differences, not values (71 minutes). */
export function nowMicroseconds(): u32 {
  return load32(now, 0)
}

/** Milliseconds since boot modulo 2^32: compare differences, not values (49 days). */
export function nowMilliseconds(): u32 {
  return load32(milliseconds, 0)
}

/** Seconds since boot, for what lasts longer than 32 bits of milliseconds. A division: not for the packet path. */
export function nowSeconds(): u32 {
  divide64(quotient, now, MICROSECONDS_PER_SECOND)
  return load32(quotient, 0)
}
