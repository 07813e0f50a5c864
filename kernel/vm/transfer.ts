// A place that bytes are read into or written from, piece by piece: in the current process's memory, or in the kernel's.
// What reads a file or a pipe does not know which. All of these may sleep if the place is the process's.

import { Errno } from '../lib/errno.ts'
import { plus, struct, type Stored, type bool, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { copyBytes, zeroBytes } from '../lib/memory.ts'
import { userCopyIn, userCopyOut, userZero } from './user-copy.ts'

@struct
export class Transfer {
  address: ptr // where the next byte goes, or comes from
  left: u32 // bytes of room, or to be taken
  kernel: Stored<u32, bool> // the kernel's memory; otherwise the current process's
}

/** Set up a transfer of `n` bytes at `place`. */
export function transferInit(transfer: Transfer, place: ptr, n: u32, kernel: bool): void {
  transfer.address = place
  transfer.left = n
  transfer.kernel = kernel
}

/** Bytes of `n` that there is room for. */
function most(transfer: Transfer, n: u32): u32 {
  return n < transfer.left ? n : transfer.left
}

function advance(transfer: Transfer, n: u32): i32 {
  transfer.address = plus(transfer.address, n)
  transfer.left -= n
  return n as number as i32
}

/** Move up to `n` bytes at `from` into the place. Bytes moved, `left` at most; BadAddress: none. May sleep. */
export function transferOut(transfer: Transfer, from: ptr, n: u32): i32 {
  const bytes = most(transfer, n)
  if (transfer.kernel) copyBytes(transfer.address, from, bytes)
  else if (userCopyOut(transfer.address, from, bytes) != Errno.None) return Errno.BadAddress
  return advance(transfer, bytes)
}

/** Move up to `n` bytes of the place to `to`. Bytes moved, `left` at most; BadAddress: none. May sleep. */
export function transferIn(transfer: Transfer, to: ptr, n: u32): i32 {
  const bytes = most(transfer, n)
  if (transfer.kernel) copyBytes(to, transfer.address, bytes)
  else if (userCopyIn(to, transfer.address, bytes) != Errno.None) return Errno.BadAddress
  return advance(transfer, bytes)
}

/** Set up to `n` bytes of the place to zero. As `transferOut`. */
export function transferZero(transfer: Transfer, n: u32): i32 {
  const bytes = most(transfer, n)
  if (transfer.kernel) zeroBytes(transfer.address, bytes)
  else if (userZero(transfer.address, bytes) != Errno.None) return Errno.BadAddress
  return advance(transfer, bytes)
}
