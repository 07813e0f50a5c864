// The stack as trap.S leaves it: the registers it pushed, the vector, and what the processor pushed.
// Intel SDM vol. 3 §6.14.2. Lowest address first.

import { struct, type Embed, type u32 } from '../../lib/layout.ts'
import { Register64 } from './cpu.ts'

@struct
export class TrapFrame {
  r15: Embed<Register64>
  r14: Embed<Register64>
  r13: Embed<Register64>
  r12: Embed<Register64>
  r11: Embed<Register64>
  r10: Embed<Register64>
  r9: Embed<Register64>
  r8: Embed<Register64>
  rdi: Embed<Register64>
  rsi: Embed<Register64>
  rbp: Embed<Register64>
  rbx: Embed<Register64>
  rdx: Embed<Register64>
  rcx: Embed<Register64>
  rax: Embed<Register64>
  vector: u32
  vectorHigh: u32
  errorCode: u32 // 0 where the exception has none
  errorCodeHigh: u32
  rip: Embed<Register64>
  cs: Embed<Register64>
  rflags: Embed<Register64>
  rsp: Embed<Register64>
  ss: Embed<Register64>
}

/** In place of an exception's vector: SYSCALL brought the process in, and SYSRET may bring it out. syscall.S */
export const SYSCALL_VECTOR: u32 = 256

/** Exceptions the kernel names; vectors 0 to 31. SDM vol. 3 table 6-1. */
export const enum Exception {
  DivideError = 0,
  Debug = 1,
  Nmi = 2,
  Breakpoint = 3,
  InvalidOpcode = 6,
  DoubleFault = 8,
  SegmentNotPresent = 11,
  StackSegment = 12,
  GeneralProtection = 13,
  PageFault = 14,
  FloatingPoint = 16,
  AlignmentCheck = 17,
  MachineCheck = 18,
  SimdFloatingPoint = 19,
}
