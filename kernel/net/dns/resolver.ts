// The resolver: a name and a type in, addresses or the reason why there are none out. A stub resolver
// (RFC 1034 §5.3.1): it asks servers that ask for it. RFC 1035 §7, RFC 1123 §6.1, RFC 2181 §5, RFC 2308 §5,
// RFC 5452 §9. Main-loop context only.
//
// A question is looked for in the cache, joined to the same one if that is being asked already (RFC 5452 §5: two at
// once are two chances to guess), or sent to a server; to the next after DNS_FIRST_WAIT, and again to all of them,
// twice as patient, DNS_ROUNDS times. A server that fails or refuses is passed over at once. What does not pass
// dnsResponseFault, or comes from elsewhere, changes nothing: the question goes on waiting for the true answer.
//
// Names are absolute: no search list is tried. Of an answer cut short (TC) nothing is used (RFC 2181 §9): the same server is
// asked again over TCP (RFC 7766 §5), for DNS_STREAM_WAIT, and the next one over UDP if that fails; when it has failed
// with the last, the question ends as TruncatedNeedsTcp.

import { DNS_FIRST_WAIT, DNS_LONGEST_KEPT, DNS_QUERY_LIMIT, DNS_ROUNDS, DNS_STREAM_WAIT } from '../../config.ts'
import { Errno } from '../../lib/errno.ts'
import { loadBe32, storeBe32 } from '../../lib/intrinsics.ts'
import { copyBytes, stringLength, zeroBytes } from '../../lib/memory.ts'
import { timerStart, type Timer } from '../../lib/timer.ts'
import {
  address, at, plus, sizeof, staticMemory, staticStruct, struct,
  type cstring, type i32, type ptr, type u32,
} from '../../lib/layout.ts'
import { packetFree, type Packet } from '../../drivers/net/packet.ts'
import { chainCopy, chainLength } from '../chain.ts'
import { addressIn } from '../config.ts'
import type { NetInterface } from '../interface.ts'
import type { Ipv4Address } from '../ipv4/address.ts'
import { Drop, drop } from '../stats.ts'
import type { UdpBinding } from '../udp/ports.ts'
import { DnsAnswer, DnsStatus, dnsCacheFind, dnsCacheInit, dnsCacheStore } from './cache.ts'
import { DnsOutcome, dnsCollect } from './collect.ts'
import { DNS_MESSAGE_LIMIT, DNS_PORT, DNS_TRUNCATED, DnsHeader, DnsRecordType } from './header.ts'
import { DnsFault, dnsResponseFault } from './message.ts'
import { DNS_NAME_LIMIT, dnsNameEqual, dnsNameFromText, dnsNameLength, dnsNameUnder } from './name.ts'
import {
  DnsQueryState, dnsQueryAt, dnsQueryOf, dnsQueryRelease, dnsQuerySend, dnsQueryUnbind, type DnsDone, type DnsQuery,
} from './query.ts'
import { dnsServerAt, dnsServerCount, dnsServersInit } from './servers.ts'
import { dnsStreamClose, dnsStreamOpen, dnsStreamsInit } from './stream.ts'

/** What the resolver did; wraps at 2^32. */
@struct
export class DnsStatistics {
  queriesSent: u32
  responsesTaken: u32
  cacheHits: u32
  cacheMisses: u32
  joined: u32 // questions that were being asked already
  streams: u32 // questions asked over TCP
  failures: u32 // questions that ended in anything but Found, NoName and NoData
}

const LOCALHOST: Ipv4Address = 0x7f000001
/** Seconds that our own address may be kept: RFC 6761 §6.3 says nothing. */
const LOCAL_TIME_TO_LIVE: u32 = 86_400
const INDEX_BITS: u32 = 8

export const dnsStatistics = staticStruct<DnsStatistics>()
const parsed = staticMemory(DNS_NAME_LIMIT + 1)
const message = staticMemory(DNS_MESSAGE_LIMIT)
let preferred: u32 = 0 // index of the server that answered last

/** No questions, nothing known, no servers set by hand. */
export function dnsInit(): void {
  dnsStreamsInit(dnsStreamEnd)
  for (let i: u32 = 0; i < DNS_QUERY_LIMIT; i++) dnsQueryRelease(dnsQueryAt(i))
  zeroBytes(address(dnsStatistics), sizeof<DnsStatistics>())
  preferred = 0
  dnsCacheInit()
  dnsServersInit()
}

/**
 * Ask for the A, AAAA or CNAME records of a name. Returns a handle above 0; `done` is called once, later, unless the question
 * is cancelled. Addresses in four decimal numbers answer for themselves (RFC 1123 §2.1), localhost is 127.0.0.1
 * (RFC 6761 §6.3). Errors: InvalidArgument (no name, or another type), NoBufferSpace (DNS_QUERY_LIMIT).
 */
export function dnsResolve(name: cstring, type: DnsRecordType, done: DnsDone, context: ptr): i32 {
  const length: u32 = stringLength(name)
  if (type != DnsRecordType.A && type != DnsRecordType.Aaaa && type != DnsRecordType.Cname) return Errno.InvalidArgument
  if (dnsNameFromText(parsed, name as ptr, length) == 0) return Errno.InvalidArgument
  const query = unused()
  if (query == null) return Errno.NoBufferSpace
  query.generation = (query.generation + 1) & 0x3fffff
  query.done = done
  query.context = context
  query.leader = null
  query.type = type
  query.tries = 0
  query.firstServer = preferred
  copyBytes(query.name, parsed, dnsNameLength(parsed))
  zeroBytes(address(query.answer), sizeof<DnsAnswer>())
  query.answer.type = type
  query.answer.timeToLive = DNS_LONGEST_KEPT
  copyBytes(query.answer.canonical, parsed, dnsNameLength(parsed))
  begin(query, addressIn(name as ptr, length))
  return handleOf(query) as number as i32
}

function unused(): DnsQuery | null {
  for (let i: u32 = 0; i < DNS_QUERY_LIMIT; i++) {
    if (dnsQueryAt(i).state == DnsQueryState.Free) return dnsQueryAt(i)
  }
  return null
}

/** A number above 0: the place, and how often it has been used. */
function handleOf(query: DnsQuery): u32 {
  for (let i: u32 = 0; i < DNS_QUERY_LIMIT; i++) {
    if (dnsQueryAt(i) == query) return (query.generation << INDEX_BITS) | (i + 1)
  }
  return 0
}

/** Known already, being asked already, or to be asked. `literal` is the address the name spells, or 0. */
function begin(query: DnsQuery, literal: Ipv4Address): void {
  if (literal != 0) return answerLocally(query, literal)
  if (dnsNameUnder(query.name, 'localhost')) return answerLocally(query, LOCALHOST)
  if (dnsCacheFind(query.answer, query.name, query.type)) {
    dnsStatistics.cacheHits += 1
    return finishLater(query)
  }
  dnsStatistics.cacheMisses += 1
  const same = asking(query)
  if (same != null) {
    dnsStatistics.joined += 1
    query.leader = same
    query.state = DnsQueryState.Following
    return
  }
  query.state = DnsQueryState.Asking
  ask(query)
}

function answerLocally(query: DnsQuery, a: Ipv4Address): void {
  query.answer.timeToLive = LOCAL_TIME_TO_LIVE
  query.answer.status = query.type == DnsRecordType.A ? DnsStatus.Found : DnsStatus.NoData
  if (query.type == DnsRecordType.A) {
    storeBe32(query.answer.addresses, 0, a)
    query.answer.count = 1
  }
  finishLater(query)
}

function asking(like: DnsQuery): DnsQuery | null {
  for (let i: u32 = 0; i < DNS_QUERY_LIMIT; i++) {
    const each = dnsQueryAt(i)
    if (each.state == DnsQueryState.Asking && each.type == like.type && dnsNameEqual(each.name, like.name)) return each
  }
  return null
}

/** Ask the server whose turn it is. What can not be sent now counts as not answered. */
function ask(query: DnsQuery): void {
  const servers: u32 = dnsServerCount()
  if (servers == 0) return finish(query, DnsStatus.NoServer)
  const round: u32 = query.tries / servers
  if (round >= DNS_ROUNDS) return finish(query, DnsStatus.TimedOut)
  query.server = dnsServerAt((query.firstServer + query.tries) % servers)
  dnsStatistics.queriesSent += 1
  dnsQuerySend(query, dnsDatagram)
  timerStart(query.timer, DNS_FIRST_WAIT << round, dnsTimeout)
}

function dnsTimeout(timer: Timer): void {
  const query = dnsQueryOf(timer)
  if (query.state == DnsQueryState.Finished) return deliver(query)
  if (query.stream != 0) return streamFailed(query)
  dnsQueryUnbind(query)
  query.tries += 1
  ask(query)
}

/** What comes to the port of a question. */
function dnsDatagram(binding: UdpBinding, ingress: NetInterface, packet: Packet, from: Ipv4Address, fromPort: u32): void {
  const query = at<DnsQuery>(binding.context)
  if (from != query.server || fromPort != DNS_PORT) return drop(packet, Drop.DnsMessage)
  const length: u32 = chainLength(packet)
  if (length > DNS_MESSAGE_LIMIT) return drop(packet, Drop.DnsMessage)
  chainCopy(message, packet, length)
  const fault: DnsFault = dnsResponseFault(message, length, query.id, query.answer.canonical, query.type)
  if (fault != DnsFault.None) return drop(packet, Drop.DnsMessage)
  packetFree(packet)
  dnsQueryUnbind(query)
  dnsStatistics.responsesTaken += 1
  if ((at<DnsHeader>(message).flags & DNS_TRUNCATED) != 0) return askOverTcp(query)
  respond(query, message, length)
}

function askOverTcp(query: DnsQuery): void {
  dnsStatistics.streams += 1
  if (dnsStreamOpen(query) != Errno.None) return streamFailed(query)
  timerStart(query.timer, DNS_STREAM_WAIT, dnsTimeout)
}

/** What came of it. */
function dnsStreamEnd(query: DnsQuery, response: ptr, length: u32): void {
  if (length == 0) return streamFailed(query)
  dnsStatistics.responsesTaken += 1
  respond(query, response, length)
}

/** As `failed`, but why nothing was found is known: the answer is too long. */
function streamFailed(query: DnsQuery): void {
  dnsStreamClose(query)
  query.tries += 1
  if (query.tries % dnsServerCountOrOne() == 0) return finish(query, DnsStatus.TruncatedNeedsTcp)
  ask(query)
}

/** Act on a response that is believed. */
function respond(query: DnsQuery, response: ptr, length: u32): void {
  switch (dnsCollect(query.answer, response, length, at<DnsHeader>(response).responseCode)) {
    case DnsOutcome.Done:
      preferred = (query.firstServer + query.tries) % dnsServerCountOrOne()
      return finish(query, query.answer.status)
    case DnsOutcome.Again:
      query.tries = 0
      return ask(query)
    default:
      return failed(query)
  }
}

function dnsServerCountOrOne(): u32 {
  const servers: u32 = dnsServerCount()
  return servers == 0 ? 1 : servers
}

/** A server that does not want to: the next, but once all of them have had their say it is enough. */
function failed(query: DnsQuery): void {
  query.tries += 1
  if (query.tries % dnsServerCountOrOne() == 0) return finish(query, DnsStatus.ServerFailure)
  ask(query)
}

/** The end of a question, for it and for those that follow it. */
function finish(query: DnsQuery, status: DnsStatus): void {
  query.answer.status = status
  keep(query)
  for (let i: u32 = 0; i < DNS_QUERY_LIMIT; i++) {
    const each = dnsQueryAt(i)
    if (each.state == DnsQueryState.Following && each.leader == query) {
      copyBytes(address(each.answer), address(query.answer), sizeof<DnsAnswer>())
      finishLater(each)
    }
  }
  finishLater(query)
}

/** RFC 2308 §5: a name that does not exist has no records of any type; but what an alias leads to is another name. */
function keep(query: DnsQuery): void {
  const answer = query.answer
  switch (answer.status) {
    case DnsStatus.Found:
    case DnsStatus.NoData:
      return dnsCacheStore(query.name, query.type, answer)
    case DnsStatus.NoName:
      return dnsCacheStore(query.name, answer.chain == 0 ? DnsRecordType.Any : query.type, answer)
    default:
      dnsStatistics.failures += 1
      answer.timeToLive = 0
      answer.count = 0
  }
}

function finishLater(query: DnsQuery): void {
  dnsQueryUnbind(query)
  dnsStreamClose(query)
  query.state = DnsQueryState.Finished
  timerStart(query.timer, 0, dnsTimeout)
}

/** Tell who asked. The handle means nothing any more, and the slot is not free before `done` has returned. */
function deliver(query: DnsQuery): void {
  const done = query.done
  query.generation = (query.generation + 1) & 0x3fffff
  if (done != null) done(query.answer, query.context)
  release(query)
}

function release(query: DnsQuery): void {
  dnsStreamClose(query)
  dnsQueryRelease(query)
}

/** Ask no more: `done` will not be called. Errors: NoSuchEntry (answered already, or never asked). */
export function dnsCancel(handle: i32): i32 {
  const place: u32 = (handle as number as u32) & ((1 << INDEX_BITS) - 1)
  if (handle <= 0 || place == 0 || place > DNS_QUERY_LIMIT) return Errno.NoSuchEntry
  const query = dnsQueryAt(place - 1)
  if (query.state == DnsQueryState.Free || handleOf(query) != (handle as number as u32)) return Errno.NoSuchEntry
  query.done = null
  if (query.state != DnsQueryState.Asking) {
    release(query)
    return Errno.None
  }
  query.generation = (query.generation + 1) & 0x3fffff
  if (!followed(query)) release(query)
  return Errno.None
}

function followed(query: DnsQuery): boolean {
  for (let i: u32 = 0; i < DNS_QUERY_LIMIT; i++) {
    const each = dnsQueryAt(i)
    if (each.state == DnsQueryState.Following && each.leader == query) return true
  }
  return false
}

/** The `index`th IPv4 address of an answer to a question of type A, index below `count`. */
export function dnsAnswerAddress(answer: DnsAnswer, index: u32): Ipv4Address {
  return loadBe32(plus(answer.addresses, index * 4), 0)
}
