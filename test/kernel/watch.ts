// Watches as their unit tests make them: eight of them, in four lists and four sets, and sleepers by test/kernel/sleepers.ts.

import { address, distance, nth, sizeof, staticRow, type bool, type i32, type u32 } from '../../kernel/lib/layout.ts'
import { pollSleep, sleepOn } from '../../kernel/lib/sleep.ts'
import {
  ReadyList, Watch, WatchList, readyHandOn, watchAsked, watchBegin, watchEnd, watchOthers, watchReady, watchesTell, type Report,
} from '../../kernel/lib/watch.ts'

const watches = staticRow<Watch>(8)
const lists = staticRow<WatchList>(4)
const sets = staticRow<ReadyList>(4)

/** Where a watch is put: the lists 0 to 3, those of the sets 4 to 7, and the one for what has none. */
function listOf(list: u32): WatchList {
  if (list == 8) return watchOthers()
  return list < 4 ? nth(lists, list) : nth(sets, list - 4).watchers
}

export function watchStart(index: u32, set: u32, list: u32, events: u32, report: Report, exclusive: bool): void {
  const watch = nth(watches, index)
  watch.ready = nth(sets, set)
  watch.exclusive = exclusive
  watch.report = report
  watch.events = events
  watchBegin(watch, listOf(list))
}

export function watchStop(index: u32): void { watchEnd(nth(watches, index)) }
export function watchHolds(index: u32): void { watchReady(nth(watches, index)) }
export function tellList(list: u32, events: u32): void { watchesTell(listOf(list), events) }
export function sleepForList(set: u32): i32 { return sleepOn(nth(sets, set).waiters) }
export function setPolled(set: u32): i32 {
  nth(sets, set).polled = true
  return pollSleep(1000)
}
export function setHandOn(set: u32): void { readyHandOn(nth(sets, set)) }
export function setCount(set: u32): u32 { return nth(sets, set).count }
export function watchEventsOf(index: u32): u32 { return nth(watches, index).events }

/** The first of a set is asked: its number, 8 for none. It is reported, or has nothing. */
export function setAsk(set: u32, reported: bool): u32 {
  const watch = nth(sets, set).first
  if (watch == null) return 8
  watchAsked(watch, reported)
  return distance(address(watches), address(watch)) / sizeof<Watch>()
}
