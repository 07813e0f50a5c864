// A process's descriptors: numbers for its open files. A table is counted, since threads share one. A process's context.
//
//   FileTable --entries--> | file, closeOnExec | file, closeOnExec | …   in the heap, grown by doubling

import { DESCRIPTOR_LIMIT } from '../config.ts'
import { Errno } from '../lib/errno.ts'
import { address, at, nth, sizeof, staticStruct, struct, type Stored, type bool, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { copyBytes } from '../lib/memory.ts'
import { heapAllocate, heapFree } from '../mm/heap.ts'
import { Pool, poolAllocate, poolFree, poolInit } from '../mm/pool.ts'
import { LockKind, fileLocksRemove } from './file-lock.ts'
import { fileHold, fileRelease, type OpenFile } from './file.ts'

/** Descriptors a new table has room for: what most programs have. */
const FIRST_SIZE: u32 = 16

@struct
class Descriptor {
  file: OpenFile | null
  closeOnExec: Stored<u32, bool>
}

@struct
export class FileTable {
  count: u32 // processes that have it
  size: u32 // descriptors there is room for
  limit: u32 // as setrlimit has it; DESCRIPTOR_LIMIT at most
  hardLimit: u32 // so far that may be raised
  entries: ptr
}

const tables = staticStruct<Pool>()

/** Once, before the first table. */
export function tablesInit(): void {
  poolInit(tables, 'file-tables', sizeof<FileTable>(), 0)
}

function entry(table: FileTable, descriptor: u32): Descriptor {
  return nth(at<Descriptor>(table.entries), descriptor)
}

/** An empty table with room for `size` descriptors, counted once; null without memory. */
function tableOfSize(size: u32): FileTable | null {
  const memory = poolAllocate(tables)
  if (memory == 0) return null
  const table = at<FileTable>(memory)
  table.entries = heapAllocate(size * sizeof<Descriptor>())
  if (table.entries == 0) {
    poolFree(tables, memory)
    return null
  }
  table.count = 1
  table.size = size
  table.limit = DESCRIPTOR_LIMIT
  table.hardLimit = DESCRIPTOR_LIMIT
  return table
}

/** An empty table, counted once; null without memory. */
export function tableCreate(): FileTable | null {
  return tableOfSize(FIRST_SIZE)
}

/** A table with the same files: fork. Null without memory. */
export function tableFork(from: FileTable): FileTable | null {
  const table = tableOfSize(from.size)
  if (table == null) return null
  table.limit = from.limit
  table.hardLimit = from.hardLimit
  for (let i: u32 = 0; i < from.size; i++) {
    const file = entry(from, i).file
    if (file == null) continue
    entry(table, i).file = fileHold(file)
    entry(table, i).closeOnExec = entry(from, i).closeOnExec
  }
  return table
}

/** One more process has the table. */
export function tableHold(table: FileTable): FileTable {
  table.count += 1
  return table
}

/** One less; with the last every file is released. May sleep. */
export function tableRelease(table: FileTable): void {
  table.count -= 1
  if (table.count != 0) return
  for (let i: u32 = 0; i < table.size; i++) descriptorClose(table, i as number as i32)
  heapFree(table.entries)
  poolFree(tables, address(table))
}

/** Tables there are, for the self-test. */
export function tablesUsed(): u32 {
  return tables.used
}

/** Room for more than `descriptor`: TooManyFiles past the limit, OutOfMemory. */
function grow(table: FileTable, descriptor: u32): i32 {
  if (descriptor >= table.limit) return Errno.TooManyFiles
  if (descriptor < table.size) return Errno.None
  let size: u32 = table.size
  while (size <= descriptor) size <<= 1
  const entries = heapAllocate(size * sizeof<Descriptor>())
  if (entries == 0) return Errno.OutOfMemory
  copyBytes(entries, table.entries, table.size * sizeof<Descriptor>())
  heapFree(table.entries)
  table.entries = entries
  table.size = size
  return Errno.None
}

/** The lowest free descriptor from `from` on gets the file, whose count becomes the table's: TooManyFiles, OutOfMemory. */
export function descriptorAllocate(table: FileTable, file: OpenFile, from: u32, closeOnExec: boolean): i32 {
  let descriptor: u32 = from
  while (descriptor < table.size && entry(table, descriptor).file != null) descriptor += 1
  const grown = grow(table, descriptor)
  if (grown != Errno.None) return grown
  entry(table, descriptor).file = file
  entry(table, descriptor).closeOnExec = closeOnExec
  return descriptor as number as i32
}

/** A descriptor for a file that was just made, which is closed if there is none to be had. Errors: TooManyFiles, OutOfMemory. May sleep. */
export function descriptorForNew(table: FileTable, file: OpenFile, closeOnExec: boolean): i32 {
  const descriptor = descriptorAllocate(table, file, 0, closeOnExec)
  if (descriptor < 0) fileRelease(file)
  return descriptor
}

/**
 * Put a file under a certain descriptor, its count becoming the table's; what was there is released. BadHandle: out of
 * range; OutOfMemory. May sleep, once it is done.
 */
export function descriptorPut(table: FileTable, descriptor: u32, file: OpenFile, closeOnExec: boolean): i32 {
  const grown = grow(table, descriptor)
  if (grown != Errno.None) return grown == Errno.TooManyFiles ? Errno.BadHandle : grown
  const before = entry(table, descriptor).file
  entry(table, descriptor).file = file
  entry(table, descriptor).closeOnExec = closeOnExec
  if (before != null) leave(table, before)
  return Errno.None
}

/** The file behind a descriptor, or null. Not held: see fileHold for calls that sleep. */
export function descriptorFile(table: FileTable, descriptor: i32): OpenFile | null {
  if (descriptor < 0 || (descriptor as number as u32) >= table.size) return null
  return entry(table, descriptor as number as u32).file
}

/** close: BadHandle. May sleep. */
export function descriptorClose(table: FileTable, descriptor: i32): i32 {
  const file = descriptorFile(table, descriptor)
  if (file == null) return Errno.BadHandle
  entry(table, descriptor as number as u32).file = null
  leave(table, file)
  return Errno.None
}

/** A descriptor of a file is closed: whatever its process has locked of it is unlocked, as fcntl(2) has it. May sleep. */
function leave(table: FileTable, file: OpenFile): void {
  fileLocksRemove(file.inode, address(table), LockKind.Record)
  fileRelease(file)
}

/** FD_CLOEXEC of a descriptor that is open. */
export function descriptorCloseOnExec(table: FileTable, descriptor: i32): boolean {
  return entry(table, descriptor as number as u32).closeOnExec
}

export function descriptorCloseOnExecSet(table: FileTable, descriptor: i32, closeOnExec: boolean): void {
  entry(table, descriptor as number as u32).closeOnExec = closeOnExec
}

/** Close what is marked so: execve. May sleep. */
export function tableCloseOnExec(table: FileTable): void {
  for (let i: u32 = 0; i < table.size; i++) {
    if (entry(table, i).closeOnExec) descriptorClose(table, i as number as i32)
  }
}

/** Descriptors that are open, for /proc and the self-test. */
export function tableOpen(table: FileTable): u32 {
  let open: u32 = 0
  for (let i: u32 = 0; i < table.size; i++) {
    if (entry(table, i).file != null) open += 1
  }
  return open
}
