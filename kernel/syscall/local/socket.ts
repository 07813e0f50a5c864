// What a local socket is: one struct for streams, datagrams and sequenced packets. unix(7).
//
//   OpenFile ──data──▶ LocalSocket ──peer──▶ LocalSocket      counted: by its file, by peers, by what it has sent
//                        │ first … last       messages that have come, oldest first
//                        │ pending …          of a listener: connections that wait to be accepted
//                        └ name               counted too: peers and accepted sockets ask for it
//
// A message is charged to who sent it until it is read: `sent` is bounded by SO_SNDBUF, and so is what a queue of a stream holds.
// Context: a process's. Nothing here sleeps.

import { LOCAL_BUFFER, LOCAL_DATAGRAMS, LOCAL_SOCKET_LIMIT } from '../../config.ts'
import { FileOperations, type OpenFile } from '../../fs/file.ts'
import { Errno } from '../../lib/errno.ts'
import {
  address, at, sizeof, staticStruct, struct, type Embed, type Stored, type bool, type i32, type u16, type u32, type u8,
} from '../../lib/layout.ts'
import { WaitQueue, pollWake, wakeAll } from '../../lib/sleep.ts'
import { Pool, poolAllocate, poolFree, poolInit } from '../../mm/pool.ts'
import { PeerCredentials, NOBODY, peerCredentialsSet } from './credentials.ts'
import type { Message } from './message.ts'
import { nameRelease, type LocalName } from './name.ts'

/** Linux's numbers. */
export const enum LocalType { Stream = 1, Datagram = 2, SequencedPacket = 5 }
export const enum LocalState { Closed, Listening, Connected }
/** Directions that are shut. */
export const enum LocalShut { None = 0, Receive = 1, Send = 2, Both = 3 }

@struct
export class LocalSocket {
  count: u32 // who knows it
  file: OpenFile | null // null: it waits to be accepted, or is closed
  peer: LocalSocket | null // held
  name: LocalName | null // held
  first: Message | null // what has come
  last: Message | null
  queued: u32 // messages; of a listener, connections that are pending
  unread: u32 // bytes of them
  pendingFirst: LocalSocket | null // of a listener, oldest first; each holds the count that its file will have
  pendingLast: LocalSocket | null
  pendingNext: LocalSocket | null // of one that waits there
  sent: u32 // bytes of memory of what it has sent and nobody has read
  sendLimit: u32 // SO_SNDBUF
  receiveLimit: u32 // SO_RCVBUF, which limits nothing: unix(7)
  receiveTimeout: u32 // milliseconds, 0: none
  sendTimeout: u32
  backlog: u32 // one more than this may be queued: by listen; of datagrams LOCAL_DATAGRAMS
  error: i32 // to be told by the next call; 0: none
  waiters: Embed<WaitQueue> // for a message, for room in it, for what it has sent to be read, for a connection
  credentials: Embed<PeerCredentials> // the peer's: SO_PEERCRED
  flightNext: LocalSocket | null // among those whose descriptors are on their way: rights.ts
  flightPrevious: LocalSocket | null
  reachNext: LocalSocket | null // cycles.ts, while it looks
  outside: u32 // and how many there know it whom it does not look at
  switches: u16 // options that are on and change nothing: option.ts
  type: Stored<u8, LocalType>
  state: Stored<u8, LocalState>
  shut: u8 // LocalShut
  closed: Stored<u8, bool> // its file is, or it never got one
  passCredentials: Stored<u8, bool> // SO_PASSCRED
  binding: Stored<u8, bool> // bind is at work, and may sleep
}

const sockets = staticStruct<Pool>()
const operations = staticStruct<FileOperations>()

/** Once, before the first. */
export function localSocketsInit(): void {
  poolInit(sockets, 'local-sockets', sizeof<LocalSocket>(), LOCAL_SOCKET_LIMIT)
}

/** What files of local sockets can do: filled in by file.ts. */
export function localOperations(): FileOperations {
  return operations
}

/** The local socket that a file is, or null. */
export function localOfFile(file: OpenFile): LocalSocket | null {
  return file.operations == operations ? at<LocalSocket>(file.data) : null
}

/** Local sockets there are, for the self-test. */
export function localSocketsUsed(): u32 {
  return sockets.used
}

/** A socket without a file, counted once; null when there are LOCAL_SOCKET_LIMIT, or no memory. */
export function localCreate(type: LocalType): LocalSocket | null {
  const memory = poolAllocate(sockets)
  if (memory == 0) return null
  const socket = at<LocalSocket>(memory)
  socket.count = 1
  socket.type = type
  socket.sendLimit = LOCAL_BUFFER
  socket.receiveLimit = LOCAL_BUFFER
  socket.backlog = LOCAL_DATAGRAMS
  peerCredentialsSet(socket.credentials, 0, NOBODY, NOBODY)
  return socket
}

/** One more knows it. */
export function localHold(socket: LocalSocket): LocalSocket {
  socket.count += 1
  return socket
}

/** One less knows it; with the last it is gone. */
export function localRelease(socket: LocalSocket): void {
  socket.count -= 1
  if (socket.count != 0) return
  if (socket.name != null) nameRelease(socket.name)
  poolFree(sockets, address(socket))
}

/** Something about it has changed: who waits for it looks again. */
export function localChanged(socket: LocalSocket): void {
  wakeAll(socket.waiters)
  pollWake()
}

/** The error it has to tell, which is told once; None. */
export function localErrorTake(socket: LocalSocket): i32 {
  const error = socket.error
  socket.error = Errno.None
  return error
}

/** Whether it has a peer of its own, as streams and sequenced packets do. */
export function localConnects(socket: LocalSocket): boolean {
  return socket.type != LocalType.Datagram
}

/** Fields that others change while a caller sleeps: read through functions, so that TypeScript believes nothing of them. */
export function localState(socket: LocalSocket): LocalState {
  return socket.state
}
export function localClosed(socket: LocalSocket): boolean {
  return socket.closed
}
export function localShut(socket: LocalSocket): u32 {
  return socket.shut
}
