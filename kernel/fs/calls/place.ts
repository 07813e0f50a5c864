// What the calls on paths have in common: where a path begins, and what may be done to a directory.

import { Errno, isError } from '../../lib/errno.ts'
import { load8 } from '../../lib/intrinsics.ts'
import { address, at, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import type { FileContext } from '../context.ts'
import { descriptorFile } from '../descriptor.ts'
import { At } from '../flags.ts'
import { inodeHold, inodeIsDirectory, type Inode } from '../inode.ts'
import { Last, PathWalk, pathEnd, pathTake, pathWalk } from '../path.ts'
import { inodeOwnIn, mayWriteIn } from '../permission.ts'

const SLASH: u32 = 0x2f

/** The directory a path begins at, not held: an Inode, or BadHandle, NotDirectory. */
function startOf(context: FileContext, directory: i32, path: ptr): u32 {
  if (load8(path, 0) == SLASH) return address(context.root)
  if (directory == At.WorkingDirectory) return address(context.cwd)
  const inode = inodeOfDescriptor(context, directory)
  if (isError(inode)) return inode
  return inodeIsDirectory(at<Inode>(inode as ptr)) ? inode : Errno.NotDirectory as number as u32
}

/** The inode of an open file, not held; BadHandle, also for what has none. */
export function inodeOfDescriptor(context: FileContext, descriptor: i32): u32 {
  const file = descriptorFile(context.table, descriptor)
  if (file == null || file.inode == null) return Errno.BadHandle as number as u32
  return address(file.inode)
}

/** Follow a path from an open directory, or from the working directory (At): as pathWalk, and BadHandle. May sleep. */
export function walkAt(context: FileContext, directory: i32, path: ptr, follow: u32): u32 {
  const start = startOf(context, directory, path)
  if (isError(start)) return load8(path, 0) == 0 ? Errno.NoSuchEntry as number as u32 : start
  return pathWalk(context, at<Inode>(start as ptr), path, follow)
}

/** What a path names, held for the caller; with EmptyPath in `flags` an empty path names the descriptor itself. May sleep. */
export function inodeAt(context: FileContext, directory: i32, path: ptr, flags: u32, follow: u32): u32 {
  if ((flags & At.EmptyPath) != 0 && load8(path, 0) == 0) {
    if (directory == At.WorkingDirectory) return address(inodeHold(context.cwd))
    const own = inodeOfDescriptor(context, directory)
    return isError(own) ? own : address(inodeHold(at<Inode>(own as ptr)))
  }
  const walk = walkAt(context, directory, path, follow)
  return isError(walk) ? walk : pathTake(at<PathWalk>(walk as ptr))
}

/** Whether a name can be made where a walk ended: Exists, NoSuchEntry, ReadOnly, AccessDenied, NotPermitted. */
export function mayCreate(walk: PathWalk): i32 {
  if (walk.last != Last.Name || walk.inode != null) return Errno.Exists
  const refused = mayWriteIn(walk.credentials, walk.directory)
  if (refused == Errno.ReadOnly) return refused
  if (walk.directory.links == 0) return Errno.NoSuchEntry
  if (refused != Errno.None) return refused
  return walk.directory.operations.create == null ? Errno.NotPermitted : Errno.None
}

/** Make a file where a walk ended and `mayCreate`, its maker's: as InodeCreate. May sleep. */
export function createAt(walk: PathWalk, mode: u32, device: u32, target: ptr): u32 {
  const create = walk.directory.operations.create!
  const made = create(walk.directory, walk.name, walk.nameLength, mode, device, target)
  if (!isError(made)) inodeOwnIn(walk.credentials, at<Inode>(made as ptr), walk.directory)
  return made
}

/** End a walk with a result. May sleep. */
export function endWith(walk: PathWalk, result: i32): i32 {
  pathEnd(walk)
  return result
}
