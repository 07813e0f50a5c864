// The calls that wait: the same as those that do not, repeated until they have an answer or the socket's time is up.
//
// A socket or a flag that says not to wait makes them the same as those that do not. A timeout that passes is
// WouldBlock, as Linux has it for SO_RCVTIMEO; calls with a timeout of their own say TimedOut. In the middle of a
// round of the main loop nobody may wait: Deadlock. Main-loop context, outside of rounds.

import { nowMilliseconds } from '../../lib/clock.ts'
import { Errno } from '../../lib/errno.ts'
import { staticStruct, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import { Timer, timerStart, timerStop } from '../../lib/timer.ts'
import { waitAllowed, waitRound } from '../../lib/wait.ts'
import type { Ipv4Address } from '../ipv4/address.ts'
import { socketAccept, socketConnect, socketReceiveFrom, socketSend, socketSendTo, socketError } from './api.ts'
import { socketEventsOf } from './events.ts'
import { pollSetTake, socketPoll, type PollEntry, type PollReady } from './poll.ts'
import {
  MessageFlag, SocketEvent, type Socket, type SocketMessage, type SocketName,
} from './socket.ts'
import { socketOf } from './table.ts'

/** No limit: a timeout of 2^32 - 1 milliseconds is for ever. */
export const FOR_EVER: u32 = 0xffffffff

/** Makes the main loop come back when the time is up, should nothing else happen. */
const alarm = staticStruct<Timer>()

/** Run one round, or say why not. `left` milliseconds until the caller wants to know. */
function step(left: u32): i32 {
  if (!waitAllowed()) return Errno.Deadlock
  if (left == 0) return Errno.TimedOut
  if (left != FOR_EVER) timerStart(alarm, left, alarmFired)
  const ran = waitRound()
  timerStop(alarm)
  return ran ? Errno.None : Errno.WouldBlock
}

/** Its firing is all that was wanted: the round that ran it ends. */
function alarmFired(timer: Timer): void {
  timerStop(timer)
}

function leftOf(timeout: u32, since: u32): u32 {
  if (timeout == FOR_EVER) return FOR_EVER
  const passed: u32 = nowMilliseconds() - since
  return passed < timeout ? timeout - passed : 0
}

/**
 * Wait until one of `events`, Error or HangUp holds; returns those that do. Errors: TimedOut, BadHandle (closed
 * meanwhile), Deadlock, WouldBlock (nothing runs rounds).
 */
export function socketWait(handle: u32, events: u32, timeout: u32): i32 {
  const since: u32 = nowMilliseconds()
  const wanted: u32 = events | SocketEvent.Error | SocketEvent.HangUp
  while (true) {
    const socket = socketOf(handle)
    if (socket == null) return Errno.BadHandle
    const now: u32 = socketEventsOf(socket) & wanted
    if (now != 0) return now as number as i32
    const error: i32 = step(leftOf(timeout, since))
    if (error != Errno.None) return error
  }
}

/** As socketPoll, but wait until at least one is ready: 0 when the time is up. Errors: Deadlock, WouldBlock. */
export function socketPollWait(entries: PollEntry, count: u32, timeout: u32): i32 {
  const since: u32 = nowMilliseconds()
  while (true) {
    const ready: i32 = socketPoll(entries, count)
    if (ready != 0) return ready
    const error: i32 = step(leftOf(timeout, since))
    if (error == Errno.TimedOut) return 0
    if (error != Errno.None) return error
  }
}

/** As pollSetTake, but wait until there is something: 0 when the time is up. Errors: BadHandle, Deadlock, WouldBlock. */
export function pollSetWait(set: u32, out: PollReady, room: u32, timeout: u32): i32 {
  const since: u32 = nowMilliseconds()
  while (true) {
    const taken: i32 = pollSetTake(set, out, room)
    if (taken != 0) return taken
    const error: i32 = step(leftOf(timeout, since))
    if (error == Errno.TimedOut) return 0
    if (error != Errno.None) return error
  }
}

/** Wait for the rest of a socket's own time: None when it is worth trying again. */
function again(handle: u32, event: SocketEvent, timeout: u32, since: u32): i32 {
  const events: i32 = socketWait(handle, event, leftOf(timeout == 0 ? FOR_EVER : timeout, since))
  if (events == Errno.TimedOut) return Errno.WouldBlock
  return events < 0 ? events : Errno.None
}

function mayWait(socket: Socket | null, flags: u32): boolean {
  return socket != null && !socket.nonBlocking && (flags & MessageFlag.DontWait) == 0
}

/** socketReceiveFrom, waiting up to the receive timeout. */
export function socketReceiveFromWait(
  handle: u32, to: ptr, room: u32, flags: u32, message: SocketMessage | null,
): i32 {
  const since: u32 = nowMilliseconds()
  while (true) {
    const got: i32 = socketReceiveFrom(handle, to, room, flags, message)
    const socket = socketOf(handle)
    if (got != Errno.WouldBlock || socket == null || !mayWait(socket, flags)) return got
    const error: i32 = again(handle, SocketEvent.In, socket.receiveTimeout, since)
    if (error != Errno.None) return error
  }
}

/** socketReceive, waiting up to the receive timeout. */
export function socketReceiveWait(handle: u32, to: ptr, room: u32, flags: u32): i32 {
  return socketReceiveFromWait(handle, to, room, flags, null)
}

/** socketSendTo, waiting up to the send timeout for free packets. */
export function socketSendToWait(
  handle: u32, data: ptr, length: u32, flags: u32, address: Ipv4Address, port: u32,
): i32 {
  const since: u32 = nowMilliseconds()
  while (true) {
    const sent: i32 = socketSendTo(handle, data, length, flags, address, port)
    const socket = socketOf(handle)
    if (sent != Errno.WouldBlock || socket == null || !mayWait(socket, flags)) return sent
    const error: i32 = again(handle, SocketEvent.Out, socket.sendTimeout, since)
    if (error != Errno.None) return error
  }
}

/** socketSend, waiting up to the send timeout. On a stream it may send a part, and returns how much. */
export function socketSendWait(handle: u32, data: ptr, length: u32, flags: u32): i32 {
  const since: u32 = nowMilliseconds()
  while (true) {
    const sent: i32 = socketSend(handle, data, length, flags)
    const socket = socketOf(handle)
    if (sent != Errno.WouldBlock || socket == null || !mayWait(socket, flags)) return sent
    const error: i32 = again(handle, SocketEvent.Out, socket.sendTimeout, since)
    if (error != Errno.None) return error
  }
}

/** socketAccept, waiting up to the receive timeout. */
export function socketAcceptWait(handle: u32, name: SocketName | null): i32 {
  const since: u32 = nowMilliseconds()
  while (true) {
    const accepted: i32 = socketAccept(handle, name)
    const socket = socketOf(handle)
    if (accepted != Errno.WouldBlock || socket == null || !mayWait(socket, MessageFlag.None)) return accepted
    const error: i32 = again(handle, SocketEvent.In, socket.receiveTimeout, since)
    if (error != Errno.None) return error
  }
}

/** socketConnect, waiting up to the send timeout until a stream is connected, or it is known that it will not be. */
export function socketConnectWait(handle: u32, address: Ipv4Address, port: u32): i32 {
  const since: u32 = nowMilliseconds()
  const begun: i32 = socketConnect(handle, address, port)
  const socket = socketOf(handle)
  if (begun != Errno.InProgress || socket == null || !mayWait(socket, MessageFlag.None)) return begun
  const error: i32 = again(handle, SocketEvent.Out, socket.sendTimeout, since)
  if (error == Errno.WouldBlock) return Errno.InProgress
  if (error != Errno.None) return error
  return socketError(handle)
}
