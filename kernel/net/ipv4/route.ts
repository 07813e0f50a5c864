// Where a packet goes: the longest matching prefix, then the lowest metric. RFC 1122 §3.3.1, RFC 1812 §5.2.4.3.
//
// The table is short and sorted, longest prefix first, so the first match is the best; every answer is
// kept in a direct-mapped cache of paths, and a change to routes or addresses makes all of them stale at once
// (`generation`). A packet's look-up is a multiplication, a load and two comparisons. Main-loop context only.

import { PATH_CACHE_SIZE, ROUTE_LIMIT } from '../../config.ts'
import { Errno } from '../../lib/errno.ts'
import { copyBytes } from '../../lib/memory.ts'
import {
  address, nth, sizeof, staticRow, staticStruct, struct,
  type Stored, type bool, type i32, type u16, type u32, type u8,
} from '../../lib/layout.ts'
import {
  interfaceAddressAt, interfaceFirst, interfaceIsBroadcast, interfaceLoopback, interfaceOwning, interfaceSourceFor,
  type NetInterface,
} from '../interface.ts'
import {
  ADDRESS_BROADCAST, isLoopback, isMulticast, isThisNetwork, isUnicast, maskOf, prefixOf, type Ipv4Address,
} from './address.ts'
import { pathMtuFind, pathMtuInit } from './path-mtu.ts'

/** One way out. */
@struct
export class Route {
  network: Ipv4Address
  mask: Ipv4Address
  prefixLength: u32
  metric: u32 // lower is better, among equal prefixes
  gateway: Ipv4Address // 0: the destination is on the link
  egress: NetInterface
}

export const enum PathKind { Unicast, Broadcast, Multicast, Local }

/** The answer to "how do I reach this address". Good until the next change of routes: use it, do not keep it. */
@struct
export class Path {
  destination: Ipv4Address
  generation: u32 // of the table when this was found; 0 never
  egress: NetInterface
  nextHop: Ipv4Address
  source: Ipv4Address // of ours, to send from; 0 while the interface has none
  mtu: u32 // the largest packet that goes all the way, as far as is known: RFC 1191 §3
  kind: Stored<u8, PathKind>
  narrow: Stored<u8, bool> // less than `mtu` goes through: let routers fragment
  reserved: u16
}

const PATH_BITS: u32 = 8

const routes = staticRow<Route>(ROUTE_LIMIT)
const paths = staticRow<Path>(PATH_CACHE_SIZE)
const linkPath = staticStruct<Path>()
let count: u32 = 0
let generation: u32 = 1

/** Forget all routes, and path MTUs. */
export function routesInit(): void {
  count = 0
  pathMtuInit(pathForget)
  routesChanged()
}

/** Routes, or what they were made from, changed: no cached path is good any more. */
export function routesChanged(): void {
  generation += 1
  if (generation == 0) generation = 1
}

/** How many routes there are. */
export function routeCount(): u32 {
  return count
}

/** The `index`th route, best first, index below routeCount(). */
export function routeAt(index: u32): Route {
  return nth(routes, index)
}

/**
 * Add a route to `network`/`prefixLength` by `egress`, through `gateway` or, with 0, direct. Errors:
 * InvalidArgument (prefix over 32 bits, or bits set after it), Exists (same prefix, gateway and interface),
 * NoSpace (ROUTE_LIMIT).
 */
export function routeAdd(
  network: Ipv4Address, prefixLength: u32, gateway: Ipv4Address, egress: NetInterface, metric: u32,
): i32 {
  if (prefixLength > 32 || (network & maskOf(prefixLength)) != network) return Errno.InvalidArgument
  if (find(network, prefixLength, gateway, egress) < count) return Errno.Exists
  if (count == ROUTE_LIMIT) return Errno.NoSpace
  let place: u32 = count
  while (place > 0 && isBefore(prefixLength, metric, nth(routes, place - 1))) {
    copyBytes(address(nth(routes, place)), address(nth(routes, place - 1)), sizeof<Route>())
    place -= 1
  }
  const route = nth(routes, place)
  route.network = network
  route.mask = maskOf(prefixLength)
  route.prefixLength = prefixLength
  route.metric = metric
  route.gateway = gateway
  route.egress = egress
  count += 1
  routesChanged()
  return Errno.None
}

/**
 * As a manager adds a route: `mask` must be a netmask, `network` one it can have, the gateway, if any, a host on a
 * network that `egress` itself is in. Takes the place of every route to the same network by the same interface. Errors:
 * NoDevice (no such interface), InvalidArgument (mask or network), HostUnreachable (the gateway), NoSpace.
 */
export function routeAddValidated(
  network: Ipv4Address, mask: Ipv4Address, gateway: Ipv4Address, egress: NetInterface | null, metric: u32,
): i32 {
  if (egress == null) return Errno.NoDevice
  const prefixLength: u32 = prefixOf(mask)
  if (prefixLength > 32 || (network & mask) != network) return Errno.InvalidArgument
  if (gateway != 0 && !isNeighbour(egress, gateway)) return Errno.HostUnreachable
  let i: u32 = count
  let replaced: u32 = 0
  while (i > 0) {
    i -= 1
    const route = nth(routes, i)
    if (route.network != network || route.mask != mask || route.egress != egress) continue
    removeAt(i)
    replaced += 1
  }
  if (replaced == 0 && count == ROUTE_LIMIT) return Errno.NoSpace
  return routeAdd(network, prefixLength, gateway, egress, metric)
}

/** Whether `a` is another host on a network of an interface, going by its real netmasks. */
function isNeighbour(netif: NetInterface, a: Ipv4Address): boolean {
  if (!isUnicast(a) || interfaceOwning(a) != null || interfaceIsBroadcast(netif, a)) return false
  for (let i: u32 = 0; i < netif.addressCount; i++) {
    const entry = interfaceAddressAt(netif, i)
    if (((entry.address ^ a) & entry.mask) == 0) return true
  }
  return false
}

function isBefore(prefixLength: u32, metric: u32, other: Route): boolean {
  if (prefixLength != other.prefixLength) return prefixLength > other.prefixLength
  return metric < other.metric
}

/** The index of a route, or `count`. */
function find(network: Ipv4Address, prefixLength: u32, gateway: Ipv4Address, egress: NetInterface): u32 {
  let i: u32 = 0
  for (; i < count; i++) {
    const route = nth(routes, i)
    const samePrefix: boolean = route.network == network && route.prefixLength == prefixLength
    if (samePrefix && route.gateway == gateway && route.egress == egress) break
  }
  return i
}

/** Remove a route. Errors: NoSuchEntry. */
export function routeRemove(network: Ipv4Address, prefixLength: u32, gateway: Ipv4Address, egress: NetInterface): i32 {
  const place = find(network, prefixLength, gateway, egress)
  if (place == count) return Errno.NoSuchEntry
  removeAt(place)
  return Errno.None
}

/** Remove every route by an interface. */
export function routesRemoveBy(egress: NetInterface): void {
  let i: u32 = count
  while (i > 0) {
    i -= 1
    if (nth(routes, i).egress == egress) removeAt(i)
  }
}

function removeAt(place: u32): void {
  for (let i: u32 = place; i + 1 < count; i++) {
    copyBytes(address(nth(routes, i)), address(nth(routes, i + 1)), sizeof<Route>())
  }
  count -= 1
  routesChanged()
}

/** The best route to an address, or null. */
export function routeMatch(destination: Ipv4Address): Route | null {
  for (let i: u32 = 0; i < count; i++) {
    const route = nth(routes, i)
    if ((destination & route.mask) == route.network) return route
  }
  return null
}

function slotOf(destination: Ipv4Address): Path {
  const hash: u32 = destination * 0x9e3779b1 // 2^32 divided by the golden ratio: Knuth, vol. 3, §6.4
  return nth(paths, hash >>> (32 - PATH_BITS))
}

/** How to reach an address; null when nothing leads there. */
export function pathFind(destination: Ipv4Address): Path | null {
  const path = slotOf(destination)
  if (path.destination == destination && path.generation == generation) return path
  return pathFill(path, destination)
}

function pathFill(path: Path, destination: Ipv4Address): Path | null {
  if (destination == ADDRESS_BROADCAST || isMulticast(destination)) return pathGroup(path, destination)
  if (isThisNetwork(destination)) return null // RFC 1122 §3.2.1.3 (a): never a destination
  if (isLoopback(destination) || interfaceOwning(destination) != null) return pathLocal(path, destination)
  const route = routeMatch(destination)
  if (route == null) return null
  const nextHop: Ipv4Address = route.gateway != 0 ? route.gateway : destination
  const kind: PathKind = interfaceIsBroadcast(route.egress, destination) ? PathKind.Broadcast : PathKind.Unicast
  return store(path, destination, route.egress, nextHop, kind)
}

/** To ourselves: through `lo`, whichever interface has the address. RFC 1122 §3.3.4.2. */
function pathLocal(path: Path, destination: Ipv4Address): Path | null {
  const egress = interfaceLoopback()
  return egress == null ? null : store(path, destination, egress, destination, PathKind.Local)
}

/** Broadcasts and groups leave by the interface the routes name, else by the first that is up: RFC 1122 §3.3.4.2. */
function pathGroup(path: Path, destination: Ipv4Address): Path | null {
  const route = routeMatch(destination)
  let egress: NetInterface | null = route != null ? route.egress : interfaceFirst()
  while (egress != null && (!egress.up || egress.loopback)) egress = egress.next
  if (egress == null) return null
  const kind: PathKind = destination == ADDRESS_BROADCAST ? PathKind.Broadcast : PathKind.Multicast
  return store(path, destination, egress, destination, kind)
}

/** What was known of one destination's path is known no more. */
function pathForget(destination: Ipv4Address): void {
  const path = slotOf(destination)
  if (path.destination == destination) path.generation = 0
}

function store(path: Path, destination: Ipv4Address, egress: NetInterface, nextHop: Ipv4Address, kind: PathKind): Path {
  path.destination = destination
  path.generation = generation
  path.egress = egress
  path.nextHop = nextHop
  path.kind = kind
  path.mtu = egress.mtu
  path.narrow = false
  const learned = kind == PathKind.Unicast ? pathMtuFind(destination) : null
  if (learned != null && learned.mtu <= path.mtu) {
    path.mtu = learned.mtu
    path.narrow = learned.narrow
  }
  const self = kind == PathKind.Local && interfaceOwning(destination) != null
  path.source = self ? destination : interfaceSourceFor(egress, nextHop)
  return path
}

/** Limited broadcast on one given interface, whatever the routes say: how DHCP speaks. Good until the next call. */
export function pathBroadcastOn(egress: NetInterface): Path {
  return store(linkPath, ADDRESS_BROADCAST, egress, ADDRESS_BROADCAST, PathKind.Broadcast)
}

/** A group by one given interface, whatever the routes say: IP_MULTICAST_IF. Good until the next call. */
export function pathGroupOn(egress: NetInterface, group: Ipv4Address): Path {
  return store(linkPath, group, egress, group, PathKind.Multicast)
}
