// The character generator service over TCP: whoever connects to port 19 gets lines of characters until it has had enough;
// what it sends is thrown away. RFC 864 p. 1. Main-loop context only.

import { SERVICE_CONNECTIONS, SERVICE_IDLE } from '../config.ts'
import { Errno } from '../lib/errno.ts'
import { at, plus, sizeof, staticMemory, staticStruct, struct, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { socketReceive, socketSend } from '../net/socket/api.ts'
import { MessageFlag, SocketEvent } from '../net/socket/socket.ts'
import { CHARGEN_PORT, chargenFill } from './chargen.ts'
import {
  ServiceListener, serviceAwait, serviceClose, serviceListen, serviceMoved, serviceState, type ServiceConnection,
} from './stream-service.ts'

/** The pattern repeats after 95 lines of 74 characters. */
const PERIOD: u32 = 7030
/** Characters that are sent at once, from any place of the period on: nearly what one packet holds, for a card that cuts it. */
const PIECE: u32 = 63270
/** Bytes of the peer's that are thrown away at once. */
const SKIPPED: u32 = 65536

@struct
class Chargen {
  place: u32 // in the period, of the next character
  ended: u32 // 1: the peer sends nothing more
}

const listener = staticStruct<ServiceListener>()
const characters = staticMemory(70300) // PERIOD + PIECE

/** Start sending on TCP port 19. Errors: those of serviceListen. */
export function chargenStreamStart(): i32 {
  chargenFill(characters, PERIOD + PIECE, 0)
  listener.name = 'chargen'
  listener.connected = connected
  listener.ready = ready
  listener.idle = SERVICE_IDLE
  return serviceListen(listener, CHARGEN_PORT, SERVICE_CONNECTIONS, sizeof<Chargen>())
}

function connected(connection: ServiceConnection, events: u32): void {
  serviceAwait(connection, SocketEvent.In | SocketEvent.Out)
}

function ready(connection: ServiceConnection, events: u32): void {
  const state = at<Chargen>(serviceState(connection))
  if (state.ended == 0 && !skip(connection, state)) return serviceClose(connection)
  const sent: i32 = socketSend(connection.watched.handle, plus(characters, state.place), PIECE, MessageFlag.None)
  if (sent == Errno.WouldBlock) return
  if (sent < 0) return serviceClose(connection)
  state.place = (state.place + (sent as number as u32)) % PERIOD
  serviceMoved(connection)
}

/** Throw away what the peer says. Its end is no reason to stop: it may only have nothing to say. False for an error. */
function skip(connection: ServiceConnection, state: Chargen): boolean {
  const got: i32 = socketReceive(connection.watched.handle, 0 as ptr, SKIPPED, MessageFlag.Truncate)
  if (got != 0) return got > 0 || got == Errno.WouldBlock
  state.ended = 1
  serviceAwait(connection, SocketEvent.Out)
  return true
}
