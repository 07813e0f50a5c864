// The iperf3 server: its listener, and who comes in. protocol.ts. Main-loop context only.
//
// A connection says who it is by a cookie of 37 bytes. The first of a client becomes its control connection if no other
// client is served; one with the cookie of the client that is served becomes a stream of its test; every other is told
// that access is denied. Who says nothing is closed after IPERF3_HANDSHAKE, and keeps nobody from being served.

import { IPERF3_CONNECTIONS, IPERF3_HANDSHAKE } from '../../config.ts'
import { Errno } from '../../lib/errno.ts'
import { store8 } from '../../lib/intrinsics.ts'
import {
  at, plus, sizeof, staticMemory, staticStruct, struct, type Bytes, type Stored, type i32, type u32,
} from '../../lib/layout.ts'
import { timerStop } from '../../lib/timer.ts'
import { socketReceive, socketSend } from '../../net/socket/api.ts'
import { socketSetOption } from '../../net/socket/options.ts'
import { SocketOption } from '../../net/socket/socket.ts'
import {
  ServiceListener, serviceClose, serviceEnd, serviceListen, serviceState, type ServiceConnection,
} from '../stream-service.ts'
import { COOKIE_LENGTH, IPERF3_PORT, Signal } from './protocol.ts'
import { sessionBegin, sessionBusy, sessionJoin, sessionReady } from './session.ts'
import type { Stream } from './stream.ts'
import { testProceed, testStreamReady } from './test.ts'

const enum Role { Guest, Control, Stream }

/** What a connection is to us: its service state. */
@struct
class Caller {
  stream: Stream | null
  role: Stored<u32, Role>
  sequence: u32 // in the order they were accepted
  cookieLength: u32
  cookie: Bytes<40>
}

const listener = staticStruct<ServiceListener>()
const denial = staticMemory(1, 8)

/** Start serving on TCP port 5201. Errors: those of serviceListen. */
export function iperf3ServiceStart(): i32 {
  listener.name = 'iperf3'
  listener.connected = connected
  listener.ready = ready
  listener.idle = IPERF3_HANDSHAKE
  return serviceListen(listener, IPERF3_PORT, IPERF3_CONNECTIONS, sizeof<Caller>())
}

function connected(connection: ServiceConnection, events: u32): void {
  at<Caller>(serviceState(connection)).sequence = listener.accepted
}

function ready(connection: ServiceConnection, events: u32): void {
  const caller = at<Caller>(serviceState(connection))
  if (caller.role == Role.Control) sessionReady()
  else if (caller.stream != null) testStreamReady(caller.stream, events)
  else guestReady(connection, caller)
}

/** More of the cookie, and no byte of what follows it. */
function guestReady(connection: ServiceConnection, caller: Caller): void {
  const room: u32 = COOKIE_LENGTH - caller.cookieLength
  const got: i32 = socketReceive(connection.watched.handle, plus(caller.cookie, caller.cookieLength), room, 0)
  if (got == Errno.WouldBlock) return
  if (got <= 0) return serviceClose(connection)
  caller.cookieLength += got as number as u32
  if (caller.cookieLength == COOKIE_LENGTH) introduced(connection, caller)
}

function introduced(connection: ServiceConnection, caller: Caller): void {
  if (!sessionBusy()) {
    caller.role = Role.Control
    timerStop(connection.timer) // the session has its own
    socketSetOption(connection.watched.handle, SocketOption.NoDelay, 1)
    sessionBegin(connection, caller.cookie)
    return
  }
  caller.stream = sessionJoin(connection, caller.cookie, caller.sequence)
  if (caller.stream != null) {
    timerStop(connection.timer)
    return testProceed()
  }
  store8(denial, 0, Signal.AccessDenied)
  socketSend(connection.watched.handle, denial, 1, 0)
  serviceEnd(connection)
}
