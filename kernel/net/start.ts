// The stack from nothing: empty tables, an interface for every card, each set up as the command line asks.
// Called once at boot, after the drivers have found their cards; a test may call it again.

import { Errno } from '../lib/errno.ts'
import { Level, logDecimal, logEnd, logQuoted, logSigned, logStart, logText } from '../lib/log.ts'
import { interfaceOption, type InterfaceOption, type Options } from '../lib/options.ts'
import { random32 } from '../lib/random.ts'
import { nth, staticStruct, type cstring, type i32, type u32 } from '../lib/layout.ts'
import { NicKind, nicFirst, type Nic } from '../drivers/net/nic.ts'
import { claimsInit, acdSetMode } from './acd/claims.ts'
import { acdConflictInit } from './acd/conflict.ts'
import { arpCacheInit } from './arp/cache.ts'
import { arpUnresolvedTo } from './arp/resolve.ts'
import { InterfaceMode, InterfaceSpec, interfaceSpecDefault, interfaceSpecParse } from './config.ts'
import { interfaceDown, interfaceSetGateway, interfaceUp } from './configure.ts'
import { loopbackStart } from './device.ts'
import { dhcpInit, dhcpStart, dhcpStop } from './dhcp/client.ts'
import { dnsInit } from './dns/resolver.ts'
import { interfaceInput } from './ethernet/input.ts'
import { ethernetInit } from './ethernet/output.ts'
import { echoInit } from './icmp/echo.ts'
import { icmpErrorInit } from './icmp/error.ts'
import { pingInit } from './icmp/ping.ts'
import { membershipsInit } from './igmp/membership.ts'
import {
  AddressSource, interfaceAddNameServer, interfaceAt, interfaceClearNames, interfaceCreate, interfaceFirst, interfacesInit,
  type NetInterface,
} from './interface.ts'
import { ipv4ForwardSet, ipv4Unresolved } from './ipv4/forward.ts'
import { ipv4OutputInit } from './ipv4/output.ts'
import { reassemblyInit } from './ipv4/reassembly.ts'
import { routesInit } from './ipv4/route.ts'
import { socketsInit } from './socket/api.ts'
import { staticConfigure } from './static.ts'
import { statsInit } from './stats.ts'
import { tcpInit } from './tcp/start.ts'
import { udpPortsInit } from './udp/ports.ts'
import { vlanCreate, vlanFind, vlansInit } from './vlan.ts'

const spec = staticStruct<InterfaceSpec>()

/** Empty tables, and an interface, down, for every registered card. Needs the clock, timers and random numbers. */
export function netInit(): void {
  statsInit()
  arpCacheInit()
  arpUnresolvedTo(ipv4Unresolved)
  claimsInit()
  membershipsInit()
  acdConflictInit()
  interfacesInit()
  vlansInit()
  routesInit()
  ethernetInit()
  ipv4OutputInit(random32())
  reassemblyInit()
  ipv4ForwardSet(false)
  icmpErrorInit()
  pingInit()
  echoInit()
  udpPortsInit()
  socketsInit()
  tcpInit()
  dnsInit()
  dhcpInit() // the table is empty: there is room for its port
  let nic: Nic | null = nicFirst()
  while (nic != null) {
    if (nic.kind != NicKind.Loopback) createFor(nic)
    nic = nic.next
  }
  loopbackStart() // after the cards: their places in the table are their numbers
}

function createFor(nic: Nic): void {
  if (interfaceCreate(nic) == null) logRefused('too many cards', nic.index)
  else nic.received = interfaceInput
}

/**
 * Set up every card, and every VLAN the command line names, as it asks; a card by DHCP where it says nothing. What it
 * asks in vain is logged.
 */
export function netStart(options: Options): void {
  acdSetMode(options.acd)
  for (let i: u32 = 0; i < options.interfaceCount; i++) checkOption(nth(options.interfaces, i))
  let each: NetInterface | null = interfaceFirst()
  while (each != null) {
    if (each.nic.kind == NicKind.Ethernet) netConfigureBy(each, options)
    each = each.next
  }
}

/** One warning for a value that means nothing, or that is for a card there is not; else its VLAN is made. */
function checkOption(option: InterfaceOption): void {
  const why = interfaceSpecParse(spec, option.value)
  if (why != null) return logBadValue(option, why)
  const card = interfaceAt(option.index)
  if (card == null || card.parent != null || card.nic.kind != NicKind.Ethernet) {
    return logRefused('no such card', option.index)
  }
  if (option.vlan == 0 || vlanFind(card, option.vlan) != null) return
  if (vlanCreate(card, option.vlan) == null) logRefused('too many interfaces', option.index)
}

function netConfigureBy(netif: NetInterface, options: Options): void {
  const option = interfaceOption(options, netif.nic.index, netif.vlanId)
  if (option == null) interfaceSpecDefault(spec)
  else interfaceSpecParse(spec, option.value) // by default if it can not be read: checkOption has said so
  const result: i32 = netConfigure(netif, spec)
  if (result != Errno.None) logFailed(netif, result)
}

/**
 * Set an interface up afresh; what it had before is forgotten. Errors: InvalidArgument (no host's address),
 * NoSpace (a table of config.ts is full): the interface is down then.
 */
export function netConfigure(netif: NetInterface, wanted: InterfaceSpec): i32 {
  dhcpStop(netif)
  interfaceSetGateway(netif, 0)
  interfaceDown(netif)
  netif.source = AddressSource.None
  interfaceClearNames(netif)
  if (wanted.dns != 0) interfaceAddNameServer(netif, wanted.dns)
  netif.promiscuous = wanted.promiscuous
  netif.mtu = mtuFor(netif, wanted.mtu)
  if (wanted.mode == InterfaceMode.Off) return Errno.None
  interfaceUp(netif)
  if (wanted.mode == InterfaceMode.Dhcp) {
    dhcpStart(netif)
    return Errno.None
  }
  const result: i32 = staticConfigure(netif, wanted.address, wanted.prefixLength, wanted.gateway)
  if (result != Errno.None) interfaceDown(netif)
  return result
}

/** What was asked, but no more than the card takes; that is logged. */
function mtuFor(netif: NetInterface, wanted: u32): u32 {
  const most: u32 = netif.nic.mtu
  if (wanted > most && logStart(Level.Warn, 'net', 'mtu-limited')) {
    logText('if', netif.name)
    logDecimal('asked', wanted)
    logDecimal('mtu', most)
    logEnd()
  }
  return wanted == 0 || wanted > most ? most : wanted
}

function logBadValue(option: InterfaceOption, why: cstring): void {
  if (!logStart(Level.Warn, 'net', 'bad-value')) return
  logDecimal('eth', option.index)
  if (option.vlan != 0) logDecimal('vlan', option.vlan)
  logQuoted('value', option.value)
  logQuoted('why', why)
  logEnd()
}

function logFailed(netif: NetInterface, error: i32): void {
  if (!logStart(Level.Error, 'net', 'configure-failed')) return
  logText('if', netif.name)
  logSigned('errno', error)
  logEnd()
}

function logRefused(why: cstring, index: u32): void {
  if (!logStart(Level.Warn, 'net', 'ignored')) return
  logDecimal('eth', index)
  logQuoted('why', why)
  logEnd()
}
