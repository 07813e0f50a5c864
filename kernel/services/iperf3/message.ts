// A message on the control connection: four bytes of length, and JSON, read as it comes. protocol.ts. Main-loop context only.

import { load8 } from '../../lib/intrinsics.ts'
import { plus, struct, type Embed, type Stored, type ptr, type u32 } from '../../lib/layout.ts'
import { IPERF3_MESSAGE_LIMIT } from '../../config.ts'
import { JsonReader, jsonComplete, jsonRead, jsonStart, type JsonFound } from './json-reader.ts'

export const enum MessageState { More, Complete, Bad }

@struct
export class Message {
  json: Embed<JsonReader>
  lengthRead: u32 // bytes of the length
  left: u32 // bytes of JSON to come
  state: Stored<u32, MessageState>
}

const LENGTH_BYTES: u32 = 4

/** Before the first byte; `found` is told of the values. */
export function messageStart(message: Message, found: JsonFound, context: ptr): void {
  jsonStart(message.json, found, context)
  message.lengthRead = 0
  message.left = 0
  message.state = MessageState.More
}

/** Read on: how many of the bytes were the message's. Then `state` says how it is. */
export function messageRead(message: Message, bytes: ptr, length: u32): u32 {
  let used: u32 = 0
  while (used < length && message.lengthRead < LENGTH_BYTES) {
    message.left = (message.left << 8) | load8(bytes, used)
    message.lengthRead += 1
    used += 1
  }
  if (message.lengthRead < LENGTH_BYTES) return used
  if (message.left > IPERF3_MESSAGE_LIMIT) message.state = MessageState.Bad
  const rest: u32 = length - used
  const take: u32 = message.left < rest ? message.left : rest
  if (message.state == MessageState.Bad) return used
  if (!jsonRead(message.json, plus(bytes, used), take)) message.state = MessageState.Bad
  message.left -= take
  if (message.left == 0 && message.state == MessageState.More) {
    message.state = jsonComplete(message.json) ? MessageState.Complete : MessageState.Bad
  }
  return used + take
}
