// The streams of a test as a whole: made, started, kept going, stopped. protocol.ts. Main-loop context only.

import { clockNow64, nowMilliseconds } from '../../lib/clock.ts'
import { Errno } from '../../lib/errno.ts'
import { add64, copy64, subtract64 } from '../../lib/intrinsics.ts'
import {
  at, staticStruct, struct, type Bytes, type Embed, type Stored, type bool, type i32, type ptr, type u32,
} from '../../lib/layout.ts'
import { zeroBytes } from '../../lib/memory.ts'
import { Timer, timerStart, timerStop } from '../../lib/timer.ts'
import { packetFree, type Packet } from '../../drivers/net/packet.ts'
import { LinkDestination } from '../../net/ethernet/header.ts'
import type { NetInterface } from '../../net/interface.ts'
import type { Ipv4Address } from '../../net/ipv4/address.ts'
import { Ipv4Header } from '../../net/ipv4/header.ts'
import { Drop, drop } from '../../net/stats.ts'
import { udpBind, udpUnbind, type UdpBinding } from '../../net/udp/ports.ts'
import { serviceEnd, type ServiceConnection } from '../stream-service.ts'
import { Parameters, isPaced, streamsExpected } from './parameters.ts'
import { IPERF3_PORT } from './protocol.ts'
import { streamAdd, streamForget, streamsClear, streamsCount, streamsFirst, streamsNumber, type Stream } from './stream.ts'
import {
  tcpStreamPrepare, tcpStreamReady, tcpStreamRetransmits, tcpStreamStart, tcpStreamStop, tcpStreamTick,
} from './tcp-streams.ts'
import {
  udpGreetingAnswer, udpStreamFind, udpStreamReceive, udpStreamTick, udpStreamWelcome, udpStreamsClear,
} from './udp-streams.ts'

/** The last stream that was missing is there. */
export type TestComplete = () => void

@struct
class Test {
  complete: TestComplete
  client: Ipv4Address
  startedAt: Bytes<8> // microseconds since boot: when it began to count
  duration: Bytes<8> // microseconds that counted, when it has stopped
  movedAt: u32 // milliseconds
  sequence: u32 // of the next stream of datagrams
  running: Stored<u32, bool>
  reserved: u32
  tick: Embed<Timer>
  omit: Embed<Timer>
}

const MILLISECONDS_PER_SECOND: u32 = 1000
const TICK: u32 = 1

/** What is measured. Written by the session before testOpen. */
export const parameters = staticStruct<Parameters>()
const test = staticStruct<Test>()

/**
 * Be ready for the streams of the client at an address; `complete` is called when they are all there. Errors: those of
 * udpBind.
 */
export function testOpen(client: Ipv4Address, complete: TestComplete): i32 {
  streamsClear()
  udpStreamsClear()
  test.client = client
  test.complete = complete
  test.sequence = 0
  test.running = false
  return parameters.datagrams ? udpBind(IPERF3_PORT, datagramReceived, 0 as ptr) : Errno.None
}

function isComplete(): boolean {
  return streamsCount() == streamsExpected(parameters)
}

/** A connection of the client's that is to be a stream; null when none is missing. The caller calls testProceed next. */
export function testJoin(connection: ServiceConnection, sequence: u32): Stream | null {
  if (parameters.datagrams || isComplete()) return null
  const stream = streamAdd(sequence)
  stream.connection = connection
  tcpStreamPrepare(connection, parameters)
  return stream
}

/** A stream has been made: if it was the last one, `complete` is called. */
export function testProceed(): void {
  if (isComplete()) test.complete()
}

/** All is there and the client knows: begin. */
export function testStart(): void {
  streamsNumber(parameters)
  test.running = true
  count()
  let each = streamsFirst()
  while (each != null) {
    tcpStreamStart(each, parameters)
    each = each.next
  }
  if (parameters.omitSeconds != 0) timerStart(test.omit, parameters.omitSeconds * MILLISECONDS_PER_SECOND, omitted)
  if (ticks()) timerStart(test.tick, TICK, tick)
}

/** Whether something is sent by the clock. */
function ticks(): boolean {
  return (parameters.reverse || parameters.bothWays) && (parameters.datagrams || isPaced(parameters))
}

function count(): void {
  copy64(test.startedAt, 0, clockNow64(), 0)
  test.movedAt = nowMilliseconds()
}

function omitted(timer: Timer): void {
  let each = streamsFirst()
  while (each != null) {
    tcpStreamRetransmits(each) // looks at them
    streamForget(each)
    each = each.next
  }
  count()
}

function tick(timer: Timer): void {
  let each = streamsFirst()
  while (each != null) {
    if (each.sends) moved(parameters.datagrams ? udpStreamTick(each, parameters) : tcpStreamTick(each, parameters))
    each = each.next
  }
  timerStart(timer, TICK, tick)
}

function moved(bytes: boolean): void {
  if (bytes) test.movedAt = nowMilliseconds()
}

/** Milliseconds since something was sent or received. */
export function testStill(): u32 {
  return nowMilliseconds() - test.movedAt
}

/** The connection of a stream is ready. Before the test begins it is only looked at for its end. */
export function testStreamReady(stream: Stream, events: u32): void {
  moved(tcpStreamReady(stream, events, parameters, test.running))
}

/** The client says that it is over: nothing more is sent, what is on its way still counts. */
export function testStop(): void {
  timerStop(test.tick)
  timerStop(test.omit)
  test.running = false
  subtract64(test.duration, clockNow64(), test.startedAt)
  let each = streamsFirst()
  while (each != null) {
    tcpStreamStop(each)
    each = each.next
  }
}

/** The u64 of microseconds that counted. */
export function testDuration(): ptr {
  return test.duration
}

/** Add up the bytes of all streams in one direction at `sum`, a u64. */
export function testBytes(sum: ptr, sent: boolean): void {
  zeroBytes(sum, 8)
  let each = streamsFirst()
  while (each != null) {
    if (each.sends == sent) add64(sum, sum, each.bytes)
    each = each.next
  }
}

/** The streams end, in whatever state they are. */
export function testClose(): void {
  timerStop(test.tick)
  timerStop(test.omit)
  test.running = false
  udpUnbind(IPERF3_PORT) // if it is bound
  let each = streamsFirst()
  while (each != null) {
    const connection = each.connection
    each.connection = null
    if (connection != null) serviceEnd(connection)
    each = each.next
  }
  streamsClear()
}

// --- Datagrams. --------------------------------------------------------------------------------------------------

function datagramReceived(binding: UdpBinding, ingress: NetInterface, packet: Packet, from: Ipv4Address, fromPort: u32): void {
  if (packet.linkDestination != LinkDestination.Us || from != test.client) return drop(packet, Drop.ServiceRefused)
  const stream = udpStreamFind(from, fromPort)
  const answer: u32 = test.running ? 0 : udpGreetingAnswer(packet)
  if (answer != 0) return greeted(stream, packet, from, fromPort, answer)
  if (stream == null) return drop(packet, Drop.ServiceRefused)
  if (stream.sends) return packetFree(packet)
  udpStreamReceive(stream, packet, parameters)
  moved(true)
}

/** A greeting, of a new stream or again of one that has not heard the answer. */
function greeted(known: Stream | null, packet: Packet, from: Ipv4Address, fromPort: u32, answer: u32): void {
  const local: Ipv4Address = at<Ipv4Header>(packet.networkHeader).destination
  if (known == null && isComplete()) return drop(packet, Drop.ServiceRefused)
  packetFree(packet)
  if (known != null) return udpStreamWelcome(known, answer)
  const stream = streamAdd(test.sequence)
  test.sequence += 1
  stream.local = local
  stream.remote = from
  stream.remotePort = fromPort
  udpStreamWelcome(stream, answer)
  testProceed()
}
