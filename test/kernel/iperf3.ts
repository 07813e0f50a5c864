// kernel/services/iperf3 as its unit tests call it: its JSON and arithmetic by themselves, and the server over the pipes
// of stream-pipe.ts and the fake cards of net-nic.ts.

import { at, sizeof, staticMemory, staticStruct, type ptr, type u32 } from '../../kernel/lib/layout.ts'
import { load32 } from '../../kernel/lib/intrinsics.ts'
import { TextWriter, writeChar, writeDecimal, writeDecimal64, writeBytes, writerInit, writerLength } from '../../kernel/lib/print.ts'
import { Arrivals, arrivalsJitter, datagramArrived, datagramNext } from '../../kernel/services/iperf3/datagram.ts'
import { jsonNumberLarge } from '../../kernel/services/iperf3/json-number.ts'
import { JsonReader, jsonComplete, jsonRead, jsonStart, type JsonKind } from '../../kernel/services/iperf3/json-reader.ts'
import {
  jsonArray, jsonArrayEnd, jsonDecimal64, jsonObject, jsonObjectEnd, jsonSeconds, jsonSigned, jsonText,
} from '../../kernel/services/iperf3/json-writer.ts'
import { servicesInit, servicesPoll } from '../../kernel/services/stream-service.ts'
import { iperf3ServiceStart } from '../../kernel/services/iperf3/server.ts'
import { pipesStart } from './stream-pipe.ts'

export { paceAdvance, paceAllows, paceForfeit, paceSpend, paceStart } from '../../kernel/services/iperf3/pace.ts'

const writer = staticStruct<TextWriter>()
const reader = staticStruct<JsonReader>()
const value = staticMemory(8, 8)
const SPACE: u32 = 0x20
const MINUS: u32 = 0x2d

/** Read JSON in pieces; the values go to `out` as text, one a line: depth, name, kind, number. 1: complete, 0: more, 2: bad. */
export function jsonValues(bytes: ptr, length: u32, piece: u32, out: ptr, room: u32): u32 {
  writerInit(writer, out, room)
  jsonStart(reader, note, 0 as ptr)
  let sound: boolean = true
  for (let done: u32 = 0; done < length && sound; done += piece) {
    sound = jsonRead(reader, (bytes + done) as ptr, length - done < piece ? length - done : piece)
  }
  if (sound != jsonRead(reader, bytes, 0)) return 3
  writeChar(writer, 0)
  return sound ? (jsonComplete(reader) ? 1 : 0) : 2
}

function note(found: JsonReader, kind: JsonKind): void {
  writeDecimal(writer, found.depth)
  writeChar(writer, SPACE)
  writeBytes(writer, found.name, found.nameLength)
  writeChar(writer, SPACE)
  writeDecimal(writer, kind)
  writeChar(writer, SPACE)
  if (found.number.negative) writeChar(writer, MINUS)
  found.number.negative = false
  jsonNumberLarge(value, found.number)
  writeDecimal64(writer, value)
  writeChar(writer, 0x0a)
}

/** One of everything the writer can; `number` is a u64. Returns the length. */
export function jsonSample(out: ptr, room: u32, number: ptr): u32 {
  writerInit(writer, out, room)
  jsonObject(writer)
  jsonSigned(writer, 'a', -5)
  jsonArray(writer, 'list')
  jsonObject(writer)
  jsonDecimal64(writer, 'n', number)
  jsonSeconds(writer, 's', number)
  jsonObjectEnd(writer)
  jsonObject(writer)
  jsonObjectEnd(writer)
  jsonArrayEnd(writer)
  jsonText(writer, 't', 'cubic')
  jsonObjectEnd(writer)
  return writer.cut ? 0 : writerLength(writer)
}

export function arrivalsSize(): u32 { return sizeof<Arrivals>() }
export function arrive(arrivals: ptr, header: ptr, wide: u32): void { datagramArrived(at<Arrivals>(arrivals), header, wide != 0) }
export function depart(arrivals: ptr, header: ptr, wide: u32): void { datagramNext(at<Arrivals>(arrivals), header, wide != 0) }
export function arrivedMissing(arrivals: ptr): u32 { return load32(at<Arrivals>(arrivals).missing, 0) }
export function arrivedHighest(arrivals: ptr): u32 { return load32(at<Arrivals>(arrivals).highest, 0) }
export function arrivedLate(arrivals: ptr): u32 { return at<Arrivals>(arrivals).late }
export function arrivedJitter(arrivals: ptr): u32 { return arrivalsJitter(at<Arrivals>(arrivals)) }

/** The server over pipes. */
export function serverStart(): u32 {
  pipesStart()
  servicesInit()
  return iperf3ServiceStart() as number as u32
}

/** Call whoever is ready until nobody is, at most `rounds` times; returns how many rounds. */
export function servicesRun(rounds: u32): u32 {
  let done: u32 = 0
  while (done < rounds && servicesPoll() != 0) done += 1
  return done
}
