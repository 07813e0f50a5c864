// mkdir, mknod, symlink, link, unlink, rmdir, rename. POSIX.1-2017, and Linux's errors where it says which. A process's context;
// all of it may sleep.
//
// Looking up a name may sleep, and between two walks of rename others may come: what a walk found is looked up again by
// what changes a directory, without sleeping in between.

import { PATH_LIMIT } from '../../config.ts'
import { Errno, errorOf, isError } from '../../lib/errno.ts'
import { load8 } from '../../lib/intrinsics.ts'
import { at, staticStruct, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import { stringLengthBounded } from '../../lib/memory.ts'
import type { FileContext } from '../context.ts'
import { isFileSuperuser } from '../credentials.ts'
import { Access, At, Rename } from '../flags.ts'
import { Renaming, inodeHold, inodeIsDirectory, inodeReadOnly, inodeRelease, type Inode } from '../inode.ts'
import { Mode, modeType } from '../mode.ts'
import { Follow, Last, PathWalk, pathEnd } from '../path.ts'
import { inodePermission, mayRemoveFrom } from '../permission.ts'
import { createAt, endWith, inodeAt, mayCreate, walkAt } from './place.ts'

const renaming = staticStruct<Renaming>()

/** mkdirat: Exists, NoSpace, ReadOnly, … */
export function fsMkdirAt(context: FileContext, directory: i32, path: ptr, mode: u32): i32 {
  return make(context, directory, path, Mode.Directory | (mode & (Mode.Sticky | 0o777) & ~context.umask), 0, 0 as ptr)
}

/**
 * mknodat: of the type bits of `mode`, 0 is a regular file; NotPermitted for a directory, and for a device unless by the superuser;
 * InvalidArgument for other types.
 */
export function fsMknodAt(context: FileContext, directory: i32, path: ptr, mode: u32, device: u32): i32 {
  const type: u32 = modeType(mode) == 0 ? Mode.Regular : modeType(mode)
  const isDevice = isDeviceType(type)
  if (type == Mode.Directory) return Errno.NotPermitted
  if (!isDevice && type != Mode.Regular && type != Mode.Fifo && type != Mode.Socket) return Errno.InvalidArgument
  return make(context, directory, path, type | (mode & Mode.Permissions & ~context.umask), isDevice ? device : 0, 0 as ptr)
}

function isDeviceType(type: u32): boolean {
  return type == Mode.Character || type == Mode.Block
}

/** symlinkat: a link whose text is `target`, which is not followed. */
export function fsSymlinkAt(context: FileContext, target: ptr, directory: i32, path: ptr): i32 {
  if (load8(target, 0) == 0) return Errno.NoSuchEntry
  if (stringLengthBounded(target, PATH_LIMIT) == PATH_LIMIT) return Errno.NameTooLong
  return make(context, directory, path, Mode.SymbolicLink | 0o777, 0, target)
}

function make(context: FileContext, directory: i32, path: ptr, mode: u32, device: u32, target: ptr): i32 {
  const walked = walkAt(context, directory, path, Follow.Name | Follow.Create)
  if (isError(walked)) return errorOf(walked)
  const walk = at<PathWalk>(walked as ptr)
  const refused = mayCreate(walk)
  if (refused != Errno.None) return endWith(walk, refused)
  if (walk.trailingSlash && modeType(mode) != Mode.Directory) return endWith(walk, Errno.NoSuchEntry)
  if (isDeviceType(modeType(mode)) && !isFileSuperuser(context.credentials)) return endWith(walk, Errno.NotPermitted)
  const made = createAt(walk, mode, device, target)
  if (!isError(made)) inodeRelease(at<Inode>(made as ptr))
  return endWith(walk, isError(made) ? errorOf(made) : Errno.None)
}

/**
 * linkat: another name for a file. NotPermitted for a directory, CrossDevice. `flags`: SymlinkFollow, EmptyPath (NoSuchEntry unless by the
 * superuser).
 */
export function fsLinkAt(context: FileContext, fromDirectory: i32, from: ptr, toDirectory: i32, to: ptr, flags: u32): i32 {
  if ((flags & ~(At.SymlinkFollow | At.EmptyPath)) != 0) return Errno.InvalidArgument
  if ((flags & At.EmptyPath) != 0 && !isFileSuperuser(context.credentials)) return Errno.NoSuchEntry
  const follow: u32 = (flags & At.SymlinkFollow) != 0 ? Follow.Last : Follow.NotLast
  const found = inodeAt(context, fromDirectory, from, flags, follow)
  if (isError(found)) return errorOf(found)
  const inode = at<Inode>(found as ptr)
  const walked = walkAt(context, toDirectory, to, Follow.Name | Follow.Create)
  const result = isError(walked) ? errorOf(walked) : linkTo(inode, at<PathWalk>(walked as ptr))
  inodeRelease(inode)
  return result
}

function linkTo(inode: Inode, walk: PathWalk): i32 {
  const link = walk.directory.operations.link
  let result: i32 = mayCreate(walk)
  if (result == Errno.None && walk.trailingSlash) result = Errno.NoSuchEntry
  if (result == Errno.None && inodeIsDirectory(inode)) result = Errno.NotPermitted
  if (result == Errno.None && inode.system != walk.directory.system) result = Errno.CrossDevice
  if (result == Errno.None) result = link == null ? Errno.NotPermitted : link(walk.directory, walk.name, walk.nameLength, inode)
  return endWith(walk, result)
}

/** unlinkat: with RemoveDirectory in `flags` as rmdir. */
export function fsUnlinkAt(context: FileContext, directory: i32, path: ptr, flags: u32): i32 {
  if ((flags & ~At.RemoveDirectory) != 0) return Errno.InvalidArgument
  const walked = walkAt(context, directory, path, Follow.Name)
  if (isError(walked)) return errorOf(walked)
  const walk = at<PathWalk>(walked as ptr)
  const refused = (flags & At.RemoveDirectory) != 0 ? mayRemoveDirectory(walk) : mayUnlink(walk)
  return endWith(walk, refused == Errno.None ? remove(walk) : refused)
}

function mayUnlink(walk: PathWalk): i32 {
  if (walk.last != Last.Name) return Errno.IsDirectory
  if (walk.trailingSlash) return inodeIsDirectory(walk.inode!) ? Errno.IsDirectory : Errno.NotDirectory
  const refused = mayRemoveFrom(walk.credentials, walk.directory, walk.inode!)
  if (refused != Errno.None) return refused
  return inodeIsDirectory(walk.inode!) ? Errno.IsDirectory : Errno.None
}

function mayRemoveDirectory(walk: PathWalk): i32 {
  if (walk.last == Last.Dot) return Errno.InvalidArgument
  if (walk.last == Last.DotDot) return Errno.NotEmpty
  if (walk.last == Last.Root || isMountPoint(walk.inode!)) return Errno.Busy
  const refused = mayRemoveFrom(walk.credentials, walk.directory, walk.inode!)
  if (refused != Errno.None) return refused
  return inodeIsDirectory(walk.inode!) ? Errno.None : Errno.NotDirectory
}

/** Whether something lies on a directory: a walk ends at the root that covers it. */
function isMountPoint(inode: Inode): boolean {
  return inode == inode.system.root || inode.mounted != null
}

function remove(walk: PathWalk): i32 {
  const operation = walk.directory.operations.remove
  return operation == null ? Errno.NotPermitted : operation(walk.directory, walk.name, walk.nameLength, walk.inode!)
}

/**
 * renameat2: InvalidArgument when a directory would get into itself, for flags other than NoReplace and Exchange, or both;
 * NoSuchEntry, CrossDevice, Exists, NotEmpty, IsDirectory, NotDirectory, Busy, AccessDenied, NotPermitted.
 */
export function fsRenameAt(context: FileContext, fromDirectory: i32, from: ptr, toDirectory: i32, to: ptr, flags: u32): i32 {
  if (flags > Rename.Exchange) return Errno.InvalidArgument
  const first = walkAt(context, fromDirectory, from, Follow.Name | Follow.Create)
  if (isError(first)) return errorOf(first)
  const second = walkAt(context, toDirectory, to, Follow.Name | Follow.Create)
  if (isError(second)) return endWith(at<PathWalk>(first as ptr), errorOf(second))
  const result = renameWalks(at<PathWalk>(first as ptr), at<PathWalk>(second as ptr), flags)
  pathEnd(at<PathWalk>(second as ptr))
  return endWith(at<PathWalk>(first as ptr), result)
}

function renameWalks(from: PathWalk, to: PathWalk, flags: u32): i32 {
  if (from.directory.system != to.directory.system) return Errno.CrossDevice
  if (from.last != Last.Name || to.last != Last.Name) return Errno.Busy
  if (inodeReadOnly(from.directory)) return Errno.ReadOnly
  const inode = from.inode
  const replaced = to.inode
  if (inode == null) return Errno.NoSuchEntry
  if (replaced != null && (flags & Rename.NoReplace) != 0) return Errno.Exists
  const exchange = (flags & Rename.Exchange) != 0
  if (exchange && replaced == null) return Errno.NoSuchEntry
  const refused = exchange ? mayExchange(from, to, inode, replaced!) : mayRename(from, to, inode, replaced)
  if (refused != Errno.None || inode == replaced) return refused
  const rename = from.directory.operations.rename
  if (rename == null) return Errno.NotPermitted
  renaming.inode = inode
  renaming.fromDirectory = from.directory
  renaming.fromName = from.name
  renaming.fromLength = from.nameLength
  renaming.toDirectory = to.directory
  renaming.toName = to.name
  renaming.toLength = to.nameLength
  renaming.replaced = replaced
  renaming.exchange = exchange
  return rename(renaming)
}

function mayRename(from: PathWalk, to: PathWalk, inode: Inode, replaced: Inode | null): i32 {
  const isDirectory = inodeIsDirectory(inode)
  if (!isDirectory && (from.trailingSlash || to.trailingSlash)) return Errno.NotDirectory
  if (isMountPoint(inode) || (replaced != null && isMountPoint(replaced))) return Errno.Busy
  if (isDirectory && isInside(to.directory, inode)) return Errno.InvalidArgument
  if (replaced == inode) return Errno.None
  if (replaced == null) return mayMove(from, to, inode, null)
  if (inodeIsDirectory(replaced) && isInside(from.directory, replaced)) return Errno.NotEmpty
  const refused = mayMove(from, to, inode, replaced)
  if (refused != Errno.None) return refused
  if (isDirectory && !inodeIsDirectory(replaced)) return Errno.NotDirectory
  return !isDirectory && inodeIsDirectory(replaced) ? Errno.IsDirectory : Errno.None
}

function mayExchange(from: PathWalk, to: PathWalk, inode: Inode, other: Inode): i32 {
  const misnamed: boolean = (from.trailingSlash && !inodeIsDirectory(inode)) || (to.trailingSlash && !inodeIsDirectory(other))
  if (misnamed) return Errno.NotDirectory
  if (isMountPoint(inode) || isMountPoint(other)) return Errno.Busy
  if (inode == other) return Errno.None
  const oneWay: boolean = inodeIsDirectory(inode) && isInside(to.directory, inode)
  const orOther: boolean = inodeIsDirectory(other) && isInside(from.directory, other)
  if (oneWay || orOther) return Errno.InvalidArgument
  const refused = mayMove(from, to, inode, other)
  return refused != Errno.None ? refused : mayMove(to, from, other, inode)
}

/** Whether the name may be taken from the one directory and be had in the other; a directory that moves gets another "..". */
function mayMove(from: PathWalk, to: PathWalk, inode: Inode, replaced: Inode | null): i32 {
  let refused: i32 = mayRemoveFrom(from.credentials, from.directory, inode)
  if (refused == Errno.None) {
    refused = replaced == null ? mayCreate(to) : mayRemoveFrom(to.credentials, to.directory, replaced)
  }
  if (refused != Errno.None || !inodeIsDirectory(inode) || from.directory == to.directory) return refused
  return inodePermission(from.credentials, inode, Access.Write)
}

/** Whether `directory` is `ancestor` or below it, in one file system. */
function isInside(directory: Inode, ancestor: Inode): boolean {
  let here = inodeHold(directory)
  while (here != ancestor && here != here.system.root) {
    const parent = here.operations.parent
    const above: u32 = parent == null ? Errno.NoSuchEntry as number as u32 : parent(here)
    inodeRelease(here)
    if (isError(above)) return false
    here = at<Inode>(above as ptr)
  }
  const isIt = here == ancestor
  inodeRelease(here)
  return isIt
}
