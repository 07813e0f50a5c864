// DHCP options: the walk over what a server wrote, and the few values we take from it. RFC 2132 §2; option
// overload RFC 2132 §9.3. A value whose length is wrong, or that reaches past its field, makes the whole message
// void: a server that can not count is not to be believed. Of an option given twice the first counts; values
// split over several options (RFC 3396 §4) are not joined: none that is read here is long enough to be.

import { load8, loadBe16, loadBe32 } from '../../lib/intrinsics.ts'
import { zeroBytes } from '../../lib/memory.ts'
import { address, plus, sizeof, struct, type Stored, type ptr, type u32, type u8 } from '../../lib/layout.ts'
import type { Ipv4Address } from '../ipv4/address.ts'
import { DHCP_FILE_LENGTH, DHCP_SNAME_LENGTH, type DhcpMessage, type DhcpMessageType } from './header.ts'

/** RFC 2132 §3 to §9. */
export const enum DhcpOption {
  Pad = 0,
  SubnetMask = 1,
  Router = 3,
  DnsServer = 6,
  HostName = 12,
  InterfaceMtu = 26,
  RequestedAddress = 50,
  LeaseTime = 51,
  Overload = 52,
  MessageType = 53,
  ServerIdentifier = 54,
  ParameterList = 55,
  MaximumSize = 57,
  RenewalTime = 58,
  RebindingTime = 59,
  ClientIdentifier = 61,
  End = 255,
}

/** Values of option 52: which fields hold options too. */
const OVERLOAD_FILE: u32 = 1
const OVERLOAD_SNAME: u32 = 2

/** What a server said. 0 is "did not say"; none of these is 0 otherwise. */
@struct
export class DhcpValues {
  subnetMask: Ipv4Address
  router: Ipv4Address // the first of them
  dnsServer: Ipv4Address // the first of them
  serverIdentifier: Ipv4Address
  leaseTime: u32 // seconds; 0xffffffff for ever
  renewalTime: u32 // T1, seconds
  rebindingTime: u32 // T2, seconds
  mtu: u32
  messageType: Stored<u8, DhcpMessageType>
  overload: u8
  reserved: u8
  reserved2: u8
}

/**
 * Read the options of a message with `length` bytes of them after the fixed part, and those in `file` and `sname`
 * where option 52 says so, in that order (RFC 2131 §4.1). False if they make no sense; `values` is void then.
 */
export function dhcpOptionsRead(values: DhcpValues, message: DhcpMessage, options: ptr, length: u32): boolean {
  zeroBytes(address(values), sizeof<DhcpValues>())
  if (!walk(values, options, length)) return false
  if ((values.overload & OVERLOAD_FILE) != 0 && !walk(values, message.file, DHCP_FILE_LENGTH)) return false
  if ((values.overload & OVERLOAD_SNAME) != 0 && !walk(values, message.sname, DHCP_SNAME_LENGTH)) return false
  return true
}

/** Every option has its length byte and its value inside the field; End may be missing. */
function walk(values: DhcpValues, options: ptr, length: u32): boolean {
  let i: u32 = 0
  while (i < length) {
    const code: u32 = load8(options, i)
    if (code == DhcpOption.End) return true
    if (code == DhcpOption.Pad) {
      i += 1
      continue
    }
    if (i + 2 > length) return false
    const size: u32 = load8(options, i + 1)
    if (i + 2 + size > length) return false
    if (!take(values, code, plus(options, i + 2), size)) return false
    i += 2 + size
  }
  return true
}

/** One option. False when its length is not one it may have. */
function take(values: DhcpValues, code: u32, value: ptr, size: u32): boolean {
  switch (code) {
    case DhcpOption.MessageType:
      if (size != 1) return false
      if (values.messageType == 0) values.messageType = load8(value, 0)
      return true
    case DhcpOption.Overload:
      if (size != 1 || load8(value, 0) > 3) return false
      if (values.overload == 0) values.overload = load8(value, 0)
      return true
    case DhcpOption.InterfaceMtu:
      if (size != 2) return false
      if (values.mtu == 0) values.mtu = loadBe16(value, 0)
      return true
    case DhcpOption.Router:
    case DhcpOption.DnsServer:
      if (size == 0 || size % 4 != 0) return false
      return takeWord(values, code, loadBe32(value, 0))
    case DhcpOption.SubnetMask:
    case DhcpOption.ServerIdentifier:
    case DhcpOption.LeaseTime:
    case DhcpOption.RenewalTime:
    case DhcpOption.RebindingTime:
      if (size != 4) return false
      return takeWord(values, code, loadBe32(value, 0))
    default:
      return true // not asked for, or not known: RFC 2131 §3.5
  }
}

function takeWord(values: DhcpValues, code: u32, word: u32): boolean {
  switch (code) {
    case DhcpOption.Router:
      if (values.router == 0) values.router = word
      break
    case DhcpOption.DnsServer:
      if (values.dnsServer == 0) values.dnsServer = word
      break
    case DhcpOption.SubnetMask:
      if (values.subnetMask == 0) values.subnetMask = word
      break
    case DhcpOption.ServerIdentifier:
      if (values.serverIdentifier == 0) values.serverIdentifier = word
      break
    case DhcpOption.LeaseTime:
      if (values.leaseTime == 0) values.leaseTime = word
      break
    case DhcpOption.RenewalTime:
      if (values.renewalTime == 0) values.renewalTime = word
      break
    default:
      if (values.rebindingTime == 0) values.rebindingTime = word
  }
  return true
}
