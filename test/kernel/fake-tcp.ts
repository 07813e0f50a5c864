// A stream protocol for tests of the services: connections whose other end the test holds. What it gives waits to be
// read; what a service sends waits to be taken, as much as the test lets it. No segments, no time.

import { Errno } from '../../kernel/lib/errno.ts'
import {
  address, at, nth, plus, sizeof, staticMemory, staticRow, staticStruct, struct, type Stored, type bool, type i32, type ptr, type u32,
} from '../../kernel/lib/layout.ts'
import { copyBytes, moveBytes, zeroBytes } from '../../kernel/lib/memory.ts'
import { IpProtocol } from '../../kernel/net/ipv4/header.ts'
import {
  MessageFlag, Shut, SocketEvent, SocketState, SocketType, type Socket, type SocketName, type SocketOption,
} from '../../kernel/net/socket/socket.ts'
import { StreamOperations, streamRegister } from '../../kernel/net/socket/stream.ts'
import { socketMake, socketOf } from '../../kernel/net/socket/table.ts'
import { socketWake } from '../../kernel/net/socket/wake.ts'

const CONNECTIONS: u32 = 64
const ROOM: u32 = 65536

@struct
class Pipe {
  bytes: ptr
  length: u32
  limit: u32 // most that may wait
  ended: Stored<u32, bool>
}

@struct
class Connection {
  handle: u32 // of the service's socket; 0 until it is accepted, and after it is closed
  port: u32
  state: u32 // 0 unused, 1 waits to be accepted, 2 accepted, 3 closed by the service
  reset: Stored<u32, bool>
}

const operations = staticStruct<StreamOperations>()
const connections = staticRow<Connection>(CONNECTIONS)
const pipes = staticRow<Pipe>(CONNECTIONS * 2)
const memory = staticMemory(8388608) // CONNECTIONS * 2 * ROOM
let listening: Socket | null = null
let acceptFault: i32 = 0

export function fakeTcpStart(): void {
  operations.open = open
  operations.bind = bind
  operations.listen = listen
  operations.accept = accept
  operations.connect = connect
  operations.send = send
  operations.receive = receive
  operations.shutdown = shutdown
  operations.close = close
  operations.events = eventsNow
  operations.optionChanged = optionChanged
  operations.error = error
  operations.available = available
  zeroBytes(address(connections), CONNECTIONS * sizeof<Connection>())
  listening = null
  acceptFault = 0
  streamRegister(operations)
}

/** Let every accept end in this error; 0: no more. */
export function fakeTcpAcceptFault(errno: i32): void {
  acceptFault = errno
}

/** Connect to the service that listened last: the number of the connection. */
export function fakeTcpConnect(): u32 {
  let i: u32 = 0
  while (nth(connections, i).state != 0) i += 1
  const connection = nth(connections, i)
  connection.state = 1
  connection.reset = false
  initPipe(i * 2)
  initPipe(i * 2 + 1)
  if (listening != null) {
    connection.port = listening.localPort
    socketWake(listening, SocketEvent.In)
  }
  return i
}

function initPipe(i: u32): void {
  const pipe = nth(pipes, i)
  pipe.bytes = plus(memory, i * ROOM)
  pipe.length = 0
  pipe.limit = ROOM
  pipe.ended = false
}

/** What the service reads, and what it has sent. */
function inward(connection: Connection): Pipe {
  return nth(pipes, numberOf(connection) * 2)
}

function outward(connection: Connection): Pipe {
  return nth(pipes, numberOf(connection) * 2 + 1)
}

function numberOf(connection: Connection): u32 {
  return ((address(connection) as u32) - (address(connections) as u32)) / sizeof<Connection>()
}

/** Give bytes to the service; how many there was room for. */
export function fakeTcpGive(i: u32, from: ptr, n: u32): u32 {
  const pipe = inward(nth(connections, i))
  const room: u32 = ROOM - pipe.length
  const take: u32 = n < room ? n : room
  copyBytes(plus(pipe.bytes, pipe.length), from, take)
  pipe.length += take
  wake(nth(connections, i), SocketEvent.In)
  return take
}

/** Take what the service has sent; how many bytes. */
export function fakeTcpTake(i: u32, to: ptr, room: u32): u32 {
  const taken: u32 = takeFrom(outward(nth(connections, i)), to, room)
  if (taken != 0) wake(nth(connections, i), SocketEvent.Out)
  return taken
}

/** How many bytes the service may send ahead of what is taken. */
export function fakeTcpWindow(i: u32, bytes: u32): void {
  outward(nth(connections, i)).limit = bytes
}

/** The test's direction ends. */
export function fakeTcpEnd(i: u32): void {
  inward(nth(connections, i)).ended = true
  wake(nth(connections, i), SocketEvent.In)
}

export function fakeTcpReset(i: u32): void {
  nth(connections, i).reset = true
  wake(nth(connections, i), SocketEvent.Error | SocketEvent.In)
}

/** 1: the service has ended its direction, 2: it has closed, with the bytes it left unread in the upper bits; 0: open. */
export function fakeTcpClosed(i: u32): u32 {
  const connection = nth(connections, i)
  if (connection.state == 3) return 2 | inward(connection).length << 2
  return outward(connection).ended ? 1 : 0
}

function wake(connection: Connection, events: u32): void {
  const socket = socketOf(connection.handle)
  if (connection.handle != 0 && socket != null) socketWake(socket, events)
}

function takeFrom(pipe: Pipe, to: ptr, room: u32): u32 {
  const take: u32 = pipe.length < room ? pipe.length : room
  if (to != 0) copyBytes(to, pipe.bytes, take)
  pipe.length -= take
  moveBytes(pipe.bytes, plus(pipe.bytes, take), pipe.length)
  return take
}

function of(socket: Socket): Connection {
  return at<Connection>(socket.protocolState)
}

function open(socket: Socket): i32 { return Errno.None }

function bind(socket: Socket, own: u32, port: u32): i32 {
  socket.localPort = port
  return Errno.None
}

function listen(socket: Socket, backlog: u32): i32 {
  socket.state = SocketState.Listening
  listening = socket
  return Errno.None
}

function waiting(port: u32): Connection | null {
  for (let i: u32 = 0; i < CONNECTIONS; i++) {
    const each = nth(connections, i)
    if (each.state == 1 && each.port == port) return each
  }
  return null
}

function accept(socket: Socket, name: SocketName | null): i32 {
  const connection = waiting(socket.localPort)
  if (connection == null) return Errno.WouldBlock
  if (acceptFault != 0) return acceptFault
  const handle: i32 = socketMake(SocketType.Stream, IpProtocol.Tcp)
  if (handle < 0) return handle
  const made = socketOf(handle as number as u32)
  if (made == null) return Errno.OutOfMemory
  made.protocolState = address(connection)
  made.state = SocketState.Connected
  connection.handle = handle as number as u32
  connection.state = 2
  return handle
}

function send(socket: Socket, data: ptr, length: u32, flags: u32): i32 {
  const connection = of(socket)
  const pipe = outward(connection)
  if (connection.reset) return Errno.ConnectionReset
  if (pipe.ended) return Errno.BrokenPipe
  const room: u32 = pipe.limit > pipe.length ? pipe.limit - pipe.length : 0
  const take: u32 = length < room ? length : room
  if (take == 0) return Errno.WouldBlock
  copyBytes(plus(pipe.bytes, pipe.length), data, take)
  pipe.length += take
  return take as number as i32
}

function receive(socket: Socket, to: ptr, room: u32, flags: u32): i32 {
  const connection = of(socket)
  const pipe = inward(connection)
  if (connection.reset) return Errno.ConnectionReset
  if (pipe.length == 0) return pipe.ended ? 0 : Errno.WouldBlock
  if ((flags & MessageFlag.Peek) == 0) return takeFrom(pipe, (flags & MessageFlag.Truncate) != 0 ? 0 as ptr : to, room) as i32
  const seen: u32 = pipe.length < room ? pipe.length : room
  copyBytes(to, pipe.bytes, seen)
  return seen as i32
}

function shutdown(socket: Socket, how: Shut): i32 {
  if (of(socket).reset) return Errno.NotConnected
  if (how != Shut.Receive) outward(of(socket)).ended = true
  return Errno.None
}

function close(socket: Socket): void {
  if (socket.protocolState == 0) return
  const connection = of(socket)
  connection.state = 3
  connection.handle = 0
}

function eventsNow(socket: Socket): u32 {
  if (socket.state == SocketState.Listening) return waiting(socket.localPort) != null ? SocketEvent.In : 0
  const connection = of(socket)
  let events: u32 = 0
  if (inward(connection).length != 0 || inward(connection).ended) events |= SocketEvent.In
  if (outward(connection).length < outward(connection).limit) events |= SocketEvent.Out
  if (connection.reset) events |= SocketEvent.Error | SocketEvent.HangUp
  return events
}

function optionChanged(socket: Socket, option: SocketOption): void {
  wake(of(socket), 0)
}

function available(socket: Socket): u32 { return inward(of(socket)).length }
function connect(socket: Socket, to: u32, port: u32): i32 { return Errno.NotSupported }

function error(
  local: u32, localPort: u32, remote: u32, remotePort: u32, type: u32, code: u32, mtu: u32, quoted: ptr,
): boolean {
  return false
}
