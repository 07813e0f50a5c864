// Who speaks: the process, user and group that a local socket tells its peer. unix(7), SO_PEERCRED and SCM_CREDENTIALS.

import { Errno } from '../../lib/errno.ts'
import { struct, wire, type Le, type i32, type u32 } from '../../lib/layout.ts'
import type { Process } from '../../process/process.ts'
import { processCurrent } from '../../process/scheduler.ts'
import { processOf } from '../../process/table.ts'

@struct
export class Credentials {
  pid: u32
  uid: u32
  gid: u32
}

/** struct ucred. unix(7) specification. */
@wire(12)
export class UserCredentials {
  pid: Le<u32>
  uid: Le<u32>
  gid: Le<u32>
}

/** What SO_PEERCRED says of a socket without a peer: nobody. */
export const NOBODY: u32 = 0xffffffff

/** The user that a process acts as. */
function userOf(_process: Process): u32 {
  return 0
}

/** The group that it acts as. */
function groupOf(_process: Process): u32 {
  return 0
}

/** Those of the process that runs. */
export function credentialsNow(out: Credentials): void {
  const self = processCurrent()
  if (self == null) return credentialsSet(out, 0, 0, 0)
  credentialsSet(out, self.group, userOf(self), groupOf(self))
}

export function credentialsSet(out: Credentials, pid: u32, uid: u32, gid: u32): void {
  out.pid = pid
  out.uid = uid
  out.gid = gid
}

export function credentialsCopy(out: Credentials, from: Credentials): void {
  credentialsSet(out, from.pid, from.uid, from.gid)
}

export function credentialsEqual(one: Credentials, other: Credentials): boolean {
  return one.pid == other.pid && one.uid == other.uid && one.gid == other.gid
}

/**
 * Whether a process may say that it is `claimed`: None; NotPermitted, which user 0 never is; NoSuchProcess, whoever asks.
 * unix(7), SCM_CREDENTIALS.
 */
export function credentialsClaimFault(self: Process, claimed: UserCredentials): i32 {
  const own: boolean = claimed.pid == self.group && claimed.uid == userOf(self) && claimed.gid == groupOf(self)
  if (!own && userOf(self) != 0) return Errno.NotPermitted
  return own || processOf(claimed.pid) != null ? Errno.None : Errno.NoSuchProcess
}
