// Whose processor time passes: told at every way into the kernel from user mode, and out of it. Context: the thread's own, or the
// scheduler's when it leaves one.

import { Process } from './process.ts'
import { processorTimeSystem, processorTimeUser } from './processor-time.ts'

/** The thread has come from user mode. */
export function kernelEntered(self: Process): void {
  processorTimeUser(self.time, self.signals.group.time)
}

/** The thread is on its way back there, others run, or somebody wants to know its time up to now. */
export function kernelLeft(self: Process): void {
  processorTimeSystem(self.time, self.signals.group.time)
}
