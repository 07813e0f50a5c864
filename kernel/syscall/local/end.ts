// How local sockets end: one direction, or all of it. shutdown(2), close(2), unix(7).

import { Errno } from '../../lib/errno.ts'
import type { i32, u32 } from '../../lib/layout.ts'
import { Shut } from '../../net/socket/socket.ts'
import { messagesDrop } from './message.ts'
import { nameUnbind } from './name.ts'
import { LocalShut, LocalState, localChanged, localConnects, localRelease, type LocalSocket } from './socket.ts'

/** shutdown: what one sends no more the other receives no more. Errors: InvalidArgument. */
export function localShutdown(socket: LocalSocket, how: u32): i32 {
  if (how > Shut.Both) return Errno.InvalidArgument
  const peer = socket.peer
  if (how != Shut.Send) socket.shut |= LocalShut.Receive
  if (how != Shut.Receive) socket.shut |= LocalShut.Send
  localChanged(socket)
  if (peer == null || !localConnects(socket)) return Errno.None
  if (how != Shut.Send) peer.shut |= LocalShut.Send
  if (how != Shut.Receive) peer.shut |= LocalShut.Receive
  localChanged(peer)
  return Errno.None
}

/** A socket that no file has any more, or never will: its peer hears of it, and what has come to it is dropped. May sleep. */
export function localEnd(socket: LocalSocket): void {
  const neverAccepted = socket.file == null
  socket.closed = true
  socket.file = null
  peerTell(socket, neverAccepted || socket.first != null)
  nameUnbind(socket)
  while (socket.pendingFirst != null) localEnd(pendingTake(socket))
  messagesDrop(socket)
  localChanged(socket)
  const peer = socket.peer
  socket.peer = null
  if (peer != null) localRelease(peer)
  localRelease(socket)
}

/** The peer of a stream or of sequenced packets has nobody any more: ConnectionReset if something was not read. */
function peerTell(socket: LocalSocket, unread: boolean): void {
  const peer = socket.peer
  if (peer == null || !localConnects(socket)) return
  if (unread) peer.error = Errno.ConnectionReset
  peer.shut = LocalShut.Both
  localChanged(peer)
}

/** The first of the connections that wait to be accepted, whose count is the caller's. */
export function pendingTake(listener: LocalSocket): LocalSocket {
  const pending = listener.pendingFirst!
  listener.pendingFirst = pending.pendingNext
  if (listener.pendingFirst == null) listener.pendingLast = null
  pending.pendingNext = null
  listener.queued -= 1
  return pending
}

/**
 * A datagram socket has no peer any more, or another: what the one before has sent is not for it, and who thinks that this is its
 * peer is told ConnectionReset if that was something: as on Linux. May sleep.
 */
export function peerLeave(socket: LocalSocket): void {
  const peer = socket.peer
  if (peer == null) return
  socket.peer = null
  socket.state = LocalState.Closed
  if (socket.first != null && !peer.closed && peer.peer == socket) {
    peer.error = Errno.ConnectionReset
    localChanged(peer)
  }
  messagesDrop(socket)
  localRelease(peer)
}
