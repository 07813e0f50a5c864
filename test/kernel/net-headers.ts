// Every header's fields by number, for tests: read from bytes, and written to bytes.

import { at, type ptr, type u32 } from '../../kernel/lib/layout.ts'
import { ArpPacket } from '../../kernel/net/arp/header.ts'
import { DhcpMessage } from '../../kernel/net/dhcp/header.ts'
import { EthernetHeader } from '../../kernel/net/ethernet/header.ts'
import { IcmpHeader } from '../../kernel/net/icmp/header.ts'
import { Ipv4Header } from '../../kernel/net/ipv4/header.ts'
import { UdpHeader } from '../../kernel/net/udp/header.ts'

export function ethernetType(p: ptr): u32 {
  return at<EthernetHeader>(p).type
}

export function ethernetTypeSet(p: ptr, value: u32): void {
  at<EthernetHeader>(p).type = value
}

export function ethernetSourceOf(p: ptr): ptr {
  return at<EthernetHeader>(p).source
}

/** Fields in the order of the wire. */
export function ipv4Field(p: ptr, index: u32): u32 {
  const ip = at<Ipv4Header>(p)
  switch (index) {
    case 0: return ip.versionIhl
    case 1: return ip.dscpEcn
    case 2: return ip.totalLength
    case 3: return ip.identification
    case 4: return ip.flagsFragment
    case 5: return ip.timeToLive
    case 6: return ip.protocol
    case 7: return ip.headerChecksum
    case 8: return ip.source
    case 9: return ip.destination
    default: return 0
  }
}

export function ipv4FieldSet(p: ptr, index: u32, value: u32): void {
  const ip = at<Ipv4Header>(p)
  switch (index) {
    case 0: ip.versionIhl = value; break
    case 1: ip.dscpEcn = value; break
    case 2: ip.totalLength = value; break
    case 3: ip.identification = value; break
    case 4: ip.flagsFragment = value; break
    case 5: ip.timeToLive = value; break
    case 6: ip.protocol = value; break
    case 7: ip.headerChecksum = value; break
    case 8: ip.source = value; break
    case 9: ip.destination = value; break
  }
}

/** version, header length in bytes, more fragments, fragment offset in bytes, is a fragment. */
export function ipv4Derived(p: ptr, index: u32): u32 {
  const ip = at<Ipv4Header>(p)
  switch (index) {
    case 0: return ip.version
    case 1: return ip.headerLength
    case 2: return ip.moreFragments ? 1 : 0
    case 3: return ip.fragmentOffset
    default: return ip.isFragment ? 1 : 0
  }
}

export function ipv4Seal(p: ptr): void {
  at<Ipv4Header>(p).seal()
}

export function arpField(p: ptr, index: u32): u32 {
  const arp = at<ArpPacket>(p)
  switch (index) {
    case 0: return arp.hardwareType
    case 1: return arp.protocolType
    case 2: return arp.hardwareLength
    case 3: return arp.protocolLength
    case 4: return arp.operation
    case 5: return arp.senderMac
    case 6: return arp.senderAddress
    case 7: return arp.targetMac
    case 8: return arp.targetAddress
    default: return 0
  }
}

export function arpFieldSet(p: ptr, index: u32, value: u32): void {
  const arp = at<ArpPacket>(p)
  switch (index) {
    case 0: arp.hardwareType = value; break
    case 1: arp.protocolType = value; break
    case 2: arp.hardwareLength = value; break
    case 3: arp.protocolLength = value; break
    case 4: arp.operation = value; break
    case 6: arp.senderAddress = value; break
    case 8: arp.targetAddress = value; break
  }
}

export function icmpField(p: ptr, index: u32): u32 {
  const icmp = at<IcmpHeader>(p)
  switch (index) {
    case 0: return icmp.type
    case 1: return icmp.code
    case 2: return icmp.checksum
    case 3: return icmp.identifier
    case 4: return icmp.sequence
    default: return 0
  }
}

export function icmpFieldSet(p: ptr, index: u32, value: u32): void {
  const icmp = at<IcmpHeader>(p)
  switch (index) {
    case 0: icmp.type = value; break
    case 1: icmp.code = value; break
    case 2: icmp.checksum = value; break
    case 3: icmp.identifier = value; break
    case 4: icmp.sequence = value; break
  }
}

export function udpField(p: ptr, index: u32): u32 {
  const udp = at<UdpHeader>(p)
  switch (index) {
    case 0: return udp.sourcePort
    case 1: return udp.destinationPort
    case 2: return udp.length
    case 3: return udp.checksum
    default: return 0
  }
}

export function udpFieldSet(p: ptr, index: u32, value: u32): void {
  const udp = at<UdpHeader>(p)
  switch (index) {
    case 0: udp.sourcePort = value; break
    case 1: udp.destinationPort = value; break
    case 2: udp.length = value; break
    case 3: udp.checksum = value; break
  }
}

export function dhcpField(p: ptr, index: u32): u32 {
  const message = at<DhcpMessage>(p)
  switch (index) {
    case 0: return message.op
    case 1: return message.htype
    case 2: return message.hlen
    case 3: return message.hops
    case 4: return message.xid
    case 5: return message.secs
    case 6: return message.flags
    case 7: return message.ciaddr
    case 8: return message.yiaddr
    case 9: return message.siaddr
    case 10: return message.giaddr
    case 11: return message.chaddr
    case 12: return message.sname
    case 13: return message.file
    case 14: return message.magic
    default: return 0
  }
}

export function dhcpFieldSet(p: ptr, index: u32, value: u32): void {
  const message = at<DhcpMessage>(p)
  switch (index) {
    case 0: message.op = value; break
    case 1: message.htype = value; break
    case 2: message.hlen = value; break
    case 3: message.hops = value; break
    case 4: message.xid = value; break
    case 5: message.secs = value; break
    case 6: message.flags = value; break
    case 7: message.ciaddr = value; break
    case 8: message.yiaddr = value; break
    case 9: message.siaddr = value; break
    case 10: message.giaddr = value; break
    case 14: message.magic = value; break
  }
}
