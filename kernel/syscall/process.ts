// System calls that make and end processes, and wait for them. Names and errors are Linux's; docs/syscalls.md lists all calls.

import { Errno } from '../lib/errno.ts'
import { at, sizeof, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { zeroBytes } from '../lib/memory.ts'
import { Clone, processClone } from '../process/create.ts'
import { exitedStatus, groupExit, processExit } from '../process/exit.ts'
import { Process } from '../process/process.ts'
import { ProcessorTime, processorTimeAdd } from '../process/processor-time.ts'
import { processOf } from '../process/table.ts'
import { processReap, processWait, waitStatus } from '../process/wait.ts'
import { userStore32 } from '../vm/user-copy.ts'
import { usageOut } from './usage.ts'

/** clone(2). */
export function sysClone(self: Process, flags: u32, stack: ptr, parentTid: ptr, childTid: ptr, tls: ptr): i32 {
  const pid = processClone(self, flags, stack, tls, childTid)
  if (pid > 0 && (flags & Clone.ParentSetTid) != 0) userStore32(parentTid, pid as number as u32)
  return pid
}

/** vfork(2): as fork, and the caller waits. */
export function sysVfork(self: Process): i32 {
  const child: u32 = 17
  return processClone(self, Clone.Vfork | Clone.Memory | child, 0 as ptr, 0 as ptr, 0 as ptr)
}

/** fork(2). */
export function sysFork(self: Process): i32 {
  const child: u32 = 17
  return processClone(self, child, 0 as ptr, 0 as ptr, 0 as ptr)
}

/** exit(2): this thread. */
export function sysExit(code: u32): never {
  processExit(exitedStatus(code))
}

/** exit_group(2): all threads. */
export function sysExitGroup(code: u32): never {
  groupExit(exitedStatus(code))
}

/** wait4(2). */
export function sysWait4(self: Process, which: i32, status: ptr, options: u32, usageTo: ptr): i32 {
  const leader = processOf(self.group)!
  const pid = processWait(leader, which, options)
  if (pid <= 0) return pid
  const told = waitStatus()
  const child = processOf(pid as number as u32)!
  const ended = (told & 0x7f) != 0x7f && told != 0xffff
  const used = at<ProcessorTime>(self.scratch) // its own, and its children's
  zeroBytes(self.scratch, sizeof<ProcessorTime>())
  processorTimeAdd(used, child.signals.group.time)
  processorTimeAdd(used, child.signals.group.childTime)
  const faults: u32 = child.signals.group.faults
  if (ended) processReap(leader, child)
  if (usageTo != 0 && usageOut(used, faults, usageTo) != Errno.None) return Errno.BadAddress
  if (status != 0 && userStore32(status, told) != Errno.None) return Errno.BadAddress
  return pid
}
