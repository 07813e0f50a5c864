// System calls about what a process has used and may use: times, limits. Names and errors are Linux's.

import { DESCRIPTOR_LIMIT, PROCESS_LIMIT, STACK_LIMIT } from '../config.ts'
import { Errno } from '../lib/errno.ts'
import { divide64 } from '../lib/intrinsics.ts'
import { address, plus, sizeof, staticStruct, wire, type Bytes, type Embed, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { zeroBytes } from '../lib/memory.ts'
import { Process } from '../process/process.ts'
import { processOf } from '../process/table.ts'
import { userCopyOut, userLoad32, userLoaded, userPin } from '../vm/user-copy.ts'
import { Number64, numberOut } from './number.ts'

/** struct rusage: two timevals, and fourteen numbers. getrusage(2) specification. */
@wire(144)
class ResourceUsage {
  userSeconds: Embed<Number64>
  userMicroseconds: Embed<Number64>
  systemSeconds: Embed<Number64>
  systemMicroseconds: Embed<Number64>
  maximumResident: Embed<Number64>
  others: Bytes<104>
}

const MICROSECONDS: u32 = 1_000_000

const usage = staticStruct<ResourceUsage>()

/** getrusage(2): the processor time of the caller's group (0), its children (-1), the thread (1). */
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
function splitSeconds(time: ptr, out: Number64): u32 {
  return divide64(address(out), time, MICROSECONDS)
}

const RESOURCE_LAST: u32 = 15
const NO_LIMIT: u32 = 0xffffffff
const enum Resource { Stack = 3, Processes = 6, Files = 7 }

/** prlimit64(2): what the limits are; they can be asked for, and not be changed. */
export function sysPrlimit64(self: Process, pid: u32, resource: u32, next: ptr, old: ptr): i32 {
  if (pid != 0 && processOf(pid) == null) return Errno.NoSuchProcess
  if (resource > RESOURCE_LAST) return Errno.InvalidArgument
  if (old != 0) {
    const error = limitOut(limitOf(resource), old)
    if (error != Errno.None) return error
  }
  return next == 0 ? Errno.None : limitSet(resource, next)
}

function limitOf(resource: u32): u32 {
  switch (resource) {
    case Resource.Stack: return STACK_LIMIT
    case Resource.Processes: return PROCESS_LIMIT
    case Resource.Files: return DESCRIPTOR_LIMIT
    default: return NO_LIMIT
  }
}

function limitOut(value: u32, to: ptr): i32 {
  const high: u32 = value == NO_LIMIT ? NO_LIMIT : 0
  const error = numberOut(value, high, to)
  return error == Errno.None ? numberOut(value, high, plus(to, 8)) : error
}

/** The limit there is may be "set"; another is refused: none is kept for each process. */
function limitSet(resource: u32, from: ptr): i32 {
  if (userLoad32(from) != Errno.None) return Errno.BadAddress
  return userLoaded() == limitOf(resource) ? Errno.None : Errno.NotPermitted
}
