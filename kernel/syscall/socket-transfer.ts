// Bytes between sockets and the caller's memory: what read, write, send and receive on a socket come to. The bytes are moved
// once, between user memory and packets; for that the memory is opened in windows (user-window.ts).

import { clockUpdate, nowMilliseconds } from '../lib/clock.ts'
import { lookedInVain } from '../lib/attention.ts'
import { Errno } from '../lib/errno.ts'
import { plus, type i32, type ptr, type u32 } from '../lib/layout.ts'
import type { Ipv4Address } from '../net/ipv4/address.ts'
import { netFlush } from '../net/poll.ts'
import { socketReceiveFrom, socketSend, socketSendTo } from '../net/socket/api.ts'
import { socketGetOption } from '../net/socket/options.ts'
import {
  MessageFlag, SocketEvent, SocketOption, SocketType, type Socket, type SocketMessage,
} from '../net/socket/socket.ts'
import { processCurrent } from '../process/scheduler.ts'
import { Signal } from '../process/signal-number.ts'
import { signalSendSelf } from '../process/signal.ts'
import { socketAwait } from './socket-wait.ts'
import { WINDOW_SIZE, windowAt, windowClose, windowOpen } from './user-window.ts'

/** Flags of send and receive that are not the socket core's: MSG_OOB, which there is not, MSG_WAITALL, MSG_NOSIGNAL. */
export const OUT_OF_BAND: u32 = 1
export const WAIT_ALL: u32 = 0x100
export const NO_SIGNAL: u32 = 0x4000
/** The longest message there can be. */
const LONGEST_MESSAGE: u32 = 65_535

/** Since when a call waits: the clock is read by those that have to. */
function began(): u32 {
  clockUpdate()
  return nowMilliseconds()
}

// --- In. --------------------------------------------------------------------------------------------------

/** Once, without waiting: as socketReceiveFrom. Only as much is opened of the caller's memory as there are bytes for it. */
function receiveOnce(socket: Socket, to: ptr, room: u32, kernel: boolean, flags: u32, message: SocketMessage | null): i32 {
  const handle = socket.handle
  if (kernel) return socketReceiveFrom(handle, to, room, flags, message)
  const available: u32 = socketGetOption(handle, SocketOption.Available) as number as u32
  let most: u32 = room < available ? room : available
  if (most > WINDOW_SIZE) most = WINDOW_SIZE
  if (most == 0) return socketReceiveFrom(handle, to, 0, flags, message)
  const opened = windowOpen(to, most, true)
  if (opened != Errno.None) return opened
  const got = socketReceiveFrom(handle, windowAt(), most, flags, message)
  windowClose(to, most, true)
  return got
}

/**
 * Receive up to `room` bytes to `to`, of the caller's memory or with `kernel` of the kernel's, waiting unless `wait` is false:
 * how many; of a stream 0 is its end. `flags`: Peek, Truncate, WAIT_ALL. Errors: WouldBlock, Interrupted, BadAddress,
 * socketReceiveFrom's. May sleep.
 */
export function socketTake(
  socket: Socket, to: ptr, room: u32, kernel: boolean, flags: u32, wait: boolean, message: SocketMessage | null,
): i32 {
  const handle = socket.handle
  let since: u32 = 0
  let waited = false
  const core: u32 = flags & (MessageFlag.Peek | MessageFlag.Truncate)
  const all: boolean = socket.type == SocketType.Stream && core == 0
  let done: u32 = 0
  while (true) {
    const got = receiveOnce(socket, plus(to, done), room - done, kernel, core, message)
    if (got > 0) {
      done += got as number as u32
      if (!all || done == room) return done as number as i32
      if ((flags & WAIT_ALL) == 0 && socketGetOption(handle, SocketOption.Available) == 0) return done as number as i32
      continue
    }
    if (got != Errno.WouldBlock) return ended(socket, done, got)
    if (done != 0 && (!wait || (flags & WAIT_ALL) == 0)) return done as number as i32
    if (!wait) {
      lookedInVain()
      return got
    }
    if (!waited) since = began()
    waited = true
    const error = socketAwait(handle, SocketEvent.In, socket.receiveTimeout, since)
    if (error != Errno.None) return done != 0 ? done as number as i32 : error
  }
}

/** Nothing more comes: what came is told first, and an error by the next call. */
function ended(socket: Socket, done: u32, result: i32): i32 {
  if (done == 0) return result
  if (result < 0 && result != Errno.BadAddress && socket.error == Errno.None) socket.error = result
  return done as number as i32
}

// --- Out. -------------------------------------------------------------------------------------------------

/** Once, without waiting. */
function sendOnce(socket: Socket, from: ptr, length: u32, kernel: boolean, flags: u32, named: boolean, host: Ipv4Address, port: u32): i32 {
  if (kernel || length == 0) return sendFrom(socket, from, length, flags, named, host, port)
  const opened = windowOpen(from, length, false)
  if (opened != Errno.None) return opened
  const sent = sendFrom(socket, windowAt(), length, flags, named, host, port)
  windowClose(from, length, false)
  return sent
}

function sendFrom(socket: Socket, from: ptr, length: u32, flags: u32, named: boolean, host: Ipv4Address, port: u32): i32 {
  if (named) return socketSendTo(socket.handle, from, length, flags, host, port)
  return socketSend(socket.handle, from, length, flags)
}

/**
 * Send `length` bytes at `from`, of the caller's memory or with `kernel` of the kernel's, to the peer or with `named` to `host`
 * and `port`, waiting for room unless `wait` is false: how many; of a message all. `flags`: More, NO_SIGNAL. Errors: WouldBlock,
 * Interrupted, BadAddress, MessageTooLong, BrokenPipe (with Pipe sent, unless NO_SIGNAL), socketSend's and socketSendTo's. May
 * sleep.
 */
export function socketGive(
  socket: Socket, from: ptr, length: u32, kernel: boolean, flags: u32, wait: boolean, named: boolean, host: Ipv4Address, port: u32,
): i32 {
  const handle = socket.handle
  let since: u32 = 0
  let waited = false
  const stream: boolean = socket.type == SocketType.Stream
  if (!stream && length > LONGEST_MESSAGE) return Errno.MessageTooLong
  let done: u32 = 0
  while (true) {
    const left: u32 = length - done
    const piece: u32 = left < WINDOW_SIZE ? left : WINDOW_SIZE
    const more: u32 = piece < left ? MessageFlag.More : flags & MessageFlag.More
    const sent = sendOnce(socket, plus(from, done), piece, kernel, more, named, host, port)
    if (sent >= 0) {
      done += sent as number as u32
      if (done != length && stream) continue
      netFlush() // the cards are told at once: who sends may go on computing for long
      return done as number as i32
    }
    if (sent != Errno.WouldBlock) return failed(socket, done, sent, flags)
    if (!waited) since = began()
    waited = true
    const error: i32 = wait ? socketAwait(handle, SocketEvent.Out, socket.sendTimeout, since) : sent
    if (error != Errno.None) return done != 0 ? done as number as i32 : error
  }
}

/** A stream that has no peer is a broken pipe: Linux's answer, where POSIX has ENOTCONN. */
function failed(socket: Socket, done: u32, error: i32, flags: u32): i32 {
  if (done != 0) return ended(socket, done, error)
  if (socket.type != SocketType.Stream || (error != Errno.BrokenPipe && error != Errno.NotConnected)) return error
  const self = processCurrent()
  if ((flags & NO_SIGNAL) == 0 && self != null) signalSendSelf(self, Signal.Pipe)
  return Errno.BrokenPipe
}
