// Timers of a process that are made by timer_create(2): what there is of each. What they send is syscall/posix-timer.ts's.
//
//   SignalGroup --timers--> PosixTimer --> PosixTimer …   the latest first; gone with the program or the process

import { POSIX_TIMER_LIMIT } from '../config.ts'
import { address, at, sizeof, staticStruct, struct, type Embed, type u32 } from '../lib/layout.ts'
import { LongTimer, longTimerStop } from '../lib/long-timer.ts'
import { Pool, poolAllocate, poolFree, poolInit } from '../mm/pool.ts'

@struct
export class PosixTimer {
  timer: Embed<LongTimer> // first: who finds it finds this
  next: PosixTimer | null
  id: u32
  clock: u32
  process: u32 // its process's id
  thread: u32 // the thread that gets its signal; 0: the process does
  signal: u32 // 0: none
  valueLow: u32 // told with it
  valueHigh: u32
  overrun: u32 // moments that came while a signal of it waited, told with the last signal
  overrunBefore: u32 // and with the one before
}

/** The timers of one process. */
@struct
export class PosixTimers {
  first: PosixTimer | null
  nextId: u32
}

const pool = staticStruct<Pool>()

/** Once, before the first. */
export function posixTimersInit(): void {
  poolInit(pool, 'posix-timers', sizeof<PosixTimer>(), POSIX_TIMER_LIMIT)
}

/** Timers there are: none is left when no process is. */
export function posixTimersHeld(): u32 {
  return pool.used
}

/** A new timer, which does not run; null without memory, or when POSIX_TIMER_LIMIT exist. */
export function posixTimerAdd(timers: PosixTimers): PosixTimer | null {
  const memory = poolAllocate(pool)
  if (memory == 0) return null
  const timer = at<PosixTimer>(memory)
  timer.id = timers.nextId
  timers.nextId += 1
  timer.next = timers.first
  timers.first = timer
  return timer
}

/** The timer of that number, or null. */
export function posixTimerFind(timers: PosixTimers, id: u32): PosixTimer | null {
  let each = timers.first
  while (each != null && each.id != id) each = each.next
  return each
}

/** It ends. */
export function posixTimerRemove(timers: PosixTimers, timer: PosixTimer): void {
  longTimerStop(timer.timer)
  if (timers.first == timer) timers.first = timer.next
  else {
    let before = timers.first!
    while (before.next != timer) before = before.next!
    before.next = timer.next
  }
  poolFree(pool, address(timer))
}

/** All of them end. */
export function posixTimersEnd(timers: PosixTimers): void {
  while (timers.first != null) posixTimerRemove(timers, timers.first)
  timers.nextId = 0
}
