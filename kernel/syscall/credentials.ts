// System calls about users and groups. Names and errors are Linux's: setuid(2), setreuid(2), getgroups(2) and so on. They are about the
// calling thread, as Linux's are.

import { GROUP_LIMIT } from '../config.ts'
import { NO_ID, credentialsGroupAdd, isSuperuser, type Ids } from '../fs/credentials.ts'
import { Errno } from '../lib/errno.ts'
import { load32 } from '../lib/intrinsics.ts'
import type { i32, ptr, u32 } from '../lib/layout.ts'
import { idSet, idSetForFiles, idsSetThree, idsSetTwo } from '../process/credentials.ts'
import type { Process } from '../process/process.ts'
import { userCopyIn, userCopyOut, userStore32 } from '../vm/user-copy.ts'

/** Bytes of a group's id. */
const ID_SIZE: u32 = 4

/** setuid(2), setgid(2). Errors: InvalidArgument, NotPermitted. */
export function sysSetuid(self: Process, user: u32): i32 {
  return idSet(self, self.files.credentials.user, user)
}
export function sysSetgid(self: Process, group: u32): i32 {
  return idSet(self, self.files.credentials.group, group)
}

/** setreuid(2), setregid(2). Errors: NotPermitted. */
export function sysSetreuid(self: Process, real: u32, effective: u32): i32 {
  return idsSetTwo(self, self.files.credentials.user, real, effective)
}
export function sysSetregid(self: Process, real: u32, effective: u32): i32 {
  return idsSetTwo(self, self.files.credentials.group, real, effective)
}

/** setresuid(2), setresgid(2). Errors: NotPermitted. */
export function sysSetresuid(self: Process, real: u32, effective: u32, saved: u32): i32 {
  return idsSetThree(self, self.files.credentials.user, real, effective, saved)
}
export function sysSetresgid(self: Process, real: u32, effective: u32, saved: u32): i32 {
  return idsSetThree(self, self.files.credentials.group, real, effective, saved)
}

/** setfsuid(2), setfsgid(2): what it was, whether it was changed or not. */
export function sysSetfsuid(self: Process, user: u32): u32 {
  return idSetForFiles(self, self.files.credentials.user, user)
}
export function sysSetfsgid(self: Process, group: u32): u32 {
  return idSetForFiles(self, self.files.credentials.group, group)
}

/** getresuid(2), getresgid(2). Errors: BadAddress. May sleep. */
export function sysGetresuid(self: Process, real: ptr, effective: ptr, saved: ptr): i32 {
  return idsOut(self.files.credentials.user, real, effective, saved)
}
export function sysGetresgid(self: Process, real: ptr, effective: ptr, saved: ptr): i32 {
  return idsOut(self.files.credentials.group, real, effective, saved)
}

function idsOut(ids: Ids, real: ptr, effective: ptr, saved: ptr): i32 {
  if (userStore32(real, ids.real) != Errno.None || userStore32(effective, ids.effective) != Errno.None) return Errno.BadAddress
  return userStore32(saved, ids.saved)
}

/** getgroups(2): how many supplementary groups there are; with `room` 0 only that. Errors: InvalidArgument, BadAddress. May sleep. */
export function sysGetgroups(self: Process, room: i32, to: ptr): i32 {
  const credentials = self.files.credentials
  const count = credentials.groupCount as number as i32
  if (room < 0 || (room != 0 && count > room)) return Errno.InvalidArgument
  if (room == 0 || count == 0) return count
  const error = userCopyOut(to, credentials.groups, credentials.groupCount * ID_SIZE)
  return error == Errno.None ? count : error
}

/** setgroups(2), GROUP_LIMIT at most. Errors: NotPermitted, InvalidArgument, BadAddress. May sleep. */
export function sysSetgroups(self: Process, count: u32, from: ptr): i32 {
  const credentials = self.files.credentials
  if (!isSuperuser(credentials)) return Errno.NotPermitted
  if (count > GROUP_LIMIT) return Errno.InvalidArgument
  const groups = self.scratch
  if (count != 0 && userCopyIn(groups, from, count * ID_SIZE) != Errno.None) return Errno.BadAddress
  for (let i: u32 = 0; i < count; i++) {
    if (load32(groups, i * ID_SIZE) == NO_ID) return Errno.InvalidArgument
  }
  credentials.groupCount = 0
  for (let i: u32 = 0; i < count; i++) credentialsGroupAdd(credentials, load32(groups, i * ID_SIZE))
  return Errno.None
}
