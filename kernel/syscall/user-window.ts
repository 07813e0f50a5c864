// A window on the caller's memory: up to WINDOW_SIZE bytes of it that the kernel reads or writes in place, where a copy would be one
// too many. The pages are pinned, then opened, and nothing sleeps until the window is closed.
//
// How they are opened is the processor's (arch/x86/user-access.ts) and handed over at boot; under test, where a process's
// memory has no addresses of its own, it is a copy.

import { Errno } from '../lib/errno.ts'
import { struct, staticStruct, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { userPin } from '../vm/user-copy.ts'

/** Bytes of a window: what TCP takes at a time. */
export const WINDOW_SIZE: u32 = 65_536

/** Open `n` bytes at `p`, which are pinned: where they can be read, or with `writing` written. */
export type WindowOpen = (p: ptr, n: u32, writing: boolean) => ptr
/** Close what was opened last. */
export type WindowClose = (p: ptr, n: u32, writing: boolean) => void

@struct
class WindowAccess {
  open: WindowOpen
  close: WindowClose
}

const access = staticStruct<WindowAccess>()

/** How windows are opened and closed. Boot context. */
export function windowsInit(open: WindowOpen, close: WindowClose): void {
  access.open = open
  access.close = close
}

/** Open a window of `n` bytes, 1 to WINDOW_SIZE: None, and `windowAt` says where; or BadAddress, OutOfMemory. May sleep first. */
export function windowOpen(p: ptr, n: u32, writing: boolean): i32 {
  const pinned = userPin(p, n, writing)
  if (pinned != Errno.None) return pinned
  place = access.open(p, n, writing)
  return Errno.None
}

let place: ptr = 0 as ptr

/** Where the bytes of the window are. */
export function windowAt(): ptr {
  return place
}

/** Close it. */
export function windowClose(p: ptr, n: u32, writing: boolean): void {
  access.close(p, n, writing)
}
