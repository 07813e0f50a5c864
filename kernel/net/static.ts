// Addresses that were configured by hand: claimed from the link, put into effect with their gateway, taken out of
// effect while somebody else has them (RFC 5227 §2.4). Main-loop context only.

import { INTERFACE_LIMIT } from '../config.ts'
import { Errno } from '../lib/errno.ts'
import { nth, staticRow, struct, type i32, type u32 } from '../lib/layout.ts'
import { addressClaim } from './acd/claim.ts'
import { ClaimEvent, ClaimKind } from './acd/claims.ts'
import { interfaceLogDown, interfaceLogUp, interfaceSetGateway } from './configure.ts'
import { AddressSource, interfaceFindAddress, type NetInterface } from './interface.ts'
import type { Ipv4Address } from './ipv4/address.ts'

/** The gateway that goes with an interface's configured address. */
@struct
class Wanted {
  gateway: Ipv4Address // 0 none
}

const wanted = staticRow<Wanted>(INTERFACE_LIMIT)

/**
 * Give an interface that is up a configured address and a default gateway, 0 for none; with acd=strict when the
 * address has been probed. Errors: InvalidArgument, Exists, NoSpace: the caller takes the interface down.
 */
export function staticConfigure(netif: NetInterface, a: Ipv4Address, prefixLength: u32, gateway: Ipv4Address): i32 {
  nth(wanted, netif.index).gateway = gateway
  const claimed: i32 = addressClaim(netif, a, prefixLength, ClaimKind.Configured, staticDecided)
  if (claimed != Errno.None) return claimed
  const usable: boolean = interfaceFindAddress(netif, a) != null
  return usable && netif.gateway != gateway ? Errno.NoSpace : Errno.None
}

function staticDecided(netif: NetInterface, a: Ipv4Address, event: ClaimEvent): void {
  switch (event) {
    case ClaimEvent.Usable: return use(netif)
    case ClaimEvent.Conflict: return stopUsing(netif, 'address in use')
    case ClaimEvent.Refused: return stopUsing(netif, 'no room for the address')
  }
}

function use(netif: NetInterface): void {
  if (interfaceSetGateway(netif, nth(wanted, netif.index).gateway) != Errno.None) return // staticConfigure says so
  netif.source = AddressSource.Static
  interfaceLogUp(netif)
}

function stopUsing(netif: NetInterface, why: 'address in use' | 'no room for the address'): void {
  interfaceSetGateway(netif, 0)
  netif.source = AddressSource.None
  interfaceLogDown(netif, why)
}
