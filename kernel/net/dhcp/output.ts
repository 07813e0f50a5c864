// DHCP messages out: DISCOVER and the four kinds of REQUEST. RFC 2131 §4.3.6, §4.4.1 (table 5). Main-loop context only.
//
// The BROADCAST bit is set while we have no address: an answer to an address that is not ours yet would pass the
// IPv4 input only on an interface that is `configuring`, which it also is, for servers that ignore the bit.
//
// Next: udpOutput, udpOutputVia (udp/output.ts).

import { nowSeconds } from '../../lib/clock.ts'
import { Errno } from '../../lib/errno.ts'
import { store8, storeBe16, storeBe32 } from '../../lib/intrinsics.ts'
import { copyBytes, stringLength, zeroBytes } from '../../lib/memory.ts'
import {
  address, at, distance, plus, sizeof, type cstring, type i32, type ptr, type u32,
} from '../../lib/layout.ts'
import { packetAppend, packetFree, packetTailRoom, packetTrim, type Packet } from '../../drivers/net/packet.ts'
import { MAC_LENGTH, macCopy } from '../ethernet/header.ts'
import { ADDRESS_BROADCAST, type Ipv4Address } from '../ipv4/address.ts'
import { pathBroadcastOn } from '../ipv4/route.ts'
import { udpAllocate, udpOutput, udpOutputVia } from '../udp/output.ts'
import type { DhcpClient } from './client-state.ts'
import {
  DHCP_BROADCAST, DHCP_CLIENT_PORT, DHCP_ETHERNET, DHCP_MAGIC, DHCP_SERVER_PORT, DhcpMessage, DhcpMessageType,
  DhcpOperation,
} from './header.ts'
import { DhcpOption } from './options.ts'

/** More than the options below ever need. */
const OPTIONS_ROOM: u32 = 128
/** What relay agents take: 300 bytes, RFC 1542 §2.1. */
const SHORTEST_MESSAGE: u32 = 300
const HOST_NAME: cstring = 'porphyry'

/** Anybody there? Broadcast. Errors: those of udpOutputVia, or NoBufferSpace. */
export function dhcpSendDiscover(client: DhcpClient): i32 {
  const packet = begin(client, 0)
  if (packet == null) return Errno.NoBufferSpace
  const end = putAlways(client, options(packet), DhcpMessageType.Discover)
  return broadcast(client, packet, end, 0)
}

/** That offer, please: with the server's name, so that the others know. RFC 2131 §4.3.2, "SELECTING state". */
export function dhcpSendSelecting(client: DhcpClient): i32 {
  const packet = begin(client, 0)
  if (packet == null) return Errno.NoBufferSpace
  let end = putAlways(client, options(packet), DhcpMessageType.Request)
  end = put32(end, DhcpOption.RequestedAddress, client.address)
  end = put32(end, DhcpOption.ServerIdentifier, client.server)
  return broadcast(client, packet, end, 0)
}

/** May I keep it? To the server that gave it. RFC 2131 §4.3.2, "RENEWING state". */
export function dhcpSendRenewing(client: DhcpClient): i32 {
  const packet = begin(client, client.address)
  if (packet == null) return Errno.NoBufferSpace
  finish(packet, putAlways(client, options(packet), DhcpMessageType.Request))
  return udpOutput(packet, client.address, DHCP_CLIENT_PORT, client.server, DHCP_SERVER_PORT)
}

/** May I keep it? To any server. RFC 2131 §4.3.2, "REBINDING state". */
export function dhcpSendRebinding(client: DhcpClient): i32 {
  const packet = begin(client, client.address)
  if (packet == null) return Errno.NoBufferSpace
  return broadcast(client, packet, putAlways(client, options(packet), DhcpMessageType.Request), client.address)
}

/** The fixed part, and zeroed room for options after it. */
function begin(client: DhcpClient, ciaddr: Ipv4Address): Packet | null {
  const packet = udpAllocate()
  if (packet == null) return null
  const room: u32 = sizeof<DhcpMessage>() + OPTIONS_ROOM
  if (packetTailRoom(packet) < room) {
    packetFree(packet)
    return null
  }
  const message = at<DhcpMessage>(packetAppend(packet, room))
  zeroBytes(address(message), room)
  message.op = DhcpOperation.BootRequest
  message.htype = DHCP_ETHERNET
  message.hlen = MAC_LENGTH
  message.xid = client.xid
  message.secs = secondsSince(client.startedAt)
  message.flags = ciaddr == 0 ? DHCP_BROADCAST : 0
  message.ciaddr = ciaddr
  macCopy(message.chaddr, client.netif.mac)
  message.magic = DHCP_MAGIC
  return packet
}

function secondsSince(start: u32): u32 {
  const passed: u32 = nowSeconds() - start
  return passed > 0xffff ? 0xffff : passed
}

function options(packet: Packet): ptr {
  return plus(packet.head, sizeof<DhcpMessage>())
}

/** What every message carries; RFC 2131 §4.4.1 lets REQUEST repeat what DISCOVER asked. Returns the end. */
function putAlways(client: DhcpClient, p: ptr, type: DhcpMessageType): ptr {
  store8(p, 0, DhcpOption.MessageType)
  store8(p, 1, 1)
  store8(p, 2, type)
  let end = plus(p, 3)
  store8(end, 0, DhcpOption.ClientIdentifier) // RFC 2132 §9.14: hardware type and address
  store8(end, 1, 1 + MAC_LENGTH)
  store8(end, 2, DHCP_ETHERNET)
  macCopy(plus(end, 3), client.netif.mac)
  end = plus(end, 3 + MAC_LENGTH)
  store8(end, 0, DhcpOption.MaximumSize)
  store8(end, 1, 2)
  storeBe16(end, 2, client.netif.nic.mtu)
  return putParameterList(putHostName(plus(end, 4)))
}

function putHostName(p: ptr): ptr {
  const length: u32 = stringLength(HOST_NAME)
  store8(p, 0, DhcpOption.HostName)
  store8(p, 1, length)
  copyBytes(plus(p, 2), HOST_NAME as ptr, length)
  return plus(p, 2 + length)
}

function putParameterList(p: ptr): ptr {
  store8(p, 0, DhcpOption.ParameterList)
  store8(p, 1, 7)
  store8(p, 2, DhcpOption.SubnetMask)
  store8(p, 3, DhcpOption.Router)
  store8(p, 4, DhcpOption.DnsServer)
  store8(p, 5, DhcpOption.InterfaceMtu)
  store8(p, 6, DhcpOption.LeaseTime)
  store8(p, 7, DhcpOption.RenewalTime)
  store8(p, 8, DhcpOption.RebindingTime)
  return plus(p, 9)
}

function put32(p: ptr, code: DhcpOption, value: u32): ptr {
  store8(p, 0, code)
  store8(p, 1, 4)
  storeBe32(p, 2, value)
  return plus(p, 6)
}

/** End the options and cut the message to its length. */
function finish(packet: Packet, end: ptr): void {
  store8(end, 0, DhcpOption.End)
  const length: u32 = distance(packet.head, end) + 1
  packetTrim(packet, length < SHORTEST_MESSAGE ? SHORTEST_MESSAGE : length)
}

function broadcast(client: DhcpClient, packet: Packet, end: ptr, source: Ipv4Address): i32 {
  finish(packet, end)
  const path = pathBroadcastOn(client.netif)
  return udpOutputVia(path, packet, source, DHCP_CLIENT_PORT, ADDRESS_BROADCAST, DHCP_SERVER_PORT)
}
