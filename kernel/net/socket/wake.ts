// Who is told when something happens to a socket: the poll sets it is in, by a place in their ready lists; processes that
// sleep for it; and senders that found no free packet. Kernel code that waits (wait.ts) looks for itself. Main-loop or
// process context.

import { SOCKET_SEND_RESERVE } from '../../config.ts'
import type { i32, u32 } from '../../lib/layout.ts'
import { pollWake, sleepFor, wakeAll } from '../../lib/sleep.ts'
import { watchesTell } from '../../lib/watch.ts'
import { packetsFree, packetsTotal } from '../../drivers/net/packet.ts'
import { SocketEvent, type Socket } from './socket.ts'

let blocked: Socket | null = null

/** Nobody is blocked. */
export function socketWakeInit(): void {
  blocked = null
}

/** Whether anybody is told of what happens to a socket. */
export function socketIsWatched(socket: Socket): boolean {
  return socket.watchers.first != null || socket.awaited
}

/** Sleep until something happens to the socket, `milliseconds` at most: None, Interrupted, TimedOut. May sleep. */
export function socketSleep(socket: Socket, milliseconds: u32): i32 {
  socket.awaited = true
  return sleepFor(socket.waiters, milliseconds)
}

/** The next event wakes those who poll (lib/sleep.ts). */
export function socketPolled(socket: Socket): void {
  socket.awaited = true
  socket.polled = true
}

/** Processes that sleep for this socket look again. */
function wakeAwaiting(socket: Socket): void {
  socket.awaited = false
  wakeAll(socket.waiters)
  if (!socket.polled) return
  socket.polled = false
  pollWake()
}

/** Some of `events` hold of the socket now. */
export function socketWake(socket: Socket, events: u32): void {
  if (socket.awaited) wakeAwaiting(socket)
  watchesTell(socket.watchers, events)
}

/** Whether a message that takes `packets` can be built and enough be left for the cards. If not, the socket is woken when there is. */
export function socketMaySend(socket: Socket, packets: u32): boolean {
  if (packetsFree() >= packets + reserve()) return true
  if (!socket.sendBlocked) {
    socket.sendBlocked = true
    socket.blockedNext = blocked
    blocked = socket
  }
  return false
}

function reserve(): u32 {
  return packetsTotal() / SOCKET_SEND_RESERVE
}

/** Wake the senders that found no packet, if there are some now. Called once a round: netPoll. */
export function socketsWakeSenders(): void {
  if (blocked == null || packetsFree() <= reserve()) return
  let each: Socket | null = blocked
  blocked = null
  while (each != null) {
    const following: Socket | null = each.blockedNext
    each.sendBlocked = false
    each.blockedNext = null
    socketWake(each, SocketEvent.Out)
    each = following
  }
}

/** A socket that is closed waits no more. */
export function socketUnblock(socket: Socket): void {
  if (!socket.sendBlocked) return
  socket.sendBlocked = false
  if (blocked == socket) {
    blocked = socket.blockedNext
    return
  }
  let before: Socket | null = blocked
  while (before != null && before.blockedNext != socket) before = before.blockedNext
  if (before != null) before.blockedNext = socket.blockedNext
}
