// System calls about processes: who am I, children, the end. Names and errors are Linux's; docs/syscalls.md lists all calls.

import { segmentBasesLoad, processYield } from '../process/scheduler.ts'
import { TrapFrame } from '../arch/x86/trap-frame.ts'
import { ARGUMENT_LIMIT, DESCRIPTOR_LIMIT, PROCESS_LIMIT, STACK_LIMIT } from '../config.ts'
import { Errno } from '../lib/errno.ts'
import { divide64 } from '../lib/intrinsics.ts'
import { address, plus, sizeof, staticStruct, wire, type Bytes, type Embed, type Le, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { zeroBytes } from '../lib/memory.ts'
import { Arguments, argumentsAddUser } from '../loader/arguments.ts'
import { Clone, processClone } from '../process/create.ts'
import { execute, executionBegin, executionEnd } from '../process/exec.ts'
import { exitedStatus, groupExit, processExit } from '../process/exit.ts'
import { Priority, Process } from '../process/process.ts'
import { processFirst, processOf } from '../process/table.ts'
import { processReap, processWait, waitStatus } from '../process/wait.ts'
import { userCopyOut, userLoad32, userLoaded, userPin, userStore32 } from '../vm/user-copy.ts'

/** A number of 64 bits in user memory. System V ABI specification. */
@wire(8)
class Number64 {
  low: Le<u32>
  high: Le<u32>
}

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
/** Arguments of arch_prctl. */
const enum ArchControl { SetGs = 0x1001, SetFs = 0x1002, GetFs = 0x1003, GetGs = 0x1004 }
/** `who` of getpriority. */
const enum Who { Process, Group, User }

const usage = staticStruct<ResourceUsage>()
const number = staticStruct<Number64>()

// --- Making and ending. -----------------------------------------------------------------------------------

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
  if (usageTo != 0) {
    const error = usageOut(child.runTime, usageTo)
    if (error != Errno.None) return error
  }
  if (ended) processReap(leader, child)
  if (status != 0 && userStore32(status, told) != Errno.None) return Errno.BadAddress
  return pid
}

// --- Who. -------------------------------------------------------------------------------------------------

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

/** There is one user, 0, and one group, 0: to become another is refused. */
export function sysSetId(id: u32): i32 {
  return id == 0 || id == 0xffffffff ? Errno.None : Errno.NotPermitted
}

/** setreuid(2), setresuid(2) and those of groups. */
export function sysSetIds(real: u32, effective: u32, saved: u32): i32 {
  if (sysSetId(real) != Errno.None || sysSetId(effective) != Errno.None) return Errno.NotPermitted
  return sysSetId(saved)
}

/** getresuid(2), getresgid(2): three zeros. */
export function sysGetIds(real: ptr, effective: ptr, saved: ptr): i32 {
  if (userStore32(real, 0) != Errno.None || userStore32(effective, 0) != Errno.None) return Errno.BadAddress
  return userStore32(saved, 0)
}

// --- How. -------------------------------------------------------------------------------------------------

/** arch_prctl(2). Errors: InvalidArgument, NotPermitted for an address past user memory, BadAddress. */
export function sysArchPrctl(self: Process, code: u32, value: ptr): i32 {
  switch (code) {
    case ArchControl.SetFs: self.fsBaseLow = value; self.fsBaseHigh = 0; break
    case ArchControl.SetGs: self.gsBaseLow = value; self.gsBaseHigh = 0; break
    case ArchControl.GetFs: return numberOut(self.fsBaseLow, self.fsBaseHigh, value)
    case ArchControl.GetGs: return numberOut(self.gsBaseLow, self.gsBaseHigh, value)
    default: return Errno.InvalidArgument
  }
  segmentBasesLoad(self)
  return Errno.None
}

/** The place is there before the number is: what is static must not be kept over a sleep. */
function numberOut(low: u32, high: u32, to: ptr): i32 {
  if (userPin(to, sizeof<Number64>(), true) != Errno.None) return Errno.BadAddress
  number.low = low
  number.high = high
  return userCopyOut(to, address(number), sizeof<Number64>())
}

/** sched_yield(2). */
export function sysSchedYield(): i32 {
  processYield()
  return Errno.None
}

/** getpriority(2): 20 less the niceness, so that it is no error. Errors: InvalidArgument, NoSuchProcess. */
export function sysGetpriority(self: Process, which: u32, who: u32): i32 {
  if (which != Who.Process) return Errno.InvalidArgument
  const process = who == 0 ? self : processOf(who)
  return process == null ? Errno.NoSuchProcess : 20 - process.niceness
}

/** setpriority(2): nice values to RustOS's priorities. Errors: InvalidArgument, NoSuchProcess. */
export function sysSetpriority(self: Process, which: u32, who: u32, niceness: i32): i32 {
  if (which != Who.Process) return Errno.InvalidArgument
  const process = who == 0 ? self : processOf(who)
  if (process == null) return Errno.NoSuchProcess
  let value: i32 = niceness
  if (value < -20) value = -20
  if (value > 19) value = 19
  process.niceness = value
  process.priority = priorityOf(value) // a ready process moves with its next turn
  return Errno.None
}

function priorityOf(niceness: i32): Priority {
  if (niceness < -15) return Priority.RealTime
  if (niceness < 0) return Priority.High
  if (niceness == 0) return Priority.Normal
  return niceness < 15 ? Priority.Low : Priority.Idle
}

/** getrusage(2): the processor time of the caller's group (0), its children (-1), the thread (1). */
export function sysGetrusage(self: Process, who: i32, to: ptr): i32 {
  if (who == -1) return usageOut(processOf(self.group)!.childTime, to)
  return who == 0 || who == 1 ? usageOut(self.runTime, to) : Errno.InvalidArgument
}

/** All of it as user time: what of it was the kernel's is not measured. */
function usageOut(time: ptr, to: ptr): i32 {
  if (userPin(to, sizeof<ResourceUsage>(), true) != Errno.None) return Errno.BadAddress
  zeroBytes(address(usage), sizeof<ResourceUsage>())
  usage.userMicroseconds.low = splitSeconds(time, usage.userSeconds)
  return userCopyOut(to, address(usage), sizeof<ResourceUsage>())
}

/** Whole seconds of the 64-bit microseconds at `time` into `out`; returns the microseconds left. */
function splitSeconds(time: ptr, out: Number64): u32 {
  return divide64(address(out), time, MICROSECONDS)
}

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

const RESOURCE_LAST: u32 = 15
const NO_LIMIT: u32 = 0xffffffff
const enum Resource { Stack = 3, Processes = 6, Files = 7 }

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

// --- Another program. -------------------------------------------------------------------------------------

/** execve(2). Errors: BadAddress, ArgumentsTooLong, and `execute`'s. May sleep. */
export function sysExecve(self: Process, path: ptr, argv: ptr, envp: ptr, frame: TrapFrame): i32 {
  const execution = executionBegin()
  if (execution == null) return Errno.OutOfMemory
  const to = execution.arguments
  let error: i32 = stringsIn(to, argv)
  to.argumentCount = stringsTaken
  if (error == Errno.None) error = stringsIn(to, envp)
  to.environmentCount = stringsTaken
  to.path = to.used
  if (error == Errno.None) error = argumentsAddUser(to, path)
  if (error == Errno.None) error = execute(self, execution, frame)
  executionEnd(execution)
  return error
}

let stringsTaken: u32 = 0

/** The strings of a vector that ends in a null pointer; `stringsTaken` says how many. A null vector is empty, as on Linux. */
function stringsIn(to: Arguments, vector: ptr): i32 {
  let count: u32 = 0
  while (vector != 0) {
    const place = plus(vector, count * sizeof<Number64>())
    if (userLoad32(plus(place, 4)) != Errno.None || userLoaded() != 0) return Errno.BadAddress
    if (userLoad32(place) != Errno.None) return Errno.BadAddress
    const text = userLoaded() as ptr
    if (text == 0) break
    const added = argumentsAddUser(to, text)
    if (added != Errno.None) return added
    count += 1
    if (count > ARGUMENT_LIMIT) return Errno.ArgumentsTooLong
  }
  stringsTaken = count
  return Errno.None
}

/** set_tid_address(2). */
export function sysSetTidAddress(self: Process, to: ptr): u32 {
  self.clearTid = to
  return self.pid
}
