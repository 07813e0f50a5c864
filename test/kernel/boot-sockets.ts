// A program in the kernel that uses sockets that wait. It talks to itself over loopback, lets a receive time out, then echoes
// datagrams on port 5000 for ever. Part of boot-test.ts; test/boot/sockets.ts boots it.

import { nowMilliseconds } from '../../kernel/lib/clock.ts'
import { staticMemory, staticStruct, type cstring, type i32, type u32 } from '../../kernel/lib/layout.ts'
import { Level, logDecimal, logEnd, logSigned, logStart } from '../../kernel/lib/log.ts'
import { mainLoop } from '../../kernel/loop.ts'
import { socketBind, socketClose, socketConnect, socketCreate, socketSend } from '../../kernel/net/socket/api.ts'
import { socketSetOption } from '../../kernel/net/socket/options.ts'
import { SocketMessage, SocketOption, SocketType } from '../../kernel/net/socket/socket.ts'
import { socketReceiveFromWait, socketReceiveWait, socketSendToWait } from '../../kernel/net/socket/wait.ts'
import { asked } from './asked.ts'

const LOOPBACK: u32 = 0x7f000001
const PORT: u32 = 5000
const ROOM: u32 = 65535
const TIMEOUT: u32 = 150

const data = staticMemory(65536, 16)
const message = staticStruct<SocketMessage>()

/** With `test=sockets`; does not return then. */
export function sockets(): void {
  if (!asked('test=', 'sockets')) return
  const handle: u32 = socketCreate(SocketType.Datagram, 0) as number as u32
  socketBind(handle, 0, PORT)
  tell('loopback', overLoopback(), 0)
  timesOut()
  while (true) {
    const got: i32 = socketReceiveFromWait(handle, data, ROOM, 0, message)
    if (got < 0) break
    const sent: i32 = socketSendToWait(handle, data, got as number as u32, 0, message.address, message.port)
    if (sent != got) tell('not-sent', sent, 0)
  }
  mainLoop()
}

/** Send five bytes to a second socket, and wait for them there. */
function overLoopback(): i32 {
  const from: u32 = socketCreate(SocketType.Datagram, 0) as number as u32
  const to: u32 = socketCreate(SocketType.Datagram, 0) as number as u32
  socketBind(to, LOOPBACK, PORT + 1)
  socketConnect(from, LOOPBACK, PORT + 1)
  socketSend(from, data, 5, 0)
  const got: i32 = socketReceiveWait(to, data, ROOM, 0)
  socketClose(from)
  socketClose(to)
  return got
}

function timesOut(): void {
  const handle: u32 = socketCreate(SocketType.Datagram, 0) as number as u32
  socketBind(handle, 0, 0)
  socketSetOption(handle, SocketOption.RecvTimeout, TIMEOUT)
  const began: u32 = nowMilliseconds()
  const result: i32 = socketReceiveWait(handle, data, ROOM, 0)
  tell('timeout', result, nowMilliseconds() - began)
  socketClose(handle)
}

function tell(what: cstring, result: i32, milliseconds: u32): void {
  if (!logStart(Level.Info, 'sockets', what)) return
  logSigned('result', result)
  logDecimal('ms', milliseconds)
  logEnd()
}
