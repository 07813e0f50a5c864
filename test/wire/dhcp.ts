// DHCP messages (RFC 2131 §2, options of RFC 2132) and a small server, for the test's end of the wire.

import { type Bytes, address, addressText, be16, be32, bytes, mac, macText, read16, read32 } from './bytes.ts'
import { BROADCAST, type Decoded, EtherType, Protocol, ethernet, ipv4, udp } from './frames.ts'
import type { Reaction } from './peer.ts'

export const MessageType = { Discover: 1, Offer: 2, Request: 3, Decline: 4, Ack: 5, Nak: 6, Release: 7 } as const
export const Option = {
  SubnetMask: 1, Router: 3, DnsServer: 6, HostName: 12, InterfaceMtu: 26, RequestedAddress: 50, LeaseTime: 51, MessageType: 53,
  ServerIdentifier: 54, ParameterList: 55, RenewalTime: 58, RebindingTime: 59, ClientIdentifier: 61, End: 255,
} as const

export interface DhcpMessage {
  operation: number // 1 request, 2 reply
  transaction: number
  seconds: number
  broadcast: boolean
  clientIp: string
  yourIp: string
  clientMac: string
  options: Map<number, Bytes>
}

const MAGIC = [99, 130, 83, 99]

/** The DHCP message a frame carries, or undefined when it carries none. */
export function dhcpOf({ udp: datagram }: Decoded): DhcpMessage | undefined {
  if (!datagram || ![67, 68].includes(datagram.destinationPort)) return undefined
  const data = datagram.payload
  if (data.length < 240 || !MAGIC.every((byte, i) => data[236 + i] === byte)) return undefined
  return {
    operation: data[0]!, transaction: read32(data, 4), seconds: read16(data, 8), broadcast: (data[10]! & 0x80) !== 0,
    clientIp: addressText(data, 12), yourIp: addressText(data, 16), clientMac: macText(data, 28), options: readOptions(data.subarray(240)),
  }
}

function readOptions(data: Bytes): Map<number, Bytes> {
  const options = new Map<number, Bytes>()
  for (let i = 0; i < data.length && data[i] !== Option.End;) {
    if (data[i] === 0) { i++; continue }
    const length = data[i + 1] ?? 0
    options.set(data[i]!, data.subarray(i + 2, i + 2 + length))
    i += 2 + length
  }
  return options
}

export const messageType = (message: DhcpMessage): number => message.options.get(Option.MessageType)?.[0] ?? 0

/** One option: its code, its length, its bytes. */
export const option = (code: number, ...value: number[]): Bytes => bytes(code, value.length, value)

export interface DhcpLease {
  serverIp: string
  serverMac: string
  ip: string
  prefix?: number
  gateway?: string
  dns?: string
  mtu?: number
  leaseSeconds?: number
  renewalSeconds?: number
}

/** A server's reply frame. `extra` options follow the usual ones; `usual` false leaves those out. */
export function dhcpReply(lease: DhcpLease, to: DhcpMessage, type: number, { usual = true, extra = [] as Bytes[] } = {}): Bytes {
  const mask = (0xffffffff << (32 - (lease.prefix ?? 24))) >>> 0
  const given = type === MessageType.Nak ? [] : [
    option(Option.SubnetMask, ...be32(mask)),
    ...lease.gateway ? [option(Option.Router, ...address(lease.gateway))] : [],
    ...lease.dns ? [option(Option.DnsServer, ...address(lease.dns))] : [],
    ...lease.mtu ? [option(Option.InterfaceMtu, ...be16(lease.mtu))] : [],
    option(Option.LeaseTime, ...be32(lease.leaseSeconds ?? 3600)),
    ...lease.renewalSeconds ? [option(Option.RenewalTime, ...be32(lease.renewalSeconds))] : [],
  ]
  const options = [
    option(Option.MessageType, type), option(Option.ServerIdentifier, ...address(lease.serverIp)), ...usual ? given : [], ...extra,
  ]
  const message = bytes(2, 1, 6, 0, be32(to.transaction), be16(0), be16(0), new Uint8Array(4),
    address(type === MessageType.Nak ? '0.0.0.0' : lease.ip), address(lease.serverIp), new Uint8Array(4),
    mac(to.clientMac), new Uint8Array(10 + 64 + 128), MAGIC, ...options, Option.End)
  const toAll = type === MessageType.Nak || to.clientIp === '0.0.0.0'
  const ends = { source: lease.serverIp, destination: toAll ? '255.255.255.255' : to.clientIp }
  const padded = message.length < 300 ? bytes(message, new Uint8Array(300 - message.length)) : message
  const datagram = udp({ ...ends, sourcePort: 67, destinationPort: 68 }, padded)
  return ethernet({ destination: toAll ? BROADCAST : to.clientMac, source: lease.serverMac, type: EtherType.Ipv4 },
    ipv4({ ...ends, protocol: Protocol.Udp }, datagram))
}

/** A server that has this one lease to give; `lease` may be changed while it runs. */
export function dhcpServer(lease: DhcpLease): Reaction {
  return frame => {
    const message = dhcpOf(frame)
    if (message?.operation !== 1) return undefined
    const type = messageType(message)
    if (type === MessageType.Discover) return dhcpReply(lease, message, MessageType.Offer)
    if (type !== MessageType.Request) return undefined
    const server = message.options.get(Option.ServerIdentifier)
    if (server && addressText(server) !== lease.serverIp) return undefined // it chose another server
    const wanted = message.options.get(Option.RequestedAddress)
    const asked = wanted ? addressText(wanted) : message.clientIp
    return dhcpReply(lease, message, asked === lease.ip ? MessageType.Ack : MessageType.Nak)
  }
}
