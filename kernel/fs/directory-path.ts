// Where a directory is: the way back up to the root, put together from its end. A process's context; may sleep.

import { Errno, errorOf, isError } from '../lib/errno.ts'
import { store8 } from '../lib/intrinsics.ts'
import { at, distance, plus, staticStruct, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { copyBytes, moveBytes } from '../lib/memory.ts'
import { DirectoryEntry, inodeHold, inodeRelease, type Inode } from './inode.ts'
import { mountUp } from './mount.ts'

const SLASH: u32 = 0x2f

/** Filled in and read without a sleep between. */
const entry = staticStruct<DirectoryEntry>()

/**
 * The path of a directory as seen from `root`, with its zero, at `buffer`: its length, zero included. OutOfRange when `room` is
 * too little, NoSuchEntry when the directory was removed.
 */
export function directoryPath(root: Inode, directory: Inode, buffer: ptr, room: u32): i32 {
  if (room < 2) return Errno.OutOfRange
  const end = plus(buffer, room - 1)
  store8(end, 0, 0)
  let start = end
  let here = inodeHold(directory)
  while (here != root && !isTop(here)) {
    here = mountUp(here)
    const above = parentOf(here)
    const written: u32 = isError(above) ? above : nameBefore(at<Inode>(above as ptr), here, buffer, start)
    inodeRelease(here)
    if (isError(written)) {
      if (!isError(above)) inodeRelease(at<Inode>(above as ptr))
      return errorOf(written)
    }
    start = written as ptr
    here = at<Inode>(above as ptr)
  }
  inodeRelease(here)
  if (start == end) {
    start = plus(start, 0xffffffff)
    store8(start, 0, SLASH)
  }
  const length: u32 = distance(start, end) + 1
  moveBytes(buffer, start, length)
  return length as number as i32
}

/** Whether there is nothing above. */
function isTop(inode: Inode): boolean {
  return inode == inode.system.root && inode.system.covered == null
}

function parentOf(directory: Inode): u32 {
  const parent = directory.operations.parent
  return parent == null ? Errno.NoSuchEntry as number as u32 : parent(directory)
}

/** Write a slash and the name of `child` before `start`: where they begin, or OutOfRange, NoSuchEntry. */
function nameBefore(parent: Inode, child: Inode, buffer: ptr, start: ptr): u32 {
  const iterate = parent.operations.iterate
  let position: u32 = 2
  while (iterate != null && iterate(parent, position, entry)) {
    if (entry.inode == child.number) {
      if (distance(buffer, start) < entry.length + 1) return Errno.OutOfRange as number as u32
      const slash = plus(start, 0 - entry.length - 1)
      store8(slash, 0, SLASH)
      copyBytes(plus(slash, 1), entry.name, entry.length)
      return slash
    }
    position = entry.next
  }
  return Errno.NoSuchEntry as number as u32
}
