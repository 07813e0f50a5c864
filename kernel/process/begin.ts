// Where a new process first runs: called by syscall.S on its own stack, before it goes to user mode for the first time.
// Context: the process's own.

import { TrapFrame } from '../arch/x86/trap-frame.ts'
import { cli } from '../lib/intrinsics.ts'
import { at, type ptr } from '../lib/layout.ts'
import { userStore32 } from '../vm/user-copy.ts'
import { kernelLeft } from './accounting.ts'
import { firstProgram, isFirst } from './first.ts'
import { processSelf, switchOver } from './scheduler.ts'
import { userReturn } from './user-return.ts'

/** Entered from syscall.S. */
export function processBegin(framePointer: ptr): void {
  const frame = at<TrapFrame>(framePointer)
  switchOver()
  const self = processSelf()
  if (isFirst(self)) firstProgram(self, frame)
  if (self.setTid != 0) userStore32(self.setTid, self.pid)
  cli()
  userReturn(frame)
  kernelLeft()
}
