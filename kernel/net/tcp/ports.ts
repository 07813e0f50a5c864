// Ports of stream sockets: who has which, and which one is free. RFC 9293 §3.9.1.1, RFC 6056 §3.3.4; tcp(7), socket(7) for
// who may share. Main-loop context only.

import { EPHEMERAL_FIRST, EPHEMERAL_LAST } from '../../config.ts'
import { address, nth, sizeof, staticRow, struct, type u32 } from '../../lib/layout.ts'
import { zeroBytes } from '../../lib/memory.ts'
import { random32 } from '../../lib/random.ts'
import type { Ipv4Address } from '../ipv4/address.ts'
import { SocketState, type Socket } from '../socket/socket.ts'
import { portCounter, portOffset } from './secret.ts'
import { tcpFind, tcpPortConnected } from './table.ts'
import { timeWaitFind, timeWaitHasPort } from './time-wait.ts'

@struct
class Bucket {
  first: Socket | null
}

@struct
class Counter {
  next: u32
}

const BUCKETS: u32 = 256
const COUNTERS: u32 = 64 // RFC 6056 §3.3.4: "table"; 10 at least

const buckets = staticRow<Bucket>(BUCKETS)
const counters = staticRow<Counter>(COUNTERS)

/** No port is taken. */
export function portsInit(): void {
  zeroBytes(address(buckets), BUCKETS * sizeof<Bucket>())
  for (let i: u32 = 0; i < COUNTERS; i++) nth(counters, i).next = random32()
}

function bucketOf(port: u32): Bucket {
  return nth(buckets, port & (BUCKETS - 1))
}

/** Note that a socket has `localPort`. */
export function portAdd(socket: Socket): void {
  const bucket = bucketOf(socket.localPort)
  socket.portNext = bucket.first
  bucket.first = socket
  socket.portHeld = true
}

/** It has it no more. */
export function portRemove(socket: Socket): void {
  const bucket = bucketOf(socket.localPort)
  if (bucket.first == socket) bucket.first = socket.portNext
  else {
    let before: Socket | null = bucket.first
    while (before != null && before.portNext != socket) before = before.portNext
    if (before != null) before.portNext = socket.portNext
  }
  socket.portNext = null
  socket.portHeld = false
}

/**
 * Whether a socket may not have `a`:`port`, 0 being any address, beside who has it. Two may share with reuseAddr on both
 * while none listens, or with reusePort on both; connections that are left keep it from who has not reuseAddr. socket(7).
 */
export function portTaken(socket: Socket, a: Ipv4Address, port: u32): boolean {
  let each: Socket | null = bucketOf(port).first
  while (each != null) {
    const overlap: boolean = each.boundAddress == a || each.boundAddress == 0 || a == 0
    if (each != socket && each.localPort == port && overlap && !mayShare(socket, each)) return true
    each = each.portNext
  }
  if (socket.reuseAddr) return false
  return tcpPortConnected(a, port) || timeWaitHasPort(a, port, false)
}

function mayShare(socket: Socket, other: Socket): boolean {
  if (socket.reusePort && other.reusePort) return true
  return socket.reuseAddr && other.reuseAddr && other.state != SocketState.Listening
}

/** Whether somebody else listens there already: reuseAddr does not share that. */
export function portListening(socket: Socket): boolean {
  let each: Socket | null = bucketOf(socket.localPort).first
  while (each != null) {
    const same: boolean = each != socket && each.localPort == socket.localPort && each.state == SocketState.Listening
    const overlap: boolean = each.boundAddress == socket.boundAddress || each.boundAddress == 0 || socket.boundAddress == 0
    if (same && overlap && !(socket.reusePort && each.reusePort)) return true
    each = each.portNext
  }
  return false
}

/** A port for a socket that did not ask for one; 0: there is none. RFC 6056 §3.3.1. */
export function portForBind(): u32 {
  const range: u32 = EPHEMERAL_LAST - EPHEMERAL_FIRST + 1
  const start: u32 = random32() % range
  for (let i: u32 = 0; i < range; i++) {
    const port: u32 = EPHEMERAL_FIRST + (start + i) % range
    if (!isBound(port) && !tcpPortConnected(0, port)) return port
  }
  return 0
}

/** A port to connect to a peer from: only the four together have to be new. 0: there is none. RFC 6056 §3.3.4. */
export function portForConnect(local: Ipv4Address, remote: Ipv4Address, remotePort: u32): u32 {
  const range: u32 = EPHEMERAL_LAST - EPHEMERAL_FIRST + 1
  const offset: u32 = portOffset(local, remote, remotePort)
  const counter = nth(counters, portCounter(local, remote, remotePort) % COUNTERS)
  for (let i: u32 = 0; i < range; i++) {
    const port: u32 = EPHEMERAL_FIRST + (offset + counter.next) % range
    counter.next += 1
    if (!isBound(port) && isFree(local, port, remote, remotePort)) return port
  }
  return 0
}

/** Whether no connection has these ends, nor had until just now. */
export function isFree(local: Ipv4Address, port: u32, remote: Ipv4Address, remotePort: u32): boolean {
  return tcpFind(local, port, remote, remotePort) == null && timeWaitFind(local, port, remote, remotePort) == null
}

function isBound(port: u32): boolean {
  let each: Socket | null = bucketOf(port).first
  while (each != null && each.localPort != port) each = each.portNext
  return each != null
}
