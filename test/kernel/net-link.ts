// What tests of the link ask: VLANs, loopback and virtual pairs by number, interfaces up and down, what a card was
// told, statistics, and frames straight to ethernetOutput.

import { copyBytes } from '../../kernel/lib/memory.ts'
import { load32, store8 } from '../../kernel/lib/intrinsics.ts'
import { address, nth, plus, staticStruct, type bool, type cstring, type i32, type ptr, type u32 } from '../../kernel/lib/layout.ts'
import { Options, optionsDefault } from '../../kernel/lib/options.ts'
import { packetAllocate, packetAppend, packetFree, packetLength, type Packet } from '../../kernel/drivers/net/packet.ts'
import { nicFirst, type Nic } from '../../kernel/drivers/net/nic.ts'
import { arpRequest } from '../../kernel/net/arp/output.ts'
import {
  interfaceRemove, interfaceSetMac, interfaceSetMtu, interfaceSetPromiscuous, interfaceSetUp, interfaceStatistics,
  interfaceStatisticsReset, vethPairCreate,
} from '../../kernel/net/device.ts'
import type { EtherType } from '../../kernel/net/ethernet/header.ts'
import { ethernetOutput, macBroadcast } from '../../kernel/net/ethernet/output.ts'
import {
  InterfaceStatistics, interfaceAt, interfaceCount, interfaceNamed, type NetInterface,
} from '../../kernel/net/interface.ts'
import { interfaceUp } from '../../kernel/net/configure.ts'
import { netInit, netStart } from '../../kernel/net/start.ts'
import { vlanCreate } from '../../kernel/net/vlan.ts'
import { fakeNic, fakePool } from './net-nic.ts'
import { seedRandom } from './net-time.ts'

const statistics = staticStruct<InterfaceStatistics>()
const options = staticStruct<Options>()

/** A stack on `cards` cards, eight at most. */
export function stackStartCards(cards: u32): void {
  seedRandom(1)
  fakePool()
  for (let i: u32 = 0; i < cards; i++) fakeNic(0, 1500, 12)
  netInit()
}

function netif(index: u32): NetInterface {
  return interfaceAt(index) as NetInterface
}

/** The place of the interface of a name; 0xffffffff. */
export function named(name: cstring): u32 {
  const found = interfaceNamed(name)
  return found != null ? found.index : 0xffffffff
}

export function interfaces(): u32 {
  return interfaceCount()
}

export function nameOf(index: u32): ptr {
  return netif(index).name
}

export function macOf(index: u32): ptr {
  return netif(index).mac
}

/** Whether the card of an interface has a link. */
export function linkOf(index: u32): bool {
  return netif(index).nic.linkUp
}

/** Make a VLAN: its place, or 0xffffffff. */
export function makeVlan(parent: u32, id: u32): u32 {
  const made = vlanCreate(netif(parent), id)
  return made != null ? made.index : 0xffffffff
}

export function makePair(a: cstring, b: cstring): i32 {
  return vethPairCreate(a, b)
}

export function removeInterface(index: u32): i32 {
  return interfaceRemove(netif(index))
}

export function bringUp(index: u32): void {
  interfaceUp(netif(index))
}

export function setUp(index: u32, up: boolean): i32 {
  return interfaceSetUp(netif(index), up)
}

export function setPromiscuous(index: u32, on: boolean): void {
  interfaceSetPromiscuous(netif(index), on)
}

export function changeMtu(index: u32, mtu: u32): i32 {
  return interfaceSetMtu(netif(index), mtu)
}

export function setMac(index: u32, mac: ptr): i32 {
  return interfaceSetMac(netif(index), mac)
}

/** What the card of an interface was told: 0 running, 1 promiscuous, 2 all groups, 3 groups, 4 VLANs. */
export function settingOf(index: u32, field: u32): u32 {
  const settings = netif(index).nic.settings
  switch (field) {
    case 0: return settings.running ? 1 : 0
    case 1: return settings.promiscuous ? 1 : 0
    case 2: return settings.allGroups ? 1 : 0
    case 3: return settings.groupCount
    default: return settings.vlanCount
  }
}

/** A VLAN that card was told of. */
export function settingVlan(index: u32, place: u32): u32 {
  return nth(netif(index).nic.settings.vlans, place).id
}

/** A statistic, its lower half: in the order of InterfaceStatistics. */
export function statistic(index: u32, field: u32): u32 {
  interfaceStatistics(netif(index), statistics)
  return load32(plus(address(statistics), field * 8), 0)
}

export function statisticsReset(index: u32): void {
  interfaceStatisticsReset(netif(index))
}

/** Send `length` bytes at `data` to everybody as a frame of `type`; `partial`: with a checksum left at 0, 16. */
export function sendFrame(index: u32, type: EtherType, data: ptr, length: u32, partial: boolean): i32 {
  const packet = packetAllocate(64)
  if (packet == null) return -1
  copyBytes(packetAppend(packet, length), data, length)
  if (partial) {
    packet.checksum = 2
    packet.checksumStart = 0
    packet.checksumOffset = 16
  }
  return ethernetOutput(netif(index), packet, macBroadcast(), type)
}

/** Ask on an interface who has an address. */
export function askFor(index: u32, sender: u32, target: u32): void {
  arpRequest(netif(index), sender, target, macBroadcast())
}

/** Two values of the command line, for an interface (`vlan` 0) or a VLAN each, put into effect. */
export function startWithTwo(a: cstring, indexA: u32, vlanA: u32, b: cstring, indexB: u32, vlanB: u32): void {
  optionsDefault(options)
  option(0, a, indexA, vlanA)
  option(1, b, indexB, vlanB)
  options.interfaceCount = 2
  netStart(options)
}

function option(place: u32, value: cstring, index: u32, vlan: u32): void {
  const each = nth(options.interfaces, place)
  each.value = value
  each.index = index
  each.vlan = vlan
}

// --- A device by itself, by its place in the list. ---------------------------------------------------------

let keptLength: u32 = 0
let keptFirst: u32 = 0
let keptChecksum: u32 = 0
let keptStart: u32 = 0
let keptTotal: u32 = 0
let keptSegment: u32 = 0
let keptCount: u32 = 0
let keptOrder: u32 = 0

function nicAt(place: u32): Nic {
  let each = nicFirst()!
  for (let i: u32 = 0; i < place; i++) each = each.next!
  return each
}

/** The place in the list of the device of an interface. */
export function devicePlace(index: u32): u32 {
  let place: u32 = 0
  while (nicAt(place) != netif(index).nic) place += 1
  return place
}

/** Keep what a device hands up, instead of the stack. */
export function deviceAttach(place: u32): void {
  nicAt(place).received = keep
  keptCount = 0
  keptOrder = 0
}

function keep(nic: Nic, packet: Packet): void {
  keptFirst = load32(packet.head, 0) & 0xff
  keptOrder = keptOrder * 16 + (keptFirst & 15)
  keptLength = packetLength(packet)
  keptChecksum = packet.checksum
  keptStart = packet.checksumStart
  keptTotal = packet.totalLength
  keptSegment = packet.segmentSize
  keptCount += 1
  packetFree(packet)
}

/** Of what was kept last: 0 its first byte, 1 length, 2 checksum, 3 checksumStart; 4 how many, 5 the order in hexadecimal digits; 6 length of the whole chain, 7 segmentSize. */
export function deviceKept(field: u32): u32 {
  switch (field) {
    case 0: return keptFirst
    case 1: return keptLength
    case 2: return keptChecksum
    case 3: return keptStart
    case 4: return keptCount
    case 6: return keptTotal
    case 7: return keptSegment
    default: return keptOrder
  }
}

/** Send a frame of `length` bytes, the first of them `first`, by a device. */
export function deviceSend(place: u32, first: u32, length: u32): i32 {
  const packet = packetAllocate(0)
  if (packet == null) return -1
  const p = packetAppend(packet, length)
  copyBytes(p, macBroadcast(), 6)
  store8(p, 0, first)
  const nic = nicAt(place)
  return nic.transmit(nic, packet)
}

export function devicePoll(place: u32, budget: u32): u32 {
  const nic = nicAt(place)
  return nic.poll(nic, budget)
}

export function deviceReady(place: u32): bool {
  const nic = nicAt(place)
  return nic.ready(nic)
}

/** 0 transmitted frames, 1 transmit dropped, 2 received frames, 3 receive dropped. */
export function deviceCounter(place: u32, field: u32): u32 {
  const nic = nicAt(place)
  switch (field) {
    case 0: return nic.transmittedFrames
    case 1: return nic.transmitDropped
    case 2: return nic.receivedFrames
    default: return nic.receiveDropped
  }
}
