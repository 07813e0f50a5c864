// Waiting for an interrupt without losing one: interrupts off, the devices told to interrupt, a last look at what
// came before they were, then `sti; hlt` with nothing between. Intel SDM vol. 2 STI: an interrupt that is pending is
// taken after the hlt has begun, and ends it. Before that the devices are watched for a bounded time, without
// interrupts: a halt and its wake-up cost more than a short wait. Main-loop context.

import { IDLE_POLL_MICROSECONDS } from '../../config.ts'
import { clockUpdate, nowMicroseconds } from '../../lib/clock.ts'
import { setIdle } from '../../lib/idle.ts'
import { cli, sti, stiHlt } from '../../lib/intrinsics.ts'
import type { u32 } from '../../lib/layout.ts'
import { timersNext } from '../../lib/timer.ts'
import { apicTimerStart, apicTimerStop } from './apic.ts'

/** Whether there is work to do. Takes nothing and waits for nothing. */
export type IdleCheck = () => boolean

const NO_TIMER: u32 = 0xffffffff

let workWaits: IdleCheck | null = null
let armWakeUps: IdleCheck | null = null
let halts: u32 = 0

/** Wait until there may be work: after an interrupt, when a timer is due, or at once. */
export function idleWait(): void {
  if (pollForWork()) return
  const delay = timersNext()
  if (delay == 0) return
  cli()
  if (armWakeUps != null && armWakeUps()) return sti()
  if (delay == NO_TIMER) apicTimerStop()
  else apicTimerStart(delay)
  halts += 1
  stiHlt()
}

/**
 * Watch for IDLE_POLL_MICROSECONDS; true when there is work. Without PAUSE: under TCG each one leaves the translated
 * code and takes the lock that the thread delivering the frame needs.
 */
function pollForWork(): boolean {
  if (workWaits == null) return false
  clockUpdate()
  const start = nowMicroseconds()
  while (nowMicroseconds() - start < IDLE_POLL_MICROSECONDS) {
    if (workWaits()) return true
    clockUpdate()
  }
  return false
}

/** How often the processor was halted, modulo 2³². */
export function idleHalts(): u32 {
  return halts
}

/**
 * Wait by halting from now on, unless `check` says that there is work. `arm` has the devices interrupt from then on,
 * and then says the same; it is asked with interrupts off.
 */
export function idleInit(check: IdleCheck, arm: IdleCheck): void {
  workWaits = check
  armWakeUps = arm
  setIdle(idleWait)
}
