// Sleeping until something happens: what a process does in the kernel when it has to wait, without this file, or whoever
// waits, knowing what a process is.
//
//   WaitQueue --first--> Sleeper <--> Sleeper <--last--     oldest first; zeroed memory is an empty queue
//
// Whoever sleeps looks at its condition again after every wake-up: it may have been woken for nothing. The scheduler is
// registered at boot. Where there is none (under test), sleeping calls what the test registered, which brings the
// awaited thing about. Context: calls that sleep are a process's; waking is the main loop's or a process's, never an interrupt's.

import { staticStruct, struct, type i32, type u32 } from './layout.ts'
import { panic } from './panic.ts'

/** No time limit. */
export const SLEEP_FOR_EVER: u32 = 0xffffffff

/** Who sleeps, in the queue it sleeps on. Part of a process. */
@struct
export class Sleeper {
  next: Sleeper | null
  previous: Sleeper | null
  queue: WaitQueue | null // null: not in a queue
}

@struct
export class WaitQueue {
  first: Sleeper | null
  last: Sleeper | null
}

/**
 * Let others run until this one is woken, `milliseconds` have passed, or, if `interruptible`, a signal is pending: None,
 * TimedOut, Interrupted. With a queue, the sleeper is in it meanwhile.
 */
export type Sleep = (queue: WaitQueue | null, milliseconds: u32, interruptible: boolean) => i32
/** Make a sleeper ready to run; it is in no queue any more. */
export type Wake = (sleeper: Sleeper) => void
/** Told of every `pollWake`. */
type PollListener = () => void

let sleep: Sleep | null = null
let wake: Wake | null = null
const pollers = staticStruct<WaitQueue>()
let listener: PollListener | null = null

/** How to sleep, and how to end it, from now on. */
export function setSleep(nextSleep: Sleep, nextWake: Wake): void {
  sleep = nextSleep
  wake = nextWake
}

function sleepUntil(queue: WaitQueue | null, milliseconds: u32, interruptible: boolean): i32 {
  if (sleep == null) panic('something sleeps where nothing can wake it')
  return sleep(queue, milliseconds, interruptible)
}

/** May sleep. None: woken; Interrupted: a signal is pending. */
export function sleepOn(queue: WaitQueue): i32 {
  return sleepUntil(queue, SLEEP_FOR_EVER, true)
}

/** May sleep, and no signal ends it: for what ends by itself soon, as a disk's transfer. */
export function sleepUninterruptible(queue: WaitQueue): void {
  sleepUntil(queue, SLEEP_FOR_EVER, false)
}

/** As `sleepUninterruptible`, for a time at most: None, TimedOut. */
export function sleepUninterruptibleFor(queue: WaitQueue, milliseconds: u32): i32 {
  return sleepUntil(queue, milliseconds, false)
}

/** May sleep, for that long, whatever signals come. */
export function sleepPause(milliseconds: u32): void {
  sleepUntil(null, milliseconds, false)
}

/** May sleep, on a queue or on none, for a time at most: None, Interrupted, TimedOut. */
export function sleepFor(queue: WaitQueue | null, milliseconds: u32): i32 {
  return sleepUntil(queue, milliseconds, true)
}

/** Put a sleeper at the end of a queue: for whoever implements `Sleep`. */
export function sleeperEnqueue(queue: WaitQueue, sleeper: Sleeper): void {
  sleeper.queue = queue
  sleeper.next = null
  sleeper.previous = queue.last
  if (queue.last == null) queue.first = sleeper
  else queue.last.next = sleeper
  queue.last = sleeper
}

/** Take a sleeper out of its queue, if it is in one. */
export function sleeperDequeue(sleeper: Sleeper): void {
  const queue = sleeper.queue
  if (queue == null) return
  if (sleeper.previous == null) queue.first = sleeper.next
  else sleeper.previous.next = sleeper.next
  if (sleeper.next == null) queue.last = sleeper.previous
  else sleeper.next.previous = sleeper.previous
  sleeper.queue = null
}

/** Wake the one that has slept longest on a queue; false when nobody does. */
export function wakeOne(queue: WaitQueue): boolean {
  const sleeper = queue.first
  if (sleeper == null) return false
  sleeperDequeue(sleeper)
  if (wake != null) wake(sleeper)
  return true
}

/** Wake everybody on a queue. */
export function wakeAll(queue: WaitQueue): void {
  while (wakeOne(queue)) continue
}

/** Something that somebody may poll for has changed: all who poll look again. */
export function pollWake(): void {
  wakeAll(pollers)
  if (listener != null) listener()
}

/** Who else is told, from now on: lib/watch.ts. */
export function pollListen(next: PollListener): void {
  listener = next
}

/** May sleep, until `pollWake`, a signal or the time: None, Interrupted, TimedOut. */
export function pollSleep(milliseconds: u32): i32 {
  return sleepUntil(pollers, milliseconds, true)
}
