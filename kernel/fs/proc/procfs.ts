// proc: a file system whose files are made when they are looked at. proc(5). A process's context.
//
// An inode lives while somebody holds it; its number is made of what it is of, so that two looks give the same.

import { DESCRIPTOR_LIMIT, NAME_LIMIT } from '../../config.ts'
import { Errno, isError } from '../../lib/errno.ts'
import { store8 } from '../../lib/intrinsics.ts'
import {
  address, at, sizeof, staticMemory, staticStruct, struct, type Embed, type cstring, type i32, type ptr, type u32,
} from '../../lib/layout.ts'
import { stringLength } from '../../lib/memory.ts'
import { TextWriter, writeBytes, writeDecimal, writeText, writerInit, writerLength, writerRoom } from '../../lib/print.ts'
import { heapAllocate, heapFree } from '../../mm/heap.ts'
import { Pool, poolAllocate, poolFree, poolInit } from '../../mm/pool.ts'
import { descriptorFile } from '../descriptor.ts'
import { directoryPath } from '../directory-path.ts'
import type { OpenFile } from '../file.ts'
import {
  DirectoryEntry, FileSystemType, Inode, InodeOperations, inodeHold, inodeIsDirectory, inodeRelease, inodeTimesNow,
  type FileSystem, type FileSystemSpace,
} from '../inode.ts'
import { Mode, modeType } from '../mode.ts'
import { fileSystemRegister } from '../mount.ts'
import { inodeIsPipe } from '../pipe.ts'
import { mayInspect, processFacts, processNext, type ProcessFacts } from './facts.ts'
import { procFileOpen } from './file.ts'
import { Place, procNode, procNodeFind, procNodeIn, procNumber } from './nodes.ts'

/** PROC_SUPER_MAGIC. include/uapi/linux/magic.h */
const PROC_MAGIC: u32 = 0x9fa0
/** A number is | process, 16 bits | place in the table, 6 | descriptor, 10 |. */
const PID_SHIFT: u32 = 16
const PLACE_SHIFT: u32 = 10
const PID_LIMIT: u32 = 1 << 16
/** Positions in the root: places of the table first, then processes. */
const FIRST_PROCESS: u32 = 256
/** The longest text of a link. */
const LINK_TEXT: u32 = 512

@struct
class ProcInode {
  inode: Embed<Inode>
  place: u32 // in the table; Place.Descriptors with `descriptor` below DESCRIPTOR_LIMIT is one of those
  pid: u32 // 0: of the system
  descriptor: u32 // DESCRIPTOR_LIMIT: none
  text: ptr // of a link, in the heap
}

const inodes = staticStruct<Pool>()
const type = staticStruct<FileSystemType>()
const operations = staticStruct<InodeOperations>()
const linkOperations = staticStruct<InodeOperations>()
const digits = staticMemory(16)
const writer = staticStruct<TextWriter>()
const located = staticStruct<DirectoryEntry>()

/** Once. */
export function procfsInit(): void {
  poolInit(inodes, 'proc-inodes', sizeof<ProcInode>(), 0)
  operations.lookup = lookup
  operations.parent = parent
  operations.iterate = iterate
  operations.open = open
  operations.text = text
  operations.change = change
  operations.unused = unused
  linkOperations.text = text
  linkOperations.follow = follow
  linkOperations.change = change
  linkOperations.unused = unused
  type.name = 'proc'
  type.magic = PROC_MAGIC
  type.mount = mount
  type.space = space
  type.unmount = unmount
  fileSystemRegister(type)
}

function change(_inode: Inode): i32 {
  return Errno.NotPermitted
}

function space(_system: FileSystem, out: FileSystemSpace): void {
  out.blocks = 0
  out.blocksFree = 0
  out.files = 0
  out.filesFree = 0
}

function procOf(inode: Inode): ProcInode {
  return at<ProcInode>(address(inode))
}

/** An inode, held for the caller, or OutOfMemory. */
function made(system: FileSystem, place: u32, pid: u32, descriptor: u32, mode: u32): u32 {
  const memory = poolAllocate(inodes)
  if (memory == 0) return Errno.OutOfMemory as number as u32
  const proc = at<ProcInode>(memory)
  proc.place = place
  proc.pid = pid
  proc.descriptor = descriptor
  proc.inode.system = system
  proc.inode.operations = modeType(mode) == Mode.SymbolicLink && isMagic(proc) ? linkOperations : operations
  proc.inode.number = numberOf(place, pid, descriptor)
  proc.inode.mode = mode
  proc.inode.links = modeType(mode) == Mode.Directory ? 2 : 1
  own(proc)
  inodeTimesNow(proc.inode)
  return address(inodeHold(proc.inode))
}

/** What there is of a process belongs to who it is. */
function own(proc: ProcInode): void {
  const facts = proc.pid == 0 ? null : processFacts(proc.pid)
  if (facts == null) return
  proc.inode.uid = facts.credentials.user.effective
  proc.inode.gid = facts.credentials.group.effective
}

function numberOf(place: u32, pid: u32, descriptor: u32): u32 {
  return (pid << PID_SHIFT) | (place << PLACE_SHIFT) | (descriptor & (DESCRIPTOR_LIMIT - 1))
}

/** Links of processes lead to files, not to paths. */
function isMagic(proc: ProcInode): boolean {
  return proc.pid != 0
}

function mount(system: FileSystem): i32 {
  const root = made(system, Place.Root, 0, DESCRIPTOR_LIMIT, Mode.Directory | 0o555)
  if (isError(root)) return Errno.OutOfMemory
  system.root = at<Inode>(root as ptr)
  return Errno.None
}

function unmount(system: FileSystem): void {
  poolFree(inodes, address(system.root))
}

function unused(inode: Inode): void {
  heapFree(procOf(inode).text)
  poolFree(inodes, address(inode))
}

function lookup(directory: Inode, name: ptr, length: u32): u32 {
  const proc = procOf(directory)
  if (proc.pid != 0 && processFacts(proc.pid) == null) return Errno.NoSuchEntry as number as u32
  const place = procNodeFind(proc.place, name, length)
  if (place != 0) return made(directory.system, place, proc.pid, DESCRIPTOR_LIMIT, procNode(place).mode)
  const number = length > NAME_LIMIT ? 0xffffffff : procNumber(name, length)
  if (proc.place == Place.Root && number != 0 && number < PID_LIMIT && processFacts(number) != null) {
    return made(directory.system, Place.Process, number, DESCRIPTOR_LIMIT, Mode.Directory | 0o555)
  }
  if (proc.place == Place.Descriptors && descriptorOf(proc.pid, number) != null) {
    return made(directory.system, Place.Descriptors, proc.pid, number, Mode.SymbolicLink | 0o700)
  }
  return Errno.NoSuchEntry as number as u32
}

/** An open file of a process, or null. */
function descriptorOf(pid: u32, descriptor: u32): OpenFile | null {
  const facts = processFacts(pid)
  if (facts == null || facts.files == null || descriptor >= DESCRIPTOR_LIMIT) return null
  return descriptorFile(facts.files.table, descriptor as number as i32)
}

function parent(directory: Inode): u32 {
  const proc = procOf(directory)
  if (proc.place == Place.Root) return address(inodeHold(directory))
  if (proc.place == Place.Process) return address(inodeHold(directory.system.root))
  const above = procNode(proc.place).parent
  if (above == Place.Root) return address(inodeHold(directory.system.root))
  return made(directory.system, above, proc.pid, DESCRIPTOR_LIMIT, Mode.Directory | 0o555)
}

function iterate(directory: Inode, position: u32, entry: DirectoryEntry): boolean {
  const proc = procOf(directory)
  if (proc.place == Place.Descriptors) return nextDescriptor(proc, position, entry)
  const place = position < FIRST_PROCESS ? procNodeIn(proc.place, position - 2) : 0
  if (place != 0) {
    const node = procNode(place)
    entry.name = node.name as ptr
    entry.length = stringLength(node.name)
    entry.inode = numberOf(place, proc.pid, DESCRIPTOR_LIMIT)
    entry.mode = node.mode
    entry.next = place + 3
    return true
  }
  return proc.place == Place.Root && nextProcess(position < FIRST_PROCESS ? FIRST_PROCESS : position, entry)
}

function nextProcess(position: u32, entry: DirectoryEntry): boolean {
  const pid = processNext(position - FIRST_PROCESS)
  if (pid == 0 || pid >= PID_LIMIT) return false
  entryOfNumber(entry, pid)
  entry.inode = numberOf(Place.Process, pid, DESCRIPTOR_LIMIT)
  entry.mode = Mode.Directory
  entry.next = pid + FIRST_PROCESS
  return true
}

function nextDescriptor(proc: ProcInode, position: u32, entry: DirectoryEntry): boolean {
  for (let i: u32 = position - 2; i < DESCRIPTOR_LIMIT; i++) {
    if (descriptorOf(proc.pid, i) == null) continue
    entryOfNumber(entry, i)
    entry.inode = numberOf(Place.Descriptors, proc.pid, i)
    entry.mode = Mode.SymbolicLink
    entry.next = i + 3
    return true
  }
  return false
}

function entryOfNumber(entry: DirectoryEntry, number: u32): void {
  writerInit(writer, digits, 16)
  writeDecimal(writer, number)
  entry.name = digits
  entry.length = writerLength(writer)
}

function open(inode: Inode, file: OpenFile): i32 {
  const proc = procOf(inode)
  const say = procNode(proc.place).text
  if (modeType(inode.mode) != Mode.Regular || say == null) return Errno.None
  if (procNode(proc.place).inner && !mayInspect(proc.pid)) return Errno.AccessDenied
  return procFileOpen(file, say, procNode(proc.place).take, proc.pid)
}

/** The text of a link, made when it is first asked for; 0 without memory, AccessDenied. */
function text(inode: Inode): u32 {
  const proc = procOf(inode)
  if (isMagic(proc) && !mayInspect(proc.pid)) return Errno.AccessDenied as number as u32
  if (proc.text != 0) return proc.text
  proc.text = heapAllocate(LINK_TEXT)
  if (proc.text == 0) return proc.text
  writerInit(writer, proc.text, LINK_TEXT - 1)
  const say = procNode(proc.place).text
  if (isMagic(proc)) writeTarget(proc)
  else if (say != null) say(writer, 0)
  store8(writer.next, 0, 0)
  return proc.text
}

/** What a link of a process leads to: one of its paths, or what it is and its number. */
function writeTarget(proc: ProcInode): void {
  const target = targetOf(proc)
  const file = proc.descriptor == DESCRIPTOR_LIMIT ? null : descriptorOf(proc.pid, proc.descriptor)
  if (proc.descriptor == DESCRIPTOR_LIMIT && proc.place == Place.Executable) return writeExecutable(processFacts(proc.pid))
  if (target == null) return writeNumbered('socket', file == null ? 0 : file.data)
  const root = processFacts(proc.pid)!.files!.root
  if (inodeIsDirectory(target)) return writePath(root, target)
  const locate = target.operations.locate
  const directory: u32 = locate == null ? Errno.NoSuchEntry as number as u32 : locate(target, located)
  if (isError(directory)) return writeNumbered(inodeIsPipe(target) ? 'pipe' : 'inode', target.number)
  writePath(root, at<Inode>(directory as ptr))
  inodeRelease(at<Inode>(directory as ptr))
  if (writerLength(writer) > 1) writeText(writer, '/')
  writeBytes(writer, located.name, located.length)
}

/** A directory's path, as a process with that root sees it. */
function writePath(root: Inode, directory: Inode): void {
  const length = directoryPath(root, directory, writer.next, LINK_TEXT - 1)
  if (length > 0) writerRoom(writer, (length as number as u32) - 1)
}

function writeExecutable(facts: ProcessFacts | null): void {
  if (facts != null && facts.executablePath != 0) writeText(writer, facts.executablePath as cstring)
}

function writeNumbered(kind: cstring, number: u32): void {
  writeText(writer, kind)
  writeText(writer, ':[')
  writeDecimal(writer, number)
  writeText(writer, ']')
}

/** Where a link of a process leads: its directories, its program, the file behind a descriptor. */
function follow(inode: Inode): u32 {
  const proc = procOf(inode)
  if (!mayInspect(proc.pid)) return Errno.AccessDenied as number as u32
  const target = targetOf(proc)
  return target == null ? Errno.NoSuchEntry as number as u32 : address(inodeHold(target))
}

function targetOf(proc: ProcInode): Inode | null {
  const facts = processFacts(proc.pid)
  if (facts == null) return null
  if (proc.descriptor != DESCRIPTOR_LIMIT) {
    const file = descriptorOf(proc.pid, proc.descriptor)
    return file == null ? null : file.inode
  }
  if (facts.files == null) return null
  switch (proc.place) {
    case Place.Executable: return facts.executable
    case Place.RootLink: return facts.files.root
    default: return facts.files.cwd
  }
}
