// eventfd(2): a 64-bit count behind a descriptor. A read takes it, or with EFD_SEMAPHORE one of it; a write adds.

import { EVENT_LIMIT } from '../config.ts'
import { descriptorForNew } from '../fs/descriptor.ts'
import { FileOperations, fileCreate, type OpenFile } from '../fs/file.ts'
import { Open, Poll } from '../fs/flags.ts'
import { Long } from '../fs/layouts.ts'
import { Errno } from '../lib/errno.ts'
import { add64, compare64, store64, subtract64 } from '../lib/intrinsics.ts'
import {
  address, at, sizeof, staticMemory, staticStruct, struct, type Embed, type Stored, type bool, type i32, type u32,
} from '../lib/layout.ts'
import { WaitQueue, pollWake, sleepOn, wakeAll } from '../lib/sleep.ts'
import { WatchList, watchesTell } from '../lib/watch.ts'
import { Pool, poolAllocate, poolFree, poolInit } from '../mm/pool.ts'
import type { Process } from '../process/process.ts'
import { userPin } from '../vm/user-copy.ts'
import { transferIn, transferOut, type Transfer } from '../vm/transfer.ts'

/** Flags of eventfd2. */
const enum EventFlag { Semaphore = 1 }
const READABLE: u32 = Poll.In | Poll.ReadNormal
const WRITABLE: u32 = Poll.Out | Poll.WriteNormal

@struct
class EventCount {
  count: Embed<Long>
  semaphore: Stored<u32, bool>
  waiters: Embed<WaitQueue>
  watchers: Embed<WatchList>
}

const pool = staticStruct<Pool>()
const operations = staticStruct<FileOperations>()
/** 2^64 - 2, the largest count, and a value on its way. None lives across a sleep. */
const most = staticMemory(8, 8)
const value = staticMemory(8, 8)

/** Once, before the first. */
export function eventsInit(): void {
  poolInit(pool, 'event-counts', sizeof<EventCount>(), EVENT_LIMIT)
  store64(most, 0, 0xfffffffe, 0xffffffff)
  operations.read = read
  operations.write = write
  operations.poll = poll
  operations.watchers = watchers
  operations.close = close
}

/** eventfd2(2): a descriptor. Errors: InvalidArgument, TooManyFiles, FileTableFull, OutOfMemory. */
export function sysEventfd2(self: Process, initial: u32, flags: u32): i32 {
  if ((flags & ~(EventFlag.Semaphore | Open.NonBlock | Open.CloseOnExec)) != 0) return Errno.InvalidArgument
  const memory = poolAllocate(pool)
  if (memory == 0) return Errno.OutOfMemory
  const event = at<EventCount>(memory)
  event.count.low = initial
  event.semaphore = (flags & EventFlag.Semaphore) != 0
  const file = fileCreate(operations, Open.ReadWrite | (flags & Open.NonBlock))
  if (file == null) {
    poolFree(pool, memory)
    return Errno.FileTableFull
  }
  file.data = memory
  return descriptorForNew(self.files.table, file, (flags & Open.CloseOnExec) != 0)
}

/** eventfd(2). */
export function sysEventfd(self: Process, initial: u32): i32 {
  return sysEventfd2(self, initial, 0)
}

function isZero(event: EventCount): boolean {
  return (event.count.low | event.count.high) == 0
}

function changed(event: EventCount, events: u32): void {
  wakeAll(event.waiters)
  watchesTell(event.watchers, events)
  pollWake()
}

function watchers(file: OpenFile): WatchList {
  return at<EventCount>(file.data).watchers
}

/** Errors: InvalidArgument (less room than 8 bytes), WouldBlock, Interrupted, BadAddress. */
function read(file: OpenFile, transfer: Transfer): i32 {
  const event = at<EventCount>(file.data)
  if (transfer.left < sizeof<Long>()) return Errno.InvalidArgument
  while (true) {
    if (pin(transfer, true) != Errno.None) return Errno.BadAddress
    if (!isZero(event)) break
    if ((file.flags & Open.NonBlock) != 0) return Errno.WouldBlock
    const slept = sleepOn(event.waiters)
    if (slept != Errno.None) return slept
  }
  if (event.semaphore) store64(value, 0, 1, 0)
  else store64(value, 0, event.count.low, event.count.high)
  subtract64(address(event.count), address(event.count), value)
  changed(event, WRITABLE)
  return transferOut(transfer, value, sizeof<Long>())
}

/** Errors: InvalidArgument (less than 8 bytes, or all ones), WouldBlock, Interrupted, BadAddress. */
function write(file: OpenFile, transfer: Transfer): i32 {
  const event = at<EventCount>(file.data)
  if (transfer.left < sizeof<Long>()) return Errno.InvalidArgument
  if (pin(transfer, false) != Errno.None) return Errno.BadAddress
  const taken = transferIn(transfer, value, sizeof<Long>())
  if (taken < 0) return taken
  const added = at<Long>(value)
  const low: u32 = added.low
  const high: u32 = added.high
  if (low == 0xffffffff && high == 0xffffffff) return Errno.InvalidArgument
  while (!hasRoom(event, low, high)) {
    if ((file.flags & Open.NonBlock) != 0) return Errno.WouldBlock
    const slept = sleepOn(event.waiters)
    if (slept != Errno.None) return slept
  }
  store64(value, 0, low, high)
  add64(address(event.count), address(event.count), value)
  changed(event, READABLE)
  return taken
}

/** The eight bytes are there: copying them does not sleep. */
function pin(transfer: Transfer, writing: boolean): i32 {
  return transfer.kernel ? Errno.None : userPin(transfer.address, sizeof<Long>(), writing)
}

/** Whether so much can be added. */
function hasRoom(event: EventCount, low: u32, high: u32): boolean {
  store64(value, 0, low, high)
  subtract64(value, most, value)
  return compare64(address(event.count), value) <= 0
}

function poll(file: OpenFile): u32 {
  const event = at<EventCount>(file.data)
  let events: u32 = 0
  if (!isZero(event)) events |= READABLE
  if (hasRoom(event, 1, 0)) events |= WRITABLE
  return events
}

function close(file: OpenFile): void {
  poolFree(pool, file.data)
}
