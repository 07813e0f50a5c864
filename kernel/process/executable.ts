// The file of a process's program, and the path it was found by, links followed: /proc/N/exe. Context: a process's.

import { PATH_LIMIT } from '../config.ts'
import type { FileContext } from '../fs/context.ts'
import { directoryPath } from '../fs/directory-path.ts'
import { inodeHold, inodeRelease, type Inode } from '../fs/inode.ts'
import { Follow, PathWalk, pathEnd, pathWalk } from '../fs/path.ts'
import { isError } from '../lib/errno.ts'
import { store8 } from '../lib/intrinsics.ts'
import { at, plus, struct, type ptr, type u32 } from '../lib/layout.ts'
import { copyBytes, stringLengthBounded } from '../lib/memory.ts'
import { heapAllocate, heapFree } from '../mm/heap.ts'

const SLASH: u32 = 0x2f

/** Zeroed: none. */
@struct
export class Executable {
  inode: Inode | null // held
  path: ptr // of the heap, zero-terminated; 0: not known
}

/** Let go of it. May sleep. */
export function executableRelease(of: Executable): void {
  const inode = of.inode
  if (inode != null) inode.running -= 1
  heapFree(of.path)
  of.path = 0 as ptr
  of.inode = null
  inodeRelease(inode)
}

function runs(inode: Inode): Inode {
  inode.running += 1
  return inodeHold(inode)
}

/** A child has the same. Without memory for the path, it has none. */
export function executableCopy(to: Executable, from: Executable): void {
  to.inode = from.inode == null ? null : runs(from.inode)
  to.path = from.path == 0 ? 0 as ptr : stringCopy(from.path, 0 as ptr)
}

/** From now on it is `inode`, which `path` leads to. May sleep. */
export function executableSet(of: Executable, inode: Inode, context: FileContext, path: ptr): void {
  executableRelease(of)
  of.inode = runs(inode)
  const walked = pathWalk(context, context.cwd, path, Follow.Last)
  if (isError(walked)) return
  const walk = at<PathWalk>(walked as ptr)
  const buffer = heapAllocate(PATH_LIMIT)
  if (buffer != 0 && directoryPath(context.root, walk.directory, buffer, PATH_LIMIT) > 0) of.path = stringCopy(buffer, walk.name)
  heapFree(buffer)
  pathEnd(walk)
}

/** A copy of `path`, with a slash and `name` behind it if that is not 0; 0 without memory. */
function stringCopy(path: ptr, name: ptr): ptr {
  let length: u32 = stringLengthBounded(path, PATH_LIMIT)
  const more: u32 = name == 0 ? 0 : stringLengthBounded(name, PATH_LIMIT)
  const copy = heapAllocate(length + more + 2)
  if (copy == 0) return copy
  copyBytes(copy, path, length)
  if (more != 0) {
    if (length != 1) {
      store8(copy, length, SLASH)
      length += 1
    }
    copyBytes(plus(copy, length), name, more)
  }
  store8(copy, length + more, 0)
  return copy
}
