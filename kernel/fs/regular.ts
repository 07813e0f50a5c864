// Regular files and directories, open: positions, and the inode does the rest. A process's context.

import { FILE_SIZE_LIMIT } from '../config.ts'
import { Errno, isError } from '../lib/errno.ts'
import { at, staticStruct, type cstring, type i32, type ptr, type u32 } from '../lib/layout.ts'
import type { MemoryObject } from '../vm/object.ts'
import type { Transfer } from '../vm/transfer.ts'
import { FileOperations, type OpenFile } from './file.ts'
import { FileSignal, Open, Seek } from './flags.ts'
import { inodeHold, inodeIsRegular, inodeRelease, type DirectoryEntry, type Inode } from './inode.ts'
import { mountUp } from './mount.ts'
import { processFileLimit, processSignal } from './process-hooks.ts'

/** Positions of "." and "..", which no file system has to think of. */
const ENTRY_SELF: u32 = 0
const ENTRY_PARENT: u32 = 1
const DOTS: cstring = '..'

const ofRegular = staticStruct<FileOperations>()
const ofDirectory = staticStruct<FileOperations>()
const ofPath = staticStruct<FileOperations>()

/** Once, before the first open. */
export function regularInit(): void {
  ofRegular.read = read
  ofRegular.write = write
  ofRegular.seek = seek
  ofRegular.object = object
  ofDirectory.seek = seekDirectory
  ofDirectory.directory = directory
}

/** What regular files do. */
export function regularOperations(): FileOperations {
  return ofRegular
}

/** What directories do. */
export function directoryOperations(): FileOperations {
  return ofDirectory
}

/** What files opened with O_PATH do: nothing. */
export function pathOperations(): FileOperations {
  return ofPath
}

function read(file: OpenFile, transfer: Transfer): i32 {
  const moved = inodeRead(file.inode!, file.position, transfer)
  if (moved > 0) file.position += moved as number as u32
  return moved
}

function write(file: OpenFile, transfer: Transfer): i32 {
  const append = (file.flags & Open.Append) != 0
  const moved = inodeWrite(file.inode!, file.position, append, transfer)
  if (moved > 0) file.position = (append ? file.inode!.size : file.position + (moved as number as u32))
  return moved
}

/** read at a position: InvalidArgument where the file system can not. May sleep. */
export function inodeRead(inode: Inode, position: u32, transfer: Transfer): i32 {
  const operation = inode.operations.read
  return operation == null ? Errno.InvalidArgument : operation(inode, position, transfer)
}

/** write at a position, or at the end: FileTooLarge past the limit on files, with its signal. May sleep. */
export function inodeWrite(inode: Inode, position: u32, append: boolean, transfer: Transfer): i32 {
  const operation = inode.operations.write
  if (operation == null) return Errno.InvalidArgument
  if (transfer.left != 0 && inodeIsRegular(inode)) {
    const start: u32 = append ? inode.size : position
    if (!fileLimitAllows(start + 1)) return Errno.FileTooLarge
    const room: u32 = processFileLimit() - start
    if (transfer.left > room) transfer.left = room
  }
  return operation(inode, position, append, transfer)
}

/** Whether the process that runs may have `size` bytes in a file; if not, it gets the signal for that. getrlimit(2), RLIMIT_FSIZE. */
export function fileLimitAllows(size: u32): boolean {
  if (size <= processFileLimit()) return true
  processSignal(FileSignal.FileLimit)
  return false
}

/** A position from a base: InvalidArgument below 0 or above FILE_SIZE_LIMIT. */
export function seekFrom(base: u32, offset: i32): i32 {
  const position: u32 = base + (offset as number as u32)
  const wraps = offset < 0 ? position > base : position < base
  return wraps || position > FILE_SIZE_LIMIT ? Errno.InvalidArgument : position as number as i32
}

/** All of a file is data, as file systems may say that know of no holes: lseek(2). */
function seekData(size: u32, offset: i32, result: u32): i32 {
  if (offset < 0 || (offset as number as u32) >= size) return Errno.NoSuchDevice
  return result as number as i32
}

function seek(file: OpenFile, offset: i32, whence: u32): i32 {
  const size = file.inode!.size
  let position: i32 = Errno.InvalidArgument
  switch (whence) {
    case Seek.Set: position = seekFrom(0, offset); break
    case Seek.Current: position = seekFrom(file.position, offset); break
    case Seek.End: position = seekFrom(size, offset); break
    case Seek.Data: position = seekData(size, offset, offset as number as u32); break
    case Seek.Hole: position = seekData(size, offset, size); break
  }
  if (position >= 0) file.position = position as number as u32
  return position
}

function object(file: OpenFile): MemoryObject | null {
  return file.inode!.object
}

function seekDirectory(file: OpenFile, offset: i32, whence: u32): i32 {
  let position: i32 = Errno.InvalidArgument
  if (whence == Seek.Set) position = seekFrom(0, offset)
  else if (whence == Seek.Current) position = seekFrom(file.position, offset)
  if (position >= 0) file.position = position as number as u32
  return position
}

function directory(file: OpenFile, entry: DirectoryEntry): boolean {
  const inode = file.inode!
  if (file.position <= ENTRY_PARENT) return dots(inode, file.position, entry)
  const iterate = inode.operations.iterate
  return iterate != null && iterate(inode, file.position, entry)
}

/** "." and ".."; the latter has the number of the directory above, past the edge of the file system too. */
function dots(inode: Inode, position: u32, entry: DirectoryEntry): boolean {
  entry.name = DOTS as ptr
  entry.length = position == ENTRY_SELF ? 1 : 2
  entry.mode = inode.mode
  entry.inode = position == ENTRY_SELF ? inode.number : numberAbove(inode)
  entry.next = position + 1
  return true
}

function numberAbove(inode: Inode): u32 {
  const here = mountUp(inodeHold(inode))
  const parent = here.operations.parent
  const above: u32 = parent == null ? Errno.NoSuchEntry as number as u32 : parent(here)
  inodeRelease(here)
  if (isError(above)) return inode.number
  const number = at<Inode>(above as ptr).number
  inodeRelease(at<Inode>(above as ptr))
  return number
}
