// What a process is, and a thread: RustOS's process control block (its states, priorities and limits), as far as the kernel
// needs more than a program's registers.
//
// A thread is a Process that shares its address space and descriptors with others: those with the same `group`, whose
// leader has it as its pid. Context: the process's own, or the main loop's; interrupt handlers touch nothing here.

import { struct, type Bytes, type Embed, type Stored, type bool, type i32, type ptr, type u32, type u8 } from '../lib/layout.ts'
import { Sleeper, WaitQueue } from '../lib/sleep.ts'
import { Timer } from '../lib/timer.ts'
import { FileContext } from '../fs/context.ts'
import type { AddressSpace } from '../vm/address-space.ts'
import { Transfer } from '../vm/transfer.ts'
import { Executable } from './executable.ts'
import { ProcessorTime } from './processor-time.ts'
import { SignalState } from './signal-state.ts'

/** RustOS's. Blocked: on a queue; Sleeping: on none, for a time; Zombie: ended, not waited for; Dead: about to be forgotten. */
export const enum ProcessState { Ready, Running, Blocked, Sleeping, Terminated, Zombie, Dead, Stopped }

/** RustOS's; a ready process of a higher one runs first. */
export const enum Priority { RealTime, High, Normal, Low, Idle }

/** How a sleep ended. */
export const enum Woken { Not, ByOther, BySignal, ByTime }

/** Bytes of a process's name, the zero included: Linux's TASK_COMM_LEN is 16, RustOS has 31 characters. */
export const NAME_SIZE: u32 = 32

@struct
export class Process {
  sleeper: Embed<Sleeper> // first: a sleeper's address is its process's
  timer: Embed<Timer> // of a sleep
  children: Embed<WaitQueue> // where it waits for its children
  nextInBucket: Process | null
  nextOfAll: Process | null
  previousOfAll: Process | null
  readyNext: Process | null
  parent: Process | null
  firstChild: Process | null
  nextSibling: Process | null
  space: AddressSpace | null // null once it has ended
  executable: Embed<Executable> // the file of its program
  stack: ptr // top of its kernel stack; 0 once it has ended
  frame: ptr // the TrapFrame of its user registers, on that stack
  context: Bytes<8> // its kernel stack pointer while others run
  argumentsStart: u32 // where its program's arguments lie, one after another: /proc/N/cmdline
  argumentsLength: u32 // with their zeros
  pid: u32
  group: u32 // thread group: the leader's pid
  processGroup: u32
  session: u32
  exitStatus: u32 // as wait4 tells it
  fsBaseLow: u32
  fsBaseHigh: u32
  gsBaseLow: u32
  gsBaseHigh: u32
  clearTid: ptr // user address that is zeroed, and whose futex is woken, when it ends; 0 for none
  robustList: ptr // user address of the list of its robust futexes; 0 for none
  setTid: ptr // user address its id is written to before it first runs; 0 for none
  callNumber: u32 // of the system call it is in or was in last
  vforkedBy: u32 // the group whose thread waits until this one lets go of the address space; 0: nobody
  exitSignal: u32 // what its parent gets when it ends; 0 for a thread
  runStart: u32 // microseconds, when it was given the processor
  sliceUsed: u32 // microseconds since others had their turn
  time: Embed<ProcessorTime>
  startTime: u32 // milliseconds since boot
  faults: u32 // page faults
  threads: u32 // of its group, on the leader
  state: Stored<u8, ProcessState>
  priority: Stored<u8, Priority>
  woken: Stored<u8, Woken>
  interruptible: Stored<u8, bool> // its sleep
  notice: Stored<u8, bool> // a signal is to be delivered, or it has to end: looked at before user mode goes on
  ending: Stored<u8, bool> // it has to end, with `exitStatus`
  unknownCall: Stored<u8, bool> // it made a system call there is not, and the log says so
  continueTold: Stored<u8, bool> // it was continued, and its parent has not been told
  favoured: Stored<u8, bool> // it has the processor before all others until its slice is over: ready.ts
  reserved: Bytes<3>
  niceness: i32 // -20 to 19
  timerSlack: u32 // nanoseconds, as prctl was told; 0: the usual. The kernel's timers are no later for it
  timerSlackUsual: u32 // its parent's when it was made
  stopTold: u32 // the signal that stopped it, until its parent has been told
  name: Bytes<32> // NAME_SIZE
  scratch: Bytes<256> // SCRATCH_SIZE of syscall/scratch.ts
  transfer: Embed<Transfer> // of the call it is in
  files: Embed<FileContext>
  signals: Embed<SignalState>
}
