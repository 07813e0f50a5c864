// Sending: a stream's bytes cut into messages, or one message that stays whole. send(2), unix(7).

import { Errno } from '../../lib/errno.ts'
import type { i32, u32 } from '../../lib/layout.ts'
import { processCurrent } from '../../process/scheduler.ts'
import { Signal } from '../../process/signal-number.ts'
import { signalSendSelf } from '../../process/signal.ts'
import { NO_SIGNAL } from '../socket-transfer.ts'
import { callWait, type LocalCall } from './call.ts'
import { peerCredentialsCopy } from './credentials.ts'
import { cyclesCollect } from './cycles.ts'
import { messageCreate, messageDrop, messageFill, messageQueue, messageRights, type Message } from './message.ts'
import { nameChoose } from './name.ts'
import { rightsAdrift, rightsMayFly } from './rights.ts'
import {
  LocalShut, LocalState, LocalType, localChanged, localClosed, localErrorTake, localHold, localRelease, localShut, localState,
  type LocalSocket,
} from './socket.ts'

/** Bytes of one message of a stream at most: four frames. */
const STREAM_MESSAGE: u32 = 16_384
/** Of SO_SNDBUF, what no message can have, and of half of it, what no part of a stream can: Linux's. */
const OVERHEAD: u32 = 32
const MESSAGE_OVERHEAD: u32 = 64

/**
 * Send what a call has: how many bytes; of a message all. Errors: WouldBlock, Interrupted, BadAddress, NoBufferSpace (LOCAL_MEMORY_SHARE,
 * or no memory), TooManyReferences (LOCAL_FLIGHT_LIMIT), NotConnected, IsConnected, NotSupported (a stream is not told where to),
 * BrokenPipe (with Pipe sent to a stream's user, unless NO_SIGNAL), ConnectionRefused, ConnectionReset, MessageTooLong,
 * NotPermitted (the receiver is another's peer). May sleep.
 */
export function localSend(socket: LocalSocket, call: LocalCall): i32 {
  const rights = call.rights
  if (rights != null && !rightsMayFly(rights.count)) return Errno.TooManyReferences
  return socket.type == LocalType.Stream ? sendStream(socket, call) : sendMessage(socket, call)
}

/** Wait until what the socket has sent takes less than it may. None, WouldBlock, Interrupted, BrokenPipe, or what it has to tell. */
function waitForRoom(socket: LocalSocket, call: LocalCall): i32 {
  while (true) {
    const error = localErrorTake(socket)
    if (error != Errno.None) return error
    if ((localShut(socket) & LocalShut.Send) != 0) return Errno.BrokenPipe
    if (socket.sent < socket.sendLimit) return Errno.None
    const waited = callWait(call, socket, socket.sendTimeout)
    if (waited != Errno.None) return waited
  }
}

let failure: i32 = Errno.None

/** The next `n` bytes of a call as a message of nobody's queue; null: `failure` says why. May sleep. */
function messageOf(socket: LocalSocket, call: LocalCall, n: u32): Message | null {
  const message = messageCreate(socket, n)
  failure = Errno.NoBufferSpace
  if (message == null) return null
  const filled = messageFill(message, call.bytes)
  failure = filled
  if (filled == Errno.None) return message
  messageDrop(message)
  failure = filled // dropping it may have slept
  return null
}

/** Hand a message over, and what goes with it. */
function deliver(to: LocalSocket, message: Message, call: LocalCall): void {
  const rights = call.rights
  peerCredentialsCopy(message.credentials, call.credentials)
  if (rights != null) messageRights(message, rights)
  call.rights = null
  messageQueue(to, message)
  localChanged(to)
  if (rights != null && rightsAdrift(rights)) cyclesCollect() // another thread has closed what was sent
}

// --- Streams. ---------------------------------------------------------------------------------------------

function isBroken(socket: LocalSocket, peer: LocalSocket): boolean {
  return (localShut(socket) & LocalShut.Send) != 0 || localClosed(peer) || (localShut(peer) & LocalShut.Receive) != 0
}

function sendStream(socket: LocalSocket, call: LocalCall): i32 {
  if (call.to != null) return localState(socket) == LocalState.Connected ? Errno.IsConnected : Errno.NotSupported
  const peer = socket.peer
  if (peer == null) return Errno.NotConnected
  let done: u32 = 0
  let error: i32 = isBroken(socket, peer) ? Errno.BrokenPipe : Errno.None
  while (call.bytes.left != 0 && error == Errno.None) {
    const most = streamMessage(socket)
    const n: u32 = call.bytes.left < most ? call.bytes.left : most
    error = sendPart(socket, peer, call, n)
    if (error == Errno.None) done += n
  }
  if (done != 0 || error == Errno.None) return done as number as i32
  if (error == Errno.BrokenPipe) signalBroken(call)
  return error
}

/** Bytes of its next message at most: two of them are within SO_SNDBUF. */
function streamMessage(socket: LocalSocket): u32 {
  const half: u32 = (socket.sendLimit >>> 1) - MESSAGE_OVERHEAD
  return half < STREAM_MESSAGE ? half : STREAM_MESSAGE
}

function sendPart(socket: LocalSocket, peer: LocalSocket, call: LocalCall, n: u32): i32 {
  const room = waitForRoom(socket, call)
  if (room != Errno.None) return room
  const message = messageOf(socket, call, n)
  if (message == null) return failure
  if (isBroken(socket, peer)) {
    messageDrop(message)
    return Errno.BrokenPipe
  }
  deliver(peer, message, call)
  return Errno.None
}

function signalBroken(call: LocalCall): void {
  const self = processCurrent()
  if ((call.flags & NO_SIGNAL) == 0 && self != null) signalSendSelf(self, Signal.Pipe)
}

// --- Messages. --------------------------------------------------------------------------------------------

function sendMessage(socket: LocalSocket, call: LocalCall): i32 {
  const error = localErrorTake(socket)
  if (error != Errno.None) return error
  if (socket.type == LocalType.SequencedPacket && localState(socket) != LocalState.Connected) return Errno.NotConnected
  const named: LocalSocket | null = socket.type == LocalType.SequencedPacket ? null : call.to
  const to: LocalSocket | null = named != null ? named : socket.peer
  if (to == null) return Errno.NotConnected
  localHold(to) // another thread may choose another peer meanwhile
  const result = sendTo(socket, to, call)
  localRelease(to)
  return result
}

function sendTo(socket: LocalSocket, to: LocalSocket, call: LocalCall): i32 {
  const chosen: i32 = socket.passCredentials ? nameChoose(socket) : Errno.None
  if (chosen != Errno.None) return chosen
  const length: u32 = call.bytes.left
  if (length > socket.sendLimit - OVERHEAD) return Errno.MessageTooLong
  const room = waitForRoom(socket, call)
  if (room != Errno.None) return room
  const message = messageOf(socket, call, length)
  if (message == null) return failure
  const result = waitForQueue(socket, to, call)
  if (result == Errno.None) deliver(to, message, call)
  else messageDrop(message)
  return result == Errno.None ? length as number as i32 : result
}

/** Wait until a receiver takes the next message. A datagram socket whose peer is gone has none any more. */
function waitForQueue(socket: LocalSocket, to: LocalSocket, call: LocalCall): i32 {
  while (true) {
    if (localClosed(to)) return peerGone(socket, to)
    if (to.peer != null && to.peer != socket) return Errno.NotPermitted
    if ((localShut(to) & LocalShut.Receive) != 0) return Errno.BrokenPipe
    if (to == socket || to.peer == socket || to.queued <= to.backlog) return Errno.None
    const waited = callWait(call, to, socket.sendTimeout)
    if (waited != Errno.None) return waited
  }
}

function peerGone(socket: LocalSocket, to: LocalSocket): i32 {
  if (socket.type == LocalType.SequencedPacket) return Errno.BrokenPipe
  if (socket.peer == to) {
    socket.peer = null
    socket.state = LocalState.Closed
    localRelease(to)
  }
  return Errno.ConnectionRefused
}
