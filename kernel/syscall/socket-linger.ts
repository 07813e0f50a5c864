// A process that closes a socket and has asked to wait for what it has sent. socket(7), SO_LINGER.

import { clockUpdate, nowMilliseconds } from '../lib/clock.ts'
import { Errno } from '../lib/errno.ts'
import type { u32 } from '../lib/layout.ts'
import { socketShutdown } from '../net/socket/api.ts'
import { socketGetOption } from '../net/socket/options.ts'
import { Shut, SocketOption } from '../net/socket/socket.ts'
import { socketOf } from '../net/socket/table.ts'
import { socketSleep } from '../net/socket/wake.ts'
import { processCurrent } from '../process/scheduler.ts'
import { timeLeft } from './time-value.ts'

/**
 * Before a socket is closed: end its stream and wait until all of it is acknowledged, as long as its user wants, a signal comes or the
 * connection ends. As on Linux who ends does not wait, nor does who has left something unread, whose connection is reset; and what
 * is not acknowledged then is still sent. May sleep.
 */
export function socketLinger(handle: u32): void {
  const socket = socketOf(handle)
  const self = processCurrent()
  if (socket == null || socket.linger == 0 || (self != null && self.ending)) return
  if (socketGetOption(handle, SocketOption.Available) != 0 || socketShutdown(handle, Shut.Send) != Errno.None) return
  const since: u32 = nowMilliseconds()
  while (socketGetOption(handle, SocketOption.Unacknowledged) == 1) {
    const left: u32 = timeLeft(socket.linger, since, nowMilliseconds())
    if (left == 0 || socketSleep(socket, left) == Errno.Interrupted) return
    clockUpdate()
  }
}
