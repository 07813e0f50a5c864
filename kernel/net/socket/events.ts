// What holds of a socket now. poll(2). Main-loop context.

import { SocketEvent, SocketType, type Socket } from './socket.ts'
import { streamProtocol } from './stream.ts'
import { socketMaySend } from './wake.ts'
import type { u32 } from '../../lib/layout.ts'

/** The SocketEvents that hold. Looking for Out remembers who found no packet free: that socket is woken when there is one. */
export function socketEventsOf(socket: Socket): u32 {
  let events: u32 = SocketEvent.None
  if (socket.error != 0) events |= SocketEvent.Error
  const stream = streamProtocol()
  if (socket.type == SocketType.Stream && stream != null) return events | stream.events(socket)
  if (socket.receiveFirst != null || socket.shutReceive) events |= SocketEvent.In
  if (socket.shutReceive && socket.shutSend) events |= SocketEvent.HangUp
  if (socketMaySend(socket, 1)) events |= SocketEvent.Out
  return events
}
