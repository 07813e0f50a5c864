// The stack's two doors for the main loop: frames in, and the doorbell for frames out. Main-loop context only.
//
// Next: nic.poll (drivers/net/nic.ts), which hands each frame to interfaceInput (ethernet/input.ts).

import type { u32 } from '../lib/layout.ts'
import { Level, logEnd, logStart, logText } from '../lib/log.ts'
import { acdLinkUp } from './acd/claim.ts'
import { arpFlush } from './arp/cache.ts'
import { dhcpLinkUp } from './dhcp/client.ts'
import { dnsStreamsPoll } from './dns/stream.ts'
import { multicastUp } from './igmp/join.ts'
import { interfaceFirst, type NetInterface } from './interface.ts'
import { socketsWakeSenders } from './socket/wake.ts'
import { tcpFlush } from './tcp/receive.ts'

/** Take frames from every card, `budget` from each at most, and send what they caused. Returns how many came. */
export function netPoll(budget: u32): u32 {
  let frames: u32 = 0
  let each: NetInterface | null = interfaceFirst()
  while (each != null) {
    const nic = each.nic
    if (each.parent == null) { // VLANs have the card of another
      frames += nic.poll(nic, budget)
      nic.flush(nic)
    }
    if (nic.linkUp != each.linkUp) linkChanged(each)
    each = each.next
  }
  socketsWakeSenders() // the cards have given packets back
  dnsStreamsPoll()
  return frames
}

/** The end of a round: what connections have to say, and the cards told of frames sent outside netPoll. */
export function netFlush(): void {
  tcpFlush()
  let each: NetInterface | null = interfaceFirst()
  while (each != null) {
    if (each.parent == null) each.nic.flush(each.nic)
    each = each.next
  }
}

function linkChanged(netif: NetInterface): void {
  netif.linkUp = netif.nic.linkUp
  if (logStart(Level.Info, 'net', 'link')) {
    logText('if', netif.name)
    logText('state', netif.linkUp ? 'up' : 'down')
    logEnd()
  }
  if (!netif.linkUp) return arpFlush(netif) // who knows who will be there when it is back
  acdLinkUp(netif)
  multicastUp(netif)
  dhcpLinkUp(netif)
}
