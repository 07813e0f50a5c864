// Locks by descriptors: fcntl's F_GETLK, F_SETLK, F_SETLKW and their F_OFD_ twins, and flock. A process's context; may sleep.

import { Errno } from '../../lib/errno.ts'
import { address, at, sizeof, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import { zeroBytes } from '../../lib/memory.ts'
import { heapAllocate, heapFree } from '../../mm/heap.ts'
import type { FileContext } from '../context.ts'
import { descriptorFile } from '../descriptor.ts'
import { fileHold, fileRelease, type OpenFile } from '../file.ts'
import { FileLock, LOCK_END, LockKind, fileLockConflict, fileLockSet, fileLockWait, fileLocksRemove } from '../file-lock.ts'
import { Fcntl, Open, Seek, flagsReadable, flagsWritable } from '../flags.ts'
import type { Long, RecordLock } from '../layouts.ts'
import { processSelf } from '../process-hooks.ts'

/** l_type of struct flock. */
const enum LockType { Read, Write, Unlock }
/** Operations of flock. */
const enum Whole { Shared = 1, Exclusive = 2, NonBlock = 4, Unlock = 8 }

/** Whether a command of fcntl is about locks, and has the address of a struct flock for its argument. */
export function fcntlIsLock(command: u32): boolean {
  switch (command) {
    case Fcntl.GetLock: case Fcntl.SetLock: case Fcntl.SetLockWait:
    case Fcntl.GetOpenLock: case Fcntl.SetOpenLock: case Fcntl.SetOpenLockWait: return true
    default: return false
  }
}

function isOpenCommand(command: u32): boolean {
  return command == Fcntl.GetOpenLock || command == Fcntl.SetOpenLock || command == Fcntl.SetOpenLockWait
}

/**
 * fcntl's commands about locks; `record` is the caller's, and says what is in the way after GetLock. Errors: BadHandle (not open, or not
 * for that), InvalidArgument, Overflow (past all files), WouldBlock, Interrupted, Deadlock, NoLocks.
 */
export function fsLock(context: FileContext, descriptor: i32, command: u32, record: RecordLock): i32 {
  const file = descriptorFile(context.table, descriptor)
  if (file == null || (file.flags & Open.Path) != 0) return Errno.BadHandle
  if (file.inode == null) return Errno.InvalidArgument
  const memory = heapAllocate(sizeof<FileLock>())
  if (memory == 0) return Errno.NoLocks
  const lock = at<FileLock>(memory)
  zeroBytes(memory, sizeof<FileLock>())
  fileHold(file)
  let result: i32 = lockMake(lock, context, file, command, record)
  if (result == Errno.None) result = lockDo(context, descriptor, file, command, record, lock)
  fileRelease(file)
  heapFree(memory)
  return result
}

/** What `record` says, as a lock. */
function lockMake(lock: FileLock, context: FileContext, file: OpenFile, command: u32, record: RecordLock): i32 {
  if (record.type > LockType.Unlock) return Errno.InvalidArgument
  if (isOpenCommand(command) && record.pid != 0) return Errno.InvalidArgument
  lock.kind = isOpenCommand(command) ? LockKind.Open : LockKind.Record
  lock.owner = isOpenCommand(command) ? address(file) : address(context.table)
  lock.pid = isOpenCommand(command) ? NOBODY : processSelf()
  lock.exclusive = record.type == LockType.Write
  lock.remove = record.type == LockType.Unlock
  return rangeTake(lock, file, record)
}

/** l_pid of a lock that is an open file's: -1. */
const NOBODY: u32 = 0xffffffff

/** A 64-bit number that fits 32 bits with sign. */
function isNarrow(number: Long): boolean {
  return number.high == 0 ? number.low <= LOCK_END : number.high == 0xffffffff && number.low > LOCK_END
}

/** The bytes from l_start, of l_len: 0 is up to the end, less than 0 before l_start. */
function rangeTake(lock: FileLock, file: OpenFile, record: RecordLock): i32 {
  if (record.whence > Seek.End) return Errno.InvalidArgument
  if (!isNarrow(record.start)) return Errno.Overflow
  const base: u32 = record.whence == Seek.Set ? 0 : record.whence == Seek.Current ? file.position : file.inode!.size
  const start: u32 = base + record.start.low
  if (start > LOCK_END) return record.start.high == 0 ? Errno.Overflow : Errno.InvalidArgument
  lock.start = start
  lock.end = LOCK_END
  if ((record.length.high as number as i32) < 0) {
    const length: u32 = 0 - record.length.low
    if (record.length.high != 0xffffffff || length > start || length == 0) return Errno.InvalidArgument
    lock.start = start - length
    lock.end = start - 1
  } else if (record.length.high == 0 && record.length.low != 0 && record.length.low <= LOCK_END - start) {
    lock.end = start + record.length.low - 1
  }
  return Errno.None
}

function lockDo(context: FileContext, descriptor: i32, file: OpenFile, command: u32, record: RecordLock, lock: FileLock): i32 {
  if (command == Fcntl.GetLock || command == Fcntl.GetOpenLock) {
    if (lock.remove) return Errno.InvalidArgument
    tell(record, fileLockConflict(file.inode!, lock))
    return Errno.None
  }
  if (!lock.remove && !(lock.exclusive ? flagsWritable(file.flags) : flagsReadable(file.flags))) return Errno.BadHandle
  const waits: boolean = command == Fcntl.SetLockWait || command == Fcntl.SetOpenLockWait
  const result = waits ? fileLockWait(file.inode!, lock) : fileLockSet(file.inode!, lock)
  if (result != Errno.None || lock.remove || lock.kind != LockKind.Record) return result
  if (descriptorFile(context.table, descriptor) == file) return result
  fileLocksRemove(file.inode, lock.owner, LockKind.Record) // closed while it waited: closing would have ended the lock
  return Errno.BadHandle
}

function tell(record: RecordLock, held: FileLock | null): void {
  if (held == null) {
    record.type = LockType.Unlock
    return
  }
  record.type = held.exclusive ? LockType.Write : LockType.Read
  record.whence = Seek.Set
  record.start.low = held.start
  record.start.high = 0
  record.length.low = held.end == LOCK_END ? 0 : held.end - held.start + 1
  record.length.high = 0
  record.pid = held.pid
}

/** flock. Errors: BadHandle, InvalidArgument, WouldBlock, Interrupted, NoLocks. */
export function fsFlock(context: FileContext, descriptor: i32, operation: u32): i32 {
  const how: u32 = operation & ~Whole.NonBlock
  if (how != Whole.Shared && how != Whole.Exclusive && how != Whole.Unlock) return Errno.InvalidArgument
  const file = descriptorFile(context.table, descriptor)
  if (file == null || (file.flags & Open.Path) != 0) return Errno.BadHandle
  if (file.inode == null) return Errno.InvalidArgument
  const memory = heapAllocate(sizeof<FileLock>())
  if (memory == 0) return Errno.NoLocks
  const result = flockDo(fileHold(file), memory, how, (operation & Whole.NonBlock) == 0)
  fileRelease(file)
  heapFree(memory)
  return result
}

function flockDo(file: OpenFile, memory: ptr, how: u32, waits: boolean): i32 {
  const lock = at<FileLock>(memory)
  zeroBytes(memory, sizeof<FileLock>())
  lock.kind = LockKind.Whole
  lock.owner = address(file)
  lock.end = LOCK_END
  lock.exclusive = how == Whole.Exclusive
  lock.remove = how == Whole.Unlock
  return waits ? fileLockWait(file.inode!, lock) : fileLockSet(file.inode!, lock)
}
