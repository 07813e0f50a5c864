// A lease put into effect: what a server's ACK makes of an interface. RFC 2131 §4.4.5, RFC 2132 §3, §5.1.
// Main-loop context only.

import { Errno } from '../../lib/errno.ts'
import type { cstring, i32, u32 } from '../../lib/layout.ts'
import {
  interfaceAddAddress, interfaceLogDown, interfaceLogUp, interfaceRemoveAddress, interfaceSetGateway,
} from '../configure.ts'
import {
  AddressSource, interfaceAddNameServer, interfaceClearNames, interfaceFindAddress, type NetInterface,
} from '../interface.ts'
import { isHostOf, isUnicast, prefixOf, type Ipv4Address } from '../ipv4/address.ts'
import type { DhcpValues } from './options.ts'

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
 * Give the interface what the server said. The same address again changes no more than the rest, and is not
 * announced or logged a second time. Errors: those of interfaceAddAddress; the
 * interface has nothing then.
 */
export function leaseApply(netif: NetInterface, a: Ipv4Address, values: DhcpValues): i32 {
  const prefixLength = leasePrefix(a, values.subnetMask)
  const entry = interfaceFindAddress(netif, a)
  const same: boolean = entry != null && entry.prefixLength == prefixLength
  if (!same) {
    while (netif.addressCount > 0) interfaceRemoveAddress(netif, netif.first.address)
    const result: i32 = interfaceAddAddress(netif, a, prefixLength)
    if (result != Errno.None) {
      clear(netif, 'lease could not be used')
      return result
    }
  }
  // Without room for the route there is no gateway, and no gw in the log.
  if (values.router != netif.gateway) interfaceSetGateway(netif, isUnicast(values.router) ? values.router : 0)
  interfaceClearNames(netif)
  if (isUnicast(values.dnsServer)) interfaceAddNameServer(netif, values.dnsServer)
  netif.mtu = leaseMtu(netif, values.mtu)
  netif.source = AddressSource.Dhcp
  if (!same) interfaceLogUp(netif)
  return Errno.None
}

/** Never more than the card takes; never less than every host must take. */
function leaseMtu(netif: NetInterface, offered: u32): u32 {
  const most: u32 = netif.nic.mtu
  return offered >= SMALLEST_USEFUL_MTU && offered < most ? offered : most
}

/** Take away what the lease gave. */
export function leaseRemove(netif: NetInterface, why: cstring): void {
  if (netif.addressCount > 0) clear(netif, why)
}

function clear(netif: NetInterface, why: cstring): void {
  while (netif.addressCount > 0) interfaceRemoveAddress(netif, netif.first.address)
  interfaceSetGateway(netif, 0)
  interfaceClearNames(netif)
  netif.mtu = netif.nic.mtu
  netif.source = AddressSource.None
  interfaceLogDown(netif, why)
}
