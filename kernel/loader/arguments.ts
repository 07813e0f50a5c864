// What a program is started with: its path, its arguments, its environment; one string after another, each with its zero,
// out of whatever memory they were in before there is a new one. Context: a process's.

import { ARGUMENT_LIMIT, ARGUMENT_ROOM } from '../config.ts'
import { Errno } from '../lib/errno.ts'
import { store8 } from '../lib/intrinsics.ts'
import { plus, struct, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { copyBytes } from '../lib/memory.ts'
import { heapAllocate, heapFree } from '../mm/heap.ts'
import { userString } from '../vm/user-copy.ts'

@struct
export class Arguments {
  buffer: ptr // the strings: arguments first, then environment, then the path
  room: u32
  used: u32
  argumentCount: u32
  environmentCount: u32
  path: u32 // where the path begins
}

/** Nothing yet. Errors: OutOfMemory. */
export function argumentsInit(to: Arguments): i32 {
  to.buffer = heapAllocate(ARGUMENT_ROOM)
  to.room = ARGUMENT_ROOM
  to.used = 0
  to.argumentCount = 0
  to.environmentCount = 0
  to.path = 0
  return to.buffer == 0 ? Errno.OutOfMemory : Errno.None
}

/** Give the memory back. */
export function argumentsFree(to: Arguments): void {
  heapFree(to.buffer)
  to.buffer = 0 as ptr
}

/** Twice the room. Errors: ArgumentsTooLong at ARGUMENT_LIMIT, OutOfMemory. */
function grow(to: Arguments): i32 {
  if (to.room == ARGUMENT_LIMIT) return Errno.ArgumentsTooLong
  const larger = heapAllocate(to.room << 1)
  if (larger == 0) return Errno.OutOfMemory
  copyBytes(larger, to.buffer, to.used)
  heapFree(to.buffer)
  to.buffer = larger
  to.room = to.room << 1
  return Errno.None
}

/** One more string, of the process's. Errors: BadAddress, ArgumentsTooLong, OutOfMemory. May sleep. */
export function argumentsAddUser(to: Arguments, from: ptr): i32 {
  while (true) {
    const length = to.used == to.room ? Errno.NameTooLong : userString(plus(to.buffer, to.used), from, to.room - to.used)
    if (length >= 0) {
      to.used += (length as number as u32) + 1
      return Errno.None
    }
    if (length != Errno.NameTooLong) return length
    const error = grow(to)
    if (error != Errno.None) return error
  }
}

/** One more string: `length` bytes at `from`. Errors: ArgumentsTooLong, OutOfMemory. */
export function argumentsAdd(to: Arguments, from: ptr, length: u32): i32 {
  while (to.room - to.used <= length) {
    const error = grow(to)
    if (error != Errno.None) return error
  }
  copyBytes(plus(to.buffer, to.used), from, length)
  store8(to.buffer, to.used + length, 0)
  to.used += length + 1
  return Errno.None
}
