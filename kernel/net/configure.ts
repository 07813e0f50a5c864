// Giving an interface its address, and taking it away: the address, the connected route, the default route, the
// announcement on the link and the line in the log happen together here. RFC 1122 §3.3.1.6. Main-loop context only.

import { INTERFACE_ADDRESS_LIMIT } from '../config.ts'
import { Errno } from '../lib/errno.ts'
import { Level, logDecimal, logEnd, logIpv4, logIpv4Prefix, logMac, logStart, logText } from '../lib/log.ts'
import { copyBytes } from '../lib/memory.ts'
import { address, sizeof, staticMemory, type cstring, type i32, type u32 } from '../lib/layout.ts'
import { claimEnd, claimFind, claimsEnd } from './acd/claims.ts'
import { arpFlush } from './arp/cache.ts'
import { arpAnnounce } from './arp/output.ts'
import { cardChanged } from './card.ts'
import { interfaceInGroup, interfaceJoin } from './group.ts'
import { multicastDown, multicastUp } from './igmp/join.ts'
import {
  AddressSource, InterfaceAddress, interfaceAddressAt, interfaceAddressNote, interfaceFindAddress, type NetInterface,
} from './interface.ts'
import { ADDRESS_ALL_HOSTS, isHostOf, isLoopback, macOfGroup, maskOf, type Ipv4Address } from './ipv4/address.ts'
import { routeAdd, routeRemove, routesChanged, routesRemoveBy } from './ipv4/route.ts'

const allHosts = staticMemory(8)
/** Routes of a later interface lose to those of an earlier one. */
const METRIC_STEP: u32 = 1

/** Let frames in and out, and listen to 224.0.0.1 as every host does (RFC 1112 §4). Addresses come separately. */
export function interfaceUp(netif: NetInterface): void {
  netif.up = true
  macOfGroup(allHosts, ADDRESS_ALL_HOSTS)
  if (!netif.loopback && !interfaceInGroup(netif, allHosts)) interfaceJoin(netif, allHosts) // the first: there is room
  cardChanged(netif.nic)
  routesChanged()
  multicastUp(netif)
}

/** No more frames in or out; addresses, routes and neighbours are forgotten. */
export function interfaceDown(netif: NetInterface): void {
  claimsEnd(netif)
  multicastDown(netif)
  while (netif.addressCount > 0) interfaceRemoveAddress(netif, netif.first.address)
  routesRemoveBy(netif)
  netif.gateway = 0
  arpFlush(netif)
  netif.up = false
  cardChanged(netif.nic)
  routesChanged()
}

/** No more frames in or out until interfaceResume; routes and neighbours are forgotten, addresses and gateway stay. */
export function interfaceSuspend(netif: NetInterface): void {
  multicastDown(netif)
  routesRemoveBy(netif)
  arpFlush(netif)
  netif.up = false
  cardChanged(netif.nic)
  routesChanged()
}

/**
 * Back from interfaceSuspend: the routes of the addresses and of the gateway are there again, and the link is told
 * of the addresses. Errors: NoSpace (ROUTE_LIMIT): some are missing.
 */
export function interfaceResume(netif: NetInterface): i32 {
  interfaceUp(netif)
  let result: i32 = Errno.None
  for (let i: u32 = 0; i < netif.addressCount; i++) {
    const entry = interfaceAddressAt(netif, i)
    const metric: u32 = netif.index * METRIC_STEP
    const routed: i32 = routeAdd(entry.address & entry.mask, entry.prefixLength, 0, netif, metric)
    if (routed == Errno.NoSpace) result = routed
    if (!netif.loopback) arpAnnounce(netif, entry.address)
  }
  if (netif.gateway == 0) return result
  const gateway: Ipv4Address = netif.gateway
  netif.gateway = 0
  const routed: i32 = interfaceSetGateway(netif, gateway)
  return routed != Errno.None ? routed : result
}

/**
 * Add an address, its connected route, and tell the link, unless it was claimed (acd/claim.ts), which is how it is
 * watched for conflicts. Errors: InvalidArgument (no host's address), Exists,
 * NoSpace (INTERFACE_ADDRESS_LIMIT, or ROUTE_LIMIT).
 */
export function interfaceAddAddress(netif: NetInterface, a: Ipv4Address, prefixLength: u32): i32 {
  if (!mayHave(netif, a, prefixLength)) return Errno.InvalidArgument
  if (interfaceFindAddress(netif, a) != null) return Errno.Exists
  if (netif.addressCount == INTERFACE_ADDRESS_LIMIT) return Errno.NoSpace
  const mask = maskOf(prefixLength)
  const routed: i32 = routeAdd(a & mask, prefixLength, 0, netif, netif.index * METRIC_STEP)
  if (routed == Errno.NoSpace) return routed // Exists: two addresses of one prefix share the route
  const entry = interfaceAddressAt(netif, netif.addressCount)
  entry.address = a
  entry.mask = mask
  entry.broadcast = prefixLength < 31 ? a | ~mask : 0 // RFC 3021 §2.2: no broadcast in a /31
  entry.prefixLength = prefixLength
  netif.addressCount += 1
  routesChanged()
  interfaceAddressNote(a, true)
  if (netif.up && !netif.loopback && claimFind(netif, a) == null) arpAnnounce(netif, a)
  return Errno.None
}

/** A host's address; 127/8 is for `lo` alone (RFC 1122 §3.2.1.3 (g)). */
function mayHave(netif: NetInterface, a: Ipv4Address, prefixLength: u32): boolean {
  if (prefixLength > 32 || prefixLength == 0) return false
  return netif.loopback && isLoopback(a) ? true : isHostOf(a, prefixLength)
}

/** Remove an address, the claim to it, and its connected route unless another address needs it. Errors: NoSuchEntry. */
export function interfaceRemoveAddress(netif: NetInterface, a: Ipv4Address): i32 {
  const entry = interfaceFindAddress(netif, a)
  if (entry == null) return Errno.NoSuchEntry
  claimEnd(netif, a)
  const network: u32 = entry.address & entry.mask
  const prefixLength: u32 = entry.prefixLength
  netif.addressCount -= 1
  interfaceAddressNote(a, false)
  const last = interfaceAddressAt(netif, netif.addressCount)
  copyBytes(address(entry), address(last), sizeof<InterfaceAddress>())
  last.address = 0
  last.broadcast = 0
  if (!hasNetwork(netif, network, prefixLength)) routeRemove(network, prefixLength, 0, netif)
  routesChanged()
  return Errno.None
}

function hasNetwork(netif: NetInterface, network: u32, prefixLength: u32): boolean {
  for (let i: u32 = 0; i < netif.addressCount; i++) {
    const entry = interfaceAddressAt(netif, i)
    if (entry.prefixLength == prefixLength && (entry.address & entry.mask) == network) return true
  }
  return false
}

/** Make `gateway` the way to everywhere else by this interface; 0 removes the one there is. Errors: NoSpace. */
export function interfaceSetGateway(netif: NetInterface, gateway: Ipv4Address): i32 {
  if (netif.gateway != 0) routeRemove(0, 0, netif.gateway, netif)
  netif.gateway = 0
  if (gateway == 0) return Errno.None
  const result: i32 = routeAdd(0, 0, gateway, netif, netif.index * METRIC_STEP)
  if (result == Errno.None) netif.gateway = gateway
  return result
}

/** The line others wait for: the interface has an address. docs/contract.md, "Serial log". */
export function interfaceLogUp(netif: NetInterface): void {
  if (!logStart(Level.Info, 'net', 'up')) return
  logText('if', netif.name)
  logMac('mac', netif.mac)
  logIpv4Prefix('ip', netif.first.address, netif.first.prefixLength)
  if (netif.gateway != 0) logIpv4('gw', netif.gateway)
  logDecimal('mtu', netif.mtu)
  logText('source', sourceName(netif.source))
  logEnd()
}

/** The interface has no address any more, and why. */
export function interfaceLogDown(netif: NetInterface, why: cstring): void {
  if (!logStart(Level.Warn, 'net', 'down')) return
  logText('if', netif.name)
  logText('why', why)
  logEnd()
}

/** As the log and the status page say it. */
export function sourceName(source: AddressSource): cstring {
  switch (source) {
    case AddressSource.Static: return 'static'
    case AddressSource.Dhcp: return 'dhcp'
    case AddressSource.LinkLocal: return 'link-local'
    default: return 'none'
  }
}
