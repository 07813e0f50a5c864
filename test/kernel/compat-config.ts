// RustOS's DHCP and DNS faces as their tests call them.

import {
  address, nth, sizeof, staticMemory, staticRow, staticStruct, type cstring, type i32, type ptr, type u32,
} from '../../kernel/lib/layout.ts'
import { load32, storeBe32 } from '../../kernel/lib/intrinsics.ts'
import { copyBytes, stringLength, zeroBytes } from '../../kernel/lib/memory.ts'
import { DhcpClientStats, DhcpLease, DhcpPacket, dhcpClient } from '../../kernel/net/compat/dhcp.ts'
import {
  DnsMessage, DnsResolver, DnsResolverStats, asIpv4Address, asText, extractIpv4Addresses,
} from '../../kernel/net/compat/dns.ts'
import { NetworkAddress } from '../../kernel/net/compat/address.ts'
import { DnsAnswer, DnsStatus, dnsCacheStore } from '../../kernel/net/dns/cache.ts'
import { DnsRecord, dnsRecordNext } from '../../kernel/net/dns/message.ts'
import { dnsNameFromText } from '../../kernel/net/dns/name.ts'

export { dhcpStateName } from '../../kernel/net/compat/dhcp.ts'

const packet = staticStruct<DhcpPacket>()
const lease = staticStruct<DhcpLease>()
const clientStats = staticStruct<DhcpClientStats>()
const query = staticStruct<DnsMessage>()
const reply = staticStruct<DnsMessage>()
const record = staticStruct<DnsRecord>()
const answer = staticStruct<DnsAnswer>()
const stats = staticStruct<DnsResolverStats>()
const addresses = staticRow<NetworkAddress>(4)
const name = staticMemory(256)

export function dhcpDiscover(p: ptr, room: u32, xid: u32, mac: ptr): i32 {
  const result = packet.createDiscover(p, room, xid, mac)
  return result == 0 ? packet.length as number as i32 : result
}
export function dhcpRequest(p: ptr, room: u32, xid: u32, mac: ptr, requested: u32, server: u32): i32 {
  const result = packet.createRequest(p, room, xid, mac, requested, server)
  return result == 0 ? packet.length as number as i32 : result
}
export function dhcpFrom(p: ptr, length: u32): i32 { return packet.fromBytes(p, length) }
export function dhcpType(): u32 { return packet.messageType() }
export function dhcpLeaseTime(): u32 { return packet.getLeaseTime() }
export function dhcpYour(): u32 { return packet.message.yiaddr }
export function clientState(name: cstring): u32 { return dhcpClient(name)!.state }
export function clientLease(name: cstring): boolean { return dhcpClient(name)!.lease(lease) }
export function clientThere(name: cstring): boolean { return dhcpClient(name) != null }
export function clientStat(name: cstring, field: u32): u32 {
  dhcpClient(name)!.stats(clientStats)
  return load32(address(clientStats), field * 4)
}
export function leaseField(field: u32): u32 {
  switch (field) {
    case 0: return lease.ipAddress
    case 1: return lease.subnetMask
    case 2: return lease.gateway
    case 3: return lease.dnsServerCount
    case 4: return lease.leaseTime
    case 5: return lease.renewalTime
    case 6: return lease.rebindingTime
    default: return lease.startTime
  }
}
/** Bits: 1 expired, 2 to be renewed, 4 to be rebound, so many seconds after the start. */
export function leaseAfter(seconds: u32): u32 {
  const now: u32 = lease.startTime + seconds
  return (lease.isExpired(now) ? 1 : 0) | (lease.needsRenewal(now) ? 2 : 0) | (lease.needsRebinding(now) ? 4 : 0)
}

export function dnsQuery(p: ptr, room: u32, id: u32, text: cstring, type: u32): i32 {
  const result = query.newQuery(p, room, id, text, type)
  return result == 0 ? query.length as number as i32 : result
}
export function dnsResponse(p: ptr, room: u32): i32 {
  const result = reply.newResponse(p, room, query)
  return result == 0 ? reply.length as number as i32 : result
}
export function dnsFrom(p: ptr, length: u32): i32 { return reply.fromBytes(p, length) }
export function dnsFirst(): boolean { return reply.firstRecord(record) }
export function dnsNext(): boolean { return dnsRecordNext(record) }
export function dnsType(): u32 { return record.type }
export function dnsAddress(): i32 {
  const result = asIpv4Address(record, addresses)
  return result == 0 ? addresses.asIpv4 as number as i32 : result
}
export function dnsText(to: ptr, room: u32): i32 { return asText(record, to, room) }
export function dnsExtract(room: u32): u32 { return extractIpv4Addresses(reply, addresses, room) }
export function dnsExtracted(index: u32): u32 { return nth(addresses, index).asIpv4 }
/** Have the cache know one address of a name. */
export function dnsKnow(text: cstring, a: u32, timeToLive: u32): void {
  zeroBytes(address(answer), sizeof<DnsAnswer>())
  dnsNameFromText(name, text as ptr, stringLength(text))
  answer.status = DnsStatus.Found
  answer.type = 1
  answer.count = 1
  answer.timeToLive = timeToLive
  storeBe32(answer.addresses, 0, a)
  copyBytes(answer.canonical, name, 256)
  dnsCacheStore(name, 1, answer)
}
export function dnsCached(text: cstring): u32 { return DnsResolver.resolveIpv4(text, addresses) ? addresses.asIpv4 : 0 }
export function dnsCleanup(): void { DnsResolver.cleanupCache() }
export function dnsClear(): void { DnsResolver.clearCache() }
export function dnsStat(field: u32): u32 {
  DnsResolver.stats(stats)
  return load32(address(stats), field * 4)
}
function given(a: u32): NetworkAddress {
  if (a == 0) addresses.mac(name)
  else addresses.setIpv4(a)
  return addresses
}
export function dnsAdd(a: u32): i32 { return DnsResolver.addServer(given(a)) }
export function dnsRemove(a: u32): i32 { return DnsResolver.removeServer(given(a)) }
export function dnsServers(): u32 { return DnsResolver.servers() }
export function dnsServer(index: u32): u32 {
  DnsResolver.serverAt(index, addresses)
  return addresses.asIpv4
}
