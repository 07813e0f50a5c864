// virtio-net: from a PCI function to a card. virtio 1.2 §5.1.4, §5.1.5.

import { CARD_LIMIT, PACKET_BUFFER_SIZE, SEGMENT_BUFFER_LIMIT, SEGMENT_POOL_LEAST } from '../../config.ts'
import { load8, loadVolatile8, store8 } from '../../lib/intrinsics.ts'
import { address, at, nth, offsetof, plus, staticRow, type ptr, type u32 } from '../../lib/layout.ts'
import { Level, logDecimal, logEnd, logLine, logMac, logStart, logText } from '../../lib/log.ts'
import { randomBytes } from '../../lib/random.ts'
import { placeName } from '../pci/config.ts'
import type { PciFunction } from '../pci/function.ts'
import { virtioInterrupts } from '../virtio/interrupts.ts'
import { queueDisarm, queueKick } from '../virtio/queue.ts'
import { virtioQueue } from '../virtio/queue-setup.ts'
import { FEATURE_EVENT_INDEX } from '../virtio/registers.ts'
import {
  CONFIGURATION_TRIES, interruptName, virtioConfigurationGeneration, virtioConfigurationSame, virtioHas,
  virtioNegotiate, virtioOffered, virtioOpen, virtioQueueSize, virtioStart, type VirtioDevice,
} from '../virtio/transport.ts'
import { Nic, NicFeature, nicName, nicRegister } from './nic.ts'
import { packetFree, packetsFree, packetsTotal, type Packet } from './packet.ts'
import { controlFeatures, controlOpen } from './virtio-net-control.ts'
import { NET_HEADER_SIZE, NetConfiguration, NetFeature } from './virtio-net-header.ts'
import {
  RECEIVE_ROOM, virtioNetArm, virtioNetFill, virtioNetLink, virtioNetPoll, virtioNetReady,
} from './virtio-net-receive.ts'
import {
  VirtioNet, virtioNetApply, virtioNetFlush, virtioNetSetAddress, virtioNetTransmit,
} from './virtio-net.ts'

const enum QueueIndex { Receive = 0, Transmit = 1 } // virtio 1.2 §5.1.2, without multiqueue

/** One ring, and as much again in the stack, for each direction: a card's part of the packets that are free. */
const POOL_SHARE: u32 = 4
/** What a frame has besides IP: Ethernet header, VLAN tag. */
const FRAME_OVERHEAD: u32 = 18
const MTU_USUAL: u32 = 1500
/** RFC 791 §3.1: every host takes 68 bytes; virtio 1.2 §5.1.4.1 allows no less. */
const MTU_LEAST: u32 = 68
/** RFC 791 §3.1: `total length` has 16 bits. */
const MTU_MOST: u32 = 65535
/** What the device writes into one buffer, and what of that is not IP in a frame's first. */
const RECEIVE_BUFFER: u32 = PACKET_BUFFER_SIZE - RECEIVE_ROOM
const FIRST_OVERHEAD: u32 = NET_HEADER_SIZE + FRAME_OVERHEAD

const cards = staticRow<VirtioNet>(CARD_LIMIT)
let count: u32 = 0

/** Bring up the card behind `fn` and register it. False: it is left alone, and the log says why. */
export function virtioNetProbe(fn: PciFunction): boolean {
  if (count == CARD_LIMIT) {
    logLine(Level.Warn, 'virtio-net', 'more cards than CARD_LIMIT')
    return false
  }
  const net = nth(cards, count)
  const device = net.device
  const nic = net.nic
  if (!virtioOpen(device, fn)) return false
  if (!virtioNegotiate(device, wantedFeatures(device))) return false
  if (!virtioInterrupts(device, plus(address(nic), offsetof<Nic>('pending')))) return false
  if (!virtioQueue(device, net.receiveQueue, QueueIndex.Receive, true)) return false
  if (!virtioQueue(device, net.transmitQueue, QueueIndex.Transmit, true)) return false
  if (!controlOpen(net.control, device)) return false
  count += 1
  fillNic(net)
  const share: u32 = packetsFree() / POOL_SHARE
  net.transmitLimit = share
  const posted: u32 = virtioNetFill(net, share < net.receiveQueue.size ? share : net.receiveQueue.size)
  nic.mtu = deviceMtu(device, net.mergeable ? posted : 1)
  queueDisarm(net.transmitQueue)
  queueDisarm(net.receiveQueue)
  virtioStart(device)
  queueKick(net.receiveQueue) // not before DRIVER_OK: §3.1.1
  nicRegister(nic)
  logFound(net, posted)
  return true
}

/** The features to ask for: those whose field the configuration structure is long enough to have. §5.1.3. */
function wantedFeatures(device: VirtioDevice): u32 {
  let wanted: u32 = FEATURE_EVENT_INDEX | NetFeature.Csum | NetFeature.GuestCsum | NetFeature.MergeableBuffers
  wanted |= controlFeatures(virtioOffered(device)) | segmentationFeatures(device)
  if (device.configurationLength >= offsetof<NetConfiguration>('status')) wanted |= NetFeature.Mac
  if (device.configurationLength >= offsetof<NetConfiguration>('maxQueuePairs')) wanted |= NetFeature.Status
  if (device.configurationLength < NET_CONFIGURATION_WITH_MTU) return wanted
  if ((virtioOffered(device) & NetFeature.Mtu) == 0) return wanted
  const mtu: u32 = at<NetConfiguration>(device.configuration).mtu
  return mtu >= MTU_LEAST ? wanted | NetFeature.Mtu : wanted
}
const NET_CONFIGURATION_WITH_MTU: u32 = 12

/**
 * Cutting TCP, each way, where what it needs is offered (§5.1.3.1) and the ring takes the largest packets. Receiving
 * them uncut also wants buffers that can be merged (§5.1.6.3.1), and a pool for which a few of them are little.
 */
function segmentationFeatures(device: VirtioDevice): u32 {
  const offered: u32 = virtioOffered(device)
  const both: u32 = NetFeature.GuestCsum | NetFeature.MergeableBuffers
  let wanted: u32 = 0
  if ((offered & NetFeature.Csum) != 0 && virtioQueueSize(device, QueueIndex.Transmit) >= SEGMENT_BUFFER_LIMIT) {
    wanted = NetFeature.HostTso4
  }
  if ((offered & both) == both && virtioQueueSize(device, QueueIndex.Receive) >= SEGMENT_BUFFER_LIMIT
    && packetsTotal() >= SEGMENT_POOL_LEAST) {
    wanted |= NetFeature.GuestTso4
  }
  const agreed: u32 = wanted & offered
  if ((agreed & NetFeature.HostTso4) != 0) wanted |= NetFeature.HostEcn
  return (agreed & NetFeature.GuestTso4) != 0 ? wanted | NetFeature.GuestEcn : wanted
}

/** Everything the contract says of a card, and the driver's own flags. */
function fillNic(net: VirtioNet): void {
  const nic = net.nic
  const device = net.device
  nic.received = discard
  nic.transmit = virtioNetTransmit
  nic.poll = virtioNetPoll
  nic.ready = virtioNetReady
  nic.arm = virtioNetArm
  nic.flush = virtioNetFlush
  nic.apply = virtioNetApply
  nic.setAddress = virtioNetSetAddress
  nic.driver = address(net)
  nic.headRoom = NET_HEADER_SIZE
  nic.features = NicFeature.None
  if (virtioHas(device, NetFeature.Csum)) nic.features |= NicFeature.TransmitChecksum
  if (virtioHas(device, NetFeature.GuestCsum)) nic.features |= NicFeature.ReceiveChecksum
  if (virtioHas(device, NetFeature.HostTso4)) nic.features |= NicFeature.TransmitSegmentation
  if (virtioHas(device, NetFeature.HostEcn)) nic.features |= NicFeature.TransmitSegmentationEcn
  if (virtioHas(device, NetFeature.GuestTso4)) nic.features |= NicFeature.ReceiveSegmentation
  nic.linkUp = true
  net.mergeable = virtioHas(device, NetFeature.MergeableBuffers)
  net.broken = false
  if (virtioHas(device, NetFeature.Mac)) readMac(device, nic.mac)
  else inventMac(nic.mac)
  virtioNetLink(net)
}

/** Until a stack is there. */
function discard(nic: Nic, packet: Packet): void {
  nic.receiveDropped += 1
  packetFree(packet)
}

/**
 * What the device says, 1500 if it says nothing. A frame must fit the buffers it can be spread over: all of the
 * ring's if they are mergeable, else one (virtio 1.2 §5.1.4.2 asks that the largest frame can be received).
 */
function deviceMtu(device: VirtioDevice, buffers: u32): u32 {
  if (!virtioHas(device, NetFeature.Mtu)) return MTU_USUAL
  const mtu: u32 = at<NetConfiguration>(device.configuration).mtu
  if (mtu < MTU_LEAST) return MTU_USUAL // it was more when the feature was asked for
  const room: u32 = buffers == 0 ? RECEIVE_BUFFER : buffers * RECEIVE_BUFFER
  const most: u32 = room - FIRST_OVERHEAD < MTU_MOST ? room - FIRST_OVERHEAD : MTU_MOST
  return mtu > most ? most : mtu
}

function readMac(device: VirtioDevice, mac: ptr): void {
  const from = at<NetConfiguration>(device.configuration).mac
  let steady: boolean = false
  for (let tries: u32 = 0; tries < CONFIGURATION_TRIES && !steady; tries++) {
    const generation: u32 = virtioConfigurationGeneration(device)
    for (let i: u32 = 0; i < 6; i++) store8(mac, i, loadVolatile8(from, i))
    steady = virtioConfigurationSame(device, generation)
  }
}

/** A random address, unicast (bit 0 clear) and locally administered (bit 1 set): virtio 1.2 §5.1.5. */
function inventMac(mac: ptr): void {
  randomBytes(mac, 6)
  store8(mac, 0, load8(mac, 0) & 0xfc | 2)
}

function logFound(net: VirtioNet, posted: u32): void {
  const nic = net.nic
  if (!logStart(Level.Info, 'virtio-net', 'found')) return
  logText('if', nicName(nic))
  logText('pci', placeName(net.device.fn.place))
  logMac('mac', nic.mac)
  logDecimal('mtu', nic.mtu)
  logText('link', nic.linkUp ? 'up' : 'down')
  logText('interrupts', interruptName(net.device))
  logDecimal('buffers', posted)
  logEnd()
}
