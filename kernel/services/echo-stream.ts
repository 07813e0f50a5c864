// The echo service over TCP: what comes to port 7 goes back, until the peer ends its stream; then ours ends. RFC 862 p. 1.
// Main-loop context only.
//
// Nothing is kept here: bytes stay with TCP until they were sent back. A peer that sends and does not read is stopped by
// its window, and closed when it neither sent nor took anything for SERVICE_IDLE.

import { SERVICE_CONNECTIONS, SERVICE_IDLE } from '../config.ts'
import { Errno } from '../lib/errno.ts'
import { sizeof, staticMemory, staticStruct, type i32, type u32 } from '../lib/layout.ts'
import { socketSend } from '../net/socket/api.ts'
import { SocketEvent } from '../net/socket/socket.ts'
import { ECHO_PORT } from './echo.ts'
import {
  StreamConnection, StreamService, serviceClose, serviceListen, servicePeek, serviceSkip, serviceTimeout, serviceWatch,
} from './stream-service.ts'

/** Bytes that go back at once. */
const PIECE: u32 = 16384

const service = staticStruct<StreamService>()
const piece = staticMemory(PIECE)

/** Start answering on TCP port 7. Errors: those of serviceListen. */
export function echoStreamStart(): i32 {
  service.accepted = accepted
  service.ready = ready
  service.expired = serviceClose
  return serviceListen(service, 'echo', ECHO_PORT, sizeof<StreamConnection>(), SERVICE_CONNECTIONS)
}

function accepted(connection: StreamConnection): void {
  serviceTimeout(connection, SERVICE_IDLE)
}

/** Send back what waits, one piece: the others have their turn before the next. */
function ready(connection: StreamConnection, events: u32): void {
  const got: i32 = servicePeek(connection, piece, PIECE)
  if (got == Errno.WouldBlock) return serviceWatch(connection, SocketEvent.In)
  if (got <= 0) return serviceClose(connection) // its end, and all was sent; or an error
  const sent: i32 = socketSend(connection.watch.handle, piece, got as number as u32, 0)
  if (sent == Errno.WouldBlock) return serviceWatch(connection, SocketEvent.Out)
  if (sent < 0) return serviceClose(connection)
  serviceSkip(connection, sent as number as u32)
  serviceWatch(connection, sent < got ? SocketEvent.Out : SocketEvent.In)
  serviceTimeout(connection, SERVICE_IDLE)
}
