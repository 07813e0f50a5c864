// The discard service over TCP: what comes to port 9 is thrown away, until the peer ends its stream. RFC 863 p. 1.
// Main-loop context only.

import { SERVICE_CONNECTIONS, SERVICE_IDLE } from '../config.ts'
import { Errno } from '../lib/errno.ts'
import { increase64 } from '../lib/intrinsics.ts'
import { sizeof, staticMemory, staticStruct, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { zeroBytes } from '../lib/memory.ts'
import { DISCARD_PORT } from './discard.ts'
import {
  StreamConnection, StreamService, serviceClose, serviceListen, serviceSkip, serviceTimeout,
} from './stream-service.ts'

/** Bytes thrown away at once. */
const PIECE: u32 = 1 << 20

const service = staticStruct<StreamService>()
const bytes = staticMemory(8, 8)

/** Start taking connections on TCP port 9. Errors: those of serviceListen. */
export function discardStreamStart(): i32 {
  zeroBytes(bytes, 8)
  service.accepted = accepted
  service.ready = ready
  service.expired = serviceClose
  return serviceListen(service, 'discard', DISCARD_PORT, sizeof<StreamConnection>(), SERVICE_CONNECTIONS)
}

/** How many bytes came over all connections: the address of a u64. */
export function discardStreamBytes(): ptr {
  return bytes
}

function accepted(connection: StreamConnection): void {
  serviceTimeout(connection, SERVICE_IDLE)
}

function ready(connection: StreamConnection, events: u32): void {
  const got: i32 = serviceSkip(connection, PIECE)
  if (got == Errno.WouldBlock) return
  if (got <= 0) return serviceClose(connection)
  increase64(bytes, got as number as u32)
  serviceTimeout(connection, SERVICE_IDLE)
}
