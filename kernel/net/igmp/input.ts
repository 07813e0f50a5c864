// IGMP messages in: a router's questions, and in versions 1 and 2 what other members say. RFC 3376 §4.1, §5.2, §7;
// RFC 2236 §3. Main-loop context only.
//
// Whatever comes, at most one answer for each group and one for the interface is pending, and a query is answered
// once however many there are: a flood of them costs no more than reading it.

import { timerActive, timerStart, timerStop, type Timer } from '../../lib/timer.ts'
import { address, at, offsetof, plus, type u32 } from '../../lib/layout.ts'
import { packetFree, packetLength, type Packet } from '../../drivers/net/packet.ts'
import type { NetInterface } from '../interface.ts'
import { Ipv4Header } from '../ipv4/header.ts'
import { Drop, counters, drop } from '../stats.ts'
import { IgmpMessage, IgmpQuery, IgmpType, codeValue, igmpFault, igmpQueryFault } from './header.ts'
import { IgmpInterface, igmpOf, membershipFind } from './membership.ts'
import { igmpAnswerAll, igmpAnswerGroup, igmpForgetPending, igmpVersion } from './respond.ts'

/** Bytes of a query of version 1 or 2; one of version 3 has 12 or more. RFC 3376 §7.1. */
const OLD_QUERY: u32 = 8
/** What a query of version 1, which does not say, gives for the answer: RFC 3376 §7.2.1, RFC 1112 §7, appendix I. */
const VERSION1_LIMIT: u32 = 10_000
/** Milliseconds in the unit of a Max Resp Code. */
const RESPONSE_UNIT: u32 = 100

/** One IGMP message, at `head`. */
export function igmpInput(ingress: NetInterface, packet: Packet): void {
  const fault: Drop = igmpFault(packet)
  if (fault != Drop.None) return drop(packet, fault)
  const message = at<IgmpMessage>(packet.head)
  switch (message.type) {
    case IgmpType.Query: return query(ingress, packet)
    case IgmpType.Version1Report: return heard(ingress, packet, message)
    case IgmpType.Version2Report: return heard(ingress, packet, message)
  }
  drop(packet, Drop.IgmpType) // leaves and version 3 reports are for routers
}

/** RFC 2236 §3: another member has spoken, so we need not, and it is not we who must say when nobody is left. */
function heard(ingress: NetInterface, packet: Packet, message: IgmpMessage): void {
  counters.igmpReportsReceived += 1
  const m = membershipFind(ingress, message.group)
  const toGroup: boolean = at<Ipv4Header>(packet.networkHeader).destination == message.group
  if (m != null && toGroup && igmpVersion(igmpOf(ingress)) != 3 && timerActive(m.timer)) {
    timerStop(m.timer)
    m.unsolicited = 0
    m.lastReporter = false
  }
  packetFree(packet)
}

function query(ingress: NetInterface, packet: Packet): void {
  const asked = at<IgmpQuery>(packet.head)
  const length = packetLength(packet)
  const fault: Drop = igmpQueryFault(asked, length)
  if (fault != Drop.None) return drop(packet, fault)
  counters.igmpQueriesReceived += 1
  const igmp = igmpOf(ingress)
  const old: boolean = length == OLD_QUERY
  const limit: u32 = responseLimit(asked, old)
  if (!old) learnFrom(igmp, asked)
  else if (asked.group == 0) olderRouter(igmp, asked.maxResponseCode == 0, limit)

  if (asked.group == 0) igmpAnswerAll(igmp, limit)
  else {
    const m = membershipFind(ingress, asked.group)
    if (m != null) igmpAnswerGroup(m, limit, asked, old ? 0 : asked.sourceCount)
  }
  packetFree(packet)
}

/** The time an answer may take, milliseconds. */
function responseLimit(asked: IgmpQuery, old: boolean): u32 {
  if (old && asked.maxResponseCode == 0) return VERSION1_LIMIT
  return (old ? asked.maxResponseCode : codeValue(asked.maxResponseCode)) * RESPONSE_UNIT
}

/** Robustness and interval are the querier's: RFC 3376 §4.1.6, §4.1.7. 0 stands for "not said". */
function learnFrom(igmp: IgmpInterface, asked: IgmpQuery): void {
  if (asked.querierRobustness != 0) igmp.robustness = asked.querierRobustness
  const interval: u32 = codeValue(asked.intervalCode)
  if (interval != 0) igmp.queryInterval = interval
}

/** A router of version 1 or 2: its version is spoken until it has not been heard for a while. RFC 3376 §7.2.1, §8.12. */
function olderRouter(igmp: IgmpInterface, first: boolean, limit: u32): void {
  const before: u32 = igmpVersion(igmp)
  const present: u32 = igmp.robustness * igmp.queryInterval * 1000 + limit
  if (first) timerStart(igmp.version1Timer, present, version1Gone)
  else timerStart(igmp.version2Timer, present, version2Gone)
  if (igmpVersion(igmp) != before) igmpForgetPending(igmp)
}

function version1Gone(timer: Timer): void {
  igmpForgetPending(at<IgmpInterface>(plus(address(timer), 0 - offsetof<IgmpInterface>('version1Timer'))))
}

function version2Gone(timer: Timer): void {
  const igmp = at<IgmpInterface>(plus(address(timer), 0 - offsetof<IgmpInterface>('version2Timer')))
  if (igmpVersion(igmp) == 3) igmpForgetPending(igmp)
}
