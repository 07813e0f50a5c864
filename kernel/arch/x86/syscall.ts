// The SYSCALL instruction switched on: where it goes, with which segments, which flags it clears.
// Intel SDM vol. 3 §5.8.8, vol. 2 SYSCALL and SYSRET. Boot context.

import { linkerSymbol, store32, wrmsr } from '../../lib/intrinsics.ts'
import type { ptr, u32 } from '../../lib/layout.ts'
import { eferSet } from './cpu.ts'
import { KERNEL_CODE, KERNEL_HIGH, kernelStackSet } from './gdt.ts'

const EFER_SYSCALL: u32 = 1
const MSR_STAR: u32 = 0xc0000081
const MSR_LSTAR: u32 = 0xc0000082
const MSR_FMASK: u32 = 0xc0000084
/** SYSRET takes SS at this plus 8 and CS at this plus 16. */
const SYSRET_BASE: u32 = 0x13
/** Cleared on entry: TF, IF, DF, NT, AC. */
const FLAGS_CLEARED: u32 = 0x100 | 0x200 | 0x400 | 0x4000 | 0x40000

/** From here on user mode may call. */
export function syscallInit(): void {
  eferSet(EFER_SYSCALL)
  wrmsr(MSR_STAR, 0, (SYSRET_BASE << 16) | KERNEL_CODE)
  wrmsr(MSR_LSTAR, linkerSymbol('syscall_entry'), KERNEL_HIGH)
  wrmsr(MSR_FMASK, FLAGS_CLEARED, 0)
}

/** The kernel stack of whoever goes to user mode next: for exceptions, interrupts and system calls. */
export function userEntryStackSet(top: ptr): void {
  kernelStackSet(top)
  const slot = linkerSymbol('syscall_stack')
  store32(slot, 0, top)
  store32(slot, 4, KERNEL_HIGH)
}
