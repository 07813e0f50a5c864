// A question over TCP, for an answer that did not fit a datagram: a connection for it alone, the question and its length in
// one piece, as many bytes of answer as the server says there are. RFC 1035 §4.2.2; RFC 7766 §5 and §8. Main-loop context
// only.
//
// Connections are not kept for the next question (RFC 7766 §6.2.1 would rather have it): one answer in thousands comes here.

import { DNS_QUERY_LIMIT, DNS_STREAM_LONGEST } from '../../config.ts'
import { Errno } from '../../lib/errno.ts'
import { loadBe16, storeBe16 } from '../../lib/intrinsics.ts'
import { address, at, plus, sizeof, staticMemory, staticStruct, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import { random32 } from '../../lib/random.ts'
import { heapAllocate, heapFree } from '../../mm/heap.ts'
import { socketClose, socketConnect, socketCreate, socketReceive, socketSend } from '../socket/api.ts'
import { PollFlag, PollReady, pollSetAdd, pollSetCreate, pollSetModify, pollSetTake } from '../socket/poll.ts'
import { SocketEvent, SocketType } from '../socket/socket.ts'
import { DNS_MESSAGE_LIMIT, DNS_PORT, DNS_TRUNCATED, DnsHeader } from './header.ts'
import { DnsFault, dnsQueryWrite, dnsResponseFault } from './message.ts'
import { dnsQueryAt, type DnsQuery } from './query.ts'

/** The end of it: a message that answers the question, good until this returns; or length 0: there is none to be had so. */
export type DnsStreamDone = (query: DnsQuery, message: ptr, length: u32) => void

/** Before each message: its length. RFC 1035 §4.2.2. */
const PREFIX: u32 = 2

const report = staticStruct<PollReady>()
const question = staticMemory(DNS_MESSAGE_LIMIT + PREFIX)
let set: u32 = 0
let done: DnsStreamDone | null = null

/** No connections. Called with no sockets open. */
export function dnsStreamsInit(ended: DnsStreamDone): void {
  set = 0
  done = ended
  for (let i: u32 = 0; i < DNS_QUERY_LIMIT; i++) {
    dnsQueryAt(i).stream = 0
    dnsQueryAt(i).received = 0 as ptr
  }
}

/**
 * Connect to `query.server`; the end is told by DnsStreamDone, unless dnsStreamClose comes first: it has no time limit of
 * its own. Errors, of which nothing is left behind: ProtocolNotSupported, NoSpace, and those of the socket calls.
 */
export function dnsStreamOpen(query: DnsQuery): i32 {
  const made: i32 = socketCreate(SocketType.Stream, 0)
  if (made < 0) return made
  query.stream = made as number as u32
  query.asked = false
  query.receivedLength = 0
  const result: i32 = connect(query)
  if (result != Errno.None) dnsStreamClose(query)
  return result
}

function connect(query: DnsQuery): i32 {
  if (set == 0) {
    const made: i32 = pollSetCreate()
    if (made < 0) return made
    set = made as number as u32
  }
  const begun: i32 = socketConnect(query.stream, query.server, DNS_PORT)
  if (begun != Errno.None && begun != Errno.InProgress) return begun
  return pollSetAdd(set, query.stream, SocketEvent.Out, PollFlag.None, address(query) as u32)
}

/** Give up the connection and what has come of the answer; nothing where there is none. */
export function dnsStreamClose(query: DnsQuery): void {
  if (query.stream != 0) socketClose(query.stream)
  query.stream = 0
  heapFree(query.received)
  query.received = 0 as ptr
}

/** Ask where a connection was made, take what has come. Once a round of the main loop. */
export function dnsStreamsPoll(): void {
  if (set == 0) return
  for (let i: u32 = 0; i < DNS_QUERY_LIMIT && pollSetTake(set, report, 1) == 1; i++) { // one by one: an end may close another
    step(at<DnsQuery>(report.data as ptr))
  }
}

function step(query: DnsQuery): void {
  const result: i32 = query.asked ? take(query) : ask(query)
  if (result == Errno.WouldBlock) return
  if (result != Errno.None || !isAnswer(query)) return end(query, 0 as ptr, 0)
  const message = query.received
  query.received = 0 as ptr
  end(query, message, query.receivedLength)
  heapFree(message)
}

function end(query: DnsQuery, message: ptr, length: u32): void {
  dnsStreamClose(query)
  if (done != null) done(query, message, length)
}

/** The question, with a number of its own. A connection that could not be made refuses it. */
function ask(query: DnsQuery): i32 {
  query.id = random32() & 0xffff
  const length: u32 = dnsQueryWrite(plus(question, PREFIX), DNS_MESSAGE_LIMIT, query.id, query.answer.canonical, query.type)
  storeBe16(question, 0, length)
  const sent: i32 = socketSend(query.stream, question, PREFIX + length, 0)
  if (sent != ((PREFIX + length) as number as i32)) return sent < 0 ? sent : Errno.NoBufferSpace
  query.asked = true
  query.receivedWanted = PREFIX
  pollSetModify(set, query.stream, SocketEvent.In, PollFlag.None, address(query) as u32)
  return Errno.WouldBlock
}

/** None when the whole answer is there, WouldBlock while some is missing. */
function take(query: DnsQuery): i32 {
  while (query.receivedLength < query.receivedWanted) {
    const prefixed: boolean = query.received == 0
    const to = plus(prefixed ? query.prefix : query.received, query.receivedLength)
    const got: i32 = socketReceive(query.stream, to, query.receivedWanted - query.receivedLength, 0)
    if (got == 0) return Errno.ConnectionReset
    if (got < 0) return got
    query.receivedLength += got as number as u32
    if (prefixed && query.receivedLength == PREFIX) {
      const result: i32 = makeRoom(query, loadBe16(query.prefix, 0))
      if (result != Errno.None) return result
    }
  }
  return Errno.None
}

function makeRoom(query: DnsQuery, length: u32): i32 {
  if (length < sizeof<DnsHeader>() || length > DNS_STREAM_LONGEST) return Errno.MessageTooLong
  query.received = heapAllocate(length)
  query.receivedLength = 0
  query.receivedWanted = length
  return query.received != 0 ? Errno.None : Errno.OutOfMemory
}

/** A connection has one partner: what is not the answer will not be followed by it. */
function isAnswer(query: DnsQuery): boolean {
  const message = query.received
  if ((at<DnsHeader>(message).flags & DNS_TRUNCATED) != 0) return false
  return dnsResponseFault(message, query.receivedLength, query.id, query.answer.canonical, query.type) == DnsFault.None
}
