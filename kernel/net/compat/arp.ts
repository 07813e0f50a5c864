// RustOS's ARP table (`net/arp.rs`) over the stack's. RFC 826; ageing and retries are the stack's own, by timers.
// Main-loop context only.

import { zeroBytes, copyBytes } from '../../lib/memory.ts'
import {
  address, nth, sizeof, struct,
  type Bytes, type Embed, type Stored, type bool, type cstring, type u32, type u8,
} from '../../lib/layout.ts'
import { ArpFlag, ArpState, arpConfigure, arpFind, arpFlush, arpNewest, type ArpEntry as StackEntry } from '../arp/cache.ts'
import { arpForget, arpGratuitous, arpSetPermanent, arpUpdate } from '../arp/learn.ts'
import type { ArpConfig } from '../arp/policy.ts'
import { arpAsk } from '../arp/resolve.ts'
import { arpStatistics, type ArpStatistics } from '../arp/statistics.ts'
import { interfaceFirst, interfaceNamed, type NetInterface } from '../interface.ts'
import { routeMatch } from '../ipv4/route.ts'
import { NetworkAddress } from './address.ts'
import { NetworkError, networkErrorOf, type NetworkResult } from './error.ts'

/** RustOS's ArpEntry: a copy. Times in milliseconds since boot, modulo 2^32. */
@struct
export class ArpEntry {
  ipAddress: Embed<NetworkAddress>
  macAddress: Embed<NetworkAddress>
  hasMac: Stored<u8, bool> // not while Incomplete or Failed
  state: Stored<u8, ArpState>
  requestCount: u8
  isStatic: Stored<u8, bool>
  verified: Stored<u8, bool>
  suspicious: Stored<u8, bool>
  trusted: Stored<u8, bool>
  reserved: u8
  created: u32
  updated: u32
  lastUsed: u32
  useCount: u32
  interface: Bytes<12> // name, zero-terminated
}

/** Errors of a call that names an interface and a neighbour: InvalidAddress for any of them. */
function checked(netif: NetInterface | null, ip: NetworkAddress, mac: NetworkAddress): NetworkResult {
  return netif != null && ip.isIpv4 && mac.isMac ? NetworkError.None : NetworkError.InvalidAddress
}

/** The entry of an address on whichever interface has one, or null. */
function entryOf(ip: NetworkAddress): StackEntry | null {
  let each: NetInterface | null = ip.isIpv4 ? interfaceFirst() : null
  while (each != null) {
    const found = arpFind(each, ip.asIpv4)
    if (found != null) return found
    each = each.next
  }
  return null
}

function knowsMac(entry: StackEntry): boolean {
  return entry.state != ArpState.Incomplete && entry.state != ArpState.Failed
}

/** The interface to ask for an address by: that of its route, else the first that is up and no loopback; null for none. */
export function arpInterfaceFor(ip: NetworkAddress): NetInterface | null {
  const route = ip.isIpv4 ? routeMatch(ip.asIpv4) : null
  if (route != null && route.egress.up && !route.egress.loopback) return route.egress
  let each: NetInterface | null = interfaceFirst()
  while (each != null && (!each.up || each.loopback)) each = each.next
  return each
}

@struct
export class ArpTable {
  unused: u32 // there is one, and its state is the stack's

  /** Put a policy in force. Errors: InvalidArgument (a limit out of its range). */
  static withConfig(config: ArpConfig): NetworkResult { return networkErrorOf(arpConfigure(config)) }

  /** A neighbour spoke; a static entry stays as it is. Errors: InvalidAddress (kinds, interface), InsufficientMemory. */
  static updateEntry(ip: NetworkAddress, mac: NetworkAddress, name: cstring): NetworkResult {
    const netif = interfaceNamed(name)
    if (checked(netif, ip, mac) != NetworkError.None) return NetworkError.InvalidAddress
    return networkErrorOf(arpUpdate(netif as NetInterface, ip.asIpv4, mac.octets))
  }

  /** The link address of a neighbour, at `out`; false while it is not known. */
  static lookup(ip: NetworkAddress, out: NetworkAddress): boolean {
    const entry = entryOf(ip)
    if (entry == null || !knowsMac(entry)) return false
    out.mac(entry.mac)
    return true
  }

  /** Fix an address for good. Errors: InvalidAddress (kinds, interface), InsufficientMemory (all entries are static). */
  static addStaticEntry(ip: NetworkAddress, mac: NetworkAddress, name: cstring): NetworkResult {
    const netif = interfaceNamed(name)
    if (checked(netif, ip, mac) != NetworkError.None) return NetworkError.InvalidAddress
    return networkErrorOf(arpSetPermanent(netif as NetInterface, ip.asIpv4, mac.octets))
  }

  /** Forget an address, static or not. Errors: InvalidAddress (not there). */
  static removeEntry(ip: NetworkAddress): NetworkResult {
    const entry = entryOf(ip)
    if (entry == null) return NetworkError.InvalidAddress
    return networkErrorOf(arpForget(entry.egress, entry.address))
  }

  /** The first `room` entries at `out`, the one last used first; returns how many there are. */
  static getAllEntries(out: ArpEntry, room: u32): u32 {
    let count: u32 = 0
    let each: StackEntry | null = arpNewest()
    while (each != null) {
      if (count < room) copyEntry(each, nth(out, count))
      count += 1
      each = each.older
    }
    return count
  }

  /**
   * A neighbour announced itself. Errors: InvalidAddress (kinds, interface), NotSupported (the policy ignores
   * announcements), PermissionDenied (known at another link address, and the policy keeps it there). Of a stranger
   * nothing is learned, which is no error.
   */
  static handleGratuitousArp(ip: NetworkAddress, mac: NetworkAddress, name: cstring): NetworkResult {
    const netif = interfaceNamed(name)
    if (checked(netif, ip, mac) != NetworkError.None) return NetworkError.InvalidAddress
    const result = networkErrorOf(arpGratuitous(netif as NetInterface, ip.asIpv4, mac.octets))
    return result == NetworkError.InvalidAddress ? NetworkError.None : result
  }

  static getStats(out: ArpStatistics): void { arpStatistics(out) }

  /** Forget what was learned. */
  static clearDynamicEntries(): void { arpFlush(null) }
}

function copyEntry(entry: StackEntry, out: ArpEntry): void {
  zeroBytes(address(out), sizeof<ArpEntry>())
  out.ipAddress.setIpv4(entry.address)
  out.hasMac = knowsMac(entry)
  out.macAddress.mac(entry.mac)
  out.state = entry.state
  out.requestCount = entry.requests
  out.isStatic = entry.permanent
  out.verified = (entry.flags & ArpFlag.Verified) != 0
  out.suspicious = (entry.flags & ArpFlag.Suspicious) != 0
  out.trusted = (entry.flags & ArpFlag.Trusted) != 0
  out.created = entry.created
  out.updated = entry.updated
  out.lastUsed = entry.lastUsed
  out.useCount = entry.useCount
  copyBytes(out.interface, entry.egress.name, 12)
}

/**
 * Ask who has an address. One question a second goes out for it, however often this is called. Errors:
 * InvalidAddress (no such interface, or it has no address), NotSupported (not IPv4), InsufficientMemory.
 */
export function sendArpRequestBy(target: NetworkAddress, name: cstring): NetworkResult {
  const netif = interfaceNamed(name)
  if (netif == null || netif.addressCount == 0) return NetworkError.InvalidAddress
  return arpAskBy(netif, target)
}

/** As sendArpRequestBy, by the interface of the route to the address. Errors: NoRoute (none is up), and those. */
export function sendArpRequest(target: NetworkAddress): NetworkResult {
  const netif = arpInterfaceFor(target)
  if (netif == null) return NetworkError.NoRoute
  return netif.addressCount == 0 ? NetworkError.InvalidAddress : arpAskBy(netif, target)
}

function arpAskBy(netif: NetInterface, target: NetworkAddress): NetworkResult {
  return target.isIpv4 ? networkErrorOf(arpAsk(netif, target.asIpv4)) : NetworkError.NotSupported
}
