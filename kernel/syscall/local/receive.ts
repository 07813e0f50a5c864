// Receiving: a stream's bytes from one message after another, or one message. recv(2), unix(7).

import { Errno } from '../../lib/errno.ts'
import { plus, type i32, type u32 } from '../../lib/layout.ts'
import { MessageFlag } from '../../net/socket/socket.ts'
import { scatterOut, scatterPin } from '../../vm/scatter.ts'
import { WAIT_ALL } from '../socket-transfer.ts'
import { callWait, type LocalCall } from './call.ts'
import { peerCredentialsCopy, peerCredentialsEqual } from './credentials.ts'
import {
  messageAdvance, messageCopy, messageDrop, messageFront, messageHold, messageRelease, messageRightsTake, messageUnqueue, type Message,
} from './message.ts'
import { nameHold } from './name.ts'
import { rightsCopy } from './rights.ts'
import {
  LocalShut, LocalState, LocalType, localChanged, localErrorTake, localShut, localState, type LocalSocket,
} from './socket.ts'

/**
 * Receive into what a call has: how many bytes, 0 at the end. Who sent, as whom, and with which descriptors is in the call then.
 * Errors: WouldBlock, Interrupted, BadAddress (and nothing is lost), ConnectionReset, NotConnected, InvalidArgument (a stream
 * without a peer). May sleep.
 */
export function localReceive(socket: LocalSocket, call: LocalCall): i32 {
  return socket.type == LocalType.Stream ? receiveStream(socket, call) : receiveMessage(socket, call)
}

function peeks(call: LocalCall): boolean {
  return (call.flags & MessageFlag.Peek) != 0
}

/** Wait until there is something. None; 1: nothing will come; WouldBlock, Interrupted, or what the socket has to tell. */
function waitForMessage(socket: LocalSocket, call: LocalCall): i32 {
  const error = localErrorTake(socket)
  if (error != Errno.None) return error
  if ((localShut(socket) & LocalShut.Receive) != 0) return ENDED
  return callWait(call, socket, socket.receiveTimeout)
}

const ENDED: i32 = 1

/** What is told of who sent a message; and its descriptors, which leave it unless the caller only looks. */
function tell(call: LocalCall, message: Message): void {
  const name = message.sender.name
  if (call.from == null && name != null) call.from = nameHold(name)
  peerCredentialsCopy(call.credentials, message.credentials)
  if (message.rights == null) return
  if (peeks(call)) call.rights = rightsCopy(message.rights)
  else call.rights = messageRightsTake(message)
}

// --- Messages. --------------------------------------------------------------------------------------------

function receiveMessage(socket: LocalSocket, call: LocalCall): i32 {
  if (socket.type == LocalType.SequencedPacket && localState(socket) != LocalState.Connected) return Errno.NotConnected
  const error = localErrorTake(socket)
  if (error != Errno.None) return error
  while (socket.first == null) {
    const waited = waitForMessage(socket, call)
    if (waited != Errno.None) return waited == ENDED ? 0 : waited
  }
  const message = peeks(call) ? messageHold(socket.first) : messageUnqueue(socket)
  const whole: u32 = message.length
  const n: u32 = whole < call.bytes.left ? whole : call.bytes.left
  const copied = messageCopy(message, call.bytes, n)
  if (copied != Errno.None) {
    if (peeks(call)) messageRelease(message)
    else messageFront(socket, message)
    return copied
  }
  if (n < whole) call.told |= MessageFlag.Truncate
  tell(call, message)
  messageRelease(message)
  localChanged(socket)
  return ((call.flags & MessageFlag.Truncate) != 0 ? whole : n) as number as i32
}

// --- Streams. ---------------------------------------------------------------------------------------------

function receiveStream(socket: LocalSocket, call: LocalCall): i32 {
  if (localState(socket) != LocalState.Connected) return Errno.InvalidArgument
  let done: u32 = 0
  let error: i32 = Errno.None
  while (error == Errno.None) {
    const moved = peeks(call) ? look(socket, call, done) : take(socket, call, done != 0)
    if (moved < 0) error = moved
    else if (moved != 0) done += moved as number as u32
    else if (isEnough(socket, call, done)) break
    else error = waitForMessage(socket, call)
    if (call.bytes.left == 0) break
  }
  return done != 0 || error == ENDED ? done as number as i32 : error
}

/** Whether a caller has what it wants, though it has room, and nothing of what is there goes with it. */
function isEnough(socket: LocalSocket, call: LocalCall, done: u32): boolean {
  if (done == 0) return socket.first != null // it has no room at all
  return socket.first != null || call.rights != null || peeks(call) || (call.flags & WAIT_ALL) == 0
}

/**
 * Whether the bytes of a message go behind those of others: not behind a message with descriptors, and with SO_PASSCRED only if the
 * same has sent them.
 */
function belongs(socket: LocalSocket, call: LocalCall, message: Message): boolean {
  if (call.rights != null && message.taken == 0 && message.first == message.own) return false
  return !socket.passCredentials || peerCredentialsEqual(call.credentials, message.credentials)
}

/** Bytes that the first message has in one piece and the caller in one place; what was pinned is there until something sleeps. */
function pinned(socket: LocalSocket, call: LocalCall): i32 {
  const message = socket.first
  if (message == null) return 0
  const there: u32 = message.first.length - message.taken
  return scatterPin(call.bytes, there, true)
}

/** Move bytes of the first message: how many, 0: there are none, or they do not belong. BadAddress. */
function take(socket: LocalSocket, call: LocalCall, more: boolean): i32 {
  const room = pinned(socket, call)
  const message = socket.first // it may be another by now
  if (room <= 0 || message == null || (more && !belongs(socket, call, message))) return room < 0 ? room : 0
  const there: u32 = message.first.length - message.taken
  const n: u32 = there < (room as number as u32) ? there : room as number as u32
  if (scatterOut(call.bytes, plus(message.first.data, message.taken), n) != Errno.None) return Errno.BadAddress
  tell(call, message)
  messageAdvance(socket, message, n)
  if (message.length == 0) messageDrop(messageUnqueue(socket))
  return n as number as i32
}

/** The same without taking them: the message that has the byte after the `done` that were seen. */
function look(socket: LocalSocket, call: LocalCall, done: u32): i32 {
  let message: Message | null = socket.first
  let before: u32 = done
  while (message != null && before >= message.length) {
    before -= message.length
    message = message.next
  }
  if (message == null || before != 0 || (done != 0 && !belongs(socket, call, message))) return 0
  const n: u32 = message.length < call.bytes.left ? message.length : call.bytes.left
  messageHold(message)
  tell(call, message)
  const copied = messageCopy(message, call.bytes, n)
  messageRelease(message)
  return copied == Errno.None ? n as number as i32 : copied
}
