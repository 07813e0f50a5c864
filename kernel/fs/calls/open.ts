// open, openat, creat. POSIX.1-2017 open, open(2). A process's context; all of it may sleep.

import { Errno, errorOf, isError } from '../../lib/errno.ts'
import { address, at, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import type { FileContext } from '../context.ts'
import { descriptorForNew } from '../descriptor.ts'
import type { OpenFile } from '../file.ts'
import { Access, Open, flagsReadable, flagsWritable } from '../flags.ts'
import { inodeHold, inodeIsDirectory, inodeIsRegular, inodeRelease, type Inode } from '../inode.ts'
import { Mode, modeType } from '../mode.ts'
import { inodeOpen } from '../open.ts'
import { Follow, Last, PathWalk, pathEnd } from '../path.ts'
import { inodePermission, isOwner, mayRun } from '../permission.ts'
import { createAt, mayCreate, walkAt } from './place.ts'

/** Of the flags, those that mean something with Path. open(2) */
const WITH_PATH: u32 = Open.Path | Open.Directory | Open.NoFollow | Open.CloseOnExec

/** openat: a descriptor, or any error of the path, of the file and of the table. */
export function fsOpenAt(context: FileContext, directory: i32, path: ptr, flags: u32, mode: u32): i32 {
  const opened = fsFileOpen(context, directory, path, flags & ~Open.Execute, mode)
  if (isError(opened)) return errorOf(opened)
  const file = at<OpenFile>(opened as ptr)
  return descriptorForNew(context.table, file, (flags & Open.CloseOnExec) != 0)
}

/** The same without a descriptor: an OpenFile, counted once. For execve (Open.Execute), and for the first program's console. */
export function fsFileOpen(context: FileContext, directory: i32, path: ptr, flags: u32, mode: u32): u32 {
  const how: u32 = (flags & Open.Path) != 0 ? flags & WITH_PATH : flags
  if ((how & Open.Temporary) != 0) return Errno.NotSupported as number as u32
  if ((how & Open.AccessMode) == Open.AccessMode) return Errno.InvalidArgument as number as u32
  const found = inodeFor(context, directory, path, how, mode)
  if (isError(found)) return found
  const inode = at<Inode>(found as ptr)
  const file = inodeOpen(inode, how)
  if (!isError(file) && (how & Open.Truncate) != 0) truncate(inode, how)
  inodeRelease(inode)
  return file
}

function truncate(inode: Inode, flags: u32): void {
  const cut = inode.operations.truncate
  if (cut != null && inodeIsRegular(inode) && inode.size != 0 && (flags & Open.Path) == 0) cut(inode, 0)
}

/** Whether a file that is there may be opened so: by what it is, then by whose it is. */
function mayOpen(context: FileContext, inode: Inode, flags: u32): i32 {
  if ((flags & Open.Directory) != 0 && !inodeIsDirectory(inode)) return Errno.NotDirectory
  if ((flags & Open.Path) != 0) return Errno.None
  if (modeType(inode.mode) == Mode.SymbolicLink) return Errno.SymbolicLinkLoop
  if (inodeIsDirectory(inode) && (flagsWritable(flags) || (flags & Open.Create) != 0)) return Errno.IsDirectory
  if ((flags & Open.Execute) != 0) return mayRun(context.credentials, inode)
  const refused = inodePermission(context.credentials, inode, accessOf(flags))
  if (refused != Errno.None) return refused
  return (flags & Open.NoAccessTime) != 0 && !isOwner(context.credentials, inode) ? Errno.NotPermitted : Errno.None
}

/** What is done to a file that is opened so. */
function accessOf(flags: u32): u32 {
  const read: u32 = flagsReadable(flags) ? Access.Read : 0
  return flagsWritable(flags) || (flags & Open.Truncate) != 0 ? read | Access.Write : read
}

/** What is to be opened, made if that is asked for; held for the caller. */
function inodeFor(context: FileContext, directory: i32, path: ptr, flags: u32, mode: u32): u32 {
  const walked = walkAt(context, directory, path, followOf(flags))
  if (isError(walked)) return walked
  const walk = at<PathWalk>(walked as ptr)
  const isNew = (flags & Open.Create) != 0 && walk.inode == null
  const result = isNew ? created(context, walk, flags, mode) : found(context, walk, flags)
  pathEnd(walk)
  return result
}

function followOf(flags: u32): u32 {
  const exclusive = (flags & Open.Create) != 0 && (flags & Open.Exclusive) != 0
  const follow: u32 = exclusive || (flags & Open.NoFollow) != 0 ? Follow.NotLast : Follow.Last
  return (flags & Open.Create) != 0 ? follow | Follow.Create | Follow.NoSlash : follow
}

function found(context: FileContext, walk: PathWalk, flags: u32): u32 {
  const inode = walk.inode
  if (inode == null) return Errno.NoSuchEntry as number as u32
  if ((flags & Open.Create) != 0 && (flags & Open.Exclusive) != 0) return Errno.Exists as number as u32
  const refused = mayOpen(context, inode, flags)
  return refused == Errno.None ? address(inodeHold(inode)) : refused as number as u32
}

function created(context: FileContext, walk: PathWalk, flags: u32, mode: u32): u32 {
  if (walk.last != Last.Name) return Errno.IsDirectory as number as u32
  const refused = mayCreate(walk)
  if (refused != Errno.None) return (refused == Errno.NotPermitted ? Errno.AccessDenied : refused) as number as u32
  const made = createAt(walk, Mode.Regular | (mode & Mode.Permissions & ~context.umask), 0, 0 as ptr)
  if (isError(made) || (flags & Open.Directory) == 0) return made
  inodeRelease(at<Inode>(made as ptr))
  return Errno.NotDirectory as number as u32
}
