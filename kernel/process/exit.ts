// How a process ends, and what is left of it until its parent has asked.
//
//   processExit ─▶ descriptors, memory given back ─▶ Zombie ─▶ wait4 of its parent ─▶ forgotten
//
// A thread that is not its group's leader leaves nothing. The group is over when its last thread is. Context: a process's.

import { Errno } from '../lib/errno.ts'
import type { u32 } from '../lib/layout.ts'
import { sleepPause, wakeAll } from '../lib/sleep.ts'
import { contextRelease } from '../fs/context.ts'
import { ttySessionEnd } from '../fs/tty/job.ts'
import { ttyConsole } from '../fs/tty/tty.ts'
import { spaceRelease } from '../vm/unmap.ts'
import { userStore32 } from '../vm/user-copy.ts'
import { timeSettle } from './accounting.ts'
import { executableRelease } from './executable.ts'
import { posixTimersEnd } from './posix-timer.ts'
import { Process, ProcessState } from './process.ts'
import { processContinue, processNotice, processSelf, spaceLoad, switchAwayForGood } from './scheduler.ts'
import { Signal } from './signal-number.ts'
import { signalStateRelease } from './signal-state.ts'
import { signalChildEnded, signalSend } from './signal.ts'
import { processCount, processFirst, processOf, processRemove } from './table.ts'

/** Called when the first process has ended, with its wait status. */
export type FirstEnded = (process: Process) => void
/** Called first when a thread ends, while it has its memory; and when the word it asked to be cleared is cleared. Futexes. */
export type ThreadLeaves = (process: Process) => void

/** Milliseconds between two looks whether everybody has ended, and how often it is looked. */
export const END_INTERVAL: u32 = 5
const END_LOOKS: u32 = 2000

let firstEnded: FirstEnded | null = null
let threadLeaves: ThreadLeaves | null = null
let tidCleared: ThreadLeaves | null = null

/** Who is told that process 1 has ended, that a thread is about to leave, and that its word is cleared. Boot context. */
export function exitHooksSet(ended: FirstEnded, leaves: ThreadLeaves, cleared: ThreadLeaves): void {
  firstEnded = ended
  threadLeaves = leaves
  tidCleared = cleared
}

/** The wait status of a process that ended by itself. */
export function exitedStatus(code: u32): u32 {
  return (code & 0xff) << 8
}

/** The running thread ends, and its group with it if it is the last; `status` as wait4 tells it. May sleep. */
export function processExit(status: u32): never {
  const self = processSelf()
  const leader = processOf(self.group)!
  self.ending = true // closing waits for nobody
  if (leader.threads == 1 || self == leader) leader.exitStatus = status
  if (threadLeaves != null) threadLeaves(self)
  clearTid(self)
  contextRelease(self.files)
  executableRelease(self.executable)
  memoryRelease(self)
  timeSettle(self) // what it does from here on is nobody's time
  leader.threads -= 1
  self.state = ProcessState.Zombie
  if (leader.threads == 0) groupEnded(leader)
  if (self != leader) processForget(self)
  switchAwayForGood(self)
}

/** All threads of the running one's group end, and itself; if it has been told to end already, only itself, as it was told. May sleep. */
export function groupExit(status: u32): never {
  const self = processSelf()
  if (self.ending) processExit(self.exitStatus)
  endThreads(self, status)
  processOf(self.group)!.exitStatus = status
  processExit(status)
}

/** The other threads of a group end. */
export function endThreads(self: Process, status: u32): void {
  let each = processFirst()
  while (each != null) {
    if (each.group == self.group && each != self) processEnd(each, status)
    each = each.nextOfAll
  }
}

/** Have a process end before it next runs in user mode; one that is stopped goes on for that. */
export function processEnd(process: Process, status: u32): void {
  if (process.state == ProcessState.Zombie || process.ending) return
  process.ending = true
  process.exitStatus = status
  processNotice(process)
  processContinue(process)
}

function clearTid(self: Process): void {
  if (self.clearTid == 0 || self.space == null) return
  if (userStore32(self.clearTid, 0) == Errno.None && tidCleared != null) tidCleared(self)
}

/** Let go of the address space: it is given back when nobody else has it. Its parent may have waited for that (vfork). */
export function memoryRelease(self: Process): void {
  const space = self.space
  self.space = null
  spaceLoad(null)
  if (space != null) spaceRelease(space)
  vforkOver(self)
}

/** Whoever made the process by vfork goes on. */
export function vforkOver(self: Process): void {
  if (self.vforkedBy == 0) return
  const maker = processOf(self.vforkedBy)
  self.vforkedBy = 0
  if (maker != null) wakeAll(maker.children)
}

/** With the first process everybody ends: told to, waited for, forgotten. May sleep, for END_INTERVAL × END_LOOKS at most. */
function endOthers(leader: Process): void {
  let looks: u32 = 0
  while (processCount() > 1 && looks < END_LOOKS) {
    let each = processFirst()
    while (each != null) {
      const following: Process | null = each.nextOfAll
      if (each != leader && each.state == ProcessState.Zombie && each.threads == 0) processForget(each)
      else if (each != leader) processEnd(each, Signal.Kill)
      each = following
    }
    sleepPause(END_INTERVAL)
    looks += 1
  }
}

/** The last thread has gone: children go to who takes orphans, the parent hears of it. */
function groupEnded(leader: Process): void {
  posixTimersEnd(leader.signals.group.timers)
  if (leader.pid == 1) {
    endOthers(leader)
    if (firstEnded != null) firstEnded(leader)
  }
  if (leader.session == leader.pid) ttySessionEnd(ttyConsole(), leader.session)
  reparent(leader)
  const parent = leader.parent
  if (parent == null) return processForget(leader)
  if (signalChildEnded(parent, leader)) processForget(leader)
  wakeAll(parent.children) // whoever is forgotten is waited for no more, either
}

/** Nobody will ask for it any more. */
export function processForget(process: Process): void {
  unlinkChild(process)
  signalStateRelease(process.signals)
  processRemove(process)
}

/** Who takes orphans of a process: the nearest above that has said so, else process 1. prctl(2), PR_SET_CHILD_SUBREAPER. */
function heirOf(leader: Process): Process | null {
  let each = leader.parent
  while (each != null && (!each.signals.group.subreaper || each.threads == 0)) each = each.parent
  return each != null ? each : processOf(1)
}

function reparent(leader: Process): void {
  const heir = heirOf(leader)
  let child = leader.firstChild
  leader.firstChild = null
  while (child != null) {
    const following: Process | null = child.nextSibling
    if (child.signals.group.deathSignal != 0) signalSend(child, child.signals.group.deathSignal)
    adopt(child, heir)
    child = following
  }
}

/** Whatever signal it was to end with, its new parent gets Child: it did not ask for another. */
function adopt(child: Process, heir: Process | null): void {
  child.parent = heir
  child.exitSignal = Signal.Child // what clone was told was for the parent that it had
  if (heir == null) return
  child.nextSibling = heir.firstChild
  heir.firstChild = child
  if (child.state != ProcessState.Zombie || child.threads != 0) return
  if (signalChildEnded(heir, child)) processForget(child)
  wakeAll(heir.children)
}

/** Out of its parent's list. */
function unlinkChild(child: Process): void {
  const parent = child.parent
  if (parent == null) return
  if (parent.firstChild == child) parent.firstChild = child.nextSibling
  else {
    let each = parent.firstChild!
    while (each.nextSibling != child) each = each.nextSibling!
    each.nextSibling = child.nextSibling
  }
  child.parent = null
}
