// RustOS's face of the stack as its tests call it: the stack on fake cards and with memory for sockets (net-sockets.ts),
// addresses by the number of a slot, structs by address, names as zero-terminated text.

import { load32, store32 } from '../../kernel/lib/intrinsics.ts'
import {
  address, nth, plus, staticMemory, staticRow, staticStruct, type cstring, type i32, type ptr, type u32,
} from '../../kernel/lib/layout.ts'
import { nicFirst } from '../../kernel/drivers/net/nic.ts'
import { arpPolicyDefault, ArpConfig } from '../../kernel/net/arp/policy.ts'
import { ArpStatistics } from '../../kernel/net/arp/statistics.ts'
import { SocketMessage, type SocketOption, type SocketType } from '../../kernel/net/socket/socket.ts'
import { NetworkAddress } from '../../kernel/net/compat/address.ts'
import { ArpEntry, ArpTable, sendArpRequestBy } from '../../kernel/net/compat/arp.ts'
import {
  DeviceCapabilities, DeviceInfo, DeviceManager, DeviceStats, deviceCapabilities, getAllDeviceStats,
} from '../../kernel/net/compat/device.ts'
import type { NetworkResult } from '../../kernel/net/compat/error.ts'
import { IcmpManager, pingSend, pingStart } from '../../kernel/net/compat/icmp.ts'
import { InterfaceStats, NetworkInterface } from '../../kernel/net/compat/interface.ts'
import { sendIpv4Packet } from '../../kernel/net/compat/ip.ts'
import { PacketBuffer } from '../../kernel/net/compat/packet-buffer.ts'
import { RouteEntry } from '../../kernel/net/compat/route.ts'
import { SocketAddress } from '../../kernel/net/compat/socket-address.ts'
import { SocketManager, withSocket } from '../../kernel/net/compat/socket-manager.ts'
import type { Socket } from '../../kernel/net/compat/socket.ts'
import { NetworkStack, NetworkStats, getInterfaceStats } from '../../kernel/net/compat/stack.ts'
import { UdpGlobalStats, UdpManager } from '../../kernel/net/compat/udp-manager.ts'
import {
  sendUdpPacket, udpBind, udpBindWithOptions, udpClose, udpConnect, udpHasData, udpJoinMulticast, udpLeaveMulticast,
  udpRecv, udpSend, udpSendTo, udpSetBroadcast, udpSocket,
} from '../../kernel/net/compat/udp.ts'
import type { UdpSocketOption } from '../../kernel/net/compat/udp-socket.ts'

export { errorName } from '../../kernel/net/compat/error.ts'
export { createVethPair } from '../../kernel/net/compat/device.ts'

const addresses = staticRow<NetworkAddress>(8)
const end = staticStruct<SocketAddress>()
const ends = staticRow<SocketAddress>(8)
const buffer = staticStruct<PacketBuffer>()
const copy = staticRow<NetworkInterface>(8)
const route = staticStruct<RouteEntry>()
const totals = staticStruct<NetworkStats>()
const tuple = staticMemory(32, 8)

// --- Addresses. -------------------------------------------------------------------------------------------
function a(index: u32): NetworkAddress { return nth(addresses, index) }
export function ipSlot(index: u32, number: u32): void { a(index).setIpv4(number) }
export function macSlot(index: u32, from: ptr): void { a(index).mac(from) }
export function slotOctets(index: u32): ptr { return a(index).octets }

// --- Interfaces. ------------------------------------------------------------------------------------------
export function hasInterface(name: cstring): boolean { return NetworkStack.getInterface(name, copy) }
export function listInterfaces(room: u32): u32 { return NetworkStack.listInterfaces(copy, room) }
export function interfaceName(index: u32): ptr { return nth(copy, index).name }
export function interfaceMac(index: u32): ptr { return nth(copy, index).macAddress.octets }
export function interfaceIp(index: u32, which: u32): u32 { return nth(nth(copy, index).ipAddresses, which).asIpv4 }
export function interfaceField(index: u32, field: u32): u32 {
  const each = nth(copy, index)
  switch (field) {
    case 0: return each.addressCount
    case 1: return each.mtu
    case 2: return each.flags.up ? 1 : 0
    case 3: return each.flags.broadcast ? 1 : 0
    case 4: return each.flags.loopback ? 1 : 0
    case 5: return each.flags.multicast ? 1 : 0
    case 6: return each.flags.pointToPoint ? 1 : 0
    case 7: return load32(each.stats.rxPackets, 0)
    case 8: return load32(each.stats.rxBytes, 0)
    case 9: return load32(each.stats.txPackets, 0)
    case 10: return load32(each.stats.txBytes, 0)
    case 11: return load32(each.stats.txErrors, 0)
    default: return load32(each.stats.dropped, 0)
  }
}
/** What createInterface says of a device; then added to the stack with one address and a state. */
export function addInterface(name: cstring, ip: u32, up: boolean): i32 {
  if (!DeviceManager.createInterface(name, copy)) {
    NetworkStack.getInterface(name, copy) // none: the name is all that counts
    for (let i: u32 = 0; i < 11; i++) store32(plus(copy.name, i), 0, load32(name as ptr, i))
  }
  copy.flags.up = up
  copy.addressCount = ip != 0 ? 1 : 0
  copy.ipAddresses.setIpv4(ip)
  return NetworkStack.addInterface(copy)
}
export function compatRemoveInterface(name: cstring): i32 { return NetworkStack.removeInterface(name) }
export function setInterfaceState(name: cstring, up: boolean): i32 { return NetworkStack.setInterfaceState(name, up) }
export function addIpAddress(name: cstring, index: u32): i32 { return NetworkStack.addIpAddress(name, a(index)) }
export function addIpAddressWithPrefix(name: cstring, index: u32, length: u32): i32 {
  return NetworkStack.addIpAddressWithPrefix(name, a(index), length)
}

// --- Routes. ----------------------------------------------------------------------------------------------
function fillRoute(destination: u32, netmask: u32, gateway: u32, name: cstring, metric: u32): void {
  route.destination.set(a(destination))
  route.netmask.set(a(netmask))
  route.hasGateway = gateway != 0xffffffff
  if (route.hasGateway) route.gateway.set(a(gateway))
  for (let i: u32 = 0; i < 9; i++) store32(plus(route.interface, i), 0, load32(name as ptr, i))
  route.metric = metric
}
export function compatAddRoute(destination: u32, netmask: u32, gateway: u32, name: cstring, metric: u32): i32 {
  fillRoute(destination, netmask, gateway, name, metric)
  return NetworkStack.addRoute(route)
}
export function compatAddRouteValidated(destination: u32, netmask: u32, gateway: u32, name: cstring, metric: u32): i32 {
  fillRoute(destination, netmask, gateway, name, metric)
  return NetworkStack.addRouteValidated(route)
}
export function findRoute(index: u32): boolean { return NetworkStack.findRoute(a(index), route) }
export function foundName(): ptr { return route.interface }
export function foundField(field: u32): u32 {
  switch (field) {
    case 0: return route.destination.asIpv4
    case 1: return route.netmask.asIpv4
    case 2: return route.hasGateway ? route.gateway.asIpv4 : 0
    default: return route.metric
  }
}

// --- Neighbours. ------------------------------------------------------------------------------------------
const entries = staticRow<ArpEntry>(4)
const arpStats = staticStruct<ArpStatistics>()
const arpConfig = staticStruct<ArpConfig>()
export function updateArp(ip: u32, mac: u32): void { NetworkStack.updateArp(a(ip), a(mac)) }
export function lookupArp(ip: u32, out: u32): boolean { return NetworkStack.lookupArp(a(ip), a(out)) }
export function askArp(ip: u32): i32 { return NetworkStack.sendArpRequest(a(ip)) }
export function askArpBy(ip: u32, name: cstring): i32 { return sendArpRequestBy(a(ip), name) }
export function arpTableUpdate(ip: u32, mac: u32, name: cstring): i32 { return ArpTable.updateEntry(a(ip), a(mac), name) }
export function arpTableLookup(ip: u32, out: u32): boolean { return ArpTable.lookup(a(ip), a(out)) }
export function arpTableStatic(ip: u32, mac: u32, name: cstring): i32 { return ArpTable.addStaticEntry(a(ip), a(mac), name) }
export function arpTableRemove(ip: u32): i32 { return ArpTable.removeEntry(a(ip)) }
export function arpTableClear(): void { ArpTable.clearDynamicEntries() }
export function arpTableAnnounced(ip: u32, mac: u32, name: cstring): i32 { return ArpTable.handleGratuitousArp(a(ip), a(mac), name) }
export function arpTablePolicy(security: boolean, gratuitous: boolean, limit: u32): i32 {
  arpPolicyDefault(arpConfig)
  arpConfig.security = security
  arpConfig.allowGratuitous = gratuitous
  arpConfig.maxEntries = limit
  return ArpTable.withConfig(arpConfig)
}
export function arpTableAll(room: u32): u32 { return ArpTable.getAllEntries(entries, room) }
export function arpTableName(index: u32): ptr { return nth(entries, index).interface }
export function arpTableField(index: u32, field: u32): u32 {
  const entry = nth(entries, index)
  switch (field) {
    case 0: return entry.ipAddress.asIpv4
    case 1: return entry.hasMac ? 1 : 0
    case 2: return entry.state
    case 3: return entry.isStatic ? 1 : 0
    case 4: return entry.trusted ? 1 : 0
    case 5: return entry.suspicious ? 1 : 0
    case 6: return entry.requestCount
    case 7: return entry.created
    default: return entry.updated
  }
}
/** ArpTableStats, field by field. */
export function arpTableStat(field: u32): u32 {
  ArpTable.getStats(arpStats)
  return load32(address(arpStats), field * 4)
}

// --- Frames. ----------------------------------------------------------------------------------------------
export function compatSendFrame(name: cstring, from: ptr, length: u32): i32 {
  buffer.fromData(from, length)
  return NetworkStack.sendPacket(name, buffer)
}
export function processFrame(name: cstring, from: ptr, length: u32): i32 {
  buffer.fromData(from, length)
  return NetworkStack.processPacket(name, buffer)
}
export function compatDeviceSend(name: cstring, from: ptr, length: u32): i32 {
  buffer.fromData(from, length)
  return DeviceManager.sendPacket(name, buffer)
}
export function deviceReceive(name: cstring, to: ptr, room: u32): i32 {
  buffer.fromData(to, room)
  return DeviceManager.recvPacket(name, buffer)
}
export function compatSendIpv4(source: u32, destination: u32, protocol: u32, from: ptr, length: u32): i32 {
  return sendIpv4Packet(a(source), a(destination), protocol, from, length)
}

// --- Devices. ---------------------------------------------------------------------------------------------
const info = staticStruct<DeviceInfo>()
const capabilities = staticStruct<DeviceCapabilities>()
const deviceStats = staticRow<DeviceStats>(8)
const stats = staticStruct<InterfaceStats>()
export function registerSame(name: cstring): i32 { return DeviceManager.registerDevice(nicFirst()!, name) }
export function unregisterDevice(name: cstring): i32 { return DeviceManager.unregisterDevice(name) }
export function deviceThere(name: cstring): boolean { return DeviceManager.getDevice(name) != null }
export function deviceName(index: u32): ptr {
  const nic = DeviceManager.deviceAt(index)
  return nic != null ? nic.name : 0 as ptr
}
export function deviceInfo(name: cstring): boolean { return DeviceManager.getDeviceInfo(name, info) }
export function deviceDriver(): cstring { return info.driver }
export function deviceSpeed(): u32 { return info.linkSpeed }
export function deviceState(name: cstring, up: boolean): i32 { return DeviceManager.setDeviceState(name, up) }
export function deviceMtu(name: cstring, mtu: u32): i32 { return DeviceManager.setDeviceMtu(name, mtu) }
export function deviceReset(name: cstring): i32 { return DeviceManager.resetStats(name) }
export function deviceCounts(name: cstring): boolean { return DeviceManager.getDeviceStats(name, stats) }
export function devicesPoll(): u32 { return DeviceManager.pollDevices() }
export function deviceAll(room: u32): u32 { return getAllDeviceStats(deviceStats, room) }
export function deviceType(index: u32): u32 { return nth(deviceStats, index).deviceType }
export function deviceMac(index: u32): ptr { return nth(deviceStats, index).macAddress.octets }
export function deviceCan(name: cstring, field: u32): u32 {
  const nic = DeviceManager.getDevice(name)
  if (nic == null) return 0
  deviceCapabilities(nic, capabilities)
  switch (field) {
    case 0: return capabilities.maxMtu
    case 1: return capabilities.minMtu
    case 2: return capabilities.supportsJumboFrames ? 1 : 0
    default: return capabilities.supportsChecksumOffload ? 1 : 0
  }
}

// --- Totals. ----------------------------------------------------------------------------------------------
export function total(field: u32): u32 {
  NetworkStack.getStats(totals)
  return field < 4 ? load32(address(totals), field * 4) : load32(address(totals), 16 + (field - 4) * 8)
}
export function interfaceTotal(field: u32): u32 {
  getInterfaceStats(tuple)
  return load32(tuple, field * 8)
}

// --- Sockets. ---------------------------------------------------------------------------------------------
export function createSocket(type: SocketType, protocol: u32): i32 { return NetworkStack.createSocket(type, protocol) }
export function closeSocket(id: u32): i32 { return NetworkStack.closeSocket(id) }
export function managerSocket(kind: u32, protocol: u32): i32 {
  if (kind == 0) return SocketManager.tcpSocket()
  return kind == 1 ? SocketManager.udpSocket() : SocketManager.rawSocket(protocol)
}
export function managerClose(id: u32): i32 { return SocketManager.closeSocket(id) }
function s(id: u32): Socket { return NetworkStack.getSocket(id)! }
export function socketThere(id: u32): boolean { return NetworkStack.getSocket(id) != null }
export function sBind(id: u32, index: u32, port: u32): i32 { end.init(a(index), port); return s(id).bind(end) }
export function sListen(id: u32, backlog: u32): i32 { return s(id).listen(backlog) }
export function sConnect(id: u32, index: u32, port: u32): i32 { end.init(a(index), port); return s(id).connect(end) }
export function sAccept(id: u32): i32 { return s(id).accept() }
export function sSend(id: u32, data: ptr, length: u32): i32 { return s(id).send(data, length) }
export function sRecv(id: u32, to: ptr, room: u32): i32 { return s(id).recv(to, room) }
export function sSendTo(id: u32, data: ptr, length: u32, index: u32, port: u32): i32 {
  end.init(a(index), port)
  return s(id).sendTo(data, length, end)
}
export function sRecvFrom(id: u32, to: ptr, room: u32): i32 { return s(id).recvFrom(to, room, end) }
export function sClose(id: u32): i32 { return s(id).close() }
export function sSet(id: u32, option: SocketOption, value: u32): i32 { return s(id).setOption(option, value) }
export function sGet(id: u32, option: SocketOption): i32 { return s(id).getOption(option) }
export function sField(id: u32, field: u32): u32 {
  const socket = s(id)
  switch (field) {
    case 0: return socket.state
    case 1: return socket.socketType
    case 2: return socket.protocol
    case 3: return socket.hasData() ? 1 : 0
    case 4: return socket.canSend() ? 1 : 0
    case 5: return socket.availableBytes()
    case 6: return socket.localAddress(end) ? 1 : 0
    case 7: return socket.remoteAddress(end) ? 1 : 0
    case 8: return load32(socket.stats.bytesSent, 0)
    case 9: return load32(socket.stats.packetsSent, 0)
    case 10: return load32(socket.stats.bytesReceived, 0)
    case 11: return load32(socket.stats.packetsReceived, 0)
    default: return load32(socket.stats.sendErrors, 0)
  }
}
export function endIp(): u32 { return end.address.asIpv4 }
export function endPort(): u32 { return end.port }
function double(socket: Socket, argument: u32): NetworkResult { return (socket.id + argument) as number as i32 }
export function withIt(id: u32, argument: u32): i32 { return withSocket(id, double, argument) }

// --- UDP by address and port. -----------------------------------------------------------------------------
const about = staticStruct<SocketMessage>()
const global = staticStruct<UdpGlobalStats>()
export function uBind(index: u32, port: u32): i32 { return udpBind(a(index), port) }
export function uBindWith(index: u32, port: u32, addr: boolean, both: boolean): i32 {
  return udpBindWithOptions(a(index), port, addr, both)
}
export function uSocket(): i32 { return udpSocket(end) }
export function uConnect(index: u32, port: u32, to: u32, toPort: u32): i32 { return udpConnect(a(index), port, a(to), toPort) }
export function uSend(index: u32, port: u32, data: ptr, length: u32): i32 { return udpSend(a(index), port, data, length) }
export function uSendTo(index: u32, port: u32, to: u32, toPort: u32, data: ptr, length: u32): i32 {
  return udpSendTo(a(index), port, a(to), toPort, data, length)
}
export function uRecv(index: u32, port: u32, to: ptr, room: u32): i32 { return udpRecv(a(index), port, to, room, end) }
export function uHas(index: u32, port: u32): boolean { return udpHasData(a(index), port) }
export function uClose(index: u32, port: u32): i32 { return udpClose(a(index), port) }
export function uBroadcast(index: u32, port: u32, on: boolean): i32 { return udpSetBroadcast(a(index), port, on) }
export function uJoin(index: u32, port: u32, group: u32): i32 { return udpJoinMulticast(a(index), port, a(group)) }
export function uLeave(index: u32, port: u32, group: u32): i32 { return udpLeaveMulticast(a(index), port, a(group)) }
export function uPacket(from: u32, fromPort: u32, to: u32, toPort: u32, data: ptr, length: u32): i32 {
  return sendUdpPacket(a(from), fromPort, a(to), toPort, data, length)
}
export function uSet(index: u32, port: u32, option: UdpSocketOption, value: u32): i32 {
  return UdpManager.getSocket(a(index), port)!.setOption(option, value)
}
export function uGet(index: u32, port: u32, option: UdpSocketOption): i32 {
  return UdpManager.getSocket(a(index), port)!.getOption(option)
}
export function uDisconnect(index: u32, port: u32): void { UdpManager.getSocket(a(index), port)!.disconnect() }
export function uJoinOf(index: u32, port: u32, group: u32): i32 { return UdpManager.getSocket(a(index), port)!.joinMulticast(a(group)) }
export function uDatagram(index: u32, port: u32, to: ptr, room: u32): i32 {
  return UdpManager.getSocket(a(index), port)!.getDatagram(to, room, about)
}
export function aboutField(field: u32): u32 { return field == 0 ? about.address : about.port }
export function uThere(index: u32, port: u32): boolean { return UdpManager.getSocket(a(index), port) != null }
export function uDropped(index: u32, port: u32): u32 {
  return load32(UdpManager.getSocket(a(index), port)!.getStats().dropped, 0)
}
export function uReceivers(index: u32, port: u32): u32 { return UdpManager.findReceivingSockets(a(index), port, ends, 8) }
export function uReceiver(index: u32): u32 { return nth(ends, index).address.asIpv4 }
export function uRouted(to: u32, port: u32, from: u32, fromPort: u32): u32 {
  const found = UdpManager.routePacketAdvanced(a(to), port, a(from), fromPort)
  return found != null ? found.handle : 0
}
export function uCleanup(timeout: u32): u32 { return UdpManager.cleanupIdleSockets(timeout) }
export function uAllocate(): u32 { return UdpManager.allocatePort() }
export function uGlobal(field: u32): u32 {
  UdpManager.getGlobalStats(global)
  if (field < 2) return load32(address(global), field * 4)
  return field < 6 ? load32(address(global), 8 + (field - 2) * 8) : load32(address(global), 40 + (field - 6) * 4)
}

// --- Pings. -----------------------------------------------------------------------------------------------
export function startPing(index: u32): i32 { return pingStart(a(index)) }
export function sendPing(id: u32, data: ptr, length: u32): i32 { return pingSend(id, data, length) }
export function pingCount(id: u32): i32 { return IcmpManager.getPingResults(id) }
export function pingIsOpen(id: u32): boolean { return IcmpManager.isOpen(id) }
export function closePing(id: u32): i32 { return IcmpManager.closePing(id) }
export function pingField(id: u32, index: u32, field: u32): u32 {
  const reply = IcmpManager.getPingReply(id, index)
  if (reply == null) return 0xffffffff
  if (field == 0) return reply.sequence
  return field == 1 ? reply.roundTrip : reply.length
}
export function pingData(id: u32, index: u32): ptr { return IcmpManager.getPingReply(id, index)!.data }
export function neighbourMac(index: u32): ptr {
  const entry = IcmpManager.lookupNeighbor(a(index))
  return entry != null ? entry.mac : 0 as ptr
}
