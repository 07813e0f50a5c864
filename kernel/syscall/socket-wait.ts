// A process that waits for a socket: for something to read, for room, for a connection.

import { clockUpdate, nowMilliseconds } from '../lib/clock.ts'
import { Errno } from '../lib/errno.ts'
import type { i32, u32 } from '../lib/layout.ts'
import { SLEEP_FOR_EVER } from '../lib/sleep.ts'
import { socketEventsOf } from '../net/socket/events.ts'
import { SocketEvent } from '../net/socket/socket.ts'
import { socketOf } from '../net/socket/table.ts'
import { socketSleep } from '../net/socket/wake.ts'
import { processCurrent } from '../process/scheduler.ts'
import { timeLeft } from './time-value.ts'

/** A call that could do nothing although the socket seems ready (a message takes more packets than are free) tries again after this. */
const BREATH: u32 = 1

/**
 * After a call that said WouldBlock: sleep until one of `events` holds, or an error, or the peer is gone: None. `timeout` is the
 * socket's own in milliseconds, 0 for none, counted from `since`. Errors: WouldBlock (it has passed), Interrupted, BadHandle. May
 * sleep.
 */
export function socketAwait(handle: u32, events: u32, timeout: u32, since: u32): i32 {
  const wanted: u32 = events | SocketEvent.Error | SocketEvent.HangUp
  let slept: i32 = Errno.None
  let first = true
  while (true) {
    const socket = socketOf(handle)
    if (socket == null) return Errno.BadHandle
    const holds: boolean = (socketEventsOf(socket) & wanted) != 0
    if (holds && !first) return Errno.None
    clockUpdate()
    const left: u32 = timeLeft(timeout == 0 ? SLEEP_FOR_EVER : timeout, since, nowMilliseconds())
    if (left == 0) return Errno.WouldBlock
    slept = socketSleep(socket, holds && left > BREATH ? BREATH : left)
    if (slept == Errno.Interrupted) return interrupted(timeout)
    first = false
  }
}

/** A call with a time limit of the socket's is not begun again: signal(7). */
function interrupted(timeout: u32): i32 {
  const self = processCurrent()
  if (timeout != 0 && self != null) self.signals.noRestart = true
  return Errno.Interrupted
}
