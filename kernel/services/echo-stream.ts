// The echo service over TCP: what comes to port 7 goes back, in order, until the peer ends its direction; then ours ends
// too. RFC 862 p. 1. Main-loop context only.
//
// Nothing is stored here: bytes are looked at in TCP's queue, sent, and only what was sent is taken off. So who does not
// read its echo fills TCP's two buffers and is then told not to send.

import { SERVICE_CONNECTIONS, SERVICE_IDLE } from '../config.ts'
import { Errno } from '../lib/errno.ts'
import { staticMemory, staticStruct, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { socketReceive, socketSend } from '../net/socket/api.ts'
import { MessageFlag, SocketEvent } from '../net/socket/socket.ts'
import { ECHO_PORT } from './echo.ts'
import {
  ServiceListener, serviceAwait, serviceClose, serviceListen, serviceMoved, type ServiceConnection,
} from './stream-service.ts'

/** Bytes looked at in one turn. */
const PIECE: u32 = 16384

const listener = staticStruct<ServiceListener>()
const piece = staticMemory(PIECE)

/** Start answering on TCP port 7. Errors: those of serviceListen. */
export function echoStreamStart(): i32 {
  listener.name = 'echo'
  listener.connected = echoReady
  listener.ready = echoReady
  listener.idle = SERVICE_IDLE
  return serviceListen(listener, ECHO_PORT, SERVICE_CONNECTIONS, 0)
}

function echoReady(connection: ServiceConnection, events: u32): void {
  const handle: u32 = connection.watched.handle
  const seen: i32 = socketReceive(handle, piece, PIECE, MessageFlag.Peek)
  if (seen == Errno.WouldBlock) return serviceAwait(connection, SocketEvent.In)
  if (seen <= 0) return serviceClose(connection) // the end: all of it was sent back, or is in TCP's queue
  const sent: i32 = socketSend(handle, piece, seen as u32, MessageFlag.None)
  if (sent == Errno.WouldBlock) return serviceAwait(connection, SocketEvent.Out)
  if (sent < 0) return serviceClose(connection)
  socketReceive(handle, 0 as ptr, sent as u32, MessageFlag.Truncate)
  serviceMoved(connection)
  serviceAwait(connection, sent == seen ? SocketEvent.In : SocketEvent.Out)
}
