// Signals: Linux's numbers for x86-64, what each does by default, and sets of them. signal(7).

import { struct, type u32 } from '../lib/layout.ts'

export const enum Signal {
  None = 0, Hangup = 1, Interrupt = 2, Quit = 3, IllegalInstruction = 4, Trap = 5, Abort = 6, BusError = 7, FloatingPointException = 8,
  Kill = 9, User1 = 10, SegmentationViolation = 11, User2 = 12, Pipe = 13, Alarm = 14, Terminate = 15, StackFault = 16, Child = 17,
  Continue = 18, Stop = 19, TerminalStop = 20, TerminalInput = 21, TerminalOutput = 22, Urgent = 23, ProcessorLimit = 24,
  FileLimit = 25, VirtualAlarm = 26, Profile = 27, WindowChange = 28, InputOutput = 29, Power = 30, BadCall = 31,
  FirstRealTime = 32,
}

/** The highest number: the last real-time signal. */
export const SIGNAL_LAST: u32 = 64

export const enum SignalDefault { Terminate, Core, Ignore, Stop, Continue }

/** 64 signals as bits: number n is bit n - 1. What the kernel calls sigset_t on x86-64. */
@struct
export class SignalSet {
  low: u32
  high: u32

  /** Whether signal `number`, 1 to 64, is in it. */
  has(number: u32): boolean {
    const bit: u32 = number - 1
    return (((bit < 32 ? this.low : this.high) >>> (bit & 31)) & 1) != 0
  }

  add(number: u32): void {
    const bit: u32 = number - 1
    if (bit < 32) this.low |= 1 << bit
    else this.high |= 1 << (bit & 31)
  }

  remove(number: u32): void {
    const bit: u32 = number - 1
    if (bit < 32) this.low &= ~(1 << bit)
    else this.high &= ~(1 << (bit & 31))
  }

  set(other: SignalSet): void {
    this.low = other.low
    this.high = other.high
  }

  clear(): void {
    this.low = 0
    this.high = 0
  }
}

/** Bits of the signals whose default is to be ignored, to stop, and to write a core besides ending the process. */
const IGNORED: u32 = (1 << (Signal.Child - 1)) | (1 << (Signal.Urgent - 1)) | (1 << (Signal.WindowChange - 1))
const STOPPING: u32 = (1 << (Signal.Stop - 1)) | (1 << (Signal.TerminalStop - 1)) | (1 << (Signal.TerminalInput - 1)) |
  (1 << (Signal.TerminalOutput - 1))
/** Those that the instruction at hand brought about: they are delivered before all others. */
export const SYNCHRONOUS: u32 = (1 << (Signal.SegmentationViolation - 1)) | (1 << (Signal.BusError - 1)) |
  (1 << (Signal.IllegalInstruction - 1)) | (1 << (Signal.Trap - 1)) | (1 << (Signal.FloatingPointException - 1)) |
  (1 << (Signal.BadCall - 1))
const CORE: u32 = SYNCHRONOUS | (1 << (Signal.Quit - 1)) | (1 << (Signal.Abort - 1)) | (1 << (Signal.ProcessorLimit - 1)) |
  (1 << (Signal.FileLimit - 1))
/** Those that nobody can block, ignore or handle: Kill and Stop. */
export const UNSTOPPABLE: u32 = (1 << (Signal.Kill - 1)) | (1 << (Signal.Stop - 1))

/** Whether it is one of the four that stop a process by default. */
export function signalStops(number: u32): boolean {
  return number < Signal.FirstRealTime && ((STOPPING >>> (number - 1)) & 1) != 0
}

/** What signal `number` does to a process that has said nothing about it. */
export function signalDefault(number: u32): SignalDefault {
  if (number >= Signal.FirstRealTime) return SignalDefault.Terminate
  if (number == Signal.Continue) return SignalDefault.Continue
  const bit: u32 = 1 << (number - 1)
  if ((IGNORED & bit) != 0) return SignalDefault.Ignore
  if ((STOPPING & bit) != 0) return SignalDefault.Stop
  return (CORE & bit) != 0 ? SignalDefault.Core : SignalDefault.Terminate
}
