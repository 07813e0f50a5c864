// System calls about bytes of files and about descriptors: the call of kernel/fs, on the caller's memory.
// Names and errors are Linux's. All of them may sleep.

import { VECTOR_LIMIT } from '../config.ts'
import {
  fsClose, fsDup, fsDup3, fsDup2, fsGetdents64, fsIoctl, fsLseek, fsPipe2, fsPread, fsPwrite, fsRead, fsSync, fsWrite,
} from '../fs/calls/descriptors.ts'
import { descriptorFile } from '../fs/descriptor.ts'
import { filePoll } from '../fs/file.ts'
import { Open, Poll, Seek, flagsWritable } from '../fs/flags.ts'
import { inodeIsRegular } from '../fs/inode.ts'
import { Errno } from '../lib/errno.ts'
import { at, nth, plus, struct, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { heapAllocate, heapFree } from '../mm/heap.ts'
import type { Process } from '../process/process.ts'
import { IoVector } from '../vm/scatter.ts'
import { transferInit } from '../vm/transfer.ts'
import { userCopyIn, userLoad32, userLoaded, userPin, userStore32 } from '../vm/user-copy.ts'
import { asyncFollow } from './async.ts'
import { numberOut } from './number.ts'
import { localOfFile } from './local/socket.ts'
import { isSocketFile } from './socket-file.ts'
import { socketReadv, socketWritev } from './socket-message.ts'

/** The most that one call moves: Linux's MAX_RW_COUNT. */
const MOVE_LIMIT: u32 = 0x7ffff000
/** Bytes of a struct iovec. */
const IOVEC: u32 = 16
/** The same, in memory of the kernel's own between two calls: sendfile's. */
const PIECE: u32 = 8192

/** ioctl's: signals for input, or none. include/uapi/asm-generic/ioctls.h */
const FIOASYNC: u32 = 0x5452

/** Where one of the pieces of a vector is moved. */
const enum Move { Read, Write, ReadAt, WriteAt }

/** The two descriptors of a pipe. */
@struct
class PipeNumbers {
  first: u32
  second: u32
}

function limited(length: u32): u32 {
  return length < MOVE_LIMIT ? length : MOVE_LIMIT
}

// --- Bytes. -----------------------------------------------------------------------------------------------

/** read(2). */
export function sysRead(self: Process, descriptor: u32, to: ptr, length: u32): i32 {
  transferInit(self.transfer, to, limited(length), false)
  return fsRead(self.files, descriptor as number as i32, self.transfer)
}

/** write(2). */
export function sysWrite(self: Process, descriptor: u32, from: ptr, length: u32): i32 {
  transferInit(self.transfer, from, limited(length), false)
  return fsWrite(self.files, descriptor as number as i32, self.transfer)
}

/** pread64(2). Errors: InvalidArgument for a negative position. */
export function sysPread64(self: Process, descriptor: u32, to: ptr, length: u32, position: i32): i32 {
  if (position < 0) return Errno.InvalidArgument
  transferInit(self.transfer, to, limited(length), false)
  return fsPread(self.files, descriptor as number as i32, self.transfer, position as number as u32)
}

/** pwrite64(2). As pread64. */
export function sysPwrite64(self: Process, descriptor: u32, from: ptr, length: u32, position: i32): i32 {
  if (position < 0) return Errno.InvalidArgument
  transferInit(self.transfer, from, limited(length), false)
  return fsPwrite(self.files, descriptor as number as i32, self.transfer, position as number as u32)
}

function moveOne(self: Process, descriptor: u32, move: Move, position: u32): i32 {
  const number = descriptor as number as i32
  switch (move) {
    case Move.Read: return fsRead(self.files, number, self.transfer)
    case Move.Write: return fsWrite(self.files, number, self.transfer)
    case Move.ReadAt: return fsPread(self.files, number, self.transfer, position)
    default: return fsPwrite(self.files, number, self.transfer, position)
  }
}

/** A vector's pieces one after another, until one is moved in part: bytes moved, or an error if there are none. */
function moveVector(self: Process, descriptor: u32, vector: IoVector, count: u32, move: Move, position: u32): i32 {
  let total: u32 = 0
  for (let i: u32 = 0; i < count; i++) {
    const length = nth(vector, i).length
    if (length == 0 && (i + 1 < count || total != 0)) continue
    transferInit(self.transfer, nth(vector, i).base as ptr, length, false)
    const moved = moveOne(self, descriptor, move, position + total)
    if (moved < 0) return total != 0 ? total as number as i32 : moved
    total += moved as number as u32
    if ((moved as number as u32) < length || (move == Move.Read && wouldWait(self, descriptor))) break
  }
  return total as number as i32
}

/** Whether the next piece of a read would have to be waited for: then what there was is all. */
function wouldWait(self: Process, descriptor: u32): boolean {
  const file = descriptorFile(self.files.table, descriptor as number as i32)
  return file == null || (filePoll(file) & (Poll.In | Poll.HangUp)) == 0
}

/** A socket's pieces are one message. */
function isSocket(self: Process, descriptor: u32): boolean {
  const file = descriptorFile(self.files.table, descriptor as number as i32)
  return file != null && (isSocketFile(file) || localOfFile(file) != null)
}

/** Whether the lengths are lengths, and their sum is one: InvalidArgument otherwise, BadAddress for an address with a high half. */
function vectorFault(vector: IoVector, count: u32): i32 {
  let total: u32 = 0
  for (let i: u32 = 0; i < count; i++) {
    const each = nth(vector, i)
    if (each.lengthHigh != 0 || each.length > MOVE_LIMIT - total) return Errno.InvalidArgument
    if (each.baseHigh != 0 && each.length != 0) return Errno.BadAddress
    total += each.length
  }
  return Errno.None
}

function moveVectors(self: Process, descriptor: u32, from: ptr, count: u32, move: Move, position: u32): i32 {
  if (count > VECTOR_LIMIT) return Errno.InvalidArgument
  if (count == 0) return 0
  const vector = heapAllocate(count * IOVEC)
  let result: i32 = vector == 0 ? Errno.OutOfMemory : userCopyIn(vector, from, count * IOVEC)
  if (result == Errno.None) result = vectorFault(at<IoVector>(vector), count)
  if (result == Errno.None) result = moveVector(self, descriptor, at<IoVector>(vector), count, move, position)
  heapFree(vector)
  return result
}

/** readv(2), writev(2), preadv(2), pwritev(2). Errors: InvalidArgument for too many, or too long, or a negative position. */
export function sysReadv(self: Process, descriptor: u32, vector: ptr, count: u32): i32 {
  if (isSocket(self, descriptor)) return socketReadv(self, descriptor as number as i32, vector, count)
  return moveVectors(self, descriptor, vector, count, Move.Read, 0)
}
export function sysWritev(self: Process, descriptor: u32, vector: ptr, count: u32): i32 {
  if (isSocket(self, descriptor)) return socketWritev(self, descriptor as number as i32, vector, count)
  return moveVectors(self, descriptor, vector, count, Move.Write, 0)
}
export function sysPreadv(self: Process, descriptor: u32, vector: ptr, count: u32, position: i32): i32 {
  if (position < 0) return Errno.InvalidArgument
  return moveVectors(self, descriptor, vector, count, Move.ReadAt, position as number as u32)
}
export function sysPwritev(self: Process, descriptor: u32, vector: ptr, count: u32, position: i32): i32 {
  if (position < 0) return Errno.InvalidArgument
  return moveVectors(self, descriptor, vector, count, Move.WriteAt, position as number as u32)
}

/** sendfile(2). Errors: BadHandle, BadAddress, InvalidArgument (a position past all files; the input is no regular file). May sleep. */
export function sysSendfile(self: Process, to: u32, from: u32, offset: ptr, length: u32): i32 {
  const source = descriptorFile(self.files.table, from as number as i32)
  if (source == null) return Errno.BadHandle
  if (source.inode == null || !inodeIsRegular(source.inode)) return Errno.InvalidArgument
  const target = descriptorFile(self.files.table, to as number as i32)
  if (target == null || !flagsWritable(target.flags)) return Errno.BadHandle
  if (offset == 0) return sendPieces(self, to, from, length, false, 0)
  if (userLoad32(plus(offset, 4)) != Errno.None) return Errno.BadAddress
  if (userLoaded() != 0) return Errno.InvalidArgument
  if (userLoad32(offset) != Errno.None) return Errno.BadAddress
  const position: u32 = userLoaded()
  const result = sendPieces(self, to, from, length, true, position)
  if (result <= 0) return result
  const stored = numberOut(position + (result as number as u32), 0, offset)
  return stored == Errno.None ? result : stored
}

/** From the file's own position, which moves, or from `position`. */
function sendPieces(self: Process, to: u32, from: u32, length: u32, placed: boolean, position: u32): i32 {
  const buffer = heapAllocate(PIECE)
  if (buffer == 0) return Errno.OutOfMemory
  let total: u32 = 0
  let result: i32 = 0
  while (total < limited(length)) {
    const piece: u32 = length - total < PIECE ? length - total : PIECE
    transferInit(self.transfer, buffer, piece, true)
    result = placed
      ? fsPread(self.files, from as number as i32, self.transfer, position + total)
      : fsRead(self.files, from as number as i32, self.transfer)
    if (result <= 0) break
    const taken = result as number as u32
    transferInit(self.transfer, buffer, taken, true)
    result = fsWrite(self.files, to as number as i32, self.transfer)
    const written: u32 = result < 0 ? 0 : result as number as u32
    total += written
    if (written == taken) continue
    if (!placed) fsLseek(self.files, from as number as i32, (written - taken) as number as i32, Seek.Current) // what was read for nothing
    break
  }
  heapFree(buffer)
  return total != 0 ? total as number as i32 : result
}

/** lseek(2). */
export function sysLseek(self: Process, descriptor: u32, offset: i32, whence: u32): i32 {
  return fsLseek(self.files, descriptor as number as i32, offset, whence)
}

/** getdents64(2). */
export function sysGetdents64(self: Process, descriptor: u32, to: ptr, length: u32): i32 {
  transferInit(self.transfer, to, limited(length), false)
  return fsGetdents64(self.files, descriptor as number as i32, self.transfer)
}

/** ioctl(2). */
export function sysIoctl(self: Process, descriptor: u32, request: u32, argument: u32): i32 {
  if (request == FIOASYNC) return asyncSet(self, descriptor as number as i32, argument as ptr)
  return fsIoctl(self.files, descriptor as number as i32, request, argument)
}

/** O_ASYNC by ioctl. */
function asyncSet(self: Process, descriptor: i32, from: ptr): i32 {
  if (descriptorFile(self.files.table, descriptor) == null) return Errno.BadHandle
  if (userLoad32(from) != Errno.None) return Errno.BadAddress
  const file = descriptorFile(self.files.table, descriptor)
  if (file == null) return Errno.BadHandle
  if (file.operations.watchers == null) return Errno.NotTerminal
  if (userLoaded() != 0) file.flags |= Open.Async
  else file.flags &= ~Open.Async
  return asyncFollow(self, descriptor)
}

/** fsync(2), fdatasync(2). */
export function sysFsync(self: Process, descriptor: u32): i32 {
  return fsSync(self.files, descriptor as number as i32)
}

// --- Descriptors. -----------------------------------------------------------------------------------------

/** close(2). */
export function sysClose(self: Process, descriptor: u32): i32 {
  return fsClose(self.files, descriptor as number as i32)
}

/** dup(2), dup2(2), dup3(2). */
export function sysDup(self: Process, descriptor: u32): i32 {
  return fsDup(self.files, descriptor as number as i32)
}
export function sysDup2(self: Process, from: u32, to: u32): i32 {
  return fsDup2(self.files, from as number as i32, to as number as i32)
}
export function sysDup3(self: Process, from: u32, to: u32, flags: u32): i32 {
  return fsDup3(self.files, from as number as i32, to as number as i32, flags)
}

/** pipe2(2). */
export function sysPipe2(self: Process, to: ptr, flags: u32): i32 {
  const memory = heapAllocate(IOVEC)
  if (memory == 0) return Errno.OutOfMemory
  const numbers = at<PipeNumbers>(memory)
  let result: i32 = userPin(to, 2 * 4, true)
  if (result == Errno.None) result = fsPipe2(self.files, flags, memory)
  if (result == Errno.None) {
    result = userStore32(to, numbers.first)
    if (result == Errno.None) result = userStore32((to + 4) as ptr, numbers.second)
  }
  heapFree(memory)
  return result
}
