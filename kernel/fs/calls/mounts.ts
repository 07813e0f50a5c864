// mount and umount2. A process's context; both may sleep.

import { PATH_LIMIT } from '../../config.ts'
import { Errno, errorOf, isError } from '../../lib/errno.ts'
import { at, type cstring, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import { heapAllocate, heapFree } from '../../mm/heap.ts'
import type { FileContext } from '../context.ts'
import { isSuperuser } from '../credentials.ts'
import { directoryPath } from '../directory-path.ts'
import { At } from '../flags.ts'
import { MountFlag, inodeIsDirectory, inodeRelease, type FileSystem, type Inode } from '../inode.ts'
import { fileSystemType, mountAdd, mountRemove } from '../mount.ts'
import { Follow } from '../path.ts'
import { inodeAt } from './place.ts'

/** MS_REMOUNT, MS_BIND, MS_MOVE and those that change how mounts are shared. include/uapi/linux/mount.h */
const REMOUNT: u32 = 0x20
const OTHER_KINDS: u32 = 0x1000 | 0x2000 | 0x20000 | 0x40000 | 0x80000 | 0x100000
const KEPT: u32 = MountFlag.ReadOnly | MountFlag.NoSetUser | MountFlag.NoDevices | MountFlag.NoExecute

/**
 * mount: a file system of kind `type` on a directory, or, to remount, other flags for what is there. NoDevice: no such kind;
 * Busy: the same kind is mounted there already, or MOUNT_LIMIT; InvalidArgument for bind mounts and moves; NotPermitted.
 */
export function fsMount(context: FileContext, source: cstring, target: ptr, type: cstring, flags: u32): i32 {
  const found = inodeAt(context, At.WorkingDirectory, target, 0, Follow.Last)
  if (isError(found)) return errorOf(found)
  const result = mountAt(context, at<Inode>(found as ptr), source, type, flags)
  inodeRelease(at<Inode>(found as ptr))
  return result
}

function mountAt(context: FileContext, inode: Inode, source: cstring, type: cstring, flags: u32): i32 {
  if (!isSuperuser(context.credentials)) return Errno.NotPermitted
  if ((flags & OTHER_KINDS) != 0) return Errno.InvalidArgument
  return (flags & REMOUNT) != 0 ? remount(inode, flags) : mountOn(context, inode, source, type, flags)
}

function mountOn(context: FileContext, inode: Inode, source: cstring, name: cstring, flags: u32): i32 {
  const type = fileSystemType(name)
  if (type == null) return Errno.NoDevice
  if (!inodeIsDirectory(inode)) return Errno.NotDirectory
  if (inode == inode.system.root && inode.system.type == type && inode.system.covered != null) return Errno.Busy
  const place = heapAllocate(PATH_LIMIT)
  if (place == 0) return Errno.OutOfMemory
  const length = directoryPath(context.root, inode, place, PATH_LIMIT)
  const mounted: u32 = length < 0 ? length as number as u32 : mountAdd(type, source, inode, place as cstring, flags & KEPT)
  heapFree(place)
  return isError(mounted) ? errorOf(mounted) : Errno.None
}

function remount(inode: Inode, flags: u32): i32 {
  if (inode != inode.system.root) return Errno.InvalidArgument
  inode.system.flags = flags & KEPT
  return Errno.None
}

/** umount2: InvalidArgument where nothing is mounted, and for flags; Busy, NotPermitted. */
export function fsUmount(context: FileContext, target: ptr, flags: u32): i32 {
  if (flags != 0) return Errno.InvalidArgument
  const found = inodeAt(context, At.WorkingDirectory, target, 0, Follow.Last)
  if (isError(found)) return errorOf(found)
  const inode = at<Inode>(found as ptr)
  const system: FileSystem | null = inode == inode.system.root ? inode.system : null
  inodeRelease(inode)
  if (!isSuperuser(context.credentials)) return Errno.NotPermitted
  return system == null ? Errno.InvalidArgument : mountRemove(system)
}
