// Files in RAM: made and given up, and how much memory all of them may have. A process's context.
//
// The memory of file systems in RAM is one part in RAMFS_SHARE of the frames; names and inodes are bounded by INODE_LIMIT.

import { INODE_LIMIT, RAMFS_SHARE } from '../../config.ts'
import { address, at, sizeof, staticStruct, struct, type Embed, type ptr, type u32 } from '../../lib/layout.ts'
import { Lock } from '../../lib/lock.ts'
import { framesTotal } from '../../mm/frames.ts'
import { heapFree } from '../../mm/heap.ts'
import { Pool, poolAllocate, poolFree, poolInit } from '../../mm/pool.ts'
import { Inode, inodeTimesNow, type FileSystem, type InodeOperations } from '../inode.ts'
import { Mode, modeType } from '../mode.ts'
import type { RamEntry } from './directory.ts'
import { PageTree, pageTreeCut } from './page-tree.ts'

@struct
export class RamInode {
  inode: Embed<Inode>
  tree: Embed<PageTree> // of a regular file
  writer: Embed<Lock> // one writes or cuts at a time
  parent: RamInode | null // of a directory, while it has a name; the root's is itself
  firstEntry: RamEntry | null // of a directory, in the order made
  lastEntry: RamEntry | null
  readEntry: RamEntry | null // found last by position: who reads a directory goes on from there
  nextPosition: u32 // of the next entry that is made
  text: ptr // of a symbolic link, zero-terminated, in the heap
}

const inodes = staticStruct<Pool>()
let nextNumber: u32 = 1
let framesUsed: u32 = 0

/** Once, before the first mount. */
export function ramInodesInit(): void {
  poolInit(inodes, 'inodes', sizeof<RamInode>(), INODE_LIMIT)
}

/** The struct behind an inode of a file system in RAM. */
export function ramOf(inode: Inode): RamInode {
  return at<RamInode>(address(inode))
}

/** A file without a name, held by nobody; null when there are INODE_LIMIT or no memory. */
export function ramInodeCreate(system: FileSystem, operations: InodeOperations, mode: u32, device: u32): RamInode | null {
  const memory = poolAllocate(inodes)
  if (memory == 0) return null
  const ram = at<RamInode>(memory)
  const inode = ram.inode
  inode.operations = operations
  inode.system = system
  inode.number = nextNumber
  nextNumber += 1
  inode.mode = mode
  inode.device = device
  if (modeType(mode) == Mode.Directory) ram.nextPosition = 2
  inodeTimesNow(inode)
  system.files += 1
  return ram
}

/** Give a file up that has no names and is held by nobody. */
export function ramInodeFree(ram: RamInode): void {
  ramFramesReturn(ram.tree.frames)
  pageTreeCut(ram.tree, 0)
  heapFree(ram.text)
  ram.inode.system.files -= 1
  poolFree(inodes, address(ram))
}

/** Give it up if that is so. */
export function ramInodeUnused(inode: Inode): void {
  if (inode.links == 0 && inode.count == 0) ramInodeFree(ramOf(inode))
}

/** Files that could still be made. */
export function ramInodesFree(): u32 {
  return INODE_LIMIT - inodes.used
}

/** Frames that files in RAM may have. */
export function ramFramesLimit(): u32 {
  return framesTotal() / RAMFS_SHARE
}

/** Frames that they have. */
export function ramFramesUsed(): u32 {
  return framesUsed
}

/** One frame more, or false: that is all there is. */
export function ramFrameTake(): boolean {
  if (framesUsed >= ramFramesLimit()) return false
  framesUsed += 1
  return true
}

/** Some are given back. */
export function ramFramesReturn(frames: u32): void {
  framesUsed -= frames
}
