// epoll(7): many files watched, and those told that have something.
//
//   Epoll --set-----> net/socket/poll-set.ts: the sockets among them, with a list of those that are ready
//         --others--> EpollItem <--> EpollItem …      all other files: asked each time
//   OpenFile --watches--> EpollItem --> EpollItem …   one for each epoll it is in: they end with the file
//
// Waiting for sockets costs what is ready, however many there are. Files of other kinds (pipes, terminals, event counts) have no list
// of who watches them: each is asked when something that is polled has changed. With EPOLLET such a file is told again only after
// some such change, which may have been another file's: once too often, never too seldom.

import { EPOLL_LIMIT, POLL_WATCH_LIMIT } from '../config.ts'
import { descriptorAllocate, descriptorFile } from '../fs/descriptor.ts'
import { FileOperations, fileCreate, fileHold, filePoll, fileRelease, fileWatchesEndSet, type OpenFile } from '../fs/file.ts'
import { Open, Poll } from '../fs/flags.ts'
import { clockUpdate, nowMilliseconds } from '../lib/clock.ts'
import { Errno } from '../lib/errno.ts'
import {
  address, at, nth, sizeof, staticRow, staticStruct, struct, wire, type Le, type Stored, type bool, type i32, type ptr, type u16, type u32,
} from '../lib/layout.ts'
import { pollChanges, pollSleep, pollWake, sleepFor, wakeAll } from '../lib/sleep.ts'
import { Pool, poolAllocate, poolFree, poolInit } from '../mm/pool.ts'
import { pollSetOf, type PollSet } from '../net/socket/poll-set.ts'
import {
  PollFlag, PollReady, pollSetAdd, pollSetClose, pollSetCreate, pollSetModify, pollSetReady, pollSetRemove, pollSetTake,
} from '../net/socket/poll.ts'
import type { Process } from '../process/process.ts'
import { signalMaskBack } from '../process/signal.ts'
import { userCopyIn, userCopyOut, userPin } from '../vm/user-copy.ts'
import { maskFor } from './poll.ts'
import { scratchRest } from './scratch.ts'
import { isSocketFile, socketHandleOf } from './socket-file.ts'
import { timeLeft, timeoutMilliseconds } from './time-value.ts'

export const enum EpollControl { Add = 1, Delete = 2, Modify = 3 }
/** Beside the events of poll(2): EPOLLEXCLUSIVE, EPOLLWAKEUP, EPOLLONESHOT, EPOLLET. */
const ONE_SHOT: u32 = 0x40000000
const EDGE: u32 = 0x80000000
const EVENTS: u32 = 0x0fffffff
/** Reported whether asked for or not. */
const ALWAYS: u32 = Poll.Error | Poll.HangUp

/** struct epoll_event, packed on x86-64. epoll_ctl(2) specification. */
@wire(12)
class EpollEvent {
  events: Le<u32>
  dataLow: Le<u32>
  dataHigh: Le<u32>
}

@struct
class Epoll {
  set: u32 // handle of the poll set
  others: EpollItem | null
  sockets: EpollItem | null
  othersFirst: Stored<u32, bool> // they were, last time
}

/** One file in one epoll. */
@struct
class EpollItem {
  epoll: Epoll
  file: OpenFile
  next: EpollItem | null // in `others` or `sockets`
  previous: EpollItem | null
  nextOfFile: EpollItem | null
  descriptor: i32 // under which it was added: the same file may be in there once for each
  events: u32 // as asked for, with the flags
  dataLow: u32
  dataHigh: u32
  seen: u32 // pollChanges when it was told last, for EPOLLET
  told: Stored<u16, bool> // it was told since it was asked for
  off: Stored<u16, bool> // a one-shot that was told
  socket: u32 // handle, 0: it is in `others`
}

/** Events of one call, at most: epoll_wait may return fewer than there is room for. */
const EVENTS_AT_ONCE: u32 = 64

const epolls = staticStruct<Pool>()
const items = staticStruct<Pool>()
const operations = staticStruct<FileOperations>()
const events = staticRow<EpollEvent>(EVENTS_AT_ONCE)
const ready = staticRow<PollReady>(EVENTS_AT_ONCE)

/** Once, before the first. */
export function epollInit(): void {
  poolInit(epolls, 'epolls', sizeof<Epoll>(), EPOLL_LIMIT)
  poolInit(items, 'epoll-items', sizeof<EpollItem>(), POLL_WATCH_LIMIT)
  operations.poll = poll
  operations.close = close
  fileWatchesEndSet(fileEnds)
}

/** Files in epolls, and epolls: nothing of them is left when no process is. */
export function epollHeld(): u32 {
  return epolls.used + items.used
}

// --- Making and ending. -----------------------------------------------------------------------------------

/** epoll_create1(2): a descriptor. Errors: InvalidArgument, TooManyFiles, FileTableFull, OutOfMemory. */
export function sysEpollCreate1(self: Process, flags: u32): i32 {
  if ((flags & ~Open.CloseOnExec) != 0) return Errno.InvalidArgument
  const memory = poolAllocate(epolls)
  if (memory == 0) return Errno.OutOfMemory
  const set = pollSetCreate()
  if (set < 0) {
    poolFree(epolls, memory)
    return Errno.OutOfMemory
  }
  at<Epoll>(memory).set = set as number as u32
  const file = fileCreate(operations, Open.ReadWrite)
  if (file == null) {
    pollSetClose(set as number as u32)
    poolFree(epolls, memory)
    return Errno.FileTableFull
  }
  file.data = memory
  const descriptor = descriptorAllocate(self.files.table, file, 0, (flags & Open.CloseOnExec) != 0)
  if (descriptor < 0) fileRelease(file)
  return descriptor
}

/** epoll_create(2): the size has no meaning, but has to be one. */
export function sysEpollCreate(self: Process, size: i32): i32 {
  return size <= 0 ? Errno.InvalidArgument : sysEpollCreate1(self, 0)
}

function close(file: OpenFile): void {
  const epoll = at<Epoll>(file.data)
  while (epoll.others != null) itemRemove(epoll.others)
  while (epoll.sockets != null) itemRemove(epoll.sockets)
  pollSetClose(epoll.set)
  poolFree(epolls, file.data)
}

/** A file is closed for good: it is in no epoll any more. */
function fileEnds(file: OpenFile): void {
  while (file.watches != 0) itemRemove(at<EpollItem>(file.watches))
}

function isEpoll(file: OpenFile): boolean {
  return file.operations == operations
}

// --- What is watched. -------------------------------------------------------------------------------------

function itemFind(epoll: Epoll, file: OpenFile, descriptor: i32): EpollItem | null {
  let each: EpollItem | null = at<EpollItem>(file.watches)
  while (each != null && (each.epoll != epoll || each.descriptor != descriptor)) each = each.nextOfFile
  return each
}

/**
 * epoll_ctl(2). Errors: BadHandle, InvalidArgument (no epoll; itself; no such operation), Exists, NoSuchEntry, NoSpace
 * (POLL_WATCH_LIMIT), SymbolicLinkLoop (ELOOP: an epoll in an epoll in an epoll), NotPermitted (a file that is always ready),
 * BadAddress. May sleep.
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
  if (!isEpoll(file) || file == target) return Errno.InvalidArgument
  if (target.operations.poll == null) return Errno.NotPermitted
  const epoll = at<Epoll>(file.data)
  const item = itemFind(epoll, target, watched)
  switch (operation) {
    case EpollControl.Add: return item != null ? Errno.Exists : add(epoll, file, target, watched, event)
    case EpollControl.Modify: return item == null ? Errno.NoSuchEntry : modify(item, event)
    case EpollControl.Delete:
      if (item == null) return Errno.NoSuchEntry
      itemRemove(item)
      return Errno.None
    default: return Errno.InvalidArgument
  }
}

/** An epoll in another is one deep: neither does the inner one hold any, nor is the outer one in any. */
function nestsTooDeep(file: OpenFile, target: OpenFile): boolean {
  if (!isEpoll(target)) return false
  if (file.watches != 0) return true
  let each = at<Epoll>(target.data).others
  while (each != null && !isEpoll(each.file)) each = each.next
  return each != null
}

function add(epoll: Epoll, file: OpenFile, target: OpenFile, descriptor: i32, event: EpollEvent): i32 {
  if (nestsTooDeep(file, target)) return Errno.SymbolicLinkLoop
  const memory = poolAllocate(items)
  if (memory == 0) return Errno.NoSpace
  const item = at<EpollItem>(memory)
  item.epoll = epoll
  item.file = target
  item.descriptor = descriptor
  if (isSocketFile(target)) {
    const added: i32 = pollSetAdd(epoll.set, socketHandleOf(target), 0, PollFlag.None, memory)
    if (added == Errno.None) item.socket = socketHandleOf(target)
    else if (added != Errno.Exists) { // the same socket by another descriptor is asked as the others are
      poolFree(items, memory)
      return added
    }
  }
  item.nextOfFile = at<EpollItem>(target.watches)
  target.watches = memory
  link(item)
  return modify(item, event)
}

function link(item: EpollItem): void {
  const epoll = item.epoll
  const first = item.socket != 0 ? epoll.sockets : epoll.others
  item.next = first
  if (first != null) first.previous = item
  if (item.socket != 0) epoll.sockets = item
  else epoll.others = item
}

/** Watch for what `event` says from now on. */
function modify(item: EpollItem, event: EpollEvent): i32 {
  item.events = event.events
  item.dataLow = event.dataLow
  item.dataHigh = event.dataHigh
  item.told = false
  item.off = false
  if (item.socket == 0) {
    wakeWaiting(item.epoll)
    return Errno.None
  }
  let flags: u32 = PollFlag.None
  if ((item.events & EDGE) != 0) flags |= PollFlag.Edge
  if ((item.events & ONE_SHOT) != 0) flags |= PollFlag.OneShot
  return pollSetModify(item.epoll.set, item.socket, socketEvents(item.events), flags, address(item))
}

/** The core of the sockets knows no band of normal data apart from the others. */
function socketEvents(wanted: u32): u32 {
  let events: u32 = wanted & (EVENTS | ALWAYS)
  if ((events & Poll.ReadNormal) != 0) events |= Poll.In
  if ((events & Poll.WriteNormal) != 0) events |= Poll.Out
  return events
}

function itemRemove(item: EpollItem): void {
  const epoll = item.epoll
  if (item.socket != 0) pollSetRemove(epoll.set, item.socket)
  if (item.previous != null) item.previous.next = item.next
  else if (item.socket != 0) epoll.sockets = item.next
  else epoll.others = item.next
  if (item.next != null) item.next.previous = item.previous
  const file = item.file
  if (file.watches == address(item)) file.watches = address(item.nextOfFile)
  else {
    let before: EpollItem | null = at<EpollItem>(file.watches)
    while (before != null && before.nextOfFile != item) before = before.nextOfFile
    if (before != null) before.nextOfFile = item.nextOfFile
  }
  poolFree(items, address(item))
}

// --- What is ready. ---------------------------------------------------------------------------------------

function setOf(epoll: Epoll): PollSet {
  return pollSetOf(epoll.set) as PollSet
}

/** Another thread may sleep in epoll_wait, and has to look at a file that was not there. */
function wakeWaiting(epoll: Epoll): void {
  wakeAll(setOf(epoll).waiters)
  pollWake()
}

/** Events of one of the others that are to be told now. */
function othersEvents(item: EpollItem): u32 {
  if (item.off) return 0
  if ((item.events & EDGE) != 0 && item.told && item.seen == pollChanges()) return 0
  return filePoll(item.file) & ((item.events & EVENTS) | ALWAYS)
}

/** An epoll in an epoll, or in poll(2): whether it has something. */
function poll(file: OpenFile): u32 {
  const epoll = at<Epoll>(file.data)
  const set = setOf(epoll)
  set.polled = true
  if (pollSetReady(epoll.set)) return Poll.In | Poll.ReadNormal
  let each = epoll.others
  while (each != null) {
    if (othersEvents(each) != 0) return Poll.In | Poll.ReadNormal
    each = each.next
  }
  return 0
}

/**
 * epoll_wait(2): how many events were written to `to`, 0 when the time is up. Errors: BadHandle, InvalidArgument, BadAddress,
 * Interrupted. May sleep.
 */
export function sysEpollWait(self: Process, descriptor: i32, to: ptr, room: i32, timeout: i32): i32 {
  const file = descriptorFile(self.files.table, descriptor)
  if (file == null) return Errno.BadHandle
  if (!isEpoll(file) || room <= 0) return Errno.InvalidArgument
  fileHold(file)
  const result = wait(at<Epoll>(file.data), to, room as number as u32, timeoutMilliseconds(timeout))
  fileRelease(file)
  return result
}

/** epoll_pwait(2): with other signals blocked meanwhile. Errors: as epoll_wait. May sleep. */
export function sysEpollPwait(self: Process, descriptor: i32, to: ptr, room: i32, timeout: i32, signals: ptr, size: u32): i32 {
  const masked: i32 = maskFor(self, signals, size)
  if (masked != Errno.None) return masked
  const result = sysEpollWait(self, descriptor, to, room, timeout)
  if (result != Errno.Interrupted) signalMaskBack(self)
  return result
}

function wait(epoll: Epoll, to: ptr, room: u32, limit: u32): i32 {
  let taken = take(epoll, to, room)
  if (taken != 0 || limit == 0) return taken
  clockUpdate()
  const since: u32 = nowMilliseconds()
  while (taken == 0) {
    const left: u32 = timeLeft(limit, since, nowMilliseconds())
    if (left == 0) return 0
    const slept = sleepForOne(epoll, left)
    if (slept == Errno.Interrupted) return slept
    clockUpdate()
    taken = take(epoll, to, room)
  }
  return taken
}

/** Until one of the sockets is ready; with other files among them, until anything polled has changed. */
function sleepForOne(epoll: Epoll, left: u32): i32 {
  const set = setOf(epoll)
  if (epoll.others == null) return sleepFor(set.waiters, left)
  set.polled = true
  return pollSleep(left)
}

/**
 * Write up to `room` events, EVENTS_AT_ONCE at most: how many. Sockets and other files go first by turns, and sockets among
 * themselves, so that with little room everybody is told. What user memory can not take is not taken.
 */
function take(epoll: Epoll, to: ptr, room: u32): i32 {
  const most: u32 = room < EVENTS_AT_ONCE ? room : EVENTS_AT_ONCE
  const pinned: i32 = userPin(to, most * sizeof<EpollEvent>(), true)
  if (pinned != Errno.None) return pinned
  epoll.othersFirst = !epoll.othersFirst
  let taken: u32 = epoll.othersFirst ? takeOthers(epoll, 0, most) : takeSockets(epoll, 0, most)
  if (taken < most) taken = epoll.othersFirst ? takeSockets(epoll, taken, most) : takeOthers(epoll, taken, most)
  const error = userCopyOut(to, address(events), taken * sizeof<EpollEvent>())
  return error != Errno.None ? error : taken as number as i32
}

/** Behind the first `taken` events; how many there are then. */
function takeSockets(epoll: Epoll, taken: u32, most: u32): u32 {
  const got = pollSetTake(epoll.set, ready, most - taken)
  const more: u32 = got > 0 ? got as number as u32 : 0
  for (let i: u32 = 0; i < more; i++) {
    const report = nth(ready, i)
    write(taken + i, at<EpollItem>(report.data as ptr), socketAnswer(report.events))
  }
  return taken + more
}

function socketAnswer(holds: u32): u32 {
  let events: u32 = holds
  if ((events & Poll.In) != 0) events |= Poll.ReadNormal
  if ((events & Poll.Out) != 0) events |= Poll.WriteNormal
  return events
}

/** Behind the first `taken` events; how many there are then. */
function takeOthers(epoll: Epoll, taken: u32, most: u32): u32 {
  let count: u32 = taken
  let each = epoll.others
  while (each != null && count < most) {
    const holds = othersEvents(each)
    if (holds != 0) {
      write(count, each, holds)
      count += 1
      each.told = true
      each.seen = pollChanges()
      if ((each.events & ONE_SHOT) != 0) each.off = true
    }
    each = each.next
  }
  return count
}

function write(index: u32, item: EpollItem, holds: u32): void {
  const out = nth(events, index)
  out.events = holds & ((item.events & EVENTS) | ALWAYS)
  out.dataLow = item.dataLow
  out.dataHigh = item.dataHigh
}
