// ICMP errors about packets of ours: is it one of ours, who sent it, what follows. RFC 792, RFC 1122 §3.2.2,
// RFC 1191 §3, RFC 5927 §4. Main-loop context only.
//
// An error is believed as far as what it quotes could only be known to who saw our packet: the quoted header
// must come from an address of ours, and whoever owns the protocol there must know the ports, or the echo's
// identifier, it names (RFC 5927 §4). Only then is a path MTU learned. Redirects are counted and not followed:
// RFC 1122 §3.2.2.2 would have a host follow them, but anyone on the link can send one, and a router must not
// (RFC 1812 §5.2.7.2). Source quench is ignored (RFC 6633 §3).
//
// Next: the function given to icmpErrorsTo (net/socket/), pingError (ping.ts).

import { loadBe16 } from '../../lib/intrinsics.ts'
import { address, at, plus, sizeof, type ptr, type u32 } from '../../lib/layout.ts'
import { packetFree, packetLength, type Packet } from '../../drivers/net/packet.ts'
import { interfaceOwning, type NetInterface } from '../interface.ts'
import { isLoopback, isUnicast, type Ipv4Address } from '../ipv4/address.ts'
import { IpProtocol, Ipv4Header } from '../ipv4/header.ts'
import { pathMtuBounded, pathMtuLearn } from '../ipv4/path-mtu.ts'
import { pathFind } from '../ipv4/route.ts'
import { Drop, counters, countDrop, drop } from '../stats.ts'
import { udpFind } from '../udp/ports.ts'
import { echoFailed } from './echo.ts'
import { IcmpHeader, IcmpType, Unreachable } from './header.ts'

/**
 * Told of an error about a packet that `local` sent to `remote`: ports 0 for protocols without them; `mtu` the
 * path MTU from after this call on with Unreachable.FragmentationNeeded, else 0; `quoted` the first eight bytes after the quoted header.
 * Returns whether there is somebody who may have sent it.
 */
export type IcmpErrorListener = (
  protocol: u32, local: Ipv4Address, localPort: u32, remote: Ipv4Address, remotePort: u32,
  type: u32, code: u32, mtu: u32, quoted: ptr,
) => boolean

/** Bytes after its header that every quotation has: RFC 792. */
export const QUOTED_LEAST: u32 = 8

let listener: IcmpErrorListener | null = null

/** Have errors about UDP, TCP and other protocols told to `to`; null for nobody. */
export function icmpErrorsTo(to: IcmpErrorListener | null): void {
  listener = to
}

/** One ICMP error, checked, at `head`. */
export function icmpErrorInput(packet: Packet, icmp: IcmpHeader): void {
  if (icmp.type == IcmpType.Redirect) return drop(packet, Drop.IcmpRedirect)
  if (icmp.type == IcmpType.SourceQuench) return drop(packet, Drop.IcmpSourceQuench)
  const quoted = at<Ipv4Header>(plus(packet.head, sizeof<IcmpHeader>()))
  const local: boolean = at<NetInterface>(packet.device).loopback
  if (!isQuotation(quoted, packetLength(packet) - sizeof<IcmpHeader>(), local)) return drop(packet, Drop.IcmpErrorQuote)
  counters.icmpErrorsReceived += 1
  const needed = icmp.type == IcmpType.Unreachable && icmp.code == Unreachable.FragmentationNeeded
  const known = needed ? tooLong(quoted, icmp.sequence) : icmpTellSender(quoted, icmp.type, icmp.code, 0)
  if (!known) return drop(packet, Drop.IcmpErrorUnmatched)
  countDrop(Drop.IcmpError)
  packetFree(packet)
}

/** Whether `available` bytes at `quoted` begin a packet that we may have sent; by `lo`, if the error came `local`ly. */
function isQuotation(quoted: Ipv4Header, available: u32, local: boolean): boolean {
  if (available < sizeof<Ipv4Header>() + QUOTED_LEAST) return false
  if (quoted.version != 4 || quoted.headerLength < sizeof<Ipv4Header>()) return false
  if (quoted.headerLength + QUOTED_LEAST > available) return false
  if (quoted.totalLength < quoted.headerLength || quoted.fragmentOffset != 0) return false
  if (interfaceOwning(quoted.source) == null || (isLoopback(quoted.source) && !local)) return false
  return isUnicast(quoted.destination) || (local && isLoopback(quoted.destination))
}

/** RFC 1191 §3: the path to the quoted destination takes less than the quoted packet. Whoever sent it hears first. */
function tooLong(quoted: Ipv4Header, mtu: u32): boolean {
  const destination: Ipv4Address = quoted.destination
  const path = pathFind(destination)
  if (path == null || mtu >= quoted.totalLength) return false // a packet that would have fitted
  const current: u32 = path.mtu
  const learned: u32 = pathMtuBounded(mtu, quoted.totalLength, current)
  if (!icmpTellSender(quoted, IcmpType.Unreachable, Unreachable.FragmentationNeeded, learned)) return false
  pathMtuLearn(destination, learned, mtu != 0 && mtu < learned, current)
  return true
}

/**
 * Tell whoever sent the packet whose header is `quoted`, eight bytes after it readable, of an error. Returns whether
 * there is somebody.
 */
export function icmpTellSender(quoted: Ipv4Header, type: IcmpType, code: u32, mtu: u32): boolean {
  const after: ptr = plus(address(quoted), quoted.headerLength)
  const protocol: u32 = quoted.protocol
  const remote: Ipv4Address = quoted.destination
  if (protocol == IpProtocol.Icmp && echoFailed(at<IcmpHeader>(after), remote, type, code)) return true
  const ports = protocol == IpProtocol.Udp || protocol == IpProtocol.Tcp
  const localPort: u32 = ports ? loadBe16(after, 0) : 0
  const remotePort: u32 = ports ? loadBe16(after, 2) : 0
  let known = protocol == IpProtocol.Udp && udpFind(localPort) != null // the kernel's own: they ask again by themselves
  if (listener == null) return known
  if (listener(protocol, quoted.source, localPort, remote, remotePort, type, code, mtu, after)) known = true
  return known
}
