// Processor time: what a thread, its process and all processes together have spent in user mode and in the kernel.
//
//   user mode ──▶ the kernel is entered: the time since was user time
//   the kernel ──▶ it is left, or others run: the time since was system time
//
// Times are counts of a counter that runs evenly, the time-stamp counter; only who is told them needs microseconds. What the running
// thread spends is settled, with the thread and its process, when others run or somebody asks; until then only the part of it that was
// user mode is kept: the rest was the kernel's. To look at the counter takes an emulated processor as long as a small system call does,
// so of many visits to user mode in one time slice only some are looked at, and stand for those before them. What passes while no
// process runs is nobody's. Context: a process's, or the scheduler's; interrupts do not matter.

import { add64, compare64, copy64, load32, store64, subtract64 } from '../lib/intrinsics.ts'
import { staticMemory, staticStruct, struct, type Bytes, type ptr, type u32 } from '../lib/layout.ts'

/** Visits to user mode in a row of which each is looked at; of more than these one in 16 is, at random. */
const EXACT_VISITS: u32 = 64
/** Of a random word: 0 to 31. */
const GAP_SHIFT: u32 = 27

@struct
export class ProcessorTime {
  user: Bytes<8> // counts, 64 bits
  system: Bytes<8>
}

/** A timer of a process's own processor time. */
@struct
export class ProcessorTimer {
  expires: Bytes<8> // microseconds of that time, 64 bits; 0: it does not run
  interval: Bytes<8> // microseconds; 0: once
}

/** Stores the count, 64 bits, at `out`. */
export type Counter = (out: ptr) => void
/** Stores at `out` how many microseconds the 64-bit count at `counts` is. */
export type CountsToMicroseconds = (out: ptr, counts: ptr) => void

const all = staticStruct<ProcessorTime>()
/** The running thread's, as it is settled. */
const running = staticStruct<ProcessorTime>()
/** Up to where everything is settled. */
const settled = staticMemory(8, 8)
const now = staticMemory(8, 8)
const sum = staticMemory(8, 8)
/** When user mode went on, and its counts since they were settled: low words, for user mode lasts a time slice at most. */
let userSince: u32 = 0
let user: u32 = 0
/** Visits to user mode since then; that which was looked at last; that which is next; what the present one stands for. */
let visits: u32 = 0
let last: u32 = 0
let next: u32 = 1
let weight: u32 = 0
let seed: u32 = 1
let counter: Counter | null = null
let convert: CountsToMicroseconds | null = null

/** What counts, and what that means. Boot context. */
export function processorTimeInit(count: Counter, toMicroseconds: CountsToMicroseconds): void {
  counter = count
  convert = toMicroseconds
  processorTimeSkip()
}

/** All processes' time since boot. */
export function processorTimeOfAll(): ProcessorTime {
  return all
}

/** What has passed is nobody's. */
export function processorTimeSkip(): void {
  if (counter != null) counter(settled)
}

/** The running thread has come from user mode. */
export function processorTimeFromUser(): void {
  if (weight != 0) lookFromUser()
}

/** The running thread goes on in user mode. */
export function processorTimeToUser(): void {
  visits += 1
  if (visits < next) weight = 0
  else lookToUser()
}

function lookFromUser(): void {
  if (counter == null) return
  counter(now)
  user += (load32(now, 0) - userSince) * weight
}

/** The visit that begins is looked at, and stands for those since the last that was. */
function lookToUser(): void {
  weight = next - last
  last = next
  seed = seed * 1_103_515_245 + 12_345
  next += visits < EXACT_VISITS ? 1 : 1 + (seed >>> GAP_SHIFT)
  if (counter == null) return
  counter(now)
  userSince = load32(now, 0)
}

/** What the running thread has spent up to now, in the kernel at last, is its own and its process's. */
export function processorTimeSettle(thread: ProcessorTime, process: ProcessorTime): void {
  if (counter == null) return
  counter(now)
  subtract64(sum, now, settled)
  copy64(settled, 0, now, 0)
  store64(running.user, 0, user, 0)
  if (compare64(running.user, sum) > 0) copy64(running.user, 0, sum, 0)
  subtract64(running.system, sum, running.user)
  user = 0
  visits = 0
  last = 0
  next = 1
  processorTimeAdd(thread, running)
  processorTimeAdd(process, running)
  processorTimeAdd(all, running)
}

/** `more` on top of `to`. */
export function processorTimeAdd(to: ProcessorTime, more: ProcessorTime): void {
  add64(to.user, to.user, more.user)
  add64(to.system, to.system, more.system)
}

/** The microseconds of `counts`, user or system, 64 bits at `out`. */
export function processorMicroseconds(out: ptr, counts: ptr): void {
  if (convert != null) convert(out, counts)
}

/** The microseconds of both, 64 bits at `out`. */
export function processorMicrosecondsOfBoth(out: ptr, time: ProcessorTime): void {
  add64(sum, time.user, time.system)
  processorMicroseconds(out, sum)
}
