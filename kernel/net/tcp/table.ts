// Which connection a segment is for: found by one hash of both ends. And the memory of the blocks. RFC 9293 §3.10.7.
// Main-loop context only.

import { TCP_BUCKETS, TCP_CONNECTION_LIMIT } from '../../config.ts'
import { address, at, nth, sizeof, staticRow, staticStruct, struct, type u32 } from '../../lib/layout.ts'
import { zeroBytes } from '../../lib/memory.ts'
import { Pool, poolAllocate, poolFree, poolInit } from '../../mm/pool.ts'
import type { Ipv4Address } from '../ipv4/address.ts'
import { TcpControlBlock } from './control-block.ts'
import { tableHash } from './secret.ts'
import { tcpCounters } from './stats.ts'

@struct
class Bucket {
  first: TcpControlBlock | null
}

const buckets = staticRow<Bucket>(TCP_BUCKETS)
const pool = staticStruct<Pool>()

/** No connections. */
export function tcpTableInit(): void {
  zeroBytes(address(buckets), TCP_BUCKETS * sizeof<Bucket>())
  poolInit(pool, 'tcp', sizeof<TcpControlBlock>(), TCP_CONNECTION_LIMIT)
}

function bucketOf(local: Ipv4Address, localPort: u32, remote: Ipv4Address, remotePort: u32): Bucket {
  return nth(buckets, tableHash(local, localPort, remote, remotePort) & (TCP_BUCKETS - 1))
}

/** The connection between two ends, or null. */
export function tcpFind(local: Ipv4Address, localPort: u32, remote: Ipv4Address, remotePort: u32): TcpControlBlock | null {
  let each: TcpControlBlock | null = bucketOf(local, localPort, remote, remotePort).first
  while (each != null) {
    const ends: boolean = each.remoteAddress == remote && each.localAddress == local
    if (ends && each.remotePort == remotePort && each.localPort == localPort) return each
    each = each.hashNext
  }
  return null
}

/** A zeroed block for a connection that there is not, in the table; null for want of memory, or at TCP_CONNECTION_LIMIT. */
export function tcpMake(local: Ipv4Address, localPort: u32, remote: Ipv4Address, remotePort: u32): TcpControlBlock | null {
  const memory = poolAllocate(pool)
  if (memory == 0) {
    tcpCounters.noMemory += 1
    return null
  }
  const tcb = at<TcpControlBlock>(memory)
  tcb.localAddress = local
  tcb.localPort = localPort
  tcb.remoteAddress = remote
  tcb.remotePort = remotePort
  const bucket = bucketOf(local, localPort, remote, remotePort)
  tcb.hashNext = bucket.first
  bucket.first = tcb
  tcpCounters.currentConnections += 1
  return tcb
}

/** Out of the table, and its memory back. Whoever calls has seen to all that it held. */
export function tcpUnmake(tcb: TcpControlBlock): void {
  const bucket = bucketOf(tcb.localAddress, tcb.localPort, tcb.remoteAddress, tcb.remotePort)
  if (bucket.first == tcb) bucket.first = tcb.hashNext
  else {
    let before: TcpControlBlock | null = bucket.first
    while (before != null && before.hashNext != tcb) before = before.hashNext
    if (before != null) before.hashNext = tcb.hashNext
  }
  tcpCounters.currentConnections -= 1
  poolFree(pool, address(tcb))
}

/**
 * The connection after `tcb` in the order of the table, the first after null; null at the end. For who looks at all of
 * them; one must not end meanwhile.
 */
export function tcpNext(tcb: TcpControlBlock | null): TcpControlBlock | null {
  let bucket: u32 = 0
  if (tcb != null) {
    if (tcb.hashNext != null) return tcb.hashNext
    bucket = (tableHash(tcb.localAddress, tcb.localPort, tcb.remoteAddress, tcb.remotePort) & (TCP_BUCKETS - 1)) + 1
  }
  for (; bucket < TCP_BUCKETS; bucket++) {
    const first = nth(buckets, bucket).first
    if (first != null) return first
  }
  return null
}

/** Whether a connection has this port of ours on an address that overlaps `local`, 0 being all. A walk over all. */
export function tcpPortConnected(local: Ipv4Address, port: u32): boolean {
  let each = tcpNext(null)
  while (each != null) {
    if (each.localPort == port && (local == 0 || each.localAddress == local)) return true
    each = tcpNext(each)
  }
  return false
}
