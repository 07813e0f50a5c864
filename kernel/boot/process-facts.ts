// What files have to know of processes, and /proc tells of them: handed over at boot, because kernel/fs comes before
// kernel/process. Context: a process's.

import type { Credentials } from '../fs/credentials.ts'
import { processHooks } from '../fs/process-hooks.ts'
import { ProcessFacts, SystemFacts, procHooks } from '../fs/proc/facts.ts'
import { divide64, load32 } from '../lib/intrinsics.ts'
import { nth, staticMemory, staticStruct, type ptr, type u32 } from '../lib/layout.ts'
import { copyBytes } from '../lib/memory.ts'
import { mayLookInto } from '../process/credentials.ts'
import { NO_LIMIT, Resource } from '../process/limits.ts'
import { Process, ProcessState } from '../process/process.ts'
import { processArguments, processMaps } from './process-memory.ts'
import { processorMicroseconds, processorTimeOfAll } from '../process/processor-time.ts'
import { readyCount } from '../process/ready.ts'
import { contextSwitches, processCurrent } from '../process/scheduler.ts'
import { signalIgnored } from '../process/signal-state.ts'
import { signalSendGroup, signalSendSelf } from '../process/signal.ts'
import { processCount, processFirst, processOf, processesMade } from '../process/table.ts'
import { SwapStats } from '../swap/stats.ts'
import { swapManager } from '../swap/start.ts'
import { bootInfo } from '../arch/x86/memory-init.ts'
import { nowMilliseconds } from '../lib/clock.ts'

/** Microseconds in a hundredth of a second. */
const TICK: u32 = 10_000
const MILLISECONDS_PER_TICK: u32 = 10
/** Bytes of a name in /proc, its zero included: TASK_COMM_LEN. */
const NAME: u32 = 16

const quotient = staticMemory(8, 8)
const swapStats = staticStruct<SwapStats>()

// --- Of the running process. ------------------------------------------------------------------------------

function selfPid(): u32 {
  const self = processCurrent()
  return self == null ? 0 : self.group
}

function selfGroup(): u32 {
  const self = processCurrent()
  return self == null ? 0 : self.processGroup
}

function selfSession(): u32 {
  const self = processCurrent()
  return self == null ? 0 : self.session
}

function selfSignal(number: u32): void {
  const self = processCurrent()
  if (self != null) signalSendSelf(self, number)
}

function groupSignal(group: u32, number: u32): void {
  signalSendGroup(group, number)
}

function selfIgnores(number: u32): boolean {
  const self = processCurrent()
  if (self == null) return false
  return signalIgnored(self.signals, number) || self.signals.blocked.has(number)
}

function selfFileLimit(): u32 {
  const self = processCurrent()
  return self == null ? NO_LIMIT : nth(self.signals.group.limits, Resource.FileSize).soft
}

function selfCredentials(): Credentials | null {
  const self = processCurrent()
  return self == null ? null : self.files.credentials
}

// --- /proc. -----------------------------------------------------------------------------------------------

function nextPid(after: u32): u32 {
  let best: u32 = 0
  let each = processFirst()
  while (each != null) {
    if (each.pid == each.group && each.pid > after && (best == 0 || each.pid < best)) best = each.pid
    each = each.nextOfAll
  }
  return best
}

/** Of counts of processor time. */
function ticksOf(counts: ptr): u32 {
  processorMicroseconds(quotient, counts)
  divide64(quotient, quotient, TICK)
  return load32(quotient, 0)
}

function letterOf(process: Process): u32 {
  switch (process.state) {
    case ProcessState.Ready:
    case ProcessState.Running: return 0x52 // R
    case ProcessState.Stopped: return 0x54 // T
    case ProcessState.Zombie: return 0x5a // Z
    default: return process.interruptible ? 0x53 : 0x44 // S, D
  }
}

function tell(pid: u32, out: ProcessFacts): boolean {
  const process = processOf(pid)
  if (process == null || process.pid != process.group) return false
  out.parent = process.parent == null ? 0 : process.parent.pid
  out.group = process.processGroup
  out.session = process.session
  out.state = letterOf(process)
  out.priority = (20 + process.niceness) as number as u32
  out.nice = process.niceness as number as u32
  out.threads = process.threads
  out.userTicks = ticksOf(process.signals.group.time.user)
  out.systemTicks = ticksOf(process.signals.group.time.system)
  out.childUserTicks = ticksOf(process.signals.group.childTime.user)
  out.childSystemTicks = ticksOf(process.signals.group.childTime.system)
  out.startTicks = process.startTime / MILLISECONDS_PER_TICK
  out.pages = process.space == null ? 0 : process.space.pages
  out.residentPages = process.space == null ? 0 : process.space.resident
  out.minorFaults = process.signals.group.faults
  out.majorFaults = 0
  out.files = process.space == null ? null : process.files
  out.credentials = process.files.credentials
  out.executable = process.executable.inode
  out.executablePath = process.executable.path
  copyBytes(out.name, process.name, NAME)
  return true
}

function inspect(pid: u32): boolean {
  const self = processCurrent()
  const process = processOf(pid)
  return self == null || process == null || mayLookInto(self, process)
}

function systemTell(out: SystemFacts): void {
  const all = processorTimeOfAll()
  out.userTicks = ticksOf(all.user)
  out.systemTicks = ticksOf(all.system)
  const busy: u32 = out.userTicks + out.systemTicks
  const up: u32 = nowMilliseconds() / MILLISECONDS_PER_TICK
  out.idleTicks = up > busy ? up - busy : 0
  out.switches = contextSwitches()
  out.forks = processesMade()
  out.running = readyCount() + 1
  out.processes = processCount()
  out.lastPid = processesMade()
}

function swapPages(all: boolean): u32 {
  swapManager().getStats(swapStats)
  return all ? swapStats.totalSlots : swapStats.freeSlots
}

/** Hand everything over. Boot context. */
export function processFactsInit(): void {
  const hooks = processHooks()
  hooks.self = selfPid
  hooks.group = selfGroup
  hooks.session = selfSession
  hooks.signalSelf = selfSignal
  hooks.signalGroup = groupSignal
  hooks.signalIgnored = selfIgnores
  hooks.fileLimit = selfFileLimit
  hooks.credentials = selfCredentials
  const proc = procHooks()
  proc.next = nextPid
  proc.tell = tell
  proc.inspect = inspect
  proc.system = systemTell
  proc.arguments = processArguments
  proc.maps = processMaps
  proc.swap = swapPages
  proc.commandLine = bootInfo().commandLine
}
