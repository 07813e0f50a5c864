// What the tests of kernel/fs call: files as the kernel itself sees them, all memory the kernel's; and sleep as the test has it.

import { fsChmodAt, fsChownAt, fsFtruncate, fsTruncate, fsUtimensAt } from '../../kernel/fs/calls/attributes.ts'
import {
  fsClose, fsDup, fsDup2, fsDup3, fsFcntl, fsGetdents64, fsIoctl, fsLseek, fsPipe2, fsPread, fsPwrite, fsRead, fsSync, fsWrite,
} from '../../kernel/fs/calls/descriptors.ts'
import { fsChdir, fsChroot, fsFchdir, fsGetcwd, fsUmask } from '../../kernel/fs/calls/directories.ts'
import { fsFlock, fsLock } from '../../kernel/fs/calls/locks.ts'
import { fsMount, fsUmount } from '../../kernel/fs/calls/mounts.ts'
import { fsLinkAt, fsMkdirAt, fsMknodAt, fsRenameAt, fsSymlinkAt, fsUnlinkAt } from '../../kernel/fs/calls/names.ts'
import { fsFileOpen, fsOpenAt } from '../../kernel/fs/calls/open.ts'
import { fsAccessAt, fsFstat, fsReadlinkAt, fsStatAt, fsStatfs } from '../../kernel/fs/calls/stat.ts'
import { credentialsGroupAdd } from '../../kernel/fs/credentials.ts'
import { FileContext, contextFork, contextRelease } from '../../kernel/fs/context.ts'
import { CpioResult, cpioLoad } from '../../kernel/fs/cpio.ts'
import { descriptorFile, tableCloseOnExec, tableOpen, tablesUsed } from '../../kernel/fs/descriptor.ts'
import { filePoll, fileRelease, fileWatchers, filesOpen, type OpenFile } from '../../kernel/fs/file.ts'
import { At, Open } from '../../kernel/fs/flags.ts'
import { fileLocksHeld } from '../../kernel/fs/file-lock.ts'
import { Long, RecordLock, Stat, StatFs } from '../../kernel/fs/layouts.ts'
import { pathWalks } from '../../kernel/fs/path.ts'
import { pipesUsed } from '../../kernel/fs/pipe.ts'
import { kernelFiles } from '../../kernel/fs/start.ts'
import { Errno, errorOf, isError } from '../../kernel/lib/errno.ts'
import { address, at, sizeof, staticStruct, type bool, type cstring, type i32, type ptr, type u32 } from '../../kernel/lib/layout.ts'
import { zeroBytes } from '../../kernel/lib/memory.ts'
import { ReadyList, Report, Watch, watchAsked, watchBegin } from '../../kernel/lib/watch.ts'
import { Transfer, transferInit } from '../../kernel/vm/transfer.ts'

export { keepLog, keptAddress, keptBytes } from './log-sink.ts'
export { panicWhy, rememberPanics } from './panics.ts'
export { clockSet } from '../../kernel/lib/clock.ts'
export { randomSeed } from '../../kernel/lib/random.ts'
export { wallClockSet } from '../../kernel/lib/wall-clock.ts'
export { framesAddRegion, framesFree } from '../../kernel/mm/frames.ts'
export { heapInit } from '../../kernel/mm/heap.ts'
export { fsInit, fsMountSystem } from '../../kernel/fs/start.ts'
export { ramFramesUsed } from '../../kernel/fs/ramfs/ram-inode.ts'
export * from './fs-process.ts'

const transfer = staticStruct<Transfer>()
const record = staticStruct<RecordLock>()
const child = staticStruct<FileContext>()
const unpacked = staticStruct<CpioResult>()
let context: FileContext | null = null

function here(): FileContext { return context == null ? kernelFiles() : context }
function moving(p: ptr, n: u32): Transfer {
  transferInit(transfer, p, n, true)
  return transfer
}

export function open(directory: i32, path: ptr, flags: u32, mode: u32): i32 { return fsOpenAt(here(), directory, path, flags, mode) }
export function close(descriptor: i32): i32 { return fsClose(here(), descriptor) }
export function read(descriptor: i32, p: ptr, n: u32): i32 { return fsRead(here(), descriptor, moving(p, n)) }
export function write(descriptor: i32, p: ptr, n: u32): i32 { return fsWrite(here(), descriptor, moving(p, n)) }
export function pread(descriptor: i32, p: ptr, n: u32, position: u32): i32 { return fsPread(here(), descriptor, moving(p, n), position) }
export function pwrite(descriptor: i32, p: ptr, n: u32, position: u32): i32 { return fsPwrite(here(), descriptor, moving(p, n), position) }
export function lseek(descriptor: i32, offset: i32, whence: u32): i32 { return fsLseek(here(), descriptor, offset, whence) }
export function getdents(descriptor: i32, p: ptr, n: u32): i32 { return fsGetdents64(here(), descriptor, moving(p, n)) }
export function ioctl(descriptor: i32, request: u32, argument: u32): i32 { return fsIoctl(here(), descriptor, request, argument) }
export function dup(descriptor: i32): i32 { return fsDup(here(), descriptor) }
export function dup2(from: i32, to: i32): i32 { return fsDup2(here(), from, to) }
export function dup3(from: i32, to: i32, flags: u32): i32 { return fsDup3(here(), from, to, flags) }
export function fcntl(descriptor: i32, command: u32, argument: u32): i32 { return fsFcntl(here(), descriptor, command, argument) }
/** A command of fcntl's about locks; what it says afterwards is `lockField`. */
export function lock(descriptor: i32, command: u32, type: u32, whence: u32, start: i32, length: i32): i32 {
  zeroBytes(address(record), sizeof<RecordLock>())
  record.type = type
  record.whence = whence
  widen(record.start, start)
  widen(record.length, length)
  return fsLock(here(), descriptor, command, record)
}
function widen(to: Long, value: i32): void {
  to.low = value as number as u32
  to.high = value < 0 ? 0xffffffff : 0
}
/** 0 type, 1 start, 2 length, 3 pid. */
export function lockField(which: u32): u32 {
  return which == 0 ? record.type : which == 1 ? record.start.low : which == 2 ? record.length.low : record.pid
}
export function flock(descriptor: i32, operation: u32): i32 { return fsFlock(here(), descriptor, operation) }
export function locksHeld(): u32 { return fileLocksHeld() }
/** Who makes the calls: its real ids, and those for files; no supplementary groups. */
export function become(uid: u32, gid: u32, fileUid: u32, fileGid: u32): void {
  const who = here().credentials
  who.user.real = uid
  who.user.effective = fileUid
  who.user.saved = fileUid
  who.user.file = fileUid
  who.group.real = gid
  who.group.effective = fileGid
  who.group.saved = fileGid
  who.group.file = fileGid
  who.groupCount = 0
}
export function joinGroup(group: u32): void { credentialsGroupAdd(here().credentials, group) }
/** The program at a path, opened to run it and closed. */
export function program(path: ptr): i32 {
  const opened = fsFileOpen(here(), At.WorkingDirectory, path, Open.Execute, 0)
  if (isError(opened)) return errorOf(opened)
  fileRelease(at<OpenFile>(opened as ptr))
  return Errno.None
}
/** The child that `fork` made makes the calls, or the kernel. */
export function useChild(childs: boolean): void { context = childs ? child : null }
export function pipe(flags: u32, out: ptr): i32 { return fsPipe2(here(), flags, out) }
export function sync(descriptor: i32): i32 { return fsSync(here(), descriptor) }
const watch = staticStruct<Watch>()
const watched = staticStruct<ReadyList>()
/** A file is watched for events from now on, each told once; whether one was since this was asked last. */
export function watchFile(descriptor: i32, events: u32): void {
  watch.ready = watched
  watch.report = Report.Edge
  watch.events = events
  watchBegin(watch, fileWatchers(descriptorFile(here().table, descriptor)!))
}
export function wasTold(): bool {
  const told = watched.first != null
  if (told) watchAsked(watch, true)
  return told
}
export function poll(descriptor: i32): u32 { return filePoll(descriptorFile(here().table, descriptor)!) }
export function stat(directory: i32, path: ptr, out: ptr, flags: u32): i32 { return fsStatAt(here(), directory, path, at<Stat>(out), flags) }
export function fstat(descriptor: i32, out: ptr): i32 { return fsFstat(here(), descriptor, at<Stat>(out)) }
export function statfs(path: ptr, out: ptr): i32 { return fsStatfs(here(), path, at<StatFs>(out)) }
export function access(directory: i32, path: ptr, mode: u32, flags: u32): i32 { return fsAccessAt(here(), directory, path, mode, flags) }
export function readlink(directory: i32, path: ptr, p: ptr, n: u32): i32 { return fsReadlinkAt(here(), directory, path, moving(p, n)) }
export function mkdir(directory: i32, path: ptr, mode: u32): i32 { return fsMkdirAt(here(), directory, path, mode) }
export function mknod(directory: i32, path: ptr, mode: u32, device: u32): i32 { return fsMknodAt(here(), directory, path, mode, device) }
export function symlink(target: ptr, directory: i32, path: ptr): i32 { return fsSymlinkAt(here(), target, directory, path) }
export function link(from: ptr, to: ptr, flags: u32): i32 { return fsLinkAt(here(), -100, from, -100, to, flags) }
/** An open file gets a name: AT_EMPTY_PATH. */
export function linkat(descriptor: i32, to: ptr): i32 { return fsLinkAt(here(), descriptor, '' as cstring as ptr, -100, to, 0x1000) }
export function unlink(directory: i32, path: ptr, flags: u32): i32 { return fsUnlinkAt(here(), directory, path, flags) }
export function rename(from: ptr, to: ptr, flags: u32): i32 { return fsRenameAt(here(), -100, from, -100, to, flags) }
export function chmod(directory: i32, path: ptr, mode: u32): i32 { return fsChmodAt(here(), directory, path, mode, 0) }
export function chown(directory: i32, path: ptr, uid: u32, gid: u32): i32 { return fsChownAt(here(), directory, path, uid, gid, 0) }
export function utimens(directory: i32, path: ptr, times: ptr): i32 { return fsUtimensAt(here(), directory, path, times, 0) }
export function truncate(path: ptr, size: u32): i32 { return fsTruncate(here(), path, size) }
export function ftruncate(descriptor: i32, size: u32): i32 { return fsFtruncate(here(), descriptor, size) }
export function chdir(path: ptr): i32 { return fsChdir(here(), path) }
export function fchdir(descriptor: i32): i32 { return fsFchdir(here(), descriptor) }
export function chroot(path: ptr): i32 { return fsChroot(here(), path) }
export function getcwd(p: ptr, room: u32): i32 { return fsGetcwd(here(), p, room) }
export function umask(mask: u32): u32 { return fsUmask(here(), mask) }
export function mount(source: ptr, target: ptr, type: ptr, flags: u32): i32 {
  return fsMount(here(), source as cstring, target, type as cstring, flags)
}
export function umount(target: ptr): i32 { return fsUmount(here(), target, 0) }

/** What would be missing if something were not given back. */
export function openFiles(): u32 { return filesOpen() }
export function walksLeft(): u32 { return pathWalks() }
export function tablesLeft(): u32 { return tablesUsed() }
export function pipesLeft(): u32 { return pipesUsed() }
export function descriptorsOpen(): u32 { return tableOpen(here().table) }
export function execCloses(): void { tableCloseOnExec(here().table) }

/** A child of the context in use is the one in use from now on; `end` goes back to the kernel's. */
export function fork(share: boolean): i32 {
  const result = contextFork(child, here(), share)
  if (result == Errno.None) context = child
  return result
}
export function end(): void {
  contextRelease(child)
  context = null
}

export function unpack(p: ptr, n: u32): i32 { return cpioLoad(here(), p, n, unpacked) }
export function unpackedResult(): ptr { return address(unpacked) }
