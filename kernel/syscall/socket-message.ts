// sendmsg(2), recvmsg(2): a message in several pieces of user memory. A stream's pieces are moved one by one; a datagram's are put
// together in memory of the kernel's, since they have to be one message.

import { Errno } from '../lib/errno.ts'
import { address, offsetof, plus, sizeof, type i32, type ptr, type u32 } from '../lib/layout.ts'
import type { OpenFile } from '../fs/file.ts'
import { heapAllocate, heapFree } from '../mm/heap.ts'
import { MessageFlag, SocketType } from '../net/socket/socket.ts'
import type { Process } from '../process/process.ts'
import { userCopyIn, userCopyOut, userStore32 } from '../vm/user-copy.ts'
import { socketAddress, socketAddressCopy, socketAddressRead, SocketAddress } from './socket-address.ts'
import { localFile, noSocket } from './local/file.ts'
import { localReceiveMessage, localReceivePieces, localSendMessage } from './local/transfer.ts'
import { MessageHeader, messageFailure, messageRead, pieceOf, vectorRead, type Message } from './message-header.ts'
import { socketOfFile } from './socket-file.ts'
import { OUT_OF_BAND, WAIT_ALL } from './socket-transfer.ts'
import { giveHeld, socketFile, takeHeld, takenMessage } from './socket.ts'

/** The longest datagram, and more than one is not looked for. */
const LONGEST: u32 = 65_535

// --- Out. -------------------------------------------------------------------------------------------------

/** sendmsg(2); only local sockets have ancillary data. Errors: as sendto, MessageTooLong (too many pieces), OutOfMemory. May sleep. */
export function sysSendmsg(self: Process, descriptor: i32, from: ptr, flags: u32): i32 {
  const message = messageRead(from)
  if (message == null) return notRead(self, descriptor)
  const result = send(self, descriptor, message, flags)
  heapFree(address(message))
  return result
}

/** A message could not be copied in: why, or that there is no socket. */
function notRead(self: Process, descriptor: i32): i32 {
  const error = messageFailure()
  return socketFile(self, descriptor) == null && localFile(self, descriptor) == null ? noSocket(self, descriptor) : error
}

function send(self: Process, descriptor: i32, message: Message, flags: u32): i32 {
  const header = message.header
  if (socketFile(self, descriptor) == null) return sendLocal(self, descriptor, message, flags)
  const named: boolean = header.name.low != 0 || header.name.high != 0
  if (header.name.high != 0) return Errno.BadAddress
  const error: i32 = named ? socketAddressRead(self, header.name.low as ptr, header.nameLength, false) : Errno.None
  const file = socketFile(self, descriptor)
  if (file == null) return noSocket(self, descriptor)
  if (error != Errno.None) return error
  if ((flags & OUT_OF_BAND) != 0) return Errno.NotSupported
  const host: u32 = named ? socketAddress(self).address : 0
  const port: u32 = named ? socketAddress(self).port : 0
  const stream: boolean = socketOfFile(file).type == SocketType.Stream
  if (stream && message.count > 1) return sendPieces(file, message, flags)
  if (message.count == 1) {
    const piece = pieceOf(message, 0)
    return giveHeld(file, piece.base as ptr, piece.length, false, flags, named, host, port)
  }
  return sendWhole(file, message, flags, named, host, port)
}

function sendLocal(self: Process, descriptor: i32, message: Message, flags: u32): i32 {
  const file = localFile(self, descriptor)
  return file == null ? noSocket(self, descriptor) : localSendMessage(self, file, message, flags)
}

/** One after another, as far as it goes. */
function sendPieces(file: OpenFile, message: Message, flags: u32): i32 {
  let done: i32 = 0
  for (let i: u32 = 0; i < message.count; i++) {
    const piece = pieceOf(message, i)
    const length: u32 = piece.length
    if (length == 0) continue
    const more: u32 = i + 1 < message.count ? MessageFlag.More : 0
    const sent = giveHeld(file, piece.base as ptr, length, false, flags | more, false, 0, 0)
    if (sent < 0) return done != 0 ? done : sent
    done += sent
    if ((sent as number as u32) != length) break
  }
  return done
}

/** All in one message. */
function sendWhole(file: OpenFile, message: Message, flags: u32, named: boolean, host: u32, port: u32): i32 {
  if (message.bytes > LONGEST) return Errno.MessageTooLong
  const memory = heapAllocate(message.bytes + 1)
  if (memory == 0) return Errno.OutOfMemory
  let result: i32 = Errno.None
  let done: u32 = 0
  for (let i: u32 = 0; i < message.count && result == Errno.None; i++) {
    const piece = pieceOf(message, i)
    result = userCopyIn(plus(memory, done), piece.base as ptr, piece.length)
    done += piece.length
  }
  if (result == Errno.None) result = giveHeld(file, memory, done, true, flags, named, host, port)
  heapFree(memory)
  return result
}

/** writev(2) on a socket: one message. Errors: as sendmsg. May sleep. */
export function socketWritev(self: Process, descriptor: i32, from: ptr, count: u32): i32 {
  const message = vectorRead(from, count)
  if (message == null) return messageFailure()
  const result = send(self, descriptor, message, 0)
  heapFree(address(message))
  return result
}

// --- In. --------------------------------------------------------------------------------------------------

/** recvmsg(2); only local sockets have ancillary data. Errors: as recvfrom, MessageTooLong (too many pieces), OutOfMemory. May sleep. */
export function sysRecvmsg(self: Process, descriptor: i32, to: ptr, flags: u32): i32 {
  const message = messageRead(to)
  if (message == null) return notRead(self, descriptor)
  const result = receive(self, descriptor, message, flags, to)
  heapFree(address(message))
  return result
}

function receive(self: Process, descriptor: i32, message: Message, flags: u32, to: ptr): i32 {
  const file = socketFile(self, descriptor)
  if (file == null) return receiveLocal(self, descriptor, message, flags, to)
  const stream: boolean = socketOfFile(file).type == SocketType.Stream
  const got = receiveBytes(file, message, flags)
  return got < 0 ? got : receiveTell(self, message, to, got, stream)
}

function receiveLocal(self: Process, descriptor: i32, message: Message, flags: u32, to: ptr): i32 {
  const file = localFile(self, descriptor)
  return file == null ? noSocket(self, descriptor) : localReceiveMessage(self, file, message, flags, to)
}

function receiveBytes(file: OpenFile, message: Message, flags: u32): i32 {
  if (socketOfFile(file).type == SocketType.Stream) return receivePieces(file, message, flags)
  if (message.count != 1) return receiveWhole(file, message, flags)
  return takeHeld(file, pieceOf(message, 0).base as ptr, pieceOf(message, 0).length, false, flags)
}

/** readv(2) on a socket: one message, or what a stream has. Errors: as recvmsg. May sleep. */
export function socketReadv(self: Process, descriptor: i32, to: ptr, count: u32): i32 {
  const message = vectorRead(to, count)
  if (message == null) return messageFailure()
  const result = receiveVector(self, descriptor, message)
  heapFree(address(message))
  return result
}

function receiveVector(self: Process, descriptor: i32, message: Message): i32 {
  const file = socketFile(self, descriptor)
  if (file != null) return receiveBytes(file, message, 0)
  const local = localFile(self, descriptor)
  return local == null ? noSocket(self, descriptor) : localReceivePieces(local, message)
}

/** The first piece waits for something; the others take what is there. */
function receivePieces(file: OpenFile, message: Message, flags: u32): i32 {
  let done: i32 = 0
  for (let i: u32 = 0; i < message.count; i++) {
    const piece = pieceOf(message, i)
    const length: u32 = piece.length
    if (length == 0) continue
    const again: u32 = done != 0 && (flags & WAIT_ALL) == 0 ? MessageFlag.DontWait : 0
    const got = takeHeld(file, piece.base as ptr, length, false, flags | again)
    if (got < 0) return done != 0 ? done : got
    done += got
    if ((got as number as u32) < length || (flags & MessageFlag.Peek) != 0) break
  }
  return done
}

function receiveWhole(file: OpenFile, message: Message, flags: u32): i32 {
  const room: u32 = message.bytes < LONGEST ? message.bytes : LONGEST
  const memory = heapAllocate(room + 1)
  if (memory == 0) return Errno.OutOfMemory
  const got = takeHeld(file, memory, room, true, flags)
  let left: u32 = got > 0 ? got as number as u32 : 0
  if (left > room) left = room // Truncate told the whole length
  const what = takenMessage()
  const host: u32 = what.address
  const port: u32 = what.port
  const told: u32 = what.flags
  let error: i32 = Errno.None
  let done: u32 = 0
  for (let i: u32 = 0; i < message.count && error == Errno.None; i++) {
    const piece = pieceOf(message, i)
    const length: u32 = piece.length < left ? piece.length : left
    error = userCopyOut(piece.base as ptr, plus(memory, done), length)
    done += length
    left -= length
  }
  heapFree(memory)
  what.address = host
  what.port = port
  what.flags = told
  return error != Errno.None ? error : got
}

/** Who sent it, and what else there is to say, into the caller's msghdr. */
function receiveTell(self: Process, message: Message, to: ptr, got: i32, stream: boolean): i32 {
  const header = message.header
  const what = takenMessage()
  const truncated: u32 = stream ? 0 : what.flags & MessageFlag.Truncate
  if (header.name.high != 0) return Errno.BadAddress
  if (header.name.low != 0) {
    const error: i32 = stream ? Errno.None : socketAddressCopy(self, header.name.low as ptr, header.nameLength, what.address, what.port)
    if (error != Errno.None) return error
    const length: u32 = stream ? 0 : sizeof<SocketAddress>()
    if (userStore32(plus(to, offsetof<MessageHeader>('nameLength')), length) != Errno.None) return Errno.BadAddress
  }
  if (userStore32(plus(to, offsetof<MessageHeader>('controlLength')), 0) != Errno.None) return Errno.BadAddress
  if (userStore32(plus(to, offsetof<MessageHeader>('controlLength') + 4), 0) != Errno.None) return Errno.BadAddress
  return userStore32(plus(to, offsetof<MessageHeader>('flags')), truncated) == Errno.None ? got : Errno.BadAddress
}
