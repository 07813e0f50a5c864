// The character generator over TCP: who connects to port 19 gets the pattern of RFC 864 p. 2 until it closes; what it
// sends is thrown away. RFC 864 p. 1. Main-loop context only.

import { SERVICE_CONNECTIONS, SERVICE_IDLE } from '../config.ts'
import { Errno } from '../lib/errno.ts'
import {
  at, plus, sizeof, staticMemory, staticStruct, struct, type i32, type ptr, type u32,
} from '../lib/layout.ts'
import { socketReceive, socketSend } from '../net/socket/api.ts'
import { MessageFlag, SocketEvent } from '../net/socket/socket.ts'
import { CHARGEN_PORT, chargenFill } from './chargen.ts'
import {
  ServiceListener, serviceAwait, serviceClose, serviceListen, serviceMoved, serviceState, type ServiceConnection,
} from './stream-service.ts'

/** The pattern repeats after 95 lines of 74 bytes: RFC 864 p. 2, the ring of printing characters. */
const PERIOD: u32 = 7030
const MOST: u32 = 0x7fffffff

@struct
class Place {
  next: u32 // of the pattern, below PERIOD
}

const listener = staticStruct<ServiceListener>()
/** Two periods: a whole one can be sent from any place in the first. */
const pattern = staticMemory(14060)

/** Start taking connections on TCP port 19. Errors: those of serviceListen. */
export function chargenStreamStart(): i32 {
  chargenFill(pattern, PERIOD * 2, 0)
  listener.name = 'chargen'
  listener.connected = chargenReady
  listener.ready = chargenReady
  listener.idle = SERVICE_IDLE
  return serviceListen(listener, CHARGEN_PORT, SERVICE_CONNECTIONS, sizeof<Place>())
}

function chargenReady(connection: ServiceConnection, events: u32): void {
  const handle: u32 = connection.watched.handle
  const place = at<Place>(serviceState(connection))
  const got: i32 = socketReceive(handle, 0 as ptr, MOST, MessageFlag.Truncate)
  if (got <= 0 && got != Errno.WouldBlock) return serviceClose(connection)
  const sent: i32 = socketSend(handle, plus(pattern, place.next), PERIOD, MessageFlag.None)
  if (sent < 0 && sent != Errno.WouldBlock) return serviceClose(connection)
  if (sent > 0) {
    place.next = (place.next + (sent as u32)) % PERIOD
    serviceMoved(connection)
  }
  serviceAwait(connection, SocketEvent.In | SocketEvent.Out)
}
