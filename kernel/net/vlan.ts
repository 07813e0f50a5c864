// VLANs: interfaces that share a card, told apart by the tag of their frames. IEEE 802.1Q §9.6.
//
// A VLAN is an interface like any other: its own addresses, routes, neighbours and groups. It is up or down by itself,
// whatever the card's untagged interface is. Frames find it by a hash of card and id. Main-loop context only.

import { VLAN_BUCKETS } from '../config.ts'
import { store8 } from '../lib/intrinsics.ts'
import { copyBytes, fillBytes, stringLength } from '../lib/memory.ts'
import {
  address, nth, sizeof, staticMemory, staticRow, struct, type cstring, type u32,
} from '../lib/layout.ts'
import { NIC_NAME_SIZE } from '../drivers/net/nic.ts'
import { macCopy } from './ethernet/header.ts'
import { interfaceAdd, interfaceForget, type NetInterface } from './interface.ts'

/** The largest identifier: 4095 is reserved, 0 says that there is none. IEEE 802.1Q table 9-2. */
export const VLAN_LAST: u32 = 4094

@struct
class Bucket {
  first: NetInterface | null
}

const buckets = staticRow<Bucket>(VLAN_BUCKETS)
const name = staticMemory(NIC_NAME_SIZE)

/** Forget all VLANs. */
export function vlansInit(): void {
  fillBytes(address(buckets), 0, VLAN_BUCKETS * sizeof<Bucket>())
}

/**
 * The interface of VLAN `id`, 1 to VLAN_LAST, on the card of `parent`: down, without address, with the card's
 * address and MTU: the tag is not counted in it. Null when the table of interfaces is full, the VLAN is there
 * already, `parent` is a VLAN itself or `lo`, or its name leaves no room for the id.
 */
export function vlanCreate(parent: NetInterface, id: u32): NetInterface | null {
  if (id == 0 || id > VLAN_LAST || parent.parent != null || parent.loopback) return null
  if (vlanFind(parent, id) != null || !nameOf(parent, id)) return null
  const netif = interfaceAdd(parent.nic, name)
  if (netif == null) return null
  netif.parent = parent
  netif.vlanId = id
  netif.mtu = parent.nic.mtu
  macCopy(netif.mac, parent.mac)
  const bucket = bucketOf(parent, id)
  netif.vlanNext = bucket.first
  bucket.first = netif
  return netif
}

/** "eth0.5"; false when it does not fit. */
function nameOf(parent: NetInterface, id: u32): boolean {
  const length: u32 = stringLength(parent.name as cstring)
  const digits: u32 = digitsOf(id)
  if (length + 1 + digits >= NIC_NAME_SIZE) return false
  copyBytes(name, parent.name, length)
  store8(name, length, 0x2e) // a dot
  let rest: u32 = id
  let place: u32 = length + digits
  while (place > length) {
    store8(name, place, 0x30 + rest % 10)
    rest = rest / 10
    place -= 1
  }
  store8(name, length + digits + 1, 0)
  return true
}

function digitsOf(number: u32): u32 {
  if (number >= 1000) return 4
  if (number >= 100) return 3
  return number >= 10 ? 2 : 1
}

function bucketOf(parent: NetInterface, id: u32): Bucket {
  return nth(buckets, (id + parent.index * 7) & (VLAN_BUCKETS - 1)) // the ids of a site are often consecutive
}

/** The interface of VLAN `id` on the card of `parent`, or null. */
export function vlanFind(parent: NetInterface, id: u32): NetInterface | null {
  let each: NetInterface | null = bucketOf(parent, id).first
  while (each != null) {
    if (each.vlanId == id && each.parent == parent) return each
    each = each.vlanNext
  }
  return null
}

/** Take a VLAN, which is down, away. */
export function vlanForget(netif: NetInterface): void {
  const bucket = bucketOf(netif.parent as NetInterface, netif.vlanId)
  if (bucket.first == netif) bucket.first = netif.vlanNext
  else unlink(bucket.first, netif)
  interfaceForget(netif)
}

function unlink(from: NetInterface | null, netif: NetInterface): void {
  let before: NetInterface | null = from
  while (before != null && before.vlanNext != netif) before = before.vlanNext
  if (before != null) before.vlanNext = netif.vlanNext
}
