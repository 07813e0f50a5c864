// Timers of any length, for one moment or again and again: in microseconds since boot, 64 bits, where those of the wheel
// (timer.ts) reach 24 days in milliseconds. A moment further off is brought nearer by one of the wheel's at a time; moments of a
// period are counted from the first, so they do not drift, and those that pass together are told at once.
// Main-loop or process context.

import { clockNow64 } from './clock.ts'
import { add64, compare64, copy64, divide64, increase64, load32, scale64, store64, subtract64 } from './intrinsics.ts'
import { address, at, staticMemory, struct, type Bytes, type Embed, type Stored, type bool, type ptr, type u32 } from './layout.ts'
import { Timer, timerStart, timerStop } from './timer.ts'

/** So many moments of the timer have come, 1 unless it has a period. */
export type LongTimerFired = (timer: LongTimer, times: u32) => void

/** Zeroed memory is one that does not run. Only `owner` is the user's to write. */
@struct
export class LongTimer {
  timer: Embed<Timer>
  fired: LongTimerFired | null
  owner: ptr
  running: Stored<u32, bool>
  expires: Bytes<8> // the next moment
  interval: Bytes<8> // the period; 0: once
}

const MICROSECONDS_PER_MILLISECOND: u32 = 1000
/** Milliseconds brought nearer at a time: some 12 days. */
const STEP: u32 = 0x40000000

const wide = staticMemory(8, 8)
const count = staticMemory(8, 8)

/** Start a timer, or start it again. One whose moment is over fires before this returns. */
export function longTimerStart(timer: LongTimer, expires: ptr, interval: ptr, fired: LongTimerFired): void {
  copy64(timer.expires, 0, expires, 0)
  copy64(timer.interval, 0, interval, 0)
  timer.fired = fired
  timer.running = true
  timer.timer.owner = address(timer)
  look(timer)
}

/** Stop a timer, if it runs. */
export function longTimerStop(timer: LongTimer): void {
  timer.running = false
  timerStop(timer.timer)
}

/** Fire it if its moment has come by the clock and the main loop has not been there. */
export function longTimerLook(timer: LongTimer): void {
  if (timer.running && isDue(timer)) look(timer)
}

/** How long it still runs, microseconds, 64 bits at `out`: 0 if it does not, else 1 at least. */
export function longTimerLeft(out: ptr, timer: LongTimer): void {
  store64(out, 0, timer.running ? 1 : 0, 0)
  if (timer.running && !isDue(timer)) subtract64(out, timer.expires, clockNow64())
}

function isDue(timer: LongTimer): boolean {
  return compare64(timer.expires, clockNow64()) <= 0
}

function reached(timer: Timer): void {
  look(at<LongTimer>(timer.owner))
}

/** Fire if it is time, and aim at the next moment, if there is one. */
function look(timer: LongTimer): void {
  if (!isDue(timer)) return aim(timer)
  const times = pass(timer)
  if (load32(timer.interval, 0) == 0 && load32(timer.interval, 4) == 0) longTimerStop(timer)
  else aim(timer)
  const fired = timer.fired
  if (fired != null) fired(timer, times)
}

/** The wheel's timer is for the moment, or brings it nearer. */
function aim(timer: LongTimer): void {
  subtract64(wide, timer.expires, clockNow64())
  divide64(wide, wide, MICROSECONDS_PER_MILLISECOND)
  const far: boolean = load32(wide, 4) != 0 || load32(wide, 0) >= STEP
  timerStart(timer.timer, far ? STEP : load32(wide, 0) + 1, reached)
}

/** Its next moment is the first that has not passed; how many have, 2^32 - 1 at most. */
function pass(timer: LongTimer): u32 {
  const low: u32 = load32(timer.interval, 0)
  const high: u32 = load32(timer.interval, 4)
  if (low == 0 && high == 0) return 1
  if (high != 0) return passLong(timer)
  subtract64(wide, clockNow64(), timer.expires)
  divide64(count, wide, low)
  increase64(count, 1)
  const times: u32 = load32(count, 4) != 0 ? 0xffffffff : load32(count, 0)
  scale64(wide, timer.interval, times, 0)
  add64(timer.expires, timer.expires, wide)
  return times
}

/** The same of a period of more than 2^32 microseconds: few have passed. */
function passLong(timer: LongTimer): u32 {
  let times: u32 = 0
  while (isDue(timer)) {
    add64(timer.expires, timer.expires, timer.interval)
    times += 1
  }
  return times
}
