// poll(2), ppoll(2), select(2), pselect6(2): asking many descriptors at once, and sleeping until one has something.
//
// Each file is asked what holds of it, without sleeping; if nothing wanted does, the caller sleeps until something that is polled
// has changed (lib/sleep.ts), and all are asked again. For many descriptors there is epoll.ts.

import { DESCRIPTOR_LIMIT } from '../config.ts'
import { descriptorFile } from '../fs/descriptor.ts'
import { filePoll } from '../fs/file.ts'
import { Poll } from '../fs/flags.ts'
import { lookedInVain } from '../lib/attention.ts'
import { clockUpdate, nowMilliseconds } from '../lib/clock.ts'
import { Errno } from '../lib/errno.ts'
import { load32, store32 } from '../lib/intrinsics.ts'
import {
  address, at, nth, plus, sizeof, wire, type Embed, type Le, type i32, type ptr, type u16, type u32,
} from '../lib/layout.ts'
import { zeroBytes } from '../lib/memory.ts'
import { SLEEP_FOR_EVER, pollSleep } from '../lib/sleep.ts'
import { heapAllocate, heapFree } from '../mm/heap.ts'
import type { Process } from '../process/process.ts'
import { UserWord } from '../process/signal-frame.ts'
import { signalMaskBack, signalMaskFor } from '../process/signal.ts'
import { userCopyIn, userCopyOut } from '../vm/user-copy.ts'
import { scratchRest, scratchSet, scratchTime } from './scratch.ts'
import {
  timeFromMilliseconds, timeLeft, timeMilliseconds, timeRead, timeValueFromMilliseconds, timeValueMilliseconds, timeValueRead, timeWrite,
  timeoutMilliseconds,
} from './time-value.ts'

/** struct pollfd. poll(2) specification. */
@wire(8)
class PollEntry {
  descriptor: Le<i32>
  events: Le<u16>
  ready: Le<u16>
}

/** pselect6's last argument: a pointer to a set of signals, and its size. select(2) specification. */
@wire(16)
class MaskArgument {
  set: Embed<UserWord>
  size: Embed<UserWord>
}

/** Reported whether asked for or not. */
const ALWAYS: u32 = Poll.Error | Poll.HangUp | Poll.Invalid
/** What select's three sets are about. select(2). */
const READABLE: u32 = Poll.In | Poll.ReadNormal | Poll.HangUp | Poll.Error
const WRITABLE: u32 = Poll.Out | Poll.WriteNormal | Poll.Error
const EXCEPTIONAL: u32 = Poll.Priority
const SIGNAL_SET: u32 = 8

// --- poll. ------------------------------------------------------------------------------------------------

/**
 * poll(2): how many descriptors have something, 0 when the time is up. Errors: InvalidArgument, BadAddress, OutOfMemory,
 * Interrupted. May sleep.
 */
export function sysPoll(self: Process, entries: ptr, count: u32, timeout: i32): i32 {
  return poll(self, entries, count, timeoutMilliseconds(timeout))
}

/** ppoll(2): with a timespec, which then says what is left, and another set of blocked signals meanwhile. Errors: as poll. May sleep. */
export function sysPpoll(self: Process, entries: ptr, count: u32, limit: ptr, signals: ptr, size: u32): i32 {
  let milliseconds: u32 = SLEEP_FOR_EVER
  if (limit != 0) {
    const error = timeRead(limit, scratchTime(self))
    if (error != Errno.None) return error
    milliseconds = timeMilliseconds(scratchTime(self))
  }
  const masked: i32 = maskFor(self, signals, size)
  if (masked != Errno.None) return masked
  clockUpdate()
  const since: u32 = nowMilliseconds()
  const result = poll(self, entries, count, milliseconds)
  if (result != Errno.Interrupted) signalMaskBack(self)
  if (limit != 0) limitLeft(self, limit, milliseconds, since, false)
  return result
}

/** Block other signals during a call, if `signals` is not 0. Errors: InvalidArgument, BadAddress. May sleep. */
export function maskFor(self: Process, signals: ptr, size: u32): i32 {
  if (signals == 0) return Errno.None
  if (size != SIGNAL_SET) return Errno.InvalidArgument
  const mask = scratchSet(self)
  const error = userCopyIn(address(mask), signals, SIGNAL_SET)
  if (error == Errno.None) signalMaskFor(self, mask.low, mask.high)
  return error
}

/** Say what is left of a time limit, if it can be said: an error there is none of the call's. */
function limitLeft(self: Process, to: ptr, limit: u32, since: u32, value: boolean): void {
  clockUpdate()
  const left: u32 = timeLeft(limit, since, nowMilliseconds())
  const time = scratchTime(self)
  if (value) timeValueFromMilliseconds(time, left)
  else timeFromMilliseconds(time, left)
  timeWrite(to, time)
}

function poll(self: Process, entries: ptr, count: u32, limit: u32): i32 {
  if (count > DESCRIPTOR_LIMIT) return Errno.InvalidArgument
  if (count == 0) return nothing(limit)
  const memory = heapAllocate(count * sizeof<PollEntry>())
  if (memory == 0) return Errno.OutOfMemory
  let result: i32 = userCopyIn(memory, entries, count * sizeof<PollEntry>())
  if (result == Errno.None) result = pollWait(self, at<PollEntry>(memory), count, limit)
  if (result >= 0 && userCopyOut(entries, memory, count * sizeof<PollEntry>()) != Errno.None) result = Errno.BadAddress
  heapFree(memory)
  return result
}

/** No descriptors: a way to sleep. */
function nothing(limit: u32): i32 {
  const slept = limit == 0 ? Errno.TimedOut : sleepOut(limit)
  return slept == Errno.TimedOut ? 0 : slept
}

function sleepOut(limit: u32): i32 {
  clockUpdate()
  const since: u32 = nowMilliseconds()
  while (true) {
    const slept = pollSleep(timeLeft(limit, since, nowMilliseconds()))
    if (slept != Errno.None) return slept
    clockUpdate()
  }
}

function pollWait(self: Process, entries: PollEntry, count: u32, limit: u32): i32 {
  let ready = pollOnce(self, entries, count)
  if (ready == 0 && limit == 0) lookedInVain()
  if (ready != 0 || limit == 0) return ready
  clockUpdate()
  const since: u32 = nowMilliseconds()
  while (ready == 0) {
    const left: u32 = timeLeft(limit, since, nowMilliseconds())
    if (left == 0) return 0
    const slept = pollSleep(left)
    if (slept == Errno.Interrupted) return slept
    clockUpdate()
    ready = pollOnce(self, entries, count)
  }
  return ready
}

function pollOnce(self: Process, entries: PollEntry, count: u32): i32 {
  let ready: i32 = 0
  for (let i: u32 = 0; i < count; i++) {
    const entry = nth(entries, i)
    entry.ready = entry.descriptor < 0 ? 0 : eventsOf(self, entry.descriptor) & (entry.events | ALWAYS)
    if (entry.ready != 0) ready += 1
  }
  return ready
}

/** What holds of a descriptor; Invalid: it is none. */
function eventsOf(self: Process, descriptor: i32): u32 {
  const file = descriptorFile(self.files.table, descriptor)
  return file == null ? Poll.Invalid : filePoll(file)
}

// --- select. ----------------------------------------------------------------------------------------------

/** Six sets of 1,024 descriptors: what is asked for, and behind each what holds of it. */
const SET_BYTES: u32 = 128
const SETS: u32 = 6

/**
 * select(2): how many descriptors have something; the sets, and on Linux the timeval, are written over. Errors: BadHandle (one
 * that is none), InvalidArgument, BadAddress, OutOfMemory, Interrupted. May sleep.
 */
export function sysSelect(self: Process, count: i32, reading: ptr, writing: ptr, exceptional: ptr, limit: ptr): i32 {
  let milliseconds: u32 = SLEEP_FOR_EVER
  if (limit != 0) {
    const error = timeValueRead(limit, scratchTime(self))
    if (error != Errno.None) return error
    milliseconds = timeValueMilliseconds(scratchTime(self))
  }
  clockUpdate()
  const since: u32 = nowMilliseconds()
  const result = select(self, count, reading, writing, exceptional, milliseconds)
  if (limit != 0) limitLeft(self, limit, milliseconds, since, true)
  return result
}

/** pselect6(2): with a timespec and another set of blocked signals. Errors: as select. May sleep. */
export function sysPselect6(self: Process, count: i32, reading: ptr, writing: ptr, exceptional: ptr, limit: ptr, signals: ptr): i32 {
  let milliseconds: u32 = SLEEP_FOR_EVER
  if (limit != 0) {
    const error = timeRead(limit, scratchTime(self))
    if (error != Errno.None) return error
    milliseconds = timeMilliseconds(scratchTime(self))
  }
  const masked: i32 = pairFor(self, signals)
  if (masked != Errno.None) return masked
  clockUpdate()
  const since: u32 = nowMilliseconds()
  const result = select(self, count, reading, writing, exceptional, milliseconds)
  if (result != Errno.Interrupted) signalMaskBack(self)
  if (limit != 0) limitLeft(self, limit, milliseconds, since, false)
  return result
}

/** The set of signals behind pselect6's last argument. */
function pairFor(self: Process, signals: ptr): i32 {
  if (signals == 0) return Errno.None
  const maskArgument = at<MaskArgument>(scratchRest(self))
  const error = userCopyIn(address(maskArgument), signals, sizeof<MaskArgument>())
  if (error != Errno.None) return error
  if (maskArgument.set.high != 0) return Errno.BadAddress
  if (maskArgument.size.high != 0) return Errno.InvalidArgument
  return maskFor(self, maskArgument.set.low as ptr, maskArgument.size.low)
}

function select(self: Process, count: i32, reading: ptr, writing: ptr, exceptional: ptr, limit: u32): i32 {
  if (count < 0) return Errno.InvalidArgument
  const asked: u32 = count as number as u32
  const descriptors: u32 = asked < SET_BYTES << 3 ? asked : SET_BYTES << 3
  const bytes: u32 = ((descriptors + 63) >>> 6) << 3
  const sets = heapAllocate(SETS * SET_BYTES)
  if (sets == 0) return Errno.OutOfMemory
  zeroBytes(sets, SETS * SET_BYTES)
  let result: i32 = setIn(sets, 0, reading, bytes)
  if (result == Errno.None) result = setIn(sets, 1, writing, bytes)
  if (result == Errno.None) result = setIn(sets, 2, exceptional, bytes)
  if (result == Errno.None) result = selectWait(self, sets, descriptors, limit)
  if (result >= 0) result = setsOut(sets, reading, writing, exceptional, bytes, result)
  heapFree(sets)
  return result
}

function setOf(sets: ptr, which: u32): ptr {
  return plus(sets, which * SET_BYTES)
}

function setIn(sets: ptr, which: u32, from: ptr, bytes: u32): i32 {
  return from == 0 ? Errno.None : userCopyIn(setOf(sets, which), from, bytes)
}

function setsOut(sets: ptr, reading: ptr, writing: ptr, exceptional: ptr, bytes: u32, result: i32): i32 {
  if (reading != 0 && userCopyOut(reading, setOf(sets, 3), bytes) != Errno.None) return Errno.BadAddress
  if (writing != 0 && userCopyOut(writing, setOf(sets, 4), bytes) != Errno.None) return Errno.BadAddress
  if (exceptional != 0 && userCopyOut(exceptional, setOf(sets, 5), bytes) != Errno.None) return Errno.BadAddress
  return result
}

function selectWait(self: Process, sets: ptr, descriptors: u32, limit: u32): i32 {
  clockUpdate()
  const since: u32 = nowMilliseconds()
  while (true) {
    const ready = selectOnce(self, sets, descriptors)
    if (ready != 0) return ready
    const left: u32 = timeLeft(limit, since, nowMilliseconds())
    if (left == 0) {
      if (limit == 0) lookedInVain()
      return 0
    }
    const slept = pollSleep(left)
    if (slept == Errno.Interrupted) return slept
    clockUpdate()
  }
}

/** Ask of all; how many bits are set, or BadHandle. Words without a bit cost one look. */
function selectOnce(self: Process, sets: ptr, descriptors: u32): i32 {
  let ready: i32 = 0
  zeroBytes(setOf(sets, 3), 3 * SET_BYTES)
  for (let word: u32 = 0; word < descriptors; word += 32) {
    const offset: u32 = word >>> 3
    const any: u32 = load32(sets, offset) | load32(setOf(sets, 1), offset) | load32(setOf(sets, 2), offset)
    for (let bit: u32 = 0; any != 0 && bit < 32 && word + bit < descriptors; bit++) {
      if (((any >>> bit) & 1) == 0) continue
      const events = eventsOf(self, (word + bit) as number as i32)
      if (events == Poll.Invalid) return Errno.BadHandle
      ready += mark(sets, 0, offset, bit, (events & READABLE) != 0)
      ready += mark(sets, 1, offset, bit, (events & WRITABLE) != 0)
      ready += mark(sets, 2, offset, bit, (events & EXCEPTIONAL) != 0)
    }
  }
  return ready
}

/** 1, and the bit set in the answer, if it was asked for and holds. */
function mark(sets: ptr, which: u32, offset: u32, bit: u32, holds: boolean): i32 {
  if (!holds || ((load32(setOf(sets, which), offset) >>> bit) & 1) == 0) return 0
  const answer = setOf(sets, which + 3)
  store32(answer, offset, load32(answer, offset) | (1 << bit))
  return 1
}
