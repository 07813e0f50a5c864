// Who speaks: the process, user and group that a local socket tells its peer. unix(7), SO_PEERCRED and SCM_CREDENTIALS.

import { isSuperuser, type Ids } from '../../fs/credentials.ts'
import { Errno } from '../../lib/errno.ts'
import { struct, wire, type Le, type i32, type u32 } from '../../lib/layout.ts'
import type { Process } from '../../process/process.ts'
import { processCurrent } from '../../process/scheduler.ts'
import { processOf } from '../../process/table.ts'

@struct
export class PeerCredentials {
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

/** Who the process that runs acts as: what SO_PEERCRED tells the other end. */
export function peerCredentialsNow(out: PeerCredentials): void {
  const self = processCurrent()
  if (self == null) return peerCredentialsSet(out, 0, 0, 0)
  const who = self.files.credentials
  peerCredentialsSet(out, self.group, who.user.effective, who.group.effective)
}

/** Who it really is: what goes with a message of its own. */
export function peerCredentialsSending(out: PeerCredentials): void {
  const self = processCurrent()
  if (self == null) return peerCredentialsSet(out, 0, 0, 0)
  const who = self.files.credentials
  peerCredentialsSet(out, self.group, who.user.real, who.group.real)
}

export function peerCredentialsSet(out: PeerCredentials, pid: u32, uid: u32, gid: u32): void {
  out.pid = pid
  out.uid = uid
  out.gid = gid
}

export function peerCredentialsCopy(out: PeerCredentials, from: PeerCredentials): void {
  peerCredentialsSet(out, from.pid, from.uid, from.gid)
}

export function peerCredentialsEqual(one: PeerCredentials, other: PeerCredentials): boolean {
  return one.pid == other.pid && one.uid == other.uid && one.gid == other.gid
}

/**
 * Whether a process may say that it is `claimed`, its own process with ids that it has: None; NotPermitted, which the superuser never
 * is; NoSuchProcess, whoever asks. unix(7), SCM_CREDENTIALS.
 */
export function credentialsClaimFault(self: Process, claimed: UserCredentials): i32 {
  const who = self.files.credentials
  const own: boolean = claimed.pid == self.group && isOneOf(who.user, claimed.uid) && isOneOf(who.group, claimed.gid)
  if (!own && !isSuperuser(who)) return Errno.NotPermitted
  return own || processOf(claimed.pid) != null ? Errno.None : Errno.NoSuchProcess
}

function isOneOf(ids: Ids, id: u32): boolean {
  return id == ids.real || id == ids.effective || id == ids.saved
}
