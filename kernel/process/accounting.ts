// Whose processor time passes: told at every way into the kernel from user mode, and out of it, and settled when the thread is left or
// asks. Context: the running thread's, or the scheduler's when it leaves one.

import { Process } from './process.ts'
import { processorTimeSettle, processorTimeToUser, processorTimeFromUser } from './processor-time.ts'

/** The running thread has come from user mode. */
export function kernelEntered(): void {
  processorTimeFromUser()
}

/** The running thread is on its way back there. */
export function kernelLeft(): void {
  processorTimeToUser()
}

/** The running thread's time, and its process's, are what they are now. */
export function timeSettle(self: Process): void {
  processorTimeSettle(self.time, self.signals.group.time)
}
