// RustOS's routing table (`net/mod.rs`) over the stack's. RFC 1122 §3.3.1. Main-loop context only.

import { Errno } from '../../lib/errno.ts'
import { copyBytes } from '../../lib/memory.ts'
import { struct, type Bytes, type Embed, type Stored, type bool, type cstring, type i32, type u32 } from '../../lib/layout.ts'
import { interfaceNamed } from '../interface.ts'
import { prefixOf } from '../ipv4/address.ts'
import { routeAdd, routeAddValidated, routeMatch } from '../ipv4/route.ts'
import { NetworkAddress } from './address.ts'
import { NetworkError, networkErrorOf, type NetworkResult } from './error.ts'

@struct
export class RouteEntry {
  destination: Embed<NetworkAddress>
  netmask: Embed<NetworkAddress>
  gateway: Embed<NetworkAddress>
  hasGateway: Stored<u32, bool> // without one the destination is on the link
  interface: Bytes<12> // name, zero-terminated
  metric: u32 // lower is better
}

/**
 * Add a route as it is said; one that is there already is no error, and host bits of the destination do not count.
 * Errors, where RustOS has none: NotSupported (not IPv4), InvalidAddress (no such interface), InvalidArgument (no
 * netmask), InsufficientMemory (ROUTE_LIMIT).
 */
export function addRoute(route: RouteEntry): NetworkResult {
  if (!route.destination.isIpv4 || !route.netmask.isIpv4) return NetworkError.NotSupported
  const egress = interfaceNamed(route.interface as cstring)
  if (egress == null) return NetworkError.InvalidAddress
  const mask: u32 = route.netmask.asIpv4
  const length: u32 = prefixOf(mask)
  if (length > 32) return NetworkError.InvalidArgument
  const gateway: u32 = route.hasGateway ? route.gateway.asIpv4 : 0
  const result: i32 = routeAdd(route.destination.asIpv4 & mask, length, gateway, egress, route.metric)
  return result == Errno.Exists ? NetworkError.None : networkErrorOf(result)
}

/**
 * Add a route that makes sense; it takes the place of those to the same destination by the same interface. Errors, in
 * this order: InvalidAddress (no such interface), NotSupported (not IPv4), InvalidAddress (host bits), InvalidArgument
 * (no netmask), NoRoute (the gateway is not on a network of the interface), InsufficientMemory.
 */
export function addRouteValidated(route: RouteEntry): NetworkResult {
  const egress = interfaceNamed(route.interface as cstring)
  if (egress == null) return NetworkError.InvalidAddress
  if (!route.destination.isIpv4 || !route.netmask.isIpv4) return NetworkError.NotSupported
  const network: u32 = route.destination.asIpv4
  const mask: u32 = route.netmask.asIpv4
  if ((network & mask) != network) return NetworkError.InvalidAddress
  if (route.hasGateway && (!route.gateway.isIpv4 || route.gateway.asIpv4 == 0)) return NetworkError.NoRoute
  const gateway: u32 = route.hasGateway ? route.gateway.asIpv4 : 0
  const result: i32 = routeAddValidated(network, mask, gateway, egress, route.metric)
  return result == Errno.HostUnreachable ? NetworkError.NoRoute : networkErrorOf(result)
}

/** The best route to an IPv4 address, at `out`: longest prefix, then lowest metric, then the earlier. False for none. */
export function findRoute(to: NetworkAddress, out: RouteEntry): boolean {
  const found = to.isIpv4 ? routeMatch(to.asIpv4) : null
  if (found == null) return false
  out.destination.setIpv4(found.network)
  out.netmask.setIpv4(found.mask)
  out.gateway.setIpv4(found.gateway)
  out.hasGateway = found.gateway != 0
  copyBytes(out.interface, found.egress.name, 12)
  out.metric = found.metric
  return true
}
