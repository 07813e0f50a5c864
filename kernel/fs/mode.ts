// File types and permissions, Linux's numbers. include/uapi/linux/stat.h, include/uapi/linux/kdev_t.h.

import type { u32 } from '../lib/layout.ts'

export const enum Mode {
  TypeMask = 0o170000,
  Socket = 0o140000,
  SymbolicLink = 0o120000,
  Regular = 0o100000,
  Block = 0o060000,
  Directory = 0o040000,
  Character = 0o020000,
  Fifo = 0o010000,
  SetUser = 0o4000,
  SetGroup = 0o2000,
  Sticky = 0o1000,
  /** Everything that chmod sets. */
  Permissions = 0o7777,
  /** Read and write for all, before the umask. */
  ReadWrite = 0o666,
  AnyExecute = 0o111,
  GroupExecute = 0o010,
}

/** The type bits of a mode. */
export function modeType(mode: u32): u32 {
  return mode & Mode.TypeMask
}

/** What a directory entry says of a file of this mode: DT_DIR and so on. */
export function modeEntryType(mode: u32): u32 {
  return (mode & Mode.TypeMask) >>> 12
}

const MINOR_LOW: u32 = 0xff
const MAJOR: u32 = 0xfff00
const MINOR_HIGH: u32 = 0xfff00000

/** Disks, as Linux numbers virtio's; each has sixteen minor numbers, the first for the whole. */
export const DISK_MAJOR: u32 = 254
export const DISK_MINORS: u32 = 16

/** A device's number as stat tells it. */
export function deviceNumber(major: u32, minor: u32): u32 {
  return (minor & MINOR_LOW) | ((major << 8) & MAJOR) | ((minor << 12) & MINOR_HIGH)
}

export function deviceMajor(device: u32): u32 {
  return (device & MAJOR) >>> 8
}

export function deviceMinor(device: u32): u32 {
  return (device & MINOR_LOW) | ((device & MINOR_HIGH) >>> 12)
}
