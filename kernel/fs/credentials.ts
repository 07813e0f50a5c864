// Who a process is: its user and group ids. credentials(7). Each thread has its own, as Linux's own calls have it; that all threads of
// a process change theirs together is the C library's doing.
//
// There are no capabilities beside them: who has effective user 0 has all of them, and of those about files who has file user 0;
// setuid(2) and setfsuid(2) move Linux's capabilities just so. Nothing here sleeps.

import { GROUP_LIMIT } from '../config.ts'
import { load32, store32 } from '../lib/intrinsics.ts'
import { address, sizeof, struct, type Bytes, type Embed, type Stored, type bool, type u32 } from '../lib/layout.ts'
import { copyBytes } from '../lib/memory.ts'

/** The superuser, and its group. */
export const SUPERUSER: u32 = 0
/** No id: -1. What is not to be set, or can not be. */
export const NO_ID: u32 = 0xffffffff

/** The ids of one kind, of users or of groups. */
@struct
export class Ids {
  real: u32
  effective: u32
  saved: u32
  file: u32 // what files go by: the effective one, unless setfsuid(2) said otherwise
}

/** Zeroed: the superuser's, without supplementary groups. */
@struct
export class Credentials {
  user: Embed<Ids>
  group: Embed<Ids>
  undumpable: Stored<u32, bool> // others of the same user may not look into the process: it was more than they are. prctl(2)
  groupCount: u32
  groups: Bytes<128> // GROUP_LIMIT supplementary groups, ascending
}

/** Bytes of a group's id. */
const GROUP_SIZE: u32 = 4

/** `to` becomes the same as `from`. */
export function credentialsCopy(to: Credentials, from: Credentials): void {
  const unused: u32 = (GROUP_LIMIT - from.groupCount) * GROUP_SIZE
  copyBytes(address(to), address(from), sizeof<Credentials>() - unused)
}

/** Whether they have the capabilities that are not about files: CAP_SYS_ADMIN, CAP_KILL and so on. */
export function isSuperuser(of: Credentials): boolean {
  return of.user.effective == SUPERUSER
}

/** Whether they have those about files: CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_FSETID, CAP_MKNOD. */
export function isFileSuperuser(of: Credentials): boolean {
  return of.user.file == SUPERUSER
}

/** Supplementary group `index`, below `groupCount`. */
export function credentialsGroup(of: Credentials, index: u32): u32 {
  return load32(of.groups, index * GROUP_SIZE)
}

/** One more supplementary group; there is room for it. */
export function credentialsGroupAdd(to: Credentials, group: u32): void {
  let place: u32 = to.groupCount
  while (place != 0 && credentialsGroup(to, place - 1) > group) {
    store32(to.groups, place * GROUP_SIZE, credentialsGroup(to, place - 1))
    place -= 1
  }
  store32(to.groups, place * GROUP_SIZE, group)
  to.groupCount += 1
}

/** Whether files of a group are theirs to use as its members do. */
export function isInGroup(of: Credentials, group: u32): boolean {
  if (of.group.file == group) return true
  for (let i: u32 = 0; i < of.groupCount; i++) {
    if (credentialsGroup(of, i) == group) return true
  }
  return false
}
