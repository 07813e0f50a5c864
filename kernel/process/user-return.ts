// The last look before user mode goes on: others first, signals, the end. Context: the process's own.

import { userReturnSet } from '../arch/x86/trap.ts'
import { TrapFrame } from '../arch/x86/trap-frame.ts'
import { attentionRaised } from '../lib/attention.ts'
import { cli, sti } from '../lib/intrinsics.ts'
import { kernelEntered, kernelLeft } from './accounting.ts'
import { processExit } from './exit.ts'
import { Process } from './process.ts'
import { processorTimersLook } from './processor-timer.ts'
import { giveWay, processSelf } from './scheduler.ts'
import { signalsDeliver } from './signal-deliver.ts'

/** Interrupts are off; on return they still are, and nothing waits. The running process's registers are in `frame`. */
export function userReturn(frame: TrapFrame): void {
  const self = processSelf()
  while (attentionRaised() || self.notice) {
    if (attentionRaised()) {
      processorTimersLook(self)
      giveWay(self)
    }
    if (self.notice) lookAtNotice(self, frame)
  }
}

function lookAtNotice(self: Process, frame: TrapFrame): void {
  sti()
  self.notice = false
  if (self.ending) processExit(self.exitStatus)
  signalsDeliver(self, frame)
  cli()
}

function returns(frame: TrapFrame): void {
  userReturn(frame)
  kernelLeft()
}

/** Have exceptions and interrupts look, too. Boot context. */
export function userReturnInit(): void {
  userReturnSet(kernelEntered, returns)
}
