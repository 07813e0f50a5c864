// Sending at a rate: a credit that time fills and what is sent empties. Main-loop context only.
//
// The unit is a millionth of a bit, so that rates of bits a second times microseconds need no division.

import { nowMicroseconds } from '../../lib/clock.ts'
import { add64, compare64, scale64, store64, subtract64 } from '../../lib/intrinsics.ts'
import { staticMemory, struct, type Bytes, type ptr, type u32 } from '../../lib/layout.ts'

@struct
export class Pace {
  credit: Bytes<8> // u64
  at: u32 // microseconds: up to here time has been counted
  reserved: u32
}

const UNITS_PER_BIT: u32 = 1_000_000
/** What was missed longer ago is not made up for. */
const LONGEST_STEP: u32 = 100_000

const amount = staticMemory(8, 8)

/** No credit; time counts from now on. */
export function paceStart(pace: Pace): void {
  store64(pace.credit, 0, 0, 0)
  pace.at = nowMicroseconds()
}

/** Time has passed, at the rate in the u64 at `rate`: bits a second, less than 2^40. */
export function paceAdvance(pace: Pace, rate: ptr): void {
  const now: u32 = nowMicroseconds()
  const passed: u32 = now - pace.at
  pace.at = now
  scale64(amount, rate, passed < LONGEST_STEP ? passed : LONGEST_STEP, 0)
  add64(pace.credit, pace.credit, amount)
}

/** Whether there is credit for so many bytes. */
export function paceAllows(pace: Pace, bytes: u32): boolean {
  return compare64(pace.credit, cost(bytes)) >= 0
}

/** So many bytes were sent: no more than there is credit for. */
export function paceSpend(pace: Pace, bytes: u32): void {
  subtract64(pace.credit, pace.credit, cost(bytes))
}

/** What could not be sent is not made up for, either. */
export function paceForfeit(pace: Pace): void {
  store64(pace.credit, 0, 0, 0)
}

function cost(bytes: u32): ptr {
  store64(amount, 0, bytes << 3, 0)
  scale64(amount, amount, UNITS_PER_BIT, 0)
  return amount
}
