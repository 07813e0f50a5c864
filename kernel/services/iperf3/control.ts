// What the server says on the control connection: queued here until the connection takes it. protocol.ts.
// Main-loop context only.

import { IPERF3_ANSWER_LIMIT } from '../../config.ts'
import { storeBe32 } from '../../lib/intrinsics.ts'
import { distance, plus, staticMemory, staticStruct, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import { TextWriter, writeChar, writerInit, writerLength, writerRoom } from '../../lib/print.ts'
import { Errno } from '../../lib/errno.ts'
import { socketSend } from '../../net/socket/api.ts'
import { SocketEvent } from '../../net/socket/socket.ts'
import { serviceAwait, type ServiceConnection } from '../stream-service.ts'
import { Signal, type Refusal } from './protocol.ts'

const buffer = staticMemory(IPERF3_ANSWER_LIMIT, 16)
const writer = staticStruct<TextWriter>()
const json = staticStruct<TextWriter>()
let length = 0 as ptr
let sent: u32 = 0

const LENGTH_BYTES: u32 = 4
const REFUSAL_BYTES: u32 = 8

/** Nothing is queued. */
export function controlStart(): void {
  writerInit(writer, buffer, IPERF3_ANSWER_LIMIT)
  sent = 0
}

/** Queue one signal. */
export function controlSignal(signal: Signal): void {
  writeChar(writer, signal)
}

/** Queue the signal that there will be no test, and why. */
export function controlRefuse(why: Refusal): void {
  controlSignal(Signal.ServerError)
  const p = writerRoom(writer, REFUSAL_BYTES)
  if (p == 0) return
  storeBe32(p, 0, why)
  storeBe32(p, 4, Errno.None)
}

/** Begin a message, behind what is queued: where its JSON goes. Until controlMessageEnd nothing else is queued. */
export function controlMessage(): TextWriter {
  length = writerRoom(writer, LENGTH_BYTES)
  writerInit(json, writer.next, distance(writer.next, writer.limit))
  return json
}

/** The message is complete; false if there was no room for it. */
export function controlMessageEnd(): boolean {
  if (json.cut || length == 0) return false
  storeBe32(length, 0, writerLength(json))
  return writerRoom(writer, writerLength(json)) != 0
}

/** Send what is queued, as far as the connection takes it. False: something did not fit, or the connection is broken. */
export function controlFlush(connection: ServiceConnection): boolean {
  const left: u32 = distance(plus(buffer, sent), writer.next)
  if (writer.cut) return false
  let took: i32 = 0
  if (left != 0) took = socketSend(connection.watched.handle, plus(buffer, sent), left, 0)
  if (took < 0 && took != Errno.WouldBlock) return false
  if (took > 0) sent += took as number as u32
  const all: boolean = plus(buffer, sent) == writer.next
  if (all) controlStart()
  serviceAwait(connection, all ? SocketEvent.In : SocketEvent.In | SocketEvent.Out)
  return true
}
