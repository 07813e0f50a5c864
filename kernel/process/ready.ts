// Who is ready to run: a list for each priority, and who is next.
//
//   RealTime   first ─▶ … ─▶ last        those of one priority take turns; one of a higher priority goes first
//   …
//   Idle       first ─▶ … ─▶ last
//
// But nobody waits for ever: a list that nobody was taken from for STARVATION milliseconds gives its first a turn, a whole slice
// before all others, as if it were of the highest priority (`favoured`). Any context but an interrupt's.

import { PRIORITIES, STARVATION } from '../config.ts'
import { nth, staticRow, struct, type u32 } from '../lib/layout.ts'
import type { Process } from './process.ts'

@struct
class ReadyList {
  first: Process | null
  last: Process | null
  since: u32 // milliseconds: somebody was taken from it then, or came when it was empty
}

const lists = staticRow<ReadyList>(PRIORITIES)
let count: u32 = 0

/** Processes in the lists. */
export function readyCount(): u32 {
  return count
}

/** The list a process belongs into. */
function listOf(process: Process): ReadyList {
  return nth(lists, process.favoured ? 0 : process.priority)
}

/** After the others of its priority, its turn being over; `now` in milliseconds. */
export function readyLast(process: Process, now: u32): void {
  process.favoured = false
  const list = listOf(process)
  process.readyNext = null
  if (list.last == null) {
    list.first = process
    list.since = now
  } else list.last.readyNext = process
  list.last = process
  count += 1
}

/** Before the others: it was made to give way before its turn was over. */
export function readyFirst(process: Process, now: u32): void {
  const list = listOf(process)
  process.readyNext = list.first
  if (list.last == null) {
    list.last = process
    list.since = now
  }
  list.first = process
  count += 1
}

/** Take the next to run; null: nobody is ready. */
export function readyTake(now: u32): Process | null {
  if (count == 0) return null
  const list = next(now)
  const process = list.first!
  list.first = process.readyNext
  if (list.first == null) list.last = null
  list.since = now
  count -= 1
  return process
}

/** The list whose turn it is: of those that starve the one that has waited longest, else the highest with somebody in it. */
function next(now: u32): ReadyList {
  let highest: u32 = 0
  while (nth(lists, highest).first == null) highest += 1
  let longest: u32 = STARVATION - 1
  let starving: ReadyList | null = null
  for (let each: u32 = highest + 1; each < PRIORITIES; each++) {
    const list = nth(lists, each)
    if (list.first == null || now - list.since <= longest) continue
    longest = now - list.since
    starving = list
  }
  if (starving == null) return nth(lists, highest)
  starving.first!.favoured = true
  return starving
}
