// The DHCP client: get an address, keep it, lose it. RFC 2131 §4.4, figure 5. Main-loop context only.
//
//   Init ──DISCOVER──▶ Selecting ──OFFER, REQUEST──▶ Requesting ──ACK──▶ Bound ──T1──▶ Renewing ──T2──▶ Rebinding
//     ▲                                                  │               ▲  ▲             │ ACK           │ ACK
//     │                                                  │ NAK, silence  │  └─────────────┴───────────────┤
//     ├──────────────────────────────────────────────────┴───────────────┼───── NAK, lease over ──────────┘
//     │ NAK                                                              │ ACK, silence
//     └────────────────────────────────────────────────────────────── Rebooting ◀── the link came back, in the last three
//
// An ACK's address is claimed (acd/claim.ts): probed before or while it is used, as `acd=` says. Somebody else's is
// declined, and the client starts over ten seconds later (§3.1 (5)); so is one lost to a conflict later on. DHCP goes on
// asking when it fails; after LINK_LOCAL_AFTER the interface has a link-local address meanwhile (RFC 3927 §1.9).
//
// RELEASE is sent when an interface is given other settings, not when the machine ends: it may be about to boot
// again, and the server knows it by its identifier. The lease is remembered while the link or the interface is
// down (INIT-REBOOT), not over a boot: nothing is written to a disk.
//
// Differences from what the RFC suggests: the first DISCOVER is not delayed by 1 to 10 seconds (§4.4.1 SHOULD: a
// virtual machine is not a building after a power cut); the first usable offer is taken; T1 and T2 have no random part (§4.4.5).

import {
  DHCP_DECLINE_WAIT, DHCP_FIRST_WAIT, DHCP_LONGEST_WAIT, INTERFACE_LIMIT, LINK_LOCAL_AFTER,
} from '../../config.ts'
import { nowSeconds } from '../../lib/clock.ts'
import { Errno } from '../../lib/errno.ts'
import { Level, logDecimal, logEnd, logIpv4, logStart, logText } from '../../lib/log.ts'
import { random32, randomBelow } from '../../lib/random.ts'
import { timerActive, timerStart, timerStop, type Timer } from '../../lib/timer.ts'
import {
  address, at, offsetof, plus, sizeof, staticStruct, type cstring, type i32, type ptr, type u32,
} from '../../lib/layout.ts'
import { packetFree, packetLength, type Packet } from '../../drivers/net/packet.ts'
import { ClaimEvent } from '../acd/claims.ts'
import type { NetInterface } from '../interface.ts'
import { isUnicast, type Ipv4Address } from '../ipv4/address.ts'
import { linkLocalActive, linkLocalInit, linkLocalLinkUp, linkLocalStart, linkLocalStop } from '../link-local/link-local.ts'
import { Drop, drop } from '../stats.ts'
import { udpBind, type UdpBinding } from '../udp/ports.ts'
import { DhcpClient, DhcpClientState, dhcpClientAt, dhcpClientOf } from './client-state.ts'
import { DHCP_CLIENT_PORT, DHCP_SERVER_PORT, DhcpMessage, DhcpMessageType, dhcpFault } from './header.ts'
import { leaseApply, leaseRefused, leaseRemove, leaseSettle, leaseUsable } from './lease.ts'
import { DhcpValues, dhcpOptionsRead } from './options.ts'
import {
  dhcpSendDecline, dhcpSendDiscover, dhcpSendRebinding, dhcpSendRebooting, dhcpSendRelease, dhcpSendRenewing,
  dhcpSendSelecting,
} from './output.ts'

/** REQUESTs without answer before the client starts over: four, a minute together. RFC 2131 §3.1 (5). */
const REQUEST_ATTEMPTS: u32 = 4
/** REQUESTs after the link came back, until the lease is believed without an answer. RFC 2131 §3.2 (4). */
const REBOOT_ATTEMPTS: u32 = 3
/** Renewing and rebinding are tried again after half the time that is left, but not sooner: RFC 2131 §4.4.5. */
const SHORTEST_RETRY: u32 = 60
/** Plus or minus a second on every wait: RFC 2131 §4.1. */
const JITTER: u32 = 1000
const FOREVER: u32 = 0xffffffff
/** Longest lease that is told from one for ever, seconds: 68 years, which can be added to a time without overflow. */
const LONGEST_LEASE: u32 = 0x7fffffff
/** Longest sleep of the lease timer, seconds: a timer counts milliseconds in 31 bits. */
const LONGEST_SLEEP: u32 = 86_400

const values = staticStruct<DhcpValues>()

/** No client runs; answers to port 68 are read. Errors: those of udpBind. */
export function dhcpInit(): i32 {
  linkLocalInit()
  for (let i: u32 = 0; i < INTERFACE_LIMIT; i++) {
    const client = dhcpClientAt(i)
    stopTimers(client)
    client.active = false
    client.held = 0
    client.usable = false
    client.address = 0
  }
  return udpBind(DHCP_CLIENT_PORT, dhcpDatagram, 0 as ptr)
}

function stopTimers(client: DhcpClient): void {
  timerStop(client.timer)
  timerStop(client.fallback)
}

/** Get an address for an interface that is up and has none. */
export function dhcpStart(netif: NetInterface): void {
  const client = dhcpClientOf(netif)
  client.netif = netif
  client.active = true
  client.refusals = 0
  startOver(client)
}

/** Stop for good, and give the address back. */
export function dhcpStop(netif: NetInterface): void {
  const client = dhcpClientOf(netif)
  if (!client.active) return
  if (client.held != 0 && client.usable) dhcpSendRelease(client) // once, and nobody answers: RFC 2131 §4.4.6
  stopTimers(client)
  client.active = false
  netif.configuring = false
  leaseRemove(client, 'stopped')
  linkLocalStop(netif)
}

/** The link is back, or the interface: who waits for an offer asks now, who has a lease asks whether it is good here. RFC 2131 §3.7. */
export function dhcpLinkUp(netif: NetInterface): void {
  const client = dhcpClientOf(netif)
  if (!client.active) return
  linkLocalLinkUp(netif)
  if (client.state < DhcpClientState.Bound) startOver(client)
  else reboot(client)
}

/** Init: no address, a new transaction. */
function startOver(client: DhcpClient): void {
  forget(client)
  client.attempt = 0
  client.state = DhcpClientState.Selecting
  discover(client)
}

/** Init after a refusal: at once the first time, else after a wait that grows, or client and server would never rest. */
function startAgain(client: DhcpClient): void {
  if (client.refusals < 0xffff) client.refusals += 1
  if (client.refusals == 1) return startOver(client)
  forget(client)
  client.attempt = client.refusals - 2
  client.state = DhcpClientState.Init
  waitForAnswer(client)
}

function forget(client: DhcpClient): void {
  client.netif.configuring = true
  client.xid = random32()
  client.address = 0
  client.server = 0
  client.startedAt = nowSeconds()
  if (timerActive(client.fallback) || linkLocalActive(client.netif)) return
  timerStart(client.fallback, LINK_LOCAL_AFTER, fallbackDue)
}

/** Nobody has given us an address for LINK_LOCAL_AFTER. */
function fallbackDue(timer: Timer): void {
  linkLocalStart(at<DhcpClient>(plus(address(timer), 0 - offsetof<DhcpClient>('fallback'))).netif)
}

function discover(client: DhcpClient): void {
  dhcpSendDiscover(client) // what is not sent now is sent again
  waitForAnswer(client)
}

function request(client: DhcpClient): void {
  client.requestedAt = nowSeconds()
  dhcpSendSelecting(client) // what is not sent now is sent again
  waitForAnswer(client)
}

/** INIT-REBOOT: is what we had still ours? RFC 2131 §4.3.2, §4.4.2. */
function reboot(client: DhcpClient): void {
  client.state = DhcpClientState.Rebooting
  client.attempt = 0
  client.xid = random32()
  client.startedAt = nowSeconds()
  client.netif.configuring = true
  requestAgain(client)
}

function requestAgain(client: DhcpClient): void {
  client.requestedAt = nowSeconds()
  dhcpSendRebooting(client) // what is not sent now is sent again
  waitForAnswer(client)
}

/** No answer: the address is ours until the lease is over. RFC 2131 §3.2 (4). */
function rebootTimeout(client: DhcpClient): void {
  if (client.attempt < REBOOT_ATTEMPTS && (client.forever || nowSeconds() < client.expireAt)) return requestAgain(client)
  client.netif.configuring = false
  client.state = DhcpClientState.Bound
  leaseAged(client)
}

/** 4, 8, 16, 32, then always 64 seconds, plus or minus one. RFC 2131 §4.1. */
function waitForAnswer(client: DhcpClient): void {
  let wait: u32 = DHCP_FIRST_WAIT
  for (let i: u32 = 0; i < client.attempt && wait < DHCP_LONGEST_WAIT; i++) wait *= 2
  if (client.attempt < 0xffff) client.attempt += 1
  timerStart(client.timer, wait - JITTER + randomBelow(2 * JITTER + 1), dhcpTimeout)
}

function dhcpTimeout(timer: Timer): void {
  const client = clientOf(timer)
  switch (client.state) {
    case DhcpClientState.Init:
      return startOver(client)
    case DhcpClientState.Selecting:
      return discover(client)
    case DhcpClientState.Requesting:
      return client.attempt < REQUEST_ATTEMPTS ? request(client) : startOver(client)
    case DhcpClientState.Rebooting:
      return rebootTimeout(client)
    default:
      return leaseAged(client)
  }
}

function clientOf(timer: Timer): DhcpClient {
  return at<DhcpClient>(plus(address(timer), 0 - offsetof<DhcpClient>('timer')))
}

/** Bound and later: time has passed; which of T1, T2 and the end has come? RFC 2131 §4.4.5. */
function leaseAged(client: DhcpClient): void {
  if (client.forever) return
  const now = nowSeconds()
  if (now >= client.expireAt) {
    leaseRemove(client, 'lease expired')
    return startOver(client)
  }
  if (now >= client.rebindAt) return rebind(client, now)
  if (now >= client.renewAt) return renew(client, now)
  sleepUntil(client, client.renewAt, now)
}

function renew(client: DhcpClient, now: u32): void {
  beginExtending(client, DhcpClientState.Renewing, now)
  dhcpSendRenewing(client) // tried again below
  sleepUntil(client, retryAt(now, client.rebindAt), now)
}

function rebind(client: DhcpClient, now: u32): void {
  beginExtending(client, DhcpClientState.Rebinding, now)
  dhcpSendRebinding(client) // tried again below
  sleepUntil(client, retryAt(now, client.expireAt), now)
}

/** A new state is a new transaction; a second try is the same one, but a lease counts from the last. */
function beginExtending(client: DhcpClient, state: DhcpClientState, now: u32): void {
  if (client.state != state) {
    client.state = state
    client.xid = random32()
    client.startedAt = now
  }
  client.requestedAt = now
}

/** Half way to `end`, but not within the minute; past that, `end` itself. */
function retryAt(now: u32, end: u32): u32 {
  let wait: u32 = (end - now) / 2
  if (wait < SHORTEST_RETRY) wait = SHORTEST_RETRY
  return now + wait < end ? now + wait : end
}

function sleepUntil(client: DhcpClient, when: u32, now: u32): void {
  let wait: u32 = when - now
  if (wait > LONGEST_SLEEP) wait = LONGEST_SLEEP
  timerStart(client.timer, wait * 1000, dhcpTimeout)
}

/** What comes to port 68. */
function dhcpDatagram(binding: UdpBinding, ingress: NetInterface, packet: Packet, from: Ipv4Address, fromPort: u32): void {
  const client = dhcpClientOf(ingress)
  if (!client.active || fromPort != DHCP_SERVER_PORT) return drop(packet, Drop.DhcpMessage)
  const fault: Drop = dhcpFault(packet, ingress.mac, client.xid)
  if (fault != Drop.None) return drop(packet, fault)
  const message = at<DhcpMessage>(packet.head)
  const options = plus(packet.head, sizeof<DhcpMessage>())
  const length: u32 = packetLength(packet) - sizeof<DhcpMessage>()
  if (!dhcpOptionsRead(values, message, options, length)) return drop(packet, Drop.DhcpMessage)
  if (!answer(client, message.yiaddr)) return drop(packet, Drop.DhcpMessage)
  packetFree(packet)
}

/** Act on an answer, its options in `values`. False if it is none that the state waits for. */
function answer(client: DhcpClient, yours: Ipv4Address): boolean {
  switch (values.messageType) {
    case DhcpMessageType.Offer: return offered(client, yours)
    case DhcpMessageType.Ack: return acknowledged(client, yours)
    case DhcpMessageType.Nak: return refused(client)
    default: return false
  }
}

function offered(client: DhcpClient, yours: Ipv4Address): boolean {
  if (client.state != DhcpClientState.Selecting) return false
  if (!leaseUsable(yours, values)) return false
  if (!isUnicast(values.serverIdentifier)) return false // RFC 2131 §4.3.1, table 3: MUST
  client.offersReceived += 1
  client.address = yours
  client.server = values.serverIdentifier
  client.state = DhcpClientState.Requesting
  client.attempt = 0
  request(client)
  return true
}

/** Whether the client has asked for what an ACK or NAK decides, and this server may decide it. */
function isExpected(client: DhcpClient): boolean {
  switch (client.state) {
    case DhcpClientState.Requesting:
      return values.serverIdentifier == client.server
    case DhcpClientState.Renewing:
    case DhcpClientState.Rebinding:
    case DhcpClientState.Rebooting:
      return isUnicast(values.serverIdentifier)
    default:
      return false
  }
}

function acknowledged(client: DhcpClient, yours: Ipv4Address): boolean {
  if (!isExpected(client) || values.leaseTime == 0 || !leaseUsable(yours, values)) return false
  const renewed: boolean = client.held == yours
  client.acksReceived += 1
  client.address = yours
  client.server = values.serverIdentifier
  client.state = DhcpClientState.Bound
  client.netif.configuring = false
  if (leaseApply(client, yours, values, claimDecided) != Errno.None) {
    startAgain(client)
    return true
  }
  client.refusals = 0
  timerStop(client.fallback)
  setTimes(client)
  if (renewed) logLease(Level.Info, client, 'lease-renewed')
  return true
}

/** What acd/claim.ts finds out about a lease's address. */
function claimDecided(netif: NetInterface, a: Ipv4Address, event: ClaimEvent): void {
  const client = dhcpClientOf(netif)
  if (!client.active || client.held != a) return
  if (event == ClaimEvent.Usable) {
    linkLocalStop(netif)
    leaseSettle(client)
  }
  if (event == ClaimEvent.Conflict) declined(client)
  if (event == ClaimEvent.Refused) {
    leaseRefused(client)
    startAgain(client)
  }
}

/** Somebody has the address: the server is told, and asked for another ten seconds later. RFC 2131 §3.1 (5). */
function declined(client: DhcpClient): void {
  client.xid = random32()
  dhcpSendDecline(client)
  logLease(Level.Warn, client, 'lease-declined')
  leaseRemove(client, 'address in use')
  forget(client)
  client.attempt = 0
  client.state = DhcpClientState.Init
  timerStart(client.timer, DHCP_DECLINE_WAIT, dhcpTimeout)
}

/** T1 and T2 as given, if they make sense in their order, else half and seven eighths of the lease. RFC 2131 §4.4.5. */
function setTimes(client: DhcpClient): void {
  client.forever = values.leaseTime == FOREVER
  if (client.forever) return timerStop(client.timer)
  const lease: u32 = values.leaseTime < LONGEST_LEASE ? values.leaseTime : LONGEST_LEASE
  let rebinding: u32 = values.rebindingTime
  let renewal: u32 = values.renewalTime
  if (rebinding == 0 || rebinding >= lease) rebinding = lease - lease / 8
  if (renewal == 0 || renewal >= rebinding) renewal = lease / 2
  if (renewal > rebinding) renewal = rebinding
  client.renewAt = client.requestedAt + renewal
  client.rebindAt = client.requestedAt + rebinding
  client.expireAt = client.requestedAt + lease
  const now = nowSeconds()
  sleepUntil(client, client.renewAt > now ? client.renewAt : now, now)
}

/** NAK: what we have, or wanted, is not ours. RFC 2131 §3.1 (5), §3.2 (4), §4.4.5. */
function refused(client: DhcpClient): boolean {
  if (!isExpected(client)) return false
  client.naksReceived += 1
  logLease(Level.Warn, client, 'lease-refused')
  leaseRemove(client, 'lease refused')
  startAgain(client)
  return true
}

function logLease(level: Level, client: DhcpClient, event: cstring): void {
  if (!logStart(level, 'net', event)) return
  logText('if', client.netif.name)
  logIpv4('ip', client.address)
  logIpv4('server', client.server)
  if (values.leaseTime != 0) logDecimal('seconds', values.leaseTime)
  logEnd()
}
