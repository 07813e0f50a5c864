// IPv4 packets with finished headers, to the link. Main-loop context only.
//
// Next: arpTransmit (arp/resolve.ts) for one host; ethernetOutput (ethernet/output.ts) for all, a group or ourselves.

import { staticMemory, type i32, type u32 } from '../../lib/layout.ts'
import type { Packet } from '../../drivers/net/packet.ts'
import { arpConfirm, arpTransmit } from '../arp/resolve.ts'
import { EtherType } from '../ethernet/header.ts'
import { ethernetOutput, macBroadcast } from '../ethernet/output.ts'
import { macOfGroup } from './address.ts'
import { PathKind, type Path } from './route.ts'

/** Room in front of an IPv4 payload: more than any card's header, Ethernet's and IPv4's own; a multiple of 16. */
export const HEAD_ROOM: u32 = 96

const groupMac = staticMemory(8)

/**
 * The last step: a packet with a finished header at `head` goes to its next hop. The packet is the callee's.
 * Errors: those of arpTransmit and ethernetOutput.
 */
export function ipv4Transmit(path: Path, packet: Packet): i32 {
  switch (path.kind) {
    case PathKind.Unicast:
      return arpTransmit(path.egress, path.nextHop, packet)
    case PathKind.Broadcast:
      return ethernetOutput(path.egress, packet, macBroadcast(), EtherType.Ipv4)
    case PathKind.Multicast:
      macOfGroup(groupMac, path.nextHop)
      return ethernetOutput(path.egress, packet, groupMac, EtherType.Ipv4)
    default:
      return ethernetOutput(path.egress, packet, path.egress.mac, EtherType.Ipv4) // lo
  }
}

/** Packets on this path arrive: whoever acknowledges them says so. */
export function ipv4Confirm(path: Path): void {
  if (path.kind == PathKind.Unicast) arpConfirm(path.egress, path.nextHop)
}
