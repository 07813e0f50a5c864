// What a file is, whatever file system it is of, and what a file system must do: the contract between the calls and ramfs,
// proc, and those to come.
//
// A file system makes its inodes, each the head of a struct of its own; `count` is how many hold one: open files, working
// directories, paths on their way, mounts. At 0 the file system is told (`unused`) and keeps it or gives it up. Names
// hold no count: `links` does that. What may sleep says so; between two sleeps nobody else runs. A process's context.

import { struct, type Embed, type Stored, type bool, type cstring, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { panic } from '../lib/panic.ts'
import { WallTime, wallClockNow } from '../lib/wall-clock.ts'
import { MemoryObject } from '../vm/object.ts'
import type { Transfer } from '../vm/transfer.ts'
import type { OpenFile } from './file.ts'
import { Mode, modeType } from './mode.ts'

/** One entry of a directory, as it is read. */
@struct
export class DirectoryEntry {
  name: ptr // not terminated
  length: u32
  inode: u32 // its number
  mode: u32 // its type bits
  next: u32 // position of the entry after it
}

/** The file called so, held for the caller, or NoSuchEntry, OutOfMemory, NameTooLong. "." and ".." are not asked for. May sleep. */
type InodeLookup = (directory: Inode, name: ptr, length: u32) => u32
/** The directory above, held for the caller; of the root of the file system itself; NoSuchEntry: it was removed. */
type InodeParent = (directory: Inode) => u32
/**
 * A new file under a name nobody has, held for the caller, who says whose it is; `target` is the text of a symbolic link. NoSpace,
 * NotPermitted. May sleep.
 */
type InodeCreate = (directory: Inode, name: ptr, length: u32, mode: u32, device: u32, target: ptr) => u32
/** Another name for a file: TooManyLinks, NoSpace. */
type InodeLink = (directory: Inode, name: ptr, length: u32, inode: Inode) => i32
/** A name less. NotEmpty: a directory with files in it. */
type InodeRemove = (directory: Inode, name: ptr, length: u32, inode: Inode) => i32
/** A file gets the name `toName` and loses the other; `replaced` had it before. NotEmpty, NoSpace. Checks of kinds are done. */
type InodeRename = (move: Renaming) => i32
/** The text of a symbolic link, zero-terminated, as long as the inode is held; 0 without memory; AccessDenied. */
type InodeText = (link: Inode) => u32
/** Where a link leads that is not followed by its text, as those in /proc: held, or NoSuchEntry, AccessDenied. */
type InodeFollow = (link: Inode) => u32
/** Bytes moved, 0 at the end; InputOutput, BadAddress. May sleep. */
type InodeRead = (inode: Inode, position: u32, transfer: Transfer) => i32
/**
 * Bytes moved; NoSpace, FileTooLarge, BadAddress. With `append` the position is the end, wherever that is then. A file that is written to
 * loses its set-user and set-group bits: permission.ts, setIdsLose. May sleep.
 */
type InodeWrite = (inode: Inode, position: u32, append: boolean, transfer: Transfer) => i32
/** Make it so long: cut, or filled up with zeros; then as after a write. May sleep. */
type InodeTruncate = (inode: Inode, size: u32) => i32
/** The first entry at or after `position`, which counts from 2: true, or false at the end. */
type InodeIterate = (directory: Inode, position: u32, entry: DirectoryEntry) => boolean
/** One of the names of a file that is no directory, into `entry`, and the directory it is in, held; NoSuchEntry. Does not sleep. */
type InodeLocate = (inode: Inode, entry: DirectoryEntry) => u32
/** Make ready what a new open file needs, or say that it can not be opened. The operations are those of its type already. */
type InodeOpen = (inode: Inode, file: OpenFile) => i32
/** Mode, owner or times are about to be set: NotPermitted where they can not be. */
type InodeChange = (inode: Inode) => i32
/** Nobody holds it any more. May sleep. */
type InodeUnused = (inode: Inode) => void

/** What a rename is about. */
@struct
export class Renaming {
  inode: Inode
  fromDirectory: Inode
  fromName: ptr
  fromLength: u32
  toDirectory: Inode
  toName: ptr
  toLength: u32
  replaced: Inode | null
  exchange: Stored<u32, bool> // what is replaced gets the other's name
}

/** Null: the file system has no such thing; the calls know what to answer. */
@struct
export class InodeOperations {
  lookup: InodeLookup | null
  parent: InodeParent | null
  create: InodeCreate | null
  link: InodeLink | null
  remove: InodeRemove | null
  rename: InodeRename | null
  text: InodeText | null
  follow: InodeFollow | null
  read: InodeRead | null
  write: InodeWrite | null
  truncate: InodeTruncate | null
  iterate: InodeIterate | null
  locate: InodeLocate | null
  open: InodeOpen | null
  change: InodeChange | null
  unused: InodeUnused
}

/** What a file system in use says of itself to statfs. */
@struct
export class FileSystemSpace {
  blocks: u32 // of a page
  blocksFree: u32
  files: u32
  filesFree: u32
}

/** Make the file system's root: 0, or OutOfMemory, InvalidArgument, … */
type FileSystemMount = (system: FileSystem) => i32
type FileSystemSpaceOf = (system: FileSystem, out: FileSystemSpace) => void
/** Give everything back; nobody holds an inode of it. May sleep. */
type FileSystemUnmount = (system: FileSystem) => void

/** A kind of file system. */
@struct
export class FileSystemType {
  next: FileSystemType | null
  name: cstring
  magic: u32 // f_type of statfs
  mount: FileSystemMount
  space: FileSystemSpaceOf
  unmount: FileSystemUnmount
}

/** RustOS's MountFlags, as Linux's mount flags. include/uapi/linux/mount.h */
export const enum MountFlag { ReadOnly = 1, NoSetUser = 2, NoDevices = 4, NoExecute = 8 }

/** One file system, mounted. */
@struct
export class FileSystem {
  next: FileSystem | null // in the order mounted
  type: FileSystemType
  root: Inode // held
  covered: Inode | null // the directory it is mounted on, held; null for the first
  device: u32 // st_dev
  flags: u32 // MountFlag
  held: u32 // inodes of it that somebody holds
  files: u32 // inodes it has
  source: ptr // what it was mounted from, zero-terminated, in the heap
  place: ptr // the path of the directory it was mounted on, as source
}

@struct
export class Inode {
  object: Embed<MemoryObject> // its contents, for mappings
  operations: InodeOperations
  system: FileSystem
  number: u32
  count: u32
  running: u32 // processes whose program it is: nobody opens it for writing meanwhile
  links: u32
  mode: u32
  uid: u32
  gid: u32
  device: u32 // of a device node
  size: u32
  pages: u32 // that it has; not those that are holes
  accessed: Embed<WallTime>
  modified: Embed<WallTime>
  changed: Embed<WallTime>
  mounted: FileSystem | null // what covers this directory
  locks: ptr // who has locked what of it: file-lock.ts; 0: nobody
  special: ptr // the pipe of a fifo that is open, the socket of a socket
}

/** One more holds it. */
export function inodeHold(inode: Inode): Inode {
  if (inode.count == 0) inode.system.held += 1
  inode.count += 1
  return inode
}

/** One less holds it. May sleep. */
export function inodeRelease(inode: Inode | null): void {
  if (inode == null) return
  if (inode.count == 0) panic('an inode is released that nobody holds')
  inode.count -= 1
  if (inode.count != 0) return
  inode.system.held -= 1
  inode.operations.unused(inode)
}

export function inodeIsDirectory(inode: Inode): boolean {
  return modeType(inode.mode) == Mode.Directory
}

export function inodeIsRegular(inode: Inode): boolean {
  return modeType(inode.mode) == Mode.Regular
}

/** Its contents or its entries have changed now. */
export function inodeModified(inode: Inode): void {
  wallClockNow(inode.modified)
  wallClockNow(inode.changed)
}

/** What is kept about it has changed now. */
export function inodeChanged(inode: Inode): void {
  wallClockNow(inode.changed)
}

/** All three times are now. */
export function inodeTimesNow(inode: Inode): void {
  wallClockNow(inode.accessed)
  inodeModified(inode)
}

/** Whether nothing may be changed where this inode is. */
export function inodeReadOnly(inode: Inode): boolean {
  return (inode.system.flags & MountFlag.ReadOnly) != 0
}

