// What is in regular files in RAM: pages that are made when something is written, holes that read as zeros.
//
// A copy may sleep (a page of the process may have to come in), and so may getting a frame; meanwhile others read, map and,
// but for the lock, would cut. So a frame is held while it is copied from or to, and every step looks at the tree anew.

import { FILE_SIZE_LIMIT } from '../../config.ts'
import { Errno } from '../../lib/errno.ts'
import { address, at, plus, type PhysicalAddress, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import { lockRelease, lockTake } from '../../lib/lock.ts'
import { zeroBytes } from '../../lib/memory.ts'
import { PAGE_MASK, PAGE_SHIFT, PAGE_SIZE, virtualOf } from '../../mm/address.ts'
import { pageFrameAllocateZeroed, pageFrameHold, pageFrameRelease } from '../../mm/page-frame.ts'
import type { MemoryObject } from '../../vm/object.ts'
import { framesToSpare } from '../../vm/reclaim.ts'
import { transferIn, transferOut, transferZero, type Transfer } from '../../vm/transfer.ts'
import { inodeHold, inodeModified, inodeRelease, type Inode } from '../inode.ts'
import { setIdsLose } from '../permission.ts'
import { Missing, pageTreeCut, pageTreeFind, pageTreeMissing, pageTreePut } from './page-tree.ts'
import { ramFrameTake, ramFramesReturn, ramOf, type RamInode } from './ram-inode.ts'

/** How many of `want` bytes are in the page of `position`. */
function withinPage(position: u32, want: u32): u32 {
  const room: u32 = PAGE_SIZE - (position & PAGE_MASK)
  return want < room ? want : room
}

/** Read from `position` on: bytes moved, 0 at the end, or BadAddress. May sleep. */
export function ramRead(inode: Inode, position: u32, transfer: Transfer): i32 {
  const ram = ramOf(inode)
  let done: u32 = 0
  while (transfer.left != 0 && position + done < inode.size) {
    const here: u32 = position + done
    const left: u32 = inode.size - here
    const moved = readPage(ram, here, withinPage(here, left < transfer.left ? left : transfer.left), transfer)
    if (moved <= 0) return done != 0 ? done as number as i32 : moved
    done += moved as number as u32
  }
  return done as number as i32
}

function readPage(ram: RamInode, position: u32, bytes: u32, transfer: Transfer): i32 {
  const frame = pageTreeFind(ram.tree, position >>> PAGE_SHIFT)
  if (frame == 0) return transferZero(transfer, bytes)
  pageFrameHold(frame)
  const moved = transferOut(transfer, plus(virtualOf(frame), position & PAGE_MASK), bytes)
  pageFrameRelease(frame)
  return moved
}

/** Write at `position`, or at the end: bytes moved; NoSpace, FileTooLarge, BadAddress if none were. May sleep. */
export function ramWrite(inode: Inode, position: u32, append: boolean, transfer: Transfer): i32 {
  const ram = ramOf(inode)
  lockTake(ram.writer)
  const moved = writeLocked(ram, append ? inode.size : position, transfer)
  lockRelease(ram.writer)
  if (moved > 0) contentsChanged(inode)
  return moved
}

/** Its times, and whom it runs as. */
function contentsChanged(inode: Inode): void {
  inodeModified(inode)
  setIdsLose(inode)
}

function writeLocked(ram: RamInode, position: u32, transfer: Transfer): i32 {
  let done: u32 = 0
  while (transfer.left != 0) {
    const here: u32 = position + done
    const moved = here >= FILE_SIZE_LIMIT ? Errno.FileTooLarge : writePage(ram, here, transfer)
    if (moved <= 0) return done != 0 ? done as number as i32 : moved
    done += moved as number as u32
    if (position + done > ram.inode.size) ram.inode.size = position + done
  }
  return done as number as i32
}

function writePage(ram: RamInode, position: u32, transfer: Transfer): i32 {
  const frame = pageMade(ram, position >>> PAGE_SHIFT)
  if (frame == 0) return Errno.NoSpace
  let bytes: u32 = withinPage(position, transfer.left)
  if (bytes > FILE_SIZE_LIMIT - position) bytes = FILE_SIZE_LIMIT - position
  pageFrameHold(frame)
  const moved = transferIn(transfer, plus(virtualOf(frame), position & PAGE_MASK), bytes)
  pageFrameRelease(frame)
  return moved
}

/** The frame of a page, made if there is none; 0 without memory. May sleep. */
function pageMade(ram: RamInode, index: u32): PhysicalAddress {
  while (pageTreeMissing(ram.tree, index) != Missing.Nothing) {
    if (!framesToSpare() || !ramFrameTake()) return 0 as PhysicalAddress
    const fresh = pageFrameAllocateZeroed()
    if (fresh != 0 && pageTreeMissing(ram.tree, index) != Missing.Nothing) {
      pageTreePut(ram.tree, index, fresh)
      ram.inode.pages = ram.tree.pages
      continue
    }
    ramFramesReturn(1) // there is none, or somebody else was faster
    if (fresh == 0) return fresh
    pageFrameRelease(fresh)
  }
  return pageTreeFind(ram.tree, index)
}

/** Cut a file, or lengthen it by a hole: FileTooLarge. May sleep. */
export function ramTruncate(inode: Inode, size: u32): i32 {
  if (size > FILE_SIZE_LIMIT) return Errno.FileTooLarge
  const ram = ramOf(inode)
  lockTake(ram.writer)
  const isShorter = size < inode.size
  inode.size = size
  if (isShorter) cut(ram, size)
  lockRelease(ram.writer)
  contentsChanged(inode)
  return Errno.None
}

/** Nothing is left of what was past `size`: a file that grows again has zeros there. */
function cut(ram: RamInode, size: u32): void {
  const before: u32 = ram.tree.frames
  pageTreeCut(ram.tree, (size + PAGE_MASK) >>> PAGE_SHIFT)
  ramFramesReturn(before - ram.tree.frames)
  ram.inode.pages = ram.tree.pages
  const last = (size & PAGE_MASK) == 0 ? 0 as PhysicalAddress : pageTreeFind(ram.tree, size >>> PAGE_SHIFT)
  if (last != 0) zeroBytes(plus(virtualOf(last), size & PAGE_MASK), PAGE_SIZE - (size & PAGE_MASK))
}

/** MemoryObject.page: a page that was never written becomes one of zeros, since a mapping may write to it. May sleep. */
export function ramObjectPage(object: MemoryObject, index: u32): u32 {
  const ram = ramOf(at<Inode>(address(object)))
  if (index >= pagesOf(ram.inode.size)) return 0
  const frame = pageMade(ram, index)
  if (frame == 0) return Errno.OutOfMemory as number as u32
  if (index >= pagesOf(ram.inode.size)) return 0 // cut meanwhile; the page goes with the file
  pageFrameHold(frame)
  return frame
}

function pagesOf(size: u32): u32 {
  return (size + PAGE_MASK) >>> PAGE_SHIFT
}

/** MemoryObject.hold and release: a mapping holds the file. */
export function ramObjectHold(object: MemoryObject): void {
  inodeHold(at<Inode>(address(object)))
}

export function ramObjectRelease(object: MemoryObject): void {
  inodeRelease(at<Inode>(address(object)))
}

/** Where the kernel sees a page of a file; 0 for a hole. For those that read whole files at boot. */
export function ramPage(inode: Inode, index: u32): ptr {
  const frame = pageTreeFind(ramOf(inode).tree, index)
  return frame == 0 ? 0 as ptr : virtualOf(frame)
}
