// swapon(2) and swapoff(2): pages of processes to a disk, and all of them back. May sleep, swapoff for long.

import { inodeAt } from '../fs/calls/place.ts'
import { isSuperuser } from '../fs/credentials.ts'
import { At } from '../fs/flags.ts'
import { inodeRelease, type Inode } from '../fs/inode.ts'
import { DISK_MAJOR, DISK_MINORS, Mode, deviceMajor, deviceMinor, modeType } from '../fs/mode.ts'
import { Follow } from '../fs/path.ts'
import { Errno, errorOf, isError } from '../lib/errno.ts'
import { at, type i32, type ptr, type u32 } from '../lib/layout.ts'
import type { Process } from '../process/process.ts'
import { SwapError } from '../swap/errors.ts'
import { swapManager } from '../swap/start.ts'
import { swapOff, swapOn } from '../vm/swap-off.ts'
import { pathFree, pathTakeIn } from './path.ts'

/** SWAP_FLAG_DISCARD and its kinds, SWAP_FLAG_PREFER with its priority: there is one area, and nothing to discard. */
const FLAGS: u32 = 0x7ffff

/** The number of the disk at a path: NoSuchEntry, …; InvalidArgument for what is none. */
function diskAt(self: Process, path: ptr): i32 {
  const text = pathTakeIn(path)
  if (isError(text)) return errorOf(text)
  const found = inodeAt(self.files, At.WorkingDirectory, text as ptr, 0, Follow.Last)
  pathFree(text)
  if (isError(found)) return errorOf(found)
  const inode = at<Inode>(found as ptr)
  const isDisk = modeType(inode.mode) == Mode.Block && deviceMajor(inode.device) == DISK_MAJOR
  const minor = deviceMinor(inode.device)
  inodeRelease(inode)
  if (!isDisk || minor % DISK_MINORS != 0) return Errno.InvalidArgument
  return (minor / DISK_MINORS) as number as i32
}

/**
 * swapon(2): NotPermitted; NoSuchDevice, Busy: there is an area already; InvalidArgument: it has no header; ReadOnly, InputOutput,
 * OutOfMemory.
 */
export function sysSwapon(self: Process, path: ptr, flags: u32): i32 {
  if ((flags & ~FLAGS) != 0) return Errno.InvalidArgument
  if (!isSuperuser(self.files.credentials)) return Errno.NotPermitted
  const disk = diskAt(self, path)
  if (disk < 0) return disk
  if (swapManager().disk != null) return Errno.Busy
  const result = swapManager().setSwapDevice(disk as number as u32)
  if (result != SwapError.None) return errnoOf(result)
  swapOn(swapManager())
  return Errno.None
}

/** swapoff(2): NotPermitted; InvalidArgument: there is no swap there; OutOfMemory, InputOutput, Busy: it stays on. */
export function sysSwapoff(self: Process, path: ptr): i32 {
  if (!isSuperuser(self.files.credentials)) return Errno.NotPermitted
  const disk = diskAt(self, path)
  if (disk < 0) return disk
  const used = swapManager().disk
  if (used == null || used.index != (disk as number as u32)) return Errno.InvalidArgument
  return errnoOf(swapOff())
}

function errnoOf(result: i32): i32 {
  switch (result) {
    case SwapError.None: return Errno.None
    case SwapError.NoDevice: return Errno.NoSuchDevice
    case SwapError.DeviceInUse:
    case SwapError.DeviceBusy: return Errno.Busy
    case SwapError.BadHeader: return Errno.InvalidArgument
    case SwapError.ReadOnlyDevice: return Errno.ReadOnly
    case SwapError.OutOfMemory: return Errno.OutOfMemory
    default: return Errno.InputOutput
  }
}
