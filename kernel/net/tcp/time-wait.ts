// TIME-WAIT: what is left of a connection while its last segments may still be on their way. RFC 9293 §3.3.2, §3.10.7.4.
//
// An entry of 64 bytes instead of a block of hundreds; they all last TCP_TIME_WAIT, so they lie in the order they
// expire, and one timer is enough. At the limit the oldest goes, and is counted. A reset does not end one (RFC 1337 §3).
// Main-loop context only.

import { TCP_TIME_WAIT, TCP_TIME_WAIT_LIMIT } from '../../config.ts'
import { nowMilliseconds } from '../../lib/clock.ts'
import {
  address, at, nth, sizeof, staticRow, staticStruct, struct, type Stored, type bool, type u16, type u32, type u8,
} from '../../lib/layout.ts'
import { zeroBytes } from '../../lib/memory.ts'
import { Timer, timerActive, timerStart, timerStop } from '../../lib/timer.ts'
import { Pool, poolAllocate, poolFree, poolInit } from '../../mm/pool.ts'
import type { Ipv4Address } from '../ipv4/address.ts'
import { receiveWindow, type TcpControlBlock } from './control-block.ts'
import { tableHash } from './secret.ts'
import type { Seq } from './sequence.ts'
import { tcpCounters } from './stats.ts'

@struct
export class TimeWait {
  hashNext: TimeWait | null
  next: TimeWait | null // expires after this one
  previous: TimeWait | null
  localAddress: Ipv4Address
  remoteAddress: Ipv4Address
  localPort: u16
  remotePort: u16
  sndNxt: Seq
  rcvNxt: Seq
  rcvWnd: u32
  expires: u32 // milliseconds
  tsRecent: u32
  tsOffset: u32
  challengedAt: u32
  rcvScale: u8
  timestamps: Stored<u8, bool>
  reuseAddr: Stored<u8, bool> // the socket had it
  reserved: u8
}

@struct
class Bucket {
  first: TimeWait | null
}

const BUCKETS: u32 = 1024

const buckets = staticRow<Bucket>(BUCKETS)
const pool = staticStruct<Pool>()
const timer = staticStruct<Timer>()
let oldest: TimeWait | null = null
let newest: TimeWait | null = null

/** None. */
export function timeWaitInit(): void {
  zeroBytes(address(buckets), BUCKETS * sizeof<Bucket>())
  poolInit(pool, 'tcp-time-wait', sizeof<TimeWait>(), TCP_TIME_WAIT_LIMIT)
  timerStop(timer)
  oldest = null
  newest = null
}

/** How many there are. */
export function timeWaitCount(): u32 {
  return pool.used
}

/** The oldest one; follow `next`. */
export function timeWaitFirst(): TimeWait | null {
  return oldest
}

function bucketOf(local: Ipv4Address, localPort: u32, remote: Ipv4Address, remotePort: u32): Bucket {
  return nth(buckets, tableHash(local, localPort, remote, remotePort) & (BUCKETS - 1))
}

/** The entry for two ends, or null. */
export function timeWaitFind(local: Ipv4Address, localPort: u32, remote: Ipv4Address, remotePort: u32): TimeWait | null {
  let each: TimeWait | null = bucketOf(local, localPort, remote, remotePort).first
  while (each != null) {
    const ends: boolean = each.remoteAddress == remote && each.localAddress == local
    if (ends && each.remotePort == remotePort && each.localPort == localPort) return each
    each = each.hashNext
  }
  return null
}

/** What has to be remembered of a connection. Without memory nothing is: a segment that still comes is answered with a reset. */
export function timeWaitEnter(tcb: TcpControlBlock): void {
  if (pool.used == TCP_TIME_WAIT_LIMIT && oldest != null) {
    tcpCounters.timeWaitEvicted += 1
    timeWaitRemove(oldest)
  }
  const memory = poolAllocate(pool)
  if (memory == 0) return
  const entry = at<TimeWait>(memory)
  entry.localAddress = tcb.localAddress
  entry.localPort = tcb.localPort
  entry.remoteAddress = tcb.remoteAddress
  entry.remotePort = tcb.remotePort
  entry.sndNxt = tcb.snd.nxt
  entry.rcvNxt = tcb.rcv.nxt
  entry.rcvWnd = receiveWindow(tcb)
  entry.rcvScale = tcb.rcvScale
  entry.timestamps = tcb.timestamps
  entry.tsRecent = tcb.tsRecent
  entry.tsOffset = tcb.tsOffset
  entry.challengedAt = tcb.challengedAt
  if (tcb.socket != null) entry.reuseAddr = tcb.socket.reuseAddr
  const bucket = bucketOf(entry.localAddress, entry.localPort, entry.remoteAddress, entry.remotePort)
  entry.hashNext = bucket.first
  bucket.first = entry
  append(entry)
}

/** Two more MSL. RFC 9293 §3.10.7.4, the eighth step: "Restart the 2 MSL time-wait timeout". */
export function timeWaitRestart(entry: TimeWait): void {
  unlink(entry)
  append(entry)
}

function append(entry: TimeWait): void {
  entry.expires = nowMilliseconds() + TCP_TIME_WAIT
  entry.next = null
  entry.previous = newest
  if (newest != null) newest.next = entry
  else oldest = entry
  newest = entry
  if (!timerActive(timer)) timerStart(timer, TCP_TIME_WAIT, expired)
}

function unlink(entry: TimeWait): void {
  if (entry.previous != null) entry.previous.next = entry.next
  else oldest = entry.next
  if (entry.next != null) entry.next.previous = entry.previous
  else newest = entry.previous
}

/** It is over: the ends may be used again. */
export function timeWaitRemove(entry: TimeWait): void {
  unlink(entry)
  const bucket = bucketOf(entry.localAddress, entry.localPort, entry.remoteAddress, entry.remotePort)
  if (bucket.first == entry) bucket.first = entry.hashNext
  else {
    let before: TimeWait | null = bucket.first
    while (before != null && before.hashNext != entry) before = before.hashNext
    if (before != null) before.hashNext = entry.hashNext
  }
  poolFree(pool, address(entry))
}

function expired(which: Timer): void {
  while (oldest != null) {
    const left: u32 = oldest.expires - nowMilliseconds()
    if (left != 0 && left <= TCP_TIME_WAIT) {
      timerStart(which, left, expired)
      return
    }
    timeWaitRemove(oldest)
  }
}

/** Whether one has this port of ours on an address that overlaps `local`, 0 being all; `shared`: not counting those that share. */
export function timeWaitHasPort(local: Ipv4Address, port: u32, shared: boolean): boolean {
  let each: TimeWait | null = oldest
  while (each != null) {
    const counts: boolean = !shared || !each.reuseAddr
    if (counts && each.localPort == port && (local == 0 || each.localAddress == local)) return true
    each = each.next
  }
  return false
}
