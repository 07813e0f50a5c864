// Robust futexes: a thread that ends while it holds locks leaves word that their owner has died, and wakes somebody. The list of
// them is the program's, in its memory, and nothing in it is believed. set_robust_list(2), get_robust_list(2); Linux's
// Documentation/locking/robust-futexes. Context: the thread's own; all of it may sleep.
//
//   head: | next | offset of the futex from an entry | entry about to be linked |      words of 8 bytes, addresses in the low half

import { Errno } from '../lib/errno.ts'
import { plus, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { mayLookInto } from '../process/credentials.ts'
import type { Process } from '../process/process.ts'
import { processOf } from '../process/table.ts'
import { userLoad32, userLoaded, userStore32 } from '../vm/user-copy.ts'
import { futexWake } from './futex.ts'

const HEAD_SIZE: u32 = 24
/** Entries looked at: Linux's ROBUST_LIST_LIMIT. */
const ENTRIES: u32 = 2048
const OWNER: u32 = 0x3fffffff
const WAITERS: u32 = 0x80000000
const OWNER_DIED: u32 = 0x40000000
/** Bit 0 of an entry's address: a mutex with priority inheritance, which there is none of here. */
const ADDRESS: u32 = 0xfffffffe

/** set_robust_list(2). Errors: InvalidArgument. */
export function sysSetRobustList(self: Process, head: ptr, length: u32): i32 {
  if (length != HEAD_SIZE) return Errno.InvalidArgument
  self.robustList = head
  return Errno.None
}

/** get_robust_list(2). Errors: NoSuchProcess, NotPermitted, BadAddress. */
export function sysGetRobustList(self: Process, pid: u32, headTo: ptr, lengthTo: ptr): i32 {
  const process = pid == 0 ? self : processOf(pid)
  if (process == null) return Errno.NoSuchProcess
  if (!mayLookInto(self, process)) return Errno.NotPermitted
  const head = process.robustList
  if (userStore32(headTo, head) != Errno.None || userStore32(plus(headTo, 4), 0) != Errno.None) return Errno.BadAddress
  if (userStore32(lengthTo, HEAD_SIZE) != Errno.None || userStore32(plus(lengthTo, 4), 0) != Errno.None) return Errno.BadAddress
  return Errno.None
}

/** The address in a word of 8 bytes; 0 when it can not be read, or is none. */
function follow(from: ptr): ptr {
  if (userLoad32(plus(from, 4)) != Errno.None || userLoaded() != 0) return 0 as ptr
  return userLoad32(from) == Errno.None ? (userLoaded() & ADDRESS) as ptr : 0 as ptr
}

/** The running thread leaves: go through its list, at most ENTRIES of it. */
export function robustListEnd(self: Process): void {
  const head = self.robustList
  if (head == 0 || self.space == null) return
  if (userLoad32(plus(head, 8)) != Errno.None) return
  const offset: u32 = userLoaded()
  const pending = follow(plus(head, 16))
  let entry = follow(head)
  for (let i: u32 = 0; i < ENTRIES && entry != 0 && entry != head; i++) {
    const following = follow(entry)
    if (entry != pending) died(self, plus(entry, offset))
    entry = following
  }
  if (pending != 0) died(self, plus(pending, offset))
}

/** If the lock at `word` is the thread's, say that its owner has died. */
function died(self: Process, word: ptr): void {
  if ((word & 3) != 0 || userLoad32(word) != Errno.None) return
  const value: u32 = userLoaded()
  if ((value & OWNER) != self.pid) return
  if (userStore32(word, (value & WAITERS) | OWNER_DIED) != Errno.None) return
  if ((value & WAITERS) != 0) futexWake(self, word)
}
