// socketpair(2): two local stream sockets that are connected to each other, as two pipes, one in each direction. unix(7).
//
//   one end:  reader ◀── pipe ◀── writer  :the other end
//             writer ──▶ pipe ──▶ reader
//
// They carry bytes: no descriptors, no credentials, no looking ahead (MSG_PEEK).

import { SOCKET_PAIR_LIMIT } from '../config.ts'
import { descriptorAllocate, descriptorClose, descriptorFile } from '../fs/descriptor.ts'
import { FileOperations, fileCreate, fileHold, filePoll, fileRead, fileRelease, fileWrite, type OpenFile } from '../fs/file.ts'
import { Open, Poll } from '../fs/flags.ts'
import { PipeEnds, pipeCreate } from '../fs/pipe.ts'
import { Errno } from '../lib/errno.ts'
import { address, at, sizeof, staticStruct, struct, wire, type Le, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { Pool, poolAllocate, poolFree, poolInit } from '../mm/pool.ts'
import { MessageFlag, Shut } from '../net/socket/socket.ts'
import type { Process } from '../process/process.ts'
import { Transfer, transferInit } from '../vm/transfer.ts'
import { userCopyOut, userLoad32, userLoaded, userStore16, userStore32 } from '../vm/user-copy.ts'
import { scratchRest } from './scratch.ts'
import { Family } from './socket-address.ts'

/** `type` of socketpair(2): the type in four bits, and two flags. */
const TYPE_MASK: u32 = 0xf
const TYPE_STREAM: u32 = 1
/** Bytes of an address without a name. */
const FAMILY_SIZE: u32 = 2

/** What one end has; null: shut. */
@struct
class End {
  reader: OpenFile | null
  writer: OpenFile | null
}

/** The two descriptors as socketpair(2) tells them: int sv[2]. socketpair(2) specification. */
@wire(8)
class Descriptors {
  first: Le<i32>
  second: Le<i32>
}

const pool = staticStruct<Pool>()
const operations = staticStruct<FileOperations>()
const there = staticStruct<PipeEnds>()
const back = staticStruct<PipeEnds>()

/** Once, before the first pair. */
export function socketPairsInit(): void {
  poolInit(pool, 'socket-pairs', sizeof<End>(), 2 * SOCKET_PAIR_LIMIT)
  operations.read = read
  operations.write = write
  operations.poll = poll
  operations.close = close
}

/** One of a pair. */
export function isPairFile(file: OpenFile): boolean {
  return file.operations == operations
}

/** The file of a descriptor that is one of a pair, or null. */
export function pairOf(self: Process, descriptor: i32): OpenFile | null {
  const file = descriptorFile(self.files.table, descriptor)
  return file != null && isPairFile(file) ? file : null
}

/**
 * socketpair(2). Errors: AddressFamily (only AF_UNIX), SocketTypeNotSupported (only streams), InvalidArgument, ProtocolNotSupported,
 * TooManyFiles, FileTableFull, OutOfMemory, BadAddress. May sleep.
 */
export function sysSocketpair(self: Process, family: u32, type: u32, protocol: u32, to: ptr): i32 {
  if ((type & ~(TYPE_MASK | Open.NonBlock | Open.CloseOnExec)) != 0) return Errno.InvalidArgument
  if (family != Family.Unix) return family == Family.Inet ? Errno.NotSupported : Errno.AddressFamily
  if ((type & TYPE_MASK) != TYPE_STREAM) return Errno.SocketTypeNotSupported
  if (protocol != 0 && protocol != Family.Unix) return Errno.ProtocolNotSupported
  let error: i32 = pipeCreate(0, there)
  if (error != Errno.None) return error
  error = pipeCreate(0, back)
  if (error != Errno.None) {
    fileRelease(there.reader)
    fileRelease(there.writer)
    return error
  }
  const one = endMake(there.reader, back.writer, type)
  const other = endMake(back.reader, there.writer, type)
  if (one != null && other != null) return tell(self, one, other, (type & Open.CloseOnExec) != 0, to)
  if (one != null) fileRelease(one)
  if (other != null) fileRelease(other)
  return Errno.FileTableFull
}

/** A file of these two ends of pipes, which are let go without one. */
function endMake(reader: OpenFile, writer: OpenFile, type: u32): OpenFile | null {
  const memory = poolAllocate(pool)
  const file = memory == 0 ? null : fileCreate(operations, Open.ReadWrite | (type & Open.NonBlock))
  if (file == null) {
    if (memory != 0) poolFree(pool, memory)
    fileRelease(reader)
    fileRelease(writer)
    return null
  }
  const end = at<End>(memory)
  end.reader = reader
  end.writer = writer
  file.data = memory
  return file
}

/** Descriptors for both, and their numbers to the caller: all of it or nothing. */
function tell(self: Process, one: OpenFile, other: OpenFile, closeOnExec: boolean, to: ptr): i32 {
  const table = self.files.table
  const first = descriptorAllocate(table, one, 0, closeOnExec)
  if (first < 0) {
    fileRelease(one)
    fileRelease(other)
    return first
  }
  const second = descriptorAllocate(table, other, 0, closeOnExec)
  if (second < 0) {
    descriptorClose(table, first)
    fileRelease(other)
    return second
  }
  const out = at<Descriptors>(scratchRest(self))
  out.first = first
  out.second = second
  if (userCopyOut(to, address(out), sizeof<Descriptors>()) == Errno.None) return Errno.None
  descriptorClose(table, first)
  descriptorClose(table, second)
  return Errno.BadAddress
}

/** The pipe's end does as the socket is told, for this call. */
function follow(end: OpenFile, wait: boolean): OpenFile {
  if (wait) end.flags &= ~Open.NonBlock
  else end.flags |= Open.NonBlock
  return fileHold(end)
}

/** 0 at the end: the other side is shut, or this one is for reading. */
function readFrom(file: OpenFile, transfer: Transfer, wait: boolean): i32 {
  const reader = at<End>(file.data).reader
  if (reader == null) return 0
  const got = fileRead(follow(reader, wait), transfer)
  fileRelease(reader)
  return got
}

/** BrokenPipe when this side is shut for writing, or the other for reading. */
function writeTo(file: OpenFile, transfer: Transfer, wait: boolean): i32 {
  const writer = at<End>(file.data).writer
  if (writer == null) return Errno.BrokenPipe
  const sent = fileWrite(follow(writer, wait), transfer)
  fileRelease(writer)
  return sent
}

function read(file: OpenFile, transfer: Transfer): i32 {
  return readFrom(file, transfer, (file.flags & Open.NonBlock) == 0)
}

function write(file: OpenFile, transfer: Transfer): i32 {
  return writeTo(file, transfer, (file.flags & Open.NonBlock) == 0)
}

function poll(file: OpenFile): u32 {
  const end = at<End>(file.data)
  let events: u32 = 0
  const reading: u32 = end.reader == null ? Poll.HangUp : filePoll(end.reader)
  const writing: u32 = end.writer == null ? Poll.Error : filePoll(end.writer)
  events |= reading & (Poll.In | Poll.ReadNormal)
  events |= writing & (Poll.Out | Poll.WriteNormal)
  if ((writing & Poll.Error) != 0) events |= Poll.Out | Poll.WriteNormal // a write says at once that nobody reads
  if ((reading & Poll.HangUp) != 0) events |= Poll.In | Poll.ReadNormal | Poll.ReadHangUp
  if ((reading & Poll.HangUp) != 0 && (writing & Poll.Error) != 0) events |= Poll.HangUp
  return events
}

function close(file: OpenFile): void {
  const end = at<End>(file.data)
  if (end.reader != null) fileRelease(end.reader)
  if (end.writer != null) fileRelease(end.writer)
  poolFree(pool, file.data)
}

/** shutdown(2). Errors: InvalidArgument. May sleep. */
export function pairShutdown(file: OpenFile, how: u32): i32 {
  if (how > Shut.Both) return Errno.InvalidArgument
  const end = at<End>(file.data)
  const reader = end.reader
  const writer = end.writer
  if (how != Shut.Send && reader != null) {
    end.reader = null
    fileRelease(reader)
  }
  if (how != Shut.Receive && writer != null) {
    end.writer = null
    fileRelease(writer)
  }
  return Errno.None
}

/**
 * send(2), recv(2): of a pair as write and read, but MSG_DONTWAIT is heeded. Errors: NotSupported (MSG_PEEK and such), and theirs.
 * May sleep.
 */
export function pairSend(self: Process, file: OpenFile, from: ptr, length: u32, flags: u32): i32 {
  return writeTo(file, transferOf(self, from, length), (file.flags & Open.NonBlock) == 0 && (flags & MessageFlag.DontWait) == 0)
}

export function pairReceive(self: Process, file: OpenFile, to: ptr, room: u32, flags: u32): i32 {
  if ((flags & (MessageFlag.Peek | MessageFlag.Truncate)) != 0) return Errno.NotSupported
  return readFrom(file, transferOf(self, to, room), (file.flags & Open.NonBlock) == 0 && (flags & MessageFlag.DontWait) == 0)
}

function transferOf(self: Process, place: ptr, length: u32): Transfer {
  const transfer = at<Transfer>(scratchRest(self))
  transferInit(transfer, place, length, false)
  return transfer
}

/** getsockname(2), getpeername(2): a family, and no name. Errors: InvalidArgument, BadAddress. May sleep. */
export function pairName(to: ptr, lengthAt: ptr): i32 {
  const error = userLoad32(lengthAt)
  if (error != Errno.None) return error
  if ((userLoaded() as number as i32) < 0) return Errno.InvalidArgument
  if (userLoaded() >= FAMILY_SIZE && userStore16(to, Family.Unix) != Errno.None) return Errno.BadAddress
  return userStore32(lengthAt, FAMILY_SIZE)
}
