// System calls about names of files: paths are brought in, the call is made on kernel/fs, structs are brought out.
// Names and errors are Linux's. All of them may sleep.

import { PATH_LIMIT } from '../config.ts'
import {
  fsChmodAt, fsChownAt, fsFchmod, fsFchown, fsFtruncate, fsTruncate, fsUtimensAt,
} from '../fs/calls/attributes.ts'
import { fsChdir, fsChroot, fsFchdir, fsGetcwd, fsUmask } from '../fs/calls/directories.ts'
import { fsMount, fsUmount } from '../fs/calls/mounts.ts'
import {
  fsLinkAt, fsMkdirAt, fsMknodAt, fsRenameAt, fsSymlinkAt, fsUnlinkAt,
} from '../fs/calls/names.ts'
import { fsOpenAt } from '../fs/calls/open.ts'
import { fsAccessAt, fsFstat, fsFstatfs, fsReadlinkAt, fsStatAt, fsStatfs } from '../fs/calls/stat.ts'
import { Stat, StatFs } from '../fs/layouts.ts'
import { Errno, errorOf, isError } from '../lib/errno.ts'
import { load32, store32 } from '../lib/intrinsics.ts'
import { at, sizeof, type cstring, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { heapAllocate, heapFree } from '../mm/heap.ts'
import type { Process } from '../process/process.ts'
import { transferInit } from '../vm/transfer.ts'
import { userCopyIn, userCopyOut } from '../vm/user-copy.ts'
import { pathFree, pathTakeIn } from './path.ts'

/** AT_FDCWD. */
export const AT_CWD: i32 = -100
/** Two struct timespec; two struct timeval; struct utimbuf is as long as one. */
const TIMES_SIZE: u32 = 32

/** The end of a call that had a path. */
function ended(path: u32, result: i32): i32 {
  pathFree(path)
  return result
}

/** `length` bytes of the kernel's at `from` to the caller, and the memory given back. */
function brought(to: ptr, from: ptr, length: u32, result: i32): i32 {
  const error = result < 0 ? result : userCopyOut(to, from, length)
  heapFree(from)
  return error
}

// --- Opening, making, removing. ---------------------------------------------------------------------------

/** openat(2). */
export function sysOpenat(self: Process, directory: i32, path: ptr, flags: u32, mode: u32): i32 {
  const text = pathTakeIn(path)
  if (isError(text)) return errorOf(text)
  return ended(text, fsOpenAt(self.files, directory, text as ptr, flags, mode))
}

/** mkdirat(2). */
export function sysMkdirat(self: Process, directory: i32, path: ptr, mode: u32): i32 {
  const text = pathTakeIn(path)
  if (isError(text)) return errorOf(text)
  return ended(text, fsMkdirAt(self.files, directory, text as ptr, mode))
}

/** mknodat(2). */
export function sysMknodat(self: Process, directory: i32, path: ptr, mode: u32, device: u32): i32 {
  const text = pathTakeIn(path)
  if (isError(text)) return errorOf(text)
  return ended(text, fsMknodAt(self.files, directory, text as ptr, mode, device))
}

/** unlinkat(2). */
export function sysUnlinkat(self: Process, directory: i32, path: ptr, flags: u32): i32 {
  const text = pathTakeIn(path)
  if (isError(text)) return errorOf(text)
  return ended(text, fsUnlinkAt(self.files, directory, text as ptr, flags))
}

/** renameat2(2). */
export function sysRenameat2(self: Process, fromDirectory: i32, from: ptr, toDirectory: i32, to: ptr, flags: u32): i32 {
  const first = pathTakeIn(from)
  if (isError(first)) return errorOf(first)
  const second = pathTakeIn(to)
  if (isError(second)) return ended(first, errorOf(second))
  return ended(first, ended(second, fsRenameAt(self.files, fromDirectory, first as ptr, toDirectory, second as ptr, flags)))
}

/** linkat(2). */
export function sysLinkat(self: Process, fromDirectory: i32, from: ptr, toDirectory: i32, to: ptr, flags: u32): i32 {
  const first = pathTakeIn(from)
  if (isError(first)) return errorOf(first)
  const second = pathTakeIn(to)
  if (isError(second)) return ended(first, errorOf(second))
  return ended(first, ended(second, fsLinkAt(self.files, fromDirectory, first as ptr, toDirectory, second as ptr, flags)))
}

/** symlinkat(2). */
export function sysSymlinkat(self: Process, target: ptr, directory: i32, path: ptr): i32 {
  const first = pathTakeIn(target)
  if (isError(first)) return errorOf(first)
  const second = pathTakeIn(path)
  if (isError(second)) return ended(first, errorOf(second))
  return ended(first, ended(second, fsSymlinkAt(self.files, first as ptr, directory, second as ptr)))
}

// --- Looking. ---------------------------------------------------------------------------------------------

/** newfstatat(2), stat(2), lstat(2). */
export function sysNewfstatat(self: Process, directory: i32, path: ptr, to: ptr, flags: u32): i32 {
  const text = pathTakeIn(path)
  if (isError(text)) return errorOf(text)
  const out = heapAllocate(sizeof<Stat>())
  if (out == 0) return ended(text, Errno.OutOfMemory)
  return brought(to, out, sizeof<Stat>(), ended(text, fsStatAt(self.files, directory, text as ptr, at<Stat>(out), flags)))
}

/** fstat(2). */
export function sysFstat(self: Process, descriptor: u32, to: ptr): i32 {
  const out = heapAllocate(sizeof<Stat>())
  if (out == 0) return Errno.OutOfMemory
  return brought(to, out, sizeof<Stat>(), fsFstat(self.files, descriptor as number as i32, at<Stat>(out)))
}

/** statfs(2), fstatfs(2). */
export function sysStatfs(self: Process, path: ptr, to: ptr): i32 {
  const text = pathTakeIn(path)
  if (isError(text)) return errorOf(text)
  const out = heapAllocate(sizeof<StatFs>())
  if (out == 0) return ended(text, Errno.OutOfMemory)
  return brought(to, out, sizeof<StatFs>(), ended(text, fsStatfs(self.files, text as ptr, at<StatFs>(out))))
}
export function sysFstatfs(self: Process, descriptor: u32, to: ptr): i32 {
  const out = heapAllocate(sizeof<StatFs>())
  if (out == 0) return Errno.OutOfMemory
  return brought(to, out, sizeof<StatFs>(), fsFstatfs(self.files, descriptor as number as i32, at<StatFs>(out)))
}

/** faccessat(2), access(2). */
export function sysFaccessat(self: Process, directory: i32, path: ptr, mode: u32, flags: u32): i32 {
  const text = pathTakeIn(path)
  if (isError(text)) return errorOf(text)
  return ended(text, fsAccessAt(self.files, directory, text as ptr, mode, flags))
}

/** readlinkat(2). */
export function sysReadlinkat(self: Process, directory: i32, path: ptr, to: ptr, length: u32): i32 {
  const text = pathTakeIn(path)
  if (isError(text)) return errorOf(text)
  transferInit(self.transfer, to, length, false)
  return ended(text, fsReadlinkAt(self.files, directory, text as ptr, self.transfer))
}

/** getcwd(2): its length, the zero included. */
export function sysGetcwd(self: Process, to: ptr, length: u32): i32 {
  const out = heapAllocate(PATH_LIMIT)
  if (out == 0) return Errno.OutOfMemory
  const read = fsGetcwd(self.files, out, length < PATH_LIMIT ? length : PATH_LIMIT)
  const error = brought(to, out, read < 0 ? 0 : read as number as u32, read)
  return error < 0 ? error : read
}

// --- Changing. --------------------------------------------------------------------------------------------

/** chdir(2), fchdir(2), chroot(2). */
export function sysChdir(self: Process, path: ptr): i32 {
  const text = pathTakeIn(path)
  return isError(text) ? errorOf(text) : ended(text, fsChdir(self.files, text as ptr))
}
export function sysFchdir(self: Process, descriptor: u32): i32 {
  return fsFchdir(self.files, descriptor as number as i32)
}
export function sysChroot(self: Process, path: ptr): i32 {
  const text = pathTakeIn(path)
  return isError(text) ? errorOf(text) : ended(text, fsChroot(self.files, text as ptr))
}

/** umask(2). */
export function sysUmask(self: Process, mask: u32): u32 {
  return fsUmask(self.files, mask)
}

/** fchmodat(2), fchmod(2). */
export function sysFchmodat(self: Process, directory: i32, path: ptr, mode: u32): i32 {
  const text = pathTakeIn(path)
  return isError(text) ? errorOf(text) : ended(text, fsChmodAt(self.files, directory, text as ptr, mode, 0))
}
export function sysFchmod(self: Process, descriptor: u32, mode: u32): i32 {
  return fsFchmod(self.files, descriptor as number as i32, mode)
}

/** fchownat(2), fchown(2). */
export function sysFchownat(self: Process, directory: i32, path: ptr, uid: u32, gid: u32, flags: u32): i32 {
  const text = pathTakeIn(path)
  return isError(text) ? errorOf(text) : ended(text, fsChownAt(self.files, directory, text as ptr, uid, gid, flags))
}
export function sysFchown(self: Process, descriptor: u32, uid: u32, gid: u32): i32 {
  return fsFchown(self.files, descriptor as number as i32, uid, gid)
}

/** truncate(2), ftruncate(2). Errors: InvalidArgument for a negative size. */
export function sysTruncate(self: Process, path: ptr, size: i32): i32 {
  if (size < 0) return Errno.InvalidArgument
  const text = pathTakeIn(path)
  return isError(text) ? errorOf(text) : ended(text, fsTruncate(self.files, text as ptr, size as number as u32))
}
export function sysFtruncate(self: Process, descriptor: u32, size: i32): i32 {
  return size < 0 ? Errno.InvalidArgument : fsFtruncate(self.files, descriptor as number as i32, size as number as u32)
}

/** How two times lie in user memory. */
const enum Times { Timespec, Timeval, Utimbuf }

/** utimensat(2). */
export function sysUtimensat(self: Process, directory: i32, path: ptr, times: ptr, flags: u32): i32 {
  return setTimes(self, directory, path, times, flags, Times.Timespec)
}

/** utimes(2), utime(2). */
export function sysUtimes(self: Process, path: ptr, times: ptr): i32 {
  return setTimes(self, AT_CWD, path, times, 0, Times.Timeval)
}
export function sysUtime(self: Process, path: ptr, times: ptr): i32 {
  return setTimes(self, AT_CWD, path, times, 0, Times.Utimbuf)
}

function setTimes(self: Process, directory: i32, path: ptr, times: ptr, flags: u32, kind: Times): i32 {
  const memory = heapAllocate(TIMES_SIZE)
  if (memory == 0) return Errno.OutOfMemory
  let result: i32 = times == 0 ? Errno.None : timesIn(memory, times, kind)
  const text: u32 = path == 0 ? 0 : pathTakeIn(path)
  if (result == Errno.None && isError(text)) result = errorOf(text)
  if (result == Errno.None) result = fsUtimensAt(self.files, directory, text as ptr, times == 0 ? 0 as ptr : memory, flags)
  pathFree(text)
  heapFree(memory)
  return result
}

/** Two struct timespec at `to`, whatever they were. */
function timesIn(to: ptr, from: ptr, kind: Times): i32 {
  const error = userCopyIn(to, from, kind == Times.Utimbuf ? TIMES_SIZE >>> 1 : TIMES_SIZE)
  if (error != Errno.None || kind == Times.Timespec) return error
  if (kind == Times.Utimbuf) {
    store32(to, 16, load32(to, 8))
    store32(to, 20, load32(to, 12))
    store32(to, 8, 0)
    store32(to, 12, 0)
    store32(to, 24, 0)
    store32(to, 28, 0)
    return Errno.None
  }
  if (load32(to, 8) >= 1_000_000 || load32(to, 24) >= 1_000_000) return Errno.InvalidArgument
  store32(to, 8, load32(to, 8) * 1000)
  store32(to, 24, load32(to, 24) * 1000)
  return Errno.None
}

/** mount(2): data is not looked at. umount2(2). */
export function sysMount(self: Process, source: ptr, target: ptr, type: ptr, flags: u32): i32 {
  const first = source == 0 ? 0 : pathTakeIn(source)
  const second = pathTakeIn(target)
  const third = type == 0 ? 0 : pathTakeIn(type)
  let result: i32 = Errno.None
  if (isError(first)) result = errorOf(first)
  else if (isError(second)) result = errorOf(second)
  else if (isError(third)) result = errorOf(third)
  else result = mountWith(self, first, second as ptr, third, flags)
  pathFree(first)
  pathFree(second)
  pathFree(third)
  return result
}
function mountWith(self: Process, source: u32, target: ptr, type: u32, flags: u32): i32 {
  const from: cstring = source == 0 ? 'none' : source as ptr as cstring
  const kind: cstring = type == 0 ? '' : type as ptr as cstring
  return fsMount(self.files, from, target, kind, flags)
}

export function sysUmount2(self: Process, target: ptr, flags: u32): i32 {
  const text = pathTakeIn(target)
  return isError(text) ? errorOf(text) : ended(text, fsUmount(self.files, text as ptr, flags))
}
