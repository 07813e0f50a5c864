// Where a process is: chdir, getcwd, chroot, umask. A process's context; all of it may sleep.

import { Errno, errorOf, isError } from '../../lib/errno.ts'
import { at, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import type { FileContext } from '../context.ts'
import { isSuperuser } from '../credentials.ts'
import { directoryPath } from '../directory-path.ts'
import { At } from '../flags.ts'
import { inodeHold, inodeIsDirectory, inodeRelease, type Inode } from '../inode.ts'
import { Follow } from '../path.ts'
import { maySearch } from '../permission.ts'
import { inodeAt, inodeOfDescriptor } from './place.ts'

/** A directory that may be searched, held for the caller: NotDirectory, AccessDenied. */
function directoryAt(context: FileContext, path: ptr): u32 {
  const found = inodeAt(context, At.WorkingDirectory, path, 0, Follow.Last)
  if (isError(found)) return found
  const refused = mayBeIn(context, at<Inode>(found as ptr))
  if (refused == Errno.None) return found
  inodeRelease(at<Inode>(found as ptr))
  return refused as number as u32
}

function mayBeIn(context: FileContext, inode: Inode): i32 {
  if (!inodeIsDirectory(inode)) return Errno.NotDirectory
  return maySearch(context.credentials, inode) ? Errno.None : Errno.AccessDenied
}

/** chdir. */
export function fsChdir(context: FileContext, path: ptr): i32 {
  const found = directoryAt(context, path)
  if (isError(found)) return errorOf(found)
  inodeRelease(context.cwd)
  context.cwd = at<Inode>(found as ptr)
  return Errno.None
}

/** fchdir. */
export function fsFchdir(context: FileContext, descriptor: i32): i32 {
  const found = inodeOfDescriptor(context, descriptor)
  if (isError(found)) return errorOf(found)
  const refused = mayBeIn(context, at<Inode>(found as ptr))
  if (refused != Errno.None) return refused
  const before = context.cwd
  context.cwd = inodeHold(at<Inode>(found as ptr))
  inodeRelease(before)
  return Errno.None
}

/** chroot: the working directory stays, as on Linux. NotPermitted. */
export function fsChroot(context: FileContext, path: ptr): i32 {
  const found = directoryAt(context, path)
  if (isError(found)) return errorOf(found)
  if (!isSuperuser(context.credentials)) {
    inodeRelease(at<Inode>(found as ptr))
    return Errno.NotPermitted
  }
  inodeRelease(context.root)
  context.root = at<Inode>(found as ptr)
  return Errno.None
}

/** umask: what it was. */
export function fsUmask(context: FileContext, mask: u32): u32 {
  const before = context.umask
  context.umask = mask & 0o777
  return before
}

/** getcwd: the path of the working directory, at `buffer` in the kernel; as directoryPath. */
export function fsGetcwd(context: FileContext, buffer: ptr, room: u32): i32 {
  return directoryPath(context.root, context.cwd, buffer, room)
}
