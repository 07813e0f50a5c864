// The wall clock: the MC146818 real-time clock, read once. Motorola MC146818 data sheet; ports 0x70 and 0x71.
// The clock is taken to be in UTC, as QEMU sets it. The calendar is pure; it is in calendar.ts. Boot context.

import { inb, outb } from '../../lib/intrinsics.ts'
import type { u32 } from '../../lib/layout.ts'
import { secondsSince1970 } from './calendar.ts'

const INDEX: u32 = 0x70
const DATA: u32 = 0x71
const enum Register { Seconds = 0, Minutes = 2, Hours = 4, Day = 7, Month = 8, Year = 9, StatusA = 10, StatusB = 11, Century = 0x32 }
/** Status A: the time is about to change. */
const UPDATE_IN_PROGRESS: u32 = 0x80
/** Status B: 24 hours, not 12; binary, not BCD. */
const HOURS_24: u32 = 2
const BINARY: u32 = 4
const AFTERNOON: u32 = 0x80
/** Readings until two agree; an update takes 2 ms, and comes once a second. */
const TRIES: u32 = 5
/** Turns of waiting for an update to end: 2 ms at a microsecond a port access. */
const PATIENCE: u32 = 4000

let status: u32 = 0

function read(register: Register): u32 {
  outb(INDEX, register)
  return inb(DATA)
}

function decoded(value: u32): u32 {
  return (status & BINARY) != 0 ? value : (value >>> 4) * 10 + (value & 15)
}

function hours(): u32 {
  const raw = read(Register.Hours)
  const hour = decoded(raw & 0x7f)
  if ((status & HOURS_24) != 0) return hour
  return (hour % 12) + ((raw & AFTERNOON) != 0 ? 12 : 0)
}

function waitForUpdate(): void {
  for (let turn: u32 = 0; turn < PATIENCE; turn++) {
    if ((read(Register.StatusA) & UPDATE_IN_PROGRESS) == 0) return
  }
}

/** The time as it reads now; 0 when it is no time at all. */
function reading(): u32 {
  waitForUpdate()
  status = read(Register.StatusB)
  const century = decoded(read(Register.Century))
  const year = (century >= 19 && century <= 21 ? century : 20) * 100 + decoded(read(Register.Year))
  return secondsSince1970(
    year, decoded(read(Register.Month)), decoded(read(Register.Day)),
    hours(), decoded(read(Register.Minutes)), decoded(read(Register.Seconds)),
  )
}

/** Seconds since 1970-01-01 00:00 UTC (until 2106), or 0 when the clock makes no sense. */
export function wallClock(): u32 {
  let last = reading()
  for (let i: u32 = 0; i < TRIES; i++) { // an update in between shows as a difference
    const again = reading()
    if (again == last) return again
    last = again
  }
  return last
}
