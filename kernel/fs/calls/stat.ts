// What is known of a file, and of a file system: stat, statfs, access, readlink. A process's context; all of it may sleep.

import { NAME_LIMIT } from '../../config.ts'
import { Errno, errorOf, isError } from '../../lib/errno.ts'
import { address, at, sizeof, staticStruct, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import { stringLength, zeroBytes } from '../../lib/memory.ts'
import { WallTime } from '../../lib/wall-clock.ts'
import { PAGE_SIZE } from '../../mm/address.ts'
import { transferOut, type Transfer } from '../../vm/transfer.ts'
import type { FileContext } from '../context.ts'
import type { Credentials } from '../credentials.ts'
import { descriptorFile } from '../descriptor.ts'
import type { OpenFile } from '../file.ts'
import { Access, At } from '../flags.ts'
import { FileSystemSpace, inodeIsRegular, inodeRelease, type FileSystem, type Inode } from '../inode.ts'
import { Stat, StatFs, TimeSpec } from '../layouts.ts'
import { Mode, modeType } from '../mode.ts'
import { Follow } from '../path.ts'
import { inodePermission, mayRun } from '../permission.ts'
import { inodeAt } from './place.ts'

const SECTORS_PER_PAGE: u32 = 8
/** What sockets and their like are in, which have no inode: SOCKFS_MAGIC. include/uapi/linux/magic.h */
const SOCKFS_MAGIC: u32 = 0x534f434b
const STATFS_VALID: u32 = 0x20

const space = staticStruct<FileSystemSpace>()

function timeOut(to: TimeSpec, time: WallTime): void {
  to.seconds.low = time.seconds
  to.nanoseconds.low = time.nanoseconds
}

/** Fill in a Stat of an inode. */
export function statOfInode(inode: Inode, out: Stat): void {
  zeroBytes(address(out), sizeof<Stat>())
  out.device.low = inode.system.device
  out.inode.low = inode.number
  out.links.low = inode.links
  out.mode = inode.mode
  out.uid = inode.uid
  out.gid = inode.gid
  out.representedDevice.low = inode.device
  out.size.low = inode.size
  out.blockSize.low = PAGE_SIZE
  out.blocks.low = inode.pages * SECTORS_PER_PAGE
  timeOut(out.accessed, inode.accessed)
  timeOut(out.modified, inode.modified)
  timeOut(out.changed, inode.changed)
}

/** Of an open file that is in no file system, a socket, an event counter: its number is where its data is. */
function statOfFile(file: OpenFile, out: Stat): void {
  zeroBytes(address(out), sizeof<Stat>())
  out.inode.low = file.data
  out.links.low = 1
  out.mode = Mode.Socket | 0o777
  out.blockSize.low = PAGE_SIZE
}

/** newfstatat: `out` is a struct stat in the kernel. `flags`: SymlinkNoFollow, EmptyPath. */
export function fsStatAt(context: FileContext, directory: i32, path: ptr, out: Stat, flags: u32): i32 {
  if ((flags & ~(At.SymlinkNoFollow | At.EmptyPath | 0x800)) != 0) return Errno.InvalidArgument // 0x800: AT_NO_AUTOMOUNT
  const found = inodeAt(context, directory, path, flags, (flags & At.SymlinkNoFollow) != 0 ? Follow.NotLast : Follow.Last)
  if (found == (Errno.BadHandle as number as u32) && (flags & At.EmptyPath) != 0) return fsFstat(context, directory, out)
  if (isError(found)) return errorOf(found)
  statOfInode(at<Inode>(found as ptr), out)
  inodeRelease(at<Inode>(found as ptr))
  return Errno.None
}

/** fstat. */
export function fsFstat(context: FileContext, descriptor: i32, out: Stat): i32 {
  const file = descriptorFile(context.table, descriptor)
  if (file == null) return Errno.BadHandle
  if (file.inode != null) statOfInode(file.inode, out)
  else statOfFile(file, out)
  return Errno.None
}

function statfsOfSystem(system: FileSystem, out: StatFs): void {
  zeroBytes(address(out), sizeof<StatFs>())
  system.type.space(system, space)
  out.type.low = system.type.magic
  out.blockSize.low = PAGE_SIZE
  out.fragmentSize.low = PAGE_SIZE
  out.blocks.low = space.blocks
  out.blocksFree.low = space.blocksFree
  out.blocksAvailable.low = space.blocksFree
  out.files.low = space.files
  out.filesFree.low = space.filesFree
  out.id.low = system.device
  out.nameLength.low = NAME_LIMIT
  out.flags.low = STATFS_VALID | system.flags
}

/** statfs: `out` is a struct statfs in the kernel. */
export function fsStatfs(context: FileContext, path: ptr, out: StatFs): i32 {
  const found = inodeAt(context, At.WorkingDirectory, path, 0, Follow.Last)
  if (isError(found)) return errorOf(found)
  statfsOfSystem(at<Inode>(found as ptr).system, out)
  inodeRelease(at<Inode>(found as ptr))
  return Errno.None
}

/** fstatfs. */
export function fsFstatfs(context: FileContext, descriptor: i32, out: StatFs): i32 {
  const file = descriptorFile(context.table, descriptor)
  if (file == null) return Errno.BadHandle
  if (file.inode != null) {
    statfsOfSystem(file.inode.system, out)
    return Errno.None
  }
  zeroBytes(address(out), sizeof<StatFs>())
  out.type.low = SOCKFS_MAGIC
  out.blockSize.low = PAGE_SIZE
  out.nameLength.low = NAME_LIMIT
  return Errno.None
}

/** What access says of a file: AccessDenied, ReadOnly. */
function accessTo(who: Credentials, inode: Inode, mode: u32): i32 {
  const runs: i32 = (mode & Access.Execute) != 0 && inodeIsRegular(inode) ? mayRun(who, inode) : Errno.None
  return runs == Errno.None ? inodePermission(who, inode, mode) : runs
}

function accessAt(context: FileContext, directory: i32, path: ptr, mode: u32, flags: u32): i32 {
  const found = inodeAt(context, directory, path, flags, (flags & At.SymlinkNoFollow) != 0 ? Follow.NotLast : Follow.Last)
  if (isError(found)) return errorOf(found)
  const result = accessTo(context.credentials, at<Inode>(found as ptr), mode)
  inodeRelease(at<Inode>(found as ptr))
  return result
}

/**
 * faccessat2: `mode` of Access, as the real ids may, or with EffectiveAccess in `flags` as the process itself may. AccessDenied,
 * ReadOnly, and any error of the path.
 */
export function fsAccessAt(context: FileContext, directory: i32, path: ptr, mode: u32, flags: u32): i32 {
  if (mode > 7 || (flags & ~(At.SymlinkNoFollow | At.EmptyPath | At.EffectiveAccess)) != 0) return Errno.InvalidArgument
  const user = context.credentials.user
  const group = context.credentials.group
  const fileUser: u32 = user.file
  const fileGroup: u32 = group.file
  if ((flags & At.EffectiveAccess) == 0) {
    user.file = user.real
    group.file = group.real
  }
  const result = accessAt(context, directory, path, mode, flags)
  user.file = fileUser
  group.file = fileGroup
  return result
}

/** readlinkat: bytes of the text that fit, not terminated; InvalidArgument for what is no link, or no room; AccessDenied. */
export function fsReadlinkAt(context: FileContext, directory: i32, path: ptr, transfer: Transfer): i32 {
  if (transfer.left == 0) return Errno.InvalidArgument
  const found = inodeAt(context, directory, path, At.EmptyPath, Follow.NotLast)
  if (isError(found)) return errorOf(found)
  const inode = at<Inode>(found as ptr)
  const textOf = inode.operations.text
  const text: u32 = textOf == null || modeType(inode.mode) != Mode.SymbolicLink ? 0 : textOf(inode)
  let result: i32 = isError(text) ? errorOf(text) : Errno.InvalidArgument
  if (text != 0 && !isError(text)) {
    const length: u32 = stringLength(text as ptr)
    result = transferOut(transfer, text as ptr, length < transfer.left ? length : transfer.left)
  }
  inodeRelease(inode)
  return result
}
