// Processor time: what a thread, its process and all processes together have spent in user mode and in the kernel.
//
//   user mode ──▶ the kernel is entered: the time since was user time
//   the kernel ──▶ it is left, or others run: the time since was system time
//
// Times are counts of a counter that runs evenly, the time-stamp counter; only who is told them needs microseconds. What the running
// thread spends is counted in one place, and settled, with the thread and its process, when others run or somebody asks. What passes
// while no process runs is nobody's. Context: a process's, or the scheduler's; interrupts do not matter.

import { add64, copy64, store64, subtract64 } from '../lib/intrinsics.ts'
import { staticMemory, staticStruct, struct, type Bytes, type ptr } from '../lib/layout.ts'

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
/** The running thread's, since it was settled. */
const running = staticStruct<ProcessorTime>()
const mark = staticMemory(8, 8)
const now = staticMemory(8, 8)
const sum = staticMemory(8, 8)
let counter: Counter | null = null
let convert: CountsToMicroseconds | null = null

/** What counts, and what that means. Boot context. */
export function processorTimeInit(next: Counter, toMicroseconds: CountsToMicroseconds): void {
  counter = next
  convert = toMicroseconds
  processorTimeSkip()
}

/** All processes' time since boot. */
export function processorTimeOfAll(): ProcessorTime {
  return all
}

/** What has passed is nobody's. */
export function processorTimeSkip(): void {
  if (counter != null) counter(mark)
}

/** What has passed is added to `to`. */
function pass(to: ptr): void {
  if (counter == null) return
  counter(now)
  add64(to, to, now)
  subtract64(to, to, mark)
  copy64(mark, 0, now, 0)
}

/** What has passed was the running thread's, in user mode. */
export function processorTimeUser(): void {
  pass(running.user)
}

/** What has passed was the running thread's, in the kernel. */
export function processorTimeSystem(): void {
  pass(running.system)
}

/** What the running thread has spent up to now, in the kernel at last, is its own and its process's. */
export function processorTimeSettle(thread: ProcessorTime, process: ProcessorTime): void {
  pass(running.system)
  processorTimeAdd(thread, running)
  processorTimeAdd(process, running)
  processorTimeAdd(all, running)
  store64(running.user, 0, 0, 0)
  store64(running.system, 0, 0, 0)
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
