// A lock for what must not be done by two processes at once, and may sleep in the middle: the kernel is not preempted, so
// everything that does not sleep needs none. Zeroed memory is a free lock. A process's context.

import { struct, type Embed, type Stored, type bool, type u32 } from './layout.ts'
import { panic } from './panic.ts'
import { WaitQueue, sleepUninterruptible, wakeOne } from './sleep.ts'

@struct
export class Lock {
  held: Stored<u32, bool>
  waiters: Embed<WaitQueue>
}

/** May sleep, until nobody has the lock; then it is the caller's. */
export function lockTake(lock: Lock): void {
  while (lock.held) sleepUninterruptible(lock.waiters)
  lock.held = true
}

/** Give the lock up. One that nobody has is a panic. */
export function lockRelease(lock: Lock): void {
  if (!lock.held) panic('a lock is released that nobody has')
  lock.held = false
  wakeOne(lock.waiters)
}
