// Why packets end, and how often: one enum of reasons, one counter a reason, one function that frees.
//
// Every place that gives a packet up for a reason says `return drop(packet, Drop.X)`: nothing vanishes without a
// number somebody can read. Main-loop context only. Counters wrap at 2^32.

import { fillBytes } from '../lib/memory.ts'
import { address, nth, sizeof, staticRow, staticStruct, struct, type cstring, type u32 } from '../lib/layout.ts'
import { packetFree, type Packet } from '../drivers/net/packet.ts'

/** Why a packet was given up. `dropName` has the words; the order is that of the layers, bottom up. */
export const enum Drop {
  None,
  InterfaceDown,
  EthernetTruncated,
  EthernetSource, // a group address, or none, as the sender: IEEE 802.3 §3.2.3
  EthernetNotForUs,
  EthernetLength, // an IEEE 802.3 length where Ethernet II has a type
  EthernetVlan, // tagged, and no such VLAN here
  EthernetNested, // a tag inside a tag: IEEE 802.1Q §6.9 has us look at one
  EthernetType,
  ArpTruncated,
  ArpFormat, // not Ethernet and IPv4
  ArpOperation,
  ArpSender, // no single host could have sent this
  ArpConflict, // somebody else uses our address
  ArpNotForUs,
  ArpQueueFull,
  ArpUnresolved,
  ArpEvicted,
  Ipv4Truncated,
  Ipv4Version,
  Ipv4HeaderLength,
  Ipv4TotalLength,
  Ipv4Checksum,
  Ipv4Source,
  Ipv4LinkBroadcast, // broadcast on the link, one host in the header: RFC 1122 §3.3.6
  Ipv4OtherHost, // seen only because the interface is promiscuous
  Ipv4NotForUs,
  Ipv4Loopback, // 127/8 from a wire, or what is not ours from `lo`: RFC 1122 §3.2.1.3 (g)
  Ipv4Options, // they make no sense: RFC 791 §3.1
  Ipv4Segments, // the card calls it TCP in one piece, and it is not
  Ipv4SourceRoute, // a route chosen by the sender: refused, RFC 7126 §4.3, §4.4
  FragmentSize, // no data, not a multiple of eight bytes, or past 65,535: RFC 791 §3.2
  FragmentTiny, // a first fragment without the whole of TCP's fixed header, or one at byte 8: RFC 1858 §3
  FragmentOverlap, // it, and all of its datagram: RFC 5722 §4
  FragmentDuplicate, // there already, the same bytes
  FragmentLimit, // more buffers than a datagram, or all of them, may hold
  FragmentTimeout,
  FragmentCongestion, // marked CE beside fragments that can not be: RFC 3168 §5.3
  ForwardRefused, // to or from an address that is not routed, or not addressed to us on the link: RFC 1812 §5.3
  ForwardTimeToLive,
  ForwardNoRoute,
  ForwardTooLong, // over the next link's MTU, and must not be fragmented
  ForwardChecksum, // the card left a checksum open where there is none
  Ipv4Protocol,
  IcmpTruncated,
  IcmpChecksum,
  IcmpType,
  IcmpEchoGroup, // an echo request to a broadcast or multicast address
  IcmpEchoUnmatched, // an echo reply nobody asked for
  IcmpError, // an error about a packet of ours, told to whoever sent that
  IcmpErrorQuote, // an error that does not quote a packet of ours
  IcmpErrorUnmatched, // an error about a packet that nobody here has sent
  IcmpRedirect, // not followed
  IcmpSourceQuench, // RFC 6633 §3: ignored
  IgmpTruncated,
  IgmpChecksum,
  IgmpType, // unknown, or what only routers read
  IgmpQuery, // a length or a group that no query has
  UdpTruncated,
  UdpLength,
  UdpChecksum,
  UdpPort,
  TcpTruncated,
  TcpHeaderLength,
  TcpGroup, // sent to more than one host: RFC 1122 §4.2.3.10
  TcpChecksum,
  TcpNoConnection, // for no connection and no listener: RFC 9293 §3.10.7.1
  TcpSequence, // not acceptable: RFC 9293 §3.10.7.4, first
  TcpPaws, // older than what came before, by its timestamp: RFC 7323 §5.3
  TcpReset, // a reset that is not to the octet: RFC 5961 §3.2
  TcpSyn, // a SYN on a connection: RFC 5961 §4.2
  TcpNoAck, // no acknowledgment where there must be one
  TcpAck, // of what was not sent, or long ago: RFC 5961 §5.2
  TcpUnexpected, // makes no sense in its state
  TcpListen, // a listener has no room: the queue of connections is full
  TcpMemory, // no room for data, or for a connection
  TcpShut, // data that nobody will read
  SocketFull, // the receive queue's bytes: the oldest goes, or what is longer than all of it
  SocketShare, // the packets sockets may hold: SOCKET_PACKET_SHARE
  SocketShut, // nobody will read it
  SocketCopy, // no packet for another receiver's copy
  ServiceRefused, // a service that must not answer this sender
  DhcpMessage,
  DnsMessage, // no answer to what was asked
  OutputTooLong, // more than the MTU
  OutputNoRoom, // the buffer has no place for the header or the padding
  OutputHeader, // a header made elsewhere that makes no sense
  OutputNoRoute,
  Count,
}

@struct
export class DropCounter {
  packets: u32
}

/** What the layers did, apart from dropping. */
@struct
export class NetCounters {
  arpRequestsSent: u32
  arpRequestsReceived: u32
  arpRepliesSent: u32
  arpRepliesReceived: u32
  arpConflicts: u32
  arpEvictions: u32
  arpProbesSent: u32 // requests too
  arpAnnouncementsSent: u32 // requests too
  arpGratuitous: u32 // announcements received
  arpViolations: u32 // neighbours that changed their link address, or were said to
  arpHits: u32 // packets sent at once
  arpMisses: u32 // packets that had to wait for an answer
  ipv4Received: u32
  ipv4Delivered: u32
  ipv4Sent: u32
  ipv4Forwarded: u32
  ipv4FragmentsReceived: u32
  ipv4Reassembled: u32
  ipv4FragmentsSent: u32
  ipv4Fragmented: u32 // packets that were sent in fragments
  ipv4Segmented: u32 // TCP packets that no card cut
  ipv4PathMtuLearned: u32 // path MTUs that were lowered: RFC 1191 §3
  icmpEchoRequestsReceived: u32
  icmpEchoRepliesSent: u32
  icmpEchoRequestsSent: u32
  icmpEchoRepliesReceived: u32
  icmpErrorsSent: u32
  icmpErrorsLimited: u32 // not sent: the token bucket was empty
  icmpErrorsReceived: u32 // about packets of ours
  icmpErrorsSuppressed: u32 // not sent: RFC 1122 §3.2.2 forbids one here
  igmpQueriesReceived: u32
  igmpReportsReceived: u32 // of other members, versions 1 and 2
  igmpReportsSent: u32
  igmpLeavesSent: u32
  udpReceived: u32
  udpSent: u32
}

/** Room for reasons: more than Drop.Count. */
const DROP_LIMIT: u32 = 128

const drops = staticRow<DropCounter>(DROP_LIMIT)
export const counters = staticStruct<NetCounters>()

/** Set every counter to 0. */
export function statsInit(): void {
  fillBytes(address(drops), 0, DROP_LIMIT * sizeof<DropCounter>())
  fillBytes(address(counters), 0, sizeof<NetCounters>())
}

/** Give a packet, and what is chained to it, back to the pool, and count why. */
export function drop(packet: Packet, reason: Drop): void {
  nth(drops, reason).packets += 1
  packetFree(packet)
}

/** Count a reason where there is no packet to free, or somebody else frees it. */
export function countDrop(reason: Drop): void {
  nth(drops, reason).packets += 1
}

/** Packets dropped for `reason`. */
export function dropCount(reason: Drop): u32 {
  return nth(drops, reason).packets
}

/** Packets dropped for any reason. */
export function dropTotal(): u32 {
  let total: u32 = 0
  for (let reason: u32 = 1; reason < Drop.Count; reason++) total += nth(drops, reason).packets
  return total
}

/** The name of a reason, as the log and the status page print it. */
export function dropName(reason: Drop): cstring {
  switch (reason) {
    case Drop.None: return 'none'
    case Drop.InterfaceDown: return 'interface-down'
    case Drop.EthernetTruncated: return 'ethernet-truncated'
    case Drop.EthernetSource: return 'ethernet-source'
    case Drop.EthernetNotForUs: return 'ethernet-not-for-us'
    case Drop.EthernetLength: return 'ethernet-length'
    case Drop.EthernetVlan: return 'ethernet-vlan'
    case Drop.EthernetNested: return 'ethernet-nested'
    case Drop.EthernetType: return 'ethernet-type'
    case Drop.ArpTruncated: return 'arp-truncated'
    case Drop.ArpFormat: return 'arp-format'
    case Drop.ArpOperation: return 'arp-operation'
    case Drop.ArpSender: return 'arp-sender'
    case Drop.ArpConflict: return 'arp-conflict'
    case Drop.ArpNotForUs: return 'arp-not-for-us'
    case Drop.ArpQueueFull: return 'arp-queue-full'
    case Drop.ArpUnresolved: return 'arp-unresolved'
    case Drop.ArpEvicted: return 'arp-evicted'
    default: return dropNameUpper(reason)
  }
}

function dropNameUpper(reason: Drop): cstring {
  switch (reason) {
    case Drop.Ipv4Truncated: return 'ipv4-truncated'
    case Drop.Ipv4Version: return 'ipv4-version'
    case Drop.Ipv4HeaderLength: return 'ipv4-header-length'
    case Drop.Ipv4TotalLength: return 'ipv4-total-length'
    case Drop.Ipv4Checksum: return 'ipv4-checksum'
    case Drop.Ipv4Source: return 'ipv4-source'
    case Drop.Ipv4LinkBroadcast: return 'ipv4-link-broadcast'
    case Drop.Ipv4OtherHost: return 'ipv4-other-host'
    case Drop.Ipv4NotForUs: return 'ipv4-not-for-us'
    case Drop.Ipv4Loopback: return 'ipv4-loopback'
    case Drop.Ipv4Options: return 'ipv4-options'
    case Drop.Ipv4Segments: return 'ipv4-segments'
    case Drop.Ipv4SourceRoute: return 'ipv4-source-route'
    case Drop.FragmentSize: return 'fragment-size'
    case Drop.FragmentTiny: return 'fragment-tiny'
    case Drop.FragmentOverlap: return 'fragment-overlap'
    case Drop.FragmentDuplicate: return 'fragment-duplicate'
    case Drop.FragmentLimit: return 'fragment-limit'
    case Drop.FragmentTimeout: return 'fragment-timeout'
    case Drop.FragmentCongestion: return 'fragment-congestion'
    case Drop.ForwardRefused: return 'forward-refused'
    case Drop.ForwardTimeToLive: return 'forward-time-to-live'
    case Drop.ForwardNoRoute: return 'forward-no-route'
    case Drop.ForwardTooLong: return 'forward-too-long'
    case Drop.ForwardChecksum: return 'forward-checksum'
    case Drop.Ipv4Protocol: return 'ipv4-protocol'
    case Drop.IcmpTruncated: return 'icmp-truncated'
    case Drop.IcmpChecksum: return 'icmp-checksum'
    case Drop.IcmpType: return 'icmp-type'
    case Drop.IcmpEchoGroup: return 'icmp-echo-group'
    case Drop.IcmpEchoUnmatched: return 'icmp-echo-unmatched'
    case Drop.IcmpError: return 'icmp-error'
    case Drop.IcmpErrorQuote: return 'icmp-error-quote'
    case Drop.IcmpErrorUnmatched: return 'icmp-error-unmatched'
    case Drop.IcmpRedirect: return 'icmp-redirect'
    case Drop.IcmpSourceQuench: return 'icmp-source-quench'
    case Drop.IgmpTruncated: return 'igmp-truncated'
    case Drop.IgmpChecksum: return 'igmp-checksum'
    case Drop.IgmpType: return 'igmp-type'
    case Drop.IgmpQuery: return 'igmp-query'
    case Drop.UdpTruncated: return 'udp-truncated'
    case Drop.UdpLength: return 'udp-length'
    case Drop.UdpChecksum: return 'udp-checksum'
    case Drop.UdpPort: return 'udp-port'
    case Drop.TcpTruncated: return 'tcp-truncated'
    case Drop.TcpHeaderLength: return 'tcp-header-length'
    case Drop.TcpGroup: return 'tcp-group'
    case Drop.TcpChecksum: return 'tcp-checksum'
    case Drop.TcpNoConnection: return 'tcp-no-connection'
    case Drop.TcpSequence: return 'tcp-sequence'
    case Drop.TcpPaws: return 'tcp-paws'
    case Drop.TcpReset: return 'tcp-reset'
    case Drop.TcpSyn: return 'tcp-syn'
    case Drop.TcpNoAck: return 'tcp-no-ack'
    case Drop.TcpAck: return 'tcp-ack'
    case Drop.TcpUnexpected: return 'tcp-unexpected'
    case Drop.TcpListen: return 'tcp-listen'
    case Drop.TcpMemory: return 'tcp-memory'
    case Drop.TcpShut: return 'tcp-shut'
    case Drop.SocketFull: return 'socket-full'
    case Drop.SocketShare: return 'socket-share'
    case Drop.SocketShut: return 'socket-shut'
    case Drop.SocketCopy: return 'socket-copy'
    case Drop.ServiceRefused: return 'service-refused'
    case Drop.DhcpMessage: return 'dhcp-message'
    case Drop.DnsMessage: return 'dns-message'
    case Drop.OutputTooLong: return 'output-too-long'
    case Drop.OutputNoRoom: return 'output-no-room'
    case Drop.OutputHeader: return 'output-header'
    case Drop.OutputNoRoute: return 'output-no-route'
    default: return 'unknown'
  }
}
