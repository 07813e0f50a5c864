// A stream protocol without a network, for tests of services: connections are pairs of buffers, the test is the client.
// Everything arrives at once and in order; a direction holds PIPE_BYTES.

import { Errno } from '../../kernel/lib/errno.ts'
import { copyBytes, moveBytes } from '../../kernel/lib/memory.ts'
import {
  address, at, nth, plus, staticRow, staticStruct, struct, type Bytes, type Stored, type bool, type i32, type ptr, type u32,
} from '../../kernel/lib/layout.ts'
import {
  MessageFlag, Shut, SocketEvent, SocketState, SocketType, type Socket, type SocketName, type SocketOption,
} from '../../kernel/net/socket/socket.ts'
import { StreamOperations, streamRegister } from '../../kernel/net/socket/stream.ts'
import { socketMake, socketOf } from '../../kernel/net/socket/table.ts'
import { socketWake } from '../../kernel/net/socket/wake.ts'

const PIPE_BYTES: u32 = 40_000
const PIPES: u32 = 160
const TCP: u32 = 6

@struct
class Pipe {
  socket: Socket | null // the kernel's end; null before it is accepted, and when it is closed
  client: u32 // its address
  inLength: u32 // bytes that the kernel has not read
  outLength: u32 // bytes that the test has not read
  outLimit: u32 // how many may be there
  retransmits: u32
  used: Stored<u32, bool>
  inEnded: Stored<u32, bool> // the test has closed
  outEnded: Stored<u32, bool> // the kernel has
  in: Bytes<40000>
  out: Bytes<40000>
}

const operations = staticStruct<StreamOperations>()
const pipes = staticRow<Pipe>(PIPES)
let listening: Socket | null = null
let made: u32 = 0
let accepted: u32 = 0

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

// --- The test's side. A pipe is its number, 1 and up. -----------------------------------------------------------

export function pipeConnect(client: u32): u32 {
  const pipe = nth(pipes, made)
  pipe.client = client
  pipe.outLimit = PIPE_BYTES
  pipe.used = true
  made += 1
  if (listening != null) socketWake(listening, SocketEvent.In)
  return made
}

export function pipeWrite(number: u32, bytes: ptr, length: u32): boolean {
  const pipe = nth(pipes, number - 1)
  if (pipe.inLength + length > PIPE_BYTES) return false
  copyBytes(plus(pipe.in, pipe.inLength), bytes, length)
  pipe.inLength += length
  if (pipe.socket != null) socketWake(pipe.socket, SocketEvent.In)
  return true
}

export function pipeRead(number: u32, out: ptr): u32 {
  const pipe = nth(pipes, number - 1)
  const length: u32 = pipe.outLength
  copyBytes(out, pipe.out, length)
  pipe.outLength = 0
  if (pipe.socket != null) socketWake(pipe.socket, SocketEvent.Out)
  return length
}

export function pipeClose(number: u32): void {
  const pipe = nth(pipes, number - 1)
  pipe.inEnded = true
  if (pipe.socket != null) socketWake(pipe.socket, SocketEvent.In | SocketEvent.HangUp)
}

/** How many bytes of the kernel's a pipe holds before there is no room. */
export function pipeLimit(number: u32, bytes: u32): void {
  nth(pipes, number - 1).outLimit = bytes
}

export function pipeRetransmits(number: u32, count: u32): void {
  nth(pipes, number - 1).retransmits = count
}

/** Whether the kernel has ended its direction, and whether it has closed its socket. */
export function pipeEnded(number: u32): boolean { return nth(pipes, number - 1).outEnded }
export function pipeGone(number: u32): boolean { return number <= accepted && nth(pipes, number - 1).socket == null }

// --- The kernel's. ----------------------------------------------------------------------------------------------

function pipeOf(socket: Socket): Pipe { return at<Pipe>(socket.protocolState) }

function open(socket: Socket): i32 { return Errno.None }
function bind(socket: Socket, a: u32, port: u32): i32 { return Errno.None }
function connect(socket: Socket, a: u32, port: u32): i32 { return Errno.NotSupported }
function optionChanged(socket: Socket, option: SocketOption): void { }
function available(socket: Socket): u32 { return pipeOf(socket).inLength }
function retransmits(socket: Socket): u32 { return pipeOf(socket).retransmits }

function listen(socket: Socket, backlog: u32): i32 {
  socket.state = SocketState.Listening
  listening = socket
  return Errno.None
}

function accept(socket: Socket, name: SocketName | null): i32 {
  if (accepted == made) return Errno.WouldBlock
  const handle: i32 = socketMake(SocketType.Stream, TCP)
  if (handle < 0) return handle
  const pipe = nth(pipes, accepted)
  accepted += 1
  const connection = socketOf(handle as number as u32) as Socket
  connection.state = SocketState.Connected
  connection.protocolState = address(pipe)
  pipe.socket = connection
  if (name != null) {
    name.address = pipe.client
    name.port = accepted
  }
  return handle
}

function send(socket: Socket, data: ptr, length: u32, flags: u32): i32 {
  const pipe = pipeOf(socket)
  if (pipe.inEnded) return Errno.ConnectionReset
  const room: u32 = pipe.outLimit - pipe.outLength
  const taken: u32 = length < room ? length : room
  if (taken == 0) return Errno.WouldBlock
  copyBytes(plus(pipe.out, pipe.outLength), data, taken)
  pipe.outLength += taken
  return taken as number as i32
}

function receive(socket: Socket, to: ptr, room: u32, flags: u32): i32 {
  const pipe = pipeOf(socket)
  if (pipe.inLength == 0) return pipe.inEnded ? 0 : Errno.WouldBlock
  const taken: u32 = pipe.inLength < room ? pipe.inLength : room
  if ((flags & MessageFlag.Truncate) == 0) copyBytes(to, pipe.in, taken)
  pipe.inLength -= taken
  moveBytes(pipe.in, plus(pipe.in, taken), pipe.inLength)
  return taken as number as i32
}

function shutdown(socket: Socket, how: Shut): i32 {
  if (how != Shut.Receive) pipeOf(socket).outEnded = true
  return Errno.None
}

function close(socket: Socket): void {
  if (socket.protocolState == 0) return
  pipeOf(socket).outEnded = true
  pipeOf(socket).socket = null
}

function eventsOf(socket: Socket): u32 {
  if (socket.state == SocketState.Listening) return accepted < made ? SocketEvent.In : SocketEvent.None
  const pipe = pipeOf(socket)
  let events: u32 = SocketEvent.None
  if (pipe.inLength != 0 || pipe.inEnded) events |= SocketEvent.In
  if (pipe.inEnded && pipe.outEnded) events |= SocketEvent.HangUp
  if (pipe.outLength < pipe.outLimit) events |= SocketEvent.Out
  return events
}

function error(
  local: u32, localPort: u32, remote: u32, remotePort: u32, type: u32, code: u32, mtu: u32, quoted: ptr,
): boolean {
  return false
}
