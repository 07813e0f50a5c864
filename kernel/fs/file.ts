// CONTRACT: an open file, and what it can do: regular files, directories, pipes, terminals, devices, and sockets.
//
// A file is counted: every descriptor that leads to it, and every call that is at work on it and may sleep. With the last it is
// closed. What it can do is a table of functions; null means that files of this kind can not. A process's context.

import { OPEN_FILE_LIMIT } from '../config.ts'
import { Errno } from '../lib/errno.ts'
import { address, at, sizeof, staticStruct, struct, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { panic } from '../lib/panic.ts'
import { watchOthers, type WatchList } from '../lib/watch.ts'
import { Pool, poolAllocate, poolFree, poolInit } from '../mm/pool.ts'
import type { MemoryObject } from '../vm/object.ts'
import type { Transfer } from '../vm/transfer.ts'
import { LockKind, fileLocksRemove } from './file-lock.ts'
import { POLL_ALWAYS, flagsReadable, flagsWritable } from './flags.ts'
import { inodeRelease, type DirectoryEntry, type Inode } from './inode.ts'

/** Bytes moved, 0 at the end; an error only if none was. May sleep unless the file is non-blocking: then WouldBlock. */
type FileMove = (file: OpenFile, transfer: Transfer) => i32
/** The new position, or InvalidArgument. Null: IllegalSeek. */
type FileSeek = (file: OpenFile, offset: i32, whence: u32) => i32
/** Which of the events of `Poll` hold now. Whoever changes that tells those who watch (FileWatchers), and calls pollWake. */
type FilePoll = (file: OpenFile) => u32
/** Who watches what is behind the file: told of each change of what FilePoll says. */
type FileWatchers = (file: OpenFile) => WatchList
/** `argument` is the caller's, an address of a process or a number. 0 or more, or NotTerminal, BadAddress, … May sleep. */
type FileControl = (file: OpenFile, request: u32, argument: u32) => i32
/** Nobody has it any more. May sleep. */
type FileClose = (file: OpenFile) => void
/** The entry at the file's position, which moves past it when the caller sets it to `entry.next`. */
type FileDirectory = (file: OpenFile, entry: DirectoryEntry) => boolean
/** What a mapping of the file has in it, there as long as the file is open; who maps it holds it. Null: it can not be mapped. */
type FileObject = (file: OpenFile) => MemoryObject | null

@struct
export class FileOperations {
  read: FileMove | null
  write: FileMove | null
  seek: FileSeek | null
  poll: FilePoll | null // null: always ready
  watchers: FileWatchers | null // null: who watches it is told of every pollWake
  control: FileControl | null // ioctl; null: NotTerminal
  close: FileClose | null
  directory: FileDirectory | null
  object: FileObject | null
}

@struct
export class OpenFile {
  operations: FileOperations
  inode: Inode | null // held; null for what is in no file system, as a socket
  count: u32
  flags: u32 // Open: the access mode, Append, NonBlock
  position: u32
  data: ptr // of the operations
  watches: ptr // the epolls it is in: syscall/epoll.ts; 0: none
  async: ptr // who gets its signals: syscall/async.ts; 0: nobody was named
  flight: u32 // of `count`, what lies in messages of local sockets: syscall/local/rights.ts
}

/** A file that is in epolls, or has signals, is closed: that is over. */
type FileWatchesEnd = (file: OpenFile) => void
/** A file is left that only messages on their way have. May sleep. */
type FileAdrift = () => void

const files = staticStruct<Pool>()
let watchesEnd: FileWatchesEnd | null = null
let asyncEnd: FileWatchesEnd | null = null
let adrift: FileAdrift | null = null

/** Once, before the first file is opened. */
export function filesInit(): void {
  poolInit(files, 'open-files', sizeof<OpenFile>(), OPEN_FILE_LIMIT)
}

/** Who is told of files that are in epolls and closed. Once, before the first epoll. */
export function fileWatchesEndSet(end: FileWatchesEnd): void {
  watchesEnd = end
}

/** Who is told of files that have signals and are closed. Once, before the first. */
export function fileAsyncEndSet(end: FileWatchesEnd): void {
  asyncEnd = end
}

/** Who is told of files that only messages on their way have. Once, before the first local socket. */
export function fileAdriftSet(left: FileAdrift): void {
  adrift = left
}

/** A new open file, counted once, without an inode; null when there are OPEN_FILE_LIMIT. */
export function fileCreate(operations: FileOperations, flags: u32): OpenFile | null {
  const memory = poolAllocate(files)
  if (memory == 0) return null
  const file = at<OpenFile>(memory)
  file.operations = operations
  file.flags = flags
  file.count = 1
  return file
}

/** One more has it. */
export function fileHold(file: OpenFile): OpenFile {
  file.count += 1
  return file
}

/** One less has it; the last closes it. May sleep. */
export function fileRelease(file: OpenFile): void {
  if (file.count == 0) panic('a file is closed that nobody has open')
  file.count -= 1
  if (file.count != 0) {
    if (file.count == file.flight && adrift != null) adrift()
    return
  }
  if (file.watches != 0 && watchesEnd != null) watchesEnd(file)
  if (file.async != 0 && asyncEnd != null) asyncEnd(file)
  const close = file.operations.close
  fileLocksRemove(file.inode, address(file), LockKind.Open)
  fileLocksRemove(file.inode, address(file), LockKind.Whole)
  if (close != null) close(file)
  inodeRelease(file.inode)
  poolFree(files, address(file))
}

/** Files that are open, for the self-test and /proc. */
export function filesOpen(): u32 {
  return files.used
}

/** read: BadHandle when it is not open for that, InvalidArgument when this kind has no bytes to read. May sleep. */
export function fileRead(file: OpenFile, transfer: Transfer): i32 {
  if (!flagsReadable(file.flags)) return Errno.BadHandle
  const read = file.operations.read
  if (read == null) return file.operations.directory != null ? Errno.IsDirectory : Errno.InvalidArgument
  return read(file, transfer)
}

/** write: as fileRead. May sleep. */
export function fileWrite(file: OpenFile, transfer: Transfer): i32 {
  if (!flagsWritable(file.flags)) return Errno.BadHandle
  const write = file.operations.write
  if (write == null) return Errno.InvalidArgument
  return write(file, transfer)
}

/** Which events hold. */
export function filePoll(file: OpenFile): u32 {
  const poll = file.operations.poll
  return poll == null ? POLL_ALWAYS : poll(file)
}

/** Who watches it. */
export function fileWatchers(file: OpenFile): WatchList {
  const watchers = file.operations.watchers
  return watchers == null ? watchOthers() : watchers(file)
}

/** ioctl. May sleep. */
export function fileControl(file: OpenFile, request: u32, argument: u32): i32 {
  const control = file.operations.control
  return control == null ? Errno.NotTerminal : control(file, request, argument)
}
