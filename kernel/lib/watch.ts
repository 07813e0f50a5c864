// Who is told of what happens to something that can be polled, and the list of what may be ready: what epoll(7) and sets of
// sockets are made of.
//
//   WatchList --first--> Watch <--> Watch …     part of what is watched: one for each set that it is in, exclusive ones last
//   ReadyList --first--> Watch <--> Watch …     part of a set: those of its watches that may be ready, oldest first
//
// Being told costs a place in a list, and asking a set costs what is in its list, however much it watches. Whoever takes a watch
// from the list asks what holds: the list only says where something has happened. A set can be watched as anything else; of one
// event it tells those who watch it once, however many ways lead there. A watch may be a function's instead of a set's, which is
// called and takes no watch out of any list. Main-loop or process context.

import { struct, staticStruct, type Embed, type Stored, type bool, type u16, type u32, type u8 } from './layout.ts'
import { WaitQueue, pollListen, pollWake, wakeOne } from './sleep.ts'

/** How often a watch is reported: as long as it is ready, once for each event, or once. */
export const enum Report { Level, Edge, Once }

/** Every event, for those who tell not which, and those who were not told. */
export const EVERY_EVENT: u32 = 0xffffffff
/** What a set has when something is in its list: POLLIN, POLLRDNORM. */
export const SET_READABLE: u32 = 0x41

/** Some of `events` have happened to what a watch watches. */
export type WatchTold = (watch: Watch, events: u32) => void

@struct
export class Watch {
  list: WatchList // of what is watched
  told: WatchTold | null // called with each event; null: it is a set's
  ready: ReadyList // of the set
  next: Watch | null // in the list of what is watched
  previous: Watch | null
  readyNext: Watch | null
  readyPrevious: Watch | null
  events: u32 // those it is told of; 0: off, until it is armed
  report: Stored<u8, Report>
  isReady: Stored<u8, bool> // it is in the ready list
  exclusive: Stored<u16, bool> // of all like it, one whose set somebody waits for is told
}

@struct
export class WatchList {
  first: Watch | null
}

@struct
export class ReadyList {
  first: Watch | null
  last: Watch | null
  count: u32
  waiters: Embed<WaitQueue> // processes that sleep until one is ready: one of them is woken for each event
  watchers: Embed<WatchList> // sets that this set is in
  polled: Stored<u32, bool> // the next event wakes those who poll (lib/sleep.ts)
  told: u32 // the event that those who watch this set were told of last
}

/** Watches of things that have no list of their own: they are told of everything that pollWake tells. */
const others = staticStruct<WatchList>()
let othersAreTold: boolean = false
/** Events there were, modulo 2^32. */
let events: u32 = 0

/** Where those are watched that have no list. */
export function watchOthers(): WatchList {
  pollListen(othersTell)
  return others
}

/** Put a watch, whose `ready` and `exclusive` are set, into the list of what it watches. It is off. */
export function watchBegin(watch: Watch, list: WatchList): void {
  let before: Watch | null = null
  let after: Watch | null = list.first
  while (watch.exclusive && after != null) {
    before = after
    after = after.next
  }
  watch.list = list
  watch.previous = before
  watch.next = after
  if (before == null) list.first = watch
  else before.next = watch
  if (after != null) after.previous = watch
}

/** Take a watch out of both lists. */
export function watchEnd(watch: Watch): void {
  watchNotReady(watch)
  if (watch.previous == null) watch.list.first = watch.next
  else watch.previous.next = watch.next
  if (watch.next != null) watch.next.previous = watch.previous
}

/** Something has happened: who watches for one of these events is told. */
export function watchesTell(list: WatchList, which: u32): void {
  if (list.first == null) return
  events += 1
  tell(list, which)
}

function tell(list: WatchList, which: u32): void {
  let each = list.first
  while (each != null) {
    const told = each.told
    const holds: u32 = each.events & which
    if (holds != 0 && told != null) told(each, holds)
    else if (holds != 0 && happened(each) && each.exclusive) return
    each = each.next
  }
}

function othersTell(): void {
  if (othersAreTold) return // by what follows from telling them
  othersAreTold = true
  watchesTell(others, EVERY_EVENT)
  othersAreTold = false
}

/** A watch is armed, and what it is for holds: its set is told. */
export function watchReady(watch: Watch): void {
  events += 1
  happened(watch)
}

/** Into the ready list, and who waits for the set is told. True: somebody did. */
function happened(watch: Watch): boolean {
  const ready = watch.ready
  if (!watch.isReady) append(ready, watch)
  const woken = ready.waiters.first != null && wakeOne(ready.waiters)
  if (ready.watchers.first != null && ready.told != events) {
    ready.told = events
    tell(ready.watchers, SET_READABLE)
  }
  if (ready.polled) {
    ready.polled = false
    pollWake()
  }
  return woken
}

function append(ready: ReadyList, watch: Watch): void {
  const last = ready.last
  watch.isReady = true
  watch.readyNext = null
  watch.readyPrevious = last
  if (last == null) ready.first = watch
  else last.readyNext = watch
  ready.last = watch
  ready.count += 1
}

/** Take a watch out of its set's list, if it is there. */
export function watchNotReady(watch: Watch): void {
  if (!watch.isReady) return
  const ready = watch.ready
  watch.isReady = false
  if (watch.readyPrevious != null) watch.readyPrevious.readyNext = watch.readyNext
  else ready.first = watch.readyNext
  if (watch.readyNext != null) watch.readyNext.readyPrevious = watch.readyPrevious
  else ready.last = watch.readyPrevious
  ready.count -= 1
}

/** The first of the list was asked, and has nothing that is wanted, or it was reported: where it is then. */
export function watchAsked(watch: Watch, reported: boolean): void {
  if (reported && watch.report == Report.Level && watch.ready.last == watch) return // it would come to where it is
  watchNotReady(watch)
  if (!reported) return
  if (watch.report == Report.Level) append(watch.ready, watch)
  else if (watch.report == Report.Once) watch.events = 0
}

/** Something is left in the list of a set that a process has taken from: it is for the next. */
export function readyHandOn(ready: ReadyList): void {
  if (ready.first != null && ready.waiters.first != null) wakeOne(ready.waiters)
}
