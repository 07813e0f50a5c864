// The character generator service over TCP: whoever connects to port 19 gets lines of characters until it has had enough;
// what it sends is thrown away. RFC 864 p. 1. Main-loop context only.

import { SERVICE_CONNECTIONS, SERVICE_IDLE } from '../config.ts'
import { Errno } from '../lib/errno.ts'
import { at, address, plus, sizeof, staticMemory, staticStruct, struct, type Embed, type i32, type u32 } from '../lib/layout.ts'
import { socketSend } from '../net/socket/api.ts'
import { SocketEvent } from '../net/socket/socket.ts'
import { CHARGEN_PORT, chargenFill } from './chargen.ts'
import {
  StreamConnection, StreamService, serviceClose, serviceListen, serviceSkip, serviceTimeout, serviceWatch,
} from './stream-service.ts'

/** The pattern repeats after 95 lines of 74 characters. */
const PERIOD: u32 = 7030
/** Characters that are sent at once, from any place of the period on. */
const PIECE: u32 = 14060
const SKIPPED: u32 = 65536

@struct
class ChargenConnection {
  connection: Embed<StreamConnection>
  place: u32 // in the period, of the next character
  ended: u32 // 1: the peer sends nothing more
}

const service = staticStruct<StreamService>()
const characters = staticMemory(21090) // PERIOD + PIECE

/** Start sending on TCP port 19. Errors: those of serviceListen. */
export function chargenStreamStart(): i32 {
  chargenFill(characters, PERIOD + PIECE, 0)
  service.accepted = accepted
  service.ready = ready
  service.expired = serviceClose
  return serviceListen(service, 'chargen', CHARGEN_PORT, sizeof<ChargenConnection>(), SERVICE_CONNECTIONS)
}

function accepted(connection: StreamConnection): void {
  serviceTimeout(connection, SERVICE_IDLE)
  serviceWatch(connection, SocketEvent.In | SocketEvent.Out)
}

function ready(connection: StreamConnection, events: u32): void {
  const mine = at<ChargenConnection>(address(connection))
  if (mine.ended == 0 && !listen(mine)) return serviceClose(connection)
  const sent: i32 = socketSend(connection.watch.handle, plus(characters, mine.place), PIECE, 0)
  if (sent == Errno.WouldBlock) return
  if (sent < 0) return serviceClose(connection)
  mine.place = (mine.place + (sent as number as u32)) % PERIOD
  serviceTimeout(connection, SERVICE_IDLE)
}

/** Throw away what the peer says. Its end is no reason to stop: it may only have nothing to say. False for an error. */
function listen(mine: ChargenConnection): boolean {
  const got: i32 = serviceSkip(mine.connection, SKIPPED)
  if (got != 0) return got > 0 || got == Errno.WouldBlock
  mine.ended = 1
  serviceWatch(mine.connection, SocketEvent.Out)
  return true
}
