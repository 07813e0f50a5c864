// System calls about memory: what vm/ does, for the caller's own address space. Names and errors are Linux's.

import { Errno, isError } from '../lib/errno.ts'
import type { i32, ptr, u32 } from '../lib/layout.ts'
import { descriptorFile } from '../fs/descriptor.ts'
import { isZeroDevice } from '../fs/dev/memory.ts'
import { fileRelease, fileHold } from '../fs/file.ts'
import { flagsReadable, flagsWritable } from '../fs/flags.ts'
import { PAGE_MASK, PAGE_SHIFT, pageCeiling } from '../mm/address.ts'
import type { Process } from '../process/process.ts'
import { spaceAdvise } from '../vm/advise.ts'
import { spaceBrk } from '../vm/brk.ts'
import { MapFlag, spaceMap, spaceProtect } from '../vm/map.ts'
import { spacePopulate } from '../vm/populate.ts'
import { Protection, regionRangeFull } from '../vm/region.ts'
import { spaceRemap } from '../vm/remap.ts'
import { spaceUnmap } from '../vm/unmap.ts'

/** MS_ASYNC and MS_SYNC, which exclude each other; and MS_INVALIDATE with them. */
const SYNC_BOTH: u32 = 5
const SYNC_ALL: u32 = 7

/** Flags that MAP_SHARED_VALIDATE knows: Linux's LEGACY_MAP_MASK. include/linux/mman.h */
const MAP_KNOWN: u32 = 0xfc07f9f3

/**
 * mmap(2). `offset` is the low half of a position in the file. Errors: BadHandle, AccessDenied, NoDevice, NotSupported, and
 * spaceMap's. May sleep.
 */
export function sysMmap(self: Process, address: ptr, length: u32, protection: u32, flags: u32, descriptor: i32, offset: u32): u32 {
  const result = map(self, address, length, protection, flags, descriptor, offset)
  if ((flags & MapFlag.Populate) != 0 && !isError(result)) spacePopulate(self.space!, result, length)
  return result
}

function map(self: Process, address: ptr, length: u32, protection: u32, flags: u32, descriptor: i32, offset: u32): u32 {
  if ((offset & PAGE_MASK) != 0) return Errno.InvalidArgument as number as u32
  if ((flags & MapFlag.Anonymous) != 0) return anonymous(self, address, length, protection, flags)
  return mapFile(self, address, length, protection, flags, descriptor, offset)
}

/** Zeros, of this process or shared with those it makes. MAP_SHARED_VALIDATE is a file's. */
function anonymous(self: Process, address: ptr, length: u32, protection: u32, flags: u32): u32 {
  if ((flags & MapFlag.TypeMask) == MapFlag.SharedValidate) return Errno.InvalidArgument as number as u32
  return spaceMap(self.space!, address, length, protection, flags, null, 0)
}

function mapFile(self: Process, address: ptr, length: u32, protection: u32, flags: u32, descriptor: i32, offset: u32): u32 {
  const file = descriptorFile(self.files.table, descriptor)
  if (file == null) return Errno.BadHandle as number as u32
  if (length == 0 || (flags & MapFlag.TypeMask) == 0) return Errno.InvalidArgument as number as u32
  const sharing: u32 = flags & MapFlag.TypeMask
  if (sharing == MapFlag.SharedValidate && (flags & ~MAP_KNOWN) != 0) return Errno.NotSupported as number as u32
  const shared = sharing != MapFlag.Private
  if (!flagsReadable(file.flags) || (shared && (protection & Protection.Write) != 0 && !flagsWritable(file.flags))) {
    return Errno.AccessDenied as number as u32
  }
  if (isZeroDevice(file)) return spaceMap(self.space!, address, length, protection, flags, null, 0)
  const objectOf = file.operations.object
  if (objectOf == null) return Errno.NoDevice as number as u32
  fileHold(file)
  const object = objectOf(file)
  const result = object == null
    ? Errno.NoDevice as number as u32
    : spaceMap(self.space!, address, length, protection, flags, object, offset >>> PAGE_SHIFT)
  fileRelease(file)
  return result
}

/** munmap(2). May sleep. */
export function sysMunmap(self: Process, address: ptr, length: u32): i32 {
  return spaceUnmap(self.space!, address, length)
}

/** mprotect(2). May sleep. */
export function sysMprotect(self: Process, address: ptr, length: u32, protection: u32): i32 {
  return spaceProtect(self.space!, address, length, protection)
}

/** mremap(2). May sleep. */
export function sysMremap(self: Process, address: ptr, oldLength: u32, newLength: u32, flags: u32, to: ptr): u32 {
  return spaceRemap(self.space!, address, oldLength, newLength, flags, to)
}

/** madvise(2). May sleep. */
export function sysMadvise(self: Process, address: ptr, length: u32, advice: u32): i32 {
  return spaceAdvise(self.space!, address, length, advice)
}

/** brk(2): where it is afterwards. May sleep. */
export function sysBrk(self: Process, address: ptr): u32 {
  return spaceBrk(self.space!, address)
}

/** msync(2): what shared mappings write is in the file at once. Errors: InvalidArgument, OutOfMemory (part of it is not mapped). */
export function sysMsync(self: Process, address: ptr, length: u32, flags: u32): i32 {
  const both: boolean = (flags & SYNC_BOTH) == SYNC_BOTH
  if ((address & PAGE_MASK) != 0 || both || (flags & ~SYNC_ALL) != 0) return Errno.InvalidArgument
  const end: u32 = address + pageCeiling(length)
  return end >= address && regionRangeFull(self.space!, address, end) ? Errno.None : Errno.OutOfMemory
}
