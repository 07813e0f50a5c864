// What the ARP cache believes, and how much of it it keeps: RustOS's ArpConfig, with its defaults.
// Main-loop context only.

import { ARP_ENTRY_LIMIT, ARP_MAX_AGE, ARP_REACHABLE } from '../../config.ts'
import { Errno } from '../../lib/errno.ts'
import { copyBytes, zeroBytes } from '../../lib/memory.ts'
import {
  address, nth, sizeof, staticStruct, struct,
  type Row, type Stored, type bool, type i32, type u16, type u32, type u8,
} from '../../lib/layout.ts'
import type { Ipv4Address } from '../ipv4/address.ts'

/** Trusted prefixes there can be. */
export const TRUSTED_PREFIX_LIMIT: u32 = 8

/** The first three octets of addresses that may move to another card without that being suspicious. */
@struct
export class TrustedPrefix {
  network: Ipv4Address // a /24: the last octet is 0
}

@struct
export class ArpConfig {
  maxAge: u32 // milliseconds an answer is trusted at most; unused entries are kept twice as long
  maxEntries: u32 // 1 to ARP_ENTRY_LIMIT
  trustedCount: u32
  trusted: Row<TrustedPrefix, 8> // TRUSTED_PREFIX_LIMIT
  security: Stored<u8, bool> // an announcement can not move a neighbour to another link address; changes are counted
  allowGratuitous: Stored<u8, bool> // announcements bring known entries up to date
  reserved: u16
}

/** The policy in force. Written by arpConfigure only. */
export const arpPolicy = staticStruct<ArpConfig>()

/** RustOS's default: 5 minutes, 1024 entries, security on, gratuitous ARP allowed, nobody trusted more than others. */
export function arpPolicyDefault(config: ArpConfig): void {
  zeroBytes(address(config), sizeof<ArpConfig>())
  config.maxAge = ARP_MAX_AGE
  config.maxEntries = ARP_ENTRY_LIMIT
  config.security = true
  config.allowGratuitous = true
}

/** Put a policy in force, for what happens from now on. Errors: InvalidArgument (a limit out of its range). */
export function arpPolicySet(config: ArpConfig): i32 {
  if (config.maxEntries == 0 || config.maxEntries > ARP_ENTRY_LIMIT) return Errno.InvalidArgument
  if (config.maxAge == 0 || config.maxAge > 0x3fffffff) return Errno.InvalidArgument
  if (config.trustedCount > TRUSTED_PREFIX_LIMIT) return Errno.InvalidArgument
  copyBytes(address(arpPolicy), address(config), sizeof<ArpConfig>())
  return Errno.None
}

/** Whether changes of this address's link address are nothing to wonder at. */
export function arpTrusts(a: Ipv4Address): boolean {
  for (let i: u32 = 0; i < arpPolicy.trustedCount; i++) {
    if (nth(arpPolicy.trusted, i).network == (a & 0xffffff00)) return true
  }
  return false
}

/** How long an answer is trusted without a thought, milliseconds. */
export function arpReachableTime(): u32 {
  return arpPolicy.maxAge < ARP_REACHABLE ? arpPolicy.maxAge : ARP_REACHABLE
}

/** How long a stale entry that nobody uses is kept, milliseconds. */
export function arpStaleTime(): u32 {
  return 2 * arpPolicy.maxAge
}
