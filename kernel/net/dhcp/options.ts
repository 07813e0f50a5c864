// DHCP options: the walk over what a server wrote, and the values we take from it. RFC 2132 §2; option overload RFC
// 2132 §9.3; classless routes RFC 3442. A value whose length is wrong, or that reaches past its field, makes the
// whole message void: a server that can not count is not to be believed. Of an option given twice the first counts;
// only the routes are joined, as RFC 3396 §5 asks: no other value that is read here is long enough to be split. Pure.

import { DHCP_ROUTE_LIMIT, NAME_SERVER_LIMIT } from '../../config.ts'
import { load8, loadBe16, loadBe32, store8 } from '../../lib/intrinsics.ts'
import { copyBytes, zeroBytes } from '../../lib/memory.ts'
import {
  address, nth, plus, sizeof, staticMemory, struct, type Bytes, type Row, type Stored, type bool, type ptr, type u32, type u8,
} from '../../lib/layout.ts'
import { DOMAIN_LIMIT, NameServer } from '../interface.ts'
import { maskOf, type Ipv4Address } from '../ipv4/address.ts'
import { DHCP_FILE_LENGTH, DHCP_SNAME_LENGTH, type DhcpMessage, type DhcpMessageType } from './header.ts'

/** RFC 2132 §3 to §9, RFC 3442. */
export const enum DhcpOption {
  Pad = 0,
  SubnetMask = 1,
  Router = 3,
  DnsServer = 6,
  HostName = 12,
  DomainName = 15,
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
  ClasslessRoutes = 121,
  End = 255,
}

/** Values of option 52: which fields hold options too. */
const OVERLOAD_FILE: u32 = 1
const OVERLOAD_SNAME: u32 = 2

/** A route of option 121. */
@struct
export class DhcpRoute {
  network: Ipv4Address // no bits set after the prefix
  prefixLength: u32
  router: Ipv4Address // 0: on the link
}

/** What a server said. 0 is "did not say"; none of these is 0 otherwise. */
@struct
export class DhcpValues {
  subnetMask: Ipv4Address
  router: Ipv4Address // the first of them; not to be used where there are routes
  serverIdentifier: Ipv4Address
  leaseTime: u32 // seconds; 0xffffffff for ever
  renewalTime: u32 // T1, seconds
  rebindingTime: u32 // T2, seconds
  mtu: u32
  messageType: Stored<u8, DhcpMessageType>
  overload: u8
  classless: Stored<u8, bool> // option 121 was there: option 3 does not count
  reserved: u8
  nameServerCount: u32
  nameServers: Row<NameServer, 3> // NAME_SERVER_LIMIT
  routeCount: u32
  routes: Row<DhcpRoute, 16> // DHCP_ROUTE_LIMIT
  domain: Bytes<128> // DOMAIN_LIMIT; text, zero-terminated
}

/** Option 121 joined: as much as the routes that are kept can take, and some more. */
const JOINED_LIMIT: u32 = 512
const joined = staticMemory(JOINED_LIMIT)
let joinedLength: u32 = 0

/**
 * Read the options of a message with `length` bytes of them after the fixed part, and those in `file` and `sname`
 * where option 52 says so, in that order (RFC 2131 §4.1). False if they make no sense; `values` is void then.
 */
export function dhcpOptionsRead(values: DhcpValues, message: DhcpMessage, options: ptr, length: u32): boolean {
  zeroBytes(address(values), sizeof<DhcpValues>())
  joinedLength = 0
  if (!walk(values, options, length)) return false
  if ((values.overload & OVERLOAD_FILE) != 0 && !walk(values, message.file, DHCP_FILE_LENGTH)) return false
  if ((values.overload & OVERLOAD_SNAME) != 0 && !walk(values, message.sname, DHCP_SNAME_LENGTH)) return false
  return routesRead(values)
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
      if (code == DhcpOption.DnsServer) return takeNameServers(values, value, size)
      return takeWord(values, code, loadBe32(value, 0))
    case DhcpOption.DomainName:
      return takeDomain(values, value, size)
    case DhcpOption.ClasslessRoutes:
      return join(values, value, size)
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

/** The first NAME_SERVER_LIMIT of the first such option, in the server's order of preference. RFC 2132 §3.8. */
function takeNameServers(values: DhcpValues, value: ptr, size: u32): boolean {
  if (values.nameServerCount != 0) return true
  for (let i: u32 = 0; i < size && values.nameServerCount < NAME_SERVER_LIMIT; i += 4) {
    nth(values.nameServers, values.nameServerCount).address = loadBe32(value, i)
    values.nameServerCount += 1
  }
  return true
}

/** Option 15: text, with or without a zero at the end. What is not printed ASCII, or too long, is not kept. */
function takeDomain(values: DhcpValues, value: ptr, size: u32): boolean {
  let length: u32 = size
  while (length > 0 && load8(value, length - 1) == 0) length -= 1
  if (size == 0) return false
  if (length == 0 || length >= DOMAIN_LIMIT || load8(values.domain, 0) != 0) return true
  for (let i: u32 = 0; i < length; i++) {
    if (load8(value, i) <= 0x20 || load8(value, i) > 0x7e) return true
  }
  copyBytes(values.domain, value, length)
  store8(values.domain, length, 0)
  return true
}

/** RFC 3396 §5: the parts of the option, wherever they are, are one. */
function join(values: DhcpValues, value: ptr, size: u32): boolean {
  values.classless = true
  if (joinedLength + size > JOINED_LIMIT) return false
  copyBytes(plus(joined, joinedLength), value, size)
  joinedLength += size
  return true
}

/** RFC 3442 "Classless Static Route Option": width, as many octets as that needs, router. */
function routesRead(values: DhcpValues): boolean {
  if (!values.classless) return true
  if (joinedLength < 5) return false
  let i: u32 = 0
  while (i < joinedLength) {
    const width: u32 = load8(joined, i)
    if (width > 32) return false
    const octets: u32 = (width + 7) / 8
    if (i + 1 + octets + 4 > joinedLength) return false
    let network: u32 = 0
    for (let k: u32 = 0; k < 4; k++) network = (network << 8) | (k < octets ? load8(joined, i + 1 + k) : 0)
    if (values.routeCount < DHCP_ROUTE_LIMIT) {
      const route = nth(values.routes, values.routeCount)
      route.network = network & maskOf(width)
      route.prefixLength = width
      route.router = loadBe32(joined, i + 1 + octets)
      values.routeCount += 1
    }
    i += 1 + octets + 4
  }
  return true
}
