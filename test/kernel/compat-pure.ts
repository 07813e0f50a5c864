// The parts of RustOS's face that are bytes and nothing else, as their tests call them: structs by address.

import {
  address, at, nth, staticMemory, staticRow, staticStruct, type cstring, type i32, type ptr, type u32,
} from '../../kernel/lib/layout.ts'
import { TextWriter, writerInit, writeChar } from '../../kernel/lib/print.ts'
import { NetworkAddress, leadingOnes } from '../../kernel/net/compat/address.ts'
import { PacketBuffer } from '../../kernel/net/compat/packet-buffer.ts'
import { createArpReply, createArpRequest, createFrame, EthernetHeader, serializeEthernet } from '../../kernel/net/compat/ethernet.ts'
import { IPv4Header, IPv6Header } from '../../kernel/net/compat/ip-header.ts'
import { IcmpHeader, PingData } from '../../kernel/net/compat/icmp-header.ts'
import { UdpHeader } from '../../kernel/net/compat/udp-header.ts'
import { SocketAddress } from '../../kernel/net/compat/socket-address.ts'

export { errorName, networkErrorOf } from '../../kernel/net/compat/error.ts'
export { protocolFrom } from '../../kernel/net/compat/address.ts'
export { etherTypeFrom } from '../../kernel/net/compat/ethernet.ts'

const writer = staticStruct<TextWriter>()
const text = staticMemory(64)
const addresses = staticRow<NetworkAddress>(8)
const buffer = staticStruct<PacketBuffer>()
const memory = staticMemory(4096)
const ping = staticStruct<PingData>()
const socketAddress = staticStruct<SocketAddress>()

export function slot(index: u32): ptr { return address(nth(addresses, index)) }
function a(index: u32): NetworkAddress { return nth(addresses, index) }
export function setIpv4(index: u32, w: u32, x: u32, y: u32, z: u32): void { a(index).ipv4(w, x, y, z) }
export function setIpv6(index: u32, from: ptr): void { a(index).ipv6(from) }
export function setMac(index: u32, from: ptr): void { a(index).mac(from) }
export function isBroadcast(index: u32): boolean { return a(index).isBroadcast() }
export function isMulticast(index: u32): boolean { return a(index).isMulticast() }
export function equals(one: u32, other: u32): boolean { return a(one).equals(a(other)) }
export function compare(one: u32, other: u32): i32 { return a(one).compare(a(other)) }
export function ones(index: u32): u32 { return leadingOnes(a(index)) }
export function shown(index: u32): cstring {
  writerInit(writer, text, 64)
  a(index).write(writer)
  writeChar(writer, 0)
  return text as cstring
}

export function socketAddressNew(index: u32, port: u32): void { socketAddress.init(a(index), port) }
export function socketAddressIpv6(from: ptr, port: u32): void { socketAddress.ipv6(from, port) }
export function socketAddressIpv4(w: u32, x: u32, y: u32, z: u32, port: u32): void { socketAddress.ipv4(w, x, y, z, port) }
export function socketAddressValid(): boolean { return socketAddress.isValid() }
export function socketAddressShown(): cstring {
  writerInit(writer, text, 64)
  socketAddress.write(writer)
  writeChar(writer, 0)
  return text as cstring
}

export function bufferNew(capacity: u32): void { buffer.init(memory, capacity) }
export function bufferFrom(from: ptr, length: u32): void { buffer.fromData(from, length) }
export function bufferWrite(from: ptr, length: u32): i32 { return buffer.write(from, length) }
export function bufferRead(length: u32): ptr { return buffer.read(length) }
export function bufferReset(): void { buffer.reset() }
export function bufferAt(position: u32): void { buffer.position = position }
export function bufferSlice(): ptr { return buffer.asSlice() }
export function bufferField(field: u32): u32 {
  if (field == 0) return buffer.position
  if (field == 1) return buffer.length
  return field == 2 ? buffer.remaining() : buffer.capacity
}

export function frame(source: u32, destination: u32, type: u32, from: ptr, length: u32): i32 {
  return createFrame(a(source), a(destination), type, from, length, buffer)
}
export function arpRequest(mac: u32, ip: u32, target: u32): i32 { return createArpRequest(a(mac), a(ip), a(target), buffer) }
export function arpReply(mac: u32, ip: u32, toMac: u32, toIp: u32): i32 {
  return createArpReply(a(mac), a(ip), a(toMac), a(toIp), buffer)
}
export function serializeLink(destination: u32, source: u32, type: u32): i32 {
  return serializeEthernet(a(destination), a(source), type, buffer)
}

/** 0 Ethernet, 1 IPv4, 2 IPv6, 3 UDP, 4 ICMP: where the header is, or the error. */
export function parse(what: u32): ptr {
  switch (what) {
    case 0: return EthernetHeader.parse(buffer)
    case 1: return IPv4Header.parse(buffer)
    case 2: return IPv6Header.parse(buffer)
    case 3: return UdpHeader.parse(buffer)
    default: return IcmpHeader.parse(buffer)
  }
}
export function etherType(header: ptr): u32 { return at<EthernetHeader>(header).etherType }
export function ipv4Checksum(header: ptr): u32 { return at<IPv4Header>(header).calculateChecksum() }
export function ipv4Fragmented(header: ptr): boolean { return at<IPv4Header>(header).isFragmented() }
export function ipv4Options(header: ptr): u32 { return at<IPv4Header>(header).optionsLength }
export function udpField(header: ptr, field: u32): u32 {
  const udp = at<UdpHeader>(header)
  if (field == 0) return udp.sourcePort
  if (field == 1) return udp.destPort
  return field == 2 ? udp.length : udp.checksum
}
export function udpChecksum(header: ptr, source: u32, destination: u32, payload: ptr, length: u32): u32 {
  return at<UdpHeader>(header).calculateChecksum(a(source), a(destination), payload, length)
}
export function udpSerialize(header: ptr): i32 { return at<UdpHeader>(header).serialize(buffer) }
export function icmpChecksum(header: ptr, payload: ptr, length: u32): u32 {
  return at<IcmpHeader>(header).calculateChecksum(payload, length)
}
export function icmpSerialize(header: ptr): i32 { return at<IcmpHeader>(header).serialize(buffer) }
export function pingRest(identifier: u32, sequence: u32, rest: ptr): void {
  ping.init(identifier, sequence, 0 as ptr, 0)
  ping.toRestBytes(rest)
}
export function pingFrom(rest: ptr, field: u32): u32 {
  ping.fromRestBytes(rest, 0 as ptr, 0)
  return field == 0 ? ping.identifier : ping.sequence
}
