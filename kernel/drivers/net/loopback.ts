// The loopback device `lo`: what is sent comes back, in the order it was sent. RFC 1122 §3.2.1.3 (g).
//
// Frames carry an Ethernet header with addresses of zero. A checksum left to the device (Checksum.Partial) is not
// completed, nor is TCP cut: the bytes never cross a wire, and the packet comes back with it. Main-loop context only.

import { Errno } from '../../lib/errno.ts'
import { address, at, staticStruct, struct, type Embed, type i32, type u32 } from '../../lib/layout.ts'
import {
  LINK_QUEUE_FEATURES, LinkQueue, linkQueueEmpty, linkQueueReceive, linkQueueRefuse, linkQueueSend,
} from './link-queue.ts'
import { Nic, NicKind, nicRegisterAs } from './nic.ts'
import { packetFree, type Packet } from './packet.ts'

/** The largest IPv4 packet there is: RFC 791 §3.1, total length. */
const LOOPBACK_MTU: u32 = 65535

@struct
class Loopback {
  nic: Embed<Nic>
  queue: Embed<LinkQueue>
  registered: u32
}

const loopback = staticStruct<Loopback>()

/** The device, registered the first time it is asked for. */
export function loopbackNic(): Nic {
  const nic = loopback.nic
  if (loopback.registered != 0) return nic
  loopback.registered = 1
  nic.received = discard
  nic.transmit = transmit
  nic.poll = poll
  nic.ready = ready
  nic.arm = nothing
  nic.flush = nothing
  nic.apply = apply
  nic.setAddress = null
  nic.driver = address(loopback)
  nic.features = LINK_QUEUE_FEATURES
  nic.mtu = LOOPBACK_MTU
  nic.headRoom = 0
  nic.linkUp = true
  nicRegisterAs(nic, 'lo', NicKind.Loopback)
  return nic
}

function of(nic: Nic): Loopback {
  return at<Loopback>(nic.driver)
}

function discard(nic: Nic, packet: Packet): void {
  nic.receiveDropped += 1
  packetFree(packet)
}

function nothing(nic: Nic): void {}

/** See NicTransmit in nic.ts. Down, it holds nothing. */
function transmit(nic: Nic, packet: Packet): i32 {
  if (!nic.settings.running) return linkQueueRefuse(nic, packet, Errno.NetworkDown)
  return linkQueueSend(nic, of(nic).queue, packet)
}

/** See NicPoll in nic.ts. */
function poll(nic: Nic, budget: u32): u32 {
  return linkQueueReceive(nic, of(nic).queue, budget)
}

function ready(nic: Nic): boolean {
  return of(nic).queue.first != null
}

/** Down: what waits is dropped. */
function apply(nic: Nic): void {
  if (!nic.settings.running) nic.receiveDropped += linkQueueEmpty(of(nic).queue)
}
