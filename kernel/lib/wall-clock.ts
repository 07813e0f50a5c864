// The time of day: seconds since 1970, UTC, from the clock that counts since boot and what the real-time clock said then.
// Without a real-time clock the machine booted in 1970. Any context but an interrupt's.

import { clockNow64 } from './clock.ts'
import { divide64, load32 } from './intrinsics.ts'
import { staticMemory, struct, type u32 } from './layout.ts'

const MICROSECONDS_PER_SECOND: u32 = 1_000_000
const NANOSECONDS_PER_MICROSECOND: u32 = 1000

/** A moment; seconds since 1970 reach to 2106. */
@struct
export class WallTime {
  seconds: u32
  nanoseconds: u32
}

const quotient = staticMemory(8, 8)
let atBoot: u32 = 0

/** What the time of day was when the clock stood at 0. */
export function wallClockSet(secondsAtBoot: u32): void {
  atBoot = secondsAtBoot
}

/** Seconds since 1970 when the clock stood at 0. */
export function wallClockAtBoot(): u32 {
  return atBoot
}

/** The time now, into `out`. */
export function wallClockNow(out: WallTime): void {
  const microseconds = divide64(quotient, clockNow64(), MICROSECONDS_PER_SECOND)
  out.seconds = atBoot + load32(quotient, 0)
  out.nanoseconds = microseconds * NANOSECONDS_PER_MICROSECOND
}
