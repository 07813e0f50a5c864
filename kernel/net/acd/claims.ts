// The addresses that are claimed from the link, and how far each has come. RFC 5227 §2. This file only keeps
// them; what happens to them is claim.ts (probing, announcing, giving up) and conflict.ts. Main-loop context only.

import { ADDRESS_CLAIM_LIMIT } from '../../config.ts'
import { AddressConflict } from '../../lib/options.ts'
import { timerStop, type Timer } from '../../lib/timer.ts'
import {
  address, at, nth, offsetof, plus, staticRow, struct, type Embed, type Stored, type bool, type u32, type u8,
} from '../../lib/layout.ts'
import type { NetInterface } from '../interface.ts'
import type { Ipv4Address } from '../ipv4/address.ts'

/** Who chose an address, which decides what it is worth. */
export const enum ClaimKind {
  /** A human being: kept where that is allowed, and tried again. */
  Configured,
  /** A DHCP server, which is told of a conflict: RFC 2131 §3.1 (5). */
  Leased,
  /** Chance: always probed before it is used, whatever `acd=` says. RFC 3927 §2.2.1. */
  LinkLocal,
}

/** What the claimant is told. */
export const enum ClaimEvent {
  /** The address is on the interface. */
  Usable,
  /** It was probed, and nobody else has it. */
  Verified,
  /** Somebody else has it. It is not on the interface any more, and the claim is over, unless Configured: that is
   *  tried again by itself. */
  Conflict,
  /** It was free, but a table of config.ts is full: it is not on the interface, and the claim is over. */
  Refused,
}

/** Called with what has become of a claim; may make and end claims. */
export type ClaimDecided = (netif: NetInterface, a: Ipv4Address, event: ClaimEvent) => void

export const enum ClaimState {
  /** RFC 5227 §2.1.1, from PROBE_WAIT to the end of ANNOUNCE_WAIT. */
  Probing,
  /** RFC 5227 §2.3. */
  Announcing,
  /** Ours; RFC 5227 §2.4. */
  Held,
  /** Somebody else's, until it is tried again. */
  Lost,
}

@struct
export class AddressClaim {
  next: AddressClaim | null // claims in use, newest first; or the free list
  netif: NetInterface
  address: Ipv4Address
  prefixLength: u32
  decided: ClaimDecided
  timer: Embed<Timer> // the next step
  defendedAt: u32 // milliseconds, with `defended`
  kind: Stored<u8, ClaimKind>
  state: Stored<u8, ClaimState>
  usable: Stored<u8, bool> // on the interface
  sent: u8 // probes, or announcements
  defended: Stored<u8, bool>
  reserved: u8
  reserved2: u8
  reserved3: u8
}

const table = staticRow<AddressClaim>(ADDRESS_CLAIM_LIMIT)
let free: AddressClaim | null = null
let first: AddressClaim | null = null
let mode: AddressConflict = AddressConflict.Off

/** No claims, and none probed until acdSetMode says so. */
export function claimsInit(): void {
  mode = AddressConflict.Off
  first = null
  free = null
  for (let i: u32 = 0; i < ADDRESS_CLAIM_LIMIT; i++) {
    const claim = nth(table, i)
    timerStop(claim.timer)
    claim.next = free
    free = claim
  }
}

/** `acd=`; for claims made from now on, and for conflicts about all. */
export function acdSetMode(wanted: AddressConflict): void {
  mode = wanted
}

/** `acd=` as it is in force. */
export function acdMode(): AddressConflict {
  return mode
}

/** The first claim, or null; follow `next`. */
export function claimFirst(): AddressClaim | null {
  return first
}

/** The claim of the timer. */
export function claimOf(timer: Timer): AddressClaim {
  return at<AddressClaim>(plus(address(timer), 0 - offsetof<AddressClaim>('timer')))
}

/** The claim to an address, or null. */
export function claimFind(netif: NetInterface, a: Ipv4Address): AddressClaim | null {
  let each: AddressClaim | null = first
  while (each != null) {
    if (each.address == a && each.netif == netif) return each
    each = each.next
  }
  return null
}

/** A claim of its own for an address that has none; null when there are ADDRESS_CLAIM_LIMIT. */
export function claimCreate(
  netif: NetInterface, a: Ipv4Address, prefixLength: u32, kind: ClaimKind, decided: ClaimDecided,
): AddressClaim | null {
  const claim = free
  if (claim == null) return null
  free = claim.next
  claim.next = first
  first = claim
  claim.netif = netif
  claim.address = a
  claim.prefixLength = prefixLength
  claim.kind = kind
  claim.decided = decided
  claim.state = ClaimState.Probing
  claim.usable = false
  claim.defended = false
  claim.sent = 0
  return claim
}

/** Forget the claim to an address, if there is one; the address itself stays where it is. */
export function claimEnd(netif: NetInterface, a: Ipv4Address): void {
  const claim = claimFind(netif, a)
  if (claim == null) return
  timerStop(claim.timer)
  if (first == claim) first = claim.next
  else unlink(first as AddressClaim, claim)
  claim.next = free
  free = claim
}

function unlink(from: AddressClaim, claim: AddressClaim): void {
  let each: AddressClaim = from
  while (each.next != claim) each = each.next as AddressClaim
  each.next = claim.next
}

/** Forget every claim of an interface. */
export function claimsEnd(netif: NetInterface): void {
  let each: AddressClaim | null = first
  while (each != null) {
    const following: AddressClaim | null = each.next
    if (each.netif == netif) claimEnd(netif, each.address)
    each = following
  }
}
