// The main loop: everything the kernel does after boot happens here, in this order, on one stack, never
// preempted. Interrupt handlers only set the `pending` flags this loop looks at. docs/architecture.md.

import { idleWait } from './arch/x86/idle.ts'
import { POLL_BUDGET } from './config.ts'
import { diskFirst, type Disk } from './drivers/block/disk.ts'
import { nicFirst, type Nic } from './drivers/net/nic.ts'
import { serialPending } from './drivers/serial/serial.ts'
import { clockUpdate } from './lib/clock.ts'
import type { u32 } from './lib/layout.ts'
import { timersRun } from './lib/timer.ts'
import { consolePoll } from './services/console.ts'
import { netFlush, netPoll } from './net/poll.ts'

/** One round. True when something was done, and so another round is worth making before the processor halts. */
export function loopOnce(): boolean {
  clockUpdate()
  const frames = netPoll(POLL_BUDGET)
  const requests = disksPoll()
  const typed = consolePoll()
  timersRun()
  netFlush() // what the timers sent; each card is told once a round
  return frames != 0 || requests != 0 || typed
}

/** Whether an interrupt has left work for the loop; asked with interrupts off, just before halting. */
export function workWaits(): boolean {
  let nic: Nic | null = nicFirst()
  while (nic != null) {
    if (nic.pending != 0) return true
    nic = nic.next
  }
  let disk: Disk | null = diskFirst()
  while (disk != null) {
    if (disk.pending != 0) return true
    disk = disk.next
  }
  return serialPending()
}

function disksPoll(): u32 {
  let done: u32 = 0
  let disk: Disk | null = diskFirst()
  while (disk != null) {
    if (disk.pending != 0) done += disk.poll(disk)
    disk = disk.next
  }
  return done
}

/** Serve for ever. */
export function mainLoop(): never {
  while (true) {
    if (!loopOnce()) idleWait()
  }
}
