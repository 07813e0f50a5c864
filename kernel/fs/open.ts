// From an inode to an open file: which operations files of each type have. A process's context.

import { Errno, isError } from '../lib/errno.ts'
import { address, at, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { deviceFind } from './device.ts'
import { fileCreate, fileRelease, type FileOperations, type OpenFile } from './file.ts'
import { Open, flagsWritable } from './flags.ts'
import { MountFlag, inodeHold, type Inode } from './inode.ts'
import { Mode, modeType } from './mode.ts'
import { fifoOpen } from './pipe.ts'
import { directoryOperations, pathOperations, regularOperations } from './regular.ts'

/** Flags that say how to open, and are not kept. */
const ONCE: u32 = Open.Create | Open.Exclusive | Open.Truncate | Open.CloseOnExec | Open.Execute

/**
 * Open what an inode is, as `flags` (Open) say; that the process may was asked before: an OpenFile, counted once, or IsDirectory,
 * SymbolicLinkLoop, NoSuchDevice, TextBusy, AccessDenied, FileTableFull, and what its kind says. May sleep.
 */
export function inodeOpen(inode: Inode, flags: u32): u32 {
  if ((flags & Open.Path) != 0) return openWith(inode, pathOperations(), flags)
  switch (modeType(inode.mode)) {
    case Mode.Regular: return openRegular(inode, flags)
    case Mode.Directory: return openDirectory(inode, flags)
    case Mode.Character: return openDevice(inode, flags)
    case Mode.Fifo: return fifoOpen(inode, flags & ~ONCE)
    case Mode.SymbolicLink: return Errno.SymbolicLinkLoop as number as u32
    default: return Errno.NoSuchDevice as number as u32 // a block device, a socket
  }
}

function openRegular(inode: Inode, flags: u32): u32 {
  const changes = flagsWritable(flags) || (flags & Open.Truncate) != 0
  if (changes && inode.running != 0) return Errno.TextBusy as number as u32
  return openWith(inode, regularOperations(), flags)
}

function openDirectory(inode: Inode, flags: u32): u32 {
  if (flagsWritable(flags) || (flags & Open.Create) != 0) return Errno.IsDirectory as number as u32
  return openWith(inode, directoryOperations(), flags)
}

function openDevice(inode: Inode, flags: u32): u32 {
  if ((inode.system.flags & MountFlag.NoDevices) != 0) return Errno.AccessDenied as number as u32
  const device = deviceFind(inode.device)
  if (device == null) return Errno.NoSuchDevice as number as u32
  const result = openWith(inode, device.operations, flags)
  const open = device.open
  if (isError(result) || open == null) return result
  return ready(at<OpenFile>(result as ptr), open(at<OpenFile>(result as ptr)))
}

/** An open file of an inode; the inode's own file system may have a say. */
function openWith(inode: Inode, operations: FileOperations, flags: u32): u32 {
  const file = fileCreate(operations, flags & ~ONCE)
  if (file == null) return Errno.FileTableFull as number as u32
  file.inode = inodeHold(inode)
  const open = inode.operations.open
  return ready(file, open == null || (flags & Open.Path) != 0 ? Errno.None : open(inode, file))
}

/** The file, or why it is none after all. */
function ready(file: OpenFile, result: i32): u32 {
  if (result == Errno.None) return address(file)
  fileRelease(file)
  return result as number as u32
}
