// What the server has measured, as the JSON that the client reads. protocol.ts. Main-loop context only.
//
// Bytes are those since the omitted seconds; datagrams and losses those since the beginning, as the stock server has it:
// the client takes off what it knows to have been omitted. The load of the processor is not measured, and said to be 0.

import { store64 } from '../../lib/intrinsics.ts'
import { staticMemory, type i32, type ptr } from '../../lib/layout.ts'
import type { TextWriter } from '../../lib/print.ts'
import { arrivalsJitter } from './datagram.ts'
import { jsonArray, jsonArrayEnd, jsonDecimal64, jsonObject, jsonObjectEnd, jsonSeconds, jsonSigned, jsonText } from './json-writer.ts'
import type { Parameters } from './parameters.ts'
import { streamsFirst, type Stream } from './stream.ts'
import { tcpStreamRetransmits } from './tcp-streams.ts'

const UNKNOWN: i32 = -1

const jitter = staticMemory(8, 8)

/** Write the results of all streams; the u64 at `duration` is how many microseconds counted. */
export function resultsWrite(writer: TextWriter, p: Parameters, duration: ptr): void {
  jsonObject(writer)
  jsonSigned(writer, 'cpu_util_total', 0)
  jsonSigned(writer, 'cpu_util_user', 0)
  jsonSigned(writer, 'cpu_util_system', 0)
  jsonSigned(writer, 'sender_has_retransmits', hasRetransmits(p))
  if (!p.datagrams) jsonText(writer, 'congestion_used', 'cubic')
  jsonArray(writer, 'streams')
  let each = streamsFirst()
  while (each != null) {
    streamWrite(writer, p, each, duration)
    each = each.next
  }
  jsonArrayEnd(writer)
  jsonObjectEnd(writer)
}

/** 1: the server sends, and counts them; 0: datagrams have none; -1: it does not send. */
function hasRetransmits(p: Parameters): i32 {
  if (p.datagrams) return 0
  return p.reverse || p.bothWays ? 1 : UNKNOWN
}

function streamWrite(writer: TextWriter, p: Parameters, stream: Stream, duration: ptr): void {
  const counts: boolean = stream.sends && !p.datagrams
  jsonObject(writer)
  jsonSigned(writer, 'id', stream.id as number as i32)
  jsonDecimal64(writer, 'bytes', stream.bytes)
  jsonSigned(writer, 'retransmits', counts ? tcpStreamRetransmits(stream) as number as i32 : UNKNOWN)
  store64(jitter, 0, arrivalsJitter(stream.arrivals), 0)
  jsonSeconds(writer, 'jitter', jitter)
  jsonDecimal64(writer, 'errors', stream.arrivals.missing)
  jsonDecimal64(writer, 'packets', stream.arrivals.highest)
  jsonSigned(writer, 'start_time', 0)
  jsonSeconds(writer, 'end_time', duration)
  jsonObjectEnd(writer)
}
