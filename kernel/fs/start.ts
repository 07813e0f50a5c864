// Files from nothing: the kinds of file systems, the root, and where the others are mounted. Boot context.

import { Errno, errorOf, isError } from '../lib/errno.ts'
import { at, staticStruct, type cstring, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { descriptorCallsInit } from './calls/descriptors.ts'
import { fsMount } from './calls/mounts.ts'
import { fsMkdirAt } from './calls/names.ts'
import { FileContext, contextInit } from './context.ts'
import { tablesInit } from './descriptor.ts'
import { devfsInit } from './dev/devfs.ts'
import { memoryDevicesInit } from './dev/memory.ts'
import { fileLocksInit } from './file-lock.ts'
import { filesInit } from './file.ts'
import { At } from './flags.ts'
import { FileSystem, FileSystemType } from './inode.ts'
import { fileSystemRegister, mountAdd, mountsInit } from './mount.ts'
import { pathsInit } from './path.ts'
import { pipesInit } from './pipe.ts'
import { procInit } from './proc/start.ts'
import { RAMFS_MAGIC, TMPFS_MAGIC, ramfsInit, ramfsType, tmpfsMount } from './ramfs/ramfs.ts'
import { regularInit } from './regular.ts'
import { ttyDevicesInit } from './tty/file.ts'

/** What the root is mounted from; programs that list file systems pass over one of the name rootfs. */
const ROOT_SOURCE: cstring = 'ramdisk'

const rootfs = staticStruct<FileSystemType>()
const ramfs = staticStruct<FileSystemType>()
const tmpfs = staticStruct<FileSystemType>()
const context = staticStruct<FileContext>()

/** Once, when there are frames, a heap and randomness: an empty root. OutOfMemory. */
export function fsInit(): i32 {
  fileLocksInit()
  filesInit()
  tablesInit()
  pathsInit()
  pipesInit()
  regularInit()
  descriptorCallsInit()
  mountsInit()
  memoryDevicesInit()
  ttyDevicesInit()
  ramfsInit()
  ramfsKind(rootfs, 'rootfs', RAMFS_MAGIC)
  ramfsKind(ramfs, 'ramfs', RAMFS_MAGIC)
  ramfsKind(tmpfs, 'tmpfs', TMPFS_MAGIC)
  tmpfs.mount = tmpfsMount
  devfsInit()
  procInit()
  const mounted = mountAdd(rootfs, ROOT_SOURCE, null, '/', 0)
  if (isError(mounted)) return errorOf(mounted)
  return contextInit(context, at<FileSystem>(mounted as ptr).root)
}

function ramfsKind(type: FileSystemType, name: cstring, magic: u32): void {
  ramfsType(type, name, magic)
  fileSystemRegister(type)
}

/** The kernel's own place among the files: the root, no files open. The first process's is made from it. */
export function kernelFiles(): FileContext {
  return context
}

/** Mount /dev and /proc, making the directories if the RAM disk did not have them. OutOfMemory, NotDirectory. */
export function fsMountSystem(): i32 {
  const dev = mountAt('/dev', 'devtmpfs')
  return dev == Errno.None ? mountAt('/proc', 'proc') : dev
}

function mountAt(path: cstring, type: cstring): i32 {
  const made = fsMkdirAt(context, At.WorkingDirectory, path as ptr, 0o755)
  if (made != Errno.None && made != Errno.Exists) return made
  return fsMount(context, type, path as ptr, type, 0)
}
