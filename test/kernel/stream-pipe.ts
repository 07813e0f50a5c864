// A stream protocol without a network: connections are two buffers each, and the test is the client. For tests of what uses
// stream sockets (kernel/services/); it keeps what stream.ts says of such a protocol.

import { Errno } from '../../kernel/lib/errno.ts'
import {
  address, at, distance, nth, plus, sizeof, staticRow, staticStruct, struct,
  type Embed, type Stored, type bool, type i32, type ptr, type u32, type u8,
} from '../../kernel/lib/layout.ts'
import { copyBytes, moveBytes, zeroBytes } from '../../kernel/lib/memory.ts'
import { socketTakeError } from '../../kernel/net/socket/options.ts'
import {
  MessageFlag, Shut, SocketEvent, SocketState, SocketType, type Socket, type SocketName, type SocketOption,
} from '../../kernel/net/socket/socket.ts'
import { StreamOperations, streamRegister } from '../../kernel/net/socket/stream.ts'
import { socketMake, socketNext, socketOf } from '../../kernel/net/socket/table.ts'
import { socketWake } from '../../kernel/net/socket/wake.ts'

const PIPES: u32 = 300
const TCP: u32 = 6

@struct
class PipeBuffer {
  bytes: ptr
  length: u32
  room: u32
}

@struct
class Pipe {
  socket: Socket | null // null: not accepted, or closed
  client: u32 // its address
  port: u32
  retransmits: u32
  toServer: Embed<PipeBuffer>
  toClient: Embed<PipeBuffer>
  used: Stored<u8, bool>
  waiting: Stored<u8, bool> // to be accepted
  clientEnded: Stored<u8, bool>
  clientGone: Stored<u8, bool>
  serverEnded: Stored<u8, bool>
  serverClosed: Stored<u8, bool>
  unread: Stored<u8, bool> // closed by the server while bytes waited that it had not read
  reserved: Stored<u8, bool>
}

const operations = staticStruct<StreamOperations>()
const pipes = staticRow<Pipe>(PIPES)

/** Stream sockets are pipes from now on. */
export function pipesStart(): void {
  operations.open = open
  operations.bind = bind
  operations.listen = listen
  operations.accept = accept
  operations.connect = connect
  operations.send = send
  operations.receive = receive
  operations.shutdown = shutdown
  operations.close = close
  operations.events = eventsOf
  operations.optionChanged = optionChanged
  operations.error = error
  operations.available = available
  operations.retransmits = retransmits
  streamRegister(operations)
}

// --- The client's side. -----------------------------------------------------------------------------------

function listenerOf(port: u32): Socket | null {
  let each = socketNext(0)
  while (each != null && (each.state != SocketState.Listening || each.localPort != port)) each = socketNext(each.handle)
  return each
}

/** A connection from an address to a port, its buffers of `room` bytes each at `memory`: its number, or ConnectionRefused, NoSpace. */
export function pipeConnect(client: u32, port: u32, memory: ptr, room: u32): i32 {
  const listener = listenerOf(port)
  if (listener == null) return Errno.ConnectionRefused
  let i: u32 = 0
  while (i < PIPES && nth(pipes, i).used) i += 1
  if (i == PIPES) return Errno.NoSpace
  const pipe = nth(pipes, i)
  pipe.used = true
  pipe.waiting = true
  pipe.client = client
  pipe.port = port
  bufferInit(pipe.toServer, memory, room)
  bufferInit(pipe.toClient, plus(memory, room), room)
  socketWake(listener, SocketEvent.In)
  return i as number as i32
}

function bufferInit(buffer: PipeBuffer, bytes: ptr, room: u32): void {
  buffer.bytes = bytes
  buffer.length = 0
  buffer.room = room
}

/** Write into a connection: how many bytes there was room for. */
export function pipeWrite(which: u32, from: ptr, length: u32): u32 {
  const pipe = nth(pipes, which)
  const taken: u32 = put(pipe.toServer, from, length)
  wake(pipe, SocketEvent.In)
  return taken
}

/** Read from a connection: how many bytes there were. */
export function pipeRead(which: u32, to: ptr, room: u32): u32 {
  const pipe = nth(pipes, which)
  const taken: u32 = take(pipe.toClient, to, room, true)
  wake(pipe, SocketEvent.Out)
  return taken
}

/** The client ends its stream. */
export function pipeEnd(which: u32): void {
  const pipe = nth(pipes, which)
  pipe.clientEnded = true
  wake(pipe, SocketEvent.In)
}

/** The client closes: it ends its stream, and what is sent to it is answered by a reset. */
export function pipeClose(which: u32): void {
  nth(pipes, which).clientGone = true
  pipeEnd(which)
}

/** The client resets the connection. */
export function pipeReset(which: u32): void {
  const socket = nth(pipes, which).socket
  if (socket == null) return
  socket.error = Errno.ConnectionReset
  socketWake(socket, SocketEvent.Error)
}

/** What the protocol says of how often it has sent again. */
export function pipeRetransmits(which: u32, count: u32): void {
  nth(pipes, which).retransmits = count
}

/** From now on so many bytes may wait for the client, no more than there is memory for. */
export function pipeLimit(which: u32, bytes: u32): void {
  nth(pipes, which).toClient.room = bytes
}

/** The client forgets a connection that the server has closed: another may have its number. */
export function pipeForget(which: u32): void {
  const pipe = nth(pipes, which)
  if (pipe.serverClosed) zeroBytes(address(pipe), sizeof<Pipe>())
}

/** Bits: 1 accepted, 2 the server has ended its stream, 4 it has closed, 8 and had not read everything. */
export function pipeStatus(which: u32): u32 {
  const pipe = nth(pipes, which)
  return (pipe.waiting ? 0 : 1) | (pipe.serverEnded ? 2 : 0) | (pipe.serverClosed ? 4 : 0) | (pipe.unread ? 8 : 0)
}

function wake(pipe: Pipe, events: u32): void {
  const socket = pipe.socket
  if (socket != null) socketWake(socket, events)
}

function put(buffer: PipeBuffer, from: ptr, length: u32): u32 {
  const left: u32 = buffer.room - buffer.length
  const taken: u32 = length < left ? length : left
  copyBytes(plus(buffer.bytes, buffer.length), from, taken)
  buffer.length += taken
  return taken
}

function take(buffer: PipeBuffer, to: ptr, room: u32, copy: boolean): u32 {
  const taken: u32 = room < buffer.length ? room : buffer.length
  if (copy) copyBytes(to, buffer.bytes, taken)
  moveBytes(buffer.bytes, plus(buffer.bytes, taken), buffer.length - taken)
  buffer.length -= taken
  return taken
}

// --- The protocol. ----------------------------------------------------------------------------------------

function open(socket: Socket): i32 { return Errno.None }

function bind(socket: Socket, a: u32, port: u32): i32 {
  if (listenerOf(port) != null) return Errno.AddressInUse
  socket.localPort = port
  return Errno.None
}

function listen(socket: Socket, backlog: u32): i32 {
  socket.state = SocketState.Listening
  return Errno.None
}

function waitingOn(socket: Socket): Pipe | null {
  for (let i: u32 = 0; i < PIPES; i++) {
    const pipe = nth(pipes, i)
    if (pipe.used && pipe.waiting && pipe.port == socket.localPort) return pipe
  }
  return null
}

function accept(socket: Socket, name: SocketName | null): i32 {
  const pipe = waitingOn(socket)
  if (pipe == null) return Errno.WouldBlock
  const handle: i32 = socketMake(SocketType.Stream, TCP)
  if (handle < 0) return handle
  const mine = socketOf(handle as number as u32) as Socket
  mine.state = SocketState.Connected
  mine.localPort = pipe.port
  mine.protocolState = address(pipe)
  pipe.socket = mine
  pipe.waiting = false
  if (name != null) {
    name.address = pipe.client
    name.port = distance(address(pipes), address(pipe)) / sizeof<Pipe>() + 1
  }
  return handle
}

function connect(socket: Socket, a: u32, port: u32): i32 { return Errno.NotSupported }

function send(socket: Socket, data: ptr, length: u32, flags: u32): i32 {
  const pipe = at<Pipe>(socket.protocolState)
  if (pipe.clientGone) return Errno.ConnectionReset
  const taken: u32 = put(pipe.toClient, data, length)
  return taken != 0 ? taken as number as i32 : Errno.WouldBlock
}

function receive(socket: Socket, to: ptr, room: u32, flags: u32): i32 {
  const pipe = at<Pipe>(socket.protocolState)
  const there: u32 = pipe.toServer.length
  if (there == 0 && socket.error != Errno.None) return socketTakeError(socket)
  if (there == 0) return pipe.clientEnded ? 0 : Errno.WouldBlock
  const taken: u32 = room < there ? room : there
  if ((flags & MessageFlag.Peek) != 0) copyBytes(to, pipe.toServer.bytes, taken)
  else take(pipe.toServer, to, taken, (flags & MessageFlag.Truncate) == 0)
  return taken as number as i32
}

function shutdown(socket: Socket, how: Shut): i32 {
  if (how == Shut.Receive) return Errno.None
  socket.shutSend = true
  at<Pipe>(socket.protocolState).serverEnded = true
  return Errno.None
}

function close(socket: Socket): void {
  if (socket.state != SocketState.Connected) return
  const pipe = at<Pipe>(socket.protocolState)
  pipe.serverEnded = true
  pipe.serverClosed = true
  pipe.unread = pipe.toServer.length != 0
  pipe.socket = null
}

function eventsOf(socket: Socket): u32 {
  if (socket.state == SocketState.Listening) return waitingOn(socket) != null ? SocketEvent.In : SocketEvent.None
  const pipe = at<Pipe>(socket.protocolState)
  let events: u32 = SocketEvent.None
  if (pipe.toServer.length != 0 || pipe.clientEnded) events |= SocketEvent.In
  if (pipe.toClient.length < pipe.toClient.room) events |= SocketEvent.Out
  if (pipe.clientEnded && socket.shutSend) events |= SocketEvent.HangUp
  return events
}

function optionChanged(socket: Socket, option: SocketOption): void {}

function error(
  local: u32, localPort: u32, remote: u32, remotePort: u32, type: u32, code: u32, mtu: u32, quoted: ptr,
): boolean {
  return false
}

function retransmits(socket: Socket): u32 { return at<Pipe>(socket.protocolState).retransmits }

function available(socket: Socket): u32 { return at<Pipe>(socket.protocolState).toServer.length }
