// What a process may do to a file: the one place that decides. path_resolution(7), inode(7), chmod(2), chown(2), unlink(2).
//
// The superuser, who passes nearly always, is asked for first. Nothing here sleeps.

import { Errno } from '../lib/errno.ts'
import type { i32, u32 } from '../lib/layout.ts'
import { NO_ID, isFileSuperuser, isInGroup, type Credentials } from './credentials.ts'
import { Access } from './flags.ts'
import { MountFlag, inodeIsDirectory, inodeIsRegular, inodeReadOnly, type Inode } from './inode.ts'
import { Mode, modeType } from './mode.ts'
import { processCredentials } from './process-hooks.ts'

/** Where the bits of the owner and of the group lie in a mode, above those of all others. */
const OWNER_SHIFT: u32 = 6
const GROUP_SHIFT: u32 = 3
const SET_IDS: u32 = Mode.SetUser | Mode.SetGroup
const GROUP_RUNS_AS: u32 = Mode.SetGroup | Mode.GroupExecute

/** Whether a file's mode grants all of `wanted` (Access): its owner is judged by the owner's bits, whatever the others say. */
function isGranted(who: Credentials, inode: Inode, wanted: u32): boolean {
  let bits: u32 = inode.mode
  if (inode.uid == who.user.file) bits >>>= OWNER_SHIFT
  else if (isInGroup(who, inode.gid)) bits >>>= GROUP_SHIFT
  return (wanted & ~bits) == 0
}

/** The superuser may do everything, but execute only a file that somebody may. */
function isSuperusers(inode: Inode, wanted: u32): boolean {
  return (wanted & Access.Execute) == 0 || inodeIsDirectory(inode) || (inode.mode & Mode.AnyExecute) != 0
}

/** Devices, pipes and sockets are written to whether their file system may be changed or not. */
function isKept(inode: Inode): boolean {
  const type = modeType(inode.mode)
  return type == Mode.Regular || type == Mode.Directory || type == Mode.SymbolicLink
}

/** Whether a process may do all of `wanted` (Access) to a file: AccessDenied, ReadOnly. */
export function inodePermission(who: Credentials, inode: Inode, wanted: u32): i32 {
  if ((wanted & Access.Write) != 0 && inodeReadOnly(inode) && isKept(inode)) return Errno.ReadOnly
  const may = isFileSuperuser(who) ? isSuperusers(inode, wanted) : isGranted(who, inode, wanted)
  return may ? Errno.None : Errno.AccessDenied
}

/** Whether names may be looked up in a directory. */
export function maySearch(who: Credentials, directory: Inode): boolean {
  return isFileSuperuser(who) || isGranted(who, directory, Access.Execute)
}

/** Whether names may be made in a directory, or taken away: AccessDenied, ReadOnly. */
export function mayWriteIn(who: Credentials, directory: Inode): i32 {
  return inodePermission(who, directory, Access.Write | Access.Execute)
}

/** Whether a name of `inode` may be taken from a directory: AccessDenied, ReadOnly; NotPermitted, as it is sticky and both are others'. */
export function mayRemoveFrom(who: Credentials, directory: Inode, inode: Inode): i32 {
  const refused = mayWriteIn(who, directory)
  if (refused != Errno.None || (directory.mode & Mode.Sticky) == 0) return refused
  return isOwner(who, inode) || isOwner(who, directory) ? Errno.None : Errno.NotPermitted
}

/** Whether a file is a process's to change what is kept of it. */
export function isOwner(who: Credentials, inode: Inode): boolean {
  return isFileSuperuser(who) || who.user.file == inode.uid
}

/** Whether a file may be run: AccessDenied unless it is regular, somebody may run it, and its file system allows it. */
export function mayRun(who: Credentials, inode: Inode): i32 {
  if (!inodeIsRegular(inode) || (inode.system.flags & MountFlag.NoExecute) != 0) return Errno.AccessDenied
  return inodePermission(who, inode, Access.Execute)
}

/** A new file that is in no directory belongs to who makes it. */
export function inodeOwn(who: Credentials, inode: Inode): void {
  inode.uid = who.user.file
  inode.gid = who.group.file
}

/**
 * A new file in a directory does, too; in one with set-group everything is that group's, and directories go on so: mkdir(2), mknod(2). But
 * nobody makes a program so that runs as a group that is not theirs.
 */
export function inodeOwnIn(who: Credentials, inode: Inode, directory: Inode): void {
  inodeOwn(who, inode)
  if ((directory.mode & Mode.SetGroup) == 0) return
  inode.gid = directory.gid
  if (inodeIsDirectory(inode)) inode.mode |= Mode.SetGroup
  else if ((inode.mode & GROUP_RUNS_AS) == GROUP_RUNS_AS) inode.mode = modeAllowed(who, inode, inode.mode)
}

/** The mode that a file gets when a process sets `mode`: set-group only where the group is the process's own. chmod(2). */
export function modeAllowed(who: Credentials, inode: Inode, mode: u32): u32 {
  return isFileSuperuser(who) || isInGroup(who, inode.gid) ? mode : mode & ~Mode.SetGroup
}

/** A mode without set-user, and without set-group where that means who runs it (else it once asked for mandatory locks). */
function withoutSetIds(who: Credentials, inode: Inode): u32 {
  const mode: u32 = inode.mode & ~Mode.SetUser
  return (mode & GROUP_RUNS_AS) == GROUP_RUNS_AS ? mode & ~Mode.SetGroup : modeAllowed(who, inode, mode)
}

/** Set the owner of a file, NO_ID leaves it; what it runs as is forgotten then. NotPermitted. chown(2). */
export function inodeOwnerSet(who: Credentials, inode: Inode, uid: u32, gid: u32): i32 {
  const mode: u32 = inodeIsDirectory(inode) ? inode.mode : withoutSetIds(who, inode)
  if (!isFileSuperuser(who)) {
    const owns = isOwner(who, inode)
    if (uid != NO_ID && !(owns && uid == inode.uid)) return Errno.NotPermitted
    if (gid != NO_ID && !(owns && (gid == inode.gid || isInGroup(who, gid)))) return Errno.NotPermitted
    if (mode != inode.mode && !owns) return Errno.NotPermitted
  }
  if (uid != NO_ID) inode.uid = uid
  if (gid != NO_ID) inode.gid = gid
  inode.mode = mode
  return Errno.None
}

/** The running process has changed what is in a file: unless it is the superuser, the file runs as nobody else from now on. write(2). */
export function setIdsLose(inode: Inode): void {
  if ((inode.mode & SET_IDS) == 0) return
  const who = processCredentials()
  if (who != null && !isFileSuperuser(who)) inode.mode = withoutSetIds(who, inode)
}
