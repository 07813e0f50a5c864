// Paths of system calls: copied out of user memory once, into memory of their own, so that what is checked is what is used.

import { PATH_LIMIT } from '../config.ts'
import { Errno, isError } from '../lib/errno.ts'
import type { ptr, u32 } from '../lib/layout.ts'
import { heapAllocate, heapFree } from '../mm/heap.ts'
import { userString } from '../vm/user-copy.ts'

/**
 * The path at a user address, zero-terminated, in memory for `pathFree`. Errors: BadAddress, NameTooLong (no zero in PATH_LIMIT
 * bytes), OutOfMemory. May sleep.
 */
export function pathTakeIn(from: ptr): u32 {
  const buffer = heapAllocate(PATH_LIMIT)
  if (buffer == 0) return Errno.OutOfMemory as number as u32
  const length = userString(buffer, from, PATH_LIMIT)
  if (length >= 0) return buffer
  heapFree(buffer)
  return length as number as u32
}

/** Give the memory of a path back; an error is nothing. */
export function pathFree(path: u32): void {
  if (!isError(path)) heapFree(path as ptr)
}
