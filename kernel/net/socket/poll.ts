// Asking many sockets at once: poll(2) over a list, and sets with a ready list as epoll(7). Main-loop context.
//
// A set reports levels: as long as a socket is ready, each `pollSetTake` says so, in turn with the others. With
// PollFlag.Edge it says so once for each time something happened, with OneShot once until pollSetModify.

import { Errno } from '../../lib/errno.ts'
import { address, at, nth, struct, type i32, type u32 } from '../../lib/layout.ts'
import { Report, watchAsked, watchReady } from '../../lib/watch.ts'
import { socketEventsOf } from './events.ts'
import {
  SocketWatch, pollSetEnd, pollSetOf, pollSetOpen, watchAdd, watchFind, watchRemove, type PollSet,
} from './poll-set.ts'
import { SocketEvent } from './socket.ts'
import { socketOf } from './table.ts'

/** One line of poll(2). */
@struct
export class PollEntry {
  handle: u32 // 0: skip this one
  events: u32 // SocketEvents that are of interest
  ready: u32 // those that hold; Error for a handle that is none
}

/** One report of a set. */
@struct
export class PollReady {
  handle: u32
  events: u32
  data: u32 // what pollSetAdd was given
}

export const enum PollFlag { None = 0, Edge = 1, OneShot = 2 }

/** Always reported, asked for or not. */
const ALWAYS: u32 = SocketEvent.Error | SocketEvent.HangUp

/** The SocketEvents that hold of a socket; 0 for a handle that is none. */
export function socketEvents(handle: u32): u32 {
  const socket = socketOf(handle)
  return socket != null ? socketEventsOf(socket) : SocketEvent.None
}

/** Fill in `ready` of each of `count` entries; returns how many have something in it. */
export function socketPoll(entries: PollEntry, count: u32): i32 {
  let found: i32 = 0
  for (let i: u32 = 0; i < count; i++) {
    const entry = nth(entries, i)
    entry.ready = readyOf(entry)
    if (entry.ready != 0) found += 1
  }
  return found
}

function readyOf(entry: PollEntry): u32 {
  if (entry.handle == 0) return SocketEvent.None
  const socket = socketOf(entry.handle)
  if (socket == null) return SocketEvent.Error
  return socketEventsOf(socket) & (entry.events | ALWAYS)
}

/** A new set: its handle, or NoSpace (POLL_SET_LIMIT). */
export function pollSetCreate(): i32 {
  const handle = pollSetOpen()
  return handle != 0 ? handle as number as i32 : Errno.NoSpace
}

/** Close a set. Errors: BadHandle. */
export function pollSetClose(handle: u32): i32 {
  const set = pollSetOf(handle)
  if (set == null) return Errno.BadHandle
  pollSetEnd(set)
  return Errno.None
}

/** Watch a socket for `events`; `data` comes back with each report. Errors: BadHandle, Exists, NoSpace (POLL_WATCH_LIMIT). */
export function pollSetAdd(handle: u32, socketHandle: u32, events: u32, flags: u32, data: u32): i32 {
  const set = pollSetOf(handle)
  const socket = socketOf(socketHandle)
  if (set == null || socket == null) return Errno.BadHandle
  if (watchFind(set, socket) != null) return Errno.Exists
  const watch = watchAdd(set, socket)
  if (watch == null) return Errno.NoSpace
  arm(watch, events, flags, data)
  return Errno.None
}

/** Watch for something else; a one-shot watch is on again. Errors: BadHandle, NoSuchEntry. */
export function pollSetModify(handle: u32, socketHandle: u32, events: u32, flags: u32, data: u32): i32 {
  const set = pollSetOf(handle)
  const socket = socketOf(socketHandle)
  if (set == null || socket == null) return Errno.BadHandle
  const watch = watchFind(set, socket)
  if (watch == null) return Errno.NoSuchEntry
  arm(watch, events, flags, data)
  return Errno.None
}

/** Watch a socket no more. Errors: BadHandle, NoSuchEntry. */
export function pollSetRemove(handle: u32, socketHandle: u32): i32 {
  const set = pollSetOf(handle)
  const socket = socketOf(socketHandle)
  if (set == null || socket == null) return Errno.BadHandle
  const watch = watchFind(set, socket)
  if (watch == null) return Errno.NoSuchEntry
  watchRemove(watch)
  return Errno.None
}

function arm(watch: SocketWatch, events: u32, flags: u32, data: u32): void {
  watch.watch.events = events | ALWAYS
  watch.watch.report = reportOf(flags)
  watch.data = data
  if (holding(watch) != 0) watchReady(watch.watch)
}

function reportOf(flags: u32): Report {
  if ((flags & PollFlag.OneShot) != 0) return Report.Once
  return (flags & PollFlag.Edge) != 0 ? Report.Edge : Report.Level
}

/** What holds of that which a socket is watched for. */
function holding(watch: SocketWatch): u32 {
  return socketEventsOf(watch.socket) & watch.watch.events
}

/** Take up to `room` reports from a set into `out`: how many. Errors: BadHandle. */
export function pollSetTake(handle: u32, out: PollReady, room: u32): i32 {
  const set = pollSetOf(handle)
  if (set == null) return Errno.BadHandle
  let taken: i32 = 0
  let left: u32 = set.ready.count // each once: what is put back comes after
  while (left > 0 && (taken as number as u32) < room) {
    left -= 1
    if (report(set, nth(out, taken as number as u32))) taken += 1
  }
  return taken
}

/** Whether a set has something to report. What is in its ready list and is not ready any more is taken out. */
export function pollSetReady(handle: u32): boolean {
  const set = pollSetOf(handle)
  while (set != null && set.ready.first != null) {
    const watch = at<SocketWatch>(address(set.ready.first))
    if (holding(watch) != 0) return true
    watchAsked(watch.watch, false)
  }
  return false
}

/** Look at the first of the ready list, which is not empty; true when it is ready indeed, and `out` says how. */
function report(set: PollSet, out: PollReady): boolean {
  const watch = at<SocketWatch>(address(set.ready.first))
  const events = holding(watch)
  watchAsked(watch.watch, events != 0)
  if (events == 0) return false
  out.handle = watch.socket.handle
  out.events = events
  out.data = watch.data
  return true
}
