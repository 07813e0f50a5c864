// sendmsg(2), recvmsg(2): a message in several pieces of user memory. A stream's pieces are moved one by one; a datagram's are put
// together in memory of the kernel's, since they have to be one message.

import { Errno } from '../lib/errno.ts'
import { address, at, nth, offsetof, plus, sizeof, struct, wire, type Embed, type Le, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { descriptorFile } from '../fs/descriptor.ts'
import type { OpenFile } from '../fs/file.ts'
import { zeroBytes } from '../lib/memory.ts'
import { heapAllocate, heapFree } from '../mm/heap.ts'
import { MessageFlag, SocketType } from '../net/socket/socket.ts'
import type { Process } from '../process/process.ts'
import { UserWord } from '../process/signal-frame.ts'
import { userCopyIn, userCopyOut, userStore32 } from '../vm/user-copy.ts'
import { socketAddress, socketAddressCopy, socketAddressRead, SocketAddress } from './socket-address.ts'
import { isSocketFile, socketOfFile } from './socket-file.ts'
import { pairOf } from './socket-pair.ts'
import { giveHeld, pairGive, pairTake, takeHeld, takenMessage } from './socket.ts'

/** struct msghdr. recvmsg(2) specification. */
@wire(56)
class MessageHeader {
  name: Embed<UserWord>
  nameLength: Le<u32>
  padding: Le<u32>
  pieces: Embed<UserWord>
  pieceCount: Embed<UserWord>
  control: Embed<UserWord>
  controlLength: Embed<UserWord>
  flags: Le<u32>
  padding2: Le<u32>
}

/** struct iovec. readv(2) specification. */
@wire(16)
class Piece {
  base: Embed<UserWord>
  length: Embed<UserWord>
}

/** UIO_MAXIOV. */
const PIECE_LIMIT: u32 = 1024
/** The longest datagram, and more than one is not looked for. */
const LONGEST: u32 = 65_535
/** Bytes of all pieces together, cut to this. */
const MOST_BYTES: u32 = 0x7ffff000

/** A header and its pieces, copied in. In the heap: calls sleep with it. */
@struct
class Message {
  count: u32
  bytes: u32 // of all pieces
  header: Embed<MessageHeader>
}

function pieceOf(message: Message, index: u32): Piece {
  return nth(at<Piece>(plus(address(message), sizeof<Message>())), index)
}

let failure: i32 = Errno.None

/** Copy a msghdr and its pieces in; null: `failure` says why. To be freed with heapFree. */
function messageRead(from: ptr): Message | null {
  const head = heapAllocate(sizeof<Message>() + PIECE_LIMIT / 64 * sizeof<Piece>())
  failure = Errno.OutOfMemory
  if (head == 0) return null
  let memory = head
  let message = at<Message>(memory)
  failure = userCopyIn(address(message.header), from, sizeof<MessageHeader>())
  const count: u32 = message.header.pieceCount.low
  if (failure == Errno.None && (message.header.pieceCount.high != 0 || count > PIECE_LIMIT)) failure = Errno.MessageTooLong
  if (failure == Errno.None && count > PIECE_LIMIT / 64) {
    memory = heapAllocate(sizeof<Message>() + count * sizeof<Piece>())
    if (memory == 0) failure = Errno.OutOfMemory
    else failure = userCopyIn(plus(memory, offsetof<Message>('header')), from, sizeof<MessageHeader>())
    heapFree(head)
    message = at<Message>(memory)
  }
  if (failure == Errno.None) failure = piecesRead(message, count)
  if (failure == Errno.None) return message
  heapFree(memory)
  return null
}

/** A message of nothing but pieces: readv's and writev's. As messageRead. */
function vectorRead(from: ptr, count: u32): Message | null {
  failure = count > PIECE_LIMIT ? Errno.InvalidArgument : Errno.OutOfMemory
  const memory = count > PIECE_LIMIT ? 0 as ptr : heapAllocate(sizeof<Message>() + count * sizeof<Piece>())
  if (memory == 0) return null
  const message = at<Message>(memory)
  zeroBytes(memory, sizeof<Message>())
  message.header.pieces.low = from
  failure = piecesRead(message, count)
  if (failure == Errno.None) return message
  heapFree(memory)
  return null
}

function piecesRead(message: Message, count: u32): i32 {
  message.count = count
  message.bytes = 0
  const pieces = message.header.pieces
  if (pieces.high != 0) return Errno.BadAddress
  if (count != 0) {
    const error = userCopyIn(address(pieceOf(message, 0)), pieces.low as ptr, count * sizeof<Piece>())
    if (error != Errno.None) return error
  }
  for (let i: u32 = 0; i < count; i++) {
    const piece = pieceOf(message, i)
    if (piece.length.high != 0 || piece.length.low > MOST_BYTES) return Errno.InvalidArgument
    if (piece.base.high != 0 && piece.length.low != 0) return Errno.BadAddress
    if (piece.length.low > MOST_BYTES - message.bytes) return Errno.InvalidArgument
    message.bytes += piece.length.low
  }
  return Errno.None
}

function fileOf(self: Process, descriptor: i32): OpenFile | null {
  const file = descriptorFile(self.files.table, descriptor)
  return file != null && isSocketFile(file) ? file : null
}

function noSocket(self: Process, descriptor: i32): i32 {
  return descriptorFile(self.files.table, descriptor) == null ? Errno.BadHandle : Errno.NotSocket
}

// --- Out. -------------------------------------------------------------------------------------------------

/** sendmsg(2); ancillary data is not looked at. Errors: as sendto, and MessageTooLong (too many pieces), OutOfMemory. May sleep. */
export function sysSendmsg(self: Process, descriptor: i32, from: ptr, flags: u32): i32 {
  const message = messageRead(from)
  if (message == null) return fileOf(self, descriptor) == null ? noSocket(self, descriptor) : failure
  const result = send(self, descriptor, message, flags)
  heapFree(address(message))
  return result
}

function send(self: Process, descriptor: i32, message: Message, flags: u32): i32 {
  const header = message.header
  const named: boolean = header.name.low != 0 || header.name.high != 0
  if (header.name.high != 0) return Errno.BadAddress
  const error: i32 = named ? socketAddressRead(self, header.name.low as ptr, header.nameLength, false) : Errno.None
  const pair = pairOf(self, descriptor)
  if (pair != null) return pairPieces(self, pair, message, flags, false)
  const file = fileOf(self, descriptor)
  if (file == null) return noSocket(self, descriptor)
  if (error != Errno.None) return error
  if ((flags & 1) != 0) return Errno.NotSupported
  const host: u32 = named ? socketAddress(self).address : 0
  const port: u32 = named ? socketAddress(self).port : 0
  const stream: boolean = socketOfFile(file).type == SocketType.Stream
  if (stream && message.count > 1) return sendPieces(file, message, flags)
  if (message.count == 1) {
    const piece = pieceOf(message, 0)
    return giveHeld(file, piece.base.low as ptr, piece.length.low, false, flags, named, host, port)
  }
  return sendWhole(file, message, flags, named, host, port)
}

/** The pieces of a message of a pair, written or read one after another as far as it goes. */
function pairPieces(self: Process, file: OpenFile, message: Message, flags: u32, reading: boolean): i32 {
  let done: i32 = 0
  for (let i: u32 = 0; i < message.count; i++) {
    const place = pieceOf(message, i).base.low as ptr
    const length: u32 = pieceOf(message, i).length.low
    if (length == 0) continue
    const again: u32 = reading && done != 0 ? MessageFlag.DontWait : 0
    const moved = reading ? pairTake(self, file, place, length, flags | again) : pairGive(self, file, place, length, flags)
    if (moved < 0) return done != 0 ? done : moved
    done += moved
    if ((moved as number as u32) != length) break
  }
  return done
}

/** One after another, as far as it goes. */
function sendPieces(file: OpenFile, message: Message, flags: u32): i32 {
  let done: i32 = 0
  for (let i: u32 = 0; i < message.count; i++) {
    const piece = pieceOf(message, i)
    const length: u32 = piece.length.low
    if (length == 0) continue
    const more: u32 = i + 1 < message.count ? MessageFlag.More : 0
    const sent = giveHeld(file, piece.base.low as ptr, length, false, flags | more, false, 0, 0)
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
    result = userCopyIn(plus(memory, done), piece.base.low as ptr, piece.length.low)
    done += piece.length.low
  }
  if (result == Errno.None) result = giveHeld(file, memory, done, true, flags, named, host, port)
  heapFree(memory)
  return result
}

/** writev(2) on a socket: one message. Errors: as sendmsg. May sleep. */
export function socketWritev(self: Process, descriptor: i32, from: ptr, count: u32): i32 {
  const message = vectorRead(from, count)
  if (message == null) return failure
  const result = send(self, descriptor, message, 0)
  heapFree(address(message))
  return result
}

// --- In. --------------------------------------------------------------------------------------------------

/** recvmsg(2); there is no ancillary data. Errors: as recvfrom, and MessageTooLong (too many pieces), OutOfMemory. May sleep. */
export function sysRecvmsg(self: Process, descriptor: i32, to: ptr, flags: u32): i32 {
  const message = messageRead(to)
  if (message == null) return fileOf(self, descriptor) == null ? noSocket(self, descriptor) : failure
  const result = receive(self, descriptor, message, flags, to)
  heapFree(address(message))
  return result
}

function receive(self: Process, descriptor: i32, message: Message, flags: u32, to: ptr): i32 {
  const got = receiveBytes(self, descriptor, message, flags)
  const file = fileOf(self, descriptor)
  const stream: boolean = file == null || socketOfFile(file).type == SocketType.Stream
  return got < 0 ? got : receiveTell(self, message, to, got, stream)
}

function receiveBytes(self: Process, descriptor: i32, message: Message, flags: u32): i32 {
  const pair = pairOf(self, descriptor)
  if (pair != null) return pairPieces(self, pair, message, flags, true)
  const file = fileOf(self, descriptor)
  if (file == null) return noSocket(self, descriptor)
  if (socketOfFile(file).type == SocketType.Stream) return receivePieces(file, message, flags)
  if (message.count != 1) return receiveWhole(file, message, flags)
  return takeHeld(file, pieceOf(message, 0).base.low as ptr, pieceOf(message, 0).length.low, false, flags)
}

/** readv(2) on a socket: one message, or what a stream has. Errors: as recvmsg. May sleep. */
export function socketReadv(self: Process, descriptor: i32, to: ptr, count: u32): i32 {
  const message = vectorRead(to, count)
  if (message == null) return failure
  const result = receiveBytes(self, descriptor, message, 0)
  heapFree(address(message))
  return result
}

/** The first piece waits for something; the others take what is there. */
function receivePieces(file: OpenFile, message: Message, flags: u32): i32 {
  let done: i32 = 0
  for (let i: u32 = 0; i < message.count; i++) {
    const piece = pieceOf(message, i)
    const length: u32 = piece.length.low
    if (length == 0) continue
    const again: u32 = done != 0 && (flags & 0x100) == 0 ? MessageFlag.DontWait : 0
    const got = takeHeld(file, piece.base.low as ptr, length, false, flags | again)
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
    const length: u32 = piece.length.low < left ? piece.length.low : left
    error = userCopyOut(piece.base.low as ptr, plus(memory, done), length)
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
