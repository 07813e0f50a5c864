// A stream protocol that does as it is told, for the checks that RustOS's Socket makes before it asks one.

import { Errno } from '../../kernel/lib/errno.ts'
import { staticStruct, type i32, type ptr, type u32 } from '../../kernel/lib/layout.ts'
import { SocketEvent, SocketState, type Shut, type Socket, type SocketName, type SocketOption } from '../../kernel/net/socket/socket.ts'
import { StreamOperations, streamRegister } from '../../kernel/net/socket/stream.ts'


const operations = staticStruct<StreamOperations>()
let answer: i32 = 0
let asked: u32 = 0
let backlogOf: u32 = 0
let waiting: i32 = 0

/** Register it. */
export function toldStreamStart(): void {
  operations.open = open
  operations.bind = bind
  operations.listen = listen
  operations.accept = accept
  operations.connect = connect
  operations.send = send
  operations.receive = receive
  operations.shutdown = shutdown
  operations.close = close
  operations.events = events
  operations.optionChanged = optionChanged
  operations.error = error
  operations.available = available
  streamRegister(operations)
}

/** What it answers to a connect, a send or a receive from now on. */
export function toldStreamAnswers(value: i32): void { answer = value }
/** How often it was asked for anything but to open and close. */
export function toldStreamAsked(): u32 { return asked }
export function toldStreamBacklog(): u32 { return backlogOf }
/** The handle of a connection that waits to be accepted, 0 none. */
export function toldStreamWaits(handle: i32): void { waiting = handle }

function open(socket: Socket): i32 {
  socket.state = SocketState.Closed
  return Errno.None
}
function bind(socket: Socket, a: u32, port: u32): i32 {
  asked += 1
  socket.localAddress = a
  socket.boundAddress = a
  socket.localPort = port
  return Errno.None
}
function listen(socket: Socket, backlog: u32): i32 {
  asked += 1
  backlogOf = backlog
  socket.state = SocketState.Listening
  return Errno.None
}
function accept(socket: Socket, name: SocketName | null): i32 {
  asked += 1
  const handle = waiting
  waiting = 0
  return handle != 0 ? handle : Errno.WouldBlock
}
function connect(socket: Socket, a: u32, port: u32): i32 {
  asked += 1
  if (answer == Errno.None) {
    socket.state = SocketState.Connected
    socket.remoteAddress = a
    socket.remotePort = port
  }
  return answer
}
function send(socket: Socket, data: ptr, length: u32, flags: u32): i32 {
  asked += 1
  return answer
}
function receive(socket: Socket, to: ptr, room: u32, flags: u32): i32 {
  asked += 1
  return answer
}
function shutdown(socket: Socket, how: Shut): i32 { return Errno.None }
function close(socket: Socket): void {
  socket.state = SocketState.Closed
  socket.localAddress = 0
  socket.boundAddress = 0
  socket.localPort = 0
  socket.remoteAddress = 0
  socket.remotePort = 0
}
function events(socket: Socket): u32 { return SocketEvent.Out }
function optionChanged(socket: Socket, option: SocketOption): void {}
function error(local: u32, localPort: u32, remote: u32, remotePort: u32, type: u32, code: u32, mtu: u32, quoted: ptr): boolean {
  return false
}
function available(socket: Socket): u32 { return 0 }
