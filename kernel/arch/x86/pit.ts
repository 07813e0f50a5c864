// The 8254 interval timer's channel 0 as a reference: a counter of known frequency. Its interrupt goes to inputs
// that are masked. Intel 8254 data sheet, "Mode Definitions" and "Read-Back Command". Boot context.

import { inb, outb } from '../../lib/intrinsics.ts'
import type { u32 } from '../../lib/layout.ts'

/** Counts a second. */
export const PIT_FREQUENCY: u32 = 1193182
/** After so many counts (55 ms) the output goes high, and the count means nothing any more. */
const START: u32 = 0xffff

const CHANNEL_0: u32 = 0x40
const CONTROL: u32 = 0x43
/** Channel 0, low then high byte, mode 0: count down once. */
const MODE_0: u32 = 0x30
/** Channel 0: latch the count. */
const LATCH: u32 = 0x00
/** Read back the status of channel 0, not its count. */
const READ_STATUS: u32 = 0xe2
const STATUS_OUTPUT: u32 = 0x80

/** Start the count. */
export function pitStart(): void {
  outb(CONTROL, MODE_0)
  outb(CHANNEL_0, START & 0xff)
  outb(CHANNEL_0, START >>> 8)
}

/** Hold the count as it is now, for `pitElapsed`. */
export function pitLatch(): void {
  outb(CONTROL, LATCH)
}

/** Counts from the start to the last `pitLatch`; right if `pitRunning` after that. */
export function pitElapsed(): u32 {
  const low: u32 = inb(CHANNEL_0)
  const high: u32 = inb(CHANNEL_0)
  return START - (low | (high << 8))
}

/** Whether the count has not reached its end; false too where there is no timer, for then every bit reads 1. */
export function pitRunning(): boolean {
  outb(CONTROL, READ_STATUS)
  return (inb(CHANNEL_0) & STATUS_OUTPUT) == 0
}
