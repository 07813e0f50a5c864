// Where a system call arrives from syscall.S: its arguments checked to be 32 bits wide, the call made, its result put
// where the program looks. The program's registers are a TrapFrame; Linux's convention: number in RAX, arguments in RDI,
// RSI, RDX, R10, R8, R9, result in RAX. Context: the process's, interrupts off; a call that sleeps turns them on.

import { SYSCALL_VECTOR, TrapFrame } from '../arch/x86/trap-frame.ts'
import { attentionRaised } from '../lib/attention.ts'
import { Errno, isError } from '../lib/errno.ts'
import { cli } from '../lib/intrinsics.ts'
import { at, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { kernelEntered, kernelLeft } from '../process/accounting.ts'
import { processSelf } from '../process/scheduler.ts'
import { userReturn } from '../process/user-return.ts'
import { argumentFault } from './arguments.ts'
import { systemCall } from './table.ts'

/** Entered from syscall.S. */
export function syscallDispatch(framePointer: ptr): void {
  const frame = at<TrapFrame>(framePointer)
  const self = processSelf()
  const number: u32 = frame.rax.low
  kernelEntered()
  const fault: i32 = frame.rax.high != 0 ? Errno.NotImplemented : argumentFault(frame, number)
  self.callNumber = number
  const result: u32 = fault != Errno.None ? fault as number as u32 : systemCall(self, frame, number)
  if (frame.vector == SYSCALL_VECTOR) resultSet(frame, result)
  cli()
  if (attentionRaised() || self.notice) userReturn(frame)
  kernelLeft()
}

/** Errors are negative in all 64 bits; everything else is not. */
function resultSet(frame: TrapFrame, result: u32): void {
  frame.rax.low = result
  frame.rax.high = isError(result) ? 0xffffffff : 0
}
