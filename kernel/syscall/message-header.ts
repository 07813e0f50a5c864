// What sendmsg(2), recvmsg(2), readv(2) and writev(2) name: a message header and its pieces, copied in once. readv(2), recvmsg(2).

import { Errno } from '../lib/errno.ts'
import { address, at, nth, offsetof, plus, sizeof, struct, wire, type Embed, type Le, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { zeroBytes } from '../lib/memory.ts'
import { heapAllocate, heapFree } from '../mm/heap.ts'
import { UserWord } from '../process/signal-frame.ts'
import { IoVector } from '../vm/scatter.ts'
import { userCopyIn } from '../vm/user-copy.ts'

/** struct msghdr. recvmsg(2) specification. */
@wire(56)
export class MessageHeader {
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

/** UIO_MAXIOV. */
const PIECE_LIMIT: u32 = 1024
/** Bytes of all pieces together, cut to this. */
const MOST_BYTES: u32 = 0x7ffff000

/** A header and its pieces, copied in. In the heap: calls sleep with it. */
@struct
export class Message {
  count: u32
  bytes: u32 // of all pieces
  header: Embed<MessageHeader>
}

/** The first of the pieces. */
export function messagePieces(message: Message): IoVector {
  return at<IoVector>(plus(address(message), sizeof<Message>()))
}

export function pieceOf(message: Message, index: u32): IoVector {
  return nth(messagePieces(message), index)
}

let failure: i32 = Errno.None

/** Why the last message was not read. */
export function messageFailure(): i32 {
  return failure
}

/** Copy a msghdr and its pieces in; null: `messageFailure` says why. To be freed with heapFree. */
export function messageRead(from: ptr): Message | null {
  const head = heapAllocate(sizeof<Message>() + PIECE_LIMIT / 64 * sizeof<IoVector>())
  failure = Errno.OutOfMemory
  if (head == 0) return null
  let memory = head
  let message = at<Message>(memory)
  failure = userCopyIn(address(message.header), from, sizeof<MessageHeader>())
  const count: u32 = message.header.pieceCount.low
  if (failure == Errno.None && (message.header.pieceCount.high != 0 || count > PIECE_LIMIT)) failure = Errno.MessageTooLong
  if (failure == Errno.None && count > PIECE_LIMIT / 64) {
    memory = heapAllocate(sizeof<Message>() + count * sizeof<IoVector>())
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
export function vectorRead(from: ptr, count: u32): Message | null {
  failure = count > PIECE_LIMIT ? Errno.InvalidArgument : Errno.OutOfMemory
  const memory = count > PIECE_LIMIT ? 0 as ptr : heapAllocate(sizeof<Message>() + count * sizeof<IoVector>())
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
    const error = userCopyIn(address(messagePieces(message)), pieces.low as ptr, count * sizeof<IoVector>())
    if (error != Errno.None) return error
  }
  for (let i: u32 = 0; i < count; i++) {
    const piece = pieceOf(message, i)
    if (piece.lengthHigh != 0 || piece.length > MOST_BYTES) return Errno.InvalidArgument
    if (piece.baseHigh != 0 && piece.length != 0) return Errno.BadAddress
    if (piece.length > MOST_BYTES - message.bytes) return Errno.InvalidArgument
    message.bytes += piece.length
  }
  return Errno.None
}
