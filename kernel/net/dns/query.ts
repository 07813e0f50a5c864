// A question on its way: its slot, its own port and number, the datagram. RFC 1035 §4.2.1, RFC 5452 §9.2: each
// datagram leaves from a random port with a random id, so who does not see it must guess both, and whom we asked.
// How it goes over TCP: stream.ts. Main-loop context only.
//
// Next: udpOutput (udp/output.ts).

import { DNS_QUERY_LIMIT, EPHEMERAL_FIRST, EPHEMERAL_LAST } from '../../config.ts'
import { Errno } from '../../lib/errno.ts'
import { random32, randomBelow } from '../../lib/random.ts'
import { timerStop, type Timer } from '../../lib/timer.ts'
import {
  address, at, nth, offsetof, plus, staticRow, struct,
  type Bytes, type Embed, type Stored, type bool, type i32, type ptr, type u16, type u32,
} from '../../lib/layout.ts'
import { packetAppend, packetFree, packetTailRoom, packetTrim } from '../../drivers/net/packet.ts'
import type { Ipv4Address } from '../ipv4/address.ts'
import { udpAllocate, udpOutput } from '../udp/output.ts'
import { udpBind, udpUnbind, type UdpReceived } from '../udp/ports.ts'
import type { DnsAnswer } from './cache.ts'
import { DNS_MESSAGE_LIMIT, DNS_PORT, DnsRecordType } from './header.ts'
import { dnsQueryWrite } from './message.ts'

/**
 * Called once with the end of a question, in the main loop, never from inside dnsResolve. It must not wait. `answer` is
 * good until it returns.
 */
export type DnsDone = (answer: DnsAnswer, context: ptr) => void

export const enum DnsQueryState {
  Free,
  Asking, // a datagram is out, or soon will be; or a connection is there for it
  Following, // the same question as `leader`'s
  Finished, // `answer` is there; `done` comes with the timer
}

@struct
export class DnsQuery {
  timer: Embed<Timer> // until the server has had its time; or at once, when Finished
  done: DnsDone | null // null: cancelled, but others follow
  context: ptr // the user's own
  leader: DnsQuery | null
  server: Ipv4Address // the one that was asked
  firstServer: u32 // index of the one that was asked first
  tries: u32 // servers asked
  generation: u32 // part of the handle
  id: u16
  port: u16 // 0 none bound
  type: Stored<u16, DnsRecordType>
  state: Stored<u16, DnsQueryState>
  stream: u32 // the socket it is asked over, 0 none
  received: ptr // what comes there, from the heap; 0 until its length is known
  receivedLength: u32 // bytes of it that are there; of its prefix before
  receivedWanted: u32
  prefix: Bytes<2>
  asked: Stored<u16, bool> // the question was sent there
  answer: Embed<DnsAnswer> // answer.canonical is what is asked for now
  name: Bytes<256> // what was asked for first
}

/** Random ports tried until one is free: with all sockets in use that there may be, one in eight is taken. */
const PORT_TRIES: u32 = 16

const queries = staticRow<DnsQuery>(DNS_QUERY_LIMIT)

/** The slot at a place, below DNS_QUERY_LIMIT. */
export function dnsQueryAt(index: u32): DnsQuery {
  return nth(queries, index)
}

/** The slot of a timer. */
export function dnsQueryOf(timer: Timer): DnsQuery {
  return at<DnsQuery>(plus(address(timer), 0 - offsetof<DnsQuery>('timer')))
}

/** Give up the port; what comes there finds nobody. */
export function dnsQueryUnbind(query: DnsQuery): void {
  if (query.port != 0) udpUnbind(query.port)
  query.port = 0
}

/** The slot is free for another question. */
export function dnsQueryRelease(query: DnsQuery): void {
  dnsQueryUnbind(query)
  timerStop(query.timer)
  query.state = DnsQueryState.Free
}

/**
 * Ask `query.server`, from a new port, with a new id. Errors: AddressInUse or NoSpace (no port), NoBufferSpace (no packet),
 * and those of udpOutput.
 */
export function dnsQuerySend(query: DnsQuery, received: UdpReceived): i32 {
  dnsQueryUnbind(query)
  const bound: i32 = bind(query, received)
  if (bound != Errno.None) return bound
  query.id = random32() & 0xffff
  const packet = udpAllocate()
  if (packet == null) return Errno.NoBufferSpace
  if (packetTailRoom(packet) < DNS_MESSAGE_LIMIT) {
    packetFree(packet)
    return Errno.NoBufferSpace
  }
  const message = packetAppend(packet, DNS_MESSAGE_LIMIT)
  const length: u32 = dnsQueryWrite(message, DNS_MESSAGE_LIMIT, query.id, query.answer.canonical, query.type)
  packetTrim(packet, length)
  return udpOutput(packet, 0, query.port, query.server, DNS_PORT)
}

function bind(query: DnsQuery, received: UdpReceived): i32 {
  let result: i32 = Errno.AddressInUse
  for (let i: u32 = 0; i < PORT_TRIES && result == Errno.AddressInUse; i++) {
    const port: u32 = EPHEMERAL_FIRST + randomBelow(EPHEMERAL_LAST - EPHEMERAL_FIRST + 1)
    result = udpBind(port, received, address(query))
    if (result == Errno.None) query.port = port
  }
  return result
}
