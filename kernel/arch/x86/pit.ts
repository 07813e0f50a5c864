// The 8254 interval timer's channel 2 as a reference: a counter of known frequency that interrupts nobody.
// Intel 8254 data sheet; the gate and the output are in the PC's port 0x61. Boot context.

import { inb, outb } from '../../lib/intrinsics.ts'
import type { u32 } from '../../lib/layout.ts'

/** Counts a second. */
export const PIT_FREQUENCY: u32 = 1193182
/** After so many counts (55 ms) the output goes high, and the count means nothing any more. */
const START: u32 = 0xffff

const CHANNEL_2: u32 = 0x42
const CONTROL: u32 = 0x43
const GATE_PORT: u32 = 0x61
const GATE: u32 = 1
const SPEAKER: u32 = 2
const OUTPUT: u32 = 0x20
/** Channel 2, low then high byte, mode 0: count down once. */
const MODE_0: u32 = 0xb0
/** Channel 2: latch the count. */
const LATCH: u32 = 0x80

/** Start the count. */
export function pitStart(): void {
  outb(GATE_PORT, (inb(GATE_PORT) & ~SPEAKER) | GATE)
  outb(CONTROL, MODE_0)
  outb(CHANNEL_2, START & 0xff)
  outb(CHANNEL_2, START >>> 8)
}

/** Hold the count as it is now, for `pitElapsed`. */
export function pitLatch(): void {
  outb(CONTROL, LATCH)
}

/** Counts from the start to the last `pitLatch`; right if `pitRunning` after that. */
export function pitElapsed(): u32 {
  const low: u32 = inb(CHANNEL_2)
  const high: u32 = inb(CHANNEL_2)
  return START - (low | (high << 8))
}

/** Whether the count has not reached its end. */
export function pitRunning(): boolean {
  return (inb(GATE_PORT) & OUTPUT) == 0
}
