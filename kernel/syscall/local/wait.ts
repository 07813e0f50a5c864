// A process that waits for a local socket: for a message, for room, for a connection. socket(7), SO_RCVTIMEO and SO_SNDTIMEO.

import { clockUpdate, nowMilliseconds } from '../../lib/clock.ts'
import { Errno } from '../../lib/errno.ts'
import type { i32, u32 } from '../../lib/layout.ts'
import { SLEEP_FOR_EVER, sleepFor } from '../../lib/sleep.ts'
import { processCurrent } from '../../process/scheduler.ts'
import { timeLeft } from '../time-value.ts'
import type { LocalSocket } from './socket.ts'

/** Since when a call waits, in milliseconds. */
export function waitBegin(): u32 {
  clockUpdate()
  return nowMilliseconds()
}

/**
 * Sleep until something about a socket changes: None; it may have changed back. `timeout` is in milliseconds, 0 for none, counted from
 * `since`. WouldBlock: it has passed; Interrupted, and a call with a time limit is not begun again, signal(7). May sleep: the caller
 * knows the socket.
 */
export function waitOn(socket: LocalSocket, timeout: u32, since: u32): i32 {
  clockUpdate()
  const left: u32 = timeLeft(timeout == 0 ? SLEEP_FOR_EVER : timeout, since, nowMilliseconds())
  if (left == 0) return Errno.WouldBlock
  if (sleepFor(socket.waiters, left) != Errno.Interrupted) return Errno.None
  const self = processCurrent()
  if (timeout != 0 && self != null) self.signals.noRestart = true
  return Errno.Interrupted
}
