// The echo service over TCP: what comes to port 7 goes back, until the peer ends its stream; then ours ends. RFC 862 p. 1.
// Main-loop context only.
//
// Nothing is kept here: bytes stay with TCP until they were sent back. A peer that sends and does not read is stopped by
// its window, and closed when it neither sent nor took anything for SERVICE_IDLE.

import { SERVICE_CONNECTIONS, SERVICE_IDLE } from '../config.ts'
import { Errno } from '../lib/errno.ts'
import { staticMemory, staticStruct, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { socketReceive, socketSend } from '../net/socket/api.ts'
import { MessageFlag, SocketEvent } from '../net/socket/socket.ts'
import { ECHO_PORT } from './echo.ts'
import {
  ServiceListener, serviceAwait, serviceClose, serviceListen, serviceMoved, type ServiceConnection,
} from './stream-service.ts'

/** Bytes that go back at once. */
const PIECE: u32 = 16384

const listener = staticStruct<ServiceListener>()
const piece = staticMemory(PIECE)

/** Start answering on TCP port 7. Errors: those of serviceListen. */
export function echoStreamStart(): i32 {
  listener.name = 'echo'
  listener.connected = ready
  listener.ready = ready
  listener.idle = SERVICE_IDLE
  return serviceListen(listener, ECHO_PORT, SERVICE_CONNECTIONS, 0)
}

/** Send back what waits, one piece: the others have their turn before the next. */
function ready(connection: ServiceConnection, events: u32): void {
  const handle: u32 = connection.watched.handle
  const got: i32 = socketReceive(handle, piece, PIECE, MessageFlag.Peek)
  if (got == Errno.WouldBlock) return serviceAwait(connection, SocketEvent.In)
  if (got <= 0) return serviceClose(connection) // its end, and all was sent; or an error
  const sent: i32 = socketSend(handle, piece, got as number as u32, MessageFlag.None)
  if (sent == Errno.WouldBlock) return serviceAwait(connection, SocketEvent.Out)
  if (sent < 0) return serviceClose(connection)
  socketReceive(handle, 0 as ptr, sent as number as u32, MessageFlag.Truncate)
  serviceAwait(connection, sent < got ? SocketEvent.Out : SocketEvent.In)
  serviceMoved(connection)
}
