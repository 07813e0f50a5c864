// DHCP messages out. RFC 2131 §4.3.6, §4.4.1: table 5 says what each kind carries. Main-loop context only.
//
//              ciaddr   50 address  54 server  12, 55, 57   goes to
//   DISCOVER   0        no          no         yes          everybody
//   REQUEST, of an offer
//              0        yes         yes        yes          everybody
//   REQUEST, after the link came back
//              0        yes         no         yes          everybody
//   REQUEST, to renew
//              ours     no          no         yes          the server
//   REQUEST, to rebind
//              ours     no          no         yes          everybody
//   DECLINE    0        yes         yes        no           everybody
//   RELEASE    ours     no          yes        no           the server
//
// The BROADCAST bit is set while we have no address: an answer to an address that is not ours yet would pass the
// IPv4 input only on an interface that is `configuring`, which it also is, for servers that ignore the bit.
//
// Next: udpOutput, udpOutputVia (udp/output.ts).

import { nowSeconds } from '../../lib/clock.ts'
import { Errno } from '../../lib/errno.ts'
import { store8 } from '../../lib/intrinsics.ts'
import { stringLength, zeroBytes } from '../../lib/memory.ts'
import { address, at, plus, sizeof, staticMemory, staticStruct, type cstring, type i32, type ptr, type u32 } from '../../lib/layout.ts'
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
import { DhcpWriter, dhcpWrite16, dhcpWrite32, dhcpWrite8, dhcpWriteBegin, dhcpWriteBytes, dhcpWriteEnd } from './writer.ts'

/** More than the options below ever need. */
const OPTIONS_ROOM: u32 = 128
/** What relay agents take: 300 bytes, RFC 1542 §2.1. */
const SHORTEST_MESSAGE: u32 = 300
const HOST_NAME: cstring = 'porphyry'
const PARAMETERS: u32 = 9
/** Hardware type and address: RFC 2132 §9.14. */
const IDENTIFIER_LENGTH: u32 = 7

const writer = staticStruct<DhcpWriter>()
const parameters = staticMemory(16)
const identifier = staticMemory(8)

/** Anybody there? Errors: those of udpOutputVia, or NoBufferSpace. */
export function dhcpSendDiscover(client: DhcpClient): i32 {
  const packet = begin(client, DhcpMessageType.Discover, 0)
  if (packet == null) return Errno.NoBufferSpace
  client.discoversSent += 1
  return broadcast(client, packet, 0)
}

/** That offer, please: with the server's name, so that the others know. RFC 2131 §4.3.2, "SELECTING state". */
export function dhcpSendSelecting(client: DhcpClient): i32 {
  const packet = begin(client, DhcpMessageType.Request, 0)
  if (packet == null) return Errno.NoBufferSpace
  dhcpWrite32(writer, DhcpOption.RequestedAddress, client.address)
  dhcpWrite32(writer, DhcpOption.ServerIdentifier, client.server)
  client.requestsSent += 1
  return broadcast(client, packet, 0)
}

/** Is the address that I had still mine? To any server. RFC 2131 §4.3.2, "INIT-REBOOT state". */
export function dhcpSendRebooting(client: DhcpClient): i32 {
  const packet = begin(client, DhcpMessageType.Request, 0)
  if (packet == null) return Errno.NoBufferSpace
  dhcpWrite32(writer, DhcpOption.RequestedAddress, client.address)
  client.requestsSent += 1
  return broadcast(client, packet, 0)
}

/** May I keep it? To the server that gave it. RFC 2131 §4.3.2, "RENEWING state". */
export function dhcpSendRenewing(client: DhcpClient): i32 {
  const packet = begin(client, DhcpMessageType.Request, client.address)
  if (packet == null) return Errno.NoBufferSpace
  client.requestsSent += 1
  return unicast(client, packet)
}

/** May I keep it? To any server. RFC 2131 §4.3.2, "REBINDING state". */
export function dhcpSendRebinding(client: DhcpClient): i32 {
  const packet = begin(client, DhcpMessageType.Request, client.address)
  if (packet == null) return Errno.NoBufferSpace
  client.requestsSent += 1
  return broadcast(client, packet, client.address)
}

/** Somebody has that address already. RFC 2131 §3.1 (5), §4.4.1. */
export function dhcpSendDecline(client: DhcpClient): i32 {
  const packet = begin(client, DhcpMessageType.Decline, 0)
  if (packet == null) return Errno.NoBufferSpace
  dhcpWrite32(writer, DhcpOption.RequestedAddress, client.address)
  dhcpWrite32(writer, DhcpOption.ServerIdentifier, client.server)
  client.declinesSent += 1
  return broadcast(client, packet, 0)
}

/** I need it no more. RFC 2131 §4.4.6. */
export function dhcpSendRelease(client: DhcpClient): i32 {
  const packet = begin(client, DhcpMessageType.Release, client.address)
  if (packet == null) return Errno.NoBufferSpace
  dhcpWrite32(writer, DhcpOption.ServerIdentifier, client.server)
  client.releasesSent += 1
  return unicast(client, packet)
}

/** The fixed part and the options that do not depend on the state; `writer` goes on after them. */
function begin(client: DhcpClient, type: DhcpMessageType, ciaddr: Ipv4Address): Packet | null {
  const packet = udpAllocate()
  if (packet == null) return null
  const room: u32 = sizeof<DhcpMessage>() + OPTIONS_ROOM
  if (packetTailRoom(packet) < room) {
    packetFree(packet)
    return null
  }
  const message = at<DhcpMessage>(packetAppend(packet, room))
  const asks: boolean = type == DhcpMessageType.Discover || type == DhcpMessageType.Request
  zeroBytes(address(message), room)
  message.op = DhcpOperation.BootRequest
  message.htype = DHCP_ETHERNET
  message.hlen = MAC_LENGTH
  message.xid = client.xid
  if (asks) message.secs = secondsSince(client.startedAt)
  if (asks && ciaddr == 0) message.flags = DHCP_BROADCAST
  message.ciaddr = ciaddr
  macCopy(message.chaddr, client.netif.mac)
  message.magic = DHCP_MAGIC
  dhcpWriteBegin(writer, plus(packet.head, sizeof<DhcpMessage>()), OPTIONS_ROOM)
  dhcpWrite8(writer, DhcpOption.MessageType, type)
  putIdentifier(client)
  if (asks) putWishes(client)
  return packet
}

function secondsSince(start: u32): u32 {
  const passed: u32 = nowSeconds() - start
  return passed > 0xffff ? 0xffff : passed
}

function putIdentifier(client: DhcpClient): void {
  store8(identifier, 0, DHCP_ETHERNET)
  macCopy(plus(identifier, 1), client.netif.mac)
  dhcpWriteBytes(writer, DhcpOption.ClientIdentifier, identifier, IDENTIFIER_LENGTH)
}

/** What DISCOVER asks, and every REQUEST repeats: RFC 2131 §4.4.1. RFC 3442: 121 is asked for before 3. */
function putWishes(client: DhcpClient): void {
  dhcpWrite16(writer, DhcpOption.MaximumSize, client.netif.nic.mtu)
  dhcpWriteBytes(writer, DhcpOption.HostName, HOST_NAME as ptr, stringLength(HOST_NAME))
  store8(parameters, 0, DhcpOption.SubnetMask)
  store8(parameters, 1, DhcpOption.ClasslessRoutes)
  store8(parameters, 2, DhcpOption.Router)
  store8(parameters, 3, DhcpOption.DnsServer)
  store8(parameters, 4, DhcpOption.DomainName)
  store8(parameters, 5, DhcpOption.InterfaceMtu)
  store8(parameters, 6, DhcpOption.LeaseTime)
  store8(parameters, 7, DhcpOption.RenewalTime)
  store8(parameters, 8, DhcpOption.RebindingTime)
  dhcpWriteBytes(writer, DhcpOption.ParameterList, parameters, PARAMETERS)
}

/** End the options and cut the message to its length. OPTIONS_ROOM is enough for all of them. */
function finish(packet: Packet): void {
  const length: u32 = sizeof<DhcpMessage>() + dhcpWriteEnd(writer)
  packetTrim(packet, length < SHORTEST_MESSAGE ? SHORTEST_MESSAGE : length)
}

function broadcast(client: DhcpClient, packet: Packet, source: Ipv4Address): i32 {
  finish(packet)
  const path = pathBroadcastOn(client.netif)
  return udpOutputVia(path, packet, source, DHCP_CLIENT_PORT, ADDRESS_BROADCAST, DHCP_SERVER_PORT)
}

function unicast(client: DhcpClient, packet: Packet): i32 {
  finish(packet)
  return udpOutput(packet, client.address, DHCP_CLIENT_PORT, client.server, DHCP_SERVER_PORT)
}
