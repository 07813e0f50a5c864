// epoll(7): many files watched, and those told that have something. What is in one: epoll-item.ts.
//
// Each item is in the list of those who watch its file, and is put into the epoll's ready list when something happens there; waiting
// costs what is in that list, however much is watched. Of several that wait for one epoll each event wakes one; what it
// leaves is for the next.

import { descriptorFile, descriptorForNew } from '../fs/descriptor.ts'
import { fileCreate, fileHold, fileRelease, fileWatchesEndSet, type OpenFile } from '../fs/file.ts'
import { Open, Poll } from '../fs/flags.ts'
import { lookedInVain } from '../lib/attention.ts'
import { clockUpdate, nowMilliseconds } from '../lib/clock.ts'
import { Errno } from '../lib/errno.ts'
import { address, at, nth, sizeof, staticRow, wire, type Le, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { SLEEP_FOR_EVER, sleepFor } from '../lib/sleep.ts'
import { SET_READABLE, WatchList, readyHandOn, watchAsked } from '../lib/watch.ts'
import type { Process } from '../process/process.ts'
import { signalMaskBack } from '../process/signal.ts'
import { isUserRange } from '../vm/address-space.ts'
import { userCopyIn, userCopyOut, userPin, userPlace } from '../vm/user-copy.ts'
import {
  Epoll, EpollFlag, EpollItem, epollAllocate, epollFree, epollItemsInit, epollOf, epollOperations, isEpoll, itemAdd, itemArm, itemEvents,
  itemFind, itemRemove, itemsRemoveOf, nestingFault,
} from './epoll-item.ts'
import { maskFor } from './poll.ts'
import { scratchRest, scratchTime } from './scratch.ts'
import { timeLeft, timeMilliseconds, timeRead, timeoutMilliseconds } from './time-value.ts'

export const enum EpollControl { Add = 1, Delete = 2, Modify = 3 }
/** What may be asked for together with EPOLLEXCLUSIVE: EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP, EPOLLWAKEUP, EPOLLET. epoll_ctl(2). */
const WITH_EXCLUSIVE: u32 = Poll.In | Poll.Out | Poll.Error | Poll.HangUp | EpollFlag.WakeUp | EpollFlag.Edge | EpollFlag.Exclusive

/** struct epoll_event, packed on x86-64. epoll_ctl(2) specification. */
@wire(12)
class EpollEvent {
  events: Le<u32>
  dataLow: Le<u32>
  dataHigh: Le<u32>
}

/** Events of one call, at most: epoll_wait may return fewer than there is room for. */
const EVENTS_AT_ONCE: u32 = 64
/** The most room that there may be: INT_MAX bytes of events. */
const MOST_EVENTS: u32 = 178_956_970

const events = staticRow<EpollEvent>(EVENTS_AT_ONCE)

/** Once, before the first. */
export function epollInit(): void {
  epollItemsInit()
  epollOperations.poll = poll
  epollOperations.watchers = watchers
  epollOperations.close = close
  fileWatchesEndSet(itemsRemoveOf)
}

// --- Making and ending. -----------------------------------------------------------------------------------

/** epoll_create1(2): a descriptor. Errors: InvalidArgument, TooManyFiles, FileTableFull, OutOfMemory. */
export function sysEpollCreate1(self: Process, flags: u32): i32 {
  if ((flags & ~Open.CloseOnExec) != 0) return Errno.InvalidArgument
  const epoll = epollAllocate()
  if (epoll == null) return Errno.OutOfMemory
  const file = fileCreate(epollOperations, Open.ReadWrite)
  if (file == null) {
    epollFree(epoll)
    return Errno.FileTableFull
  }
  file.data = address(epoll)
  epoll.file = file
  return descriptorForNew(self.files.table, file, (flags & Open.CloseOnExec) != 0)
}

/** epoll_create(2): the size has no meaning, but has to be one. */
export function sysEpollCreate(self: Process, size: i32): i32 {
  return size <= 0 ? Errno.InvalidArgument : sysEpollCreate1(self, 0)
}

function close(file: OpenFile): void {
  epollFree(epollOf(file))
}

// --- What is watched. -------------------------------------------------------------------------------------

/**
 * epoll_ctl(2). Errors: BadHandle; NotPermitted (a file that is always ready); InvalidArgument (no epoll; itself; no such
 * operation; EPOLLEXCLUSIVE where it can not be); Exists; NoSuchEntry; NoSpace (POLL_WATCH_LIMIT); SymbolicLinkLoop (ELOOP: epolls in
 * a circle, or EPOLL_NESTING in one another); BadAddress. May sleep.
 */
export function sysEpollCtl(self: Process, descriptor: i32, operation: u32, watched: i32, from: ptr): i32 {
  const event = at<EpollEvent>(scratchRest(self))
  if (operation != EpollControl.Delete) {
    const error = userCopyIn(address(event), from, sizeof<EpollEvent>())
    if (error != Errno.None) return error
  }
  const file = descriptorFile(self.files.table, descriptor)
  const target = descriptorFile(self.files.table, watched)
  if (file == null || target == null) return Errno.BadHandle
  if (target.operations.poll == null) return Errno.NotPermitted
  if (!isEpoll(file) || file == target) return Errno.InvalidArgument
  const epoll = epollOf(file)
  const item = itemFind(epoll, target, watched)
  switch (operation) {
    case EpollControl.Add: return item != null ? Errno.Exists : add(epoll, target, watched, event)
    case EpollControl.Modify: return item == null ? Errno.NoSuchEntry : modify(item, event)
    case EpollControl.Delete:
      if (item == null) return Errno.NoSuchEntry
      itemRemove(item)
      return Errno.None
    default: return Errno.InvalidArgument
  }
}

function add(epoll: Epoll, target: OpenFile, descriptor: i32, event: EpollEvent): i32 {
  const exclusive = (event.events & EpollFlag.Exclusive) != 0
  const nests = isEpoll(target)
  if (exclusive && (nests || (event.events & ~WITH_EXCLUSIVE) != 0)) return Errno.InvalidArgument
  const fault: i32 = nests ? nestingFault(epoll, epollOf(target)) : Errno.None
  if (fault != Errno.None) return fault
  const item = itemAdd(epoll, target, descriptor, exclusive)
  if (item == null) return Errno.NoSpace
  itemArm(item, event.events, event.dataLow, event.dataHigh)
  return Errno.None
}

/** Watch for what `event` says from now on; one that is exclusive stays as it is. */
function modify(item: EpollItem, event: EpollEvent): i32 {
  if (item.watch.exclusive || (event.events & EpollFlag.Exclusive) != 0) return Errno.InvalidArgument
  itemArm(item, event.events, event.dataLow, event.dataHigh)
  return Errno.None
}

// --- What is ready. ---------------------------------------------------------------------------------------

/** The item that is first in the ready list, which is not empty. */
function firstReady(epoll: Epoll): EpollItem {
  return at<EpollItem>(address(epoll.ready.first))
}

/** An epoll in an epoll, or in poll(2): whether it has something. What has nothing any more leaves the list. */
function poll(file: OpenFile): u32 {
  const epoll = epollOf(file)
  epoll.ready.polled = true
  while (epoll.ready.first != null) {
    if (itemEvents(firstReady(epoll)) != 0) return SET_READABLE
    watchAsked(epoll.ready.first, false)
  }
  return 0
}

function watchers(file: OpenFile): WatchList {
  return epollOf(file).ready.watchers
}

/**
 * epoll_wait(2): how many events were written to `to`, 0 when the time is up. Errors: BadHandle, InvalidArgument, BadAddress,
 * Interrupted. May sleep.
 */
export function sysEpollWait(self: Process, descriptor: i32, to: ptr, room: i32, timeout: i32): i32 {
  return waitFor(self, descriptor, to, room as number as u32, timeoutMilliseconds(timeout))
}

/** epoll_pwait(2): with other signals blocked meanwhile. Errors: as epoll_wait. May sleep. */
export function sysEpollPwait(self: Process, descriptor: i32, to: ptr, room: i32, timeout: i32, signals: ptr, size: u32): i32 {
  return maskedWait(self, descriptor, to, room, timeoutMilliseconds(timeout), signals, size)
}

/** epoll_pwait2(2): as epoll_pwait, with a timespec, or none for ever. Errors: as epoll_wait. May sleep. */
export function sysEpollPwait2(self: Process, descriptor: i32, to: ptr, room: i32, limit: ptr, signals: ptr, size: u32): i32 {
  let milliseconds: u32 = SLEEP_FOR_EVER
  if (limit != 0) {
    const error = timeRead(limit, scratchTime(self))
    if (error != Errno.None) return error
    milliseconds = timeMilliseconds(scratchTime(self))
  }
  return maskedWait(self, descriptor, to, room, milliseconds, signals, size)
}

function maskedWait(self: Process, descriptor: i32, to: ptr, room: i32, limit: u32, signals: ptr, size: u32): i32 {
  const masked: i32 = maskFor(self, signals, size)
  if (masked != Errno.None) return masked
  const result = waitFor(self, descriptor, to, room as number as u32, limit)
  if (result != Errno.Interrupted) signalMaskBack(self)
  return result
}

function waitFor(self: Process, descriptor: i32, to: ptr, room: u32, limit: u32): i32 {
  if (room - 1 >= MOST_EVENTS) return Errno.InvalidArgument
  if (!isUserRange(to, sizeof<EpollEvent>())) return Errno.BadAddress
  const file = descriptorFile(self.files.table, descriptor)
  if (file == null) return Errno.BadHandle
  if (!isEpoll(file)) return Errno.InvalidArgument
  fileHold(file)
  let taken = take(epollOf(file), to, room)
  if (taken == 0 && limit != 0) taken = sleepAndTake(epollOf(file), to, room, limit)
  else if (taken == 0) lookedInVain()
  fileRelease(file)
  return taken
}

function sleepAndTake(epoll: Epoll, to: ptr, room: u32, limit: u32): i32 {
  clockUpdate()
  const since: u32 = nowMilliseconds()
  let taken: i32 = 0
  while (taken == 0) {
    const left: u32 = timeLeft(limit, since, nowMilliseconds())
    if (left == 0) return 0
    const slept = sleepFor(epoll.ready.waiters, left)
    if (slept == Errno.Interrupted) return slept
    clockUpdate()
    taken = take(epoll, to, room)
  }
  return taken
}

/**
 * Write up to `room` events, EVENTS_AT_ONCE at most: how many. Items take turns, so that with little room each is told. What user
 * memory can not take is not taken. May sleep before it begins, not after.
 */
function take(epoll: Epoll, to: ptr, room: u32): i32 {
  const ready: u32 = epoll.ready.count
  if (ready == 0) return 0
  let most: u32 = room < EVENTS_AT_ONCE ? room : EVENTS_AT_ONCE
  if (ready < most) most = ready
  const bytes: u32 = most * sizeof<EpollEvent>()
  const place = userPlace(to, bytes, true)
  const pinned: i32 = place != 0 ? Errno.None : userPin(to, bytes, true)
  let taken: i32 = pinned
  if (place != 0) taken = takeInto(epoll, at<EpollEvent>(place), most) as number as i32
  else if (pinned == Errno.None) taken = takeOut(epoll, to, most)
  readyHandOn(epoll.ready)
  return taken
}

/** Over the end of a page, which is pinned: by way of `events`. */
function takeOut(epoll: Epoll, to: ptr, most: u32): i32 {
  const taken = takeInto(epoll, events, most)
  const error = userCopyOut(to, address(events), taken * sizeof<EpollEvent>())
  return error != Errno.None ? error : taken as number as i32
}

/** The ready list gone through once, until `most` are written. */
function takeInto(epoll: Epoll, out: EpollEvent, most: u32): u32 {
  let left: u32 = epoll.ready.count // each once: what is put back comes after
  let taken: u32 = 0
  while (left > 0 && taken < most) {
    left -= 1
    const item = firstReady(epoll)
    const holds = itemEvents(item)
    watchAsked(item.watch, holds != 0)
    if (holds == 0) continue
    const event = nth(out, taken)
    event.events = holds
    event.dataLow = item.dataLow
    event.dataHigh = item.dataHigh
    taken += 1
  }
  return taken
}
