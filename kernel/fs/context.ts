// Where a process stands among the files: its root, its working directory, its umask, its descriptors, and who it is. Part of a
// process.

import { Errno } from '../lib/errno.ts'
import { struct, type Embed, type i32, type u32 } from '../lib/layout.ts'
import { Credentials, credentialsCopy } from './credentials.ts'
import { tableCreate, tableFork, tableHold, tableRelease, type FileTable } from './descriptor.ts'
import { inodeHold, inodeRelease, type Inode } from './inode.ts'

const DEFAULT_UMASK: u32 = 0o22

@struct
export class FileContext {
  root: Inode // held
  cwd: Inode // held
  umask: u32
  table: FileTable
  credentials: Embed<Credentials>
}

/** The first process's, zeroed before: the superuser, everything at `root`, no descriptors. OutOfMemory. */
export function contextInit(context: FileContext, root: Inode): i32 {
  const table = tableCreate()
  if (table == null) return Errno.OutOfMemory
  context.root = inodeHold(root)
  context.cwd = inodeHold(root)
  context.umask = DEFAULT_UMASK
  context.table = table
  return Errno.None
}

/** A child's: the same places, the same ids, and the same table if `share`, else one of its own with the same files. OutOfMemory. */
export function contextFork(child: FileContext, parent: FileContext, share: boolean): i32 {
  const table = share ? tableHold(parent.table) : tableFork(parent.table)
  if (table == null) return Errno.OutOfMemory
  child.root = inodeHold(parent.root)
  child.cwd = inodeHold(parent.cwd)
  child.umask = parent.umask
  child.table = table
  credentialsCopy(child.credentials, parent.credentials)
  return Errno.None
}

/** The process is at its end. May sleep. */
export function contextRelease(context: FileContext): void {
  tableRelease(context.table)
  inodeRelease(context.cwd)
  inodeRelease(context.root)
}
