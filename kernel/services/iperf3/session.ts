// What the control connection says, and what follows from it: one client at a time. protocol.ts. Main-loop context only.
//
//   Idle -> Parameters -> Streams -> Running -> Results -> Display -> Idle
//
// Each state has its time, and a test in which nothing moves for IPERF3_STALL ends: a client that vanishes keeps the
// next one waiting no longer. Whatever is not the protocol ends the test at once.

import { IPERF3_GRACE, IPERF3_HANDSHAKE, IPERF3_STALL } from '../../config.ts'
import { nowMilliseconds } from '../../lib/clock.ts'
import { Errno } from '../../lib/errno.ts'
import { add64, load8 } from '../../lib/intrinsics.ts'
import {
  address, plus, staticMemory, staticStruct, struct,
  type Bytes, type Embed, type Stored, type cstring, type i32, type ptr, type u32,
} from '../../lib/layout.ts'
import { Level, logDecimal, logDecimal64, logEnd, logIpv4, logStart, logText } from '../../lib/log.ts'
import { copyBytes, equalBytes, zeroBytes } from '../../lib/memory.ts'
import { Timer, timerStart, timerStop } from '../../lib/timer.ts'
import { socketReceive } from '../../net/socket/api.ts'
import { serviceEnd, type ServiceConnection } from '../stream-service.ts'
import {
  controlFlush, controlMessage, controlMessageEnd, controlRefuse, controlSignal, controlStart,
} from './control.ts'
import { jsonNumberLarge } from './json-number.ts'
import { JsonKind, jsonIsNamed, type JsonReader } from './json-reader.ts'
import { Message, MessageState, messageRead, messageStart } from './message.ts'
import { parameterFound, parametersRefusal, parametersStart } from './parameters.ts'
import { COOKIE_LENGTH, Refusal, Signal } from './protocol.ts'
import { resultsWrite } from './results.ts'
import type { Stream } from './stream.ts'
import {
  parameters, testBytes, testClose, testDuration, testJoin, testOpen, testStart, testStill, testStop,
} from './test.ts'

const enum Phase { Idle, Parameters, Streams, Running, Results, Display }

@struct
class Session {
  control: ServiceConnection | null
  phase: Stored<u32, Phase>
  since: u32 // milliseconds, when it came to this phase
  cookie: Bytes<40> // COOKIE_LENGTH of them
  theirs: Bytes<8> // u64: bytes that the client says it has sent or received
  number: Bytes<8>
  message: Embed<Message>
  timer: Embed<Timer>
}

const INPUT: u32 = 4096
const LOOK: u32 = 1000 // milliseconds from one look at the clock to the next
const MILLISECONDS_PER_SECOND: u32 = 1000
/** Of the client's results, an object in an array in the object. */
const STREAM_DEPTH: u32 = 3

const session = staticStruct<Session>()
const input = staticMemory(INPUT, 16)
const sum = staticMemory(8, 8)

/** Whether a client is being served. */
export function sessionBusy(): boolean {
  return session.phase != Phase.Idle
}

/** Serve a client: its control connection, from behind the cookie on. */
export function sessionBegin(control: ServiceConnection, cookie: ptr): void {
  session.control = control
  copyBytes(session.cookie, cookie, COOKIE_LENGTH)
  zeroBytes(session.theirs, 8)
  parametersStart(parameters)
  messageStart(session.message, parameterFound, address(parameters))
  controlStart()
  enter(Phase.Parameters)
  timerStart(session.timer, LOOK, look)
  say(Signal.ParamExchange)
}

/** A connection with the session's cookie becomes a stream; null if it has another, or none is missing. Then testProceed. */
export function sessionJoin(connection: ServiceConnection, cookie: ptr, sequence: u32): Stream | null {
  if (session.phase != Phase.Streams || !equalBytes(session.cookie, cookie, COOKIE_LENGTH)) return null
  return testJoin(connection, sequence)
}

/** The control connection is ready. */
export function sessionReady(): void {
  flush()
  const control = session.control
  if (control == null) return
  const got: i32 = socketReceive(control.watched.handle, input, INPUT, 0)
  if (got == Errno.WouldBlock) return
  if (got <= 0) return end('closed')
  const length: u32 = got as number as u32
  let used: u32 = 0
  while (used < length && sessionBusy()) used += take(plus(input, used), length - used)
}

function enter(phase: Phase): void {
  session.phase = phase
  session.since = nowMilliseconds()
}

/** Send what was queued, as far as it goes; a connection that is broken is the end. */
function flush(): void {
  const control = session.control
  if (control != null && !controlFlush(control)) end('broken')
}

function say(signal: Signal): void {
  controlSignal(signal)
  flush()
}

// --- What the client says. ---------------------------------------------------------------------------------------

/** Take something from the bytes that came: how many. */
function take(bytes: ptr, length: u32): u32 {
  if (session.phase == Phase.Parameters || session.phase == Phase.Results) return takeMessage(bytes, length)
  signalled(load8(bytes, 0))
  return 1
}

function takeMessage(bytes: ptr, length: u32): u32 {
  const used: u32 = messageRead(session.message, bytes, length)
  if (session.message.state == MessageState.More) return used
  const sound: boolean = session.message.state == MessageState.Complete
  if (session.phase == Phase.Parameters) parametersCame(sound ? parametersRefusal(parameters) : Refusal.Parameters)
  else if (sound) resultsCame()
  else end('bad-results')
  return used
}

function signalled(signal: u32): void {
  if (signal == Signal.ClientTerminate) return end('client-terminated')
  if (session.phase == Phase.Running && signal == Signal.TestEnd) return testEnds()
  if (session.phase == Phase.Display && signal == Signal.IperfDone) return end('done')
  end('protocol')
}

function parametersCame(refusal: Refusal): void {
  if (refusal != Refusal.None) return refuse(refusal)
  const control = session.control as ServiceConnection
  if (testOpen(control.remote.address, streamsComplete) != Errno.None) return refuse(Refusal.Listen)
  enter(Phase.Streams)
  say(Signal.CreateStreams)
}

function refuse(why: Refusal): void {
  controlRefuse(why)
  flush()
  end('refused')
}

function streamsComplete(): void {
  enter(Phase.Running)
  controlSignal(Signal.TestStart)
  testStart()
  say(Signal.TestRunning)
}

function testEnds(): void {
  testStop()
  messageStart(session.message, resultFound, address(session))
  enter(Phase.Results)
  say(Signal.ExchangeResults)
}

function resultFound(reader: JsonReader, kind: JsonKind): void {
  if (reader.depth != STREAM_DEPTH || kind != JsonKind.Number || !jsonIsNamed(reader, 'bytes')) return
  jsonNumberLarge(session.number, reader.number)
  add64(session.theirs, session.theirs, session.number)
}

function resultsCame(): void {
  resultsWrite(controlMessage(), parameters, testDuration())
  if (!controlMessageEnd()) return end('no-room')
  enter(Phase.Display)
  say(Signal.DisplayResults)
}

// --- The end. ----------------------------------------------------------------------------------------------------

/** Once a second: is there still a client? */
function look(timer: Timer): void {
  timerStart(timer, LOOK, look)
  const passed: u32 = nowMilliseconds() - session.since
  if (session.phase != Phase.Running) {
    if (passed > IPERF3_HANDSHAKE) end('timeout')
    return
  }
  const asked: u32 = (parameters.seconds + parameters.omitSeconds) * MILLISECONDS_PER_SECOND
  if (testStill() > IPERF3_STALL) end('stalled')
  else if (parameters.seconds != 0 && passed > asked + IPERF3_GRACE) end('overdue')
}

/** Be free for the next client, whatever state this one is in. */
function end(why: cstring): void {
  const control = session.control as ServiceConnection
  log(why, control)
  enter(Phase.Idle)
  session.control = null
  timerStop(session.timer)
  testClose()
  serviceEnd(control)
}

function log(why: cstring, control: ServiceConnection): void {
  if (!logStart(Level.Info, 'iperf3', 'test')) return
  logText('end', why)
  logIpv4('client', control.remote.address)
  logText('protocol', parameters.datagrams ? 'udp' : 'tcp')
  logDecimal('streams', parameters.streams)
  testBytes(sum, false)
  logDecimal64('received', sum)
  testBytes(sum, true)
  logDecimal64('sent', sum)
  logDecimal64('theirs', session.theirs)
  logDecimal64('us', testDuration())
  logEnd()
}
