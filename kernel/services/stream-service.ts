// What services over TCP share: listeners, connections in a pool with a limit, who is called when one is ready, and when
// one has been idle for too long. Main-loop context only.
//
//   poll set --data--> StreamWatch of a StreamService      connections wait: they are accepted, `accepted` is called
//                      StreamWatch of a StreamConnection   bytes, room, an end: the service's `ready` is called
//
// All services are in one poll set, which the main loop asks once a round: that costs a comparison while nothing is ready.
// A connection is the first field of the service's own struct. While a service has as many connections as it may, its
// listener is not watched: more wait in the backlog, and what the protocol does when that is full is the protocol's.
//
// Sockets here never wait. A service looks at what waits with MessageFlag.Peek, passes on what it can, and takes that
// with MessageFlag.Truncate: so what could not be passed on stays with TCP, and its window says so to the peer.

import { SERVICE_ACCEPTS, SERVICE_BACKLOG, SERVICE_EVENTS } from '../config.ts'
import { Errno } from '../lib/errno.ts'
import { address, at, staticStruct, struct, type Embed, type cstring, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { Timer, timerStart, timerStop } from '../lib/timer.ts'
import { Pool, poolAllocate, poolFree, poolInit } from '../mm/pool.ts'
import { socketAccept, socketBind, socketClose, socketCreate, socketListen, socketReceive } from '../net/socket/api.ts'
import { PollFlag, PollReady, pollSetAdd, pollSetCreate, pollSetModify, pollSetTake } from '../net/socket/poll.ts'
import { MessageFlag, SocketEvent, SocketType } from '../net/socket/socket.ts'
import { streamProtocol } from '../net/socket/stream.ts'

/** What the poll set's data points to. */
@struct
export class StreamWatch {
  ready: (watch: StreamWatch, events: u32) => void
  handle: u32 // of the socket
}

/** The first field of what a service knows of a connection. */
@struct
export class StreamConnection {
  watch: Embed<StreamWatch>
  service: StreamService
  events: u32 // SocketEvents it is watched for
  timer: Embed<Timer>
}

type Happened = (connection: StreamConnection) => void

/** A service. The functions are its own to write, before serviceListen. A function may close no connection but its own. */
@struct
export class StreamService {
  watch: Embed<StreamWatch> // of its listener
  accepted: Happened // its struct is zeroed but for the connection
  ready: (connection: StreamConnection, events: u32) => void // some of the events asked for hold, or Error, or HangUp
  expired: Happened // serviceTimeout's time is over
  limit: u32 // connections at once
  open: u32 // connections now
  served: u32 // connections ever, modulo 2^32
  refused: u32 // accepted and closed at once, for want of memory
  pool: Embed<Pool>
}

const ready = staticStruct<PollReady>()
let set: u32 = 0

/** No services. After netInit. */
export function streamServicesInit(): void {
  const handle: i32 = pollSetCreate()
  set = handle > 0 ? handle as number as u32 : 0
}

/** Whether services over streams can be: somebody registered a stream protocol. */
export function streamServicesPossible(): boolean {
  return set != 0 && streamProtocol() != null
}

/** Have services do what can be done now, SERVICE_EVENTS things at most: how many there were. Called once a round. */
export function streamServicesPoll(): u32 {
  let done: u32 = 0
  while (done < SERVICE_EVENTS && pollSetTake(set, ready, 1) > 0) {
    const watch = at<StreamWatch>(ready.data as ptr)
    watch.ready(watch, ready.events)
    done += 1
  }
  return done
}

/**
 * Listen on a port of every address; connections get structs of `size` bytes, `limit` of them at most. Errors:
 * ProtocolNotSupported (no stream protocol), and those of socketCreate, socketBind, socketListen, pollSetAdd.
 */
export function serviceListen(service: StreamService, name: cstring, port: u32, size: u32, limit: u32): i32 {
  service.limit = limit
  service.open = 0
  service.served = 0
  service.refused = 0
  const handle: i32 = socketCreate(SocketType.Stream, 0)
  if (handle < 0) return handle
  service.watch.handle = handle as number as u32
  service.watch.ready = listenerReady
  const failed: i32 = listenOn(service, port)
  if (failed == Errno.None) poolInit(service.pool, name, size, limit)
  else socketClose(service.watch.handle)
  return failed
}

function listenOn(service: StreamService, port: u32): i32 {
  const handle: u32 = service.watch.handle
  const bound: i32 = socketBind(handle, 0, port)
  if (bound < 0) return bound
  const listens: i32 = socketListen(handle, SERVICE_BACKLOG)
  if (listens < 0) return listens
  return pollSetAdd(set, handle, SocketEvent.In, PollFlag.None, address(service))
}

function listenerReady(watch: StreamWatch, events: u32): void {
  const service = at<StreamService>(address(watch))
  let left: u32 = SERVICE_ACCEPTS
  while (left > 0 && service.open < service.limit) {
    const handle: i32 = socketAccept(watch.handle, null)
    if (handle < 0) return
    admit(service, handle as number as u32)
    left -= 1
  }
  if (service.open == service.limit) listenerWatch(service, SocketEvent.None)
}

function listenerWatch(service: StreamService, events: u32): void {
  pollSetModify(set, service.watch.handle, events, PollFlag.None, address(service))
}

function admit(service: StreamService, handle: u32): void {
  const memory = poolAllocate(service.pool)
  if (memory == 0 || pollSetAdd(set, handle, SocketEvent.In, PollFlag.None, memory) < 0) {
    if (memory != 0) poolFree(service.pool, memory)
    socketClose(handle)
    service.refused += 1
    return
  }
  const connection = at<StreamConnection>(memory)
  connection.watch.handle = handle
  connection.watch.ready = connectionReady
  connection.service = service
  connection.events = SocketEvent.In
  connection.timer.owner = memory
  service.open += 1
  service.served += 1
  service.accepted(connection)
}

function connectionReady(watch: StreamWatch, events: u32): void {
  const connection = at<StreamConnection>(address(watch))
  const service = connection.service
  service.ready(connection, events)
}

/** Be called for these SocketEvents from now on; Error and HangUp always are. */
export function serviceWatch(connection: StreamConnection, events: u32): void {
  if (connection.events == events) return
  connection.events = events
  pollSetModify(set, connection.watch.handle, events, PollFlag.None, address(connection))
}

/** Have `expired` called in so many milliseconds, instead of when it was to be before. */
export function serviceTimeout(connection: StreamConnection, milliseconds: u32): void {
  timerStart(connection.timer, milliseconds, timerFired)
}

function timerFired(timer: Timer): void {
  const connection = at<StreamConnection>(timer.owner)
  const service = connection.service
  service.expired(connection)
}

/** Look at up to `room` bytes that wait, without taking them: as socketReceive. */
export function servicePeek(connection: StreamConnection, to: ptr, room: u32): i32 {
  return socketReceive(connection.watch.handle, to, room, MessageFlag.Peek)
}

/** Take bytes without looking at them, `bytes` at most: as socketReceive. */
export function serviceSkip(connection: StreamConnection, bytes: u32): i32 {
  return socketReceive(connection.watch.handle, 0 as ptr, bytes, MessageFlag.Truncate)
}

/** Close a connection; its struct is gone. What was sent still arrives, unless bytes wait that nobody read (RFC 2525 §2.17). */
export function serviceClose(connection: StreamConnection): void {
  const service = connection.service
  timerStop(connection.timer)
  socketClose(connection.watch.handle)
  poolFree(service.pool, address(connection))
  if (service.open == service.limit) listenerWatch(service, SocketEvent.In)
  service.open -= 1
}
