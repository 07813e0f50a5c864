// Interfaces: what the stack knows of a card, or of a VLAN on one: its link address, its IPv4 addresses
// with their prefixes, its MTU, the groups it listens to. RFC 1122 §3.3.4 (weak end system: an address of any
// interface is ours on every interface).
//
// Interfaces live in a fixed table: a pointer to one that was removed still points to an interface, down and without
// address, or to its successor in the same place. Nothing in here sends: changing addresses is net/configure.ts,
// groups are group.ts, VLANs vlan.ts, pairs and
// loopback device.ts. Main-loop context only.

import { INTERFACE_LIMIT, NAME_SERVER_LIMIT } from '../config.ts'
import { load8, store8 } from '../lib/intrinsics.ts'
import { copyBytes, equalBytes, fillBytes, stringLength } from '../lib/memory.ts'
import {
  address, nth, sizeof, staticMemory, staticRow, struct,
  type Bytes, type Embed, type Row, type Stored, type bool, type cstring, type ptr, type u16, type u32, type u8,
} from '../lib/layout.ts'
import { NIC_NAME_SIZE, NicKind, type Nic } from '../drivers/net/nic.ts'
import { macCopy } from './ethernet/header.ts'
import type { Ipv4Address } from './ipv4/address.ts'

/** Where an interface's addresses come from. */
export const enum AddressSource { None, Static, Dhcp, LinkLocal }

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
  users: u16 // how many joined; 0: the entry is free
  mac: Bytes<6>
  next: u8 // place plus one of the next group in the same list; 0: none
  reserved: Bytes<3>
}

/** What went through an interface, headers of the link counted in; each a u64. */
@struct
export class InterfaceStatistics {
  receivedPackets: Bytes<8>
  receivedBytes: Bytes<8>
  receiveErrors: Bytes<8> // frames that are none
  transmittedPackets: Bytes<8>
  transmittedBytes: Bytes<8>
  transmitErrors: Bytes<8> // refused by the card, or by the interface
  dropped: Bytes<8> // received in good order, but for nobody here: another host, an unknown type or VLAN, down
}

@struct
export class NetInterface {
  next: NetInterface | null // all interfaces, in order of creation
  nic: Nic // the card its frames go through; a VLAN's is its parent's
  parent: NetInterface | null // of a VLAN: the card's own interface
  vlanNext: NetInterface | null // VLANs with the same hash
  // What every frame and packet looks at.
  mac: Bytes<6>
  mtu: u16 // IPv4 bytes in one frame, header included
  up: Stored<u8, bool> // configured to be used
  promiscuous: Stored<u8, bool> // hand up frames for other hosts too
  configuring: Stored<u8, bool> // a DHCP server may write to an address that is not ours yet
  linkUp: Stored<u8, bool> // the card's, as last seen
  vlanId: u16 // IEEE 802.1Q VLAN identifier, 1 to 4094; 0: untagged
  loopback: Stored<u8, bool> // `lo`: nothing on it ever crosses a wire
  inUse: Stored<u8, bool>
  first: Embed<InterfaceAddress> // address 0 while there is none
  // The rest of its addresses: entries 1 to addressCount - 1 of the whole list.
  more: Row<InterfaceAddress, 3> // INTERFACE_ADDRESS_LIMIT - 1
  addressCount: u32
  gateway: Ipv4Address // default gateway, 0 none
  index: u32 // place in the table
  groupCount: u32
  groups: Row<LinkGroup, 64> // LINK_GROUP_LIMIT
  groupLists: Bytes<16> // GROUP_LISTS: place plus one of the first group of each
  stats: Embed<InterfaceStatistics>
  name: Bytes<12> // "eth0", zero-terminated
  source: Stored<u8, AddressSource>
  reserved: Bytes<3>
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
let loopback: NetInterface | null = null

/** Forget all interfaces. */
export function interfacesInit(): void {
  fillBytes(address(table), 0, INTERFACE_LIMIT * sizeof<NetInterface>())
  fillBytes(ownCounts, 0, 256)
  count = 0
  head = null
  loopback = null
}

/** Make the interface of a card, by the card's name, down and without address; null when the table is full. */
export function interfaceCreate(nic: Nic): NetInterface | null {
  const netif = interfaceAdd(nic, nic.name)
  if (netif == null) return null
  netif.loopback = nic.kind == NicKind.Loopback
  if (netif.loopback) loopback = netif
  nic.stack = address(netif)
  return netif
}

/** An interface whose frames go through `nic`, last in the list; null when the table is full. */
export function interfaceAdd(nic: Nic, name: ptr): NetInterface | null {
  let index: u32 = 0
  while (index < INTERFACE_LIMIT && nth(table, index).inUse) index += 1
  if (index == INTERFACE_LIMIT) return null
  const netif = nth(table, index)
  fillBytes(address(netif), 0, sizeof<NetInterface>())
  netif.inUse = true
  netif.index = index
  netif.nic = nic
  netif.mtu = nic.mtu
  netif.linkUp = nic.linkUp
  macCopy(netif.mac, nic.mac)
  copyBytes(netif.name, name, NIC_NAME_SIZE)
  append(netif)
  count += 1
  return netif
}

function append(netif: NetInterface): void {
  let last: NetInterface | null = head
  if (last == null) {
    head = netif
    return
  }
  while (last.next != null) last = last.next
  last.next = netif
}

/** Take an interface, down and no VLAN in vlan.ts's table, out of this one. Its place may be given to another. */
export function interfaceForget(netif: NetInterface): void {
  let before: NetInterface | null = null
  let each: NetInterface | null = head
  while (each != null && each != netif) {
    before = each
    each = each.next
  }
  if (each == null) return
  if (before == null) head = netif.next
  else before.next = netif.next
  netif.inUse = false
  count -= 1
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
  if (index >= INTERFACE_LIMIT || !nth(table, index).inUse) return null
  return nth(table, index)
}

/** The interface of a name, or null. */
export function interfaceNamed(name: cstring): NetInterface | null {
  const size: u32 = stringLength(name) + 1
  let each: NetInterface | null = head
  while (each != null) {
    if (size <= NIC_NAME_SIZE && equalBytes(each.name, name as ptr, size)) return each
    each = each.next
  }
  return null
}

/** `lo`, or null before netInit. */
export function interfaceLoopback(): NetInterface | null {
  return loopback
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

/** How many of our addresses share a hash: every packet's source is looked up, and is hardly ever ours. */
const ownCounts = staticMemory(256)

function ownHash(a: Ipv4Address): u32 {
  return (a * 0x9e3779b1) >>> 24 // 2^32 divided by the golden ratio: Knuth, vol. 3, §6.4
}

/** An address was added to an interface, or taken away. Said by net/configure.ts and nobody else. */
export function interfaceAddressNote(a: Ipv4Address, added: boolean): void {
  const hash: u32 = ownHash(a)
  const number: u32 = load8(ownCounts, hash)
  store8(ownCounts, hash, added ? number + 1 : number - 1)
}

/** The interface that has this address, or null. */
export function interfaceOwning(a: Ipv4Address): NetInterface | null {
  if (load8(ownCounts, ownHash(a)) == 0) return null
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
