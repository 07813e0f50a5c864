// Sockets as the unit tests of kernel/net/socket and kernel/net/udp call them: the stack of net.ts, memory for the
// tables, rounds of a main loop in virtual time, and fields by number.

import { address, at, plus, sizeof, type PhysicalAddress, type i32, type ptr, type u32 } from '../../kernel/lib/layout.ts'
import { roundBegin, roundEnd, waitRegister } from '../../kernel/lib/wait.ts'
import { Packet, packetFree, packetPoolAdd } from '../../kernel/drivers/net/packet.ts'
import { framesAddRegion } from '../../kernel/mm/frames.ts'
import { netFlush, netPoll } from '../../kernel/net/poll.ts'
import { socketClose, socketReceiveFrom, socketSendTo } from '../../kernel/net/socket/api.ts'
import { pollSetOf, type PollSet } from '../../kernel/net/socket/poll-set.ts'
import { SocketMessage, SocketStatistics, type Socket } from '../../kernel/net/socket/socket.ts'
import { socketCounters, socketNext, socketOf, socketTotals, statisticLow } from '../../kernel/net/socket/table.ts'
import { socketReceiveFromWait } from '../../kernel/net/socket/wait.ts'
import { socketPolled, socketSleep } from '../../kernel/net/socket/wake.ts'
import { pollSleep, sleepOn } from '../../kernel/lib/sleep.ts'
import { udpBindConflict, udpEphemeralPort } from '../../kernel/net/udp/table.ts'
import { udpBind, type UdpBinding } from '../../kernel/net/udp/ports.ts'
import type { NetInterface } from '../../kernel/net/interface.ts'
import type { BindRules } from '../../kernel/net/socket/socket.ts'
import { streamHappens } from './fake-stream.ts'
import { advance } from './net-time.ts'

export { heapAllocate, heapInit, heapStats } from '../../kernel/mm/heap.ts'
export { framesFree } from '../../kernel/mm/frames.ts'
export { waitRound } from '../../kernel/lib/wait.ts'
export {
  socketAccept, socketBind, socketBindBy, socketClose, socketConnect, socketCreate, socketDisconnect, socketError,
  socketJoin, socketLeave, socketListen, socketReceive, socketReceiveFrom, socketReset, socketSend, socketSendTo,
  socketShutdown, socketsInit,
} from '../../kernel/net/socket/api.ts'
export { socketGetOption, socketSetOption } from '../../kernel/net/socket/options.ts'
export {
  pollSetAdd, pollSetClose, pollSetCreate, pollSetModify, pollSetReady, pollSetRemove, pollSetTake, socketEvents, socketPoll,
} from '../../kernel/net/socket/poll.ts'
export { socketPacketsHeld } from '../../kernel/net/socket/queue.ts'
export {
  pollSetWait, socketAcceptWait, socketConnectWait, socketPollWait, socketReceiveFromWait, socketReceiveWait,
  socketSendToWait, socketSendWait, socketWait,
} from '../../kernel/net/socket/wait.ts'
export { udpFlowHash, udpPortUsed } from '../../kernel/net/udp/table.ts'
export { fakeStreamAnswers, fakeStreamArgument, fakeStreamCalled, fakeStreamStart } from './fake-stream.ts'
export { discardCount, discardServiceStart } from '../../kernel/services/discard.ts'
export { chargenFill, chargenServiceStart } from '../../kernel/services/chargen.ts'

/** Give the frames memory to make tables from, once. */
export function memoryAdd(start: ptr, bytes: u32): u32 {
  const physical = (start & 0x7fffffff) as PhysicalAddress
  return framesAddRegion(physical, (physical + bytes) as PhysicalAddress)
}

/** More packet buffers of `size` bytes, in memory that begins at `memory`. */
export function packetsAdd(memory: ptr, count: u32, size: u32): void {
  const buffers = plus(memory, count * sizeof<Packet>())
  for (let i: u32 = 0; i < count; i++) {
    packetPoolAdd(plus(memory, i * sizeof<Packet>()), plus(buffers, i * size), (i * size) as PhysicalAddress, size)
  }
}

// --- Sleeping: test/kernel/sleepers.ts. --------------------------------------------------------------------
export { sleepersAsked, sleepersCount, sleepersStart, sleepersWoken } from './sleepers.ts'

/** Sleep for a socket, for a set, for whatever is polled. */
export function sleepForSocket(handle: u32, milliseconds: u32): i32 {
  return socketSleep(socketOf(handle) as Socket, milliseconds)
}
export function sleepForSet(handle: u32): i32 {
  return sleepOn((pollSetOf(handle) as PollSet).ready.waiters)
}
export function sleepPolling(): i32 {
  return pollSleep(5000)
}
export function pollSocket(handle: u32): void {
  socketPolled(socketOf(handle) as Socket)
}
export function pollSet(handle: u32): void {
  (pollSetOf(handle) as PollSet).ready.polled = true
}

// --- Rounds. ----------------------------------------------------------------------------------------------
let rounds: u32 = 0
let pollFrom: u32 = 0
let closing: u32 = 0

/** From now on waiting is virtual time, a millisecond a round; cards are polled from the `polled`th round on. */
export function roundsStart(polled: u32): void {
  rounds = 0
  pollFrom = polled
  waitRegister(round)
}

/** Close a socket in the middle of the next round. */
export function roundCloses(handle: u32): void {
  closing = handle
}

export function roundsRun(): u32 {
  return rounds
}

function round(): void {
  roundBegin()
  rounds += 1
  if (rounds >= pollFrom) netPoll(64)
  if (closing != 0) socketClose(closing)
  closing = 0
  advance(1)
  netFlush()
  roundEnd()
}

// --- Waiting where nobody may: in a packet's handler. --------------------------------------------------------
let refused: i32 = 0
let waiter: u32 = 0

/** A kernel function on `port` that tries to wait for the socket. */
export function waitInHandler(port: u32, handle: u32): i32 {
  waiter = handle
  return udpBind(port, waits, 0 as ptr)
}

function waits(binding: UdpBinding, ingress: NetInterface, packet: Packet, from: u32, fromPort: u32): void {
  refused = socketReceiveFromWait(waiter, 0 as ptr, 0, 0, null)
  packetFree(packet)
}

export function refusal(): i32 {
  return refused
}

// --- By number. -----------------------------------------------------------------------------------------------
/** 0 for a handle that is none, else its state + 1, local address, port, remote address, port, bytes and buffers queued, last error's type and code. */
export function socketField(handle: u32, field: u32): u32 {
  const socket = socketOf(handle)
  if (socket == null) return 0
  switch (field) {
    case 0: return socket.state + 1
    case 1: return socket.localAddress
    case 2: return socket.localPort
    case 3: return socket.remoteAddress
    case 4: return socket.remotePort
    case 5: return socket.receiveBytes
    case 6: return socket.receiveBuffers
    case 7: return socket.errorType
    case 8: return socket.errorCode
    case 9: return socket.errorMtu
    case 10: return socket.errorRemote
    case 11: return socket.errorPort
    default: return socket.groupCount
  }
}

/** bytes sent, bytes received, packets sent, packets received, send errors, receive errors, dropped. */
export function socketStatistic(handle: u32, which: u32): u32 {
  const socket = socketOf(handle)
  if (socket == null) return 0
  return statisticLow(plus(address(socket.statistics), which * 8))
}

/** The same over all sockets there ever were. */
export function socketTotal(out: ptr, which: u32): u32 {
  socketTotals(at<SocketStatistics>(out))
  return statisticLow(plus(out, which * 8))
}

/** open, created, refused, bind conflicts, port failures. */
export function socketCounter(which: u32): u32 {
  switch (which) {
    case 0: return socketCounters.open
    case 1: return socketCounters.created
    case 2: return socketCounters.refused
    case 3: return socketCounters.bindConflicts
    default: return socketCounters.portFailures
  }
}

/** The handle after `handle` in the table, 0 at the end. */
export function socketAfter(handle: u32): u32 {
  const next = socketNext(handle)
  return next != null ? next.handle : 0
}

export function streamHappensTo(handle: u32, now: u32): void {
  streamHappens(socketOf(handle), now)
}

/** How many watches of a set are in its ready list: those pollSetTake looks at. */
export function pollSetReadyCount(handle: u32): u32 {
  const set = pollSetOf(handle)
  return set != null ? set.ready.count : 0
}

export function bindConflict(a: u32, port: u32, reuseAddr: u32, reusePort: u32, rules: BindRules): boolean {
  return udpBindConflict(a, port, reuseAddr != 0, reusePort != 0, rules, null)
}

/** A free ephemeral port, where `taken` ones from 32768 on are somebody's. */
export function ephemeralBeyond(taken: u32): u32 {
  takenBelow = 32768 + taken
  return udpEphemeralPort(isTaken)
}

let takenBelow: u32 = 0

function isTaken(port: u32): boolean {
  return port < takenBelow
}

/** Receive and send back `count` datagrams that wait in the pool's cards: what a program's loop does. */
export function serve(handle: u32, buffer: ptr, room: u32, message: ptr): u32 {
  let served: u32 = 0
  while (true) {
    const got: i32 = socketReceiveFrom(handle, buffer, room, 0, at<SocketMessage>(message))
    if (got < 0) return served
    const from = at<SocketMessage>(message)
    socketSendTo(handle, buffer, got as number as u32, 0, from.address, from.port)
    served += 1
  }
}
