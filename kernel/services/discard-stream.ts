// The discard service over TCP: what comes to port 9 is thrown away, without an answer. RFC 863 p. 1. Main-loop context only.

import { SERVICE_CONNECTIONS, SERVICE_IDLE } from '../config.ts'
import { increase64 } from '../lib/intrinsics.ts'
import { Errno } from '../lib/errno.ts'
import { staticMemory, staticStruct, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { zeroBytes } from '../lib/memory.ts'
import { socketReceive } from '../net/socket/api.ts'
import { MessageFlag } from '../net/socket/socket.ts'
import { DISCARD_PORT } from './discard.ts'
import { ServiceListener, serviceClose, serviceListen, serviceMoved, type ServiceConnection } from './stream-service.ts'

const MOST: u32 = 0x7fffffff

const listener = staticStruct<ServiceListener>()
const discarded = staticMemory(8)

/** Start taking connections on TCP port 9. Errors: those of serviceListen. */
export function discardStreamStart(): i32 {
  zeroBytes(discarded, 8)
  listener.name = 'discard'
  listener.connected = discardReady
  listener.ready = discardReady
  listener.idle = SERVICE_IDLE
  return serviceListen(listener, DISCARD_PORT, SERVICE_CONNECTIONS, 0)
}

/** Where the count of bytes is, 64 bits. */
export function discardStreamBytes(): ptr {
  return discarded
}

function discardReady(connection: ServiceConnection, events: u32): void {
  const got: i32 = socketReceive(connection.watched.handle, 0 as ptr, MOST, MessageFlag.Truncate)
  if (got == Errno.WouldBlock) return
  if (got <= 0) return serviceClose(connection)
  increase64(discarded, got as u32)
  serviceMoved(connection)
}
