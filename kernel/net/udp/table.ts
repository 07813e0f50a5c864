// Which UDP socket a datagram is for: found by hash, never by a walk over all sockets. RFC 1122 §4.1.3.
//
//   connected   by both addresses and both ports, under a random seed: a peer may choose its port
//   bound       the others, by their own address and port; address 0 takes what no address took
//   ports       every socket that has a port, by the port: for bind's rules and for datagrams to groups
//
// Sockets with one key lie in the order they were bound. Main-loop context.

import { EPHEMERAL_FIRST, EPHEMERAL_LAST, SOCKET_BUCKETS } from '../../config.ts'
import { hash32 } from '../../lib/hash.ts'
import { address, nth, sizeof, staticRow, struct, type u32 } from '../../lib/layout.ts'
import { zeroBytes } from '../../lib/memory.ts'
import { random32 } from '../../lib/random.ts'
import type { Ipv4Address } from '../ipv4/address.ts'
import { BindRules, isConnected, type Socket } from '../socket/socket.ts'

@struct
class Bucket {
  first: Socket | null
}

const connected = staticRow<Bucket>(SOCKET_BUCKETS)
const bound = staticRow<Bucket>(SOCKET_BUCKETS)
const ports = staticRow<Bucket>(SOCKET_BUCKETS)
let connectedCount: u32 = 0
let specificCount: u32 = 0 // bound to an address, not connected
let seed: u32 = 0

/** No sockets. */
export function udpTableInit(): void {
  zeroBytes(address(connected), SOCKET_BUCKETS * sizeof<Bucket>())
  zeroBytes(address(bound), SOCKET_BUCKETS * sizeof<Bucket>())
  zeroBytes(address(ports), SOCKET_BUCKETS * sizeof<Bucket>())
  connectedCount = 0
  specificCount = 0
  seed = random32()
}

/** Put a socket that has a port where datagrams find it. */
export function udpTableAdd(socket: Socket): void {
  appendByHash(bucketFor(socket), socket)
  appendByPort(portBucket(socket.localPort), socket)
  count(socket, 1)
}

/** Take it out again, with the addresses and ports it was put in with. */
export function udpTableRemove(socket: Socket): void {
  removeByHash(bucketFor(socket), socket)
  removeByPort(portBucket(socket.localPort), socket)
  count(socket, 0 - 1)
}

function count(socket: Socket, by: u32): void {
  if (isConnected(socket)) connectedCount += by
  else if (socket.localAddress != 0) specificCount += by
}

/** The socket for a datagram to one of our addresses, or null. */
export function udpSocketFor(local: Ipv4Address, localPort: u32, remote: Ipv4Address, remotePort: u32): Socket | null {
  if (connectedCount != 0) {
    const peer = connectedFind(local, localPort, remote, remotePort)
    if (peer != null) return peer
  }
  if (specificCount != 0) {
    const exact = boundFind(local, localPort, local, remote, remotePort)
    if (exact != null) return exact
  }
  return boundFind(0, localPort, local, remote, remotePort)
}

/** The first socket with a port of this hash; follow `portNext`, and compare the port. */
export function udpSocketsWith(port: u32): Socket | null {
  return portBucket(port).first
}

function connectedFind(local: Ipv4Address, localPort: u32, remote: Ipv4Address, remotePort: u32): Socket | null {
  let each: Socket | null = connectedBucket(local, localPort, remote, remotePort).first
  while (each != null) {
    const ends: boolean = each.remoteAddress == remote && each.localAddress == local
    if (ends && each.remotePort == remotePort && each.localPort == localPort) return each
    each = each.hashNext
  }
  return null
}

/**
 * Of the sockets bound to `key` and the port: the last one bound, as udp(7) sockets with SO_REUSEADDR share; if that has
 * reusePort, the one of those with it that the flow's hash says. `to` is where the datagram was sent.
 */
function boundFind(key: Ipv4Address, localPort: u32, to: Ipv4Address, remote: Ipv4Address, remotePort: u32): Socket | null {
  const first = boundBucket(key, localPort).first
  let found: Socket | null = null
  let spread: u32 = 0
  let each = first
  while (each != null) {
    if (each.localPort == localPort && each.localAddress == key) {
      found = each
      if (each.reusePort) spread += 1
    }
    each = each.hashNext
  }
  if (spread < 2 || found == null || !found.reusePort) return found
  let skip: u32 = udpFlowHash(remote, remotePort, to, localPort) % spread
  each = first
  while (each != null) {
    if (each.localPort == localPort && each.localAddress == key && each.reusePort) {
      if (skip == 0) return each
      skip -= 1
    }
    each = each.hashNext
  }
  return found
}

/**
 * The hash that spreads flows over sockets that share a port: 31 × h + x over the octets of the source address and
 * of the destination address, then the source port and the destination port as numbers, modulo 2^32. RustOS's.
 */
export function udpFlowHash(source: Ipv4Address, sourcePort: u32, destination: Ipv4Address, destinationPort: u32): u32 {
  let hash: u32 = addOctets(addOctets(0, source), destination)
  hash = hash * 31 + sourcePort
  return hash * 31 + destinationPort
}

function addOctets(hash: u32, a: Ipv4Address): u32 {
  let sum: u32 = hash * 31 + (a >>> 24)
  sum = sum * 31 + ((a >>> 16) & 0xff)
  sum = sum * 31 + ((a >>> 8) & 0xff)
  return sum * 31 + (a & 0xff)
}

/**
 * Whether a socket with these options may not have `a`:`port` (0 any address) beside those that are bound. Rules of
 * Linux: two may share if both have reuseAddr, or both reusePort. Of RustOS: the same address needs both options on
 * both, an address beside 0.0.0.0 reuseAddr on both. `except` is not looked at: the socket itself.
 */
export function udpBindConflict(
  a: Ipv4Address, port: u32, reuseAddr: boolean, reusePort: boolean, rules: BindRules, except: Socket | null,
): boolean {
  let each: Socket | null = udpSocketsWith(port)
  while (each != null) {
    if (each.localPort == port && each != except && overlap(a, each.localAddress)) {
      const addr: boolean = reuseAddr && each.reuseAddr
      const both: boolean = reusePort && each.reusePort
      if (rules == BindRules.Linux) {
        if (!addr && !both) return true
      } else if (a == each.localAddress) {
        if (!addr || !both) return true
      } else if (!addr) return true
    }
    each = each.portNext
  }
  return false
}

function overlap(a: Ipv4Address, b: Ipv4Address): boolean {
  return a == b || a == 0 || b == 0
}

/**
 * A port nobody has, 0 when there is none: the first free one from a random place on, so that who does not see our
 * datagrams can not guess it. RFC 6056 §3.3.1. `taken` tells of ports that are not a socket's.
 */
export function udpEphemeralPort(taken: (port: u32) => boolean): u32 {
  const range: u32 = EPHEMERAL_LAST - EPHEMERAL_FIRST + 1
  let offset: u32 = random32() % range
  for (let i: u32 = 0; i < range; i++) {
    const port: u32 = EPHEMERAL_FIRST + offset
    if (!udpPortUsed(port) && !taken(port)) return port
    offset = offset + 1 == range ? 0 : offset + 1
  }
  return 0
}

/** Whether any socket has the port. */
export function udpPortUsed(port: u32): boolean {
  let each: Socket | null = udpSocketsWith(port)
  while (each != null && each.localPort != port) each = each.portNext
  return each != null
}

function bucketFor(socket: Socket): Bucket {
  if (!isConnected(socket)) return boundBucket(socket.localAddress, socket.localPort)
  return connectedBucket(socket.localAddress, socket.localPort, socket.remoteAddress, socket.remotePort)
}

function connectedBucket(local: Ipv4Address, localPort: u32, remote: Ipv4Address, remotePort: u32): Bucket {
  const ports: u32 = (localPort << 16) | remotePort
  return nth(connected, hash32(hash32(remote ^ seed) ^ hash32(ports + seed) ^ local) & (SOCKET_BUCKETS - 1))
}

function boundBucket(local: Ipv4Address, localPort: u32): Bucket {
  return nth(bound, ((local ^ localPort) * 0x9e3779b1 >>> 16) & (SOCKET_BUCKETS - 1))
}

function portBucket(port: u32): Bucket {
  return nth(ports, port & (SOCKET_BUCKETS - 1))
}

function appendByHash(bucket: Bucket, socket: Socket): void {
  socket.hashNext = null
  let last: Socket | null = bucket.first
  if (last == null) {
    bucket.first = socket
    return
  }
  while (last.hashNext != null) last = last.hashNext
  last.hashNext = socket
}

function appendByPort(bucket: Bucket, socket: Socket): void {
  socket.portNext = null
  let last: Socket | null = bucket.first
  if (last == null) {
    bucket.first = socket
    return
  }
  while (last.portNext != null) last = last.portNext
  last.portNext = socket
}

function removeByHash(bucket: Bucket, socket: Socket): void {
  if (bucket.first == socket) {
    bucket.first = socket.hashNext
    return
  }
  let before: Socket | null = bucket.first
  while (before != null && before.hashNext != socket) before = before.hashNext
  if (before != null) before.hashNext = socket.hashNext
}

function removeByPort(bucket: Bucket, socket: Socket): void {
  if (bucket.first == socket) {
    bucket.first = socket.portNext
    return
  }
  let before: Socket | null = bucket.first
  while (before != null && before.portNext != socket) before = before.portNext
  if (before != null) before.portNext = socket.portNext
}
