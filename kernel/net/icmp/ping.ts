// Pings: who is asked, what was sent when, what came back how fast. RFC 792; RustOS's icmp module on top of
// echo.ts. Main-loop context only.
//
// A ping has one target; replies from anybody else do not count, but that a broadcast or a group is answered by many.
// Of requests and of replies the last PING_REPLIES are remembered: a request is forgotten when its reply came, or
// after PING_TIMEOUT, and a reply without its request does not count.

import { PING_DATA, PING_LIMIT, PING_REPLIES, PING_TIMEOUT } from '../../config.ts'
import { Errno } from '../../lib/errno.ts'
import { fillBytes } from '../../lib/memory.ts'
import { nowMilliseconds } from '../../lib/clock.ts'
import {
  address, at, nth, sizeof, staticRow, struct,
  type Bytes, type Row, type Stored, type bool, type cstring, type i32, type ptr, type u16, type u32,
} from '../../lib/layout.ts'
import { packetStrip, type Packet } from '../../drivers/net/packet.ts'
import { chainCopy, chainLength } from '../chain.ts'
import { isMulticast, isThisNetwork, type Ipv4Address } from '../ipv4/address.ts'
import { PathKind, pathFind } from '../ipv4/route.ts'
import { echoClose, echoOpen, echoSendData, type EchoSession } from './echo.ts'
import { IcmpHeader, IcmpType } from './header.ts'

/** One reply. */
@struct
export class PingReply {
  sequence: u16
  length: u16 // bytes of data
  roundTrip: u32 // milliseconds
  from: Ipv4Address
  data: Bytes<64> // PING_DATA: the first of it
}

@struct
class PingRequest {
  sequence: u16
  outstanding: Stored<u16, bool>
  sentAt: u32 // milliseconds
}

@struct
export class Ping {
  session: EchoSession | null // null: the entry is free
  target: Ipv4Address
  nextSequence: u16
  several: Stored<u16, bool> // the target is a group, or everybody
  replyCount: u32 // since the start; the last PING_REPLIES of them are kept
  errorCount: u32 // ICMP errors about requests
  errorType: u16 // of the last
  errorCode: u16
  requests: Row<PingRequest, 32> // PING_REPLIES, by sequence number
  replies: Row<PingReply, 32> // PING_REPLIES, the newest over the oldest
}

/** What a request without data carries: RustOS's. */
const DEFAULT_DATA: cstring = 'RustOS ping'
const DEFAULT_LENGTH: u32 = 11

const pings = staticRow<Ping>(PING_LIMIT)

/** Forget all pings. */
export function pingInit(): void {
  for (let i: u32 = 0; i < PING_LIMIT; i++) {
    const session = nth(pings, i).session
    if (session != null) echoClose(session)
  }
  fillBytes(address(pings), 0, PING_LIMIT * sizeof<Ping>())
}

/** The ping of an identifier, or null. */
export function pingOf(identifier: u32): Ping | null {
  for (let i: u32 = 0; i < PING_LIMIT; i++) {
    const ping = nth(pings, i)
    const session = ping.session
    if (session != null && session.identifier == identifier) return ping
  }
  return null
}

/**
 * Begin to ping `target`. Returns the identifier, 1 to 65,535, that no other ping has. Errors: InvalidArgument (0.0.0.0/8),
 * NoSpace (PING_LIMIT, ECHO_SESSION_LIMIT).
 */
export function pingStart(target: Ipv4Address): i32 {
  if (isThisNetwork(target)) return Errno.InvalidArgument
  for (let i: u32 = 0; i < PING_LIMIT; i++) {
    const ping = nth(pings, i)
    if (ping.session != null) continue
    const session = echoOpen(replied, address(ping))
    if (session == null) return Errno.NoSpace
    session.failed = failed
    fillBytes(address(ping), 0, sizeof<Ping>())
    ping.session = session
    ping.target = target
    ping.nextSequence = 1
    return session.identifier as i32
  }
  return Errno.NoSpace
}

/**
 * Send one request with `length` bytes at `data`, or, with `data` 0, RustOS's eleven. Returns its sequence number. Errors:
 * NoSuchEntry (no such ping), and those of echoSendData; the number is used up all the same.
 */
export function pingSend(identifier: u32, data: ptr, length: u32): i32 {
  const ping = pingOf(identifier)
  if (ping == null) return Errno.NoSuchEntry
  const sequence: u32 = ping.nextSequence
  ping.nextSequence = sequence + 1
  const path = pathFind(ping.target)
  ping.several = isMulticast(ping.target) || (path != null && path.kind == PathKind.Broadcast)
  const request = nth(ping.requests, sequence % PING_REPLIES)
  request.sequence = sequence
  request.outstanding = true
  request.sentAt = nowMilliseconds()
  const from: ptr = data != 0 ? data : DEFAULT_DATA as ptr
  const bytes: u32 = data != 0 ? length : DEFAULT_LENGTH
  const result: i32 = echoSendData(ping.session as EchoSession, ping.target, sequence, from, bytes)
  return result == Errno.None ? sequence as number as i32 : result
}

/** Replies so far. Errors: NoSuchEntry. */
export function pingResults(identifier: u32): i32 {
  const ping = pingOf(identifier)
  return ping != null ? ping.replyCount as number as i32 : Errno.NoSuchEntry
}

/** The `index`th reply, from 0; null if there was none, or it is too long ago. Good until the next reply. */
export function pingReply(identifier: u32, index: u32): PingReply | null {
  const ping = pingOf(identifier)
  if (ping == null || index >= ping.replyCount || index + PING_REPLIES < ping.replyCount) return null
  return nth(ping.replies, index % PING_REPLIES)
}

/** Requests that may still be answered. Errors: NoSuchEntry. */
export function pingOutstanding(identifier: u32): i32 {
  const ping = pingOf(identifier)
  if (ping == null) return Errno.NoSuchEntry
  let count: u32 = 0
  for (let i: u32 = 0; i < PING_REPLIES; i++) {
    if (isWaiting(nth(ping.requests, i))) count += 1
  }
  return count as number as i32
}

/** End a ping; what still comes is dropped. Unknown identifiers are no error. */
export function pingStop(identifier: u32): void {
  const ping = pingOf(identifier)
  if (ping == null) return
  echoClose(ping.session as EchoSession)
  ping.session = null
}

function isWaiting(request: PingRequest): boolean {
  return request.outstanding && nowMilliseconds() - request.sentAt < PING_TIMEOUT
}

function replied(session: EchoSession, packet: Packet, from: Ipv4Address, sequence: u32): void {
  const ping = at<Ping>(session.context)
  const request = nth(ping.requests, sequence % PING_REPLIES)
  if (!isWaiting(request) || request.sequence != sequence) return // never sent, answered, or too late
  if (from != ping.target && !ping.several) return
  request.outstanding = ping.several // many may answer
  const reply = nth(ping.replies, ping.replyCount % PING_REPLIES)
  packetStrip(packet, sizeof<IcmpHeader>())
  reply.sequence = sequence
  reply.length = chainLength(packet)
  reply.roundTrip = nowMilliseconds() - request.sentAt
  reply.from = from
  fillBytes(reply.data, 0, PING_DATA)
  chainCopy(reply.data, packet, PING_DATA)
  ping.replyCount += 1
}

function failed(session: EchoSession, remote: Ipv4Address, sequence: u32, type: IcmpType, code: u32): void {
  const ping = at<Ping>(session.context)
  if (remote != ping.target) return
  ping.errorCount += 1
  ping.errorType = type
  ping.errorCode = code
}
