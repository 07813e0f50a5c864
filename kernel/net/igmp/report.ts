// IGMP messages out. RFC 3376 §4.2, RFC 2236 §2, §3, RFC 1112 §7, appendix I. Main-loop context only.
//
// A version 3 report is begun, given records until it is full, sent, and begun again: reportBegin, records…,
// reportEnd. A record of a list that is too long goes on in the next report, but one that names what is excluded is
// cut instead, and says a little less (RFC 3376 §4.2.16). What can not be sent for want of a packet is as lost as on
// the wire; the repetitions and the router's next query make up for it.
//
// Next: ethernetOutput (ethernet/output.ts).

import { at, nth, sizeof, staticMemory, wire, type Be, type u16, type u32, type u8 } from '../../lib/layout.ts'
import {
  packetAllocate, packetAppend, packetLength, packetPrepend, packetTailRoom, type Packet,
} from '../../drivers/net/packet.ts'
import { checksumOf, packetSum } from '../checksum.ts'
import { EtherType } from '../ethernet/header.ts'
import { ethernetHeadRoom, ethernetOutput } from '../ethernet/output.ts'
import type { NetInterface } from '../interface.ts'
import { macOfGroup, type Ipv4Address } from '../ipv4/address.ts'
import { DONT_FRAGMENT, IpProtocol, Ipv4Header } from '../ipv4/header.ts'
import { Drop, counters, countDrop } from '../stats.ts'
import { GroupRecord, IgmpMessage, IgmpReport, IgmpType, RecordType, SourceAddress } from './header.ts'
import { isReported, sourceAllowed, type GroupSource, type Membership } from './membership.ts'

/** Every router: where version 2 says that it leaves. RFC 2236 §9. */
const ALL_ROUTERS: Ipv4Address = 0xe0000002
/** Routers of version 3. RFC 3376 §4.2.14. */
const VERSION3_ROUTERS: Ipv4Address = 0xe0000016
/** Of 6 words, for the option. */
const VERSION_IHL_ALERT: u32 = 0x46
/** Internetwork control: RFC 3376 §4. */
const TYPE_OF_SERVICE: u32 = 0xc0
/** Messages of IGMP do not leave the link: RFC 3376 §4. */
const TIME_TO_LIVE: u32 = 1
/** RFC 2113 §2.1: copied, control, number 20. */
const ROUTER_ALERT_TYPE: u32 = 0x94

/** RFC 2113 §2.1. */
@wire(4)
class RouterAlert {
  type: u8
  length: u8
  value: Be<u16>
}

const groupMac = staticMemory(8)

/** Version 1 or 2: we are in a group. To the group itself. */
export function igmpSendReport(m: Membership, version: u32): void {
  counters.igmpReportsSent += 1
  send8(m.netif, version == 1 ? IgmpType.Version1Report : IgmpType.Version2Report, m.group, m.group)
}

/** Version 2: we are no longer in a group. */
export function igmpSendLeave(m: Membership): void {
  counters.igmpLeavesSent += 1
  send8(m.netif, IgmpType.Leave, m.group, ALL_ROUTERS)
}

function send8(egress: NetInterface, type: IgmpType, group: Ipv4Address, destination: Ipv4Address): void {
  const packet = allocate(egress)
  if (packet == null) return
  const message = at<IgmpMessage>(packetAppend(packet, sizeof<IgmpMessage>()))
  message.type = type
  message.maxResponseCode = 0
  message.group = group
  message.checksum = 0
  message.checksum = checksumOf(packetSum(packet, 0, 0))
  transmit(egress, packet, destination)
}

function allocate(egress: NetInterface): Packet | null {
  const packet = packetAllocate(ethernetHeadRoom(egress) + sizeof<Ipv4Header>() + sizeof<RouterAlert>())
  if (packet == null) countDrop(Drop.OutputNoRoom)
  return packet
}

/** RFC 3376 §4: time to live 1, precedence 6, the Router Alert option; from 0.0.0.0 if there is no address (§4.2.13). */
function transmit(egress: NetInterface, packet: Packet, destination: Ipv4Address): void {
  const alert = at<RouterAlert>(packetPrepend(packet, sizeof<RouterAlert>()))
  alert.type = ROUTER_ALERT_TYPE
  alert.length = sizeof<RouterAlert>()
  alert.value = 0 // RFC 2113 §2.1: routers shall examine the packet
  const ip = at<Ipv4Header>(packetPrepend(packet, sizeof<Ipv4Header>()))
  ip.versionIhl = VERSION_IHL_ALERT
  ip.dscpEcn = TYPE_OF_SERVICE
  ip.totalLength = packetLength(packet)
  ip.identification = 0 // it is never in fragments: RFC 6864 §4.1
  ip.flagsFragment = DONT_FRAGMENT
  ip.timeToLive = TIME_TO_LIVE
  ip.protocol = IpProtocol.Igmp
  ip.source = egress.first.address
  ip.destination = destination
  ip.seal()
  counters.ipv4Sent += 1
  macOfGroup(groupMac, destination)
  ethernetOutput(egress, packet, groupMac, EtherType.Ipv4) // counted where it fails
}

// --- Version 3. -------------------------------------------------------------------------------------------
let reportEgress: NetInterface | null = null
let report: Packet | null = null
let record: GroupRecord | null = null
let recordCount: u32 = 0

/** What of its sources a record is to name. */
const enum Select { Allowed, Blocked, ChangedAllowed, ChangedBlocked }

/** Begin to collect records for an interface. */
export function reportBegin(egress: NetInterface): void {
  reportEgress = egress
  report = null
  record = null
  recordCount = 0
}

/** Send what was collected. */
export function reportEnd(): void {
  flush()
  reportEgress = null
}

/** Current-State records of a group somebody is in. RFC 3376 §5.2. */
export function reportState(m: Membership): void {
  if (!isReported(m)) return
  if (m.exclude) wholeList(m, RecordType.IsExclude, Select.Blocked)
  else wholeList(m, RecordType.IsInclude, Select.Allowed)
}

/** Those of the sources a query asked for that are let through; nothing if none is. RFC 3376 §5.2. */
export function reportAsked(m: Membership): void {
  for (let i: u32 = 0; i < m.askedCount; i++) {
    const source: Ipv4Address = nth(m.asked, i).address
    if (sourceAllowed(m, source)) recordSource(m, RecordType.IsInclude, source)
  }
  record = null
}

/** What is still to be said of a change, once less. RFC 3376 §5.1. */
export function reportChange(m: Membership): void {
  if (m.modeChanges != 0) {
    m.modeChanges -= 1
    if (m.exclude) wholeList(m, RecordType.ToExclude, Select.Blocked)
    else wholeList(m, RecordType.ToInclude, Select.Allowed)
  } else {
    list(m, RecordType.AllowNew, Select.ChangedAllowed)
    list(m, RecordType.BlockOld, Select.ChangedBlocked)
  }
  let each: GroupSource | null = m.sources
  while (each != null) {
    if (each.changes != 0) each.changes -= 1
    each = each.next
  }
}

/** A record that is there even if it names no source. */
function wholeList(m: Membership, type: RecordType, select: Select): void {
  if (!recordOpen(m, type, 0)) return
  list(m, type, select)
}

function list(m: Membership, type: RecordType, select: Select): void {
  const cut: boolean = type == RecordType.IsExclude || type == RecordType.ToExclude
  let each: GroupSource | null = m.sources
  while (each != null) {
    if (isSelected(each, select)) {
      if (cut && roomLeft() < sizeof<SourceAddress>()) break
      recordSource(m, type, each.address)
    }
    each = each.next
  }
  record = null
}

function isSelected(source: GroupSource, select: Select): boolean {
  switch (select) {
    case Select.Allowed: return source.allowed
    case Select.Blocked: return !source.allowed
    case Select.ChangedAllowed: return source.allowed && source.changes != 0
    default: return !source.allowed && source.changes != 0
  }
}

/** Name a source in the open record, or in one begun for it. */
function recordSource(m: Membership, type: RecordType, source: Ipv4Address): void {
  if (record == null || roomLeft() < sizeof<SourceAddress>()) {
    if (!recordOpen(m, type, sizeof<SourceAddress>())) return
  }
  const open = record as GroupRecord
  at<SourceAddress>(packetAppend(report as Packet, sizeof<SourceAddress>())).address = source
  open.sourceCount += 1
}

/** Begin a record with room for `more` bytes of sources; false without a packet for it. */
function recordOpen(m: Membership, type: RecordType, more: u32): boolean {
  if (report != null && roomLeft() < sizeof<GroupRecord>() + more) flush()
  if (report == null && !reportOpen()) return false
  const opened = at<GroupRecord>(packetAppend(report as Packet, sizeof<GroupRecord>()))
  opened.type = type
  opened.auxiliaryLength = 0
  opened.sourceCount = 0
  opened.group = m.group
  record = opened
  recordCount += 1
  return true
}

function reportOpen(): boolean {
  report = allocate(reportEgress as NetInterface)
  if (report == null) return false
  packetAppend(report, sizeof<IgmpReport>())
  return true
}

/** Bytes that still fit the report: the MTU's, or the buffer's. */
function roomLeft(): u32 {
  const packet = report as Packet
  const headers: u32 = sizeof<Ipv4Header>() + sizeof<RouterAlert>()
  const mtu: u32 = (reportEgress as NetInterface).mtu
  const used: u32 = packetLength(packet) + headers
  const room: u32 = mtu > used ? mtu - used : 0
  const tail: u32 = packetTailRoom(packet)
  return room < tail ? room : tail
}

function flush(): void {
  const packet = report
  if (packet == null) return
  const head = at<IgmpReport>(packet.head)
  head.type = IgmpType.Version3Report
  head.reserved = 0
  head.reserved2 = 0
  head.recordCount = recordCount
  head.checksum = 0
  head.checksum = checksumOf(packetSum(packet, 0, 0))
  report = null
  record = null
  recordCount = 0
  counters.igmpReportsSent += 1
  transmit(reportEgress as NetInterface, packet, VERSION3_ROUTERS)
}
