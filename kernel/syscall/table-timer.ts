// Which function answers which system call, continued: timers, and signals and times behind descriptors. table-socket.ts asks here for
// what it has not.

import type { TrapFrame } from '../arch/x86/trap-frame.ts'
import { Errno } from '../lib/errno.ts'
import type { i32, ptr, u32 } from '../lib/layout.ts'
import type { Process } from '../process/process.ts'
import { Call } from './numbers.ts'
import { sysTimerCreate, sysTimerDelete, sysTimerGetoverrun, sysTimerGettime, sysTimerSettime } from './posix-timer.ts'
import { sysSignalfd4 } from './signalfd.ts'
import { sysTimerfdCreate, sysTimerfdGettime, sysTimerfdSettime } from './timerfd.ts'

/** Make the call; NotImplemented: it is none of these. May sleep. */
export function timerCall(self: Process, frame: TrapFrame, number: u32): i32 {
  const a: u32 = frame.rdi.low
  const b: u32 = frame.rsi.low
  const c: u32 = frame.rdx.low
  const d: u32 = frame.r10.low
  switch (number) {
    case Call.TimerCreate: return sysTimerCreate(self, a, b as ptr, c as ptr)
    case Call.TimerSettime: return sysTimerSettime(self, a, b, c as ptr, d as ptr)
    case Call.TimerGettime: return sysTimerGettime(self, a, b as ptr)
    case Call.TimerGetoverrun: return sysTimerGetoverrun(self, a)
    case Call.TimerDelete: return sysTimerDelete(self, a)
    case Call.Signalfd: return sysSignalfd4(self, a as number as i32, b as ptr, c, 0)
    case Call.TimerfdCreate: return sysTimerfdCreate(self, a, b)
    case Call.TimerfdSettime: return sysTimerfdSettime(self, a as number as i32, b, c as ptr, d as ptr)
    case Call.TimerfdGettime: return sysTimerfdGettime(self, a as number as i32, b as ptr)
    case Call.Signalfd4: return sysSignalfd4(self, a as number as i32, b as ptr, c, d)
    default: return Errno.NotImplemented
  }
}
