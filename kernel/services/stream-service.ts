// What the services over TCP share: one poll set for all their listeners and connections, connections in a bounded number
// and with a limit of idleness, and what becomes of them in the end. Main-loop context only.
//
//   ServiceListener --accepts--> ServiceConnection <-- Pool of the listener; the service's own state follows the struct
//        both begin with a Watched: whom to call when the socket is ready; that is the `data` of their watch
//
// A service is a function that is called with a connection and its SocketEvents for as long as they hold (levels). It
// watches for one thing at a time (`serviceAwait`): input, or, while its peer does not take what it sends, room. So
// a peer that does not read is not read from either. A connection on which nothing moves for the listener's `idle`
// milliseconds is closed, whatever it waits for. At the listener's limit, and at that of all of them, which follows from
// the machine's memory (SERVICE_FRAMES), nobody is accepted: TCP's backlog holds them.

import {
  SERVICE_ACCEPTS, SERVICE_BACKLOG, SERVICE_CALLS, SERVICE_FRAMES, SERVICE_LINGER, SERVICE_PART, SERVICE_PAUSE,
} from '../config.ts'
import { nowMilliseconds } from '../lib/clock.ts'
import { Errno } from '../lib/errno.ts'
import {
  address, at, plus, sizeof, staticStruct, struct, type Embed, type cstring, type i32, type ptr, type u16, type u32,
} from '../lib/layout.ts'
import { Timer, timerStart, timerStop } from '../lib/timer.ts'
import { framesTotal } from '../mm/frames.ts'
import { Pool, poolAllocate, poolFree, poolInit } from '../mm/pool.ts'
import {
  socketAccept, socketBind, socketClose, socketCreate, socketListen, socketReceive, socketShutdown,
} from '../net/socket/api.ts'
import { PollFlag, PollReady, pollSetAdd, pollSetCreate, pollSetModify, pollSetTake } from '../net/socket/poll.ts'
import { pollSetOf } from '../net/socket/poll-set.ts'
import { MessageFlag, Shut, SocketEvent, SocketName, SocketType } from '../net/socket/socket.ts'
import { streamProtocol } from '../net/socket/stream.ts'

/** What every watch of the set points to. */
@struct
export class Watched {
  ready: (watched: Watched, events: u32) => void
  handle: u32 // of the socket
}

/** A connection was accepted, or is ready. It may close the connection, and must not touch it afterwards. */
export type ServiceCalled = (connection: ServiceConnection, events: u32) => void

@struct
export class ServiceListener {
  watched: Embed<Watched>
  connected: ServiceCalled // a new connection, with no events; it watches for input already
  ready: ServiceCalled // a connection is ready
  idled: ServiceCalled | null // nothing moved for `idle`: it closes, or says a last word; null: serviceClose
  name: cstring
  context: ptr // the service's own
  idle: u32 // milliseconds without any movement until a connection is closed
  pause: Embed<Timer> // runs while nobody is accepted because something was short
  pool: Embed<Pool> // connections; its limit is the listener's
  accepted: u32 // connections so far, modulo 2^32
  refused: u32 // closed at once: no memory, or no watch
  expired: u32 // closed because nothing moved
  port: u16
  reserved: u16
  listening: u32 // 1 while it watches for connections
}

@struct
export class ServiceConnection {
  watched: Embed<Watched>
  listener: ServiceListener
  timer: Embed<Timer>
  moved: u32 // milliseconds since boot, when bytes last moved
  events: u32 // what it is watched for
  remote: Embed<SocketName>
}

const MOST_TAKEN: u32 = 0x7fffffff

const report = staticStruct<PollReady>()
let set: u32 = 0
let connections: u32 = 0 // of all listeners

/** No services. Called once, after netInit and before the first serviceListen. */
export function servicesInit(): void {
  const created: i32 = pollSetCreate()
  set = created < 0 ? 0 : created as number as u32
  connections = 0
}

/** Call whoever is ready, each once, SERVICE_CALLS at most; returns how many. Once a round of the main loop. */
export function servicesPoll(): u32 {
  const watched = pollSetOf(set)
  if (watched == null || watched.ready.count == 0) return 0
  const most: u32 = watched.ready.count < SERVICE_CALLS ? watched.ready.count : SERVICE_CALLS
  let called: u32 = 0
  while (called < most && pollSetTake(set, report, 1) == 1) { // one by one: who is called may close the next
    const one = at<Watched>(report.data as ptr)
    one.ready(one, report.events)
    called += 1
  }
  return called
}

/** Connections that all listeners may have at once. */
function connectionsMost(): u32 {
  return framesTotal() / SERVICE_FRAMES
}

/**
 * Listen on a port of every address of ours. The caller has set `name`, `connected`, `ready` and `idle`; `limit`
 * connections at once, fewer in a small machine (SERVICE_PART), `state` bytes of the service's own with
 * each (serviceState). Errors: ProtocolNotSupported (there is no TCP), NoSpace, and those of the socket calls; then nothing
 * is left behind.
 */
export function serviceListen(listener: ServiceListener, port: u32, limit: u32, state: u32): i32 {
  if (streamProtocol() == null) return Errno.ProtocolNotSupported
  const handle: i32 = socketCreate(SocketType.Stream, 0)
  if (handle < 0) return handle
  const watched = listener.watched
  watched.handle = handle as number as u32
  watched.ready = listenerReady
  listener.port = port
  listener.listening = 1
  const part: u32 = 1 + connectionsMost() * SERVICE_PART / 100
  poolInit(listener.pool, listener.name, sizeof<ServiceConnection>() + state, limit < part ? limit : part)
  const result: i32 = listen(listener)
  if (result != Errno.None) socketClose(watched.handle)
  return result
}

function listen(listener: ServiceListener): i32 {
  const handle: u32 = listener.watched.handle
  let result: i32 = socketBind(handle, 0, listener.port)
  if (result == Errno.None) result = socketListen(handle, SERVICE_BACKLOG)
  if (result == Errno.None) result = pollSetAdd(set, handle, SocketEvent.In, PollFlag.None, address(listener) as u32)
  return result
}

/** Stop listening. Connections that were accepted go on. */
export function serviceUnlisten(listener: ServiceListener): void {
  timerStop(listener.pause)
  socketClose(listener.watched.handle)
  listener.watched.handle = 0
  listener.listening = 0
}

function listenerReady(watched: Watched, events: u32): void {
  const listener = at<ServiceListener>(address(watched))
  let accepted: u32 = 0
  while (accepted < SERVICE_ACCEPTS) {
    if (listener.pool.used >= listener.pool.limit) return listenFor(listener, SocketEvent.None)
    const connection = acceptOne(listener)
    if (connection == null) return
    listener.accepted += 1
    accepted += 1
    listener.connected(connection, SocketEvent.None)
  }
}

/** Watch for connections, or for none until there is room. */
function listenFor(listener: ServiceListener, events: u32): void {
  listener.listening = events != SocketEvent.None ? 1 : 0
  pollSetModify(set, listener.watched.handle, events, PollFlag.None, address(listener) as u32)
}

/** Accept one; null when none waits, or when something was short. */
function acceptOne(listener: ServiceListener): ServiceConnection | null {
  const memory = connections < connectionsMost() ? poolAllocate(listener.pool) : 0 as ptr
  if (memory == 0) {
    pause(listener)
    return null
  }
  const connection = at<ServiceConnection>(memory)
  const handle: i32 = socketAccept(listener.watched.handle, connection.remote)
  if (handle < 0) {
    poolFree(listener.pool, memory)
    if (handle != Errno.WouldBlock) pause(listener)
    return null
  }
  connection.watched.handle = handle as number as u32
  connection.watched.ready = connectionReady
  connection.listener = listener
  connection.events = SocketEvent.In
  connection.moved = nowMilliseconds()
  if (pollSetAdd(set, handle as number as u32, SocketEvent.In, PollFlag.None, memory as u32) != Errno.None) {
    listener.refused += 1
    socketClose(handle as number as u32)
    poolFree(listener.pool, memory)
    pause(listener)
    return null
  }
  timerStart(connection.timer, listener.idle, connectionIdle)
  connection.timer.owner = memory
  connections += 1
  return connection
}

/** Accept nobody for a while: something is short, and a listener that is always ready would keep the processor busy. */
function pause(listener: ServiceListener): void {
  listenFor(listener, SocketEvent.None)
  timerStart(listener.pause, SERVICE_PAUSE, pauseEnds)
  listener.pause.owner = address(listener)
}

function pauseEnds(timer: Timer): void {
  listenFor(at<ServiceListener>(timer.owner), SocketEvent.In)
}

function connectionReady(watched: Watched, events: u32): void {
  const connection = at<ServiceConnection>(address(watched))
  connection.listener.ready(connection, events)
}

/** The bytes of the service's own that belong to a connection; zero when it is accepted. */
export function serviceState(connection: ServiceConnection): ptr {
  return plus(address(connection), sizeof<ServiceConnection>())
}

/** Be called when `events` hold, and no others: In, Out, or both. Errors and hang-ups are always told. */
export function serviceAwait(connection: ServiceConnection, events: u32): void {
  if (connection.events == events) return
  connection.events = events
  pollSetModify(set, connection.watched.handle, events, PollFlag.None, address(connection) as u32)
}

/** Bytes have moved: the time of idleness begins anew. */
export function serviceMoved(connection: ServiceConnection): void {
  connection.moved = nowMilliseconds()
}

/** Nothing more is to be done for a connection but close it, with whatever is on its way: it is gone. */
export function serviceClose(connection: ServiceConnection): void {
  const listener = connection.listener
  timerStop(connection.timer)
  socketClose(connection.watched.handle)
  poolFree(listener.pool, address(connection))
  connections -= 1
  if (listener.listening == 0 && listener.pause.active == 0 && listener.watched.handle != 0) listenFor(listener, SocketEvent.In)
}

/**
 * All has been said to the peer: end our direction, throw away what still comes, and close when the peer has ended its
 * own or after SERVICE_LINGER. A close with bytes unread would be a reset, which may take from the peer what it has not
 * read of our last words (RFC 9112 §9.6, RFC 1122 §4.2.2.13). The connection is not the service's any more.
 */
export function serviceEnd(connection: ServiceConnection): void {
  if (socketShutdown(connection.watched.handle, Shut.Send) != Errno.None) return serviceClose(connection)
  connection.watched.ready = drain
  serviceAwait(connection, SocketEvent.In)
  timerStart(connection.timer, SERVICE_LINGER, lingerEnds)
}

function drain(watched: Watched, events: u32): void {
  const got: i32 = socketReceive(watched.handle, 0 as ptr, MOST_TAKEN, MessageFlag.Truncate)
  if (got > 0 || got == Errno.WouldBlock) return
  serviceClose(at<ServiceConnection>(address(watched)))
}

function lingerEnds(timer: Timer): void {
  serviceClose(at<ServiceConnection>(timer.owner))
}

/** Close if nothing has moved for as long as the listener allows; else look again when that could be so. */
function connectionIdle(timer: Timer): void {
  const connection = at<ServiceConnection>(timer.owner)
  const still: u32 = nowMilliseconds() - connection.moved
  const idle: u32 = connection.listener.idle
  if (still < idle) return timerStart(timer, idle - still, connectionIdle)
  const idled = connection.listener.idled
  connection.listener.expired += 1
  if (idled == null) serviceClose(connection)
  else idled(connection, SocketEvent.None)
}
