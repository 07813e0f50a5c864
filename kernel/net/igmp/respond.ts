// When what is said: first reports and their repetitions, answers to queries, and what changes with the version that
// the routers speak. RFC 3376 §5, §7.2; RFC 2236 §3. Main-loop context only.

import { timerActive, timerStart, timerStop, type Timer } from '../../lib/timer.ts'
import { nowMilliseconds } from '../../lib/clock.ts'
import { randomBelow } from '../../lib/random.ts'
import { address, at, nth, offsetof, plus, sizeof, type u32 } from '../../lib/layout.ts'
import type { Ipv4Address } from '../ipv4/address.ts'
import { IgmpQuery, SourceAddress } from './header.ts'
import {
  ASKED_LIMIT, IgmpInterface, igmpOf, isMember, isReported, membershipOf, membershipTidy,
  type GroupSource, type Membership,
} from './membership.ts'
import {
  igmpSendLeave, igmpSendReport, reportAsked, reportBegin, reportChange, reportEnd, reportState,
} from './report.ts'

/** Unsolicited Report Interval, milliseconds: RFC 3376 §8.11, and RFC 2236 §8.10 for versions 1 and 2. */
const UNSOLICITED_INTERVAL: u32 = 1000
const UNSOLICITED_INTERVAL_2: u32 = 10_000

/** The version to speak: that of the oldest router lately heard. RFC 3376 §7.2.1. */
export function igmpVersion(igmp: IgmpInterface): u32 {
  if (timerActive(igmp.version1Timer)) return 1
  return timerActive(igmp.version2Timer) ? 2 : 3
}

/** After sockets came or went and something changed; `was`: the interface was in the group before. */
export function igmpChanged(m: Membership, was: boolean): void {
  const igmp = igmpOf(m.netif)
  if (!isReported(m) || !m.netif.up) {
    forgetPending(m)
    return membershipTidy(m)
  }
  const version = igmpVersion(igmp)
  if (version == 3) return sendChanges(igmp)
  const is = isMember(m)
  if (is && was) return clearChanges(m)
  forgetPending(m)
  if (is) joined(m, igmp, version)
  else if (version == 2 && m.lastReporter) igmpSendLeave(m)
  membershipTidy(m)
}

/** RFC 2236 §3: reported at once, and again within ten seconds. */
function joined(m: Membership, igmp: IgmpInterface, version: u32): void {
  igmpSendReport(m, version)
  m.lastReporter = true
  m.unsolicited = igmp.robustness - 1
  if (m.unsolicited != 0) timerStart(m.timer, 1 + randomBelow(UNSOLICITED_INTERVAL_2), groupTimer)
}

/** Say every change that still has to be said, of all groups together, and come back for the next time. */
function sendChanges(igmp: IgmpInterface): void {
  let left: boolean = false
  reportBegin(igmp.netif)
  let each: Membership | null = igmp.first
  while (each != null) {
    const following: Membership | null = each.next
    reportChange(each)
    if (hasChanges(each)) left = true
    membershipTidy(each)
    each = following
  }
  reportEnd()
  if (left) timerStart(igmp.changeTimer, 1 + randomBelow(UNSOLICITED_INTERVAL), changeTimer)
  else timerStop(igmp.changeTimer)
}

function changeTimer(timer: Timer): void {
  sendChanges(at<IgmpInterface>(plus(address(timer), 0 - offsetof<IgmpInterface>('changeTimer'))))
}

function hasChanges(m: Membership): boolean {
  if (m.modeChanges != 0) return true
  let each: GroupSource | null = m.sources
  while (each != null) {
    if (each.changes != 0) return true
    each = each.next
  }
  return false
}

function clearChanges(m: Membership): void {
  m.modeChanges = 0
  let each: GroupSource | null = m.sources
  while (each != null) {
    each.changes = 0
    each = each.next
  }
}

/** Nothing more is to be said of a group, for now. */
function forgetPending(m: Membership): void {
  timerStop(m.timer)
  m.askedCount = 0
  m.unsolicited = 0
  clearChanges(m)
}

/** Nothing more is to be said: the version has changed (RFC 3376 §7.2.1), or there is no link to say it on. */
export function igmpForgetPending(igmp: IgmpInterface): void {
  timerStop(igmp.responseTimer)
  timerStop(igmp.changeTimer)
  let each: Membership | null = igmp.first
  while (each != null) {
    const following: Membership | null = each.next
    forgetPending(each)
    membershipTidy(each)
    each = following
  }
}

/** Say everything anew, as if all groups had just been joined: the link is another one. */
export function igmpReportAll(igmp: IgmpInterface): void {
  let each: Membership | null = igmp.first
  while (each != null) {
    if (isReported(each)) sayAnew(each, igmp.robustness)
    each = each.next
  }
  sendChanges(igmp)
}

function sayAnew(m: Membership, times: u32): void {
  if (m.exclude) {
    m.modeChanges = times
    return
  }
  let each: GroupSource | null = m.sources
  while (each != null) {
    if (each.allowed) each.changes = times
    each = each.next
  }
}

// --- Answers. ---------------------------------------------------------------------------------------------

/** A general query, to be answered within `limit` milliseconds. */
export function igmpAnswerAll(igmp: IgmpInterface, limit: u32): void {
  if (igmpVersion(igmp) == 3) return sooner(igmp.responseTimer, limit, responseTimer)
  let each: Membership | null = igmp.first
  while (each != null) {
    if (isReported(each) && isMember(each)) answerOld(each, limit)
    each = each.next
  }
}

/** RFC 2236 §3: a timer that runs is only set anew if it would be too late. */
function answerOld(m: Membership, limit: u32): void {
  if (!timerActive(m.timer) || remaining(m.timer) > limit) timerStart(m.timer, delay(limit), groupTimer)
}

/** RFC 3376 §5.2: at a random moment within the limit, unless a pending answer comes earlier. */
function sooner(timer: Timer, limit: u32, fired: (timer: Timer) => void): void {
  const wait: u32 = delay(limit)
  if (!timerActive(timer) || remaining(timer) > wait) timerStart(timer, wait, fired)
}

function delay(limit: u32): u32 {
  return 1 + (limit > 1 ? randomBelow(limit) : 0)
}

function remaining(timer: Timer): u32 {
  return timer.expires - nowMilliseconds()
}

/**
 * A query about one group: all of it, or the `count` sources that follow `query`, within `limit` milliseconds. A
 * pending answer is widened, and given earlier if need be. RFC 3376 §5.2.
 */
export function igmpAnswerGroup(m: Membership, limit: u32, query: IgmpQuery, count: u32): void {
  if (!isReported(m) || !isMember(m)) return
  if (igmpVersion(igmpOf(m.netif)) != 3) return answerOld(m, limit)
  const pending: boolean = timerActive(m.timer)
  const whole: boolean = count == 0 || (pending && m.askedCount == 0)
  if (whole || !pending) m.askedCount = 0
  if (!whole) remember(m, query, count)
  sooner(m.timer, limit, groupTimer)
}

/** Note which sources are asked for; when they are too many, none: then the whole group is reported. */
function remember(m: Membership, query: IgmpQuery, count: u32): void {
  let source = plus(address(query), sizeof<IgmpQuery>())
  for (let i: u32 = 0; i < count; i++) {
    if (!rememberOne(m, at<SourceAddress>(source).address)) {
      m.askedCount = 0
      return
    }
    source = plus(source, sizeof<SourceAddress>())
  }
}

function rememberOne(m: Membership, source: Ipv4Address): boolean {
  for (let i: u32 = 0; i < m.askedCount; i++) {
    if (nth(m.asked, i).address == source) return true
  }
  if (m.askedCount == ASKED_LIMIT) return false
  nth(m.asked, m.askedCount).address = source
  m.askedCount += 1
  return true
}

function responseTimer(timer: Timer): void {
  const igmp = at<IgmpInterface>(plus(address(timer), 0 - offsetof<IgmpInterface>('responseTimer')))
  reportBegin(igmp.netif)
  let each: Membership | null = igmp.first
  while (each != null) {
    if (isMember(each)) reportState(each)
    each = each.next
  }
  reportEnd()
}

function groupTimer(timer: Timer): void {
  const m = membershipOf(timer)
  const version = igmpVersion(igmpOf(m.netif))
  if (version == 3) return answerGroup(m)
  igmpSendReport(m, version)
  m.lastReporter = true
  if (m.unsolicited == 0) return
  m.unsolicited -= 1
  if (m.unsolicited != 0) timerStart(timer, 1 + randomBelow(UNSOLICITED_INTERVAL_2), groupTimer)
}

function answerGroup(m: Membership): void {
  if (!isMember(m)) return // left meanwhile, which was said
  reportBegin(m.netif)
  if (m.askedCount == 0) reportState(m)
  else reportAsked(m)
  reportEnd()
  m.askedCount = 0
}
