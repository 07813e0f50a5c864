// The discard service over TCP: what comes to port 9 is thrown away, until the peer ends its stream. RFC 863 p. 1.
// Main-loop context only.

import { SERVICE_CONNECTIONS, SERVICE_IDLE } from '../config.ts'
import { Errno } from '../lib/errno.ts'
import { increase64 } from '../lib/intrinsics.ts'
import { staticMemory, staticStruct, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { zeroBytes } from '../lib/memory.ts'
import { socketReceive } from '../net/socket/api.ts'
import { MessageFlag } from '../net/socket/socket.ts'
import { DISCARD_PORT } from './discard.ts'
import { ServiceListener, serviceClose, serviceListen, serviceMoved, type ServiceConnection } from './stream-service.ts'

/** Bytes thrown away at once. */
const PIECE: u32 = 1 << 20

const listener = staticStruct<ServiceListener>()
const bytes = staticMemory(8, 8)

/** Start taking connections on TCP port 9. Errors: those of serviceListen. */
export function discardStreamStart(): i32 {
  zeroBytes(bytes, 8)
  listener.name = 'discard'
  listener.connected = ready
  listener.ready = ready
  listener.idle = SERVICE_IDLE
  return serviceListen(listener, DISCARD_PORT, SERVICE_CONNECTIONS, 0)
}

/** How many bytes came over all connections: the address of a u64. */
export function discardStreamBytes(): ptr {
  return bytes
}

function ready(connection: ServiceConnection, events: u32): void {
  const got: i32 = socketReceive(connection.watched.handle, 0 as ptr, PIECE, MessageFlag.Truncate)
  if (got == Errno.WouldBlock) return
  if (got <= 0) return serviceClose(connection)
  increase64(bytes, got as number as u32)
  serviceMoved(connection)
}
