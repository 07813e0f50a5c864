// RustOS's Ethernet header and frame builders (`net/ethernet.rs`). RFC 894, IEEE 802.3 §3.2, RFC 826. Any context.

import { zeroBytes } from '../../lib/memory.ts'
import { at, plus, wire, type Be, type Bytes, type ptr, type u16, type u32 } from '../../lib/layout.ts'
import { ArpOperation, ArpPacket } from '../arp/header.ts'
import { macCopy, macSetBroadcast } from '../ethernet/header.ts'
import type { NetworkAddress } from './address.ts'
import { NetworkError, errorAddress, type NetworkResult } from './error.ts'
import { bufferReserve, type PacketBuffer } from './packet-buffer.ts'

export const ETHERNET_HEADER_SIZE: u32 = 14
/** The shortest frame and the longest without a tag or jumbo, the frame check sequence apart. */
export const ETHERNET_MIN_SIZE: u32 = 60
export const ETHERNET_MAX_SIZE: u32 = 1514

export const enum EtherType { IPv4 = 0x0800, ARP = 0x0806, IPv6 = 0x86dd, VLAN = 0x8100 }

/** The type of a number, or 0 for one RustOS does not name: it makes that IPv4, we drop the frame. */
export function etherTypeFrom(number: u32): u32 {
  switch (number) {
    case EtherType.IPv4:
    case EtherType.ARP:
    case EtherType.IPv6:
    case EtherType.VLAN:
      return number
    default:
      return 0
  }
}

@wire(14)
export class EthernetHeader {
  destination: Bytes<6>
  source: Bytes<6>
  etherType: Be<u16>

  /** The header at the buffer's position, which moves behind it. Errors: InvalidPacket (fewer than 14 bytes). */
  static parse(buffer: PacketBuffer): ptr {
    const p = buffer.read(ETHERNET_HEADER_SIZE)
    return p != 0 ? p : errorAddress(NetworkError.InvalidPacket)
  }
}

/** Write a header at the buffer's position. Errors: InvalidAddress (an address that is no link address), BufferOverflow. */
export function serializeEthernet(
  destination: NetworkAddress, source: NetworkAddress, type: u32, buffer: PacketBuffer,
): NetworkResult {
  if (!destination.isMac || !source.isMac) return NetworkError.InvalidAddress
  const p = bufferReserve(buffer, ETHERNET_HEADER_SIZE)
  if (p == 0) return NetworkError.BufferOverflow
  const header = at<EthernetHeader>(p)
  macCopy(header.destination, destination.octets)
  macCopy(header.source, source.octets)
  header.etherType = type
  return NetworkError.None
}

/**
 * A frame around `count` bytes, padded with zeros to 60, at the start of `out`; its position is 0 again then.
 * Errors: BufferOverflow (over 1,514 bytes, or more than `out` holds), InvalidAddress (no link addresses).
 */
export function createFrame(
  source: NetworkAddress, destination: NetworkAddress, type: u32, payload: ptr, count: u32, out: PacketBuffer,
): NetworkResult {
  if (count > ETHERNET_MAX_SIZE - ETHERNET_HEADER_SIZE) return NetworkError.BufferOverflow
  out.position = 0
  out.length = 0
  const headed = serializeEthernet(destination, source, type, out)
  if (headed != NetworkError.None) return headed
  const written = out.write(payload, count)
  if (written != NetworkError.None) return written
  if (out.length < ETHERNET_MIN_SIZE) {
    const missing: u32 = ETHERNET_MIN_SIZE - out.length
    const padding = bufferReserve(out, missing)
    if (padding == 0) return NetworkError.BufferOverflow
    zeroBytes(padding, missing)
  }
  out.reset()
  return NetworkError.None
}

/** The frame of a question for `targetIp`. Errors: InvalidAddress (an address of the wrong kind), BufferOverflow. */
export function createArpRequest(
  senderMac: NetworkAddress, senderIp: NetworkAddress, targetIp: NetworkAddress, out: PacketBuffer,
): NetworkResult {
  if (!senderMac.isMac || !senderIp.isIpv4 || !targetIp.isIpv4) return NetworkError.InvalidAddress
  const begun = beginArp(ArpOperation.Request, senderMac, senderIp, targetIp, out)
  if (begun != NetworkError.None) return begun
  macSetBroadcast(at<EthernetHeader>(out.data).destination)
  return NetworkError.None
}

/** The frame of an answer. Errors as those of createArpRequest. */
export function createArpReply(
  senderMac: NetworkAddress, senderIp: NetworkAddress, targetMac: NetworkAddress, targetIp: NetworkAddress, out: PacketBuffer,
): NetworkResult {
  if (!senderMac.isMac || !senderIp.isIpv4 || !targetMac.isMac || !targetIp.isIpv4) return NetworkError.InvalidAddress
  const begun = beginArp(ArpOperation.Reply, senderMac, senderIp, targetIp, out)
  if (begun != NetworkError.None) return begun
  macCopy(at<EthernetHeader>(out.data).destination, targetMac.octets)
  macCopy(at<ArpPacket>(plus(out.data, ETHERNET_HEADER_SIZE)).targetMac, targetMac.octets)
  return NetworkError.None
}

/** Sixty bytes: header, ARP packet, padding; link destination and target link address are zero still. */
function beginArp(
  operation: ArpOperation, senderMac: NetworkAddress, senderIp: NetworkAddress, targetIp: NetworkAddress, out: PacketBuffer,
): NetworkResult {
  out.position = 0
  out.length = 0
  const p = bufferReserve(out, ETHERNET_MIN_SIZE)
  if (p == 0) return NetworkError.BufferOverflow
  zeroBytes(p, ETHERNET_MIN_SIZE)
  out.reset()
  const frame = at<EthernetHeader>(p)
  macCopy(frame.source, senderMac.octets)
  frame.etherType = EtherType.ARP
  const arp = at<ArpPacket>(plus(p, ETHERNET_HEADER_SIZE))
  arp.begin(operation)
  macCopy(arp.senderMac, senderMac.octets)
  arp.senderAddress = senderIp.asIpv4
  arp.targetAddress = targetIp.asIpv4
  return NetworkError.None
}
