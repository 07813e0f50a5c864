// Waiting for children: wait4(2), waitid(2).

import { Errno } from '../lib/errno.ts'
import type { i32, u32 } from '../lib/layout.ts'
import { sleepOn } from '../lib/sleep.ts'
import { processForget } from './exit.ts'
import { Process, ProcessState } from './process.ts'
import { processorTimeAdd } from './processor-time.ts'

/** Options of wait4. */
export const enum Wait { NoHang = 1, Untraced = 2, Continued = 8, AllThreads = 0x40000000 }

/** The wait status of a stopped process, by the signal that stopped it, and of one that goes on. */
const STOPPED: u32 = 0x7f
const CONTINUED: u32 = 0xffff

let lastStatus: u32 = 0

/** The wait status of the child that `processWait` returned last. */
export function waitStatus(): u32 {
  return lastStatus
}

function matches(self: Process, child: Process, which: i32): boolean {
  if (which > 0) return child.pid == which
  if (which == -1) return true
  return which == 0 ? child.processGroup == self.processGroup : child.processGroup == 0 - which
}

/** Whether there is something to tell of a child; it is then told once. */
function reports(child: Process, options: u32): boolean {
  if (child.state == ProcessState.Zombie && child.threads == 0) {
    lastStatus = child.exitStatus
    return true
  }
  if (child.stopTold != 0 && (options & Wait.Untraced) != 0) {
    lastStatus = (child.stopTold << 8) | STOPPED
    child.stopTold = 0
    return true
  }
  if (!child.continueTold || (options & Wait.Continued) == 0) return false
  lastStatus = CONTINUED
  child.continueTold = false
  return true
}

/** A zombie has been asked for: its time is its parent's children's, and it is forgotten. */
export function processReap(self: Process, child: Process): void {
  const children = self.signals.group.childTime
  processorTimeAdd(children, child.signals.group.time)
  processorTimeAdd(children, child.signals.group.childTime)
  processForget(child)
}

/**
 * Wait for a child to end (or stop, or go on, as `options` say): its pid, `waitStatus` says how. `which`: a pid, -1 any, 0
 * one of the caller's process group, else one of group -which. 0: NoHang, and nothing yet. Errors: NoChild, Interrupted,
 * InvalidArgument, NoSuchProcess. May sleep. A zombie stays until `processReap`: `which` is looked up again by its pid.
 */
export function processWait(self: Process, which: i32, options: u32): i32 {
  if ((options & ~(Wait.NoHang | Wait.Untraced | Wait.Continued | Wait.AllThreads)) != 0) return Errno.InvalidArgument
  if (which != 0 && which == 0 - which) return Errno.NoSuchProcess // the least i32: no group has such a number
  while (true) {
    let any: boolean = false
    let child = self.firstChild
    while (child != null) {
      if (matches(self, child, which)) {
        any = true
        if (reports(child, options)) return child.pid as number as i32
      }
      child = child.nextSibling
    }
    if (!any) return Errno.NoChild
    if ((options & Wait.NoHang) != 0) return 0
    const slept = sleepOn(self.children)
    if (slept != Errno.None) return slept
  }
}
