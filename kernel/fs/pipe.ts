// Pipes, and the fifos of file systems: bytes from writers to readers through a ring of pages. POSIX.1-2017 read, write, pipe(7).
//
//    start          end            both count bytes modulo 2^32; end - start are in the pipe, `pages` pages at most
//      v             v             page n is slot n mod `pages`, and has a frame only while bytes are in it
//   | frame | frame | frame | 0 | 0 | …
//
// A copy may sleep, so one reads or writes at a time (`copying`); nobody waits for bytes or room with it held. Up to a page is
// written whole or not at all (PIPE_BUF). An empty pipe begins at its first page again and keeps that: small messages cost no
// allocation. A process's context.

import { PIPE_PAGES, PIPE_PAGES_LIMIT } from '../config.ts'
import { Errno } from '../lib/errno.ts'
import { countLeadingZeros, load32, store32 } from '../lib/intrinsics.ts'
import {
  address, at, plus, sizeof, staticStruct, struct, type Bytes, type Embed, type PhysicalAddress, type i32, type ptr, type u32,
} from '../lib/layout.ts'
import { Lock, lockRelease, lockTake } from '../lib/lock.ts'
import { copyBytes, zeroBytes } from '../lib/memory.ts'
import { WaitQueue, pollWake, sleepOn, wakeAll } from '../lib/sleep.ts'
import { EVERY_EVENT, WatchList, watchesTell } from '../lib/watch.ts'
import { PAGE_MASK, PAGE_SHIFT, PAGE_SIZE, virtualOf } from '../mm/address.ts'
import { heapAllocate, heapFree } from '../mm/heap.ts'
import { Pool, poolAllocate, poolFree, poolInit } from '../mm/pool.ts'
import { pageFrameAllocate, pageFrameRelease } from '../mm/page-frame.ts'
import { transferIn, transferOut, type Transfer } from '../vm/transfer.ts'
import { userStore32 } from '../vm/user-copy.ts'
import { FileOperations, fileCreate, fileRelease, type OpenFile } from './file.ts'
import { FileSignal, Open, Poll, flagsReadable, flagsWritable } from './flags.ts'
import {
  FileSystem, FileSystemType, Inode, InodeOperations, inodeHold, inodeTimesNow, type FileSystemSpace,
} from './inode.ts'
import { Mode } from './mode.ts'
import { processSignal } from './process-hooks.ts'

/** Linux's FIONREAD. include/uapi/asm-generic/ioctls.h */
const FIONREAD: u32 = 0x541b
const READABLE: u32 = Poll.In | Poll.ReadNormal
const WRITABLE: u32 = Poll.Out | Poll.WriteNormal

@struct
export class Pipe {
  readers: u32 // open files that read
  writers: u32
  everReaders: u32 // how often it was opened so, modulo 2^32: an open of a fifo waits for the next
  everWriters: u32
  start: u32
  end: u32
  copying: Embed<Lock>
  waiting: Embed<WaitQueue> // for bytes, for room, for the other side
  watchers: Embed<WatchList>
  pages: u32 // a power of two
  frames: ptr // as many physical addresses: `own`, or in the heap
  own: Bytes<64> // PIPE_PAGES of them
}

const PIPEFS_MAGIC: u32 = 0x50495045 // include/uapi/linux/magic.h
/** The device number that pipes without a name have: none that a mount gets. */
const PIPE_DEVICE: u32 = 0xff

const pipes = staticStruct<Pool>()
const inodes = staticStruct<Pool>()
const operations = staticStruct<FileOperations>()
const inodeOperations = staticStruct<InodeOperations>()
/** Where pipes without a name are: a file system that is mounted nowhere, so that a pipe is a file as others are. */
const system = staticStruct<FileSystem>()
const type = staticStruct<FileSystemType>()
let nextNumber: u32 = 1

/** Once, before the first pipe. */
export function pipesInit(): void {
  poolInit(pipes, 'pipes', sizeof<Pipe>(), 0)
  operations.read = read
  operations.write = write
  operations.poll = poll
  operations.watchers = watchers
  operations.control = control
  operations.close = close
  poolInit(inodes, 'pipe-inodes', sizeof<Inode>(), 0)
  inodeOperations.unused = unused
  type.name = 'pipefs'
  type.magic = PIPEFS_MAGIC
  type.space = space
  system.type = type
  system.device = PIPE_DEVICE
}

function unused(inode: Inode): void {
  poolFree(inodes, address(inode))
}

function space(_system: FileSystem, out: FileSystemSpace): void {
  out.blocks = 0
  out.blocksFree = 0
  out.files = 0
  out.filesFree = 0
}

/** Whether an inode is that of a pipe without a name. */
export function inodeIsPipe(inode: Inode): boolean {
  return inode.system == system
}

/** The inode of a new pipe, held by nobody; null without memory. */
function inodeCreate(pipe: Pipe): Inode | null {
  const memory = poolAllocate(inodes)
  if (memory == 0) return null
  const inode = at<Inode>(memory)
  inode.system = system
  inode.operations = inodeOperations
  inode.mode = Mode.Fifo | 0o600
  inode.links = 1
  inode.number = nextNumber
  nextNumber += 1
  inode.special = address(pipe)
  inodeTimesNow(inode)
  return inode
}

/** Pipes there are, for the self-test. */
export function pipesUsed(): u32 {
  return pipes.used
}

/** ioctl: how many bytes wait. */
function control(file: OpenFile, request: u32, argument: u32): i32 {
  const pipe = at<Pipe>(file.data)
  if (request != FIONREAD) return Errno.NotTerminal
  return userStore32(argument as ptr, pipe.end - pipe.start)
}

/** Some of `events` hold now that did not, or hold anew. */
function changed(pipe: Pipe, events: u32): void {
  wakeAll(pipe.waiting)
  watchesTell(pipe.watchers, events)
  pollWake()
}

function watchers(file: OpenFile): WatchList {
  return at<Pipe>(file.data).watchers
}

/** Bytes there is room for. */
function roomIn(pipe: Pipe): u32 {
  return (pipe.pages << PAGE_SHIFT) - (pipe.end - pipe.start)
}

/** Whether a page can be written at once, which is when a writer is told that it can write. */
function isWritable(pipe: Pipe): boolean {
  return roomIn(pipe) >= PAGE_SIZE
}

function frameOf(pipe: Pipe, position: u32): PhysicalAddress {
  return load32(pipe.frames, slotOf(pipe, position)) as PhysicalAddress
}

function slotOf(pipe: Pipe, position: u32): u32 {
  return ((position >>> PAGE_SHIFT) & (pipe.pages - 1)) << 2
}

/** Bytes from `position` to the end of its page, `want` at most. */
function inPage(position: u32, want: u32): u32 {
  const room: u32 = PAGE_SIZE - (position & PAGE_MASK)
  return want < room ? want : room
}

function dropFrame(pipe: Pipe, position: u32): void {
  const frame = frameOf(pipe, position)
  if (frame != 0) pageFrameRelease(frame)
  store32(pipe.frames, slotOf(pipe, position), 0)
}

/** Whether the frame at `position`, which is behind the start, has been written to again from its beginning: a pipe that was full. */
function isReused(pipe: Pipe, position: u32): boolean {
  return slotOf(pipe, pipe.end - 1) == slotOf(pipe, position)
}

/** Give up the frames that nothing is in any more, after `start` moved on from `before`. An empty pipe keeps one, as its first. */
function trim(pipe: Pipe, before: u32): void {
  if (pipe.start != pipe.end) {
    if (before >>> PAGE_SHIFT != pipe.start >>> PAGE_SHIFT && !isReused(pipe, before)) dropFrame(pipe, before)
    return
  }
  const frame = frameOf(pipe, before)
  store32(pipe.frames, slotOf(pipe, before), 0)
  dropFrame(pipe, pipe.start)
  store32(pipe.frames, 0, frame)
  pipe.start = 0
  pipe.end = 0
}

/** Bytes out of the pipe, as many as there are and fit; BadAddress if none. May sleep. */
function take(pipe: Pipe, transfer: Transfer): i32 {
  let done: u32 = 0
  while (transfer.left != 0 && pipe.start != pipe.end) {
    const bytes = inPage(pipe.start, pipe.end - pipe.start)
    const from = plus(virtualOf(frameOf(pipe, pipe.start)), pipe.start & PAGE_MASK)
    const moved = transferOut(transfer, from, bytes < transfer.left ? bytes : transfer.left)
    if (moved <= 0) return done != 0 ? done as number as i32 : moved
    const before = pipe.start
    pipe.start += moved as number as u32
    done += moved as number as u32
    trim(pipe, before)
  }
  return done as number as i32
}

/** Bytes into the pipe, as many as there is room for; OutOfMemory, BadAddress if none. May sleep. */
function give(pipe: Pipe, transfer: Transfer): i32 {
  let done: u32 = 0
  while (transfer.left != 0 && roomIn(pipe) != 0) {
    const moved = givePage(pipe, transfer)
    if (moved <= 0) return done != 0 ? done as number as i32 : moved
    pipe.end += moved as number as u32
    done += moved as number as u32
  }
  return done as number as i32
}

function givePage(pipe: Pipe, transfer: Transfer): i32 {
  if (frameOf(pipe, pipe.end) == 0) {
    const frame = pageFrameAllocate()
    if (frame == 0) return Errno.OutOfMemory
    store32(pipe.frames, slotOf(pipe, pipe.end), frame)
  }
  let bytes = inPage(pipe.end, transfer.left)
  const room: u32 = roomIn(pipe)
  if (bytes > room) bytes = room
  return transferIn(transfer, plus(virtualOf(frameOf(pipe, pipe.end)), pipe.end & PAGE_MASK), bytes)
}

/** What is there, or what comes next; 0 when nobody writes any more. */
function read(file: OpenFile, transfer: Transfer): i32 {
  const pipe = at<Pipe>(file.data)
  if (transfer.left == 0) return 0
  while (true) {
    lockTake(pipe.copying)
    const had = isWritable(pipe)
    const moved = take(pipe, transfer)
    lockRelease(pipe.copying)
    if (moved != 0) {
      if (moved > 0) changed(pipe, !had && isWritable(pipe) ? WRITABLE : 0)
      return moved
    }
    if (pipe.writers == 0) return 0
    if ((file.flags & Open.NonBlock) != 0) return Errno.WouldBlock
    const woken = pipe.start == pipe.end ? sleepOn(pipe.waiting) : Errno.None
    if (woken != Errno.None) return woken
  }
}

/** All of it, unless it is interrupted or the file does not block; up to a page never in part. */
function write(file: OpenFile, transfer: Transfer): i32 {
  const pipe = at<Pipe>(file.data)
  let done: u32 = 0
  while (transfer.left != 0) {
    const moved = writeSome(pipe, transfer)
    if (moved > 0) {
      done += moved as number as u32
      changed(pipe, READABLE)
      continue
    }
    let result = moved
    if (result == Errno.None) result = (file.flags & Open.NonBlock) != 0 ? Errno.WouldBlock : sleepOn(pipe.waiting)
    if (result == Errno.None) continue
    if (done != 0) return done as number as i32
    if (result == Errno.BrokenPipe) processSignal(FileSignal.Pipe)
    return result
  }
  return done as number as i32
}

/** Bytes written, 0: there is no room for them; BrokenPipe: nobody reads. */
function writeSome(pipe: Pipe, transfer: Transfer): i32 {
  lockTake(pipe.copying)
  const room: u32 = roomIn(pipe)
  const fits = transfer.left <= PAGE_SIZE ? transfer.left <= room : room != 0
  let moved: i32 = 0
  if (pipe.readers == 0) moved = Errno.BrokenPipe
  else if (fits) moved = give(pipe, transfer)
  lockRelease(pipe.copying)
  return moved
}

function poll(file: OpenFile): u32 {
  const pipe = at<Pipe>(file.data)
  let events: u32 = 0
  if (flagsReadable(file.flags)) {
    if (pipe.start != pipe.end) events |= READABLE
    if (pipe.writers == 0 && pipe.everWriters != 0) events |= Poll.HangUp
  }
  if (flagsWritable(file.flags)) {
    if (isWritable(pipe)) events |= WRITABLE
    if (pipe.readers == 0) events |= Poll.Error
  }
  return events
}

function close(file: OpenFile): void {
  const pipe = at<Pipe>(file.data)
  if (flagsReadable(file.flags)) pipe.readers -= 1
  if (flagsWritable(file.flags)) pipe.writers -= 1
  changed(pipe, EVERY_EVENT)
  if (pipe.readers + pipe.writers == 0) pipeFree(pipe, file.inode)
}

/** An empty pipe of the usual size; null without memory. */
function pipeMake(): Pipe | null {
  const memory = poolAllocate(pipes)
  if (memory == 0) return null
  const pipe = at<Pipe>(memory)
  pipe.pages = PIPE_PAGES
  pipe.frames = pipe.own
  return pipe
}

/** Every frame is given up, and the place for more than the usual number of them. */
function framesDrop(pipe: Pipe): void {
  for (let i: u32 = 0; i < pipe.pages; i++) dropFrame(pipe, i << PAGE_SHIFT)
  if (pipe.frames != pipe.own) heapFree(pipe.frames)
}

function pipeFree(pipe: Pipe, inode: Inode | null): void {
  framesDrop(pipe)
  if (inode != null) inode.special = 0 as ptr
  poolFree(pipes, address(pipe))
}

/** An end of a pipe, counted; null when there are too many open files. */
function endOf(pipe: Pipe, inode: Inode, flags: u32): OpenFile | null {
  const file = fileCreate(operations, flags)
  if (file == null) return null
  file.data = address(pipe)
  file.inode = inodeHold(inode)
  if (flagsReadable(flags)) {
    pipe.readers += 1
    pipe.everReaders += 1
  }
  if (flagsWritable(flags)) {
    pipe.writers += 1
    pipe.everWriters += 1
  }
  return file
}

// --- Sizes: fcntl(2), F_SETPIPE_SZ. -----------------------------------------------------------------------

/** Whether a file is an end of a pipe, or a fifo. */
export function isPipe(file: OpenFile): boolean {
  return file.operations == operations
}

/** Bytes that the pipe of a file has room for when it is empty. */
export function pipeSize(file: OpenFile): u32 {
  return at<Pipe>(file.data).pages << PAGE_SHIFT
}

/**
 * Give a pipe room for `bytes`, rounded up to a power of two of pages: the room it has then. Errors: InvalidArgument (past 2 GiB),
 * NotPermitted (past PIPE_PAGES_LIMIT), Busy (more is in it), OutOfMemory. May sleep.
 */
export function pipeResize(file: OpenFile, bytes: u32): i32 {
  const pipe = at<Pipe>(file.data)
  if (bytes > 0x80000000) return Errno.InvalidArgument
  if (bytes > PIPE_PAGES_LIMIT << PAGE_SHIFT) return Errno.NotPermitted
  const least: u32 = bytes == 0 ? 0 : (bytes - 1) >>> PAGE_SHIFT
  const pages: u32 = least == 0 ? 1 : 1 << (32 - countLeadingZeros(least))
  lockTake(pipe.copying)
  const result = relay(pipe, pages)
  lockRelease(pipe.copying)
  if (result != Errno.None) return result
  changed(pipe, isWritable(pipe) ? WRITABLE : 0)
  return (pages << PAGE_SHIFT) as number as i32
}

/** What is in the pipe moves to other frames, from the first slot on. */
function relay(pipe: Pipe, pages: u32): i32 {
  const bytes: u32 = pipe.end - pipe.start
  if (bytes > pages << PAGE_SHIFT) return Errno.Busy
  const room: u32 = pages > PIPE_PAGES ? pages << 2 : PIPE_PAGES << 2
  const fresh = heapAllocate(room)
  if (fresh == 0) return Errno.OutOfMemory
  zeroBytes(fresh, room)
  if (!copyFrames(pipe, fresh, bytes)) {
    for (let at: u32 = 0; at < room; at += 4) if (load32(fresh, at) != 0) pageFrameRelease(load32(fresh, at) as PhysicalAddress)
    heapFree(fresh)
    return Errno.OutOfMemory
  }
  framesDrop(pipe)
  pipe.frames = fresh
  pipe.pages = pages
  pipe.start = 0
  pipe.end = bytes
  if (pages > PIPE_PAGES) return Errno.None
  copyBytes(pipe.own, fresh, room)
  pipe.frames = pipe.own
  heapFree(fresh)
  return Errno.None
}

/** The `bytes` of a pipe into new frames in `fresh`; false when memory is short. */
function copyFrames(pipe: Pipe, fresh: ptr, bytes: u32): boolean {
  let done: u32 = 0
  while (done < bytes) {
    const slot: u32 = done >>> PAGE_SHIFT << 2
    if ((done & PAGE_MASK) == 0) store32(fresh, slot, pageFrameAllocate())
    const frame = load32(fresh, slot) as PhysicalAddress
    if (frame == 0) return false
    const from: u32 = pipe.start + done
    const piece = inPage(done, inPage(from, bytes - done))
    copyBytes(plus(virtualOf(frame), done & PAGE_MASK), plus(virtualOf(frameOf(pipe, from)), from & PAGE_MASK), piece)
    done += piece
  }
  return true
}

/** The two ends of a new pipe. */
@struct
export class PipeEnds {
  reader: OpenFile
  writer: OpenFile
}

/** A pipe: both ends, counted once. `flags` may have NonBlock. OutOfMemory, FileTableFull. */
export function pipeCreate(flags: u32, ends: PipeEnds): i32 {
  const pipe = pipeMake()
  if (pipe == null) return Errno.OutOfMemory
  const inode = inodeCreate(pipe)
  const reader = inode == null ? null : endOf(pipe, inode, flags | Open.ReadOnly)
  const writer = reader == null ? null : endOf(pipe, inode!, flags | Open.WriteOnly)
  if (reader == null || writer == null) {
    if (reader != null) fileRelease(reader) // pipe and inode with it
    else {
      poolFree(pipes, address(pipe))
      if (inode != null) poolFree(inodes, address(inode))
    }
    return inode == null ? Errno.OutOfMemory : Errno.FileTableFull
  }
  ends.reader = reader
  ends.writer = writer
  return Errno.None
}

/** The pipe of a fifo, made by the first who opens it; null without memory. */
function pipeOf(inode: Inode): Pipe | null {
  if (inode.special == 0) inode.special = address(pipeMake())
  return at<Pipe>(inode.special)
}

/**
 * Open a fifo: an OpenFile, or NoSuchDevice (it does not block, and nobody reads), OutOfMemory, FileTableFull, Interrupted.
 * One that blocks waits until the other side is opened: POSIX.1-2017 open. May sleep.
 */
export function fifoOpen(inode: Inode, flags: u32): u32 {
  const pipe = pipeOf(inode)
  if (pipe == null) return Errno.OutOfMemory as number as u32
  const isFifo = !inodeIsPipe(inode) // one without a name had both sides from the start
  const mustWait = isFifo && (flags & Open.NonBlock) == 0
  const noReader = !flagsReadable(flags) && pipe.readers == 0
  if (isFifo && noReader && !mustWait) {
    if (pipe.writers == 0) pipeFree(pipe, inode)
    return Errno.NoSuchDevice as number as u32
  }
  const file = endOf(pipe, inode, flags)
  if (file == null) {
    if (pipe.readers + pipe.writers == 0) pipeFree(pipe, inode)
    return Errno.FileTableFull as number as u32
  }
  changed(pipe, EVERY_EVENT)
  const result = mustWait ? otherSide(pipe, flags) : Errno.None
  if (result == Errno.None) return address(file)
  fileRelease(file)
  return result as number as u32
}

/** Wait until somebody has, or had since, the other end open. May sleep: Interrupted. */
function otherSide(pipe: Pipe, flags: u32): i32 {
  const readers = pipe.everReaders
  const writers = pipe.everWriters
  while (true) {
    const reads = pipe.readers != 0 || pipe.everReaders != readers
    const writes = pipe.writers != 0 || pipe.everWriters != writers
    if (reads && writes) return Errno.None
    if (flagsReadable(flags) && flagsWritable(flags)) return Errno.None
    const woken = sleepOn(pipe.waiting)
    if (woken != Errno.None) return woken
  }
}
