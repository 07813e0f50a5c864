// A stream protocol for tests of the door it comes through (kernel/net/socket/stream.ts): it remembers what it was
// called with, answers what the test says, and connects in the second round.

import { staticStruct, type i32, type ptr, type u32 } from '../../kernel/lib/layout.ts'
import { Errno } from '../../kernel/lib/errno.ts'
import {
  SocketEvent, SocketState, type Shut, type Socket, type SocketName, type SocketOption,
} from '../../kernel/net/socket/socket.ts'
import { StreamOperations, streamRegister } from '../../kernel/net/socket/stream.ts'
import { socketWake } from '../../kernel/net/socket/wake.ts'

const operations = staticStruct<StreamOperations>()
/** The last call: 1 open, 2 bind, 3 listen, 4 accept, 5 connect, 6 send, 7 receive, 8 shutdown, 9 close, 11 option, 13 error. */
let called: u32 = 0
let argument: u32 = 0
let answer: i32 = 0
let events: u32 = 0

export function fakeStreamStart(): void {
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
  operations.segmentOf = available
  operations.retransmits = available
  streamRegister(operations)
}

export function fakeStreamAnswers(result: i32): void { answer = result }
export function fakeStreamCalled(): u32 { return called }
export function fakeStreamArgument(): u32 { return argument }

/** Something happened to a stream: its events are these now. */
export function streamHappens(socket: Socket | null, now: u32): void {
  events = now
  if (socket != null) socketWake(socket, now)
}

function note(which: u32, value: u32): i32 {
  called = which
  argument = value
  return answer
}

function open(socket: Socket): i32 { return note(1, socket.handle) }
function bind(socket: Socket, address: u32, port: u32): i32 { return note(2, port) }
function listen(socket: Socket, backlog: u32): i32 { return note(3, backlog) }
function accept(socket: Socket, name: SocketName | null): i32 { return note(4, 0) }
function send(socket: Socket, data: ptr, length: u32, flags: u32): i32 { return note(6, length) }
function receive(socket: Socket, to: ptr, room: u32, flags: u32): i32 { return note(7, room) }
function shutdown(socket: Socket, how: Shut): i32 { return note(8, how) }
function close(socket: Socket): void { note(9, socket.handle) }
function eventsNow(socket: Socket): u32 { return events }
function optionChanged(socket: Socket, option: SocketOption): void { note(11, option) }
function available(socket: Socket): u32 { return 777 }

function connect(socket: Socket, address: u32, port: u32): i32 {
  socket.state = SocketState.Connecting
  events = SocketEvent.None
  note(5, port)
  return Errno.InProgress
}

function error(
  local: u32, localPort: u32, remote: u32, remotePort: u32, type: u32, code: u32, mtu: u32, quoted: ptr,
): boolean {
  note(13, remotePort)
  return true
}
