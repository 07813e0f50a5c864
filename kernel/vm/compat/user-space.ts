// RustOS's checks of memory that programs name (`memory/user_space.rs`, `syscall/mod.rs`), for the current process. There a page was
// looked at, then used; here a copy looks at each page as it uses it (user-copy.ts), so these functions check, in RustOS's order, what
// can be known beforehand, and the copy finds out the rest. Process context; all of these may sleep.

import { Errno } from '../../lib/errno.ts'
import { load32, store8 } from '../../lib/intrinsics.ts'
import { plus, staticMemory, struct, type Stored, type bool, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import { PAGE_SIZE, USER_END, USER_START, pageFloor } from '../../mm/address.ts'
import { isUserRange } from '../address-space.ts'
import { ENTRY_NO_EXECUTE, Entry, entryFind, spaceCurrent } from '../page-table.ts'
import { MemoryRegionType, Protection, regionFind } from '../region.ts'
import { userCopyIn, userCopyOut, userString } from '../user-copy.ts'
import { pageWalk } from '../walk.ts'

/** RustOS's numbers. */
export const enum SyscallError {
  None = 0,
  InvalidSyscall = -1,
  NotFound = -2,
  Interrupted = -4,
  IoError = -5,
  BadFileDescriptor = -9,
  NoChild = -10,
  WouldBlock = -11,
  OutOfMemory = -12,
  PermissionDenied = -13,
  InvalidAddress = -14,
  Busy = -16,
  AlreadyExists = -17,
  CrossDevice = -18,
  NotDirectory = -20,
  IsDirectory = -21,
  InvalidArgument = -22,
  TooManyOpenFiles = -24,
  FileTooLarge = -27,
  NoSpace = -28,
  ReadOnly = -30,
  NotPermitted = -32,
  NotSupported = -38,
  DirectoryNotEmpty = -39,
  InternalError = -255,
}

/** The most that is copied at once. */
export const MAX_COPY_SIZE: u32 = 64 << 20

@struct
export class PageProtectionFlags {
  readable: Stored<u32, bool>
  writable: Stored<u32, bool>
  executable: Stored<u32, bool>
  userAccessible: Stored<u32, bool>
}

let copies: u32 = 0

/**
 * `UserSpaceMemory::validate_user_ptr`: InvalidAddress (null, an overflow, outside of user memory, not mapped), InvalidArgument (more
 * than 64 MiB), InternalError (no process), PermissionDenied (rights, a guard page). A page that is not there yet is no error: it comes
 * when it is touched.
 */
export function validateUserPtr(p: ptr, n: u32, write: bool): i32 {
  if (n == 0) return SyscallError.None
  if (!isUserRange(p, n)) return SyscallError.InvalidAddress
  if (n > MAX_COPY_SIZE) return SyscallError.InvalidArgument
  const space = spaceCurrent()
  if (space == null) return SyscallError.InternalError
  let where: u32 = pageFloor(p)
  while (where < p + n) {
    const region = regionFind(space, where)
    if (region == null) return SyscallError.InvalidAddress
    if (region.type == MemoryRegionType.GuardPage || region.protection == Protection.None) return SyscallError.PermissionDenied
    if (write && (region.protection & Protection.Write) == 0) return SyscallError.PermissionDenied
    where = region.end
  }
  return SyscallError.None
}

/** `copy_from_user`. As `validateUserPtr`; IoError: a page can not be read from its disk or file. */
export function copyFromUser(p: ptr, to: ptr, n: u32): i32 {
  const valid = validateUserPtr(p, n, false)
  if (valid != SyscallError.None) return valid
  copies += 1
  return userCopyIn(to, p, n) == Errno.None ? SyscallError.None : SyscallError.IoError
}

/** `copy_to_user`. As `copyFromUser`. */
export function copyToUser(p: ptr, from: ptr, n: u32): i32 {
  const valid = validateUserPtr(p, n, true)
  if (valid != SyscallError.None) return valid
  copies += 1
  return userCopyOut(p, from, n) == Errno.None ? SyscallError.None : SyscallError.IoError
}

/**
 * `copy_string_from_user` into `to`, which has room for `room` bytes with the zero: its length. InvalidAddress; InvalidArgument when no
 * zero is among them: RustOS gives the part without a word.
 */
export function copyStringFromUser(p: ptr, to: ptr, room: u32): i32 {
  if (p == 0) return SyscallError.InvalidAddress
  if (room == 0) return 0
  const length = userString(to, p, room)
  if (length == Errno.NameTooLong) return SyscallError.InvalidArgument
  return length < 0 ? SyscallError.InvalidAddress : length
}

/** `copy_string_to_user`: `n` bytes at `from`, and a zero. */
export function copyStringToUser(p: ptr, from: ptr, n: u32): i32 {
  const valid = validateUserPtr(p, n + 1, true)
  if (valid != SyscallError.None) return valid
  const copied = copyToUser(p, from, n)
  if (copied != SyscallError.None) return copied
  store8(zero, 0, 0)
  return userCopyOut(plus(p, n), zero, 1) == Errno.None ? SyscallError.None : SyscallError.IoError
}

const zero = staticMemory(8, 8)

/** `current_privilege_level`: the kernel's code runs in ring 0. `can_access_user_memory`: if there is a process. */
export function currentPrivilegeLevel(): u32 {
  return 0
}
export function canAccessUserMemory(): boolean {
  return spaceCurrent() != null
}

/** `probe_user_address`: one byte. */
export function probeUserAddress(p: ptr, write: bool): i32 {
  return validateUserPtr(p, 1, write)
}

/** `get_page_protection`, of a page that is there: InvalidAddress otherwise. A page that is out is brought in first. */
export function getPageProtection(p: ptr, out: PageProtectionFlags): i32 {
  const space = spaceCurrent()
  if (space == null || p < USER_START || p >= USER_END) return SyscallError.InvalidAddress
  const entry = entryFind(space, p)
  if (entry == 0 || load32(entry, 0) == 0) return SyscallError.InvalidAddress
  pageWalk(space, p, false)
  const low = load32(entry, 0)
  if ((low & Entry.Present) == 0) return SyscallError.InvalidAddress
  out.readable = (low & Entry.User) != 0
  out.userAccessible = out.readable
  out.writable = (low & Entry.Writable) != 0
  out.executable = (load32(entry, 4) & ENTRY_NO_EXECUTE) == 0
  return SyscallError.None
}

/** `validate_user_range_enhanced`: the basic check; there is one process whose memory is meant, the current one. */
export function validateUserRangeEnhanced(p: ptr, n: u32, write: bool): i32 {
  return validateUserPtr(p, n, write)
}

/** `flush_user_tlb_range`: the tables are kept in step with the processor, so only the range is checked. InvalidAddress. */
export function flushUserTlbRange(start: ptr, n: u32): i32 {
  return isUserRange(start, n == 0 ? PAGE_SIZE : n) ? SyscallError.None : SyscallError.InvalidAddress
}

/** `EnhancedUserSpaceMemory::get_stats`: copies that passed validation. */
export function userCopyCount(): u32 {
  return copies
}

/** `usermode::is_valid_user_address`, with the one range all modules have. */
export function isValidUserAddress(where: u32, size: u32): boolean {
  return isUserRange(where, size)
}
