// What a program does wrong: exceptions from user mode become signals, page faults memory. Intel SDM vol. 3 §6.15.
// Context: the process's own; interrupts are off on the way in and out, and on while memory is being found.

import { exceptionSet, fromUser } from '../arch/x86/trap.ts'
import { Exception, TrapFrame } from '../arch/x86/trap-frame.ts'
import { Register64 } from '../arch/x86/cpu.ts'
import { Errno } from '../lib/errno.ts'
import { cli, readCr2, sti } from '../lib/intrinsics.ts'
import { address, staticStruct, type ptr, type u32 } from '../lib/layout.ts'
import { MemoryError, memoryErrorIsBus } from '../vm/errors.ts'
import { pageFault } from '../vm/fault.ts'
import { Process } from './process.ts'
import { killForMemory } from './out-of-memory.ts'
import { processSelf } from './scheduler.ts'
import { Signal } from './signal-number.ts'
import { SignalCode } from './signal-state.ts'
import { signalFault } from './signal.ts'

/** Exceptions that a program can cause. SDM vol. 3 table 6-1 */
const LAST: u32 = 19
const cr2 = staticStruct<Register64>()

/** Exceptions from user mode no longer end the kernel. Boot context. */
export function exceptionsToSignals(): void {
  for (let vector: u32 = 0; vector <= LAST; vector++) {
    if (vector != Exception.Nmi && vector != Exception.DoubleFault && vector != Exception.MachineCheck) exceptionSet(vector, raised)
  }
}

function raised(frame: TrapFrame): boolean {
  if (!fromUser(frame)) return false
  const self = processSelf()
  if (frame.vector == Exception.PageFault) pageFaulted(self, frame)
  else signalFault(self, signalOf(frame.vector), codeOf(frame.vector), frame.rip.low as ptr, frame)
  return true
}

function pageFaulted(self: Process, frame: TrapFrame): void {
  readCr2(address(cr2))
  const low = cr2.low as ptr
  const high = cr2.high
  self.faults += 1
  self.signals.group.faults += 1
  if (high != 0) return signalFault(self, Signal.SegmentationViolation, SignalCode.MapError, low, frame)
  sti()
  const result = pageFault(self.space!, low, frame.errorCode)
  cli()
  if (result == Errno.None) return
  if (result == MemoryError.OutOfMemory) return killForMemory(self)
  if (memoryErrorIsBus(result)) return signalFault(self, Signal.BusError, SignalCode.AddressError, low, frame)
  const code: SignalCode = result == MemoryError.InvalidAddress ? SignalCode.MapError : SignalCode.AccessError
  signalFault(self, Signal.SegmentationViolation, code, low, frame)
}

function signalOf(vector: u32): Signal {
  switch (vector) {
    case Exception.DivideError:
    case Exception.FloatingPoint:
    case Exception.SimdFloatingPoint: return Signal.FloatingPointException
    case Exception.Debug:
    case Exception.Breakpoint: return Signal.Trap
    case Exception.InvalidOpcode: return Signal.IllegalInstruction
    case Exception.SegmentNotPresent:
    case Exception.StackSegment:
    case Exception.AlignmentCheck: return Signal.BusError
    default: return Signal.SegmentationViolation
  }
}

function codeOf(vector: u32): u32 {
  switch (vector) {
    case Exception.DivideError: return SignalCode.IntegerDivide
    case Exception.InvalidOpcode: return SignalCode.IllegalOperand
    default: return SignalCode.Kernel
  }
}
