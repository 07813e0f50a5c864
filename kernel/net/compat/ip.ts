// RustOS's way to send an IP packet (`net/ip.rs`), over the stack's output. Main-loop context only.

import type { ptr, u32 } from '../../lib/layout.ts'
import { ipv4OutputVia } from '../ipv4/output.ts'
import { pathFind } from '../ipv4/route.ts'
import { messageBuild } from '../socket/build.ts'
import type { NetworkAddress } from './address.ts'
import { NetworkError, networkErrorOf, type NetworkResult } from './error.ts'

/** The most an IPv4 packet carries behind a plain header. RFC 791 §3.1, "Total Length". */
const IPV4_PAYLOAD_LIMIT: u32 = 65515

/**
 * Send `count` bytes as the payload of an IPv4 packet, in fragments if need be, by the route to its destination; an
 * all-zero source stands for the address of the interface it leaves by. Errors: InvalidAddress (not IPv4),
 * BufferOverflow (over 65,515 bytes), NetworkUnreachable (no route), Busy (no packets free), and what the device says.
 */
export function sendIpv4Packet(
  source: NetworkAddress, destination: NetworkAddress, protocol: u32, payload: ptr, count: u32,
): NetworkResult {
  if (!source.isIpv4 || !destination.isIpv4) return NetworkError.InvalidAddress
  if (count > IPV4_PAYLOAD_LIMIT) return NetworkError.BufferOverflow
  const path = pathFind(destination.asIpv4)
  if (path == null) return NetworkError.NetworkUnreachable
  const packet = messageBuild(payload, count, 0, path.mtu)
  if (packet == null) return NetworkError.Busy
  const from: u32 = source.asIpv4 != 0 ? source.asIpv4 : path.source
  return networkErrorOf(ipv4OutputVia(path, packet, from, destination.asIpv4, protocol, 0))
}
