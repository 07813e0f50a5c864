// Whom to ask: the servers that were set by hand, then those of each interface (DHCP's option 6, `dns=`), in their
// order. Main-loop context only.

import { DNS_SERVER_LIMIT } from '../../config.ts'
import { Errno } from '../../lib/errno.ts'
import { nth, staticRow, type i32, type u32 } from '../../lib/layout.ts'
import { NameServer, interfaceFirst, type NetInterface } from '../interface.ts'
import { isUnicast, type Ipv4Address } from '../ipv4/address.ts'

const manual = staticRow<NameServer>(DNS_SERVER_LIMIT)
let manualCount: u32 = 0

/** None is set by hand. */
export function dnsServersInit(): void {
  manualCount = 0
}

/** Ask this server first of all. Errors: InvalidArgument (no host), Exists, NoSpace (DNS_SERVER_LIMIT). */
export function dnsServerAdd(a: Ipv4Address): i32 {
  if (!isUnicast(a)) return Errno.InvalidArgument
  if (placeOf(a) < manualCount) return Errno.Exists
  if (manualCount == DNS_SERVER_LIMIT) return Errno.NoSpace
  nth(manual, manualCount).address = a
  manualCount += 1
  return Errno.None
}

/** Undo dnsServerAdd. Errors: NoSuchEntry. */
export function dnsServerRemove(a: Ipv4Address): i32 {
  const place: u32 = placeOf(a)
  if (place == manualCount) return Errno.NoSuchEntry
  manualCount -= 1
  for (let i: u32 = place; i < manualCount; i++) nth(manual, i).address = nth(manual, i + 1).address
  return Errno.None
}

function placeOf(a: Ipv4Address): u32 {
  let i: u32 = 0
  while (i < manualCount && nth(manual, i).address != a) i += 1
  return i
}

/** How many servers there are. */
export function dnsServerCount(): u32 {
  let n: u32 = manualCount
  let each: NetInterface | null = interfaceFirst()
  while (each != null) {
    n += each.nameServerCount
    each = each.next
  }
  return n
}

/** The `index`th server, 0 past the last. */
export function dnsServerAt(index: u32): Ipv4Address {
  if (index < manualCount) return nth(manual, index).address
  let i: u32 = index - manualCount
  let each: NetInterface | null = interfaceFirst()
  while (each != null) {
    if (i < each.nameServerCount) return nth(each.nameServers, i).address
    i -= each.nameServerCount
    each = each.next
  }
  return 0
}
