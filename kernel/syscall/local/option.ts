// Options of local sockets: those of socket(7) that mean something here, and of unix(7).

import { LOCAL_BUFFER, LOCAL_BUFFER_LEAST, LOCAL_BUFFER_LIMIT } from '../../config.ts'
import { TimeSpec } from '../../fs/layouts.ts'
import { Errno } from '../../lib/errno.ts'
import { store32 } from '../../lib/intrinsics.ts'
import { at, sizeof, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import type { Process } from '../../process/process.ts'
import { userLoad32, userLoaded } from '../../vm/user-copy.ts'
import { LevelOf, So } from '../option-number.ts'
import { scratchTime } from '../scratch.ts'
import { Family } from '../socket-address.ts'
import { timeValueFromMilliseconds, timeValueMilliseconds, timeValueRead } from '../time-value.ts'
import { UserCredentials } from './credentials.ts'
import { LocalState, localErrorTake, type LocalSocket } from './socket.ts'

/** Linux's least for SO_RCVBUF. */
const RECEIVE_LEAST: u32 = 2304

/** setsockopt(2). Errors: NotSupported (another level), InvalidArgument, ProtocolOption, BadAddress. May sleep. */
export function localOptionSet(self: Process, socket: LocalSocket, level: u32, name: u32, from: ptr, length: u32): i32 {
  if (level != LevelOf.Socket) return Errno.NotSupported
  if (name == So.ReceiveTimeout || name == So.SendTimeout) return timeoutSet(self, socket, name, from, length)
  if (length < 4) return Errno.InvalidArgument
  const error = userLoad32(from)
  if (error != Errno.None) return error
  const value: u32 = userLoaded()
  switch (name) {
    case So.SendBuffer:
      socket.sendLimit = bufferSize(value, LOCAL_BUFFER_LEAST)
      return Errno.None
    case So.ReceiveBuffer:
      socket.receiveLimit = bufferSize(value, RECEIVE_LEAST)
      return Errno.None
    case So.PassCredentials:
      socket.passCredentials = value != 0
      return Errno.None
    default: return switchSet(socket, name, value != 0)
  }
}

/** Those of socket(7) that are on or off and change nothing here: what is set is told. */
function isSwitch(name: u32): boolean {
  return name == So.ReuseAddress || name == So.DontRoute || name == So.Broadcast || name == So.KeepAlive || name == So.OutOfBandInline
}

function switchSet(socket: LocalSocket, name: u32, on: boolean): i32 {
  if (!isSwitch(name)) return Errno.ProtocolOption
  if (on) socket.switches |= 1 << name
  else socket.switches &= ~(1 << name)
  return Errno.None
}

/** What is asked for is doubled, as on Linux: what is kept of a message beside its bytes counts, too. */
function bufferSize(asked: u32, least: u32): u32 {
  if (asked > LOCAL_BUFFER) return LOCAL_BUFFER_LIMIT
  return asked << 1 < least ? least : asked << 1
}

function timeoutSet(self: Process, socket: LocalSocket, name: u32, from: ptr, length: u32): i32 {
  if (length < sizeof<TimeSpec>()) return Errno.InvalidArgument
  const error = timeValueRead(from, scratchTime(self))
  if (error != Errno.None) return error
  if (name == So.ReceiveTimeout) socket.receiveTimeout = timeValueMilliseconds(scratchTime(self))
  else socket.sendTimeout = timeValueMilliseconds(scratchTime(self))
  return Errno.None
}

/** The value of an option at `out`: how many bytes. Errors: NotSupported (another level), ProtocolOption. */
export function localOption(socket: LocalSocket, level: u32, name: u32, out: ptr): i32 {
  if (level != LevelOf.Socket) return Errno.NotSupported
  if (name == So.PeerCredentials) return credentialsOut(socket, out)
  if (name == So.ReceiveTimeout || name == So.SendTimeout) {
    timeValueFromMilliseconds(at<TimeSpec>(out), name == So.ReceiveTimeout ? socket.receiveTimeout : socket.sendTimeout)
    return sizeof<TimeSpec>() as number as i32
  }
  const value = number(socket, name)
  if (value < 0) return value
  store32(out, 0, value as number as u32)
  return 4
}

function number(socket: LocalSocket, name: u32): i32 {
  switch (name) {
    case So.Type: return socket.type as number as i32
    case So.Domain: return Family.Unix
    case So.Error: return 0 - localErrorTake(socket)
    case So.AcceptsConnections: return socket.state == LocalState.Listening ? 1 : 0
    case So.SendBuffer: return socket.sendLimit as number as i32
    case So.ReceiveBuffer: return socket.receiveLimit as number as i32
    case So.PassCredentials: return socket.passCredentials ? 1 : 0
    case So.Protocol: return 0
    default: return isSwitch(name) ? ((socket.switches >>> name) & 1) as number as i32 : Errno.ProtocolOption
  }
}

function credentialsOut(socket: LocalSocket, out: ptr): i32 {
  const told = at<UserCredentials>(out)
  told.pid = socket.credentials.pid
  told.uid = socket.credentials.uid
  told.gid = socket.credentials.gid
  return sizeof<UserCredentials>() as number as i32
}
