// RustOS's SocketManager (`net/socket.rs`): sockets by id. Main-loop context only.

import { struct, type u32 } from '../../lib/layout.ts'
import { socketClose, socketCreate } from '../socket/api.ts'
import { SocketType } from '../socket/socket.ts'
import { Protocol } from './address.ts'
import { NetworkError, networkErrorOf, type NetworkResult } from './error.ts'
import { socketById, type Socket } from './socket.ts'

/** What `withSocket` hands a socket to; its result is that of withSocket. */
export type WithSocket = (socket: Socket, argument: u32) => NetworkResult

/** The id of a new socket, from 1. Errors: NotSupported (no such protocol), InsufficientMemory (SOCKET_LIMIT, no memory). */
export function createSocket(type: SocketType, protocol: u32): NetworkResult {
  return networkErrorOf(socketCreate(type, protocol))
}

/** Close a socket and forget its id. Errors: InvalidAddress (no such socket). */
export function closeSocket(id: u32): NetworkResult {
  return networkErrorOf(socketClose(id))
}

/** Call a function with a live socket. Errors: InvalidAddress (no such socket), and the function's. */
export function withSocket(id: u32, f: WithSocket, argument: u32): NetworkResult {
  const socket = socketById(id)
  return socket == null ? NetworkError.InvalidAddress : f(socket, argument)
}

@struct
export class SocketManager {
  unused: u32 // there is one, and it has no state: the functions are what it is

  /** NotSupported as long as no stream protocol is registered. */
  static tcpSocket(): NetworkResult { return createSocket(SocketType.Stream, Protocol.TCP) }
  static udpSocket(): NetworkResult { return createSocket(SocketType.Datagram, Protocol.UDP) }
  static rawSocket(protocol: u32): NetworkResult { return createSocket(SocketType.Raw, protocol) }
  static closeSocket(id: u32): NetworkResult { return closeSocket(id) }
}
