// A message of a local socket: its bytes in memory of the kernel's, who sent it, and what goes with it. unix(7).
//
//   Message | first piece: up to SMALL bytes, or in a frame | ──▶ Piece, a frame ──▶ Piece …
//
// What most programs say to each other is short, and costs one object of a pool. The memory is charged to the sender
// (LocalSocket.sent) and to all local sockets together, until the message is gone. Context: a process's.

import { LOCAL_MEMORY_SHARE } from '../../config.ts'
import {
  address, at, plus, sizeof, staticStruct, struct, type Embed, type PhysicalAddress, type i32, type ptr, type u32,
} from '../../lib/layout.ts'
import { Errno } from '../../lib/errno.ts'
import { PAGE_SHIFT, PAGE_SIZE, virtualOf } from '../../mm/address.ts'
import { framesTotal } from '../../mm/frames.ts'
import { pageFrameAllocate, pageFrameRelease } from '../../mm/page-frame.ts'
import { Pool, poolAllocate, poolFree, poolInit } from '../../mm/pool.ts'
import { scatterIn, scatterOut, type Scatter } from '../../vm/scatter.ts'
import { PeerCredentials } from './credentials.ts'
import { rightsArrive, rightsDepart, rightsRelease, rightsSize, type Rights } from './rights.ts'
import { localChanged, localHold, localRelease, type LocalSocket } from './socket.ts'

@struct
export class Piece {
  next: Piece | null
  data: ptr
  length: u32
  frame: PhysicalAddress // 0: the bytes follow the message
}

@struct
export class Message {
  next: Message | null // in its queue
  sender: LocalSocket // held
  rights: Rights | null
  length: u32 // bytes that are not read
  taken: u32 // of a stream: bytes of `first` that are
  charge: u32
  holds: u32 // the queue, and who copies from it
  first: Piece // that is not read
  credentials: Embed<PeerCredentials>
  reserved: u32
  own: Embed<Piece> // the first of all
}

/** Bytes of a message with those that lie in it; and how many these are. */
const MESSAGE_SIZE: u32 = 256
const SMALL: u32 = MESSAGE_SIZE - sizeof<Message>()

const messages = staticStruct<Pool>()
const pieces = staticStruct<Pool>()
let memoryUsed: u32 = 0
let memoryLimit: u32 = 0

/** Once, before the first. */
export function localMessagesInit(): void {
  poolInit(messages, 'local-messages', MESSAGE_SIZE, 0)
  poolInit(pieces, 'local-pieces', sizeof<Piece>(), 0)
  memoryLimit = framesTotal() / LOCAL_MEMORY_SHARE << PAGE_SHIFT
}

/** Bytes of all messages, for the self-test. */
export function localMemoryUsed(): u32 {
  return memoryUsed
}

function charge(message: Message, bytes: u32): void {
  message.charge += bytes
  message.sender.sent += bytes
  memoryUsed += bytes
}

/** A message with room for `n` bytes, of nobody's queue; null: LOCAL_MEMORY_SHARE, or no memory. May sleep. */
export function messageCreate(sender: LocalSocket, n: u32): Message | null {
  const memory = memoryUsed + MESSAGE_SIZE + n <= memoryLimit ? poolAllocate(messages) : 0 as ptr
  if (memory == 0) return null
  const message = at<Message>(memory)
  message.sender = localHold(sender)
  message.holds = 1
  message.length = n
  message.first = message.own
  charge(message, MESSAGE_SIZE)
  message.own.data = plus(memory, sizeof<Message>())
  message.own.length = n
  if (n <= SMALL || framesGive(message, n)) return message
  messageRelease(message)
  return null
}

/** Frames for `n` bytes; false when there are not enough, and the message is to be given back. */
function framesGive(message: Message, n: u32): boolean {
  let piece: Piece = message.own
  let left: u32 = n
  while (true) {
    const length: u32 = left < PAGE_SIZE ? left : PAGE_SIZE
    piece.frame = pageFrameAllocate()
    if (piece.frame == 0) return false
    charge(message, PAGE_SIZE)
    piece.data = virtualOf(piece.frame)
    piece.length = length
    left -= length
    if (left == 0) return true
    const memory = poolAllocate(pieces)
    if (memory == 0) return false
    charge(message, sizeof<Piece>())
    piece.next = at<Piece>(memory)
    piece = at<Piece>(memory)
  }
}

/** Its bytes come out of a caller's places. None, BadAddress. May sleep. */
export function messageFill(message: Message, from: Scatter): i32 {
  let piece: Piece | null = message.own
  let result: i32 = Errno.None
  while (piece != null && result == Errno.None) {
    result = scatterIn(from, piece.data, piece.length)
    piece = piece.next
  }
  return result
}

/** The first `n` bytes that are not read, into a caller's places. None, BadAddress. May sleep: the message is held. */
export function messageCopy(message: Message, to: Scatter, n: u32): i32 {
  let piece: Piece | null = message.first
  let skip: u32 = message.taken
  let left: u32 = n
  let result: i32 = Errno.None
  while (piece != null && left != 0 && result == Errno.None) {
    const length: u32 = piece.length - skip < left ? piece.length - skip : left
    result = scatterOut(to, plus(piece.data, skip), length)
    left -= length
    skip = 0
    piece = piece.next
  }
  return result
}

/** Rights go with it; their memory is charged as its is. */
export function messageRights(message: Message, rights: Rights): void {
  message.rights = rights
  charge(message, rightsSize(rights))
}

/** Take the rights out of a message that is in no queue any more, or is about to leave it: null if there are none. */
export function messageRightsTake(message: Message): Rights | null {
  const rights = message.rights
  message.rights = null
  if (rights != null) rightsArrive(rights)
  return rights
}

/** One reads it without taking it. */
export function messageHold(message: Message): Message {
  message.holds += 1
  return message
}

/** One less holds it; after the last it is gone, and its sender has room again. Without rights: see messageDrop. */
export function messageRelease(message: Message): void {
  message.holds -= 1
  if (message.holds != 0) return
  const sender = message.sender
  let piece: Piece | null = message.own
  while (piece != null) {
    const next: Piece | null = piece.next
    if (piece.frame != 0) pageFrameRelease(piece.frame)
    if (piece != message.own) poolFree(pieces, address(piece))
    piece = next
  }
  memoryUsed -= message.charge
  sender.sent -= message.charge
  poolFree(messages, address(message))
  localChanged(sender)
  localRelease(sender)
}

/** A message that nobody will read. May sleep. */
export function messageDrop(message: Message): void {
  const rights = messageRightsTake(message)
  messageRelease(message)
  if (rights != null) rightsRelease(rights)
}

// --- Queues. ----------------------------------------------------------------------------------------------

/** The last to be read of what has come to a socket; its rights are on their way. */
export function messageQueue(socket: LocalSocket, message: Message): void {
  if (message.rights != null) rightsDepart(message.rights)
  if (socket.last == null) socket.first = message
  else socket.last.next = message
  socket.last = message
  socket.queued += 1
  socket.unread += message.length
}

/** The first leaves the queue, which is not empty. */
export function messageUnqueue(socket: LocalSocket): Message {
  const message = socket.first!
  socket.first = message.next
  if (socket.first == null) socket.last = null
  socket.queued -= 1
  socket.unread -= message.length
  message.next = null
  return message
}

/** The first to be read again: a message that was taken out, its rights still with it. */
export function messageFront(socket: LocalSocket, message: Message): void {
  message.next = socket.first
  socket.first = message
  if (socket.last == null) socket.last = message
  socket.queued += 1
  socket.unread += message.length
}

/** `n` bytes of the first message of a stream were read, which is no more than its first piece has. */
export function messageAdvance(socket: LocalSocket, message: Message, n: u32): void {
  message.length -= n
  message.taken += n
  socket.unread -= n
  const next = message.first.next
  if (message.taken != message.first.length || next == null) return
  message.first = next
  message.taken = 0
}

/** Nobody will read what has come. May sleep. */
export function messagesDrop(socket: LocalSocket): void {
  while (socket.first != null) messageDrop(messageUnqueue(socket))
}
