// What files have to know of processes, and what they do to them: handed over by whoever has the processes, at boot. Without
// them (in a test, before the first process) everything is as if there were no process. A process's context.

import { staticStruct, struct, type u32 } from '../lib/layout.ts'
import type { Credentials } from './credentials.ts'

/** The number of the process that runs; 0: none. */
type ProcessNumber = () => u32
/** A signal to the process that runs, or to every process of a group. */
type SignalSelf = (signal: u32) => void
type SignalGroup = (group: u32, signal: u32) => void
/** Whether the process that runs ignores or blocks a signal. */
type SignalIgnored = (signal: u32) => boolean
/** The most bytes that a file of the running process's may have: RLIMIT_FSIZE. */
type FileLimit = () => u32
/** Who the process that runs is; null: none does. */
type CredentialsOf = () => Credentials | null

@struct
export class ProcessHooks {
  self: ProcessNumber | null
  group: ProcessNumber | null // its process group
  session: ProcessNumber | null
  signalSelf: SignalSelf | null
  signalGroup: SignalGroup | null
  signalIgnored: SignalIgnored | null
  fileLimit: FileLimit | null
  credentials: CredentialsOf | null
}

const NO_LIMIT: u32 = 0xffffffff
const hooks = staticStruct<ProcessHooks>()

/** To be filled in at boot. */
export function processHooks(): ProcessHooks {
  return hooks
}

/** The process that runs, or 0. */
export function processSelf(): u32 {
  const self = hooks.self
  return self == null ? 0 : self()
}

/** Its process group, or 0. */
export function processGroup(): u32 {
  const group = hooks.group
  return group == null ? 0 : group()
}

/** Its session, or 0. */
export function processSession(): u32 {
  const session = hooks.session
  return session == null ? 0 : session()
}

/** A signal to the process that runs. */
export function processSignal(signal: u32): void {
  const send = hooks.signalSelf
  if (send != null) send(signal)
}

/** The most bytes that the process that runs may have in a file. */
export function processFileLimit(): u32 {
  const limit = hooks.fileLimit
  return limit == null ? NO_LIMIT : limit()
}

/** Who the process that runs is; null: none does, it is the kernel's own work. */
export function processCredentials(): Credentials | null {
  const credentials = hooks.credentials
  return credentials == null ? null : credentials()
}

/** A signal to a process group; 0 is none. */
export function processSignalGroup(group: u32, signal: u32): void {
  const send = hooks.signalGroup
  if (send != null && group != 0) send(group, signal)
}

/** Whether the process that runs would not notice a signal. */
export function processIgnores(signal: u32): boolean {
  const ignored = hooks.signalIgnored
  return ignored != null && ignored(signal)
}
