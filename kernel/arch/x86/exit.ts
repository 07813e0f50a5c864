// Leaving the machine: QEMU's exit device, a reset, or a halt for good.
//
// QEMU's isa-debug-exit turns a byte v written to its port into the process status 2v + 1. Whether it is there
// can not be read: its port reads 0xff with it as without it, and to a machine that lacks it the write is
// nothing. So leaving is: write, then halt (or reset, with panic=reboot).

import { cli, hlt, inb, lidt, outb, store16, trap } from '../../lib/intrinsics.ts'
import { staticMemory, type u32 } from '../../lib/layout.ts'
import { acpiInfo } from './acpi-init.ts'

/** QEMU's exit status: 2v + 1 of the byte written. docs/contract.md, "Exit". */
export const enum ExitStatus { Success = 33, Failure = 35, Panic = 37 }

const EXIT_PORT: u32 = 0xf4
/** The keyboard controller, whose output 0 is the reset line. */
const KEYBOARD_STATUS: u32 = 0x64
const KEYBOARD_INPUT_FULL: u32 = 2
const PULSE_RESET: u32 = 0xfe
const PATIENCE: u32 = 10000

const noTable = staticMemory(16, 8)

/** Stop for good, interrupts off. */
export function halt(): never {
  cli()
  while (true) hlt()
}

/** End QEMU with `status`, where it has the exit device; halt where it has not. */
export function exitMachine(status: ExitStatus): never {
  outb(EXIT_PORT, status >>> 1)
  halt()
}

/** Start the machine again: ACPI's reset register, else the keyboard controller, else a fault without a handler. */
export function reboot(): never {
  cli()
  const acpi = acpiInfo()
  if (acpi.resetPort != 0) outb(acpi.resetPort, acpi.resetValue)
  for (let turn: u32 = 0; turn < PATIENCE; turn++) {
    if ((inb(KEYBOARD_STATUS) & KEYBOARD_INPUT_FULL) == 0) break
  }
  outb(KEYBOARD_STATUS, PULSE_RESET)
  for (let turn: u32 = 0; turn < PATIENCE; turn++) inb(KEYBOARD_STATUS) // a reset line takes its time
  store16(noTable, 0, 0)
  lidt(noTable)
  trap()
}
