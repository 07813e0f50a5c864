// System calls about which process it is: its id, group, session. Names and errors are Linux's.

import { Errno } from '../lib/errno.ts'
import type { i32, ptr, u32 } from '../lib/layout.ts'
import { Process } from '../process/process.ts'
import { processFirst, processOf } from '../process/table.ts'

/** getppid(2): 0 for the first process. */
export function sysGetppid(self: Process): u32 {
  const parent = processOf(self.group)!.parent
  return parent == null ? 0 : parent.pid
}

/** setpgid(2). Errors: NoSuchProcess, NotPermitted (a session's leader, another session), InvalidArgument. */
export function sysSetpgid(self: Process, pid: i32, group: i32): i32 {
  if (group < 0) return Errno.InvalidArgument
  const process = pid == 0 ? processOf(self.group) : processOf(pid as number as u32)
  if (process == null || (process.group != self.group && process.parent != processOf(self.group))) return Errno.NoSuchProcess
  const wanted: u32 = group == 0 ? process.pid : group as number as u32
  if (process.session == process.pid || process.session != self.session) return Errno.NotPermitted
  if (wanted != process.pid && !groupExists(wanted, self.session)) return Errno.NotPermitted
  process.processGroup = wanted
  return Errno.None
}

function groupExists(group: u32, session: u32): boolean {
  let each = processFirst()
  while (each != null) {
    if (each.processGroup == group && each.session == session) return true
    each = each.nextOfAll
  }
  return false
}

/** getpgid(2), getsid(2): of process `pid`, 0 for the caller. Errors: NoSuchProcess. */
export function sysGetpgid(self: Process, pid: u32): u32 {
  const process = pid == 0 ? self : processOf(pid)
  return process == null ? Errno.NoSuchProcess as number as u32 : process.processGroup
}
export function sysGetsid(self: Process, pid: u32): u32 {
  const process = pid == 0 ? self : processOf(pid)
  return process == null ? Errno.NoSuchProcess as number as u32 : process.session
}

/** setsid(2). Errors: NotPermitted for a group's leader. */
export function sysSetsid(self: Process): u32 {
  const leader = processOf(self.group)!
  let each = processFirst()
  while (each != null) {
    if (each.processGroup == leader.pid) return Errno.NotPermitted as number as u32
    each = each.nextOfAll
  }
  leader.session = leader.pid
  leader.processGroup = leader.pid
  return leader.pid
}

/** set_tid_address(2). */
export function sysSetTidAddress(self: Process, to: ptr): u32 {
  self.clearTid = to
  return self.pid
}
