// ramfs: a file system that is nothing but memory. Of it are the initial RAM disk, /dev, and what is mounted as tmpfs.
//
// The calls have checked what the path names are: that a directory is one, that a name is free or taken, that both are of one
// file system. Nothing here sleeps but the contents of files. A process's context.

import { LINK_LIMIT } from '../../config.ts'
import { Errno } from '../../lib/errno.ts'
import { address, staticStruct, type cstring, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import { copyBytes, stringLength } from '../../lib/memory.ts'
import { random32, randomSeeds } from '../../lib/random.ts'
import { heapAllocate } from '../../mm/heap.ts'
import {
  InodeOperations, inodeChanged, inodeHold, inodeModified, type DirectoryEntry, type FileSystem, type FileSystemSpace,
  type FileSystemType, type Inode, type Renaming,
} from '../inode.ts'
import { Mode, modeType } from '../mode.ts'
import { ramObjectHold, ramObjectPage, ramObjectRelease, ramRead, ramTruncate, ramWrite } from './contents.ts'
import {
  ramEntryAdd, ramEntryAt, ramEntryFind, ramEntryName, ramEntryOf, ramEntryRemove, ramNamesInit, type RamEntry,
} from './directory.ts'
import {
  ramFramesLimit, ramFramesUsed, ramInodeCreate, ramInodeFree, ramInodeUnused, ramInodesFree, ramInodesInit, ramOf,
  type RamInode,
} from './ram-inode.ts'

/** TMPFS_MAGIC and RAMFS_MAGIC. include/uapi/linux/magic.h */
export const TMPFS_MAGIC: u32 = 0x01021994
export const RAMFS_MAGIC: u32 = 0x858458f6

const ROOT_MODE: u32 = 0o40755
/** Everybody's, each name its maker's. */
const SHARED_MODE: u32 = 0o41777

const operations = staticStruct<InodeOperations>()

/** Once, before the first mount. */
export function ramfsInit(): void {
  ramInodesInit()
  if (randomSeeds() != 0) ramNamesInit(random32())
  operations.lookup = lookup
  operations.parent = parent
  operations.create = create
  operations.link = link
  operations.remove = remove
  operations.rename = rename
  operations.text = text
  operations.read = ramRead
  operations.write = ramWrite
  operations.truncate = ramTruncate
  operations.iterate = iterate
  operations.locate = locate
  operations.unused = ramInodeUnused
}

/** Fill in a kind of file system that is ramfs under some name. */
export function ramfsType(type: FileSystemType, name: cstring, magic: u32): void {
  type.name = name
  type.magic = magic
  type.mount = ramfsMount
  type.space = space
  type.unmount = unmount
}

function made(system: FileSystem, mode: u32, device: u32): RamInode | null {
  const ram = ramInodeCreate(system, operations, mode, device)
  if (ram == null) return null
  const object = ram.inode.object
  object.page = ramObjectPage
  object.hold = ramObjectHold
  object.release = ramObjectRelease
  return ram
}

/** FileSystemType.mount: an empty root. */
export function ramfsMount(system: FileSystem): i32 {
  const ram = made(system, ROOT_MODE, 0)
  if (ram == null) return Errno.OutOfMemory
  ram.inode.links = 2
  ram.parent = ram
  system.root = inodeHold(ram.inode)
  return Errno.None
}

/** FileSystemType.mount of tmpfs: an empty root in which everybody may make files. tmpfs(5). */
export function tmpfsMount(system: FileSystem): i32 {
  const result = ramfsMount(system)
  if (result == Errno.None) system.root.mode = SHARED_MODE
  return result
}

function space(_system: FileSystem, out: FileSystemSpace): void {
  out.blocks = ramFramesLimit()
  out.blocksFree = ramFramesLimit() - ramFramesUsed()
  out.files = ramInodesFree() + _system.files
  out.filesFree = ramInodesFree()
}

/** Every file, leaves first, by going down to the first entry again and again. */
function unmount(system: FileSystem): void {
  const root = ramOf(system.root)
  let directory = root
  while (true) {
    const entry = directory.firstEntry
    if (entry == null) {
      if (directory == root) break
      directory = directory.parent!
      dropEntry(directory.firstEntry!)
    } else if (modeType(entry.inode.inode.mode) == Mode.Directory && entry.inode.firstEntry != null) directory = entry.inode
    else dropEntry(entry)
  }
  root.inode.count = 0
  ramInodeFree(root)
}

/** A name whose file goes with it if it was the last. */
function dropEntry(entry: RamEntry): void {
  const ram = entry.inode
  ramEntryRemove(entry)
  ram.inode.links = modeType(ram.inode.mode) == Mode.Directory ? 0 : ram.inode.links - 1
  if (ram.inode.links == 0) ramInodeFree(ram)
}

function lookup(directory: Inode, name: ptr, length: u32): u32 {
  const entry = ramEntryFind(ramOf(directory), name, length)
  if (entry == null) return Errno.NoSuchEntry as number as u32
  return address(inodeHold(entry.inode.inode))
}

function parent(directory: Inode): u32 {
  const above = ramOf(directory).parent
  if (above == null) return Errno.NoSuchEntry as number as u32
  return address(inodeHold(above.inode))
}

function create(directory: Inode, name: ptr, length: u32, mode: u32, device: u32, target: ptr): u32 {
  const above = ramOf(directory)
  if (directory.links == 0) return Errno.NoSuchEntry as number as u32 // removed while somebody was in it
  if (ramEntryFind(above, name, length) != null) return Errno.Exists as number as u32
  const ram = made(directory.system, mode, device)
  if (ram == null) return Errno.NoSpace as number as u32
  if (!textTaken(ram, target) || ramEntryAdd(above, name, length, ram) == null) {
    ramInodeFree(ram)
    return Errno.NoSpace as number as u32
  }
  ram.inode.links = 1
  if (modeType(mode) == Mode.Directory) enter(ram, above)
  inodeModified(directory)
  return address(inodeHold(ram.inode))
}

/** A symbolic link keeps a copy of its text; anything else has none. */
function textTaken(ram: RamInode, target: ptr): boolean {
  if (target == 0) return true
  const length = stringLength(target as cstring)
  ram.text = heapAllocate(length + 1)
  if (ram.text == 0) return false
  copyBytes(ram.text, target, length + 1)
  ram.inode.size = length
  return true
}

/** A directory has its name, itself, and the parents of those in it as links. */
function enter(ram: RamInode, above: RamInode): void {
  ram.inode.links = 2
  ram.parent = above
  above.inode.links += 1
}

function leave(ram: RamInode): void {
  ram.parent!.inode.links -= 1
  ram.parent = null
}

function link(directory: Inode, name: ptr, length: u32, inode: Inode): i32 {
  if (directory.links == 0 || inode.links == 0) return Errno.NoSuchEntry
  if (ramEntryFind(ramOf(directory), name, length) != null) return Errno.Exists
  if (inode.links == LINK_LIMIT) return Errno.TooManyLinks
  if (ramEntryAdd(ramOf(directory), name, length, ramOf(inode)) == null) return Errno.NoSpace
  inode.links += 1
  inodeChanged(inode)
  inodeModified(directory)
  return Errno.None
}

function remove(directory: Inode, name: ptr, length: u32, inode: Inode): i32 {
  const ram = ramOf(inode)
  const isDirectory = modeType(inode.mode) == Mode.Directory
  const entry = entryOf(directory, name, length, inode)
  if (entry == null) return Errno.NoSuchEntry
  if (isDirectory && ram.firstEntry != null) return Errno.NotEmpty
  ramEntryRemove(entry)
  if (isDirectory) leave(ram)
  inode.links = isDirectory ? 0 : inode.links - 1
  inodeChanged(inode)
  inodeModified(directory)
  return Errno.None
}

/** The entry of a name, if it is still that of `inode`. */
function entryOf(directory: Inode, name: ptr, length: u32, inode: Inode | null): RamEntry | null {
  const entry = ramEntryFind(ramOf(directory), name, length)
  return entry != null && address(entry.inode) == address(inode) ? entry : null
}

function rename(move: Renaming): i32 {
  const ram = ramOf(move.inode)
  const to = ramOf(move.toDirectory)
  const replaced = move.replaced
  const from = entryOf(move.fromDirectory, move.fromName, move.fromLength, move.inode)
  if (from == null || move.toDirectory.links == 0) return Errno.NoSuchEntry
  if (move.exchange) return exchange(move, from)
  if (replaced != null && ramOf(replaced).firstEntry != null) return Errno.NotEmpty
  const there = ramEntryFind(to, move.toName, move.toLength)
  if (address(there == null ? null : there.inode) != address(replaced)) return Errno.Busy
  if (there == null) {
    if (ramEntryAdd(to, move.toName, move.toLength, ram) == null) return Errno.NoSpace
  } else {
    there.inode = ram
    dropLink(replaced!)
  }
  ramEntryRemove(from)
  settle(move.inode, move.toDirectory)
  inodeChanged(move.inode)
  inodeModified(move.fromDirectory)
  inodeModified(move.toDirectory)
  return Errno.None
}

/** Each of the two gets the other's name. */
function exchange(move: Renaming, from: RamEntry): i32 {
  const other = move.replaced!
  const to = entryOf(move.toDirectory, move.toName, move.toLength, other)
  if (to == null) return Errno.NoSuchEntry
  from.inode = ramOf(other)
  to.inode = ramOf(move.inode)
  settle(move.inode, move.toDirectory)
  settle(other, move.fromDirectory)
  inodeChanged(move.inode)
  inodeChanged(other)
  inodeModified(move.fromDirectory)
  inodeModified(move.toDirectory)
  return Errno.None
}

/** A directory is in another one from now on. */
function settle(inode: Inode, above: Inode): void {
  if (modeType(inode.mode) != Mode.Directory) return
  const ram = ramOf(inode)
  leave(ram)
  ram.parent = ramOf(above)
  above.links += 1
}

/** A file whose name another has got; it is held by the caller. */
function dropLink(inode: Inode): void {
  if (modeType(inode.mode) == Mode.Directory) {
    leave(ramOf(inode))
    inode.links = 0
  } else inode.links -= 1
  inodeChanged(inode)
}

function text(inode: Inode): u32 {
  return ramOf(inode).text
}

function iterate(directory: Inode, position: u32, entry: DirectoryEntry): boolean {
  const found = ramEntryAt(ramOf(directory), position)
  if (found == null) return false
  entryFill(entry, found)
  return true
}

function locate(inode: Inode, entry: DirectoryEntry): u32 {
  const found = ramEntryOf(ramOf(inode))
  if (found == null) return Errno.NoSuchEntry as number as u32
  entryFill(entry, found)
  return address(inodeHold(found.directory.inode))
}

function entryFill(entry: DirectoryEntry, found: RamEntry): void {
  entry.name = ramEntryName(found)
  entry.length = found.length
  entry.inode = found.inode.inode.number
  entry.mode = found.inode.inode.mode
  entry.next = found.position + 1
}
