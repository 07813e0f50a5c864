// What the client wants measured: its JSON, checked. protocol.ts. Main-loop context only.
//
// Understood: tcp, udp, sctp, omit, time, parallel, reverse, bidirectional, len, bandwidth, nodelay, window, TOS,
// udp_counters_64bit. Where the end of a test is counted in bytes or blocks (num, blockcount) it is the client that counts.
// Names that are not known are passed over, as the stock server does.

import { load32 } from '../../lib/intrinsics.ts'
import { address, at, sizeof, struct, type Bytes, type Stored, type bool, type u32, type u8 } from '../../lib/layout.ts'
import { zeroBytes } from '../../lib/memory.ts'
import { IPERF3_BLOCK_LIMIT, IPERF3_STREAM_LIMIT } from '../../config.ts'
import { UDP_LONGEST } from '../../net/udp/socket.ts'
import { jsonNumberLarge, jsonNumberSmall } from './json-number.ts'
import { JsonKind, jsonIsNamed, type JsonReader } from './json-reader.ts'
import { DatagramHeader, Refusal, WideDatagramHeader } from './protocol.ts'

@struct
export class Parameters {
  rate: Bytes<8> // bits a second of each stream; 0: as many as can be
  seconds: u32 // 0: until the client has counted enough
  omitSeconds: u32 // at the beginning, not counted in the results
  streams: u32 // in each direction
  length: u32 // bytes of a block or a datagram
  window: u32 // bytes of the sockets' buffers; 0: as they are
  service: u32 // the TOS byte
  datagrams: Stored<u8, bool> // UDP
  reverse: Stored<u8, bool> // the server sends
  bothWays: Stored<u8, bool>
  noDelay: Stored<u8, bool>
  wideCounts: Stored<u8, bool>
  sctp: Stored<u8, bool>
  reserved: Bytes<2>
}

const BLOCK: u32 = 131_072
/** The client's own limits. */
const LONGEST_SECONDS: u32 = 86_400
const LONGEST_OMIT: u32 = 600
/** A terabit a second: more is as many as can be. */
const RATE_HIGH_LIMIT: u32 = 232

/** What counts while the client has said nothing. */
export function parametersStart(p: Parameters): void {
  zeroBytes(address(p), sizeof<Parameters>())
  p.streams = 1
  p.length = BLOCK
}

/** A value of the client's JSON: JsonFound, with the Parameters as context. */
export function parameterFound(reader: JsonReader, kind: JsonKind): void {
  if (reader.depth != 1) return
  const p = at<Parameters>(reader.context)
  if (kind == JsonKind.Number) numberFound(p, reader)
  else choiceFound(p, reader, kind == JsonKind.True)
}

function choiceFound(p: Parameters, reader: JsonReader, value: boolean): void {
  if (jsonIsNamed(reader, 'udp')) p.datagrams = value
  else if (jsonIsNamed(reader, 'sctp')) p.sctp = value
  else if (jsonIsNamed(reader, 'reverse')) p.reverse = value
  else if (jsonIsNamed(reader, 'bidirectional')) p.bothWays = value
  else if (jsonIsNamed(reader, 'nodelay')) p.noDelay = value
}

function numberFound(p: Parameters, reader: JsonReader): void {
  const value: u32 = jsonNumberSmall(reader.number)
  if (jsonIsNamed(reader, 'omit')) p.omitSeconds = value
  else if (jsonIsNamed(reader, 'time')) p.seconds = value
  else if (jsonIsNamed(reader, 'parallel')) p.streams = value
  else if (jsonIsNamed(reader, 'len')) p.length = value
  else if (jsonIsNamed(reader, 'window')) p.window = value
  else if (jsonIsNamed(reader, 'TOS')) p.service = value & 0xff
  else if (jsonIsNamed(reader, 'udp_counters_64bit')) p.wideCounts = value != 0
  else if (jsonIsNamed(reader, 'bandwidth')) jsonNumberLarge(p.rate, reader.number)
}

/** Why a test like this can not be made, or Refusal.None. */
export function parametersRefusal(p: Parameters): Refusal {
  if (p.sctp) return Refusal.NoSctp
  if (p.seconds > LONGEST_SECONDS) return Refusal.Duration
  if (p.omitSeconds > LONGEST_OMIT) return Refusal.Omit
  if (p.streams == 0 || p.streams > IPERF3_STREAM_LIMIT / (p.bothWays ? 2 : 1)) return Refusal.Streams
  if (!p.datagrams) return p.length == 0 || p.length > IPERF3_BLOCK_LIMIT ? Refusal.BlockSize : Refusal.None
  return p.length < datagramHeaderLength(p) || p.length > UDP_LONGEST ? Refusal.UdpBlockSize : Refusal.None
}

/** Bytes at the beginning of each datagram that are not filling. */
export function datagramHeaderLength(p: Parameters): u32 {
  return p.wideCounts ? sizeof<WideDatagramHeader>() : sizeof<DatagramHeader>()
}

/** Streams in both directions together. */
export function streamsExpected(p: Parameters): u32 {
  return p.bothWays ? p.streams * 2 : p.streams
}

/** Whether the server sends on the `index`th connection: in both directions the first half are the client's. */
export function streamSends(p: Parameters, index: u32): boolean {
  return p.bothWays ? index >= p.streams : p.reverse
}

/** Whether what is sent is to be spread over the time. */
export function isPaced(p: Parameters): boolean {
  const high: u32 = load32(p.rate, 4)
  return high < RATE_HIGH_LIMIT && (high != 0 || load32(p.rate, 0) != 0)
}
