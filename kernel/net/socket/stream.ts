// The door for a stream protocol: what it has to be able to do, as references to its functions. While none is
// registered, making a stream socket is ProtocolNotSupported. Main-loop context.
//
// Each function works on a socket the core has checked to be open; errors are Errno, and nothing here waits: what can not be
// done now is WouldBlock. The protocol keeps its state at `socket.protocolState`, sets the socket's state and addresses,
// and calls socketWake when an event begins to hold.

import { struct, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import type { Ipv4Address } from '../ipv4/address.ts'
import type { Shut, Socket, SocketName, SocketOption } from './socket.ts'

@struct
export class StreamOperations {
  /** A socket was made. */
  open: (socket: Socket) => i32
  /** Take an address and a port, 0 for one of the protocol's choice. */
  bind: (socket: Socket, address: Ipv4Address, port: u32) => i32
  /** Take connections, `backlog` of them waiting; again changes the backlog. */
  listen: (socket: Socket, backlog: u32) => i32
  /** The handle of the oldest connection that waits; its peer into `name`, unless that is null. */
  accept: (socket: Socket, name: SocketName | null) => i32
  /** Begin to connect: InProgress until it is; then a send or SocketOption.Error tells. */
  connect: (socket: Socket, address: Ipv4Address, port: u32) => i32
  /** Queue bytes: how many were taken, at least one. */
  send: (socket: Socket, data: ptr, length: u32, flags: u32) => i32
  /** Take bytes: how many; 0 when the peer has ended its stream. */
  receive: (socket: Socket, to: ptr, room: u32, flags: u32) => i32
  /** End one direction or both. */
  shutdown: (socket: Socket, how: Shut) => i32
  /** The socket goes away after this; the connection may live on without it. */
  close: (socket: Socket) => void
  /** The SocketEvents that hold. */
  events: (socket: Socket) => u32
  /** An option has a new value. */
  optionChanged: (socket: Socket, option: SocketOption) => void
  /** socketIcmpError's: an error about a segment; true when such a connection exists. `quoted` has its sequence number. */
  error: (
    local: Ipv4Address, localPort: u32, remote: Ipv4Address, remotePort: u32,
    type: u32, code: u32, mtu: u32, quoted: ptr,
  ) => boolean
  /** Bytes that can be read now. */
  available: (socket: Socket) => u32
  /** Whether something that is queued, or the end of the stream, is not acknowledged. */
  unacknowledged: (socket: Socket) => boolean
  /** Octets of a full segment; without a connection what the user asked for, or the usual. */
  segmentOf: (socket: Socket) => u32
  /** Segments sent again so far, modulo 2^32. */
  retransmits: (socket: Socket) => u32
}

let operations: StreamOperations | null = null

/** Stream sockets are this protocol's from now on. */
export function streamRegister(protocol: StreamOperations): void {
  operations = protocol
}

/** The stream protocol, or null. */
export function streamProtocol(): StreamOperations | null {
  return operations
}
