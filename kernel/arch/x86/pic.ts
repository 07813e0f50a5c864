// The two 8259A interrupt controllers: moved off the exceptions' vectors and masked, for the I/O APIC takes
// their place. Intel 8259A data sheet, "Initialization Command Words". Boot context, once.

import { outb } from '../../lib/intrinsics.ts'
import type { u32 } from '../../lib/layout.ts'

const MASTER_COMMAND: u32 = 0x20
const MASTER_DATA: u32 = 0x21
const SLAVE_COMMAND: u32 = 0xa0
const SLAVE_DATA: u32 = 0xa1
/** ICW1: edge triggered, cascade, ICW4 follows. */
const INITIALISE: u32 = 0x11
/** ICW4: 8086 mode. */
const MODE_8086: u32 = 0x01

/** Spurious interrupts, which masking does not stop, arrive at `vector` + 7 and + 15. */
export function picDisable(vector: u32): void {
  outb(MASTER_COMMAND, INITIALISE)
  outb(SLAVE_COMMAND, INITIALISE)
  outb(MASTER_DATA, vector)
  outb(SLAVE_DATA, vector + 8)
  outb(MASTER_DATA, 1 << 2) // ICW3: the slave is at input 2
  outb(SLAVE_DATA, 2)
  outb(MASTER_DATA, MODE_8086)
  outb(SLAVE_DATA, MODE_8086)
  outb(MASTER_DATA, 0xff)
  outb(SLAVE_DATA, 0xff)
}
