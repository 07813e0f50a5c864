// Where a process is: chdir, getcwd, chroot, umask. A process's context; all of it may sleep.

import { Errno, errorOf, isError } from '../../lib/errno.ts'
import { at, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import type { FileContext } from '../context.ts'
import { directoryPath } from '../directory-path.ts'
import { At } from '../flags.ts'
import { inodeHold, inodeIsDirectory, inodeRelease, type Inode } from '../inode.ts'
import { Follow } from '../path.ts'
import { inodeAt, inodeOfDescriptor } from './place.ts'

/** A directory, held for the caller. */
function directoryAt(context: FileContext, path: ptr): u32 {
  const found = inodeAt(context, At.WorkingDirectory, path, 0, Follow.Last)
  if (isError(found) || inodeIsDirectory(at<Inode>(found as ptr))) return found
  inodeRelease(at<Inode>(found as ptr))
  return Errno.NotDirectory as number as u32
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
  if (!inodeIsDirectory(at<Inode>(found as ptr))) return Errno.NotDirectory
  const before = context.cwd
  context.cwd = inodeHold(at<Inode>(found as ptr))
  inodeRelease(before)
  return Errno.None
}

/** chroot: the working directory stays, as on Linux. */
export function fsChroot(context: FileContext, path: ptr): i32 {
  const found = directoryAt(context, path)
  if (isError(found)) return errorOf(found)
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
