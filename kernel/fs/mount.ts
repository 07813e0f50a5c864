// File systems and where they are mounted: the kinds there are, the mounted ones, and the steps from one into another.
//
//   root (ramfs)                     FileSystem.covered is the directory it lies on, Inode.mounted the other way
//    ├ dev   <-- root (devtmpfs)     a path that comes to a covered directory goes on at the root that covers it
//    └ proc  <-- root (proc)         and ".." there goes on above the covered directory
//
// A process's context, or boot's.

import { MOUNT_LIMIT } from '../config.ts'
import { Errno } from '../lib/errno.ts'
import { address, at, sizeof, staticStruct, type cstring, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { copyBytes, equalStrings, stringLength } from '../lib/memory.ts'
import { heapAllocate, heapFree } from '../mm/heap.ts'
import { Pool, poolAllocate, poolFree, poolInit } from '../mm/pool.ts'
import { FileSystem, inodeHold, inodeRelease, type FileSystemType, type Inode } from './inode.ts'

const mounts = staticStruct<Pool>()
let types: FileSystemType | null = null
let first: FileSystem | null = null
let nextDevice: u32 = 1

/** Once, before the first mount. */
export function mountsInit(): void {
  poolInit(mounts, 'mounts', sizeof<FileSystem>(), MOUNT_LIMIT)
}

/** A kind of file system that can be mounted from now on. */
export function fileSystemRegister(type: FileSystemType): void {
  type.next = types
  types = type
}

/** The kinds of file systems, in a list. */
export function fileSystemTypes(): FileSystemType | null {
  return types
}

/** The kind called so, or null. */
export function fileSystemType(name: cstring): FileSystemType | null {
  let type = types
  while (type != null && !equalStrings(type.name, name)) type = type.next
  return type
}

/** What is mounted, in the order in which it was. */
export function mountFirst(): FileSystem | null {
  return first
}

/** A copy in the heap; 0 without memory. */
function textCopy(text: cstring): ptr {
  const length = stringLength(text)
  const copy = heapAllocate(length + 1)
  if (copy != 0) copyBytes(copy, text as ptr, length + 1)
  return copy
}

function dispose(system: FileSystem): void {
  heapFree(system.source)
  heapFree(system.place)
  poolFree(mounts, address(system))
}

function append(system: FileSystem): void {
  let last = first
  if (last == null) {
    first = system
    return
  }
  while (last.next != null) last = last.next
  last.next = system
}

/**
 * Mount a file system of a kind on a directory, which is nobody's mount yet (null: the first of all): the FileSystem, or
 * Busy, OutOfMemory, and what the kind says. `place` is the directory's path, for those who read it. May sleep.
 */
export function mountAdd(type: FileSystemType, source: cstring, on: Inode | null, place: cstring, flags: u32): u32 {
  if (on != null && on.mounted != null) return Errno.Busy as number as u32
  const memory = poolAllocate(mounts)
  if (memory == 0) return Errno.OutOfMemory as number as u32
  const system = at<FileSystem>(memory)
  system.type = type
  system.flags = flags
  system.device = nextDevice
  nextDevice += 1
  system.source = textCopy(source)
  system.place = textCopy(place)
  const result = system.source == 0 || system.place == 0 ? Errno.OutOfMemory : type.mount(system)
  if (result != Errno.None) {
    dispose(system)
    return result as number as u32
  }
  if (on != null) {
    system.covered = inodeHold(on)
    on.mounted = system
  }
  append(system)
  return memory
}

/** Take a file system away: Busy when somebody is in it, InvalidArgument for the first of all. May sleep. */
export function mountRemove(system: FileSystem): i32 {
  const covered = system.covered
  if (covered == null) return Errno.InvalidArgument
  if (system.held > 1 || system.root.count > 1 || system.root.mounted != null) return Errno.Busy
  let before = first!
  while (before.next != system) before = before.next!
  before.next = system.next
  covered.mounted = null
  system.type.unmount(system)
  inodeRelease(covered)
  dispose(system)
  return Errno.None
}

/** From a directory to what covers it, if something does: `inode`, which is released then, or another, held. */
export function mountDown(inode: Inode): Inode {
  let here = inode
  while (here.mounted != null) {
    const root = inodeHold(here.mounted.root)
    inodeRelease(here)
    here = root
  }
  return here
}

/** From the root of a file system to the directory it covers, as often as that is one: as mountDown. */
export function mountUp(inode: Inode): Inode {
  let here = inode
  while (here == here.system.root && here.system.covered != null) {
    const covered = inodeHold(here.system.covered)
    inodeRelease(here)
    here = covered
  }
  return here
}
