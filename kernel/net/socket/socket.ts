// What a socket is: the one structure of datagram, raw and stream sockets, and the words for its states and options.
// Linux's semantics (socket(7), ip(7), udp(7), raw(7)); RustOS's names for types, states and options.
//
// Only data here: table.ts makes sockets, udp/, raw.ts and (for streams) what `streamRegister` was given do the work.

import {
  struct, type Bytes, type Embed, type Stored, type bool, type i32, type ptr, type u16, type u32, type u8,
} from '../../lib/layout.ts'
import type { Packet } from '../../drivers/net/packet.ts'
import type { NetInterface } from '../interface.ts'
import type { Ipv4Address } from '../ipv4/address.ts'
import type { Ipv4Sending } from '../ipv4/output.ts'
import type { WaitQueue } from '../../lib/sleep.ts'
import type { WatchList } from '../../lib/watch.ts'

/** In RustOS's order. */
export const enum SocketType { Stream, Datagram, Raw }
/** In RustOS's order. */
export const enum SocketState { Closed, Listening, Connecting, Connected, Closing }

/**
 * What may hold of a socket: Linux's POLLIN, POLLOUT, POLLERR, POLLHUP, POLLRDHUP (the peer of a stream sends no more). Error and
 * HangUp are always reported.
 */
export const enum SocketEvent { None = 0, In = 1, Out = 4, Error = 8, HangUp = 16, PeerEnded = 0x2000 }

/** Which buffers have a size that the user chose; the others of a stream grow by themselves. */
export const enum SizeChosen { None = 0, Receive = 1, Send = 2 }

/** For one send or receive: Linux's MSG_PEEK, MSG_TRUNC, MSG_DONTWAIT, MSG_MORE. `EndOfFile` is only reported. */
export const enum MessageFlag { None = 0, EndOfFile = 1, Peek = 2, Truncate = 0x20, DontWait = 0x40, More = 0x8000 }

/** What is shut: Linux's SHUT_RD, SHUT_WR, SHUT_RDWR. */
export const enum Shut { Receive, Send, Both }

/** Whose rules say who may share a port: udp(7)'s, or those of RustOS's udp.rs. */
export const enum BindRules { Linux, RustOs }

/** The first eight are RustOS's, in its order. Times are milliseconds, 0 for no limit; what is not said is 0 or 1. */
export const enum SocketOption {
  ReuseAddr, ReusePort, KeepAlive, NoDelay,
  RecvBufferSize, SendBufferSize, // bytes
  RecvTimeout, SendTimeout,
  Broadcast, // may send to broadcast addresses
  Ttl, // 1 to 255
  MulticastTtl, // 0 to 255
  MulticastLoop, // own groups hear what is sent
  Dscp, // 0 to 63: RFC 2474 §3
  TypeOfService, // all eight bits, ECN included
  MulticastAll, // groups that others on this host joined, too: IP_MULTICAST_ALL
  MulticastInterface, // 1 + index of the interface groups are reached by; 0: as the routes say
  NonBlocking,
  ReceiveErrors, // every ICMP error is reported, on unconnected sockets too: IP_RECVERR
  HeaderIncluded, // raw: the caller writes the IPv4 header
  DontFragment, // Fragmentation, ipv4/output.ts: IP_MTU_DISCOVER
  Error, // read only: the pending error, which is taken by reading
  Type, // read only
  Protocol, // read only
  Available, // read only: bytes of the next datagram, or of all that a stream has
  // Of streams; 0 stands for the usual value. tcp(7).
  MaximumSegment, // octets, TCP_MAXSEG: neither sent nor asked for more; read: what is sent
  Cork, // nothing less than a full segment is sent, for 200 ms at most; of UDP nothing, until it is off again
  UserTimeout, // how long what was sent may go unacknowledged
  KeepIdle, KeepInterval,
  KeepProbes, // how many go unanswered, up to 127
  CongestionControl, // 0 CUBIC (RFC 9438 §4), 1 NewReno (RFC 6582 §3), 2 Westwood+: TCP_CONGESTION; of a listener: of its connections
  NotSentLow, // octets never sent from which on no more is taken: TCP_NOTSENT_LOWAT
  AbortOnClose, // closing resets the connection and what is queued is lost: SO_LINGER with no time
  Linger, // how long a process that closes waits until what is queued is acknowledged: SO_LINGER
  Unacknowledged, // read only: 1 while something that is queued, or the end of the stream, is not acknowledged
}

/** u64 counters, least significant half first. */
@struct
export class SocketStatistics {
  bytesSent: Bytes<8>
  bytesReceived: Bytes<8> // by the reader
  packetsSent: Bytes<8>
  packetsReceived: Bytes<8>
  sendErrors: Bytes<8>
  receiveErrors: Bytes<8> // errors reported to the reader
  dropped: Bytes<8> // arrived and never read
}

/** One membership of a socket in a group. */
@struct
export class SocketGroup {
  next: SocketGroup | null
  group: Ipv4Address
  source: Ipv4Address // the one it listens to; 0: any. RFC 3376 §3.1
  netif: NetInterface
}

@struct
export class Socket {
  handle: u32
  hashNext: Socket | null // those with the same hash: udp/table.ts; raw sockets: all of them
  portNext: Socket | null // those with the same hash of the port, in the order they were bound
  localAddress: Ipv4Address // 0: any
  remoteAddress: Ipv4Address // 0: not connected
  localPort: u16 // 0: not bound
  remotePort: u16
  boundAddress: Ipv4Address // what bind asked for: localAddress when there is no peer
  protocol: u8 // IANA's number
  type: Stored<u8, SocketType>
  state: Stored<u8, SocketState>
  rules: Stored<u8, BindRules>
  // The receive queue.
  receiveFirst: Packet | null
  receiveLast: Packet | null
  receiveBytes: u32 // of data
  receiveBuffers: u32 // packets, each buffer of a chain counted
  receiveLimit: u32 // bytes
  sendLimit: u32 // bytes of one message
  receiveTimeout: u32 // milliseconds, 0: none
  sendTimeout: u32
  activity: u32 // milliseconds since boot, when it last was bound, sent, or something came
  error: i32 // to be reported by the next call; 0 none
  // Options.
  reuseAddr: Stored<u8, bool>
  reusePort: Stored<u8, bool>
  keepAlive: Stored<u8, bool>
  noDelay: Stored<u8, bool>
  broadcast: Stored<u8, bool>
  multicastLoop: Stored<u8, bool>
  multicastAll: Stored<u8, bool>
  nonBlocking: Stored<u8, bool>
  receiveErrors: Stored<u8, bool>
  headerIncluded: Stored<u8, bool>
  multicastTimeToLive: u8
  multicastInterface: u8 // 1 + index, 0: none
  portAsked: Stored<u8, bool> // bind named the port: disconnecting keeps it
  shutReceive: Stored<u8, bool>
  shutSend: Stored<u8, bool>
  sendBlocked: Stored<u8, bool> // in the list of those that wait for free packets
  groupCount: u8
  portHeld: Stored<u8, bool> // a stream: it is in the list of who has its port (not one that was accepted)
  sizesChosen: u8 // SizeChosen bits: the user has set the size of a buffer
  cork: Stored<u8, bool>
  userTimeout: u32 // milliseconds; of these and the next 0 is the usual
  keepIdle: u32
  keepInterval: u32
  notSentLow: u32 // octets
  linger: u32 // milliseconds
  maximumSegment: u16
  keepProbes: u8
  congestionControl: u8 // of the option of this name
  awaited: Stored<u8, bool> // a process sleeps in `waiters`, or polls: it is told of the next event
  polled: Stored<u8, bool> // by poll or select, which sleep on no socket's queue
  abortOnClose: Stored<u8, bool>
  reserved: u8
  sending: Embed<Ipv4Sending> // TTL, service, fragmentation
  groups: SocketGroup | null
  watchers: Embed<WatchList> // the poll sets and epolls it is in
  waiters: Embed<WaitQueue> // processes asleep in a call on it
  blockedNext: Socket | null
  // The last ICMP error about something this socket sent: ip(7), "IP_RECVERR".
  errorRemote: Ipv4Address
  errorMtu: u32 // of a "fragmentation needed"
  errorPort: u16
  errorType: u8
  errorCode: u8
  corked: ptr // pieces of a datagram to be: udp/cork.ts; 0: none
  protocolState: ptr // the stream protocol's own
  owner: ptr // whoever made the socket; the core never looks at it
  statistics: Embed<SocketStatistics>
}

/** An address and a port, filled in for the caller. */
@struct
export class SocketName {
  address: Ipv4Address
  port: u32
}

/** What is known of a datagram beside its bytes. */
@struct
export class SocketMessage {
  address: Ipv4Address // who sent it
  port: u32
  length: u32 // of the whole datagram
  flags: u32 // Truncate: there was more than room; EndOfFile
  destination: Ipv4Address // as the sender wrote it: RFC 1122 §4.1.3.5
  interfaceIndex: u32 // it came in by
  timeToLive: u32
  dscpEcn: u32
  timestamp: u32 // milliseconds since boot, when it was queued
}

/** Whether a socket is a peer's only: what comes from others is not for it. */
export function isConnected(socket: Socket): boolean {
  return socket.state == SocketState.Connected
}
