// RustOS's DHCP messages, leases and client (`net/dhcp.rs`) over the stack's. RFC 2131 §2, RFC 2132 §2. The client works by
// itself, on the wire and by timers; here is what it knows, and messages made and read without it.

import { zeroBytes } from '../../lib/memory.ts'
import {
  address, at, nth, plus, sizeof, staticStruct, struct, type Embed, type Row, type Stored, type cstring, type ptr, type u32,
} from '../../lib/layout.ts'
import { dhcpClientOf, type DhcpClient as StackClient, type DhcpClientState } from '../dhcp/client-state.ts'
import {
  DHCP_BROADCAST, DHCP_ETHERNET, DHCP_MAGIC, DhcpMessage, DhcpMessageType, DhcpOperation,
} from '../dhcp/header.ts'
import { DhcpOption, DhcpValues, dhcpOptionsRead } from '../dhcp/options.ts'
import { DhcpWriter, dhcpWrite32, dhcpWrite8, dhcpWriteBegin, dhcpWriteBytes, dhcpWriteEnd } from '../dhcp/writer.ts'
import { MAC_LENGTH, macCopy } from '../ethernet/header.ts'
import { NameServer, interfaceNamed } from '../interface.ts'
import type { Ipv4Address } from '../ipv4/address.ts'
import { NetworkError, type NetworkResult } from './error.ts'

export const MAGIC_COOKIE: u32 = 0x63825363
/** The longest lease the client tells from one for ever, seconds. */
const LONGEST_LEASE: u32 = 0x7fffffff
/** What is asked for: mask, router, name servers, host name, as RustOS's rules want. RFC 2132 §9.8. */
const PARAMETERS: u32 = 0x0c060301

const writer = staticStruct<DhcpWriter>()
const values = staticStruct<DhcpValues>()
const parameters = staticStruct<Parameters>()

@struct
class Parameters {
  codes: u32
}

@struct
export class DhcpPacket {
  message: DhcpMessage // 240 bytes, and options behind them
  length: u32 // of all

  /** A DISCOVER in `room` bytes at `p`; `mac` is the client's. Errors: BufferTooSmall. */
  createDiscover(p: ptr, room: u32, transactionId: u32, mac: ptr): NetworkResult {
    return this.create(p, room, transactionId, mac, DhcpMessageType.Discover, 0, 0)
  }

  /** A REQUEST for an address (option 50) of a server (option 54). Errors: BufferTooSmall. */
  createRequest(p: ptr, room: u32, transactionId: u32, mac: ptr, requested: Ipv4Address, server: Ipv4Address): NetworkResult {
    return this.create(p, room, transactionId, mac, DhcpMessageType.Request, requested, server)
  }

  create(
    p: ptr, room: u32, transactionId: u32, mac: ptr, type: DhcpMessageType, requested: Ipv4Address, server: Ipv4Address,
  ): NetworkResult {
    const fixed: u32 = sizeof<DhcpMessage>()
    if (room < fixed) return NetworkError.BufferTooSmall
    zeroBytes(p, fixed)
    const message = at<DhcpMessage>(p)
    message.op = DhcpOperation.BootRequest
    message.htype = DHCP_ETHERNET
    message.hlen = MAC_LENGTH
    message.xid = transactionId
    message.flags = DHCP_BROADCAST
    macCopy(message.chaddr, mac)
    message.magic = DHCP_MAGIC
    dhcpWriteBegin(writer, plus(p, fixed), room - fixed)
    dhcpWrite8(writer, DhcpOption.MessageType, type)
    if (requested != 0) dhcpWrite32(writer, DhcpOption.RequestedAddress, requested)
    if (server != 0) dhcpWrite32(writer, DhcpOption.ServerIdentifier, server)
    parameters.codes = PARAMETERS
    dhcpWriteBytes(writer, DhcpOption.ParameterList, address(parameters), 4)
    const options: u32 = dhcpWriteEnd(writer)
    if (options == 0) return NetworkError.BufferTooSmall
    this.message = message
    this.length = fixed + options
    return NetworkError.None
  }

  /**
   * Read `length` bytes at `p`, which stay there. Errors: InvalidPacket (fewer than 240, options that make no sense),
   * ProtocolError (the magic).
   */
  fromBytes(p: ptr, length: u32): NetworkResult {
    if (length < sizeof<DhcpMessage>()) return NetworkError.InvalidPacket
    const message = at<DhcpMessage>(p)
    if (message.magic != DHCP_MAGIC) return NetworkError.ProtocolError
    this.message = message
    this.length = length
    return this.options() ? NetworkError.None : NetworkError.InvalidPacket
  }

  /** Read the options into what the getters look at. False if they make no sense. */
  options(): boolean {
    const fixed: u32 = sizeof<DhcpMessage>()
    return dhcpOptionsRead(values, this.message, plus(address(this.message), fixed), this.length - fixed)
  }

  /** Option 53, 0 for none. */
  messageType(): u32 { return this.options() ? values.messageType : 0 }

  /** Option 51, seconds; 0 for none. */
  getLeaseTime(): u32 { return this.options() ? values.leaseTime : 0 }
}

@struct
export class DhcpLease {
  ipAddress: Ipv4Address
  subnetMask: Ipv4Address
  gateway: Ipv4Address // 0 none
  dnsServerCount: u32
  dnsServers: Row<NameServer, 3> // NAME_SERVER_LIMIT
  leaseTime: u32 // seconds, 0xffffffff for ever
  renewalTime: u32 // T1: half of it unless the server says otherwise
  rebindingTime: u32 // T2: seven eighths
  startTime: u32 // seconds since boot

  /** Whether more seconds than the lease has passed at `now`. */
  isExpired(now: u32): boolean { return this.passed(now, this.leaseTime) }
  needsRenewal(now: u32): boolean { return this.passed(now, this.renewalTime) }
  needsRebinding(now: u32): boolean { return this.passed(now, this.rebindingTime) }
  passed(now: u32, time: u32): boolean { return this.leaseTime != 0xffffffff && now - this.startTime > time }
}

@struct
export class DhcpClientStats {
  discoversSent: u32
  offersReceived: u32
  requestsSent: u32
  acksReceived: u32
  currentState: Stored<u32, DhcpClientState>
}

@struct
export class DhcpClient {
  stack: Embed<StackClient>

  get state(): DhcpClientState { return this.stack.state }

  /** Fill in the lease; false while there is none. */
  lease(out: DhcpLease): boolean {
    if (this.stack.held == 0) return false
    leaseOf(this.stack, out)
    return true
  }

  stats(out: DhcpClientStats): void {
    out.discoversSent = this.stack.discoversSent
    out.offersReceived = this.stack.offersReceived
    out.requestsSent = this.stack.requestsSent
    out.acksReceived = this.stack.acksReceived
    out.currentState = this.stack.state
  }
}

/** The client of the interface of a name, or null. */
export function dhcpClient(name: cstring): DhcpClient | null {
  const netif = interfaceNamed(name)
  return netif == null ? null : at<DhcpClient>(address(dhcpClientOf(netif)))
}

function leaseOf(client: StackClient, out: DhcpLease): void {
  zeroBytes(address(out), sizeof<DhcpLease>())
  const said = client.lease
  out.ipAddress = client.held
  out.subnetMask = said.subnetMask
  out.gateway = said.router
  out.dnsServerCount = said.nameServerCount
  for (let i: u32 = 0; i < said.nameServerCount; i++) nth(out.dnsServers, i).address = nth(said.nameServers, i).address
  out.leaseTime = said.leaseTime
  if (!client.forever && out.leaseTime > LONGEST_LEASE) out.leaseTime = LONGEST_LEASE
  out.startTime = client.forever ? client.requestedAt : client.expireAt - out.leaseTime
  out.renewalTime = client.forever ? out.leaseTime : client.renewAt - out.startTime
  out.rebindingTime = client.forever ? out.leaseTime : client.rebindAt - out.startTime
}

/** RustOS's text of a state. */
export function dhcpStateName(state: u32): cstring {
  switch (state) {
    case 0: return 'INIT'
    case 1: return 'SELECTING'
    case 2: return 'REQUESTING'
    case 3: return 'BOUND'
    case 4: return 'RENEWING'
    case 5: return 'REBINDING'
    case 6: return 'INIT-REBOOT'
    default: return 'REBOOTING'
  }
}
