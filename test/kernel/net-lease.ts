// What leases and link-local addresses leave behind, for the unit tests of net/dhcp and net/link-local.

import { nth, type cstring, type ptr, type u32 } from '../../kernel/lib/layout.ts'
import { dhcpStop } from '../../kernel/net/dhcp/client.ts'
import { dhcpClientOf } from '../../kernel/net/dhcp/client-state.ts'
import { interfaceAt, type NetInterface } from '../../kernel/net/interface.ts'
import { routeAt, routeCount } from '../../kernel/net/ipv4/route.ts'
import { linkLocalActive, linkLocalCandidate } from '../../kernel/net/link-local/link-local.ts'

function netif(index: u32): NetInterface {
  return interfaceAt(index) as NetInterface
}

/** The name server at a place, 0 past the last. */
export function nameServer(index: u32, place: u32): u32 {
  return place < netif(index).nameServerCount ? nth(netif(index).nameServers, place).address : 0
}

export function domainText(index: u32): cstring {
  return netif(index).domain as cstring
}

/** Of a client: 0 DISCOVERs, 1 OFFERs, 2 REQUESTs, 3 ACKs, 4 NAKs, 5 DECLINEs, 6 RELEASEs. */
export function dhcpCount(index: u32, which: u32): u32 {
  const client = dhcpClientOf(netif(index))
  switch (which) {
    case 0: return client.discoversSent
    case 1: return client.offersReceived
    case 2: return client.requestsSent
    case 3: return client.acksReceived
    case 4: return client.naksReceived
    case 5: return client.declinesSent
    default: return client.releasesSent
  }
}

export function dhcpEnd(index: u32): void {
  dhcpStop(netif(index))
}

/** The gateway of the route to exactly this prefix: 0 on the link, 0xffffffff no such route. */
export function routeGateway(network: u32, prefixLength: u32): u32 {
  for (let i: u32 = 0; i < routeCount(); i++) {
    const route = routeAt(i)
    if (route.network == network && route.prefixLength == prefixLength) return route.gateway
  }
  return 0xffffffff
}

export function candidate(mac: ptr, attempt: u32): u32 {
  return linkLocalCandidate(mac, attempt)
}

export function linkLocalIs(index: u32): u32 {
  return linkLocalActive(netif(index)) ? 1 : 0
}
