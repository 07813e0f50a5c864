// Sockets that listen: found by port, and the two queues each has. RFC 9293 §3.10.1 (passive OPEN), RFC 4987 §3.
//
//   being made   SYN-RECEIVED: a SYN came, its SYN+ACK went; at most TCP_SYN_LIMIT, the oldest first
//   made         ESTABLISHED, to be accepted; at most what `listen` was told
//
// Main-loop context only.

import { TCP_BACKLOG_LIMIT, TCP_LISTENER_LIMIT } from '../../config.ts'
import { address, at, nth, sizeof, staticRow, staticStruct, struct, type Embed, type ptr, type u32 } from '../../lib/layout.ts'
import { zeroBytes } from '../../lib/memory.ts'
import { Pool, poolAllocate, poolFree, poolInit } from '../../mm/pool.ts'
import type { Ipv4Address } from '../ipv4/address.ts'
import { SocketState, type Socket } from '../socket/socket.ts'
import type { TcpControlBlock } from './control-block.ts'

/** Oldest first. */
@struct
export class TcpQueue {
  first: TcpControlBlock | null
  last: TcpControlBlock | null
  count: u32
}

/** At `protocolState` of a socket that listens. */
@struct
export class TcpListener {
  next: TcpListener | null // with the same hash of the port
  socket: Socket
  backlog: u32
  making: Embed<TcpQueue>
  made: Embed<TcpQueue>
}

@struct
class Bucket {
  first: TcpListener | null
}

const BUCKETS: u32 = 64

const buckets = staticRow<Bucket>(BUCKETS)
const pool = staticStruct<Pool>()

/** Nobody listens. */
export function listenersInit(): void {
  zeroBytes(address(buckets), BUCKETS * sizeof<Bucket>())
  poolInit(pool, 'tcp-listeners', sizeof<TcpListener>(), TCP_LISTENER_LIMIT)
}

function bucketOf(port: u32): Bucket {
  return nth(buckets, port & (BUCKETS - 1))
}

/** Have a bound socket listen; null at TCP_LISTENER_LIMIT. */
export function listenerMake(socket: Socket, backlog: u32): TcpListener | null {
  const memory = poolAllocate(pool)
  if (memory == 0) return null
  const listener = at<TcpListener>(memory)
  const bucket = bucketOf(socket.localPort)
  listener.socket = socket
  listenerSetBacklog(listener, backlog)
  listener.next = bucket.first
  bucket.first = listener
  socket.protocolState = memory
  socket.state = SocketState.Listening
  return listener
}

/** How many may wait to be accepted: at least one. */
export function listenerSetBacklog(listener: TcpListener, backlog: u32): void {
  listener.backlog = backlog == 0 ? 1 : backlog < TCP_BACKLOG_LIMIT ? backlog : TCP_BACKLOG_LIMIT
}

/** The listener of a socket in SocketState.Listening. */
export function listenerOf(socket: Socket): TcpListener {
  return at<TcpListener>(socket.protocolState)
}

/** Listen no more. Both queues are empty. */
export function listenerUnmake(socket: Socket): void {
  const listener = listenerOf(socket)
  const bucket = bucketOf(socket.localPort)
  if (bucket.first == listener) bucket.first = listener.next
  else {
    let before: TcpListener | null = bucket.first
    while (before != null && before.next != listener) before = before.next
    if (before != null) before.next = listener.next
  }
  poolFree(pool, address(listener))
  socket.protocolState = 0 as ptr
  socket.state = SocketState.Closed
}

/** Who listens on an address and port: on the address itself, else on any; of several the last. Null: nobody. */
export function listenerFind(local: Ipv4Address, port: u32): TcpListener | null {
  let any: TcpListener | null = null
  let each: TcpListener | null = bucketOf(port).first
  while (each != null) {
    if (each.socket.localPort == port) {
      if (each.socket.boundAddress == local) return each
      if (each.socket.boundAddress == 0 && any == null) any = each
    }
    each = each.next
  }
  return any
}

/** Put a connection at the end of a queue. */
export function queueAppend(queue: TcpQueue, tcb: TcpControlBlock): void {
  tcb.queueNext = null
  tcb.queuePrevious = queue.last
  if (queue.last != null) queue.last.queueNext = tcb
  else queue.first = tcb
  queue.last = tcb
  queue.count += 1
}

/** Take it off again. */
export function queueRemove(queue: TcpQueue, tcb: TcpControlBlock): void {
  if (tcb.queuePrevious != null) tcb.queuePrevious.queueNext = tcb.queueNext
  else queue.first = tcb.queueNext
  if (tcb.queueNext != null) tcb.queueNext.queuePrevious = tcb.queuePrevious
  else queue.last = tcb.queuePrevious
  tcb.queueNext = null
  tcb.queuePrevious = null
  queue.count -= 1
}
