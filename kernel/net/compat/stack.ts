// RustOS's NetworkStack (`net/mod.rs`): interfaces, routes, neighbours, sockets and frames by name and number. There is
// one stack, so its methods are static, and `network_stack()` is this class. Main-loop context only.

import { add64, copy64, store32 } from '../../lib/intrinsics.ts'
import { zeroBytes } from '../../lib/memory.ts'
import {
  address, nth, plus, sizeof, staticStruct, struct, type Bytes, type cstring, type i32, type ptr, type u32,
} from '../../lib/layout.ts'
import { Errno } from '../../lib/errno.ts'
import { nicNamed } from '../../drivers/net/veth.ts'
import { arpEntryCount } from '../arp/cache.ts'
import { arpUpdate } from '../arp/learn.ts'
import { interfaceAddAddress, interfaceUp } from '../configure.ts'
import { interfaceRemove, interfaceSetUp } from '../device.ts'
import { interfaceInput } from '../ethernet/input.ts'
import { interfaceCount, interfaceCreate, interfaceFirst, interfaceNamed, type NetInterface } from '../interface.ts'
import { routeCount } from '../ipv4/route.ts'
import type { SocketType } from '../socket/socket.ts'
import { socketCounters } from '../socket/table.ts'
import { dropTotal } from '../stats.ts'
import type { NetworkAddress } from './address.ts'
import { ArpTable, arpInterfaceFor, sendArpRequest } from './arp.ts'
import { NetworkError, networkErrorOf, type NetworkResult } from './error.ts'
import { frameReceive, frameSend } from './frame.ts'
import { InterfaceStats, interfaceCopy, interfaceStats, type NetworkInterface } from './interface.ts'
import type { PacketBuffer } from './packet-buffer.ts'
import { addRoute, addRouteValidated, findRoute, type RouteEntry } from './route.ts'
import { closeSocket, createSocket } from './socket-manager.ts'
import { socketById, type Socket } from './socket.ts'

/** RustOS knows no netmasks: an address given without one is in a /24, as its own comparisons have it. */
const PREFIX_WITHOUT_MASK: u32 = 24

@struct
export class NetworkStats {
  interfaces: u32
  sockets: u32
  routes: u32
  arpEntries: u32
  totalRxPackets: Bytes<8>
  totalRxBytes: Bytes<8>
  totalTxPackets: Bytes<8>
  totalTxBytes: Bytes<8>
  packetsSent: Bytes<8> // these four repeat the totals
  packetsReceived: Bytes<8>
  bytesSent: Bytes<8>
  bytesReceived: Bytes<8>
  sendErrors: Bytes<8>
  receiveErrors: Bytes<8>
  droppedPackets: Bytes<8> // given up anywhere in the stack, for a reason of stats.ts
}

const each64 = staticStruct<InterfaceStats>()

@struct
export class NetworkStack {
  unused: u32 // its state is the stack's

  /**
   * An interface on the device of its name, with its MTU, addresses and flags. Errors: AddressInUse (there is one),
   * InvalidAddress (no such device, an address no host can have), InsufficientMemory (INTERFACE_LIMIT).
   */
  static addInterface(wanted: NetworkInterface): NetworkResult {
    const name = wanted.name as cstring
    if (interfaceNamed(name) != null) return NetworkError.AddressInUse
    const nic = nicNamed(name)
    if (nic == null) return NetworkError.InvalidAddress
    const netif = interfaceCreate(nic)
    if (netif == null) return NetworkError.InsufficientMemory
    nic.received = interfaceInput
    if (wanted.mtu < netif.mtu) netif.mtu = wanted.mtu
    if (wanted.flags.up) interfaceUp(netif)
    for (let i: u32 = 0; i < wanted.addressCount; i++) {
      const result = addTo(netif, nth(wanted.ipAddresses, i), PREFIX_WITHOUT_MASK)
      if (result != NetworkError.None) return result
    }
    return NetworkError.None
  }

  /** Take an interface away. Errors: InvalidAddress (not there), NotSupported (a card's, and lo: they can only be down). */
  static removeInterface(name: cstring): NetworkResult {
    const netif = interfaceNamed(name)
    return netif == null ? NetworkError.InvalidAddress : networkErrorOf(interfaceRemove(netif))
  }

  /** A copy at `out`; false when there is none of this name. */
  static getInterface(name: cstring, out: NetworkInterface): boolean {
    const netif = interfaceNamed(name)
    if (netif == null) return false
    interfaceCopy(netif, out)
    return true
  }

  /** Copies of the first `room`, in the order they were made, at `out`; returns how many there are. */
  static listInterfaces(out: NetworkInterface, room: u32): u32 {
    let count: u32 = 0
    let each: NetInterface | null = interfaceFirst()
    while (each != null) {
      if (count < room) interfaceCopy(each, nth(out, count))
      count += 1
      each = each.next
    }
    return count
  }

  /** Up or down, with everything it has. Errors: InvalidAddress (not there). */
  static setInterfaceState(name: cstring, up: boolean): NetworkResult {
    const netif = interfaceNamed(name)
    return netif == null ? NetworkError.InvalidAddress : networkErrorOf(interfaceSetUp(netif, up))
  }

  /**
   * Add an address in a /24; one it has already is no error. Errors: InvalidAddress (no such interface, no host's
   * address), InsufficientMemory.
   */
  static addIpAddress(name: cstring, a: NetworkAddress): NetworkResult {
    return NetworkStack.addIpAddressWithPrefix(name, a, PREFIX_WITHOUT_MASK)
  }

  /** The same with its real prefix. */
  static addIpAddressWithPrefix(name: cstring, a: NetworkAddress, prefixLength: u32): NetworkResult {
    const netif = interfaceNamed(name)
    return netif == null ? NetworkError.InvalidAddress : addTo(netif, a, prefixLength)
  }

  static addRoute(route: RouteEntry): NetworkResult { return addRoute(route) }
  static addRouteValidated(route: RouteEntry): NetworkResult { return addRouteValidated(route) }
  static findRoute(to: NetworkAddress, out: RouteEntry): boolean { return findRoute(to, out) }

  /** A neighbour has this link address: on the interface of its route. Of kinds that make no sense nothing is learned. */
  static updateArp(ip: NetworkAddress, mac: NetworkAddress): void {
    const netif = arpInterfaceFor(ip)
    if (netif != null && ip.isIpv4 && mac.isMac) arpUpdate(netif, ip.asIpv4, mac.octets)
  }

  /** A neighbour's link address at `out`; while it is not known, false, and it is asked for. */
  static lookupArp(ip: NetworkAddress, out: NetworkAddress): boolean {
    if (ArpTable.lookup(ip, out)) return true
    if (ip.isIpv4) sendArpRequest(ip) // its error is nobody's: the answer is "not known"
    return false
  }

  /** Ask who has an address. Errors: NoRoute (no interface is up), InvalidAddress (it has no address), NotSupported. */
  static sendArpRequest(ip: NetworkAddress): NetworkResult { return sendArpRequest(ip) }

  static createSocket(type: SocketType, protocol: u32): NetworkResult { return createSocket(type, protocol) }
  static closeSocket(id: u32): NetworkResult { return closeSocket(id) }
  /** The live socket, not a copy; null for none. */
  static getSocket(id: u32): Socket | null { return socketById(id) }

  /** Receive a frame by an interface. Errors: InvalidAddress (not there), NetworkUnreachable (down), and those of frameReceive. */
  static processPacket(name: cstring, frame: PacketBuffer): NetworkResult {
    const netif = interfaceNamed(name)
    if (netif == null) return NetworkError.InvalidAddress
    if (!netif.up) return NetworkError.NetworkUnreachable
    return frameReceive(netif, frame)
  }

  /**
   * Send a frame by an interface. Errors, in this order: InvalidAddress (not there), NetworkUnreachable (down),
   * InvalidPacket (empty), BufferOverflow (over the MTU and 14 bytes of header), and those of frameSend.
   */
  static sendPacket(name: cstring, frame: PacketBuffer): NetworkResult {
    const netif = interfaceNamed(name)
    if (netif == null) return NetworkError.InvalidAddress
    if (!netif.up) return NetworkError.NetworkUnreachable
    return frameSend(netif, frame)
  }

  static getStats(out: NetworkStats): void { fillStats(out) }
}

function addTo(netif: NetInterface, a: NetworkAddress, prefixLength: u32): NetworkResult {
  if (!a.isIpv4) return NetworkError.InvalidAddress
  const result: i32 = interfaceAddAddress(netif, a.asIpv4, prefixLength)
  if (result == Errno.Exists) return NetworkError.None
  return result == Errno.InvalidArgument ? NetworkError.InvalidAddress : networkErrorOf(result)
}

function fillStats(out: NetworkStats): void {
  zeroBytes(address(out), sizeof<NetworkStats>())
  out.interfaces = interfaceCount()
  out.sockets = socketCounters.open
  out.routes = routeCount()
  out.arpEntries = arpEntryCount()
  let each: NetInterface | null = interfaceFirst()
  while (each != null) {
    interfaceStats(each, each64)
    addTo64(out.totalRxPackets, each64.rxPackets)
    addTo64(out.totalRxBytes, each64.rxBytes)
    addTo64(out.totalTxPackets, each64.txPackets)
    addTo64(out.totalTxBytes, each64.txBytes)
    addTo64(out.sendErrors, each64.txErrors)
    addTo64(out.receiveErrors, each64.rxErrors)
    each = each.next
  }
  copy64(out.packetsSent, 0, out.totalTxPackets, 0)
  copy64(out.packetsReceived, 0, out.totalRxPackets, 0)
  copy64(out.bytesSent, 0, out.totalTxBytes, 0)
  copy64(out.bytesReceived, 0, out.totalRxBytes, 0)
  store32(out.droppedPackets, 0, dropTotal())
}

function addTo64(sum: ptr, more: ptr): void {
  add64(sum, sum, more)
}

/** RustOS's tuple, four u64 at `out`: packets received, packets sent, bytes received, bytes sent, of all interfaces. */
export function getInterfaceStats(out: ptr): void {
  zeroBytes(out, 32)
  let each: NetInterface | null = interfaceFirst()
  while (each != null) {
    interfaceStats(each, each64)
    addTo64(out, each64.rxPackets)
    addTo64(plus(out, 8), each64.txPackets)
    addTo64(plus(out, 16), each64.rxBytes)
    addTo64(plus(out, 24), each64.txBytes)
    each = each.next
  }
}
