// RustOS's pings (`net/icmp.rs`) over the stack's. RFC 792. Main-loop context only.
//
// Next: net/icmp/ping.ts.

import { Errno } from '../../lib/errno.ts'
import { struct, type i32, type ptr, type u32 } from '../../lib/layout.ts'
import { arpFind, type ArpEntry } from '../arp/cache.ts'
import {
  pingOf, pingReply, pingResults, pingSend as stackSend, pingStart as stackStart, pingStop, type PingReply,
} from '../icmp/ping.ts'
import { pathFind } from '../ipv4/route.ts'
import type { NetworkAddress } from './address.ts'
import { NetworkError, networkErrorOf, type NetworkResult } from './error.ts'

/**
 * Begin to ping an address: the identifier, 1 to 65,535, that no other ping has. Errors: InvalidAddress (not IPv4, or
 * 0.0.0.0/8), InsufficientMemory (PING_LIMIT).
 */
export function pingStart(target: NetworkAddress): NetworkResult {
  if (!target.isIpv4) return NetworkError.InvalidAddress
  const result: i32 = stackStart(target.asIpv4)
  return result == Errno.InvalidArgument ? NetworkError.InvalidAddress : networkErrorOf(result)
}

/**
 * Send one echo request with `length` bytes at `data`, or with `data` 0 RustOS's eleven, "RustOS ping": its sequence
 * number, from 1. Errors: InvalidAddress (no such ping), NetworkUnreachable, BufferOverflow; the number is used up all the same.
 */
export function pingSend(identifier: u32, data: ptr, length: u32): NetworkResult {
  return networkErrorOf(stackSend(identifier, data, length))
}

@struct
export class IcmpManager {
  unused: u32 // there is one, and its state is the stack's

  static startPing(target: NetworkAddress): NetworkResult { return pingStart(target) }
  static sendPing(identifier: u32, data: ptr, length: u32): NetworkResult { return pingSend(identifier, data, length) }

  /** How many replies came. Errors: InvalidAddress (no such ping: RustOS's None). */
  static getPingResults(identifier: u32): NetworkResult { return networkErrorOf(pingResults(identifier)) }

  /** One of them, from 0; null if there was none, or it is too long ago. Good until the next reply. */
  static getPingReply(identifier: u32, index: u32): PingReply | null { return pingReply(identifier, index) }

  /** End a ping. Always Ok. */
  static closePing(identifier: u32): NetworkResult {
    pingStop(identifier)
    return NetworkError.None
  }

  /** Whether there is a ping of this identifier. */
  static isOpen(identifier: u32): boolean { return pingOf(identifier) != null }

  /** What is known of an IPv4 neighbour's link address; null for nothing. RustOS has a second table here, for IPv6. */
  static lookupNeighbor(a: NetworkAddress): ArpEntry | null {
    const path = a.isIpv4 ? pathFind(a.asIpv4) : null
    return path == null ? null : arpFind(path.egress, path.nextHop)
  }
}
