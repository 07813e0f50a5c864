// Times in user memory: timespec and timeval, both 16 bytes of two 64-bit numbers, and what they are in the kernel's milliseconds.
//
// Time limits are rounded up, and a millisecond is added: the kernel's clock may be nearly one ahead of what its count of
// milliseconds says, and nobody is to wait for less than was asked.

import { clockNow64, clockUpdate } from '../lib/clock.ts'
import { Errno } from '../lib/errno.ts'
import { add64, compare64, divide64, increase64, load32, scale64, store64, subtract64 } from '../lib/intrinsics.ts'
import { address, sizeof, staticMemory, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { SLEEP_FOR_EVER } from '../lib/sleep.ts'
import { wallClockAtBoot } from '../lib/wall-clock.ts'
import { TimeSpec } from '../fs/layouts.ts'
import { userCopyIn, userCopyOut } from '../vm/user-copy.ts'

export const NANOSECONDS_PER_SECOND: u32 = 1_000_000_000
export const MICROSECONDS_PER_SECOND: u32 = 1_000_000
const NANOSECONDS_PER_MILLISECOND: u32 = 1_000_000
const MICROSECONDS_PER_MILLISECOND: u32 = 1000
const NANOSECONDS_PER_MICROSECOND: u32 = 1000
const MILLISECONDS_PER_SECOND: u32 = 1000
/** The longest time limit in milliseconds that is one, and seconds that are sure to fit. */
const LONGEST: u32 = 0xfffffffe
const LONGEST_SECONDS: u32 = 4_294_966

const wide = staticMemory(8, 8)
const quotient = staticMemory(8, 8)

/** A timespec from user memory. Errors: BadAddress, InvalidArgument (negative, or a second or more of nanoseconds). May sleep. */
export function timeRead(from: ptr, out: TimeSpec): i32 {
  const error = userCopyIn(address(out), from, sizeof<TimeSpec>())
  return error != Errno.None ? error : timeFault(out)
}

/** InvalidArgument for a timespec that is negative, or has a second or more of nanoseconds. */
export function timeFault(out: TimeSpec): i32 {
  if ((out.seconds.high as number as i32) < 0) return Errno.InvalidArgument
  return out.nanoseconds.high != 0 || out.nanoseconds.low >= NANOSECONDS_PER_SECOND ? Errno.InvalidArgument : Errno.None
}

/** A timeval from user memory: as timeRead; `out` has microseconds where a timespec has nanoseconds. May sleep. */
export function timeValueRead(from: ptr, out: TimeSpec): i32 {
  const error = userCopyIn(address(out), from, sizeof<TimeSpec>())
  return error != Errno.None ? error : timeValueFault(out)
}

/** InvalidArgument for a timeval that is negative, or has a second or more of microseconds. */
export function timeValueFault(out: TimeSpec): i32 {
  if ((out.seconds.high as number as i32) < 0) return Errno.InvalidArgument
  return out.nanoseconds.high != 0 || out.nanoseconds.low >= MICROSECONDS_PER_SECOND ? Errno.InvalidArgument : Errno.None
}

/** A time to wait in milliseconds, never too short; what does not fit is cut to 49 days. */
export function timeMilliseconds(time: TimeSpec): u32 {
  return milliseconds(time, (time.nanoseconds.low + NANOSECONDS_PER_MILLISECOND - 1) / NANOSECONDS_PER_MILLISECOND)
}

/** The same of a timeval. */
export function timeValueMilliseconds(time: TimeSpec): u32 {
  return milliseconds(time, (time.nanoseconds.low + MICROSECONDS_PER_MILLISECOND - 1) / MICROSECONDS_PER_MILLISECOND)
}

function milliseconds(time: TimeSpec, part: u32): u32 {
  if (time.seconds.high != 0 || time.seconds.low >= LONGEST_SECONDS) return LONGEST
  const whole: u32 = time.seconds.low * MILLISECONDS_PER_SECOND + part
  return whole == 0 ? 0 : whole + 1
}

/** A timespec as 64-bit microseconds at `out`, rounded up; what does not fit 32 bits of seconds is cut to them. */
export function timeMicroseconds(out: ptr, time: TimeSpec): void {
  store64(out, 0, time.seconds.high != 0 ? 0xffffffff : time.seconds.low, 0)
  scale64(out, out, MICROSECONDS_PER_SECOND, 0)
  increase64(out, (time.nanoseconds.low + NANOSECONDS_PER_MICROSECOND - 1) / NANOSECONDS_PER_MICROSECOND)
}

/** A timeval as 64-bit microseconds at `out`; what does not fit 32 bits of seconds is cut to them. */
export function timeValueMicroseconds(out: ptr, time: TimeSpec): void {
  store64(out, 0, time.seconds.high != 0 ? 0xffffffff : time.seconds.low, 0)
  scale64(out, out, MICROSECONDS_PER_SECOND, 0)
  increase64(out, time.nanoseconds.low)
}

/** And back. */
export function timeValueFromMicroseconds(out: TimeSpec, microseconds: ptr): void {
  out.nanoseconds.low = divide64(address(out.seconds), microseconds, MICROSECONDS_PER_SECOND)
  out.nanoseconds.high = 0
}

/** poll(2)'s timeout: negative is for ever. */
export function timeoutMilliseconds(timeout: i32): u32 {
  if (timeout < 0) return SLEEP_FOR_EVER
  return timeout == 0 ? 0 : (timeout as number as u32) + 1
}

/** How long it is from now to a moment, in milliseconds, 0 if it is over; of the clock since boot, or the time of day. */
export function timeUntil(moment: TimeSpec, timeOfDay: boolean): u32 {
  if (moment.seconds.high != 0) return LONGEST
  store64(wide, 0, moment.seconds.low, 0)
  store64(quotient, 0, timeOfDay ? wallClockAtBoot() : 0, 0)
  if (compare64(wide, quotient) < 0) return 0
  subtract64(wide, wide, quotient)
  scale64(wide, wide, MICROSECONDS_PER_SECOND, 0)
  increase64(wide, (moment.nanoseconds.low + NANOSECONDS_PER_MICROSECOND - 1) / NANOSECONDS_PER_MICROSECOND)
  clockUpdate()
  if (compare64(wide, clockNow64()) <= 0) return 0
  subtract64(wide, wide, clockNow64())
  increase64(wide, MICROSECONDS_PER_MILLISECOND - 1)
  divide64(quotient, wide, MICROSECONDS_PER_MILLISECOND)
  if (load32(quotient, 4) != 0 || load32(quotient, 0) >= LONGEST) return LONGEST
  return load32(quotient, 0) + 1
}

/** What is left of a limit that began at `since` milliseconds, `now` being the present. */
export function timeLeft(limit: u32, since: u32, now: u32): u32 {
  if (limit == SLEEP_FOR_EVER) return limit
  const passed: u32 = now - since
  return passed < limit ? limit - passed : 0
}

/** The 64-bit microseconds at `microseconds` as a timespec. */
export function timeFromMicroseconds(out: TimeSpec, microseconds: ptr): void {
  const rest = divide64(address(out.seconds), microseconds, MICROSECONDS_PER_SECOND)
  out.nanoseconds.low = rest * NANOSECONDS_PER_MICROSECOND
  out.nanoseconds.high = 0
}

/** The time of day as a timespec. */
export function timeOfDay(out: TimeSpec): void {
  clockUpdate()
  timeFromMicroseconds(out, clockNow64())
  store64(wide, 0, wallClockAtBoot(), 0)
  add64(address(out.seconds), address(out.seconds), wide)
}

/** `milliseconds` as a timespec, and as a timeval. */
export function timeFromMilliseconds(out: TimeSpec, time: u32): void {
  out.seconds.low = time / MILLISECONDS_PER_SECOND
  out.seconds.high = 0
  out.nanoseconds.low = (time % MILLISECONDS_PER_SECOND) * NANOSECONDS_PER_MILLISECOND
  out.nanoseconds.high = 0
}

export function timeValueFromMilliseconds(out: TimeSpec, time: u32): void {
  timeFromMilliseconds(out, time)
  out.nanoseconds.low = out.nanoseconds.low / NANOSECONDS_PER_MICROSECOND
}

/** A timespec, or a timeval, to user memory. Errors: BadAddress. May sleep. */
export function timeWrite(to: ptr, time: TimeSpec): i32 {
  return userCopyOut(to, address(time), sizeof<TimeSpec>())
}
