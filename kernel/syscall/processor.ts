// System calls about how a process runs: its segments, priority, processor, name. Names and errors are Linux's.

import { isSuperuser } from '../fs/credentials.ts'
import { Errno } from '../lib/errno.ts'
import { nth, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { copyBytes, zeroBytes } from '../lib/memory.ts'
import { USER_END } from '../mm/address.ts'
import { maySchedule } from '../process/credentials.ts'
import { Resource } from '../process/limits.ts'
import { NAME_SIZE, Priority, Process } from '../process/process.ts'
import { SIGNAL_LAST } from '../process/signal-number.ts'
import { processYield, segmentBasesLoad } from '../process/scheduler.ts'
import { processFirst, processOf } from '../process/table.ts'
import { userCopyOut, userLoad8, userLoaded, userStore32, userString } from '../vm/user-copy.ts'
import { numberOut } from './number.ts'

/** Arguments of arch_prctl. */
const enum ArchControl { SetGs = 0x1001, SetFs = 0x1002, GetFs = 0x1003, GetGs = 0x1004, GetCpuid = 0x1011, SetCpuid = 0x1012 }
/** `who` of getpriority. */
const enum Who { Process, Group, User }

/**
 * arch_prctl(2). Errors: InvalidArgument, NotPermitted for an address past user memory, NoDevice (CPUID can not be taken from a
 * program), BadAddress.
 */
export function sysArchPrctl(self: Process, code: u32, value: ptr): i32 {
  if ((code == ArchControl.SetFs || code == ArchControl.SetGs) && value >= USER_END) return Errno.NotPermitted
  switch (code) {
    case ArchControl.SetFs: self.fsBaseLow = value; self.fsBaseHigh = 0; break
    case ArchControl.SetGs: self.gsBaseLow = value; self.gsBaseHigh = 0; break
    case ArchControl.GetCpuid: return 1
    case ArchControl.SetCpuid: return Errno.NoDevice
    case ArchControl.GetFs: return numberOut(self.fsBaseLow, self.fsBaseHigh, value)
    case ArchControl.GetGs: return numberOut(self.gsBaseLow, self.gsBaseHigh, value)
    default: return Errno.InvalidArgument
  }
  segmentBasesLoad(self)
  return Errno.None
}

/** sched_yield(2). */
export function sysSchedYield(): i32 {
  processYield()
  return Errno.None
}

/** getpriority(2): 20 less the niceness, so that it is no error. Errors: InvalidArgument, NoSuchProcess. */
export function sysGetpriority(self: Process, which: u32, who: u32): i32 {
  if (which > Who.User) return Errno.InvalidArgument
  let best: i32 = 0
  let each = processFirst()
  while (each != null) {
    if (isMeant(self, each, which, who) && 20 - each.niceness > best) best = 20 - each.niceness
    each = each.nextOfAll
  }
  return best == 0 ? Errno.NoSuchProcess : best
}

/** Whether a process, or one of a group or a user, is meant; 0: the caller's. */
function isMeant(self: Process, each: Process, which: u32, who: u32): boolean {
  switch (which) {
    case Who.Process: return each.pid == (who == 0 ? self.pid : who)
    case Who.Group: return each.processGroup == (who == 0 ? self.processGroup : who)
    default: return userOf(each) == (who == 0 ? userOf(self) : who)
  }
}

function userOf(process: Process): u32 {
  return process.files.credentials.user.real
}

/**
 * setpriority(2): nice values to RustOS's priorities. Errors: InvalidArgument, NoSuchProcess, NotPermitted (another's), AccessDenied (it
 * was less nice than RLIMIT_NICE allows): what others are meant is done all the same.
 */
export function sysSetpriority(self: Process, which: u32, who: u32, niceness: i32): i32 {
  if (which > Who.User) return Errno.InvalidArgument
  let value: i32 = niceness
  if (value < -20) value = -20
  if (value > 19) value = 19
  let result: i32 = Errno.NoSuchProcess
  let each = processFirst()
  while (each != null) {
    if (isMeant(self, each, which, who)) {
      const set = nicenessSet(self, each, value)
      if (set != Errno.None || result == Errno.NoSuchProcess) result = set
    }
    each = each.nextOfAll
  }
  return result
}

function nicenessSet(self: Process, process: Process, value: i32): i32 {
  if (!maySchedule(self, process)) return Errno.NotPermitted
  if (value < process.niceness && !mayRaise(self, process, value)) return Errno.AccessDenied
  process.niceness = value
  process.priority = priorityOf(value) // a ready process moves with its next turn
  return Errno.None
}

/** RLIMIT_NICE is 20 less the least niceness. getrlimit(2). */
function mayRaise(self: Process, process: Process, value: i32): boolean {
  return isSuperuser(self.files.credentials) || (20 - value) as number as u32 <= nth(process.signals.group.limits, Resource.Nice).soft
}

function priorityOf(niceness: i32): Priority {
  if (niceness < -15) return Priority.RealTime
  if (niceness < 0) return Priority.High
  if (niceness == 0) return Priority.Normal
  return niceness < 15 ? Priority.Low : Priority.Idle
}

/** Bytes of a set of processors, of which there is one. */
const PROCESSOR_SET: u32 = 8

/** sched_getaffinity(2): processor 0. Errors: InvalidArgument, NoSuchProcess, BadAddress. */
export function sysSchedGetaffinity(pid: u32, length: u32, to: ptr): u32 {
  if (length < PROCESSOR_SET) return Errno.InvalidArgument as number as u32
  if (pid != 0 && processOf(pid) == null) return Errno.NoSuchProcess as number as u32
  return numberOut(1, 0, to) == Errno.None ? PROCESSOR_SET : Errno.BadAddress as number as u32
}

/** sched_setaffinity(2): a set without processor 0 is InvalidArgument. Errors: NoSuchProcess, NotPermitted, BadAddress. */
export function sysSchedSetaffinity(self: Process, pid: u32, length: u32, from: ptr): i32 {
  const process = pid == 0 ? self : processOf(pid)
  if (process == null) return Errno.NoSuchProcess
  if (!maySchedule(self, process)) return Errno.NotPermitted
  if (length == 0) return Errno.InvalidArgument
  if (userLoad8(from) != Errno.None) return Errno.BadAddress
  return (userLoaded() & 1) != 0 ? Errno.None : Errno.InvalidArgument
}

/** getcpu(2): processor 0 of node 0. Errors: BadAddress. */
export function sysGetcpu(processor: ptr, node: ptr): i32 {
  if (processor != 0 && userStore32(processor, 0) != Errno.None) return Errno.BadAddress
  return node == 0 ? Errno.None : userStore32(node, 0)
}

/** Options of prctl(2) that there are. */
const enum ProcessControl {
  SetDeathSignal = 1, GetDeathSignal = 2, SetName = 15, GetName = 16, SetTimerSlack = 29, GetTimerSlack = 30, SetChildSubreaper = 36,
  GetChildSubreaper = 37,
}
/** Nanoseconds by which timers of a program that says nothing may be late. */
const TIMER_SLACK: u32 = 50_000
/** Bytes of a name as prctl has it, the zero included. */
const SHORT_NAME: u32 = 16

/** prctl(2). Errors: InvalidArgument for an option there is not, BadAddress. */
export function sysPrctl(self: Process, option: u32, argument: ptr): i32 {
  const group = self.signals.group
  switch (option) {
    case ProcessControl.SetDeathSignal:
      if (argument > SIGNAL_LAST) return Errno.InvalidArgument
      group.deathSignal = argument
      return Errno.None
    case ProcessControl.GetDeathSignal: return userStore32(argument, group.deathSignal)
    case ProcessControl.SetChildSubreaper:
      group.subreaper = argument != 0
      return Errno.None
    case ProcessControl.GetChildSubreaper: return userStore32(argument, group.subreaper ? 1 : 0)
    case ProcessControl.SetTimerSlack:
      self.timerSlack = argument == 0 ? self.timerSlackUsual : argument
      return Errno.None
    case ProcessControl.GetTimerSlack: return (self.timerSlack == 0 ? TIMER_SLACK : self.timerSlack) as number as i32
    case ProcessControl.GetName: return userCopyOut(argument, self.name, SHORT_NAME)
    case ProcessControl.SetName: return nameSet(self, argument)
    default: return Errno.InvalidArgument
  }
}

function nameSet(self: Process, argument: ptr): i32 {
  const length = userString(self.scratch, argument, SHORT_NAME)
  if (length == Errno.BadAddress) return Errno.BadAddress
  zeroBytes(self.name, NAME_SIZE)
  copyBytes(self.name, self.scratch, length < 0 ? SHORT_NAME - 1 : length as number as u32)
  return Errno.None
}
