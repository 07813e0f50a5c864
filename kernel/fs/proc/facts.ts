// What /proc tells of processes and of the processor's time: asked of those who know, through functions they hand over at boot.
// Without them there are no processes, and no time was spent. A process's context.

import { staticStruct, struct, type Bytes, type ptr, type u32 } from '../../lib/layout.ts'
import type { TextWriter } from '../../lib/print.ts'
import type { FileContext } from '../context.ts'
import type { Credentials } from '../credentials.ts'
import type { Inode } from '../inode.ts'

/** Of one process, as proc(5) has it; times in hundredths of a second. */
@struct
export class ProcessFacts {
  parent: u32
  group: u32
  session: u32
  state: u32 // a letter: R, S, D, Z, T
  priority: u32
  nice: u32
  threads: u32
  userTicks: u32
  systemTicks: u32
  childUserTicks: u32
  childSystemTicks: u32
  startTicks: u32 // since boot
  pages: u32 // of its address space
  residentPages: u32
  minorFaults: u32
  majorFaults: u32
  files: FileContext | null // null: it has ended
  credentials: Credentials
  executable: Inode | null
  executablePath: ptr // zero-terminated; 0: not known
  name: Bytes<16> // zero-terminated
}

/** Of the processor, in hundredths of a second, and of all processes. */
@struct
export class SystemFacts {
  userTicks: u32
  systemTicks: u32
  idleTicks: u32
  switches: u32
  forks: u32
  running: u32
  processes: u32
  lastPid: u32
  load: Bytes<12> // of 1, 5 and 15 minutes, in hundredths
}

/** The least number of a process above `pid`; 0: none. */
type ProcessNext = (pid: u32) => u32
/** Fill in what is known: false when there is no such process. */
type ProcessTell = (pid: u32, out: ProcessFacts) => boolean
/** Its arguments, each with its zero, `room` bytes of them at most: how many. May sleep. */
type ProcessArguments = (pid: u32, to: ptr, room: u32) => u32
/** Whether the process that runs may look into another: ptrace(2), PTRACE_MODE_READ_FSCREDS. */
type ProcessInspect = (pid: u32) => boolean
/** Its memory, a line a region as /proc/N/maps has them. */
type ProcessMaps = (pid: u32, writer: TextWriter) => void
type SystemTell = (out: SystemFacts) => void
/** Pages of swap there are, or that are free. */
type SwapPages = (all: boolean) => u32

@struct
export class ProcHooks {
  next: ProcessNext | null
  tell: ProcessTell | null
  inspect: ProcessInspect | null
  arguments: ProcessArguments | null
  maps: ProcessMaps | null
  system: SystemTell | null
  swap: SwapPages | null
  commandLine: ptr // the kernel's, zero-terminated
  processor: ptr // its name, zero-terminated
}

const hooks = staticStruct<ProcHooks>()
const facts = staticStruct<ProcessFacts>()
const system = staticStruct<SystemFacts>()

/** To be filled in at boot. */
export function procHooks(): ProcHooks {
  return hooks
}

/** The least number of a process above `pid`; 0: none. */
export function processNext(pid: u32): u32 {
  const next = hooks.next
  return next == null ? 0 : next(pid)
}

/** What is known of a process, until anything sleeps; null: there is none. */
export function processFacts(pid: u32): ProcessFacts | null {
  const tell = hooks.tell
  return tell != null && tell(pid, facts) ? facts : null
}

/** Whether the process that runs may look into another. */
export function mayInspect(pid: u32): boolean {
  const inspect = hooks.inspect
  return inspect == null || inspect(pid)
}

/** What is known of the processor, until anything sleeps. */
export function systemFacts(): SystemFacts {
  const tell = hooks.system
  if (tell != null) tell(system)
  return system
}
