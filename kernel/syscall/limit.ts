// System calls about what a process may use: getrlimit(2), setrlimit(2), prlimit64(2). Names and errors are Linux's.

import { DESCRIPTOR_LIMIT } from '../config.ts'
import { isSuperuser } from '../fs/credentials.ts'
import { Long } from '../fs/layouts.ts'
import { Errno } from '../lib/errno.ts'
import { address, at, nth, sizeof, wire, type Embed, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { mayLimit } from '../process/credentials.ts'
import { NO_LIMIT, Resource, limitsToSpace, type ResourceLimit } from '../process/limits.ts'
import { Process } from '../process/process.ts'
import { processOf } from '../process/table.ts'
import { userCopyIn, userCopyOut } from '../vm/user-copy.ts'
import { scratchRest } from './scratch.ts'

/** struct rlimit64: what is in force, and how far a process may raise it. include/uapi/linux/resource.h. */
@wire(16)
class Limits {
  soft: Embed<Long>
  hard: Embed<Long>
}

/**
 * prlimit64(2): what a limit was, and is from now on. Errors: InvalidArgument (no such resource, more in force than there may be),
 * BadAddress, NoSuchProcess, NotPermitted (another's process; how far it may be raised is for the superuser to raise; more descriptors
 * than there are).
 */
export function sysPrlimit64(self: Process, pid: u32, resource: u32, next: ptr, old: ptr): i32 {
  if (resource >= Resource.All) return Errno.InvalidArgument
  const limits = at<Limits>(scratchRest(self))
  if (next != 0 && userCopyIn(address(limits), next, sizeof<Limits>()) != Errno.None) return Errno.BadAddress
  const process = pid == 0 ? self : processOf(pid)
  if (process == null || process.space == null) return Errno.NoSuchProcess
  if (!mayLimit(self, process)) return Errno.NotPermitted
  const softBefore = limitOf(process, resource, false)
  const hardBefore = limitOf(process, resource, true)
  if (next != 0) {
    const raised = limitNarrow(limits.hard) > hardBefore && !isSuperuser(self.files.credentials)
    const error: i32 = limitSet(process, resource, limits, !raised)
    if (error != Errno.None) return error
  }
  limitWiden(limits.soft, softBefore)
  limitWiden(limits.hard, hardBefore)
  return old == 0 ? Errno.None : userCopyOut(old, address(limits), sizeof<Limits>())
}

function limitsOf(process: Process): ResourceLimit {
  return process.signals.group.limits
}

function limitOf(process: Process, resource: u32, hard: boolean): u32 {
  if (resource == Resource.Files) return hard ? process.files.table.hardLimit : process.files.table.limit
  const limit = nth(limitsOf(process), resource)
  return hard ? limit.hard : limit.soft
}

function limitWiden(out: Long, value: u32): void {
  out.low = value
  out.high = value == NO_LIMIT ? NO_LIMIT : 0
}

/** 64 bits to 32: what is higher than any limit here is NO_LIMIT. */
function limitNarrow(number: Long): u32 {
  return number.high != 0 ? NO_LIMIT : number.low
}

function limitSet(process: Process, resource: u32, limits: Limits, allowed: boolean): i32 {
  const soft = limitNarrow(limits.soft)
  const hard = limitNarrow(limits.hard)
  if (soft > hard) return Errno.InvalidArgument
  if (!allowed) return Errno.NotPermitted
  if (resource == Resource.Files) return descriptorLimitSet(process, soft, hard)
  const limit = nth(limitsOf(process), resource)
  limit.soft = soft
  limit.hard = hard
  limitsToSpace(limitsOf(process), process.space!)
  if (resource == Resource.ProcessorTime) process.signals.group.timed = true
  return Errno.None
}

function descriptorLimitSet(process: Process, soft: u32, hard: u32): i32 {
  if (hard > DESCRIPTOR_LIMIT) return Errno.NotPermitted
  process.files.table.limit = soft
  process.files.table.hardLimit = hard
  return Errno.None
}
