// What is in an epoll: files by the numbers they were added under, found by hash. epoll_ctl(2).
//
//   bucket --first--> EpollItem --> EpollItem …        those with the same hash of epoll, file and number
//   Epoll --items--> EpollItem <--> EpollItem …        all of one epoll
//         --ready--> those that may have something (lib/watch.ts)
//   OpenFile --watches--> EpollItem <--> EpollItem …   all of one file: they end with it, however many numbers it had
//
// An epoll is a file too. How far they lie in one another is bounded, and none lies in itself.

import { EPOLL_BUCKETS, EPOLL_LIMIT, EPOLL_NESTING, POLL_WATCH_LIMIT } from '../config.ts'
import { FileOperations, filePoll, fileWatchers, type OpenFile } from '../fs/file.ts'
import { Poll } from '../fs/flags.ts'
import { Errno } from '../lib/errno.ts'
import { hash32 } from '../lib/hash.ts'
import {
  address, at, nth, sizeof, staticRow, staticStruct, struct, type Embed, type i32, type u32,
} from '../lib/layout.ts'
import { ReadyList, Report, Watch, watchBegin, watchEnd, watchReady } from '../lib/watch.ts'
import { Pool, poolAllocate, poolFree, poolInit } from '../mm/pool.ts'
import type { Socket } from '../net/socket/socket.ts'
import { isSocketFile, socketOfFile, socketPoll } from './socket-file.ts'

/** Beside the events of poll(2). epoll_ctl(2). */
export const enum EpollFlag { Exclusive = 0x10000000, WakeUp = 0x20000000, OneShot = 0x40000000, Edge = 0x80000000 }
const EVENTS: u32 = 0x0fffffff
/** Reported whether asked for or not. */
const ALWAYS: u32 = Poll.Error | Poll.HangUp

@struct
export class Epoll {
  ready: Embed<ReadyList>
  file: OpenFile // its own
  items: EpollItem | null
  inner: u32 // items that are epolls
  looked: u32 // the look at nesting that came here last
  reach: u32 // and how far it went on from here
}

/** One file in one epoll. */
@struct
export class EpollItem {
  watch: Embed<Watch> // first: who finds it finds this
  epoll: Epoll
  file: OpenFile
  socket: Socket | null // null: not one of the network's
  next: EpollItem | null // of the epoll
  previous: EpollItem | null
  nextOfFile: EpollItem | null
  previousOfFile: EpollItem | null
  nextOfBucket: EpollItem | null
  descriptor: i32 // under which it was added: the same file may be in there once for each
  wanted: u32 // events that are reported
  dataLow: u32 // given back with each report
  dataHigh: u32
}

@struct
class Bucket {
  first: EpollItem | null
}

const epolls = staticStruct<Pool>()
const items = staticStruct<Pool>()
const buckets = staticRow<Bucket>(EPOLL_BUCKETS)

/** Once, before the first. */
export function epollItemsInit(): void {
  poolInit(epolls, 'epolls', sizeof<Epoll>(), EPOLL_LIMIT)
  poolInit(items, 'epoll-items', sizeof<EpollItem>(), POLL_WATCH_LIMIT)
}

/** Files in epolls, and epolls: nothing of them is left when no process is. */
export function epollHeld(): u32 {
  return epolls.used + items.used
}

/** A new epoll without a file; null without memory, or when EPOLL_LIMIT exist. */
export function epollAllocate(): Epoll | null {
  return at<Epoll>(poolAllocate(epolls))
}

/** It ends, with all items. */
export function epollFree(epoll: Epoll): void {
  while (epoll.items != null) itemRemove(epoll.items)
  poolFree(epolls, address(epoll))
}

// --- Finding. ---------------------------------------------------------------------------------------------

function bucketOf(epoll: Epoll, file: OpenFile, descriptor: i32): Bucket {
  const mixed: u32 = address(epoll) ^ (address(file) << 1) ^ ((descriptor as number as u32) << 20)
  return nth(buckets, hash32(mixed) & (EPOLL_BUCKETS - 1))
}

/** A file in an epoll, as it was added under that number, or null. */
export function itemFind(epoll: Epoll, file: OpenFile, descriptor: i32): EpollItem | null {
  let each = bucketOf(epoll, file, descriptor).first
  while (each != null && (each.epoll != epoll || each.file != file || each.descriptor != descriptor)) each = each.nextOfBucket
  return each
}

function bucketLeave(item: EpollItem): void {
  const bucket = bucketOf(item.epoll, item.file, item.descriptor)
  if (bucket.first == item) {
    bucket.first = item.nextOfBucket
    return
  }
  let before = bucket.first!
  while (before.nextOfBucket != item) before = before.nextOfBucket!
  before.nextOfBucket = item.nextOfBucket
}

// --- Adding, changing, taking out. ------------------------------------------------------------------------

/** A file into an epoll; it is watched for nothing yet. Null without memory, or when POLL_WATCH_LIMIT exist. */
export function itemAdd(epoll: Epoll, file: OpenFile, descriptor: i32, exclusive: boolean): EpollItem | null {
  const memory = poolAllocate(items)
  if (memory == 0) return null
  const item = at<EpollItem>(memory)
  item.epoll = epoll
  item.file = file
  item.descriptor = descriptor
  item.socket = isSocketFile(file) ? socketOfFile(file) : null
  item.watch.ready = epoll.ready
  item.watch.exclusive = exclusive
  watchBegin(item.watch, fileWatchers(file))
  link(item)
  return item
}

function link(item: EpollItem): void {
  const epoll = item.epoll
  const file = item.file
  const bucket = bucketOf(epoll, file, item.descriptor)
  item.nextOfBucket = bucket.first
  bucket.first = item
  item.next = epoll.items
  if (epoll.items != null) epoll.items.previous = item
  epoll.items = item
  const ofFile = at<EpollItem>(file.watches)
  item.nextOfFile = ofFile
  if (file.watches != 0) ofFile.previousOfFile = item
  file.watches = address(item)
  if (isEpoll(file)) epoll.inner += 1
}

/** It is watched for these events, with these flags, from now on. */
export function itemArm(item: EpollItem, events: u32, dataLow: u32, dataHigh: u32): void {
  item.wanted = (events & EVENTS) | ALWAYS
  item.dataLow = dataLow
  item.dataHigh = dataHigh
  item.watch.report = reportOf(events)
  item.watch.events = toldOf(item.wanted)
  if (itemEvents(item) != 0) watchReady(item.watch)
}

function reportOf(events: u32): Report {
  if ((events & EpollFlag.OneShot) != 0) return Report.Once
  return (events & EpollFlag.Edge) != 0 ? Report.Edge : Report.Level
}

/** Who wants to know of normal data is told of data: sockets know no bands. */
function toldOf(wanted: u32): u32 {
  let events: u32 = wanted
  if ((events & Poll.ReadNormal) != 0) events |= Poll.In
  if ((events & Poll.WriteNormal) != 0) events |= Poll.Out
  return events
}

/** It is in its epoll no more. */
export function itemRemove(item: EpollItem): void {
  const epoll = item.epoll
  const file = item.file
  watchEnd(item.watch)
  bucketLeave(item)
  if (item.previous != null) item.previous.next = item.next
  else epoll.items = item.next
  if (item.next != null) item.next.previous = item.previous
  if (item.previousOfFile != null) item.previousOfFile.nextOfFile = item.nextOfFile
  else file.watches = address(item.nextOfFile)
  if (item.nextOfFile != null) item.nextOfFile.previousOfFile = item.previousOfFile
  if (isEpoll(file)) epoll.inner -= 1
  poolFree(items, address(item))
}

/** A file is closed for good: it is in no epoll any more. */
export function itemsRemoveOf(file: OpenFile): void {
  while (file.watches != 0) itemRemove(at<EpollItem>(file.watches))
}

/** The wanted events that hold of it now. */
export function itemEvents(item: EpollItem): u32 {
  const socket = item.socket
  return (socket != null ? socketPoll(socket) : filePoll(item.file)) & item.wanted
}

// --- An epoll in an epoll. --------------------------------------------------------------------------------

/** What an epoll can do as a file: what makes a file one. */
export const epollOperations = staticStruct<FileOperations>()

export function isEpoll(file: OpenFile): boolean {
  return file.operations == epollOperations
}

/** Looks at nesting there were: what one has seen it does not go through again. */
let looks: u32 = 0

/** SymbolicLinkLoop (ELOOP) if an epoll would lie in itself, or EPOLL_NESTING in one another, were `inner` added to `epoll`; else None. */
export function nestingFault(epoll: Epoll, inner: Epoll): i32 {
  looks += 1
  const below: u32 = reachDown(inner, epoll)
  looks += 1
  return below + 1 + reachUp(epoll) >= EPOLL_NESTING ? Errno.SymbolicLinkLoop : Errno.None
}

/** How many lie in one another below an epoll, at most; EPOLL_NESTING if `into` is among them, or it is that. */
function reachDown(epoll: Epoll, into: Epoll): u32 {
  if (epoll == into) return EPOLL_NESTING
  if (epoll.looked == looks) return epoll.reach
  let furthest: u32 = 0
  let each = epoll.inner == 0 ? null : epoll.items
  while (each != null) {
    if (isEpoll(each.file)) furthest = further(furthest, 1 + reachDown(epollOf(each.file), into))
    each = each.next
  }
  epoll.looked = looks
  epoll.reach = furthest
  return furthest
}

/** In how many an epoll lies that lie in one another, at most. */
function reachUp(epoll: Epoll): u32 {
  if (epoll.looked == looks) return epoll.reach
  let furthest: u32 = 0
  let each: EpollItem | null = at<EpollItem>(epoll.file.watches)
  while (each != null) {
    furthest = further(furthest, 1 + reachUp(each.epoll))
    each = each.nextOfFile
  }
  epoll.looked = looks
  epoll.reach = furthest
  return furthest
}

function further(a: u32, b: u32): u32 {
  return a > b ? a : b
}

/** Where the epoll of a file is. */
export function epollOf(file: OpenFile): Epoll {
  return at<Epoll>(file.data)
}
