// A lease put into effect and taken away: address, routes, name servers, MTU. RFC 2131 §4.4.5, RFC 2132 §3, §5.1,
// RFC 3442. Main-loop context only.
//
// Next: addressClaim (acd/claim.ts), which tells leaseSettle's caller when the address may be used.

import { Errno } from '../../lib/errno.ts'
import { copyBytes, stringLength } from '../../lib/memory.ts'
import { address, nth, sizeof, type cstring, type i32, type u32 } from '../../lib/layout.ts'
import { addressClaim, addressRelease } from '../acd/claim.ts'
import { ClaimKind, type ClaimDecided } from '../acd/claims.ts'
import { interfaceLogDown, interfaceLogUp, interfaceRemoveAddress, interfaceSetGateway } from '../configure.ts'
import {
  AddressSource, interfaceAddNameServer, interfaceClearNames, interfaceFindAddress, type NetInterface,
} from '../interface.ts'
import { isHostOf, isUnicast, prefixOf, type Ipv4Address } from '../ipv4/address.ts'
import { routeAdd, routeRemove, routesChanged } from '../ipv4/route.ts'
import type { DhcpClient } from './client-state.ts'
import { DhcpValues } from './options.ts'

/** What every host can receive, RFC 791 §3.2: a server that offers less makes the link useless, and is not obeyed. */
const SMALLEST_USEFUL_MTU: u32 = 576

/** The prefix length for an address and what option 1 said: without a mask, that of the address's class (RFC 950 §2.1). */
export function leasePrefix(a: Ipv4Address, mask: Ipv4Address): u32 {
  const length: u32 = mask != 0 ? prefixOf(mask) : 0
  if (length >= 1 && length <= 32) return length
  if ((a & 0x80000000) == 0) return 8
  return (a & 0x40000000) == 0 ? 16 : 24
}

/** Whether an address and mask are such as an interface can have. */
export function leaseUsable(a: Ipv4Address, values: DhcpValues): boolean {
  return isHostOf(a, leasePrefix(a, values.subnetMask))
}

/**
 * Give the interface what the server said. The address that it has already stays as it is; a new one is claimed, and
 * leaseSettle follows once `decided` was told that it is usable. Errors: those of addressClaim; the interface has
 * nothing then.
 */
export function leaseApply(client: DhcpClient, a: Ipv4Address, values: DhcpValues, decided: ClaimDecided): i32 {
  const prefixLength = leasePrefix(a, values.subnetMask)
  if (client.held == a && prefixLength == leasePrefix(a, client.lease.subnetMask)) {
    if (client.usable) unroute(client)
    copyBytes(address(client.lease), address(values), sizeof<DhcpValues>())
    if (client.usable) leaseSettle(client)
    return Errno.None
  }
  if (client.held != 0) takeAway(client)
  copyBytes(address(client.lease), address(values), sizeof<DhcpValues>())
  client.held = a
  client.usable = false
  const result: i32 = addressClaim(client.netif, a, prefixLength, ClaimKind.Leased, decided)
  if (result != Errno.None) leaseRefused(client)
  return result
}

/** There was no room for the address or its route. */
export function leaseRefused(client: DhcpClient): void {
  client.held = 0
  interfaceLogDown(client.netif, 'lease could not be used')
}

/** The address is on the interface: now all that came with it. Returns true the first time, which is logged. */
export function leaseSettle(client: DhcpClient): boolean {
  const first: boolean = !client.usable
  const netif = client.netif
  const lease = client.lease
  client.usable = true
  route(client)
  interfaceClearNames(netif)
  for (let i: u32 = 0; i < lease.nameServerCount; i++) {
    const server: Ipv4Address = nth(lease.nameServers, i).address
    if (isUnicast(server)) interfaceAddNameServer(netif, server)
  }
  copyBytes(netif.domain, lease.domain, stringLength(lease.domain as cstring) + 1)
  setMtu(netif, leaseMtu(netif, lease.mtu))
  netif.source = AddressSource.Dhcp
  if (first) interfaceLogUp(netif)
  return first
}

/** RFC 3442: with classless routes, option 3 is not looked at. What finds no room in the table is left out. */
function route(client: DhcpClient): void {
  const lease = client.lease
  let gateway: Ipv4Address = lease.classless ? 0 : lease.router
  for (let i: u32 = 0; i < lease.routeCount; i++) {
    const each = nth(lease.routes, i)
    if (each.prefixLength == 0 && gateway == 0) gateway = each.router
    if (each.router == 0 || (each.prefixLength != 0 && isUnicast(each.router))) {
      routeAdd(each.network, each.prefixLength, each.router, client.netif, client.netif.index)
    }
  }
  // Without room for the route there is no gateway, and no gw in the log.
  interfaceSetGateway(client.netif, isUnicast(gateway) ? gateway : 0)
}

function unroute(client: DhcpClient): void {
  const lease = client.lease
  for (let i: u32 = 0; i < lease.routeCount; i++) {
    const each = nth(lease.routes, i)
    if (each.router == 0 || each.prefixLength != 0) {
      routeRemove(each.network, each.prefixLength, each.router, client.netif) // or it found no room
    }
  }
  interfaceSetGateway(client.netif, 0)
}

/** Never more than the card takes; never less than every host must take. */
function leaseMtu(netif: NetInterface, offered: u32): u32 {
  const most: u32 = netif.nic.mtu
  return offered >= SMALLEST_USEFUL_MTU && offered < most ? offered : most
}

function setMtu(netif: NetInterface, mtu: u32): void {
  if (netif.mtu == mtu) return
  netif.mtu = mtu
  routesChanged()
}

/** Take away what the lease gave. */
export function leaseRemove(client: DhcpClient, why: cstring): void {
  if (client.held == 0) return
  const shown: boolean = client.usable
  takeAway(client)
  if (shown) interfaceLogDown(client.netif, why)
}

function takeAway(client: DhcpClient): void {
  const netif = client.netif
  addressRelease(netif, client.held)
  if (interfaceFindAddress(netif, client.held) != null) interfaceRemoveAddress(netif, client.held)
  if (client.usable) {
    unroute(client)
    interfaceClearNames(netif)
    setMtu(netif, netif.nic.mtu)
    netif.source = AddressSource.None
  }
  client.held = 0
  client.usable = false
}
