// chmod, chown, utimensat, truncate: what is set of a file. A process's context; all of it may sleep.

import { Errno, errorOf, isError } from '../../lib/errno.ts'
import { at, nth, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import { WallTime, wallClockNow } from '../../lib/wall-clock.ts'
import type { FileContext } from '../context.ts'
import type { Credentials } from '../credentials.ts'
import { descriptorFile } from '../descriptor.ts'
import { Access, At, flagsWritable } from '../flags.ts'
import { inodeChanged, inodeIsDirectory, inodeIsRegular, inodeReadOnly, inodeRelease, type Inode } from '../inode.ts'
import { TimeSpec } from '../layouts.ts'
import { Mode, modeType } from '../mode.ts'
import { Follow } from '../path.ts'
import { inodeOwnerSet, inodePermission, isOwner, modeAllowed } from '../permission.ts'
import { fileLimitAllows } from '../regular.ts'
import { inodeAt, inodeOfDescriptor } from './place.ts'

/** Nanoseconds that are none. include/linux/stat.h */
const UTIME_NOW: u32 = 0x3fffffff
const UTIME_OMIT: u32 = 0x3ffffffe
const NANOSECONDS: u32 = 1_000_000_000

/** Whether the file system lets what is kept of a file be changed: ReadOnly, and what it says. */
function mayChange(inode: Inode): i32 {
  if (inodeReadOnly(inode)) return Errno.ReadOnly
  const change = inode.operations.change
  return change == null ? Errno.None : change(inode)
}

function followOf(flags: u32): u32 {
  return (flags & At.SymlinkNoFollow) != 0 ? Follow.NotLast : Follow.Last
}

function setMode(who: Credentials, inode: Inode, mode: u32): i32 {
  const refused = mayChange(inode)
  if (refused != Errno.None) return refused
  if (modeType(inode.mode) == Mode.SymbolicLink) return Errno.NotSupported
  if (!isOwner(who, inode)) return Errno.NotPermitted
  inode.mode = modeType(inode.mode) | modeAllowed(who, inode, mode & Mode.Permissions)
  inodeChanged(inode)
  return Errno.None
}

/** fchmodat: NotPermitted: it is another's. */
export function fsChmodAt(context: FileContext, directory: i32, path: ptr, mode: u32, flags: u32): i32 {
  const found = inodeAt(context, directory, path, flags, followOf(flags))
  if (isError(found)) return errorOf(found)
  const result = setMode(context.credentials, at<Inode>(found as ptr), mode)
  inodeRelease(at<Inode>(found as ptr))
  return result
}

/** fchmod. */
export function fsFchmod(context: FileContext, descriptor: i32, mode: u32): i32 {
  const found = inodeOfDescriptor(context, descriptor)
  return isError(found) ? errorOf(found) : setMode(context.credentials, at<Inode>(found as ptr), mode)
}

function setOwner(who: Credentials, inode: Inode, uid: u32, gid: u32): i32 {
  let refused: i32 = mayChange(inode)
  if (refused == Errno.None) refused = inodeOwnerSet(who, inode, uid, gid)
  if (refused == Errno.None) inodeChanged(inode)
  return refused
}

/** fchownat; NO_ID leaves an owner as it is. NotPermitted. */
export function fsChownAt(context: FileContext, directory: i32, path: ptr, uid: u32, gid: u32, flags: u32): i32 {
  const found = inodeAt(context, directory, path, flags, followOf(flags))
  if (isError(found)) return errorOf(found)
  const result = setOwner(context.credentials, at<Inode>(found as ptr), uid, gid)
  inodeRelease(at<Inode>(found as ptr))
  return result
}

/** fchown. */
export function fsFchown(context: FileContext, descriptor: i32, uid: u32, gid: u32): i32 {
  const found = inodeOfDescriptor(context, descriptor)
  return isError(found) ? errorOf(found) : setOwner(context.credentials, at<Inode>(found as ptr), uid, gid)
}

function isTime(spec: TimeSpec): boolean {
  const nanoseconds = spec.nanoseconds.low
  if (spec.nanoseconds.high != 0) return false
  return nanoseconds < NANOSECONDS || nanoseconds == UTIME_NOW || nanoseconds == UTIME_OMIT
}

/** Times before 1970 become 1970, those after 2106 its end: seconds are 32 bits here. */
function secondsOf(spec: TimeSpec): u32 {
  const high = spec.seconds.high as number as i32
  if (high < 0) return 0
  return high > 0 ? 0xffffffff : spec.seconds.low
}

function setTime(time: WallTime, spec: TimeSpec): void {
  if (spec.nanoseconds.low == UTIME_OMIT) return
  if (spec.nanoseconds.low == UTIME_NOW) return wallClockNow(time)
  time.seconds = secondsOf(spec)
  time.nanoseconds = spec.nanoseconds.low
}

/** Both times have this for their nanoseconds. */
function areBoth(times: ptr, nanoseconds: u32): boolean {
  return at<TimeSpec>(times).nanoseconds.low == nanoseconds && nth(at<TimeSpec>(times), 1).nanoseconds.low == nanoseconds
}

/** The owner may set any times, who may write to a file only what writing sets: the present. AccessDenied, NotPermitted. */
function maySetTimes(who: Credentials, inode: Inode, times: ptr): i32 {
  if (isOwner(who, inode)) return Errno.None
  return times == 0 || areBoth(times, UTIME_NOW) ? inodePermission(who, inode, Access.Write) : Errno.NotPermitted
}

function setTimes(who: Credentials, inode: Inode, times: ptr): i32 {
  let refused: i32 = mayChange(inode)
  if (refused == Errno.None) refused = maySetTimes(who, inode, times)
  if (refused != Errno.None) return refused
  inodeChanged(inode)
  if (times == 0) {
    wallClockNow(inode.accessed)
    wallClockNow(inode.modified)
    return Errno.None
  }
  setTime(inode.accessed, at<TimeSpec>(times))
  setTime(inode.modified, nth(at<TimeSpec>(times), 1))
  return Errno.None
}

/**
 * utimensat: `times` is two struct timespec in the kernel, 0 for now; a `path` of 0 is the descriptor itself.
 * InvalidArgument for nanoseconds that are none; AccessDenied, NotPermitted. To set neither is nothing, whatever the path.
 */
export function fsUtimensAt(context: FileContext, directory: i32, path: ptr, times: ptr, flags: u32): i32 {
  if (times != 0 && !(isTime(at<TimeSpec>(times)) && isTime(nth(at<TimeSpec>(times), 1)))) return Errno.InvalidArgument
  if (times != 0 && areBoth(times, UTIME_OMIT)) return Errno.None
  if (path == 0) {
    const own = inodeOfDescriptor(context, directory)
    return isError(own) ? errorOf(own) : setTimes(context.credentials, at<Inode>(own as ptr), times)
  }
  const found = inodeAt(context, directory, path, flags, followOf(flags))
  if (isError(found)) return errorOf(found)
  const result = setTimes(context.credentials, at<Inode>(found as ptr), times)
  inodeRelease(at<Inode>(found as ptr))
  return result
}

/** Of a regular file that may be written to. */
function setSize(inode: Inode, size: u32): i32 {
  if (size > inode.size && !fileLimitAllows(size)) return Errno.FileTooLarge
  const truncate = inode.operations.truncate
  return truncate == null ? Errno.InvalidArgument : truncate(inode, size)
}

function maySetSize(who: Credentials, inode: Inode): i32 {
  if (inodeIsDirectory(inode)) return Errno.IsDirectory
  if (!inodeIsRegular(inode)) return Errno.InvalidArgument
  const refused = inodePermission(who, inode, Access.Write)
  return refused == Errno.None && inode.running != 0 ? Errno.TextBusy : refused
}

/** truncate: FileTooLarge, IsDirectory, InvalidArgument for what has no size, AccessDenied, ReadOnly, TextBusy. */
export function fsTruncate(context: FileContext, path: ptr, size: u32): i32 {
  const found = inodeAt(context, At.WorkingDirectory, path, 0, Follow.Last)
  if (isError(found)) return errorOf(found)
  const refused = maySetSize(context.credentials, at<Inode>(found as ptr))
  const result: i32 = refused == Errno.None ? setSize(at<Inode>(found as ptr), size) : refused
  inodeRelease(at<Inode>(found as ptr))
  return result
}

/** ftruncate: InvalidArgument when it is not open for writing; whether it may be was asked when it was opened. */
export function fsFtruncate(context: FileContext, descriptor: i32, size: u32): i32 {
  const file = descriptorFile(context.table, descriptor)
  if (file == null) return Errno.BadHandle
  if (file.inode == null || !flagsWritable(file.flags)) return Errno.InvalidArgument
  if (!inodeIsRegular(file.inode)) return Errno.InvalidArgument
  return inodeReadOnly(file.inode) ? Errno.ReadOnly : setSize(file.inode, size)
}
