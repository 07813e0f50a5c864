// An address of one's own choosing where nobody gives one: 169.254/16. RFC 3927 §2. Main-loop context only.
//
// Candidates follow from the card's link address, so a machine takes the same one after each boot, and two machines rarely
// the same (§2.1). Each is probed before it is used, whatever `acd=` says (§2.2.1), and defended once in ten seconds
// (§2.5): acd/claim.ts does that, and waits between candidates after ten conflicts (§2.2.1, RATE_LIMIT_INTERVAL). The next
// candidate follows a conflict at once. It goes when a routable address comes (§1.9): linkLocalStop.
//
// §2.6.2's rules for multi-homed hosts are those of the routing table: 169.254/16 is on the link of the first
// interface that has such an address.

import { INTERFACE_LIMIT } from '../../config.ts'
import { Errno } from '../../lib/errno.ts'
import { hashBytes } from '../../lib/hash.ts'
import { nth, staticRow, struct, type Stored, type bool, type i32, type ptr, type u16, type u32, type u8 } from '../../lib/layout.ts'
import { addressClaim, addressRelease } from '../acd/claim.ts'
import { ClaimEvent, ClaimKind } from '../acd/claims.ts'
import { interfaceLogDown, interfaceLogUp, interfaceRemoveAddress } from '../configure.ts'
import { MAC_LENGTH } from '../ethernet/header.ts'
import { AddressSource, interfaceFindAddress, type NetInterface } from '../interface.ts'
import type { Ipv4Address } from '../ipv4/address.ts'

/** RFC 3927 §2.1: 169.254.1.0 to 169.254.254.255. */
const FIRST: Ipv4Address = 0xa9fe0100
const CANDIDATES: u32 = 0xfe00
const PREFIX_LENGTH: u32 = 16

@struct
class LinkLocal {
  address: Ipv4Address // being probed, or ours
  conflicts: u16 // candidates that were somebody else's
  active: Stored<u8, bool>
  usable: Stored<u8, bool>
}

const states = staticRow<LinkLocal>(INTERFACE_LIMIT)

/** No interface has one; what was learned of conflicts is forgotten. */
export function linkLocalInit(): void {
  for (let i: u32 = 0; i < INTERFACE_LIMIT; i++) {
    const state = nth(states, i)
    state.active = false
    state.usable = false
    state.conflicts = 0
  }
}

/** The `attempt`th candidate of a link address. */
export function linkLocalCandidate(mac: ptr, attempt: u32): Ipv4Address {
  return FIRST + hashBytes(mac, MAC_LENGTH, attempt) % CANDIDATES
}

/** Whether an interface has such an address, or is looking for one. */
export function linkLocalActive(netif: NetInterface): boolean {
  return nth(states, netif.index).active
}

/** Look for an address, for an interface that is up. Nothing happens where one is there. */
export function linkLocalStart(netif: NetInterface): void {
  const state = nth(states, netif.index)
  if (state.active) return
  state.active = true
  claim(netif)
}

function claim(netif: NetInterface): void {
  const state = nth(states, netif.index)
  state.usable = false
  state.address = linkLocalCandidate(netif.mac, state.conflicts)
  const result: i32 = addressClaim(netif, state.address, PREFIX_LENGTH, ClaimKind.LinkLocal, decided)
  if (result != Errno.None) state.active = false // no room for an address or its route: not now
}

function decided(netif: NetInterface, a: Ipv4Address, event: ClaimEvent): void {
  const state = nth(states, netif.index)
  if (!state.active || state.address != a) return
  if (event == ClaimEvent.Usable) {
    state.usable = true
    netif.source = AddressSource.LinkLocal
    interfaceLogUp(netif)
  }
  if (event == ClaimEvent.Conflict) {
    if (state.usable) interfaceLogDown(netif, 'address in use')
    if (state.conflicts < 0xffff) state.conflicts += 1
    claim(netif)
  }
  if (event == ClaimEvent.Refused) state.active = false // as above
}

/** The link is back, perhaps to another network: what we have is probed again. RFC 3927 §2.2. */
export function linkLocalLinkUp(netif: NetInterface): void {
  if (!linkLocalActive(netif)) return
  linkLocalStop(netif)
  linkLocalStart(netif)
}

/** Give the address up. */
export function linkLocalStop(netif: NetInterface): void {
  const state = nth(states, netif.index)
  if (!state.active) return
  state.active = false
  state.usable = false
  addressRelease(netif, state.address)
  if (interfaceFindAddress(netif, state.address) != null) interfaceRemoveAddress(netif, state.address)
  if (netif.source == AddressSource.LinkLocal) netif.source = AddressSource.None
}
