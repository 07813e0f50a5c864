// How local sockets come to know each other: pairs, listeners and connections, the peer of a datagram socket. unix(7).

import { Errno } from '../../lib/errno.ts'
import type { i32, u32 } from '../../lib/layout.ts'
import { peerCredentialsCopy, peerCredentialsNow } from './credentials.ts'
import { peerLeave, pendingTake } from './end.ts'
import { nameHold } from './name.ts'
import {
  LocalShut, LocalState, localChanged, localClosed, localConnects, localCreate, localHold, localShut, localState, type LocalSocket,
} from './socket.ts'
import { waitBegin, waitOn } from './wait.ts'

/** Two new sockets are each other's peers, made by the process that runs. */
export function localPair(one: LocalSocket, other: LocalSocket): void {
  one.peer = localHold(other)
  other.peer = localHold(one)
  one.state = LocalState.Connected
  other.state = LocalState.Connected
  peerCredentialsNow(one.credentials)
  peerCredentialsNow(other.credentials)
}

/**
 * listen: from now on there may be connections, `backlog` and one of them waiting. Errors: NotSupported (datagrams), InvalidArgument
 * (no name, or connected).
 */
export function localListen(socket: LocalSocket, backlog: u32): i32 {
  if (!localConnects(socket)) return Errno.NotSupported
  if (socket.name == null || localState(socket) == LocalState.Connected) return Errno.InvalidArgument
  socket.backlog = backlog
  socket.state = LocalState.Listening
  peerCredentialsNow(socket.credentials)
  localChanged(socket)
  return Errno.None
}

/**
 * The next connection of a listener, whose count is the caller's, in `accepted()`. Errors: NotSupported (datagrams), InvalidArgument
 * (it does not listen, or is shut), WouldBlock, Interrupted. May sleep: the caller has the file.
 */
export function localAccept(listener: LocalSocket, wait: boolean): i32 {
  if (!localConnects(listener)) return Errno.NotSupported
  const since: u32 = wait ? waitBegin() : 0
  while (true) {
    if (localState(listener) != LocalState.Listening) return Errno.InvalidArgument
    if (listener.pendingFirst != null) break
    if ((localShut(listener) & LocalShut.Receive) != 0) return Errno.InvalidArgument
    const waited: i32 = wait ? waitOn(listener, listener.receiveTimeout, since) : Errno.WouldBlock
    if (waited != Errno.None) return waited
  }
  taken = pendingTake(listener)
  taken.passCredentials = listener.passCredentials
  localChanged(listener)
  return Errno.None
}

let taken: LocalSocket | null = null

/** What `localAccept` found, until something sleeps. */
export function accepted(): LocalSocket {
  return taken!
}

/**
 * connect: to a listener, or for datagrams to any socket. `to` is known to the caller. Errors: ConnectionRefused, WouldBlock (its
 * backlog is full), Interrupted, IsConnected, InvalidArgument (this one listens), NotPermitted (`to` is another's peer),
 * FileTableFull (LOCAL_SOCKET_LIMIT). May sleep: the caller has the file.
 */
export function localConnect(socket: LocalSocket, to: LocalSocket, wait: boolean): i32 {
  if (!localConnects(socket)) return connectDatagrams(socket, to)
  const since: u32 = wait ? waitBegin() : 0
  while (true) {
    if (localState(socket) == LocalState.Connected) return Errno.IsConnected
    if (localState(socket) == LocalState.Listening) return Errno.InvalidArgument
    if (localState(to) != LocalState.Listening || localClosed(to)) return Errno.ConnectionRefused
    if ((localShut(to) & LocalShut.Receive) != 0) return Errno.ConnectionRefused
    if (to.queued <= to.backlog) return connectStream(socket, to)
    const waited: i32 = wait ? waitOn(to, socket.sendTimeout, since) : Errno.WouldBlock
    if (waited != Errno.None) return waited
  }
}

/** The other end is made, and waits to be accepted: the connection is there already. */
function connectStream(socket: LocalSocket, listener: LocalSocket): i32 {
  const end = localCreate(socket.type)
  if (end == null) return Errno.FileTableFull
  localPair(socket, end)
  peerCredentialsCopy(socket.credentials, listener.credentials)
  if (listener.name != null) end.name = nameHold(listener.name)
  const last = listener.pendingLast
  if (last == null) listener.pendingFirst = end
  else last.pendingNext = end
  listener.pendingLast = end
  listener.queued += 1
  localChanged(listener)
  localChanged(socket)
  return Errno.None
}

function connectDatagrams(socket: LocalSocket, to: LocalSocket): i32 {
  if (localClosed(to)) return Errno.ConnectionRefused
  if (to.peer != null && to.peer != socket) return Errno.NotPermitted
  if (socket.peer != to) localDisconnect(socket)
  if (socket.peer == null) socket.peer = localHold(to)
  socket.state = LocalState.Connected
  localChanged(socket)
  return Errno.None
}

/** A datagram socket has no peer from now on. May sleep. */
export function localDisconnect(socket: LocalSocket): void {
  peerLeave(socket)
  localChanged(socket)
}
