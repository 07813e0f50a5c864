// Interfaces: what the stack knows of a card, or later of a VLAN on one: its link address, its IPv4 addresses
// with their prefixes, its MTU, the groups it listens to. RFC 1122 §3.3.4 (weak end system: an address of any
// interface is ours on every interface).
//
// Interfaces live in a fixed table and are never removed, so a pointer to one stays good. Nothing in here sends:
// changing addresses is net/configure.ts. Main-loop context only.

import { INTERFACE_LIMIT, LINK_GROUP_LIMIT, NAME_SERVER_LIMIT } from '../config.ts'
import { Errno } from '../lib/errno.ts'
import { store8 } from '../lib/intrinsics.ts'
import { fillBytes } from '../lib/memory.ts'
import {
  address, nth, sizeof, staticRow, struct,
  type Bytes, type Embed, type Row, type Stored, type bool, type i32, type ptr, type u16, type u32, type u8,
} from '../lib/layout.ts'
import type { Nic } from '../drivers/net/nic.ts'
import { macCopy, macEqual } from './ethernet/header.ts'
import type { Ipv4Address } from './ipv4/address.ts'

/** Where an interface's addresses come from. */
export const enum AddressSource { None, Static, Dhcp }

/** One address of an interface. */
@struct
export class InterfaceAddress {
  address: Ipv4Address
  mask: Ipv4Address
  broadcast: Ipv4Address // directed broadcast, RFC 1122 §3.2.1.3 (d); 0 where the prefix has none (/31, /32)
  prefixLength: u32
}

/** A DNS server of the interface's network. */
@struct
export class NameServer {
  address: Ipv4Address
}

/** Bytes of the text of a domain, its zero included; a longer one is not kept. */
export const DOMAIN_LIMIT: u32 = 128

/** An Ethernet group the interface listens to. */
@struct
export class LinkGroup {
  users: u16 // how many joined
  mac: Bytes<6>
}

@struct
export class NetInterface {
  next: NetInterface | null // all interfaces, in order of creation
  nic: Nic // the card its frames go through
  // What every frame and packet looks at.
  mac: Bytes<6>
  mtu: u16 // IPv4 bytes in one frame, header included
  up: Stored<u8, bool> // configured to be used
  promiscuous: Stored<u8, bool> // hand up frames for other hosts too
  configuring: Stored<u8, bool> // a DHCP server may write to an address that is not ours yet
  linkUp: Stored<u8, bool> // the card's, as last seen
  first: Embed<InterfaceAddress> // address 0 while there is none
  // The rest of its addresses: entries 1 to addressCount - 1 of the whole list.
  more: Row<InterfaceAddress, 3> // INTERFACE_ADDRESS_LIMIT - 1
  addressCount: u32
  gateway: Ipv4Address // default gateway, 0 none
  index: u32 // place in the table
  groupCount: u32
  groups: Row<LinkGroup, 16> // LINK_GROUP_LIMIT
  name: Bytes<12> // "eth0", zero-terminated
  source: Stored<u8, AddressSource>
  defended: Stored<u8, bool> // an address of ours, at least once, by an announcement at `defendedAt`
  reserved: Bytes<2>
  defendedAt: u32 // milliseconds
  nameServerCount: u32
  nameServers: Row<NameServer, 3> // NAME_SERVER_LIMIT
  domain: Bytes<128> // DOMAIN_LIMIT; text, zero-terminated, empty for none

  /** The first name server, 0 none. */
  get dns(): Ipv4Address {
    return this.nameServerCount > 0 ? nth(this.nameServers, 0).address : 0
  }
}

const table = staticRow<NetInterface>(INTERFACE_LIMIT)
let count: u32 = 0
let head: NetInterface | null = null

/** Forget all interfaces. */
export function interfacesInit(): void {
  fillBytes(address(table), 0, INTERFACE_LIMIT * sizeof<NetInterface>())
  count = 0
  head = null
}

/** Make the interface of a card, eth<nic.index>, down and without address; null when the table is full. */
export function interfaceCreate(nic: Nic): NetInterface | null {
  if (count == INTERFACE_LIMIT) return null
  const netif = nth(table, count)
  netif.index = count
  netif.nic = nic
  netif.mtu = nic.mtu
  netif.linkUp = nic.linkUp
  macCopy(netif.mac, nic.mac)
  nameAfter(netif.name, nic.index)
  if (count == 0) head = netif
  else nth(table, count - 1).next = netif
  count += 1
  nic.stack = address(netif)
  return netif
}

/** "eth0" to "eth99". */
function nameAfter(name: ptr, index: u32): void {
  store8(name, 0, 0x65) // e
  store8(name, 1, 0x74) // t
  store8(name, 2, 0x68) // h
  let i: u32 = 3
  if (index >= 10) {
    store8(name, i, 0x30 + (index / 10) % 10)
    i += 1
  }
  store8(name, i, 0x30 + index % 10)
  store8(name, i + 1, 0)
}

/** The first interface, or null; follow `next`. */
export function interfaceFirst(): NetInterface | null {
  return head
}

/** How many interfaces there are. */
export function interfaceCount(): u32 {
  return count
}

/** The interface at a place in the table, or null. */
export function interfaceAt(index: u32): NetInterface | null {
  return index < count ? nth(table, index) : null
}

/** The `index`th address of an interface, index below `addressCount`. */
export function interfaceAddressAt(netif: NetInterface, index: u32): InterfaceAddress {
  return index == 0 ? netif.first : nth(netif.more, index - 1)
}

/** The entry of an address on this interface, or null. */
export function interfaceFindAddress(netif: NetInterface, a: Ipv4Address): InterfaceAddress | null {
  for (let i: u32 = 0; i < netif.addressCount; i++) {
    const entry = interfaceAddressAt(netif, i)
    if (entry.address == a) return entry
  }
  return null
}

/** The interface that has this address, or null. */
export function interfaceOwning(a: Ipv4Address): NetInterface | null {
  let each: NetInterface | null = head
  while (each != null) {
    if (interfaceFindAddress(each, a) != null) return each
    each = each.next
  }
  return null
}

/** Forget the name servers and the domain. */
export function interfaceClearNames(netif: NetInterface): void {
  netif.nameServerCount = 0
  store8(netif.domain, 0, 0)
}

/** One more name server. False when there are NAME_SERVER_LIMIT, or it is there already. */
export function interfaceAddNameServer(netif: NetInterface, a: Ipv4Address): boolean {
  for (let i: u32 = 0; i < netif.nameServerCount; i++) {
    if (nth(netif.nameServers, i).address == a) return false
  }
  if (netif.nameServerCount == NAME_SERVER_LIMIT) return false
  nth(netif.nameServers, netif.nameServerCount).address = a
  netif.nameServerCount += 1
  return true
}

/** Whether `a` is a directed broadcast address of this interface. RFC 1122 §3.2.1.3 (d). */
export function interfaceIsBroadcast(netif: NetInterface, a: Ipv4Address): boolean {
  if (a == 0) return false
  for (let i: u32 = 0; i < netif.addressCount; i++) {
    if (interfaceAddressAt(netif, i).broadcast == a) return true
  }
  return false
}

/**
 * The address to speak to `to` with: the one in whose prefix it lies, else the first; 0 while there is none.
 * RFC 1122 §3.3.4.3.
 */
export function interfaceSourceFor(netif: NetInterface, to: Ipv4Address): Ipv4Address {
  for (let i: u32 = 0; i < netif.addressCount; i++) {
    const entry = interfaceAddressAt(netif, i)
    if (((entry.address ^ to) & entry.mask) == 0) return entry.address
  }
  return netif.first.address
}

/** Whether the interface listens to an Ethernet group. */
export function interfaceInGroup(netif: NetInterface, mac: ptr): boolean {
  return findGroup(netif, mac) != null
}

function findGroup(netif: NetInterface, mac: ptr): LinkGroup | null {
  for (let i: u32 = 0; i < netif.groupCount; i++) {
    const group = nth(netif.groups, i)
    if (macEqual(group.mac, mac)) return group
  }
  return null
}

/** Listen to an Ethernet group, once more if it does already. Errors: NoSpace when the interface's list is full. */
export function interfaceJoin(netif: NetInterface, mac: ptr): i32 {
  const known = findGroup(netif, mac)
  if (known != null) {
    known.users += 1
    return Errno.None
  }
  if (netif.groupCount == LINK_GROUP_LIMIT) return Errno.NoSpace
  const group = nth(netif.groups, netif.groupCount)
  group.users = 1
  macCopy(group.mac, mac)
  netif.groupCount += 1
  return Errno.None
}

/** Undo one join. Errors: NoSuchEntry. */
export function interfaceLeave(netif: NetInterface, mac: ptr): i32 {
  const group = findGroup(netif, mac)
  if (group == null) return Errno.NoSuchEntry
  group.users -= 1
  if (group.users > 0) return Errno.None
  netif.groupCount -= 1
  const last = nth(netif.groups, netif.groupCount)
  macCopy(group.mac, last.mac)
  group.users = last.users
  return Errno.None
}
