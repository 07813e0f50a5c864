// selftest=net: is there a network? Waits for an interface with a gateway, then exchanges ten echo requests and
// replies with that gateway, which takes DHCP or a static address, ARP, IPv4 and ICMP both ways. docs/contract.md.
// Runs by timers and received packets, in the main loop; nothing in here waits.

import { Errno } from '../lib/errno.ts'
import { timerStart, timerStop, type Timer } from '../lib/timer.ts'
import {
  staticStruct, struct, type Embed, type Stored, type bool, type cstring, type ptr, type u32, type u8,
} from '../lib/layout.ts'
import type { Packet } from '../drivers/net/packet.ts'
import { ArpState, arpFind } from '../net/arp/cache.ts'
import { echoClose, echoOpen, echoSend, type EchoSession } from '../net/icmp/echo.ts'
import { interfaceFirst, type NetInterface } from '../net/interface.ts'
import type { Ipv4Address } from '../net/ipv4/address.ts'

/** Told once how it went; `why` is empty when it passed. */
export type SelftestFinished = (passed: boolean, why: cstring) => void

/** Echoes to exchange, and the data bytes of each: what ping sends. */
const ECHOES: u32 = 10
const ECHO_BYTES: u32 = 56
/** Milliseconds to wait for a gateway: a DHCP server that answers the second DISCOVER is in time. */
const PATIENCE: u32 = 15_000
const LOOK_INTERVAL: u32 = 20
/** Milliseconds for one reply, the three seconds of an ARP resolution included. */
const REPLY_PATIENCE: u32 = 3500

@struct
class SelftestNet {
  finished: SelftestFinished
  session: EchoSession | null
  netif: NetInterface | null // whose gateway is asked
  timer: Embed<Timer>
  waited: u32 // milliseconds without a gateway
  sequence: u32 // of the echo that is out
  running: Stored<u8, bool>
  reserved: u8
  reserved2: u8
  reserved3: u8
}

const test = staticStruct<SelftestNet>()

/** Begin; `finished` is called once, later, from a timer or a received packet, or at once if nothing can be sent. */
export function selftestNetStart(finished: SelftestFinished): void {
  test.finished = finished
  test.netif = null
  test.waited = 0
  test.sequence = 0
  test.running = true
  test.session = echoOpen(replied, 0 as ptr)
  if (test.session == null) return end(false, 'no echo session is free')
  look(test.timer)
}

function look(timer: Timer): void {
  test.netif = withGateway()
  if (test.netif != null) return ask()
  if (test.waited >= PATIENCE) return end(false, 'no interface with a gateway within 15 seconds')
  test.waited += LOOK_INTERVAL
  timerStart(timer, LOOK_INTERVAL, look)
}

function withGateway(): NetInterface | null {
  let each: NetInterface | null = interfaceFirst()
  while (each != null) {
    if (each.addressCount > 0 && each.gateway != 0) return each
    each = each.next
  }
  return null
}

/** One echo request; whatever goes wrong with it shows as silence, or here. */
function ask(): void {
  const netif = test.netif as NetInterface
  timerStart(test.timer, REPLY_PATIENCE, silence)
  if (echoSend(test.session as EchoSession, netif.gateway, test.sequence, ECHO_BYTES) != Errno.None) {
    end(false, 'an echo request could not be sent')
  }
}

function silence(timer: Timer): void {
  const netif = test.netif as NetInterface
  const entry = arpFind(netif, netif.gateway)
  if (entry == null || entry.state == ArpState.Failed || entry.state == ArpState.Incomplete) {
    return end(false, 'the gateway does not answer ARP')
  }
  end(false, 'the gateway does not answer an echo request')
}

function replied(session: EchoSession, packet: Packet, from: Ipv4Address, sequence: u32): void {
  const netif = test.netif
  if (!test.running || netif == null || from != netif.gateway || sequence != test.sequence) return
  test.sequence += 1
  if (test.sequence == ECHOES) return end(true, '')
  ask()
}

function end(passed: boolean, why: cstring): void {
  if (!test.running) return
  test.running = false
  timerStop(test.timer)
  if (test.session != null) echoClose(test.session)
  test.finished(passed, why)
}
