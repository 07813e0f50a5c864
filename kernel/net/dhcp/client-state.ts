// What a DHCP client remembers, one client an interface. RFC 2131 §4.4, figure 5. Main-loop context only.

import { INTERFACE_LIMIT } from '../../config.ts'
import {
  nth, staticRow, struct, type Embed, type Stored, type bool, type u16, type u32, type u8,
} from '../../lib/layout.ts'
import type { Timer } from '../../lib/timer.ts'
import type { NetInterface } from '../interface.ts'
import type { Ipv4Address } from '../ipv4/address.ts'
import type { DhcpValues } from './options.ts'

/** RFC 2131 §4.4, figure 5. Nobody stays in InitReboot: the link is back when it is entered. */
export const enum DhcpClientState { Init, Selecting, Requesting, Bound, Renewing, Rebinding, InitReboot, Rebooting }

@struct
export class DhcpClient {
  netif: NetInterface
  timer: Embed<Timer> // the next thing to do without an answer
  fallback: Embed<Timer> // when to take a link-local address meanwhile
  xid: u32
  address: Ipv4Address // offered, then ours
  server: Ipv4Address // who offered
  held: Ipv4Address // the lease's address where `lease` is in effect, or being probed; 0 none
  startedAt: u32 // seconds since boot, as all times here: for `secs`
  requestedAt: u32 // when the REQUEST that may be answered was sent: leases count from there, RFC 2131 §4.4.1
  renewAt: u32 // T1
  rebindAt: u32 // T2
  expireAt: u32
  attempt: u16 // messages sent in this state
  state: Stored<u8, DhcpClientState>
  active: Stored<u8, bool>
  forever: Stored<u8, bool> // lease time 0xffffffff
  usable: Stored<u8, bool> // `held` is on the interface: it is not being probed before use
  refusals: u16 // NAKs, and leases that could not be used, since the last good one
  lease: Embed<DhcpValues> // what came with `held`
  // What it did; wraps at 2^32.
  discoversSent: u32
  offersReceived: u32
  requestsSent: u32
  acksReceived: u32
  naksReceived: u32
  declinesSent: u32
  releasesSent: u32
}

const clients = staticRow<DhcpClient>(INTERFACE_LIMIT)

/** The client of an interface, active or not. */
export function dhcpClientOf(netif: NetInterface): DhcpClient {
  return nth(clients, netif.index)
}

/** The client at a place in the table, which is its interface's; below INTERFACE_LIMIT. */
export function dhcpClientAt(index: u32): DhcpClient {
  return nth(clients, index)
}
