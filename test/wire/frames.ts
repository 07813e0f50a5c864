// Building and taking apart Ethernet frames in tests, independently of the kernel's own code.
// Ethernet II, ARP (RFC 826), IPv4 (RFC 791 §3.1), ICMP (RFC 792), UDP (RFC 768), 802.1Q tags. TCP is in tcp.ts.
//
// Every builder has a correct default for each field and takes any wrong value instead: malformed frames are made
// by saying what is wrong with them.

import { type Bytes, address, addressText, be16, bytes, checksum, mac, macText, pseudoHeader, read16 } from './bytes.ts'
import { type DecodedTcp, decodeTcp } from './tcp.ts'

export const BROADCAST = 'ff:ff:ff:ff:ff:ff'
export const EtherType = { Ipv4: 0x0800, Arp: 0x0806, Vlan: 0x8100, Ipv6: 0x86dd, Lldp: 0x88cc } as const
export const Protocol = { Icmp: 1, Tcp: 6, Udp: 17 } as const

export interface EthernetFields { destination: string, source: string, type: number, pad?: boolean }

/** An Ethernet II frame, without FCS; padded to 60 bytes unless `pad` is false. */
export function ethernet({ destination, source, type, pad = true }: EthernetFields, payload: Bytes): Bytes {
  const frame = bytes(mac(destination), mac(source), be16(type), payload)
  return pad && frame.length < 60 ? bytes(frame, new Uint8Array(60 - frame.length)) : frame
}

/** An 802.1Q tag around a payload of `type`: the payload of a frame of EtherType.Vlan. */
export function vlan(id: number, type: number, payload: Bytes): Bytes {
  return bytes(be16(id), be16(type), payload)
}

export interface ArpFields {
  operation: number
  senderMac: string
  senderIp: string
  targetMac?: string
  targetIp: string
  hardware?: number
  protocol?: number
  hardwareLength?: number
  protocolLength?: number
}

/** The 28 bytes of an ARP packet for IPv4 over Ethernet. */
export function arp(fields: ArpFields): Bytes {
  return bytes(be16(fields.hardware ?? 1), be16(fields.protocol ?? EtherType.Ipv4), fields.hardwareLength ?? 6,
    fields.protocolLength ?? 4, be16(fields.operation), mac(fields.senderMac), address(fields.senderIp),
    mac(fields.targetMac ?? '00:00:00:00:00:00'), address(fields.targetIp))
}

export interface Ipv4Fields {
  source: string
  destination: string
  protocol: number
  version?: number
  headerWords?: number
  totalLength?: number
  id?: number
  flags?: number // the three flag bits and the fragment offset
  ttl?: number
  tos?: number
  checksum?: number
  options?: Bytes
}

export function ipv4(fields: Ipv4Fields, payload: Bytes): Bytes {
  const options = fields.options ?? new Uint8Array(0)
  const words = fields.headerWords ?? 5 + options.length / 4
  const header = bytes((fields.version ?? 4) << 4 | words, fields.tos ?? 0, be16(fields.totalLength ?? 20 + options.length + payload.length),
    be16(fields.id ?? 0), be16(fields.flags ?? 0x4000), fields.ttl ?? 64, fields.protocol, be16(0),
    address(fields.source), address(fields.destination), options)
  header.set(be16(fields.checksum ?? checksum(header)), 10)
  return bytes(header, payload)
}

export interface IcmpFields { type: number, code?: number, id?: number, sequence?: number, checksum?: number }

/** An ICMP message with the identifier and sequence number of an echo. RFC 792 p. 14. */
export function icmp(fields: IcmpFields, payload: Bytes): Bytes {
  const message = bytes(fields.type, fields.code ?? 0, be16(0), be16(fields.id ?? 0), be16(fields.sequence ?? 0), payload)
  message.set(be16(fields.checksum ?? checksum(message)), 2)
  return message
}

export interface UdpFields {
  source: string
  destination: string
  sourcePort: number
  destinationPort: number
  length?: number
  checksum?: number // 0 is "none" in UDP over IPv4
}

/** A UDP datagram; the addresses are for its pseudo-header. */
export function udp(fields: UdpFields, payload: Bytes): Bytes {
  const datagram = bytes(be16(fields.sourcePort), be16(fields.destinationPort), be16(fields.length ?? 8 + payload.length),
    be16(0), payload)
  const sum = checksum(pseudoHeader(fields.source, fields.destination, Protocol.Udp, datagram.length), datagram)
  datagram.set(be16(fields.checksum ?? (sum || 0xffff)), 6)
  return datagram
}

export interface DecodedArp {
  hardware: number
  protocol: number
  hardwareLength: number
  protocolLength: number
  operation: number
  senderMac: string
  senderIp: string
  targetMac: string
  targetIp: string
}
export interface DecodedIpv4 {
  headerLength: number
  tos: number
  totalLength: number
  id: number
  flags: number
  ttl: number
  protocol: number
  source: string
  destination: string
  checksumRight: boolean
  payload: Bytes
}
export interface DecodedIcmp { type: number, code: number, id: number, sequence: number, checksumRight: boolean, payload: Bytes }
export interface DecodedUdp {
  sourcePort: number
  destinationPort: number
  length: number
  checksum: number
  checksumRight: boolean
  payload: Bytes
}
export interface Decoded {
  frame: Bytes
  destination: string
  source: string
  type: number
  payload: Bytes
  arp?: DecodedArp
  ipv4?: DecodedIpv4
  icmp?: DecodedIcmp
  udp?: DecodedUdp
  tcp?: DecodedTcp
}

/** Take a frame apart as far as it goes; a layer that is cut short is left out. Fragments stop at IPv4. */
export function decode(frame: Bytes): Decoded {
  const payload = frame.subarray(14)
  const decoded: Decoded = { frame, destination: macText(frame), source: macText(frame, 6), type: read16(frame, 12), payload }
  if (decoded.type === EtherType.Arp && payload.length >= 28) decoded.arp = decodeArp(payload)
  if (decoded.type === EtherType.Ipv4 && payload.length >= 20) decodeIpv4(decoded, payload)
  return decoded
}

function decodeArp(data: Bytes): DecodedArp {
  return {
    hardware: read16(data, 0), protocol: read16(data, 2), hardwareLength: data[4]!, protocolLength: data[5]!,
    operation: read16(data, 6), senderMac: macText(data, 8), senderIp: addressText(data, 14),
    targetMac: macText(data, 18), targetIp: addressText(data, 24),
  }
}

function decodeIpv4(decoded: Decoded, data: Bytes): void {
  const headerLength = (data[0]! & 15) * 4
  const totalLength = read16(data, 2)
  if (data[0]! >> 4 !== 4 || headerLength < 20 || totalLength < headerLength || totalLength > data.length) return
  const payload = data.subarray(headerLength, totalLength)
  const ip = decoded.ipv4 = {
    headerLength, tos: data[1]!, totalLength, id: read16(data, 4), flags: read16(data, 6), ttl: data[8]!, protocol: data[9]!,
    source: addressText(data, 12), destination: addressText(data, 16),
    checksumRight: checksum(data.subarray(0, headerLength)) === 0, payload,
  }
  if ((ip.flags & 0x3fff) !== 0) return
  if (ip.protocol === Protocol.Icmp && payload.length >= 8) {
    decoded.icmp = {
      type: payload[0]!, code: payload[1]!, id: read16(payload, 4), sequence: read16(payload, 6),
      checksumRight: checksum(payload) === 0, payload: payload.subarray(8),
    }
  }
  if (ip.protocol === Protocol.Udp && payload.length >= 8) decoded.udp = decodeUdp(ip, payload)
  const segment = ip.protocol === Protocol.Tcp ? decodeTcp(ip.source, ip.destination, payload) : undefined
  if (segment !== undefined) decoded.tcp = segment
}

function decodeUdp(ip: DecodedIpv4, data: Bytes): DecodedUdp {
  const length = read16(data, 4)
  const sum = read16(data, 6)
  const datagram = data.subarray(0, length)
  return {
    sourcePort: read16(data, 0), destinationPort: read16(data, 2), length, checksum: sum,
    checksumRight: length <= data.length
      && (sum === 0 || checksum(pseudoHeader(ip.source, ip.destination, Protocol.Udp, length), datagram) === 0),
    payload: datagram.subarray(8),
  }
}
