// A connection that moves on says that its next hop carries what is sent, so that ARP need not ask. RFC 4861 §7.3.1,
// RFC 1122 §2.3.2.1 (4). Main-loop context only.

import { nowMilliseconds } from '../../lib/clock.ts'
import type { u32 } from '../../lib/layout.ts'
import { pathFind } from '../ipv4/route.ts'
import { ipv4Confirm } from '../ipv4/transmit.ts'
import type { TcpControlBlock } from './control-block.ts'

/** Milliseconds from one such word to the next: less than ARP waits for it, ARP_DELAY. */
const INTERVAL: u32 = 1000

/** Something new was acknowledged, or came: then what was sent, data or acknowledgments, arrives. */
export function progress(tcb: TcpControlBlock): void {
  if (nowMilliseconds() - tcb.progressAt < INTERVAL) return
  tcb.progressAt = nowMilliseconds()
  const path = pathFind(tcb.remoteAddress)
  if (path != null) ipv4Confirm(path)
}
