// Echo requests of our own, and the replies to them. RFC 792 "Echo or Echo Reply Message". Main-loop context only.
//
// Whoever pings opens a session: it has an identifier that no other has, and a function that is told of replies.

import { ECHO_SESSION_LIMIT } from '../../config.ts'
import { Errno } from '../../lib/errno.ts'
import { store8 } from '../../lib/intrinsics.ts'
import { fillBytes } from '../../lib/memory.ts'
import { random32 } from '../../lib/random.ts'
import {
  address, at, nth, sizeof, staticRow, struct,
  type Stored, type bool, type i32, type ptr, type u16, type u32, type u8,
} from '../../lib/layout.ts'
import {
  packetAppend, packetFree, packetPrepend, packetStrip, packetTailRoom, type Packet,
} from '../../drivers/net/packet.ts'
import { checksumOf, packetSum } from '../checksum.ts'
import type { Ipv4Address } from '../ipv4/address.ts'
import { IpProtocol, Ipv4Header } from '../ipv4/header.ts'
import { ipv4Allocate, ipv4Append, ipv4Output } from '../ipv4/output.ts'
import { pathFind } from '../ipv4/route.ts'
import { Drop, counters, drop } from '../stats.ts'
import { IcmpHeader, IcmpType } from './header.ts'

/** Told of one reply; the packet, ICMP header at `head`, is freed after the call. */
export type EchoReceived = (session: EchoSession, packet: Packet, from: Ipv4Address, sequence: u32) => void

/** Told of an ICMP error about one request of the session to `remote`. */
export type EchoFailed = (session: EchoSession, remote: Ipv4Address, sequence: u32, type: IcmpType, code: u32) => void

@struct
export class EchoSession {
  received: EchoReceived
  failed: EchoFailed | null // null after echoOpen: nobody is told
  context: ptr // the user's own
  identifier: u16
  open: Stored<u8, bool>
  reserved: u8
}

/** What one packet of 65,535 bytes has room for, beside the headers. */
const LONGEST_DATA: u32 = 65_507

const sessions = staticRow<EchoSession>(ECHO_SESSION_LIMIT)

/** Close all sessions. */
export function echoInit(): void {
  fillBytes(address(sessions), 0, ECHO_SESSION_LIMIT * sizeof<EchoSession>())
}

/** A session with a random identifier of its own; null when ECHO_SESSION_LIMIT are open. */
export function echoOpen(received: EchoReceived, context: ptr): EchoSession | null {
  for (let i: u32 = 0; i < ECHO_SESSION_LIMIT; i++) {
    const session = nth(sessions, i)
    if (session.open) continue
    let identifier: u32 = 1 + random32() % 0xffff // RustOS's are never 0
    while (echoFind(identifier) != null) identifier = 1 + identifier % 0xffff
    session.received = received
    session.failed = null
    session.context = context
    session.identifier = identifier
    session.open = true
    return session
  }
  return null
}

/** End a session: replies still on their way are dropped. */
export function echoClose(session: EchoSession): void {
  session.open = false
}

function echoFind(identifier: u32): EchoSession | null {
  for (let i: u32 = 0; i < ECHO_SESSION_LIMIT; i++) {
    const session = nth(sessions, i)
    if (session.open && session.identifier == identifier) return session
  }
  return null
}

/**
 * Send one echo request with `length` bytes of data that count up from 0. Errors: NoBufferSpace (no packet, or
 * more than one buffer's data), and those of ipv4Output.
 */
export function echoSend(session: EchoSession, destination: Ipv4Address, sequence: u32, length: u32): i32 {
  const packet = ipv4Allocate(sizeof<IcmpHeader>())
  if (packet == null) return Errno.NoBufferSpace
  if (packetTailRoom(packet) < length) {
    packetFree(packet)
    return Errno.NoBufferSpace
  }
  const data = packetAppend(packet, length)
  for (let i: u32 = 0; i < length; i++) store8(data, i, i & 0xff)
  return sendRequest(session, packet, destination, sequence)
}

/**
 * The same with `length` bytes of data at `from`, up to 65,507. Errors: NoBufferSpace (the pool has not so many
 * packets), MessageTooLong, NetworkUnreachable, and those of ipv4Output.
 */
export function echoSendData(
  session: EchoSession, destination: Ipv4Address, sequence: u32, from: ptr, length: u32,
): i32 {
  if (length > LONGEST_DATA) return Errno.MessageTooLong
  const path = pathFind(destination)
  if (path == null) return Errno.NetworkUnreachable
  const packet = ipv4Allocate(sizeof<IcmpHeader>())
  if (packet == null) return Errno.NoBufferSpace
  packetPrepend(packet, sizeof<IcmpHeader>())
  const mtu: u32 = path.mtu
  const fits = ipv4Append(packet, mtu, from, length)
  packetStrip(packet, sizeof<IcmpHeader>())
  if (fits) return sendRequest(session, packet, destination, sequence)
  packetFree(packet)
  return Errno.NoBufferSpace
}

/** Data at `head`, the header goes before it. */
function sendRequest(session: EchoSession, packet: Packet, destination: Ipv4Address, sequence: u32): i32 {
  const icmp = at<IcmpHeader>(packetPrepend(packet, sizeof<IcmpHeader>()))
  icmp.type = IcmpType.Echo
  icmp.code = 0
  icmp.checksum = 0
  icmp.identifier = session.identifier
  icmp.sequence = sequence
  icmp.checksum = checksumOf(packetSum(packet, 0, 0))
  counters.icmpEchoRequestsSent += 1
  return ipv4Output(packet, 0, destination, IpProtocol.Icmp, 0)
}

/** An error about an echo request to `remote`, its header as it was quoted. False if no session has sent it. */
export function echoFailed(icmp: IcmpHeader, remote: Ipv4Address, type: IcmpType, code: u32): boolean {
  if (icmp.type != IcmpType.Echo) return false
  const session = echoFind(icmp.identifier)
  if (session == null) return false
  const failed = session.failed
  if (failed != null) failed(session, remote, icmp.sequence, type, code)
  return true
}

/** An echo reply, checked, at `head`. */
export function echoReceived(packet: Packet): void {
  const icmp = at<IcmpHeader>(packet.head)
  const session = echoFind(icmp.identifier)
  if (session == null) return drop(packet, Drop.IcmpEchoUnmatched)
  counters.icmpEchoRepliesReceived += 1
  const ip = at<Ipv4Header>(packet.networkHeader)
  session.received(session, packet, ip.source, icmp.sequence)
  packetFree(packet)
}
