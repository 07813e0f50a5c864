// What tests ask of the stack as a whole: a stack on fake cards, its interfaces and tables by number, a datagram
// in and out, the self-test's verdict.

import { copyBytes, zeroBytes } from '../../kernel/lib/memory.ts'
import {
  address, at, nth, plus, sizeof, staticMemory, staticStruct, type cstring, type i32, type ptr, type u32,
} from '../../kernel/lib/layout.ts'
import { Options, optionsDefault } from '../../kernel/lib/options.ts'
import { packetAppend, packetFree, type Packet } from '../../kernel/drivers/net/packet.ts'
import { arpFind, arpNewest, type ArpEntry } from '../../kernel/net/arp/cache.ts'
import { arpSetPermanent } from '../../kernel/net/arp/learn.ts'
import { chainCopy, chainLength } from '../../kernel/net/chain.ts'
import { InterfaceSpec, interfaceSpecParse } from '../../kernel/net/config.ts'
import { interfaceAddAddress, interfaceRemoveAddress, interfaceDown } from '../../kernel/net/configure.ts'
import { DhcpValues, dhcpOptionsRead } from '../../kernel/net/dhcp/options.ts'
import { dhcpClientOf } from '../../kernel/net/dhcp/client-state.ts'
import { DhcpMessage } from '../../kernel/net/dhcp/header.ts'
import { echoClose, echoOpen, echoSend, type EchoSession } from '../../kernel/net/icmp/echo.ts'
import { interfaceJoin, interfaceLeave } from '../../kernel/net/group.ts'
import { interfaceAt, type NetInterface } from '../../kernel/net/interface.ts'
import { macOfGroup } from '../../kernel/net/ipv4/address.ts'
import { ipv4Allocate, ipv4Output } from '../../kernel/net/ipv4/output.ts'
import { pathFind, routeAdd, routeAt, routeRemove } from '../../kernel/net/ipv4/route.ts'
import { netConfigure, netInit, netStart } from '../../kernel/net/start.ts'
import { counters } from '../../kernel/net/stats.ts'
import { udpBind, type UdpBinding } from '../../kernel/net/udp/ports.ts'
import { udpAllocate, udpOutput } from '../../kernel/net/udp/output.ts'
import type { NetInterface as Ingress } from '../../kernel/net/interface.ts'
import { selftestNetStart } from '../../kernel/selftest/net.ts'
import { fakeNic, fakePool } from './net-nic.ts'
import { seedRandom } from './net-time.ts'

const spec = staticStruct<InterfaceSpec>()
const options = staticStruct<Options>()
const values = staticStruct<DhcpValues>()
const group = staticMemory(8)
const taken = staticMemory(2048)

/** Packets, random numbers, one card, an empty stack. `features`: NicFeature bits. */
export function stackStart(features: u32, mtu: u32): void {
  seedRandom(1)
  fakePool()
  fakeNic(features, mtu, 12)
  netInit()
}

/** The same with two cards. */
export function stackStartTwo(): void {
  seedRandom(1)
  fakePool()
  fakeNic(0, 1500, 12)
  fakeNic(0, 1500, 12)
  netInit()
}

function netif(index: u32): NetInterface {
  return interfaceAt(index) as NetInterface
}

/** Set an interface up by a value of `eth0=`. 0, an Errno, or 1 for a value that is refused. */
export function configure(index: u32, value: cstring): i32 {
  if (interfaceSpecParse(spec, value) != null) return 1
  return netConfigure(netif(index), spec)
}

/** What netStart makes of one value of `eth0=`; an empty one stands for no option. */
export function startWith(value: cstring, index: u32): void {
  optionsDefault(options)
  if ((value as ptr) != 0) {
    const option = nth(options.interfaces, 0)
    option.value = value
    option.index = index
    options.interfaceCount = 1
  }
  netStart(options)
}

/** The reason a value is refused, or 0. */
export function specRefusal(value: cstring): cstring {
  const why = interfaceSpecParse(spec, value)
  return why != null ? why : 0 as ptr
}

export function specField(index: u32): u32 {
  switch (index) {
    case 0: return spec.mode
    case 1: return spec.address
    case 2: return spec.prefixLength
    case 3: return spec.gateway
    case 4: return spec.dns
    case 5: return spec.mtu
    default: return spec.promiscuous ? 1 : 0
  }
}

export function netifField(index: u32, field: u32): u32 {
  const each = netif(index)
  switch (field) {
    case 0: return each.first.address
    case 1: return each.first.prefixLength
    case 2: return each.first.broadcast
    case 3: return each.addressCount
    case 4: return each.gateway
    case 5: return each.dns
    case 6: return each.mtu
    case 7: return each.up ? 1 : 0
    case 8: return each.source
    case 9: return each.groupCount
    default: return each.promiscuous ? 1 : 0
  }
}

export function addAddress(index: u32, a: u32, prefixLength: u32): i32 {
  return interfaceAddAddress(netif(index), a, prefixLength)
}

export function removeAddress(index: u32, a: u32): i32 {
  return interfaceRemoveAddress(netif(index), a)
}

export function takeDown(index: u32): void {
  interfaceDown(netif(index))
}

export function joinGroup(index: u32, a: u32): i32 {
  macOfGroup(group, a)
  return interfaceJoin(netif(index), group)
}

export function leaveGroup(index: u32, a: u32): i32 {
  macOfGroup(group, a)
  return interfaceLeave(netif(index), group)
}

export function addRoute(network: u32, prefixLength: u32, gateway: u32, index: u32, metric: u32): i32 {
  return routeAdd(network, prefixLength, gateway, netif(index), metric)
}

export function removeRoute(network: u32, prefixLength: u32, gateway: u32, index: u32): i32 {
  return routeRemove(network, prefixLength, gateway, netif(index))
}

/** Of the path to an address: 0 kind, 1 next hop, 2 source, 3 interface; 0xffffffff when there is none. */
export function pathField(destination: u32, field: u32): u32 {
  const path = pathFind(destination)
  if (path == null) return 0xffffffff
  switch (field) {
    case 0: return path.kind
    case 1: return path.nextHop
    case 2: return path.source
    default: return path.egress.index
  }
}

export function routeNetwork(index: u32): u32 {
  return routeAt(index).network
}

/** State of an ARP entry, or 0xffffffff. */
export function arpStateOf(index: u32, a: u32): u32 {
  const entry = arpFind(netif(index), a)
  return entry != null ? entry.state : 0xffffffff
}

export function arpMacOf(index: u32, a: u32): ptr {
  const entry = arpFind(netif(index), a)
  return entry != null ? entry.mac : 0 as ptr
}

/** The address at a place in the list of use, most recent first; 0 past its end. */
export function arpUsed(place: u32): u32 {
  let each: ArpEntry | null = arpNewest()
  for (let i: u32 = 0; i < place && each != null; i++) each = each.older
  return each != null ? each.address : 0
}

export function arpPermanent(index: u32, a: u32, mac: ptr): i32 {
  return arpSetPermanent(netif(index), a, mac)
}

/** Send `length` bytes at `data` as a datagram. */
export function sendUdp(destination: u32, port: u32, fromPort: u32, data: ptr, length: u32): i32 {
  const packet = udpAllocate()
  if (packet == null) return -1
  copyBytes(packetAppend(packet, length), data, length)
  return udpOutput(packet, 0, fromPort, destination, port)
}

/** Send `length` bytes at `data` as an IPv4 payload. */
export function sendIpv4(destination: u32, protocol: u32, data: ptr, length: u32): i32 {
  const packet = ipv4Allocate(0)
  if (packet == null) return -1
  copyBytes(packetAppend(packet, length), data, length)
  return ipv4Output(packet, 0, destination, protocol, 0)
}

// --- A listener that remembers the last datagram. ---------------------------------------------------------
let takenCount: u32 = 0
let takenLength: u32 = 0
let takenFrom: u32 = 0
let takenPort: u32 = 0

export function listen(port: u32): i32 {
  return udpBind(port, take, 0 as ptr)
}

function take(binding: UdpBinding, ingress: Ingress, packet: Packet, from: u32, fromPort: u32): void {
  takenCount += 1
  takenLength = chainLength(packet)
  takenFrom = from
  takenPort = fromPort
  chainCopy(taken, packet, 2048)
  packetFree(packet)
}

export function takenField(index: u32): u32 {
  switch (index) {
    case 0: return takenCount
    case 1: return takenLength
    case 2: return takenFrom
    case 3: return takenPort
    default: return taken
  }
}

// --- Echo sessions. ---------------------------------------------------------------------------------------
let replies: u32 = 0
let lastReply: u32 = 0
let session: EchoSession | null = null

export function pingOpen(): u32 {
  session = echoOpen(echoed, 0 as ptr)
  return session != null ? session.identifier : 0xffffffff
}

export function ping(destination: u32, sequence: u32, length: u32): i32 {
  return echoSend(session as EchoSession, destination, sequence, length)
}

export function pingClose(): void {
  echoClose(session as EchoSession)
}

function echoed(which: EchoSession, packet: Packet, from: u32, sequence: u32): void {
  replies += 1
  lastReply = sequence
}

export function pingReplies(): u32 {
  return replies
}

export function pingLast(): u32 {
  return lastReply
}

// --- The self-test. ---------------------------------------------------------------------------------------
let verdict: u32 = 2
let reason: cstring = 0 as ptr

export function selftestBegin(): void {
  verdict = 2
  selftestNetStart(judged)
}

function judged(passed: boolean, why: cstring): void {
  verdict = passed ? 1 : 0
  reason = why
}

/** 1 passed, 0 failed, 2 not finished. */
export function selftestVerdict(): u32 {
  return verdict
}

export function selftestReason(): cstring {
  return reason
}

// --- DHCP. ------------------------------------------------------------------------------------------------
export function dhcpState(index: u32): u32 {
  return dhcpClientOf(netif(index)).state
}

/** Read the options of a DHCP message of `length` bytes. */
export function dhcpRead(message: ptr, length: u32): u32 {
  zeroBytes(address(values), sizeof<DhcpValues>())
  const fixed: u32 = sizeof<DhcpMessage>()
  return dhcpOptionsRead(values, at<DhcpMessage>(message), plus(message, fixed), length - fixed) ? 1 : 0
}

export function dhcpValue(index: u32): u32 {
  switch (index) {
    case 0: return values.messageType
    case 1: return values.subnetMask
    case 2: return values.router
    case 3: return nth(values.nameServers, 0).address
    case 4: return values.serverIdentifier
    case 5: return values.leaseTime
    case 6: return values.renewalTime
    case 7: return values.rebindingTime
    case 8: return values.mtu
    default: return values.overload
  }
}

// --- Counters. --------------------------------------------------------------------------------------------
export function counter(index: u32): u32 {
  switch (index) {
    case 0: return counters.arpRequestsSent
    case 1: return counters.arpRepliesSent
    case 2: return counters.arpConflicts
    case 3: return counters.arpEvictions
    case 4: return counters.icmpEchoRepliesSent
    case 5: return counters.icmpErrorsSent
    case 6: return counters.icmpErrorsLimited
    case 7: return counters.icmpErrorsSuppressed
    default: return counters.udpReceived
  }
}
