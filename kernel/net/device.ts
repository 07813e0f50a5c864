// Devices that are only memory, as interfaces; and what can be done to any interface while the kernel runs: up and
// down, promiscuous, its MTU, its link address, its end. Main-loop context only.

import { Errno } from '../lib/errno.ts'
import { increase64 } from '../lib/intrinsics.ts'
import { copyBytes, zeroBytes } from '../lib/memory.ts'
import { address, at, sizeof, type cstring, type i32, type ptr, type u32 } from '../lib/layout.ts'
import { loopbackNic } from '../drivers/net/loopback.ts'
import { NicKind, type Nic } from '../drivers/net/nic.ts'
import { nicNamed, vethCreate, vethPeer, vethRemove } from '../drivers/net/veth.ts'
import { acdLinkUp } from './acd/claim.ts'
import { arpAnnounce } from './arp/output.ts'
import { cardChanged } from './card.ts'
import { interfaceAddAddress, interfaceDown, interfaceResume, interfaceSuspend, interfaceUp } from './configure.ts'
import { SMALLEST_MTU } from './config.ts'
import { dhcpLinkUp, dhcpStop } from './dhcp/client.ts'
import { macCopy, macIsGroup, macIsZero } from './ethernet/header.ts'
import { interfaceInput, loopbackInput } from './ethernet/input.ts'
import { multicastForget } from './igmp/join.ts'
import {
  interfaceAddressAt, interfaceCreate, interfaceFirst, interfaceForget, interfaceNamed,
  type InterfaceStatistics, type NetInterface,
} from './interface.ts'
import { routesChanged } from './ipv4/route.ts'
import { vlanForget } from './vlan.ts'

/** 127.0.0.1/8: RFC 1122 §3.2.1.3 (g). */
const LOOPBACK_ADDRESS: u32 = 0x7f000001
const LOOPBACK_PREFIX: u32 = 8

/** Make `lo`, up, with its address. Its table entry and routes are the first or nearly so: there is room. */
export function loopbackStart(): void {
  const nic = loopbackNic()
  const netif = interfaceCreate(nic)
  if (netif == null) return
  nic.received = loopbackInput
  interfaceUp(netif)
  interfaceAddAddress(netif, LOOPBACK_ADDRESS, LOOPBACK_PREFIX)
}

/**
 * Make two virtual cards with a cable between them, and an interface for each, down and without address. Errors:
 * InvalidArgument, Exists (a name), NoSpace (VETH_PAIR_LIMIT or INTERFACE_LIMIT).
 */
export function vethPairCreate(nameA: cstring, nameB: cstring): i32 {
  if (interfaceNamed(nameA) != null || interfaceNamed(nameB) != null) return Errno.Exists // VLANs are no devices
  const made: i32 = vethCreate(nameA, nameB)
  if (made != Errno.None) return made
  const nic = nicNamed(nameA) as Nic
  const a = interfaceCreate(nic)
  const b = a == null ? null : interfaceCreate(vethPeer(nic))
  if (a == null || b == null) {
    if (a != null) interfaceForget(a)
    vethRemove(nic)
    return Errno.NoSpace
  }
  nic.received = interfaceInput
  vethPeer(nic).received = interfaceInput
  return Errno.None
}

/**
 * Take a VLAN, or a virtual card and its peer, away, with all addresses. Errors: Busy (VLANs are on it), NotSupported
 * (a card that is there, `lo`).
 */
export function interfaceRemove(netif: NetInterface): i32 {
  if (netif.vlanId != 0) {
    end(netif)
    vlanForget(netif)
    return Errno.None
  }
  const nic = netif.nic
  if (nic.kind != NicKind.VirtualEthernet) return Errno.NotSupported
  const peer = at<NetInterface>(vethPeer(nic).stack)
  if (hasVlans(netif) || hasVlans(peer)) return Errno.Busy
  end(netif)
  end(peer)
  interfaceForget(netif)
  interfaceForget(peer)
  vethRemove(nic)
  return Errno.None
}

function end(netif: NetInterface): void {
  dhcpStop(netif)
  multicastForget(netif)
  interfaceDown(netif)
}

function hasVlans(netif: NetInterface): boolean {
  let each: NetInterface | null = interfaceFirst()
  while (each != null) {
    if (each.parent == netif) return true
    each = each.next
  }
  return false
}

/**
 * Down: no frame in or out, routes and neighbours forgotten, the card told. Up: as it was before, and the link told
 * of it. Addresses, gateway and groups stay meanwhile; whoever waits for a lease asks. Errors: NoSpace (ROUTE_LIMIT).
 */
export function interfaceSetUp(netif: NetInterface, up: boolean): i32 {
  if (netif.up == up) return Errno.None
  if (!up) {
    interfaceSuspend(netif)
    return Errno.None
  }
  const result: i32 = interfaceResume(netif)
  acdLinkUp(netif)
  dhcpLinkUp(netif)
  return result
}

/** Hand up frames for other hosts too; the card lets them in. */
export function interfaceSetPromiscuous(netif: NetInterface, on: boolean): void {
  netif.promiscuous = on
  cardChanged(netif.nic)
}

/** The largest IPv4 packet to send in one frame. Errors: InvalidArgument (below 68, or more than the card takes). */
export function interfaceSetMtu(netif: NetInterface, mtu: u32): i32 {
  if (mtu < SMALLEST_MTU || mtu > netif.nic.mtu) return Errno.InvalidArgument
  netif.mtu = mtu
  routesChanged() // paths remember it
  return Errno.None
}

/**
 * Another link address for a card, and for its VLANs; neighbours are told. Errors: InvalidArgument (a group, or
 * zero), NotSupported (a VLAN, `lo`, a card that can not).
 */
export function interfaceSetMac(netif: NetInterface, mac: ptr): i32 {
  if (macIsGroup(mac) || macIsZero(mac)) return Errno.InvalidArgument
  const nic = netif.nic
  if (netif.vlanId != 0 || nic.setAddress == null) return Errno.NotSupported
  const result: i32 = nic.setAddress(nic, mac)
  if (result != Errno.None) return result
  let each: NetInterface | null = interfaceFirst()
  while (each != null) {
    if (each.nic == nic) takeMac(each, mac)
    each = each.next
  }
  return Errno.None
}

function takeMac(netif: NetInterface, mac: ptr): void {
  macCopy(netif.mac, mac)
  if (!netif.up) return
  for (let i: u32 = 0; i < netif.addressCount; i++) arpAnnounce(netif, interfaceAddressAt(netif, i).address)
}

/**
 * What went through an interface, as of now. The card of an interface counts what it could not hand up: that is the
 * card's own interface's.
 */
export function interfaceStatistics(netif: NetInterface, out: InterfaceStatistics): void {
  copyBytes(address(out), address(netif.stats), sizeof<InterfaceStatistics>())
  if (netif.parent != null) return
  increase64(out.receiveErrors, netif.nic.receiveErrors)
  increase64(out.dropped, netif.nic.receiveDropped)
}

/** Start counting from nothing; the card's counters too, unless `netif` is a VLAN. */
export function interfaceStatisticsReset(netif: NetInterface): void {
  zeroBytes(address(netif.stats), sizeof<InterfaceStatistics>())
  if (netif.parent != null) return
  const nic = netif.nic
  nic.receivedFrames = 0
  nic.receivedBytes = 0
  nic.receiveErrors = 0
  nic.receiveDropped = 0
  nic.transmittedFrames = 0
  nic.transmittedBytes = 0
  nic.transmitErrors = 0
  nic.transmitDropped = 0
}
