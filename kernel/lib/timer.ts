// Timers: a hierarchical timing wheel (Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", 1987, scheme 7).
//
//   level 0   32 slots of 1 ms     the next expiry is exact here
//   level 1   32 slots of 32 ms    a slot that begins is dealt out to the levels below
//   …
//   level 6    4 slots of 2^30 ms
//
// A timer's level is that of the highest bit in which its expiry and the wheel's time differ, so everything in
// a level expires before anything in the next, and starting and stopping take constant time. A word of bits
// a level says which slots are in use: time passes over empty slots at no cost, however far it jumps.
//
// Times are milliseconds modulo 2^32. Timers of one expiry fire in the order they were started. Main-loop context.

import { nowMilliseconds } from './clock.ts'
import { countLeadingZeros, countTrailingZeros } from './intrinsics.ts'
import { nth, staticRow, struct, type ptr, type u16, type u32 } from './layout.ts'

/** Called once when the timer has expired; it may start or stop any timer, this one included. */
export type TimerFired = (timer: Timer) => void

/** Embedded in what it times. Zeroed memory is a stopped timer. Only `owner` is the user's to write. */
@struct
export class Timer {
  next: Timer | null
  previous: Timer | null
  fired: TimerFired
  expires: u32 // milliseconds, modulo 2^32
  owner: ptr // the user's own
  slot: u16 // place in `slots`
  active: u16 // 1 from timerStart until it fires or is stopped
}

/** A list of timers, oldest first. */
@struct
class Slot {
  first: Timer | null
  last: Timer | null
}

@struct
class Level {
  inUse: u32 // bit n: slot n is not empty
}

const SLOT_BITS: u32 = 5
const SLOTS: u32 = 32
const SLOT_MASK: u32 = 31
const LEVELS: u32 = 7
/** The slot after all levels, 7 × 32: expired timers whose functions are being called. */
const EXPIRING: u32 = 224
const LONGEST_DELAY: u32 = 0x7fffffff

const slots = staticRow<Slot>(EXPIRING + 1)
/** One more than there are levels: the last is that of EXPIRING, and nobody looks at it. */
const levels = staticRow<Level>(LEVELS + 1)
/** The wheel's time: every timer that expired up to here has fired. */
let current: u32 = 0
let count: u32 = 0

/**
 * Start a timer, or start it again: `fired` is called by the first `timersRun` at least `delayMilliseconds`
 * later. 0 counts as 1; more than 2^31 - 1 (24 days) as that.
 */
export function timerStart(timer: Timer, delayMilliseconds: u32, fired: TimerFired): void {
  timerStop(timer)
  if (count == 0) current = nowMilliseconds()
  let delay: u32 = delayMilliseconds
  if (delay == 0) delay = 1
  if (delay > LONGEST_DELAY) delay = LONGEST_DELAY
  timer.expires = nowMilliseconds() + delay
  timer.fired = fired
  timer.active = 1
  count += 1
  place(timer)
}

/** Stop a timer: its function will not be called. One that is not running stays so. */
export function timerStop(timer: Timer): void {
  if (timer.active == 0) return
  unlink(timer)
  timer.active = 0
  count -= 1
}

/** Whether the timer was started and has neither fired nor been stopped. */
export function timerActive(timer: Timer): boolean {
  return timer.active != 0
}

/** Timers running. */
export function timersActive(): u32 {
  return count
}

/** Fire every timer that has expired by now, earliest first; returns how many there were. */
export function timersRun(): u32 {
  const now = nowMilliseconds()
  let fired: u32 = 0
  while (count != 0) {
    const level = lowestLevel()
    const slot = firstSlot(level)
    const begins = slotBegins(level, slot)
    if (begins - current > now - current) break
    current = begins
    if (level == 0) fired += fireAll(slot)
    else dealOut(level * SLOTS + slot)
  }
  current = now
  return fired
}

/**
 * Milliseconds from now until `timersRun` has something to do, 0 if it has already; 0xffffffff when no timer
 * runs. It may have no more to do than bring a far timer nearer, so this is never too late but may be early.
 */
export function timersNext(): u32 {
  if (count == 0) return 0xffffffff
  const level = lowestLevel()
  const wait: u32 = slotBegins(level, firstSlot(level)) - current
  const passed: u32 = nowMilliseconds() - current
  return wait > passed ? wait - passed : 0
}

/** The first level in use. Some timer runs and none is expiring, so there is one. */
function lowestLevel(): u32 {
  let level: u32 = 0
  while (level < LEVELS - 1 && nth(levels, level).inUse == 0) level += 1
  return level
}

/** The slot in use that comes next. Only the last level can wrap: in the others all is ahead of the wheel. */
function firstSlot(level: u32): u32 {
  const inUse: u32 = nth(levels, level).inUse
  const at: u32 = (current >> (level * SLOT_BITS)) & SLOT_MASK
  const ahead: u32 = inUse >> at << at
  return countTrailingZeros(ahead != 0 ? ahead : inUse)
}

/** When a slot begins: the wheel's time with this level's digit replaced and those below it zero. */
function slotBegins(level: u32, slot: u32): u32 {
  const shift: u32 = level * SLOT_BITS
  if (level == LEVELS - 1) return slot << shift
  const above: u32 = shift + SLOT_BITS
  return (current >> above << above) | (slot << shift)
}

/** Into the slot for its expiry, seen from the wheel's time. */
function place(timer: Timer): void {
  const differing: u32 = timer.expires ^ current
  let level: u32 = 0
  if (differing != 0) level = (31 - countLeadingZeros(differing)) / SLOT_BITS
  const slot: u32 = (timer.expires >> (level * SLOT_BITS)) & SLOT_MASK
  append(timer, level * SLOTS + slot)
  nth(levels, level).inUse |= 1 << slot
}

/** Call everything in a slot of level 0. What the functions start is later; what they stop is not called. */
function fireAll(slot: u32): u32 {
  let fired: u32 = 0
  moveSlot(slot, EXPIRING)
  let timer: Timer | null = nth(slots, EXPIRING).first
  while (timer != null) {
    timerStop(timer)
    timer.fired(timer)
    fired += 1
    timer = nth(slots, EXPIRING).first
  }
  return fired
}

/** The wheel has reached a slot of an upper level: each timer in it goes to the level it now belongs to. */
function dealOut(slot: u32): void {
  let timer: Timer | null = nth(slots, slot).first
  nth(slots, slot).first = null
  nth(slots, slot).last = null
  markEmpty(slot)
  while (timer != null) {
    const following: Timer | null = timer.next
    place(timer)
    timer = following
  }
}

/** Move a whole list to an empty slot. */
function moveSlot(from: u32, to: u32): void {
  let timer: Timer | null = nth(slots, from).first
  nth(slots, to).first = timer
  nth(slots, to).last = nth(slots, from).last
  nth(slots, from).first = null
  nth(slots, from).last = null
  markEmpty(from)
  while (timer != null) {
    timer.slot = to
    timer = timer.next
  }
}

function append(timer: Timer, slot: u32): void {
  const list = nth(slots, slot)
  timer.slot = slot
  timer.next = null
  timer.previous = list.last
  if (list.last != null) list.last.next = timer
  else list.first = timer
  list.last = timer
}

function unlink(timer: Timer): void {
  const list = nth(slots, timer.slot)
  if (timer.previous != null) timer.previous.next = timer.next
  else list.first = timer.next
  if (timer.next != null) timer.next.previous = timer.previous
  else list.last = timer.previous
  if (list.first == null) markEmpty(timer.slot)
}

function markEmpty(slot: u32): void {
  nth(levels, slot / SLOTS).inUse &= ~(1 << (slot & SLOT_MASK))
}
