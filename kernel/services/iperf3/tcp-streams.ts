// Streams over TCP: what is received is thrown away where it lies, what is sent is the same block again and again.
// Main-loop context only.

import { IPERF3_BURST, IPERF3_SEND_BLOCK } from '../../config.ts'
import { Errno } from '../../lib/errno.ts'
import { increase64 } from '../../lib/intrinsics.ts'
import { staticMemory, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import { socketReceive, socketSend, socketShutdown } from '../../net/socket/api.ts'
import { socketSetOption } from '../../net/socket/options.ts'
import { MessageFlag, Shut, SocketEvent, SocketOption, type Socket } from '../../net/socket/socket.ts'
import { streamProtocol, type StreamOperations } from '../../net/socket/stream.ts'
import { socketOf } from '../../net/socket/table.ts'
import { serviceAwait, serviceClose, type ServiceConnection } from '../stream-service.ts'
import { paceAdvance, paceAllows, paceForfeit, paceSpend } from './pace.ts'
import { isPaced, type Parameters } from './parameters.ts'
import type { Stream } from './stream.ts'

/** What one call takes at most of what has come. */
const MOST_TAKEN: u32 = 1 << 24

/** Zeros, never written. */
const block = staticMemory(IPERF3_SEND_BLOCK, 4096)

/** A stream's connection is there: its options as the client wants them. What TCP refuses stays as it is. */
export function tcpStreamPrepare(connection: ServiceConnection, p: Parameters): void {
  const handle: u32 = connection.watched.handle
  if (p.noDelay) socketSetOption(handle, SocketOption.NoDelay, 1)
  if (p.service != 0) socketSetOption(handle, SocketOption.TypeOfService, p.service)
  if (p.window == 0) return
  socketSetOption(handle, SocketOption.RecvBufferSize, p.window)
  socketSetOption(handle, SocketOption.SendBufferSize, p.window)
}

/** The test runs. A sender that is paced is sent by the clock (tcpStreamTick), every other when there is room or data. */
export function tcpStreamStart(stream: Stream, p: Parameters): void {
  if (stream.connection == null) return
  const events: u32 = stream.sends ? (isPaced(p) ? SocketEvent.None : SocketEvent.Out) : SocketEvent.In
  serviceAwait(stream.connection, events)
}

/** The test is over: what is queued still goes, then the end of the stream. */
export function tcpStreamStop(stream: Stream): void {
  if (stream.connection == null || !stream.sends) return
  socketShutdown(stream.connection.watched.handle, Shut.Send)
  serviceAwait(stream.connection, SocketEvent.In)
}

/** The connection is ready: true when bytes have moved. `sending`: the test still runs. */
export function tcpStreamReady(stream: Stream, events: u32, p: Parameters, sending: boolean): boolean {
  if (stream.connection == null) return false
  if (stream.sends && sending && (events & SocketEvent.Out) != 0) return sendBurst(stream, p)
  return receive(stream)
}

function receive(stream: Stream): boolean {
  const connection = stream.connection as ServiceConnection
  const got: i32 = socketReceive(connection.watched.handle, 0 as ptr, MOST_TAKEN, MessageFlag.Truncate)
  if (got == Errno.WouldBlock) return false
  if (got <= 0) {
    ended(stream)
    return false
  }
  if (!stream.sends) increase64(stream.bytes, got as number as u32)
  return true
}

/** As much as there is room for, up to a burst: then the others have their turn. */
function sendBurst(stream: Stream, p: Parameters): boolean {
  let moved: u32 = 0
  while (moved < IPERF3_BURST) {
    const took: u32 = sendBlock(stream, p)
    if (took == 0) return moved != 0
    moved += took
  }
  return true
}

/** A millisecond has passed: send what the rate allows by now. True when bytes have moved. */
export function tcpStreamTick(stream: Stream, p: Parameters): boolean {
  let moved: u32 = 0
  paceAdvance(stream.pace, p.rate)
  while (paceAllows(stream.pace, blockLength(p)) && stream.connection != null) {
    const took: u32 = sendBlock(stream, p)
    if (took == 0) paceForfeit(stream.pace)
    else paceSpend(stream.pace, took)
    moved += took
  }
  return moved != 0
}

function blockLength(p: Parameters): u32 {
  return p.length < IPERF3_SEND_BLOCK ? p.length : IPERF3_SEND_BLOCK
}

/** One write of a block: how many bytes were taken; 0 for no room, or the end. */
function sendBlock(stream: Stream, p: Parameters): u32 {
  const connection = stream.connection as ServiceConnection
  const took: i32 = socketSend(connection.watched.handle, block, blockLength(p), 0)
  if (took == Errno.WouldBlock) return 0
  if (took <= 0) {
    ended(stream)
    return 0
  }
  increase64(stream.bytes, took as number as u32)
  return took as number as u32
}

/** How many segments were sent again since the omitted seconds. */
export function tcpStreamRetransmits(stream: Stream): u32 {
  if (stream.connection != null) stream.retransmits = retransmitsOf(stream.connection)
  return stream.retransmits - stream.retransmitsBefore
}

function retransmitsOf(connection: ServiceConnection): u32 {
  const socket = socketOf(connection.watched.handle) as Socket
  const streams = streamProtocol() as StreamOperations
  return streams.retransmits(socket)
}

/** The client has closed it, or it is broken. */
function ended(stream: Stream): void {
  const connection = stream.connection as ServiceConnection
  stream.retransmits = retransmitsOf(connection)
  stream.connection = null
  serviceClose(connection)
}
