// What open, fcntl, lseek, poll and the *at calls are told, Linux's numbers for x86-64. include/uapi/asm-generic/fcntl.h,
// include/uapi/linux/fcntl.h, include/uapi/asm-generic/poll.h.

import type { u32 } from '../lib/layout.ts'

export const enum Open {
  ReadOnly = 0,
  WriteOnly = 1,
  ReadWrite = 2,
  AccessMode = 3,
  /** The kernel's own: a program is opened to be run. Linux calls it __FMODE_EXEC. */
  Execute = 0o40,
  Create = 0o100,
  Exclusive = 0o200,
  NoTerminal = 0o400,
  Truncate = 0o1000,
  Append = 0o2000,
  NonBlock = 0o4000,
  DataSync = 0o10000,
  Async = 0o20000,
  Direct = 0o40000,
  LargeFile = 0o100000,
  Directory = 0o200000,
  NoFollow = 0o400000,
  NoAccessTime = 0o1000000,
  CloseOnExec = 0o2000000,
  Path = 0o10000000,
  /** O_TMPFILE without O_DIRECTORY, which goes with it. */
  Temporary = 0o20000000,
}

/** What F_SETFL may change. */
export const OPEN_CHANGEABLE: u32 = 0o2000 | 0o4000 | 0o20000 | 0o40000 | 0o1000000

export const enum At {
  /** AT_FDCWD, as an i32. */
  WorkingDirectory = -100,
  SymlinkNoFollow = 0x100,
  RemoveDirectory = 0x200,
  /** AT_EACCESS of faccessat2, which removes nothing. */
  EffectiveAccess = 0x200,
  SymlinkFollow = 0x400,
  EmptyPath = 0x1000,
}

export const enum Access { Exists = 0, Execute = 1, Write = 2, Read = 4 }

export const enum Seek { Set, Current, End, Data, Hole }

export const enum Poll {
  In = 1,
  Priority = 2,
  Out = 4,
  Error = 8,
  HangUp = 0x10,
  Invalid = 0x20,
  ReadNormal = 0x40,
  WriteNormal = 0x100,
  ReadHangUp = 0x2000,
}

/** What is always ready: regular files, directories. */
export const POLL_ALWAYS: u32 = 1 | 4 | 0x40 | 0x100

export const enum Fcntl {
  Duplicate = 0,
  GetDescriptorFlags = 1,
  SetDescriptorFlags = 2,
  GetFlags = 3,
  SetFlags = 4,
  GetLock = 5,
  SetLock = 6,
  SetLockWait = 7,
  SetOwner = 8,
  GetOwner = 9,
  SetSignal = 10,
  GetSignal = 11,
  SetOwnerKind = 15,
  GetOwnerKind = 16,
  GetOpenLock = 36,
  SetOpenLock = 37,
  SetOpenLockWait = 38,
  DuplicateCloseOnExec = 1030,
  SetPipeSize = 1031,
  GetPipeSize = 1032,
}

export const enum Rename { NoReplace = 1, Exchange = 2 }

/** Signals that files send. */
export const enum FileSignal {
  HangUp = 1, Interrupt = 2, Quit = 3, Pipe = 13, TerminalStop = 20, TerminalInput = 21, TerminalOutput = 22, FileLimit = 25,
  WindowChange = 28,
}

/** Whether an open file with these flags may be read. */
export function flagsReadable(flags: u32): boolean {
  return (flags & Open.AccessMode) != Open.WriteOnly && (flags & Open.Path) == 0
}

/** Whether an open file with these flags may be written. */
export function flagsWritable(flags: u32): boolean {
  return (flags & Open.AccessMode) != Open.ReadOnly && (flags & Open.Path) == 0
}
