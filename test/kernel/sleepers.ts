// Sleeping without a scheduler, seen from outside: who sleeps is put into its queue and stays there, and the call returns at
// once as if it had been woken. A test then makes something happen, and looks who was woken.

import { Errno } from '../../kernel/lib/errno.ts'
import { address, distance, nth, sizeof, staticRow, type bool, type i32, type u32 } from '../../kernel/lib/layout.ts'
import { Sleeper, setSleep, sleeperEnqueue, type WaitQueue } from '../../kernel/lib/sleep.ts'

const LIMIT: u32 = 8
const sleepers = staticRow<Sleeper>(LIMIT)
let count: u32 = 0
let woken: u32 = 0
let asked: u32 = 0
let answer: i32 = Errno.None

/** From now on, and nobody sleeps yet. Sleeping calls return `result`. */
export function sleepersStart(result: i32): void {
  count = 0
  woken = 0
  answer = result
  setSleep(sleep, wake)
}

/** How many have fallen asleep; bits of those that were woken; the time limit of the last. */
export function sleepersCount(): u32 { return count }
export function sleepersWoken(): u32 { return woken }
export function sleepersAsked(): u32 { return asked }
export function sleeperSleeps(index: u32): bool { return nth(sleepers, index).queue != null }

function sleep(queue: WaitQueue | null, milliseconds: u32, interruptible: boolean): i32 {
  asked = milliseconds
  if (queue != null && count < LIMIT && interruptible) sleeperEnqueue(queue, nth(sleepers, count))
  count += 1
  return answer
}

function wake(sleeper: Sleeper): void {
  woken |= 1 << (distance(address(sleepers), address(sleeper)) / sizeof<Sleeper>())
}
