// selftest=swap: 1,000 pages, each with contents of its own, are swapped out in a random order, several at a time,
// flushed, and read back in another random order; every word of every page is checked.
//
// What is on the disk afterwards can be checked from outside: word w of page k, 32 bits, least significant byte
// first, is (k + 1) × 0x9e3779b1 + w × 0x85ebca6b modulo 2^32. Which slot page k is in is random, and word 0 says
// k: what an earlier run left on the disk does not pass for what this one wrote. Boot; waits for the disk.

import { clockUpdate, nowMicroseconds } from '../lib/clock.ts'
import { load32, store32 } from '../lib/intrinsics.ts'
import {
  address, at, nth, sizeof, staticRow, struct, type Embed, type Stored, type bool, type cstring, type i32, type ptr,
  type u32,
} from '../lib/layout.ts'
import { logDecimal, logEnd } from '../lib/log.ts'
import { zeroBytes } from '../lib/memory.ts'
import { randomBelow } from '../lib/random.ts'
import { PAGE_SIZE, physicalOf } from '../mm/address.ts'
import { frameAllocate, frameFree, frameMemory } from '../mm/frames.ts'
import { heapAllocate, heapFree } from '../mm/heap.ts'
import { SwapError, swapErrorName } from '../swap/errors.ts'
import type { SwapManager } from '../swap/swap-manager.ts'
import { SwapTransfer, transferLetRun } from '../swap/transfer.ts'
import { reportFail, reportPass } from './report.ts'

const PAGES: u32 = 1000
/** Pages on their way at once. */
const LANES: u32 = 16
/** Page k is swapped out as if it were mapped here, plus k pages. */
const FIRST_ADDRESS: u32 = 0x10000000
const PAGE_FACTOR: u32 = 0x9e3779b1
const WORD_FACTOR: u32 = 0x85ebca6b

/** One of the pages on their way, and its memory. */
@struct
class Lane {
  transfer: Embed<SwapTransfer>
  memory: ptr
  page: u32 // its number
  busy: Stored<u32, bool>
}

/** What is known of a page, and what comes at this place of the order. */
@struct
class Entry {
  slot: u32
  order: u32 // number of the page whose turn it is
}

const lanes = staticRow<Lane>(LANES)
let entries: ptr = 0 as ptr
let tested: SwapManager | null = null
/** Why it failed; the text is empty as long as it did not. */
let failure: cstring = ''
let failed: boolean = false
let started: u32 = 0
let finished: u32 = 0
let inFlightMost: u32 = 0

/** Run it, report it, and say whether it passed. What it used is given back, the slots too. */
export function selftestSwap(swap: SwapManager): boolean {
  clockUpdate()
  const begin = nowMicroseconds()
  tested = swap
  failed = false
  inFlightMost = 0
  const usedBefore: u32 = swap.slots.used
  if (takeMemory()) {
    runPhase(false)
    if (!failed && swap.flush() != SwapError.None) fail('the disk did not flush')
    const first = lowestSlot()
    if (!failed) runPhase(true)
    if (!failed && swap.slots.used != usedBefore) fail('slots are left in use')
    if (failed) releaseSlots()
    else reportPassed(begin, first)
  }
  giveMemoryBack()
  if (failed) reportFail('swap', failure)
  return !failed
}

function manager(): SwapManager {
  return tested!
}

function fail(why: cstring): void {
  if (failed) return // the first reason counts
  failed = true
  failure = why
}

/** A page of memory for every lane, and the table. */
function takeMemory(): boolean {
  zeroBytes(address(lanes), LANES * sizeof<Lane>())
  entries = heapAllocate(PAGES * sizeof<Entry>())
  let i: u32 = 0
  while (i < LANES) {
    nth(lanes, i).memory = frameMemory(frameAllocate(0))
    if (nth(lanes, i).memory == 0) fail('out of memory')
    i += 1
  }
  if (entries == 0) fail('out of memory')
  if (manager().disk == null) fail('no swap device')
  else if (manager().slots.total - manager().slots.used < PAGES) fail('fewer than 1000 slots are free')
  return !failed
}

function giveMemoryBack(): void {
  let i: u32 = 0
  while (i < LANES) {
    const memory = nth(lanes, i).memory
    if (memory != 0) frameFree(physicalOf(memory), 0)
    i += 1
  }
  heapFree(entries)
}

function entry(index: u32): Entry {
  return nth(at<Entry>(entries), index)
}

/** All pages once, out or (`reading`) in, in a random order; after a failure what is on its way is waited for. */
function runPhase(reading: bool): void {
  shuffle(reading)
  started = 0
  finished = 0
  while (finished < started || (!failed && finished < PAGES)) {
    let i: u32 = 0
    let busy: u32 = 0
    while (i < LANES) {
      const lane = nth(lanes, i)
      if (lane.busy && lane.transfer.finished) settle(lane, reading)
      if (!lane.busy && started < PAGES && !failed) begin(lane, reading)
      if (lane.busy) busy += 1
      i += 1
    }
    if (busy > inFlightMost) inFlightMost = busy
    if (busy != 0) transferLetRun(manager().disk!)
  }
}

/** A random order. Fisher and Yates; Knuth, The Art of Computer Programming, vol. 2 §3.4.2, algorithm P. */
function shuffle(keepSlots: bool): void {
  let i: u32 = 0
  while (i < PAGES) {
    if (!keepSlots) entry(i).slot = 0
    entry(i).order = i
    i += 1
  }
  while (i > 1) {
    const other = randomBelow(i)
    i -= 1
    const page = entry(i).order
    entry(i).order = entry(other).order
    entry(other).order = page
  }
}

/** Start the next page in a free lane; a full disk queue leaves the lane free for the next round. */
function begin(lane: Lane, reading: bool): void {
  const page = entry(started).order
  const result = reading ? beginIn(lane, page) : beginOut(lane, page)
  if (result == SwapError.DeviceBusy) return
  if (result != SwapError.None) {
    fail(swapErrorName(result))
    return
  }
  lane.page = page
  lane.busy = true
  started += 1
}

function beginOut(lane: Lane, page: u32): i32 {
  fillPage(lane.memory, page)
  return manager().swapOutBegin(lane.transfer, FIRST_ADDRESS + page * PAGE_SIZE, lane.memory)
}

function beginIn(lane: Lane, page: u32): i32 {
  zeroBytes(lane.memory, PAGE_SIZE)
  return manager().swapInBegin(lane.transfer, entry(page).slot, lane.memory, false)
}

/** A transfer is over. */
function settle(lane: Lane, reading: bool): void {
  const transfer = lane.transfer
  lane.busy = false
  finished += 1
  if (transfer.result != SwapError.None) fail(swapErrorName(transfer.result))
  else if (!reading) entry(lane.page).slot = transfer.slot
  else {
    entry(lane.page).slot = 0
    if (transfer.pageAddress != FIRST_ADDRESS + lane.page * PAGE_SIZE) fail('a slot held another page')
    if (!isPage(lane.memory, lane.page)) fail('a page came back with other contents')
    manager().forgetPage(transfer.pageAddress) // it is no page of a process
  }
}

function fillPage(p: ptr, page: u32): void {
  let word: u32 = (page + 1) * PAGE_FACTOR
  let i: u32 = 0
  while (i < PAGE_SIZE) {
    store32(p, i, word)
    word += WORD_FACTOR
    i += 4
  }
}

function isPage(p: ptr, page: u32): boolean {
  let word: u32 = (page + 1) * PAGE_FACTOR
  let i: u32 = 0
  while (i < PAGE_SIZE) {
    if (load32(p, i) != word) return false
    word += WORD_FACTOR
    i += 4
  }
  return true
}

/** After a failure: free the slots of pages that are still out. */
function releaseSlots(): void {
  let i: u32 = 0
  while (i < PAGES) {
    if (entry(i).slot != 0) manager().deallocateSlot(entry(i).slot)
    i += 1
  }
}

function lowestSlot(): u32 {
  let lowest: u32 = 0xffffffff
  let i: u32 = 0
  while (i < PAGES) {
    if (entry(i).slot < lowest) lowest = entry(i).slot
    i += 1
  }
  return lowest
}

function reportPassed(begin: u32, firstSlot: u32): void {
  clockUpdate()
  if (!reportPass('swap')) return
  logDecimal('pages', PAGES)
  logDecimal('in_flight', inFlightMost)
  logDecimal('first_slot', firstSlot)
  logDecimal('us', nowMicroseconds() - begin)
  logEnd()
}
