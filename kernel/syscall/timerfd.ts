// timerfd_create(2), timerfd_settime(2), timerfd_gettime(2): a timer behind a descriptor. A read takes how often its time has come.

import { TIMER_FILE_LIMIT } from '../config.ts'
import { descriptorFile, descriptorForNew } from '../fs/descriptor.ts'
import { FileOperations, fileCreate, type OpenFile } from '../fs/file.ts'
import { Open, Poll } from '../fs/flags.ts'
import { Long } from '../fs/layouts.ts'
import { clockUpdate } from '../lib/clock.ts'
import { Errno } from '../lib/errno.ts'
import { increase64, store64 } from '../lib/intrinsics.ts'
import { address, at, sizeof, staticStruct, struct, type Embed, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { LongTimer, longTimerLook, longTimerStop } from '../lib/long-timer.ts'
import { WaitQueue, pollWake, sleepOn, wakeAll } from '../lib/sleep.ts'
import { WatchList, watchesTell } from '../lib/watch.ts'
import { Pool, poolAllocate, poolFree, poolInit } from '../mm/pool.ts'
import type { Process } from '../process/process.ts'
import { transferOut, type Transfer } from '../vm/transfer.ts'
import { userPin } from '../vm/user-copy.ts'
import { TIMER_ABSOLUTE, timerClockIs, timerSpecRead, timerSpecStart, timerSpecTell, timerSpecWrite } from './timer-spec.ts'

/** TFD_TIMER_CANCEL_ON_SET: nobody sets the time of day, so nothing is cancelled. */
const CANCEL_ON_SET: u32 = 2
const READABLE: u32 = Poll.In | Poll.ReadNormal

@struct
class TimerFile {
  timer: Embed<LongTimer> // first: who finds it finds this
  clock: u32
  waiters: Embed<WaitQueue>
  watchers: Embed<WatchList>
  count: Embed<Long> // times it has come since the last read
}

const pool = staticStruct<Pool>()
const operations = staticStruct<FileOperations>()
const value = staticStruct<Long>()

/** Once, before the first. */
export function timerFilesInit(): void {
  poolInit(pool, 'timer-files', sizeof<TimerFile>(), TIMER_FILE_LIMIT)
  operations.read = read
  operations.poll = poll
  operations.watchers = watchers
  operations.close = close
}

/** timerfd_create(2): a descriptor. Errors: InvalidArgument, TooManyFiles, FileTableFull, OutOfMemory. */
export function sysTimerfdCreate(self: Process, clock: u32, flags: u32): i32 {
  if (!timerClockIs(clock) || (flags & ~(Open.NonBlock | Open.CloseOnExec)) != 0) return Errno.InvalidArgument
  const memory = poolAllocate(pool)
  if (memory == 0) return Errno.OutOfMemory
  const file = fileCreate(operations, Open.ReadWrite | (flags & Open.NonBlock))
  if (file == null) {
    poolFree(pool, memory)
    return Errno.FileTableFull
  }
  at<TimerFile>(memory).clock = clock
  file.data = memory
  return descriptorForNew(self.files.table, file, (flags & Open.CloseOnExec) != 0)
}

/** timerfd_settime(2): times that were not read are forgotten. Errors: BadHandle, InvalidArgument, BadAddress. May sleep. */
export function sysTimerfdSettime(self: Process, descriptor: i32, flags: u32, next: ptr, old: ptr): i32 {
  const fault: i32 = (flags & ~(TIMER_ABSOLUTE | CANCEL_ON_SET)) != 0 ? Errno.InvalidArgument : timerSpecRead(self, next)
  if (fault != Errno.None) return fault
  const file = descriptorFile(self.files.table, descriptor)
  if (file == null) return Errno.BadHandle
  if (file.operations != operations) return Errno.InvalidArgument
  const timer = at<TimerFile>(file.data)
  timerSpecTell(self, timer.timer)
  timer.count.low = 0
  timer.count.high = 0
  timerSpecStart(self, timer.timer, timer.clock, (flags & TIMER_ABSOLUTE) != 0, fired)
  return old == 0 ? Errno.None : timerSpecWrite(self, old)
}

/** timerfd_gettime(2). Errors: BadHandle, InvalidArgument, BadAddress. May sleep. */
export function sysTimerfdGettime(self: Process, descriptor: i32, to: ptr): i32 {
  const file = descriptorFile(self.files.table, descriptor)
  if (file == null) return Errno.BadHandle
  if (file.operations != operations) return Errno.InvalidArgument
  timerSpecTell(self, at<TimerFile>(file.data).timer)
  return timerSpecWrite(self, to)
}

function fired(long: LongTimer, times: u32): void {
  const timer = at<TimerFile>(address(long))
  const before: u32 = timer.count.low | timer.count.high
  increase64(address(timer.count), times)
  if (before != 0) return // nobody has read what they were told of
  wakeAll(timer.waiters)
  watchesTell(timer.watchers, READABLE)
  pollWake()
}

/** Whether its time has come; the clock is looked at, so that the main loop need not have been there. */
function hasCome(timer: TimerFile): boolean {
  clockUpdate()
  longTimerLook(timer.timer)
  return (timer.count.low | timer.count.high) != 0
}

/** Errors: InvalidArgument (less room than 8 bytes), WouldBlock, Interrupted, BadAddress. */
function read(file: OpenFile, transfer: Transfer): i32 {
  const timer = at<TimerFile>(file.data)
  if (transfer.left < sizeof<Long>()) return Errno.InvalidArgument
  while (true) {
    if (!transfer.kernel && userPin(transfer.address, sizeof<Long>(), true) != Errno.None) return Errno.BadAddress
    if (hasCome(timer)) break
    if ((file.flags & Open.NonBlock) != 0) return Errno.WouldBlock
    const slept = sleepOn(timer.waiters)
    if (slept != Errno.None) return slept
  }
  store64(address(value), 0, timer.count.low, timer.count.high)
  timer.count.low = 0
  timer.count.high = 0
  return transferOut(transfer, address(value), sizeof<Long>())
}

function poll(file: OpenFile): u32 {
  return hasCome(at<TimerFile>(file.data)) ? READABLE : 0
}

function watchers(file: OpenFile): WatchList {
  return at<TimerFile>(file.data).watchers
}

function close(file: OpenFile): void {
  longTimerStop(at<TimerFile>(file.data).timer)
  poolFree(pool, file.data)
}
