// The clock: the time-stamp counter, calibrated at boot against the 8254, as microseconds since the kernel's
// entry. Intel SDM vol. 3 §17.17. The local APIC's timer is calibrated in the same stretch of time.
//
// A reading of the reference is bracketed by two of the TSC, and of several tries the one with the closest
// bracket counts: an interrupted try, or an emulator that was elsewhere, is not believed. The time the rest of
// the boot takes counts towards the measurement, so that it costs little: `clockStart` is called as early as
// there is a TSC, `clockInit` as late as somebody needs the time. Boot context; `clockSource` in any.

import { clockSourceSet, clockUpdate } from '../../lib/clock.ts'
import { divide64, rdtsc, scale64, shiftLeft64, subtract64 } from '../../lib/intrinsics.ts'
import { address, staticStruct, type ptr, type u32 } from '../../lib/layout.ts'
import { Level, logLine } from '../../lib/log.ts'
import { apicTimerCalibrated, apicTimerElapsed, apicTimerMeasure } from './apic.ts'
import { Register64 } from './cpu.ts'
import { PIT_FREQUENCY, pitElapsed, pitLatch, pitRunning, pitStart } from './pit.ts'

/** Counts of the 8254 that are measured at least: 4 ms, so that an error of a microsecond is 0.025 %. */
const MEASURED: u32 = 4773
/** Tries for a reading: of emulated port accesses every few hundredth is slow. */
const TRIES: u32 = 4
/** Without a reference the TSC is taken to run at 1 GHz, and the log says so: 2^41 / 1000. */
const ASSUMED_MULTIPLIER: u32 = 0x83126e98
const ASSUMED_SHIFT: u32 = 41
/** Turns of the waiting loop after which a reference that stands still is given up. */
const PATIENCE: u32 = 100000
const MICROSECONDS_PER_SECOND: u32 = 1000000

const zero = staticStruct<Register64>() // the TSC at clockStart
const before = staticStruct<Register64>()
const after = staticStruct<Register64>()
const start = staticStruct<Register64>() // the first sample
const sampled = staticStruct<Register64>() // the TSC of the last sample
const apicStart = staticStruct<Register64>()
const number = staticStruct<Register64>()
let startCount: u32 = 0
let apicStartTicks: u32 = 0
let sampledCount: u32 = 0
let multiplier: u32 = ASSUMED_MULTIPLIER
let shift: u32 = ASSUMED_SHIFT
let kilohertz: u32 = 0

/** Read the reference into `sampledCount`, and the TSC at that time into `sampled`. */
function sample(): void {
  let closest: u32 = 0xffffffff
  for (let i: u32 = 0; i < TRIES; i++) {
    rdtsc(address(before))
    pitLatch()
    rdtsc(address(after))
    const bracket: u32 = after.low - before.low
    const count = pitElapsed()
    if (bracket < closest) {
      closest = bracket
      sampledCount = count
      sampled.low = before.low
      sampled.high = before.high
    }
  }
}

function startMeasuring(): void {
  pitStart()
  sample()
  startCount = sampledCount
  start.low = sampled.low
  start.high = sampled.high
}

/** Wait until enough was measured. False when the reference has run out or stands still. */
function measured(): boolean {
  for (let turn: u32 = 0; turn < PATIENCE; turn++) {
    sample()
    if (!pitRunning()) return false
    if (sampledCount - startCount >= MEASURED) return true
  }
  return false
}

/** The multiplier and shift that turn TSC ticks into microseconds, from the two samples. */
function calculate(): void {
  subtract64(address(number), address(sampled), address(start))
  const ticks = number.low // at most 55 ms of them: 32 bits
  number.low = sampledCount - startCount
  number.high = 0
  scale64(address(number), address(number), MICROSECONDS_PER_SECOND, 0)
  shiftLeft64(address(number), address(number), 24)
  divide64(address(number), address(number), PIT_FREQUENCY) // microseconds × 2^24, below 2^40
  const low = number.low
  const high = number.high
  shift = 47
  while (shift > 24) { // the largest shift whose multiplier has 32 bits is the most precise
    number.low = low
    number.high = high
    shiftLeft64(address(number), address(number), shift - 24)
    divide64(address(number), address(number), ticks)
    if (number.high == 0) break
    shift -= 1
  }
  multiplier = number.low
  number.low = 0
  number.high = 1000 << (shift - 32) // 1000 × 2^shift / multiplier, in ticks a millisecond
  divide64(address(number), address(number), multiplier)
  kilohertz = number.low
}

/** Microseconds since `clockStart`, 64 bits, at `out`: what lib/clock.ts reads. */
function clockSource(out: ptr): void {
  rdtsc(out)
  subtract64(out, out, address(zero))
  scale64(out, out, multiplier, shift)
}

/** The time-stamp counter, 64 bits, at `out`: its differences are for `clockOfCounts`. */
export function clockCounter(out: ptr): void {
  rdtsc(out)
}

/** Microseconds that so many counts of the time-stamp counter take, 64 bits each. */
export function clockOfCounts(out: ptr, counts: ptr): void {
  scale64(out, counts, multiplier, shift)
}

/** The APIC timer's ticks, and the TSC at that time in `after`: of several tries the one least interrupted. */
function sampleApicTimer(): u32 {
  let closest: u32 = 0xffffffff
  let ticks: u32 = 0
  for (let i: u32 = 0; i < TRIES; i++) {
    rdtsc(address(before))
    const now = apicTimerElapsed()
    rdtsc(address(number))
    const bracket: u32 = number.low - before.low
    if (bracket < closest) {
      closest = bracket
      ticks = now
      after.low = before.low
      after.high = before.high
    }
  }
  return ticks
}

/** Ticks a millisecond, from the time and the ticks since `clockStartApic`. */
function calibrateApicTimer(): void {
  const ticks = sampleApicTimer() - apicStartTicks
  subtract64(address(after), address(after), address(apicStart))
  scale64(address(after), address(after), multiplier, shift)
  const microseconds = after.low
  if (microseconds == 0) return apicTimerCalibrated(0)
  number.low = ticks
  number.high = 0
  scale64(address(number), address(number), 1000, 0)
  divide64(address(number), address(number), microseconds)
  apicTimerCalibrated(number.low)
}

/** Time starts here; so does the measurement. */
export function clockStart(): void {
  rdtsc(address(zero))
  startMeasuring()
}

/** The local APIC is there: measure its timer too. */
export function clockStartApic(): void {
  apicTimerMeasure()
  apicStartTicks = sampleApicTimer()
  apicStart.low = after.low
  apicStart.high = after.high
}

/** Finish the measurement, and let lib/clock.ts tell the time from it. Takes at most 5 ms since `clockStart`. */
export function clockInit(): void {
  let known = measured()
  if (!known) { // the rest of the boot took longer than the reference lasts: once more
    startMeasuring()
    known = measured()
  }
  if (known) calculate()
  clockSourceSet(clockSource)
  clockUpdate()
  calibrateApicTimer()
  if (!known) logLine(Level.Warn, 'clock', 'uncalibrated')
}

/** Ticks of the TSC a millisecond; 0 if there was nothing to measure it by. */
export function tscKilohertz(): u32 {
  return kilohertz
}
