// System calls about the processor time that was used: getrusage(2), times(2), and what wait4 tells. Names and errors are Linux's.

import { Long } from '../fs/layouts.ts'
import { clockUpdate, nowMilliseconds } from '../lib/clock.ts'
import { Errno } from '../lib/errno.ts'
import { divide64 } from '../lib/intrinsics.ts'
import {
  address, at, sizeof, staticMemory, staticStruct, wire, type Bytes, type Embed, type i32, type ptr, type u32,
} from '../lib/layout.ts'
import { zeroBytes } from '../lib/memory.ts'
import { timeSettle } from '../process/accounting.ts'
import { Process } from '../process/process.ts'
import { processorMicroseconds, type ProcessorTime } from '../process/processor-time.ts'
import { userCopyOut, userPin } from '../vm/user-copy.ts'
import { scratchRest } from './scratch.ts'

/** struct rusage: two timevals, and fourteen numbers. getrusage(2) specification. */
@wire(144)
class ResourceUsage {
  userSeconds: Embed<Long>
  userMicroseconds: Embed<Long>
  systemSeconds: Embed<Long>
  systemMicroseconds: Embed<Long>
  others: Bytes<32> // of memory: not counted
  faults: Embed<Long> // that needed no disk, or did: they are not told apart
  rest: Bytes<72>
}

/** struct tms. times(2) specification. */
@wire(32)
class ProcessTimes {
  user: Embed<Long>
  system: Embed<Long>
  childUser: Embed<Long>
  childSystem: Embed<Long>
}

/** Whose usage. getrusage(2). */
const enum Who { Children = -1, Process = 0, Thread = 1 }

const MICROSECONDS: u32 = 1_000_000
/** Microseconds of a clock tick, of which sysconf says that there are 100 a second. */
const MICROSECONDS_PER_TICK: u32 = 10_000
const MILLISECONDS_PER_TICK: u32 = 10

const usage = staticStruct<ResourceUsage>()
const microseconds = staticMemory(8, 8)

/** getrusage(2): of the process, the calling thread, or the children that were waited for. Errors: InvalidArgument, BadAddress. */
export function sysGetrusage(self: Process, who: i32, to: ptr): i32 {
  timeSettle(self)
  switch (who) {
    case Who.Process: return usageOut(self.signals.group.time, self.signals.group.faults, to)
    case Who.Thread: return usageOut(self.time, self.faults, to)
    case Who.Children: return usageOut(self.signals.group.childTime, 0, to)
    default: return Errno.InvalidArgument
  }
}

/** A struct rusage with this time and so many page faults to user memory. Errors: BadAddress. May sleep. */
export function usageOut(time: ProcessorTime, faults: u32, to: ptr): i32 {
  if (userPin(to, sizeof<ResourceUsage>(), true) != Errno.None) return Errno.BadAddress
  zeroBytes(address(usage), sizeof<ResourceUsage>())
  usage.userMicroseconds.low = splitSeconds(time.user, usage.userSeconds)
  usage.systemMicroseconds.low = splitSeconds(time.system, usage.systemSeconds)
  usage.faults.low = faults
  return userCopyOut(to, address(usage), sizeof<ResourceUsage>())
}

/** Whole seconds of counts of processor time into `out`; returns the microseconds left. */
function splitSeconds(counts: ptr, out: Long): u32 {
  processorMicroseconds(microseconds, counts)
  return divide64(address(out), microseconds, MICROSECONDS)
}

/** times(2): ticks since boot. Errors: BadAddress. May sleep. */
export function sysTimes(self: Process, to: ptr): u32 {
  if (to != 0) {
    const times = at<ProcessTimes>(scratchRest(self))
    const group = self.signals.group
    timeSettle(self)
    ticks(times.user, group.time.user)
    ticks(times.system, group.time.system)
    ticks(times.childUser, group.childTime.user)
    ticks(times.childSystem, group.childTime.system)
    if (userCopyOut(to, address(times), sizeof<ProcessTimes>()) != Errno.None) return Errno.BadAddress as number as u32
  }
  clockUpdate()
  return nowMilliseconds() / MILLISECONDS_PER_TICK
}

function ticks(out: Long, counts: ptr): void {
  processorMicroseconds(microseconds, counts)
  divide64(address(out), microseconds, MICROSECONDS_PER_TICK)
}
