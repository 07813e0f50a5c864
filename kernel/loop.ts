// The main loop: everything the kernel does after boot happens here, in this order, on one stack, never
// preempted. Interrupt handlers only set the `pending` flags this loop looks at. docs/architecture.md.

import { idleWait } from './arch/x86/idle.ts'
import { POLL_BUDGET } from './config.ts'
import { diskFirst, type Disk } from './drivers/block/disk.ts'
import { nicFirst, type Nic } from './drivers/net/nic.ts'
import { clockUpdate } from './lib/clock.ts'
import type { u32 } from './lib/layout.ts'
import { timersRun } from './lib/timer.ts'
import { readyCount } from './process/ready.ts'
import { processesRun } from './process/scheduler.ts'
import { roundBegin, roundEnd } from './lib/wait.ts'
import { consolePending, consolePoll } from './services/console.ts'
import { servicesPoll } from './services/stream-service.ts'
import { reclaimPoll } from './vm/reclaim.ts'
import { netFlush, netPoll } from './net/poll.ts'

/** One round. True when something was done, and so another round is worth making before the processor halts. */
export function loopOnce(): boolean {
  roundBegin()
  clockUpdate()
  const frames = netPoll(POLL_BUDGET)
  const requests = disksPoll()
  const typed = consolePoll()
  const evicted = reclaimPoll()
  const fired = timersRun() // one may be what somebody waits for, who looks again before the processor halts
  const called = servicesPoll()
  netFlush() // what the timers and the services sent; each card is told once a round
  roundEnd()
  return frames != 0 || requests != 0 || typed || evicted || fired != 0 || called != 0
}

/** Whether there is work for the loop. Cards are asked for what has arrived: that needs no interrupt. */
export function workWaits(): boolean {
  let nic: Nic | null = nicFirst()
  while (nic != null) {
    if (nic.ready(nic)) return true
    nic = nic.next
  }
  let disk: Disk | null = diskFirst()
  while (disk != null) {
    if (disk.ready(disk)) return true
    disk = disk.next
  }
  return consolePending()
}

/** Have the next frame interrupt; true when there is work already. Before a halt it is asked with interrupts off. */
export function armWakeUps(): boolean {
  let nic: Nic | null = nicFirst()
  while (nic != null) {
    nic.arm(nic)
    nic = nic.next
  }
  let disk: Disk | null = diskFirst()
  while (disk != null) {
    disk.arm(disk)
    disk = disk.next
  }
  return workWaits()
}

function disksPoll(): u32 {
  let done: u32 = 0
  let disk: Disk | null = diskFirst()
  while (disk != null) {
    if (disk.ready(disk)) done += disk.poll(disk)
    disk = disk.next
  }
  return done
}

/** One round for somebody who waits (lib/wait.ts): the processor may halt until there is something. */
export function loopRound(): void {
  netFlush() // what the one who waits has sent
  if (!loopOnce()) idleWait()
}

/** Serve for ever: a round, then the processes until something happens. */
export function mainLoop(): never {
  while (true) {
    const did = loopOnce()
    if (readyCount() != 0) processesRun(armWakeUps())
    else if (!did) idleWait()
  }
}
