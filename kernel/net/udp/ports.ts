// Which functions of the kernel's own listen on which UDP port: a hash table of bounded size. Sockets: table.ts.
// RFC 768, RFC 1122 §4.1.3. Main-loop context only.

import { UDP_PORT_LIMIT } from '../../config.ts'
import { Errno } from '../../lib/errno.ts'
import { fillBytes } from '../../lib/memory.ts'
import {
  address, nth, sizeof, staticRow, struct,
  type Stored, type bool, type i32, type ptr, type u16, type u32, type u8,
} from '../../lib/layout.ts'
import type { Packet } from '../../drivers/net/packet.ts'
import type { NetInterface } from '../interface.ts'
import type { Ipv4Address } from '../ipv4/address.ts'
import { udpPortUsed } from './table.ts'

/**
 * Handed one datagram, its data at `head`, the UDP header just before (udpHeaderBefore), the IPv4 header at
 * `networkHeader`. The packet is the callee's.
 */
export type UdpReceived =
  (binding: UdpBinding, ingress: NetInterface, packet: Packet, from: Ipv4Address, fromPort: u32) => void

@struct
export class UdpBinding {
  next: UdpBinding | null // same hash
  received: UdpReceived
  context: ptr // the user's own
  port: u16
  inUse: Stored<u8, bool>
  reserved: u8
}

@struct
class PortBucket {
  first: UdpBinding | null
}

const BUCKETS: u32 = 64

const bindings = staticRow<UdpBinding>(UDP_PORT_LIMIT)
const buckets = staticRow<PortBucket>(BUCKETS)

/** Unbind everything. */
export function udpPortsInit(): void {
  fillBytes(address(bindings), 0, UDP_PORT_LIMIT * sizeof<UdpBinding>())
  fillBytes(address(buckets), 0, BUCKETS * sizeof<PortBucket>())
}

function bucketOf(port: u32): PortBucket {
  return nth(buckets, port & (BUCKETS - 1))
}

/** Who listens on a port, or null. */
export function udpFind(port: u32): UdpBinding | null {
  let each: UdpBinding | null = bucketOf(port).first
  while (each != null) {
    if (each.port == port) return each
    each = each.next
  }
  return null
}

/**
 * Give the datagrams to a port to a function. Errors: InvalidArgument (port 0, or above 65535), AddressInUse (here or by a socket),
 * NoSpace (UDP_PORT_LIMIT).
 */
export function udpBind(port: u32, received: UdpReceived, context: ptr): i32 {
  if (port == 0 || port > 0xffff) return Errno.InvalidArgument
  if (udpFind(port) != null || udpPortUsed(port)) return Errno.AddressInUse
  const binding = unused()
  if (binding == null) return Errno.NoSpace
  const bucket = bucketOf(port)
  binding.received = received
  binding.context = context
  binding.port = port
  binding.inUse = true
  binding.next = bucket.first
  bucket.first = binding
  return Errno.None
}

function unused(): UdpBinding | null {
  for (let i: u32 = 0; i < UDP_PORT_LIMIT; i++) {
    const binding = nth(bindings, i)
    if (!binding.inUse) return binding
  }
  return null
}

/** Listen no more. Errors: NoSuchEntry. */
export function udpUnbind(port: u32): i32 {
  const bucket = bucketOf(port)
  let previous: UdpBinding | null = null
  let each: UdpBinding | null = bucket.first
  while (each != null && each.port != port) {
    previous = each
    each = each.next
  }
  if (each == null) return Errno.NoSuchEntry
  if (previous == null) bucket.first = each.next
  else previous.next = each.next
  each.inUse = false
  return Errno.None
}
