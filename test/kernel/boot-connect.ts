// A client of TCP in the kernel: it connects to port 5001 of the router again and again. Whoever listens there says in
// twelve bytes what is to be done on the connection: a kind, a length, and milliseconds to pause first.
// Part of boot-test.ts; test/boot/tcp-client.ts and lwip.ts boot it.

import { crc32 } from '../../kernel/lib/crc32.ts'
import { Errno } from '../../kernel/lib/errno.ts'
import { loadBe32, storeBe32 } from '../../kernel/lib/intrinsics.ts'
import { plus, staticMemory, type cstring, type i32, type ptr, type u32 } from '../../kernel/lib/layout.ts'
import { Level, logDecimal, logEnd, logSigned, logStart } from '../../kernel/lib/log.ts'
import { socketClose, socketCreate, socketShutdown } from '../../kernel/net/socket/api.ts'
import { socketSetOption } from '../../kernel/net/socket/options.ts'
import { MessageFlag, Shut, SocketEvent, SocketOption, SocketType } from '../../kernel/net/socket/socket.ts'
import { socketConnectWait, socketReceiveWait, socketSendWait, socketWait } from '../../kernel/net/socket/wait.ts'
import { asked } from './asked.ts'

const ROUTER: u32 = 0x0a4d0001 // 10.77.0.1
const PORT: u32 = 5001
const PIECE: u32 = 16_384
const TIMEOUT: u32 = 60_000
const AGAIN: u32 = 100

/** What to do: send back what comes; send bytes, then wait for the end; take what comes and say its length and CRC-32. */
const enum Job { Echo = 1, Send, Take }

const order = staticMemory(12, 4)
const data = staticMemory(PIECE, 16)
let last: i32 = 0

/** With `test=client`; does not return then. */
export function client(): void {
  if (!asked('test=', 'client')) return
  while (true) {
    const handle: u32 = socketCreate(SocketType.Stream, 0) as number as u32
    socketSetOption(handle, SocketOption.RecvTimeout, TIMEOUT)
    socketSetOption(handle, SocketOption.SendTimeout, TIMEOUT)
    const connected: i32 = socketConnectWait(handle, ROUTER, PORT)
    if (connected == Errno.None) serve(handle)
    else if (connected != last) tell('refused', 0, 0, connected)
    last = connected
    if (connected != Errno.None) pause(AGAIN)
    socketClose(handle)
  }
}

/** Wait, whatever comes. */
function pause(milliseconds: u32): void {
  const idle: u32 = socketCreate(SocketType.Datagram, 0) as number as u32
  socketWait(idle, SocketEvent.None, milliseconds)
  socketClose(idle)
}

function serve(handle: u32): void {
  let got: u32 = 0
  while (got < 12) {
    const more: i32 = socketReceiveWait(handle, plus(order, got), 12 - got, MessageFlag.None)
    if (more <= 0) return tell('no-order', 0, got, more)
    got += more as number as u32
  }
  const kind: u32 = loadBe32(order, 0)
  const length: u32 = loadBe32(order, 4)
  if (loadBe32(order, 8) != 0) pause(loadBe32(order, 8))
  if (kind == Job.Echo) echo(handle)
  else if (kind == Job.Send) sendCounted(handle, length)
  else if (kind == Job.Take) take(handle)
}

/** Send all of it: an error, or 0. */
function sendAll(handle: u32, from: ptr, length: u32): i32 {
  let sent: u32 = 0
  while (sent < length) {
    const taken: i32 = socketSendWait(handle, plus(from, sent), length - sent, MessageFlag.None)
    if (taken < 0) return taken
    sent += taken as number as u32
  }
  return Errno.None
}

function echo(handle: u32): void {
  let total: u32 = 0
  while (true) {
    const got: i32 = socketReceiveWait(handle, data, PIECE, MessageFlag.None)
    if (got <= 0) return tell('echoed', Job.Echo, total, got)
    const error: i32 = sendAll(handle, data, got as number as u32)
    if (error != Errno.None) return tell('echoed', Job.Echo, total, error)
    total += got as number as u32
  }
}

/** Numbers counted up, most significant byte first; `length` is a multiple of four. */
function sendCounted(handle: u32, length: u32): void {
  let done: u32 = 0
  while (done < length) {
    const now: u32 = length - done < PIECE ? length - done : PIECE
    for (let i: u32 = 0; i < now; i += 4) storeBe32(data, i, (done + i) >>> 2)
    const error: i32 = sendAll(handle, data, now)
    if (error != Errno.None) return tell('sent', Job.Send, done, error)
    done += now
  }
  socketShutdown(handle, Shut.Send)
  tell('sent', Job.Send, done, socketReceiveWait(handle, data, PIECE, MessageFlag.None))
}

function take(handle: u32): void {
  let total: u32 = 0
  let check: u32 = 0
  let got: i32 = socketReceiveWait(handle, data, PIECE, MessageFlag.None)
  while (got > 0) {
    check = crc32(check, data, got as number as u32)
    total += got as number as u32
    got = socketReceiveWait(handle, data, PIECE, MessageFlag.None)
  }
  if (got == 0) {
    storeBe32(data, 0, total)
    storeBe32(data, 4, check)
    got = sendAll(handle, data, 8)
  }
  tell('took', Job.Take, total, got)
}

function tell(what: cstring, job: u32, bytes: u32, result: i32): void {
  if (!logStart(Level.Info, 'client', what)) return
  logDecimal('job', job)
  logDecimal('bytes', bytes)
  logSigned('result', result)
  logEnd()
}
