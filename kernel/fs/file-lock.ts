// Locks on files: advisory, for who asks. fcntl(2) "Advisory record locking", "Open file description locks"; flock(2).
//
//   Inode.locks ─▶ lock ─▶ lock ─▶ …        by where they begin; those of one owner do not overlap, nor touch if they are of one kind
//
//   kind     owner             what it is on           ends with
//   Record   descriptor table  bytes                   any descriptor of the file that its owner closes
//   Open     open file         bytes                   the open file
//   Whole    open file         the file: flock         the open file
//
// Record and Open exclude one another; Whole is apart. Who waits is woken when any lock ends, and looks again: between the look and
// the sleep nothing else runs. A process's context.

import { FILE_LOCK_LIMIT, FILE_SIZE_LIMIT } from '../config.ts'
import { Errno } from '../lib/errno.ts'
import {
  address, at, sizeof, staticStruct, struct, type Embed, type Stored, type bool, type i32, type ptr, type u32, type u8,
} from '../lib/layout.ts'
import { copyBytes } from '../lib/memory.ts'
import { WaitQueue, sleepOn, wakeAll } from '../lib/sleep.ts'
import { Pool, poolAllocate, poolFree, poolInit } from '../mm/pool.ts'
import type { Inode } from './inode.ts'

export const enum LockKind { Record, Open, Whole }

/** The last byte of what is locked to the end of a file, however long. */
export const LOCK_END: u32 = FILE_SIZE_LIMIT

/** A lock that is held, asked for, or, with `remove`, to be given up. */
@struct
export class FileLock {
  next: FileLock | null // of the file
  owner: ptr
  start: u32
  end: u32 // the last byte
  pid: u32 // who asked for it, for F_GETLK
  kind: Stored<u8, LockKind>
  exclusive: Stored<u8, bool>
  remove: Stored<u8, bool>
  reserved: u8
}

/** Somebody who waits for a lock. */
@struct
class LockWaiter {
  next: LockWaiter | null
  previous: LockWaiter | null
  inode: Inode
  wanted: Embed<FileLock>
}

/** Owners followed from one to the next in search of a deadlock, as on Linux. */
const DEADLOCK_DEPTH: u32 = 10

const locks = staticStruct<Pool>()
const waiters = staticStruct<Pool>()
const waiting = staticStruct<WaitQueue>()
let firstWaiter: LockWaiter | null = null

/** Once, before the first file is opened. */
export function fileLocksInit(): void {
  poolInit(locks, 'file-locks', sizeof<FileLock>(), FILE_LOCK_LIMIT)
  poolInit(waiters, 'lock-waiters', sizeof<LockWaiter>(), FILE_LOCK_LIMIT)
}

/** Locks that are held or waited for, for the self-test. */
export function fileLocksHeld(): u32 {
  return locks.used + waiters.used
}

function firstOf(inode: Inode): FileLock | null {
  return inode.locks == 0 ? null : at<FileLock>(inode.locks)
}

function ofOneOwner(a: FileLock, b: FileLock): boolean {
  return a.owner == b.owner && a.kind == b.kind
}

/** A lock that is in the way of what is wanted; null: there is none. */
export function fileLockConflict(inode: Inode, wanted: FileLock): FileLock | null {
  let each = firstOf(inode)
  while (each != null && !excludes(each, wanted)) each = each.next
  return each
}

function excludes(held: FileLock, wanted: FileLock): boolean {
  if (ofOneOwner(held, wanted) || (held.kind == LockKind.Whole) != (wanted.kind == LockKind.Whole)) return false
  return (held.exclusive || wanted.exclusive) && held.start <= wanted.end && wanted.start <= held.end
}

/**
 * Give `wanted` to its owner, whose other locks on these bytes it replaces, or take away what it has of them. Errors: WouldBlock
 * (another's lock is in the way), NoLocks (FILE_LOCK_LIMIT): nothing has changed, but that a lock of kind Whole is given up before
 * another is asked for.
 */
export function fileLockSet(inode: Inode, wanted: FileLock): i32 {
  if (wanted.kind == LockKind.Whole) {
    if (holdsSame(inode, wanted)) return Errno.None
    fileLocksRemove(inode, wanted.owner, LockKind.Whole)
  }
  if (wanted.remove) return splits(inode, wanted) ? replace(inode, wanted) : cut(inode, wanted, null)
  return fileLockConflict(inode, wanted) != null ? Errno.WouldBlock : replace(inode, wanted)
}

function holdsSame(inode: Inode, wanted: FileLock): boolean {
  let each = firstOf(inode)
  while (each != null && !ofOneOwner(each, wanted)) each = each.next
  return each != null && !wanted.remove && each.exclusive == wanted.exclusive
}

/** Whether a lock of the owner's loses its middle, so that there is one more. */
function splits(inode: Inode, wanted: FileLock): boolean {
  let each = firstOf(inode)
  while (each != null) {
    if (ofOneOwner(each, wanted) && each.start < wanted.start && each.end > wanted.end && differs(each, wanted)) return true
    each = each.next
  }
  return false
}

function differs(held: FileLock, wanted: FileLock): boolean {
  return wanted.remove || held.exclusive != wanted.exclusive
}

/** As `fileLockSet`, nobody being in the way. All memory first. */
function replace(inode: Inode, wanted: FileLock): i32 {
  const spare = splits(inode, wanted) ? poolAllocate(locks) : 0 as ptr
  const fresh = wanted.remove ? 0 as ptr : poolAllocate(locks)
  if ((splits(inode, wanted) && spare == 0) || (!wanted.remove && fresh == 0)) {
    if (spare != 0) poolFree(locks, spare)
    if (fresh != 0) poolFree(locks, fresh)
    return Errno.NoLocks
  }
  if (fresh == 0) return cut(inode, wanted, at<FileLock>(spare))
  const lock = at<FileLock>(fresh)
  copyBytes(fresh, address(wanted), sizeof<FileLock>())
  join(inode, lock)
  cut(inode, wanted, spare == 0 ? null : at<FileLock>(spare))
  insert(inode, lock)
  return Errno.None
}

/** Take in what the owner has of the same sort, where it overlaps or touches. */
function join(inode: Inode, lock: FileLock): void {
  let each = firstOf(inode)
  while (each != null) {
    const next: FileLock | null = each.next
    if (ofOneOwner(each, lock) && each.exclusive == lock.exclusive && each.start <= lock.end + 1 && lock.start <= each.end + 1) {
      if (each.start < lock.start) lock.start = each.start
      if (each.end > lock.end) lock.end = each.end
      drop(inode, each)
    }
    each = next
  }
}

/** Take away what the owner has of the bytes in question, of another sort. `spare` becomes the upper part of what is cut in two. */
function cut(inode: Inode, wanted: FileLock, spare: FileLock | null): i32 {
  let each = firstOf(inode)
  while (each != null) {
    const next: FileLock | null = each.next
    if (ofOneOwner(each, wanted) && each.start <= wanted.end && wanted.start <= each.end) cutOne(inode, each, wanted, spare)
    each = next
  }
  wakeAll(waiting)
  return Errno.None
}

function cutOne(inode: Inode, lock: FileLock, wanted: FileLock, spare: FileLock | null): void {
  const below: boolean = lock.start < wanted.start
  const above: boolean = lock.end > wanted.end
  if (!below && !above) return drop(inode, lock)
  if (below && above && spare != null) {
    copyBytes(address(spare), address(lock), sizeof<FileLock>())
    spare.start = wanted.end + 1
    insert(inode, spare)
  }
  if (below) {
    lock.end = wanted.start - 1
    return
  }
  unlink(inode, lock)
  lock.start = wanted.end + 1
  insert(inode, lock)
}

function insert(inode: Inode, lock: FileLock): void {
  let before: FileLock | null = null
  let after = firstOf(inode)
  while (after != null && after.start <= lock.start) {
    before = after
    after = after.next
  }
  lock.next = after
  if (before == null) inode.locks = address(lock)
  else before.next = lock
}

function unlink(inode: Inode, lock: FileLock): void {
  let before: FileLock | null = null
  let each = firstOf(inode)
  while (each != lock) {
    before = each
    each = each!.next
  }
  if (before == null) inode.locks = address(lock.next)
  else before.next = lock.next
}

function drop(inode: Inode, lock: FileLock): void {
  unlink(inode, lock)
  poolFree(locks, address(lock))
}

/** All locks of one kind that an owner has on a file end. */
export function fileLocksRemove(inode: Inode | null, owner: ptr, kind: LockKind): void {
  if (inode == null || inode.locks == 0) return
  let any: boolean = false
  let each = firstOf(inode)
  while (each != null) {
    const next: FileLock | null = each.next
    if (each.owner == owner && each.kind == kind) {
      drop(inode, each)
      any = true
    }
    each = next
  }
  if (any) wakeAll(waiting) // not otherwise: those who wait for a Whole come here, too, and would wake one another for ever
}

// --- Waiting. ---------------------------------------------------------------------------------------------

/**
 * As `fileLockSet`, and who is in the way is waited for. Errors: Interrupted, Deadlock (of Record: its holder waits, for one who waits
 * … for the owner), NoLocks. May sleep.
 */
export function fileLockWait(inode: Inode, wanted: FileLock): i32 {
  let result: i32 = fileLockSet(inode, wanted)
  if (result != Errno.WouldBlock) return result
  const memory = poolAllocate(waiters)
  if (memory == 0) return Errno.NoLocks
  const waiter = at<LockWaiter>(memory)
  waiter.inode = inode
  copyBytes(address(waiter.wanted), address(wanted), sizeof<FileLock>())
  waiterAdd(waiter)
  while (result == Errno.WouldBlock) {
    const inTheWay = fileLockConflict(inode, waiter.wanted)!
    const slept = deadlocks(waiter.wanted, inTheWay) ? Errno.Deadlock : sleepOn(waiting)
    result = slept == Errno.None ? fileLockSet(inode, waiter.wanted) : slept
  }
  waiterRemove(waiter)
  return result
}

/** Whether the holder of a lock waits, in the end, for the owner of the one that is wanted. */
function deadlocks(wanted: FileLock, inTheWay: FileLock): boolean {
  if (wanted.kind != LockKind.Record) return false
  let holder: FileLock | null = inTheWay
  for (let depth: u32 = 0; depth < DEADLOCK_DEPTH && holder != null; depth++) {
    if (ofOneOwner(holder, wanted)) return true
    holder = awaitedBy(holder)
  }
  return false
}

/** The lock that the owner of another waits for; null: it does not. */
function awaitedBy(of: FileLock): FileLock | null {
  let each = firstWaiter
  while (each != null) {
    if (of.kind == LockKind.Record && ofOneOwner(each.wanted, of)) return fileLockConflict(each.inode, each.wanted)
    each = each.next
  }
  return null
}

function waiterAdd(waiter: LockWaiter): void {
  waiter.previous = null
  waiter.next = firstWaiter
  if (firstWaiter != null) firstWaiter.previous = waiter
  firstWaiter = waiter
}

function waiterRemove(waiter: LockWaiter): void {
  if (waiter.previous == null) firstWaiter = waiter.next
  else waiter.previous.next = waiter.next
  if (waiter.next != null) waiter.next.previous = waiter.previous
  poolFree(waiters, address(waiter))
}
