// All processes, by id.

import { PID_LIMIT, PROCESS_BUCKETS, PROCESS_LIMIT } from '../config.ts'
import { address, at, nth, sizeof, staticRow, staticStruct, struct, type u32 } from '../lib/layout.ts'
import { Pool, poolAllocate, poolFree, poolInit } from '../mm/pool.ts'
import { Process } from './process.ts'

@struct
class Bucket {
  first: Process | null
}

const buckets = staticRow<Bucket>(PROCESS_BUCKETS)
const pool = staticStruct<Pool>()
let first: Process | null = null
let count: u32 = 0
let lastPid: u32 = 0
let made: u32 = 0

/** No processes. Once. */
export function processTableInit(): void {
  poolInit(pool, 'processes', sizeof<Process>(), PROCESS_LIMIT)
}

/** A zeroed process with an id of its own, in the table; null when there are PROCESS_LIMIT, or no memory. */
export function processAdd(): Process | null {
  const p = poolAllocate(pool)
  if (p == 0) return null
  const process = at<Process>(p)
  process.pid = freePid()
  process.group = process.pid
  chain(process)
  process.nextOfAll = first
  if (first != null) first.previousOfAll = process
  first = process
  count += 1
  made += 1
  return process
}

/** Forget a process. */
export function processRemove(process: Process): void {
  unchain(process)
  if (process.previousOfAll == null) first = process.nextOfAll
  else process.previousOfAll.nextOfAll = process.nextOfAll
  if (process.nextOfAll != null) process.nextOfAll.previousOfAll = process.previousOfAll
  count -= 1
  poolFree(pool, address(process))
}

/** Two processes have one another's id from now on. */
export function processIdsSwap(a: Process, b: Process): void {
  const id: u32 = a.pid
  unchain(a)
  unchain(b)
  a.pid = b.pid
  b.pid = id
  chain(a)
  chain(b)
}

function chain(process: Process): void {
  const bucket = nth(buckets, process.pid & (PROCESS_BUCKETS - 1))
  process.nextInBucket = bucket.first
  bucket.first = process
}

function unchain(process: Process): void {
  const bucket = nth(buckets, process.pid & (PROCESS_BUCKETS - 1))
  let each = bucket.first!
  if (each == process) {
    bucket.first = process.nextInBucket
    return
  }
  while (each.nextInBucket != process) each = each.nextInBucket!
  each.nextInBucket = process.nextInBucket
}

/** The next id nobody has: ids come round only after PID_LIMIT others. There are more ids than processes. */
function freePid(): u32 {
  do {
    lastPid = lastPid == PID_LIMIT ? 2 : lastPid + 1
  } while (processOf(lastPid) != null)
  return lastPid
}

/** The process with this id, or null. */
export function processOf(pid: u32): Process | null {
  let each = nth(buckets, pid & (PROCESS_BUCKETS - 1)).first
  while (each != null && each.pid != pid) each = each.nextInBucket
  return each
}

/** The first of all processes, or null; follow `nextOfAll`. */
export function processFirst(): Process | null {
  return first
}

/** How many there have been. */
export function processesMade(): u32 {
  return made
}

/** How many there are, zombies included; RustOS's `process_count`. */
export function processCount(): u32 {
  return count
}
