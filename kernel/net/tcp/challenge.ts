// Challenge acknowledgments: what a segment gets that may be an attacker's. Bounded. RFC 5961 §7, §10. Main-loop context only.

import { TCP_CHALLENGES } from '../../config.ts'
import { nowMilliseconds } from '../../lib/clock.ts'
import type { u32 } from '../../lib/layout.ts'
import { randomBelow } from '../../lib/random.ts'
import type { TcpControlBlock } from './control-block.ts'
import { ackSend } from './output.ts'
import { tcpCounters } from './stats.ts'

const SECOND: u32 = 1000
/** Of one connection: two segments within this time get one answer. Linux's tcp_invalid_ratelimit. */
const INTERVAL: u32 = 500

let since: u32 = 0
let left: u32 = 0

/** As if none had been sent. */
export function challengesInit(): void {
  since = nowMilliseconds()
  left = TCP_CHALLENGES
}

/**
 * Whether one more may be sent. How many a second is drawn anew each second: an attacker could count the answers to his
 * own segments to learn of others' (CVE-2016-5696).
 */
export function challengeAllowed(): boolean {
  if (nowMilliseconds() - since >= SECOND) {
    since = nowMilliseconds()
    left = (TCP_CHALLENGES >>> 1) + randomBelow(TCP_CHALLENGES)
  }
  if (left == 0) {
    tcpCounters.challengesLimited += 1
    return false
  }
  left -= 1
  return true
}

/** Ask the peer whether it meant that: <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>. RFC 5961 §3.2, §4.2, §5.2. */
export function challenge(tcb: TcpControlBlock): void {
  if (tcb.challengedAt != 0 && nowMilliseconds() - tcb.challengedAt < INTERVAL) return
  if (!challengeAllowed()) return
  tcb.challengedAt = nowMilliseconds() | 1
  tcpCounters.challenges += 1
  ackSend(tcb)
}
