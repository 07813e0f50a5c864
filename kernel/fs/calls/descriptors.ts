// What is done to open files by their numbers: read, write, lseek, getdents64, dup, fcntl, ioctl, pipe2, close.
//
// A file is held while a call is at work on it: another thread may close it meanwhile. A process's context; may sleep.

import { FILE_SIZE_LIMIT } from '../../config.ts'
import { Errno } from '../../lib/errno.ts'
import { store8 } from '../../lib/intrinsics.ts'
import { at, plus, sizeof, staticStruct, struct, type Bytes, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import { copyBytes, zeroBytes } from '../../lib/memory.ts'
import { Pool, poolAllocate, poolFree, poolInit } from '../../mm/pool.ts'
import { transferOut, type Transfer } from '../../vm/transfer.ts'
import { userLoad32, userLoaded } from '../../vm/user-copy.ts'
import type { FileContext } from '../context.ts'
import {
  descriptorAllocate, descriptorClose, descriptorCloseOnExec, descriptorCloseOnExecSet, descriptorFile, descriptorPut,
} from '../descriptor.ts'
import { fileControl, fileHold, fileRead, fileRelease, fileWrite, type OpenFile } from '../file.ts'
import { Fcntl, OPEN_CHANGEABLE, Open, flagsReadable, flagsWritable } from '../flags.ts'
import { DirectoryEntry, inodeIsDirectory, inodeIsRegular, type Inode } from '../inode.ts'
import { DirectoryRecord } from '../layouts.ts'
import { modeEntryType } from '../mode.ts'
import { inodeOwn, isOwner } from '../permission.ts'
import { PipeEnds, isPipe, pipeCreate, pipeResize, pipeSize } from '../pipe.ts'
import { inodeRead, inodeWrite } from '../regular.ts'

const CLOSE_ON_EXEC: u32 = 1
/** ioctls that are about descriptors and open files, whatever is behind them. include/uapi/asm-generic/ioctls.h */
const FIONBIO: u32 = 0x5421
const FIONCLEX: u32 = 0x5450
const FIOCLEX: u32 = 0x5451

/** A record of getdents64 with the longest name; of each call its own, since giving it to a process may sleep. */
@struct
class RecordBuffer {
  bytes: Bytes<280>
}

const records = staticStruct<Pool>()
const entry = staticStruct<DirectoryEntry>()
const ends = staticStruct<PipeEnds>()

/** Once, before the first call. */
export function descriptorCallsInit(): void {
  poolInit(records, 'directory-records', sizeof<RecordBuffer>(), 0)
}

function fileOf(context: FileContext, descriptor: i32): OpenFile | null {
  const file = descriptorFile(context.table, descriptor)
  return file == null ? null : fileHold(file)
}

function done(file: OpenFile, result: i32): i32 {
  fileRelease(file)
  return result
}

/** read: bytes moved. */
export function fsRead(context: FileContext, descriptor: i32, transfer: Transfer): i32 {
  const file = fileOf(context, descriptor)
  return file == null ? Errno.BadHandle : done(file, fileRead(file, transfer))
}

/** write: bytes moved. */
export function fsWrite(context: FileContext, descriptor: i32, transfer: Transfer): i32 {
  const file = fileOf(context, descriptor)
  return file == null ? Errno.BadHandle : done(file, fileWrite(file, transfer))
}

/** pread64: IllegalSeek for what has no positions. */
export function fsPread(context: FileContext, descriptor: i32, transfer: Transfer, position: u32): i32 {
  if (position > FILE_SIZE_LIMIT) return Errno.InvalidArgument
  const file = fileOf(context, descriptor)
  if (file == null) return Errno.BadHandle
  if (!flagsReadable(file.flags)) return done(file, Errno.BadHandle)
  return done(file, readAt(file, transfer, position))
}

function readAt(file: OpenFile, transfer: Transfer, position: u32): i32 {
  const inode = file.inode
  if (file.operations.seek == null || inode == null) return Errno.IllegalSeek
  if (inodeIsDirectory(inode)) return Errno.IsDirectory
  return isPlain(inode) ? inodeRead(inode, position, transfer) : fileRead(file, transfer)
}

/** Whether positions of a file are its inode's: of a device every position is the same. */
function isPlain(inode: Inode): boolean {
  return inodeIsRegular(inode) && inode.operations.read != null
}

/** pwrite64. With Append it is the end that is written, as on Linux. */
export function fsPwrite(context: FileContext, descriptor: i32, transfer: Transfer, position: u32): i32 {
  if (position > FILE_SIZE_LIMIT) return Errno.InvalidArgument
  const file = fileOf(context, descriptor)
  if (file == null) return Errno.BadHandle
  if (!flagsWritable(file.flags)) return done(file, Errno.BadHandle)
  const inode = file.inode
  if (file.operations.seek == null || inode == null) return done(file, Errno.IllegalSeek)
  if (!isPlain(inode)) return done(file, fileWrite(file, transfer))
  return done(file, inodeWrite(inode, position, (file.flags & Open.Append) != 0, transfer))
}

/** lseek: the new position; IllegalSeek. `offset` is cut to 32 bits by who calls, or refused. */
export function fsLseek(context: FileContext, descriptor: i32, offset: i32, whence: u32): i32 {
  const file = descriptorFile(context.table, descriptor)
  if (file == null || (file.flags & Open.Path) != 0) return Errno.BadHandle
  const seek = file.operations.seek
  return seek == null ? Errno.IllegalSeek : seek(file, offset, whence)
}

/** getdents64: bytes of whole records, 0 at the end; InvalidArgument without room for one, NotDirectory. */
export function fsGetdents64(context: FileContext, descriptor: i32, transfer: Transfer): i32 {
  const file = fileOf(context, descriptor)
  if (file == null) return Errno.BadHandle
  if (file.operations.directory == null) return done(file, Errno.NotDirectory)
  const memory = poolAllocate(records)
  if (memory == 0) return done(file, Errno.OutOfMemory)
  const result = recordsOut(file, at<RecordBuffer>(memory), transfer)
  poolFree(records, memory)
  return done(file, result)
}

function recordsOut(file: OpenFile, buffer: RecordBuffer, transfer: Transfer): i32 {
  const next = file.operations.directory!
  let moved: u32 = 0
  while (next(file, entry)) {
    const length = recordMade(buffer.bytes)
    const position = entry.next
    if (length > transfer.left) return moved != 0 ? moved as number as i32 : Errno.InvalidArgument
    const out = transferOut(transfer, buffer.bytes, length)
    if (out != (length as number as i32)) return moved != 0 ? moved as number as i32 : Errno.BadAddress
    moved += length
    file.position = position
  }
  return moved as number as i32
}

/** The record of `entry`; its length. */
function recordMade(to: ptr): u32 {
  const record = at<DirectoryRecord>(to)
  const length: u32 = (sizeof<DirectoryRecord>() + entry.length + 1 + 7) & ~7
  zeroBytes(to, length)
  record.inode.low = entry.inode
  record.next.low = entry.next
  record.length = length
  record.type = modeEntryType(entry.mode)
  copyBytes(plus(to, sizeof<DirectoryRecord>()), entry.name, entry.length)
  store8(to, sizeof<DirectoryRecord>() + entry.length, 0)
  return length
}

/** ioctl. */
export function fsIoctl(context: FileContext, descriptor: i32, request: u32, argument: u32): i32 {
  const file = fileOf(context, descriptor)
  if (file == null) return Errno.BadHandle
  if (request == FIOCLEX || request == FIONCLEX) {
    descriptorCloseOnExecSet(context.table, descriptor, request == FIOCLEX)
    return done(file, Errno.None)
  }
  if ((file.flags & Open.Path) != 0) return done(file, Errno.BadHandle)
  return done(file, request == FIONBIO ? nonBlockSet(file, argument as ptr) : fileControl(file, request, argument))
}

/** Whether calls on the file wait, as the word at an address of the process's says. */
function nonBlockSet(file: OpenFile, from: ptr): i32 {
  const error = userLoad32(from)
  if (error != Errno.None) return error
  if (userLoaded() != 0) file.flags |= Open.NonBlock
  else file.flags &= ~Open.NonBlock
  return Errno.None
}

/** close. */
export function fsClose(context: FileContext, descriptor: i32): i32 {
  return descriptorClose(context.table, descriptor)
}

/** dup. */
export function fsDup(context: FileContext, descriptor: i32): i32 {
  return duplicate(context, descriptor, 0, false)
}

/** The lowest free descriptor from `from` on for the same file. */
function duplicate(context: FileContext, descriptor: i32, from: u32, closeOnExec: boolean): i32 {
  const file = descriptorFile(context.table, descriptor)
  if (file == null) return Errno.BadHandle
  fileHold(file)
  const result = descriptorAllocate(context.table, file, from, closeOnExec)
  if (result < 0) fileRelease(file)
  return result
}

/** dup2: to itself it is a question whether it is open. */
export function fsDup2(context: FileContext, from: i32, to: i32): i32 {
  if (from == to) return descriptorFile(context.table, from) == null ? Errno.BadHandle : to
  return fsDup3(context, from, to, 0)
}

/** dup3: InvalidArgument to itself; `flags` may have CloseOnExec. */
export function fsDup3(context: FileContext, from: i32, to: i32, flags: u32): i32 {
  if (from == to || (flags & ~Open.CloseOnExec) != 0) return Errno.InvalidArgument
  const file = fileOf(context, from)
  if (file == null) return Errno.BadHandle
  if (to < 0) return done(file, Errno.BadHandle)
  const result = descriptorPut(context.table, to as number as u32, file, (flags & Open.CloseOnExec) != 0)
  return result == Errno.None ? to : done(file, result)
}

/** fcntl, but for the commands about locks (locks.ts); those there are not are InvalidArgument. May sleep. */
export function fsFcntl(context: FileContext, descriptor: i32, command: u32, argument: u32): i32 {
  const file = descriptorFile(context.table, descriptor)
  if (file == null) return Errno.BadHandle
  switch (command) {
    case Fcntl.Duplicate:
    case Fcntl.DuplicateCloseOnExec:
      if (argument >= context.table.limit) return Errno.InvalidArgument
      return duplicate(context, descriptor, argument, command == Fcntl.DuplicateCloseOnExec)
    case Fcntl.GetDescriptorFlags:
      return descriptorCloseOnExec(context.table, descriptor) ? CLOSE_ON_EXEC as number as i32 : 0
    case Fcntl.SetDescriptorFlags:
      descriptorCloseOnExecSet(context.table, descriptor, (argument & CLOSE_ON_EXEC) != 0)
      return Errno.None
    case Fcntl.GetFlags: return file.flags as number as i32
    case Fcntl.SetFlags: return setFlags(context, file, argument)
    case Fcntl.GetPipeSize: return isPipe(file) ? pipeSize(file) as number as i32 : Errno.BadHandle
    case Fcntl.SetPipeSize: return isPipe(file) ? done(fileHold(file), pipeResize(file, argument)) : Errno.BadHandle
    default: return Errno.InvalidArgument
  }
}

function setFlags(context: FileContext, file: OpenFile, flags: u32): i32 {
  if ((file.flags & Open.Path) != 0) return Errno.BadHandle
  const asked: u32 = flags & ~file.flags & Open.NoAccessTime
  if (asked != 0 && file.inode != null && !isOwner(context.credentials, file.inode)) return Errno.NotPermitted
  file.flags = (file.flags & ~OPEN_CHANGEABLE) | (flags & OPEN_CHANGEABLE)
  return Errno.None
}

/** pipe2: the numbers of both ends, for reading and for writing, into two words at `out`. */
export function fsPipe2(context: FileContext, flags: u32, out: ptr): i32 {
  if ((flags & ~(Open.CloseOnExec | Open.NonBlock | Open.Direct)) != 0) return Errno.InvalidArgument
  const made = pipeCreate(flags & Open.NonBlock, ends)
  if (made != Errno.None) return made
  const closeOnExec = (flags & Open.CloseOnExec) != 0
  const writer = ends.writer
  const reader = ends.reader
  inodeOwn(context.credentials, reader.inode!)
  const first = descriptorAllocate(context.table, reader, 0, closeOnExec)
  const second = first < 0 ? first : descriptorAllocate(context.table, writer, 0, closeOnExec)
  if (second >= 0) {
    at<Pair>(out).first = first
    at<Pair>(out).second = second
    return Errno.None
  }
  if (first >= 0) descriptorClose(context.table, first)
  else fileRelease(reader)
  fileRelease(writer)
  return second
}

@struct
class Pair {
  first: i32
  second: i32
}

/** fsync, fdatasync, syncfs: everything is where it will be; InvalidArgument for what can not be synced. */
export function fsSync(context: FileContext, descriptor: i32): i32 {
  const file = descriptorFile(context.table, descriptor)
  if (file == null) return Errno.BadHandle
  const inode = file.inode
  return inode != null && (inodeIsRegular(inode) || inodeIsDirectory(inode)) ? Errno.None : Errno.InvalidArgument
}
