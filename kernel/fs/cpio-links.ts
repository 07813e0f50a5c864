// Hard links in an archive: which inode of the archive became which file. Linux's initramfs keeps the same table. Boot context.

import { CPIO_LINK_LIMIT } from '../config.ts'
import { Errno, isError } from '../lib/errno.ts'
import { address, at, sizeof, struct, type ptr, type u32 } from '../lib/layout.ts'
import { heapAllocate, heapFree } from '../mm/heap.ts'
import type { FileContext } from './context.ts'
import type { CpioHeader } from './cpio.ts'
import { inodeHold, inodeRelease, type Inode } from './inode.ts'
import { Follow, PathWalk, pathEnd, pathWalk } from './path.ts'

@struct
class Known {
  next: Known | null
  number: u32
  major: u32
  minor: u32
  inode: Inode // held
}

let first: Known | null = null
let count: u32 = 0

/** Remember which file an inode of the archive is. Of more than CPIO_LINK_LIMIT at once, later names become files of their own. */
export function cpioLinkNote(header: CpioHeader, inode: Inode): void {
  if (count == CPIO_LINK_LIMIT) return
  const memory = heapAllocate(sizeof<Known>())
  if (memory == 0) return
  const known = at<Known>(memory)
  known.next = first
  known.number = header.inode
  known.major = header.major
  known.minor = header.minor
  known.inode = inodeHold(inode)
  first = known
  count += 1
}

/** If the archive's inode is known, make `name` a link to its file: whether it was made. */
export function cpioLinkFind(context: FileContext, header: CpioHeader, name: ptr): boolean {
  let known = first
  while (known != null && !isSame(known, header)) known = known.next
  if (known == null) return false
  const walked = pathWalk(context, context.cwd, name, Follow.NotLast | Follow.Create)
  if (isError(walked)) return false
  const walk = at<PathWalk>(walked as ptr)
  const link = walk.directory.operations.link
  const isFree = walk.inode == null && link != null && walk.directory.system == known.inode.system
  const made = isFree && link != null && link(walk.directory, walk.name, walk.nameLength, known.inode) == Errno.None
  pathEnd(walk)
  return made
}

function isSame(known: Known, header: CpioHeader): boolean {
  return known.number == header.inode && known.major == header.major && known.minor == header.minor
}

/** An archive is at its end: the next numbers its inodes anew. */
export function cpioLinksForget(): void {
  while (first != null) {
    const known = first
    first = known.next
    inodeRelease(known.inode)
    heapFree(address(known))
  }
  count = 0
}
