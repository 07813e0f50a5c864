// System calls about what a process has used and may use: times, limits. Names and errors are Linux's.

import { DESCRIPTOR_LIMIT, PROCESS_LIMIT, STACK_LIMIT } from '../config.ts'
import { Long } from '../fs/layouts.ts'
import { Errno } from '../lib/errno.ts'
import { divide64 } from '../lib/intrinsics.ts'
import { address, at, sizeof, staticStruct, wire, type Bytes, type Embed, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { zeroBytes } from '../lib/memory.ts'
import { Process } from '../process/process.ts'
import { processOf } from '../process/table.ts'
import { userCopyIn, userCopyOut, userPin } from '../vm/user-copy.ts'
import { scratchRest } from './scratch.ts'

/** struct rusage: two timevals, and fourteen numbers. getrusage(2) specification. */
@wire(144)
class ResourceUsage {
  userSeconds: Embed<Long>
  userMicroseconds: Embed<Long>
  systemSeconds: Embed<Long>
  systemMicroseconds: Embed<Long>
  maximumResident: Embed<Long>
  others: Bytes<104>
}

const MICROSECONDS: u32 = 1_000_000

const usage = staticStruct<ResourceUsage>()

/**
 * getrusage(2): the processor time of the calling thread (0 and 1; of a group it is not added up), of the group's children (-1).
 * Errors: InvalidArgument, BadAddress.
 */
export function sysGetrusage(self: Process, who: i32, to: ptr): i32 {
  if (who == -1) return usageOut(processOf(self.group)!.childTime, to)
  return who == 0 || who == 1 ? usageOut(self.runTime, to) : Errno.InvalidArgument
}

/** All of it as user time: what of it was the kernel's is not measured. */
export function usageOut(time: ptr, to: ptr): i32 {
  if (userPin(to, sizeof<ResourceUsage>(), true) != Errno.None) return Errno.BadAddress
  zeroBytes(address(usage), sizeof<ResourceUsage>())
  usage.userMicroseconds.low = splitSeconds(time, usage.userSeconds)
  return userCopyOut(to, address(usage), sizeof<ResourceUsage>())
}

/** Whole seconds of the 64-bit microseconds at `time` into `out`; returns the microseconds left. */
function splitSeconds(time: ptr, out: Long): u32 {
  return divide64(address(out), time, MICROSECONDS)
}

const RESOURCE_LAST: u32 = 15
const NO_LIMIT: u32 = 0xffffffff
const enum Resource { Stack = 3, Processes = 6, Files = 7 }

/** struct rlimit64: what is in force, and how far a process may raise it. include/uapi/linux/resource.h. */
@wire(16)
class Limits {
  soft: Embed<Long>
  hard: Embed<Long>
}

/** prlimit64(2): what the limits are. That on descriptors can be changed; of the others each is the same for all, and stays. */
export function sysPrlimit64(self: Process, pid: u32, resource: u32, next: ptr, old: ptr): i32 {
  if (resource > RESOURCE_LAST) return Errno.InvalidArgument
  const limits = at<Limits>(scratchRest(self))
  if (next != 0 && userCopyIn(address(limits), next, sizeof<Limits>()) != Errno.None) return Errno.BadAddress
  const process = pid == 0 ? self : processOf(pid)
  if (process == null || process.space == null) return Errno.NoSuchProcess
  const softBefore = limitOf(process, resource, false)
  const hardBefore = limitOf(process, resource, true)
  if (next != 0) {
    const error = limitSet(process, resource, limits)
    if (error != Errno.None) return error
  }
  limitWiden(limits.soft, softBefore)
  limitWiden(limits.hard, hardBefore)
  return old == 0 ? Errno.None : userCopyOut(old, address(limits), sizeof<Limits>())
}

function limitOf(process: Process, resource: u32, hard: boolean): u32 {
  switch (resource) {
    case Resource.Stack: return STACK_LIMIT
    case Resource.Processes: return PROCESS_LIMIT
    case Resource.Files: return hard ? process.files.table.hardLimit : process.files.table.limit
    default: return NO_LIMIT
  }
}

function limitWiden(out: Long, value: u32): void {
  out.low = value
  out.high = value == NO_LIMIT ? NO_LIMIT : 0
}

/** 64 bits to 32: what is higher than any limit here is NO_LIMIT. */
function limitNarrow(number: Long): u32 {
  return number.high != 0 ? NO_LIMIT : number.low
}

/** The limit there is may always be "set". */
function limitSet(process: Process, resource: u32, limits: Limits): i32 {
  const soft = limitNarrow(limits.soft)
  const hard = limitNarrow(limits.hard)
  if (soft > hard) return Errno.InvalidArgument
  if (resource != Resource.Files) return soft == limitOf(process, resource, false) ? Errno.None : Errno.NotPermitted
  if (hard > DESCRIPTOR_LIMIT) return Errno.NotPermitted
  process.files.table.limit = soft
  process.files.table.hardLimit = hard
  return Errno.None
}
