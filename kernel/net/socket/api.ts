// The calls on sockets, by handle, none of which waits (wait.ts has those that do): each checks what is common to all
// types and goes on to the type's own. Every call gives BadHandle for a handle that is none. Main-loop context only.
//
// A message or a stream that can not move now is WouldBlock; a stream's end is 0; anything else that is negative is an
// error. An error that the network reported is given by the next call, whatever it is, and then forgotten.

import { Errno } from '../../lib/errno.ts'
import { increase64 } from '../../lib/intrinsics.ts'
import type { i32, ptr, u32 } from '../../lib/layout.ts'
import { icmpErrorsTo } from '../icmp/received.ts'
import type { Ipv4Address } from '../ipv4/address.ts'
import { IpProtocol } from '../ipv4/header.ts'
import {
  udpSocketBind, udpSocketConnect, udpSocketDisconnect, udpSocketSend, udpSocketUnbind,
} from '../udp/socket.ts'
import { udpTableInit } from '../udp/table.ts'
import { udpCorkDrop, udpIsInPieces, udpSocketSendPiece } from '../udp/cork.ts'
import { socketIcmpError } from './error.ts'
import { groupJoin, groupLeave, groupLeaveAll, groupsInit } from './groups.ts'
import { socketTakeError } from './options.ts'
import { pollSetsInit, watchesRemoveOf } from './poll-set.ts'
import { socketQueueClear, socketQueueInit } from './queue.ts'
import { rawBind, rawClose, rawConnect, rawDisconnect, rawInit, rawOpen, rawSend } from './raw.ts'
import { messageTake } from './receive.ts'
import {
  BindRules, MessageFlag, Shut, SocketEvent, SocketState, SocketType, type Socket, type SocketMessage, type SocketName,
} from './socket.ts'
import { streamProtocol, type StreamOperations } from './stream.ts'
import { socketMake, socketOf, socketTableInit, socketUnmake } from './table.ts'
import { socketUnblock, socketWake, socketWakeInit } from './wake.ts'

const HIGHEST_PROTOCOL: u32 = 255

/** No sockets; errors from the network come here. Called by netInit. */
export function socketsInit(): void {
  socketTableInit()
  socketQueueInit()
  socketWakeInit()
  pollSetsInit()
  groupsInit()
  udpTableInit()
  rawInit()
  icmpErrorsTo(socketIcmpError)
}

/**
 * A new socket: its handle. `protocol` 0 is the type's usual one; of a raw socket it is the protocol it hears.
 * Errors: InvalidArgument (no type), ProtocolNotSupported (not of this type; streams while there is no stream
 * protocol), FileTableFull (SOCKET_LIMIT), OutOfMemory.
 */
export function socketCreate(type: SocketType, protocol: u32): i32 {
  const chosen: u32 = protocolFor(type, protocol)
  if (type > SocketType.Raw) return Errno.InvalidArgument
  if (chosen == 0) return Errno.ProtocolNotSupported
  const handle: i32 = socketMake(type, chosen)
  if (handle < 0) return handle
  const socket = socketOf(handle as number as u32) as Socket
  if (type == SocketType.Raw) rawOpen(socket)
  if (type != SocketType.Stream) return handle
  const opened: i32 = streams().open(socket)
  if (opened == Errno.None) return handle
  socketUnmake(socket)
  return opened
}

/** The protocol that is meant, 0 for none. */
function protocolFor(type: SocketType, protocol: u32): u32 {
  if (type == SocketType.Raw) return protocol <= HIGHEST_PROTOCOL ? protocol : 0
  if (type == SocketType.Stream && streamProtocol() == null) return 0
  const usual: u32 = type == SocketType.Stream ? IpProtocol.Tcp : IpProtocol.Udp
  return protocol == 0 || protocol == usual ? usual : 0
}

/** The stream protocol: there is one when there is a stream socket. */
function streams(): StreamOperations {
  return streamProtocol() as StreamOperations
}

/**
 * Give a socket its own address (0: any of ours) and port (0: a free one), with Linux's rules of who may share.
 * Errors: those of udpSocketBind, rawBind, the stream protocol.
 */
export function socketBind(handle: u32, address: Ipv4Address, port: u32): i32 {
  return socketBindBy(handle, address, port, BindRules.Linux)
}

/** As socketBind, with the rules named. */
export function socketBindBy(handle: u32, address: Ipv4Address, port: u32, rules: BindRules): i32 {
  const socket = socketOf(handle)
  if (socket == null) return Errno.BadHandle
  switch (socket.type) {
    case SocketType.Datagram: return udpSocketBind(socket, address, port, rules)
    case SocketType.Raw: return rawBind(socket, address)
    default: return streams().bind(socket, address, port)
  }
}

/** Take connections, `backlog` waiting at once. Errors: NotSupported (not a stream), and the protocol's. */
export function socketListen(handle: u32, backlog: u32): i32 {
  const socket = socketOf(handle)
  if (socket == null) return Errno.BadHandle
  return socket.type == SocketType.Stream ? streams().listen(socket, backlog) : Errno.NotSupported
}

/** The handle of a connection that waited. Errors: NotSupported (not a stream), WouldBlock, and the protocol's. */
export function socketAccept(handle: u32, name: SocketName | null): i32 {
  const socket = socketOf(handle)
  if (socket == null) return Errno.BadHandle
  return socket.type == SocketType.Stream ? streams().accept(socket, name) : Errno.NotSupported
}

/** Name the peer. A stream: InProgress until it has answered. Errors: udpSocketConnect, rawConnect, the protocol's. */
export function socketConnect(handle: u32, address: Ipv4Address, port: u32): i32 {
  const socket = socketOf(handle)
  if (socket == null) return Errno.BadHandle
  switch (socket.type) {
    case SocketType.Datagram: return udpSocketConnect(socket, address, port)
    case SocketType.Raw: return rawConnect(socket, address)
    default: return streams().connect(socket, address, port)
  }
}

/** Have no peer any more. Errors: NotConnected, NotSupported (streams: close them). */
export function socketDisconnect(handle: u32): i32 {
  const socket = socketOf(handle)
  if (socket == null) return Errno.BadHandle
  switch (socket.type) {
    case SocketType.Datagram: return udpSocketDisconnect(socket)
    case SocketType.Raw: return rawDisconnect(socket)
    default: return Errno.NotSupported
  }
}

/**
 * Send to the peer: how many bytes were taken, of a datagram all. Errors: DestinationRequired (no peer), the stream
 * protocol's, and those of socketSendTo.
 */
export function socketSend(handle: u32, data: ptr, length: u32, flags: u32): i32 {
  const socket = socketOf(handle)
  if (socket == null) return Errno.BadHandle
  const refused: i32 = refusal(socket)
  if (refused != Errno.None) return sendFailed(socket, refused)
  if (socket.type == SocketType.Stream) return sendFailed(socket, streams().send(socket, data, length, flags))
  if (socket.state != SocketState.Connected) return sendFailed(socket, Errno.DestinationRequired)
  return message(socket, data, length, flags, socket.remoteAddress, socket.remotePort)
}

/**
 * Send one message to somebody, connected or not. Errors: BrokenPipe (shut), the error that is pending, IsConnected
 * and NotConnected (a stream), and those of udpSocketSend, udpSocketSendPiece or rawSend.
 */
export function socketSendTo(handle: u32, data: ptr, length: u32, flags: u32, address: Ipv4Address, port: u32): i32 {
  const socket = socketOf(handle)
  if (socket == null) return Errno.BadHandle
  const refused: i32 = refusal(socket)
  if (refused != Errno.None) return sendFailed(socket, refused)
  if (socket.type == SocketType.Stream) {
    return sendFailed(socket, socket.state == SocketState.Connected ? Errno.IsConnected : Errno.NotConnected)
  }
  return message(socket, data, length, flags, address, port)
}

function message(socket: Socket, data: ptr, length: u32, flags: u32, address: Ipv4Address, port: u32): i32 {
  if (socket.type == SocketType.Raw) return sendFailed(socket, rawSend(socket, data, length, address))
  const more = (flags & MessageFlag.More) != 0
  if (udpIsInPieces(socket, more)) return sendFailed(socket, udpSocketSendPiece(socket, data, length, address, port, more))
  return sendFailed(socket, udpSocketSend(socket, data, length, address, port))
}

/** Why nothing can be sent now, whatever it is: an error that waits to be told, or the direction is shut. */
function refusal(socket: Socket): i32 {
  if (socket.error != Errno.None) return socketTakeError(socket)
  return socket.shutSend ? Errno.BrokenPipe : Errno.None
}

function sendFailed(socket: Socket, result: i32): i32 {
  if (result < 0 && result != Errno.WouldBlock) increase64(socket.statistics.sendErrors, 1)
  return result
}

/** As socketReceiveFrom, without asking who sent it. */
export function socketReceive(handle: u32, to: ptr, room: u32, flags: u32): i32 {
  return socketReceiveFrom(handle, to, room, flags, null)
}

/**
 * The oldest message, or a stream's next bytes: how many were copied to `to`, `room` at most; of a stream 0 is its
 * end, of a datagram it may be an empty one. Errors: WouldBlock, the error that is pending, the protocol's.
 */
export function socketReceiveFrom(handle: u32, to: ptr, room: u32, flags: u32, message: SocketMessage | null): i32 {
  const socket = socketOf(handle)
  if (socket == null) return Errno.BadHandle
  if (socket.type == SocketType.Stream) return streams().receive(socket, to, room, flags) // what came before an error first
  if (socket.error != Errno.None) {
    increase64(socket.statistics.receiveErrors, 1)
    return socketTakeError(socket)
  }
  return messageTake(socket, to, room, flags, message)
}

/** The pending error, or None; it is pending no more. */
export function socketError(handle: u32): i32 {
  const socket = socketOf(handle)
  return socket != null ? socketTakeError(socket) : Errno.BadHandle
}

/**
 * End one direction or both. What waits can still be read. Errors: InvalidArgument, NotConnected: as on Linux the
 * direction of an unconnected datagram socket is shut nevertheless.
 */
export function socketShutdown(handle: u32, how: Shut): i32 {
  const socket = socketOf(handle)
  if (socket == null) return Errno.BadHandle
  if (how > Shut.Both) return Errno.InvalidArgument
  if (socket.type == SocketType.Stream) return streams().shutdown(socket, how)
  if (how != Shut.Send) socket.shutReceive = true
  if (how != Shut.Receive) socket.shutSend = true
  socketWake(socket, SocketEvent.In | SocketEvent.Out | SocketEvent.HangUp)
  return socket.state == SocketState.Connected ? Errno.None : Errno.NotConnected
}

/**
 * Become a member of a group by an interface: 1 + its index, or 0 for the one the routes say; `source` 0: any.
 * Errors: those of groupJoin.
 */
export function socketJoin(handle: u32, group: Ipv4Address, choice: u32, source: Ipv4Address): i32 {
  const socket = socketOf(handle)
  return socket != null ? groupJoin(socket, group, choice, source) : Errno.BadHandle
}

/** Undo one join. Errors: groupLeave. */
export function socketLeave(handle: u32, group: Ipv4Address, choice: u32, source: Ipv4Address): i32 {
  const socket = socketOf(handle)
  return socket != null ? groupLeave(socket, group, choice, source) : Errno.BadHandle
}

/** What a socket's own and its peer's address are; unbound and unconnected: 0. */
export function socketNames(handle: u32, local: SocketName, remote: SocketName): i32 {
  const socket = socketOf(handle)
  if (socket == null) return Errno.BadHandle
  local.address = socket.localAddress
  local.port = socket.localPort
  remote.address = socket.remoteAddress
  remote.port = socket.remotePort
  return Errno.None
}

/** Off its port, out of its groups, nothing waiting, no peer, no error: as new, but for its options and statistics. */
export function socketReset(handle: u32): i32 {
  const socket = socketOf(handle)
  if (socket == null) return Errno.BadHandle
  release(socket)
  socket.shutReceive = false
  socket.shutSend = false
  if (socket.type == SocketType.Raw) rawOpen(socket)
  if (socket.type == SocketType.Stream) return streams().open(socket)
  return Errno.None
}

/** Close a socket: its port is free again, its groups are left, what waits is gone, and its handle is none. */
export function socketClose(handle: u32): i32 {
  const socket = socketOf(handle)
  if (socket == null) return Errno.BadHandle
  watchesRemoveOf(socket)
  release(socket)
  socketUnmake(socket)
  return Errno.None
}

function release(socket: Socket): void {
  if (socket.type == SocketType.Stream) streams().close(socket)
  if (socket.type == SocketType.Raw) rawClose(socket)
  groupLeaveAll(socket)
  udpCorkDrop(socket)
  if (socket.type == SocketType.Datagram || socket.type == SocketType.Raw) unbind(socket)
  socketQueueClear(socket)
  socketUnblock(socket)
  socket.error = Errno.None
}

function unbind(socket: Socket): void {
  if (socket.type == SocketType.Datagram) return udpSocketUnbind(socket)
  socket.state = SocketState.Closed
  socket.localAddress = 0
  socket.boundAddress = 0
  socket.remoteAddress = 0
}
