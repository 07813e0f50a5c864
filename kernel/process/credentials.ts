// What a process may make of its ids, and do to other processes: the one place that decides. credentials(7), setuid(2), execve(2), kill(2).
// Linux's capabilities follow from the ids: fs/credentials.ts. Nothing here sleeps. Context: a process's.

import { NO_ID, SUPERUSER, isSuperuser, type Credentials, type Ids } from '../fs/credentials.ts'
import { Access } from '../fs/flags.ts'
import { MountFlag, type Inode } from '../fs/inode.ts'
import { Mode } from '../fs/mode.ts'
import { inodePermission } from '../fs/permission.ts'
import { Errno } from '../lib/errno.ts'
import { nth, type i32, type u32 } from '../lib/layout.ts'
import type { Identity } from '../loader/stack.ts'
import { Resource } from './limits.ts'
import type { Process } from './process.ts'
import { Signal } from './signal-number.ts'
import { processFirst } from './table.ts'

// --- Its own ids: `ids` are its users' or its groups'. --------------------------------------------

/** It acts as somebody else: it has memory in which there may be what that user is not to see, and asked for signals as who it was. */
function otherwise(self: Process): void {
  credentialsOf(self).undumpable = true
  self.signals.group.deathSignal = 0
}

/** Effective id, and with it that for files. */
function effectiveSet(self: Process, ids: Ids, id: u32): void {
  if (ids.effective != id || ids.file != id) otherwise(self)
  ids.effective = id
  ids.file = id
}

/** setuid(2), setgid(2): all ids, if by the superuser, else the effective one. Errors: InvalidArgument, NotPermitted. */
export function idSet(self: Process, ids: Ids, id: u32): i32 {
  if (id == NO_ID) return Errno.InvalidArgument
  if (isSuperuser(credentialsOf(self))) {
    ids.real = id
    ids.saved = id
  } else if (id != ids.real && id != ids.saved) return Errno.NotPermitted
  effectiveSet(self, ids, id)
  return Errno.None
}

/** setreuid(2), setregid(2): NO_ID leaves an id. Errors: NotPermitted. */
export function idsSetTwo(self: Process, ids: Ids, real: u32, effective: u32): i32 {
  if (!isSuperuser(credentialsOf(self))) {
    if (real != NO_ID && real != ids.real && real != ids.effective) return Errno.NotPermitted
    if (effective != NO_ID && !isOneOf(ids, effective)) return Errno.NotPermitted
  }
  const next: u32 = effective == NO_ID ? ids.effective : effective
  if (real != NO_ID || next != ids.real && effective != NO_ID) ids.saved = next
  if (real != NO_ID) ids.real = real
  effectiveSet(self, ids, next)
  return Errno.None
}

/** setresuid(2), setresgid(2): NO_ID leaves an id. Errors: NotPermitted. */
export function idsSetThree(self: Process, ids: Ids, real: u32, effective: u32, saved: u32): i32 {
  const allowed = isSuperuser(credentialsOf(self)) || isLeftOrOneOf(ids, real) && isLeftOrOneOf(ids, effective) && isLeftOrOneOf(ids, saved)
  if (!allowed) return Errno.NotPermitted
  const next: u32 = effective == NO_ID ? ids.effective : effective
  if (real != NO_ID) ids.real = real
  if (saved != NO_ID) ids.saved = saved
  effectiveSet(self, ids, next)
  return Errno.None
}

/** setfsuid(2), setfsgid(2): the id for files, if it may be. What it was. */
export function idSetForFiles(self: Process, ids: Ids, id: u32): u32 {
  const before: u32 = ids.file
  if (id == NO_ID || id == before) return before
  if (!isOneOf(ids, id) && !isSuperuser(credentialsOf(self))) return before
  otherwise(self)
  ids.file = id
  return before
}

function isOneOf(ids: Ids, id: u32): boolean {
  return id == ids.real || id == ids.effective || id == ids.saved
}

function isLeftOrOneOf(ids: Ids, id: u32): boolean {
  return id == NO_ID || isOneOf(ids, id)
}

/** Who a process is once it runs the program in `inode`, with its set-user and set-group bits. execve(2); AT_SECURE, getauxval(3). */
export function identityFind(out: Identity, of: Credentials, inode: Inode): void {
  const lends = (inode.system.flags & MountFlag.NoSetUser) == 0
  const runsAsGroup = (inode.mode & Mode.SetGroup) != 0 && (inode.mode & Mode.GroupExecute) != 0
  out.user = of.user.real
  out.effectiveUser = lends && (inode.mode & Mode.SetUser) != 0 ? inode.uid : of.user.effective
  out.group = of.group.real
  out.effectiveGroup = lends && runsAsGroup ? inode.gid : of.group.effective
  out.secure = out.effectiveUser != out.user || out.effectiveGroup != out.group
}

/** The program runs: its process is that. Who could not read the program may not look into it. */
export function identityTake(self: Process, identity: Identity, inode: Inode): void {
  const of = credentialsOf(self)
  if (identity.secure) self.signals.group.deathSignal = 0
  of.undumpable = identity.secure || inodePermission(of, inode, Access.Read) != Errno.None
  of.user.effective = identity.effectiveUser
  of.user.saved = identity.effectiveUser
  of.user.file = identity.effectiveUser
  of.group.effective = identity.effectiveGroup
  of.group.saved = identity.effectiveGroup
  of.group.file = identity.effectiveGroup
}

// --- Other processes. -------------------------------------------------------------------------------------

function credentialsOf(process: Process): Credentials {
  return process.files.credentials
}

/** Whether a process may send a signal to another: its own threads, and, for Continue, its session have it from everybody. kill(2). */
export function maySignal(sender: Process, process: Process, number: u32): boolean {
  const mine = credentialsOf(sender).user
  if (sender.group == process.group || mayTell(process, mine.real, mine.effective)) return true
  return number == Signal.Continue && sender.session == process.session
}

/** Whether who has these user ids may send signals to a process. kill(2); fcntl(2), F_SETOWN. */
export function mayTell(process: Process, real: u32, effective: u32): boolean {
  const its = credentialsOf(process).user
  return effective == SUPERUSER || effective == its.saved || effective == its.real || real == its.saved || real == its.real
}

/** Whether a process may say how another is scheduled. setpriority(2), sched_setaffinity(2). */
export function maySchedule(self: Process, process: Process): boolean {
  const mine: u32 = credentialsOf(self).user.effective
  return isSuperuser(credentialsOf(self)) || mine == credentialsOf(process).user.real || mine == credentialsOf(process).user.effective
}

/** Whether a process may ask for another's limits, and set them. prlimit(2). */
export function mayLimit(self: Process, process: Process): boolean {
  if (self == process || isSuperuser(credentialsOf(self))) return true
  const mine = credentialsOf(self)
  return isAll(credentialsOf(process), mine.user.real, mine.group.real)
}

/** Whether a process may see what is in another, as its memory and its files. ptrace(2), PTRACE_MODE_READ_FSCREDS. */
export function mayLookInto(self: Process, process: Process): boolean {
  if (self.group == process.group || isSuperuser(credentialsOf(self))) return true
  const mine = credentialsOf(self)
  return isAll(credentialsOf(process), mine.user.file, mine.group.file) && !credentialsOf(process).undumpable
}

/** Whether a process is a user and a group, and can become no other. */
function isAll(of: Credentials, user: u32, group: u32): boolean {
  return areAll(of.user, user) && areAll(of.group, group)
}

function areAll(ids: Ids, id: u32): boolean {
  return ids.real == id && ids.effective == id && ids.saved == id
}

/** Whether a process's user has as many processes as its limit says, threads and those not waited for too. getrlimit(2), RLIMIT_NPROC. */
export function hasAllProcesses(self: Process): boolean {
  const user: u32 = credentialsOf(self).user.real
  if (user == SUPERUSER || isSuperuser(credentialsOf(self))) return false
  let count: u32 = 0
  let each = processFirst()
  while (each != null) {
    if (credentialsOf(each).user.real == user) count += 1
    each = each.nextOfAll
  }
  return count >= nth(self.signals.group.limits, Resource.Processes).soft
}
