// Names in directories in RAM: a list of each directory's in the order made, for reading it, and one hash table of all
// names of all directories, for finding one. A process's context; nothing sleeps.

import { NAME_LIMIT, RAMFS_BUCKETS } from '../../config.ts'
import { hash32, hashBytes } from '../../lib/hash.ts'
import { load32, store32 } from '../../lib/intrinsics.ts'
import { address, at, plus, sizeof, staticMemory, struct, type ptr, type u32 } from '../../lib/layout.ts'
import { copyBytes, equalBytes } from '../../lib/memory.ts'
import { heapAllocate, heapFree } from '../../mm/heap.ts'
import type { RamInode } from './ram-inode.ts'

/** Positions are an i32 for those who read directories. */
const POSITION_LIMIT: u32 = 0x7fffffff

/** The name follows, not terminated. */
@struct
export class RamEntry {
  next: RamEntry | null // of the directory
  previous: RamEntry | null
  chain: RamEntry | null // of the bucket
  directory: RamInode
  inode: RamInode
  hash: u32
  position: u32 // where readers of the directory find it; never used again
  length: u32
}

const buckets = staticMemory(16384, 8) // RAMFS_BUCKETS of them
let seed: u32 = 0

/** What names are hashed under, so that nobody can choose names that fall together. Before the first name. */
export function ramNamesInit(secret: u32): void {
  seed = secret
}

/** The name of an entry: `length` bytes. */
export function ramEntryName(entry: RamEntry): ptr {
  return plus(address(entry), sizeof<RamEntry>())
}

function hashOf(directory: RamInode, name: ptr, length: u32): u32 {
  return hashBytes(name, length, hash32(seed ^ directory.inode.number))
}

function bucketOf(hash: u32): u32 {
  return (hash & (RAMFS_BUCKETS - 1)) << 2
}

function bucketFirst(hash: u32): RamEntry | null {
  const first = load32(buckets, bucketOf(hash)) as ptr
  return first == 0 ? null : at<RamEntry>(first)
}

/** The entry of a name, or null. */
export function ramEntryFind(directory: RamInode, name: ptr, length: u32): RamEntry | null {
  const hash = hashOf(directory, name, length)
  let entry = bucketFirst(hash)
  while (entry != null) {
    const same = entry.hash == hash && entry.directory == directory && entry.length == length
    if (same && equalBytes(ramEntryName(entry), name, length)) return entry
    entry = entry.chain
  }
  return null
}

/** A name for a file, which nobody has in this directory; null without memory, or after POSITION_LIMIT of them. */
export function ramEntryAdd(directory: RamInode, name: ptr, length: u32, inode: RamInode): RamEntry | null {
  if (directory.nextPosition == POSITION_LIMIT || length > NAME_LIMIT) return null
  const memory = heapAllocate(sizeof<RamEntry>() + length)
  if (memory == 0) return null
  const entry = at<RamEntry>(memory)
  entry.directory = directory
  entry.inode = inode
  entry.hash = hashOf(directory, name, length)
  entry.length = length
  copyBytes(ramEntryName(entry), name, length)
  entry.position = directory.nextPosition
  directory.nextPosition += 1
  entry.next = null
  entry.previous = directory.lastEntry
  if (directory.lastEntry == null) directory.firstEntry = entry
  else directory.lastEntry.next = entry
  directory.lastEntry = entry
  entry.chain = bucketFirst(entry.hash)
  store32(buckets, bucketOf(entry.hash), address(entry))
  return entry
}

/** Take a name away. */
export function ramEntryRemove(entry: RamEntry): void {
  const directory = entry.directory
  if (directory.readEntry == entry) directory.readEntry = entry.previous
  if (entry.previous == null) directory.firstEntry = entry.next
  else entry.previous.next = entry.next
  if (entry.next == null) directory.lastEntry = entry.previous
  else entry.next.previous = entry.previous
  unchain(entry)
  heapFree(address(entry))
}

function unchain(entry: RamEntry): void {
  let each = bucketFirst(entry.hash)!
  if (each == entry) {
    store32(buckets, bucketOf(entry.hash), address(entry.chain))
    return
  }
  while (each.chain != entry) each = each.chain!
  each.chain = entry.chain
}

/** The first entry whose position is at least `position`, or null. */
export function ramEntryAt(directory: RamInode, position: u32): RamEntry | null {
  let entry = directory.readEntry
  if (entry == null || entry.position > position) entry = directory.firstEntry
  while (entry != null && entry.position < position) entry = entry.next
  if (entry != null) directory.readEntry = entry
  return entry
}

/** An entry of a file; null if it has no name. Looks at every name there is. */
export function ramEntryOf(inode: RamInode): RamEntry | null {
  for (let i: u32 = 0; i < RAMFS_BUCKETS; i++) {
    let entry = bucketFirst(i)
    while (entry != null && entry.inode != inode) entry = entry.chain
    if (entry != null) return entry
  }
  return null
}
