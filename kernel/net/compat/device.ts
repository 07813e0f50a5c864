// RustOS's DeviceManager (`net/device.rs`): the cards, by name. A device here is a Nic (drivers/net/nic.ts), which is
// what RustOS's trait NetworkDevice is there; it runs while an interface on it is up. Main-loop context only.

import { copyBytes, zeroBytes } from '../../lib/memory.ts'
import {
  address, nth, sizeof, struct,
  type Bytes, type Embed, type Stored, type bool, type cstring, type u32, type u8,
} from '../../lib/layout.ts'
import { POLL_BUDGET } from '../../config.ts'
import { NicFeature, NicKind, nicFirst, nicRegisterAs, nicUnregister, type Nic } from '../../drivers/net/nic.ts'
import { nicNamed } from '../../drivers/net/veth.ts'
import { SMALLEST_MTU } from '../config.ts'
import {
  interfaceRemove, interfaceSetMtu, interfaceSetUp, interfaceStatisticsReset, vethPairCreate,
} from '../device.ts'
import { interfaceFirst, type NetInterface } from '../interface.ts'
import { netPoll } from '../poll.ts'
import { NetworkAddress } from './address.ts'
import { NetworkError, networkErrorOf, type NetworkResult } from './error.ts'
import { frameSend, frameTake } from './frame.ts'
import { InterfaceStats, interfaceStats, type NetworkInterface } from './interface.ts'
import type { PacketBuffer } from './packet-buffer.ts'

export const enum DeviceType { Ethernet, Wireless, Loopback, VirtualEthernet, Tunnel, Bridge }
export const enum LinkMode {
  Mode10BaseTHalf, Mode10BaseTFull, Mode100BaseTHalf, Mode100BaseTFull, Mode1000BaseTFull, Mode10GBaseTFull,
}
export const enum DuplexMode { Half, Full }

/** What a device can do. RustOS has two names for most; here they are one. */
@struct
export class DeviceCapabilities {
  maxMtu: u32
  minMtu: u32
  maxTxQueues: u32
  maxRxQueues: u32
  supportsChecksumOffload: Stored<u8, bool>
  scatterGather: Stored<u8, bool>
  supportsTso: Stored<u8, bool>
  supportsLro: Stored<u8, bool>
  rss: Stored<u8, bool>
  supportsVlan: Stored<u8, bool>
  supportsJumboFrames: Stored<u8, bool>
  multicastFilter: Stored<u8, bool>

  /** RustOS's default. */
  setDefault(): void {
    zeroBytes(address(this), sizeof<DeviceCapabilities>())
    this.maxMtu = 1500
    this.minMtu = SMALLEST_MTU
    this.maxTxQueues = 1
    this.maxRxQueues = 1
  }
}

@struct
export class DeviceInfo {
  driver: cstring
  version: cstring
  linkSpeed: u32 // Mbit/s, 0 unknown
  duplex: Stored<u8, DuplexMode>
  reserved: Bytes<3>
  linkModes: u32 // one bit for each LinkMode it has
}

@struct
export class DeviceStats {
  name: Bytes<12>
  deviceType: Stored<u32, DeviceType>
  macAddress: Embed<NetworkAddress>
  mtu: u32
  isUp: Stored<u32, bool>
  stats: Embed<InterfaceStats>
}

/** 10 and 100 Mbit/s full duplex, 1 and 10 Gbit/s: what RustOS says of its virtual pairs. */
const VIRTUAL_MODES: u32 = 1 << LinkMode.Mode10BaseTFull | 1 << LinkMode.Mode100BaseTFull
  | 1 << LinkMode.Mode1000BaseTFull | 1 << LinkMode.Mode10GBaseTFull
const VIRTUAL_SPEED: u32 = 10_000
const ETHERNET_MTU: u32 = 1500

/** The interface of a device, or null. */
function interfaceOf(nic: Nic): NetInterface | null {
  let each: NetInterface | null = interfaceFirst()
  while (each != null && (each.nic != nic || each.parent != null)) each = each.next
  return each
}

/** The interface of the device of a name, or null. */
function interfaceOn(name: cstring): NetInterface | null {
  const nic = nicNamed(name)
  return nic == null ? null : interfaceOf(nic)
}

export function deviceTypeOf(nic: Nic): DeviceType {
  if (nic.kind == NicKind.Loopback) return DeviceType.Loopback
  return nic.kind == NicKind.VirtualEthernet ? DeviceType.VirtualEthernet : DeviceType.Ethernet
}

/** Fill in what a device can do. */
export function deviceCapabilities(nic: Nic, out: DeviceCapabilities): void {
  out.setDefault()
  out.maxMtu = nic.mtu
  out.supportsChecksumOffload = (nic.features & NicFeature.TransmitChecksum) != 0
  out.scatterGather = true // every card sends chains
  out.supportsVlan = nic.kind != NicKind.Loopback
  out.supportsJumboFrames = nic.mtu > ETHERNET_MTU
  out.multicastFilter = nic.apply != null
}

@struct
export class DeviceManager {
  unused: u32 // there is one, and its state is the list of cards

  /** Add a device under a name of up to 11 characters; NetworkStack.addInterface puts it to use. Errors: AddressInUse (the name). */
  static registerDevice(nic: Nic, name: cstring): NetworkResult {
    if (nicNamed(name) != null) return NetworkError.AddressInUse
    nicRegisterAs(nic, name, NicKind.Ethernet)
    return NetworkError.None
  }

  /** Take a device, its interface with it, away. Errors: InvalidAddress (not there), NotSupported (a card, `lo`), Busy (VLANs). */
  static unregisterDevice(name: cstring): NetworkResult {
    const nic = nicNamed(name)
    if (nic == null) return NetworkError.InvalidAddress
    const netif = interfaceOf(nic)
    if (netif != null) return networkErrorOf(interfaceRemove(netif))
    nicUnregister(nic)
    return NetworkError.None
  }

  /** The device itself, or null. RustOS gives a place in a list, which the next removal makes wrong. */
  static getDevice(name: cstring): Nic | null { return nicNamed(name) }

  /** The `index`th device in the order they were registered, or null: for a list of all. */
  static deviceAt(index: u32): Nic | null {
    let left: u32 = index
    let each: Nic | null = nicFirst()
    while (each != null && left > 0) {
      left -= 1
      each = each.next
    }
    return each
  }

  /** Fill in `out`; false when there is no such device. */
  static getDeviceInfo(name: cstring, out: DeviceInfo): boolean {
    const nic = nicNamed(name)
    if (nic == null) return false
    zeroBytes(address(out), sizeof<DeviceInfo>())
    out.duplex = DuplexMode.Full
    out.version = '1.0.0'
    if (nic.kind == NicKind.Loopback) out.driver = 'loopback'
    else if (nic.kind == NicKind.Ethernet) out.driver = 'ethernet'
    else {
      out.driver = 'veth'
      out.linkSpeed = VIRTUAL_SPEED
      out.linkModes = VIRTUAL_MODES
    }
    return true
  }

  /**
   * Send a frame. Errors: InvalidAddress (no such device, or no interface on it), NetworkUnreachable (down, no link),
   * and those of frameSend.
   */
  static sendPacket(name: cstring, frame: PacketBuffer): NetworkResult {
    const netif = interfaceOn(name)
    if (netif == null) return NetworkError.InvalidAddress
    return netif.up ? frameSend(netif, frame) : NetworkError.NetworkUnreachable
  }

  /** Take the oldest frame that waits, past the stack: its length, 0 for none or while down. Errors: InvalidAddress. */
  static recvPacket(name: cstring, into: PacketBuffer): NetworkResult {
    const netif = interfaceOn(name)
    if (netif == null) return NetworkError.InvalidAddress
    return netif.up ? frameTake(netif.nic, into) : 0
  }

  /** Up or down, its interface with it. Errors: InvalidAddress (no such device, or no interface on it). */
  static setDeviceState(name: cstring, up: boolean): NetworkResult {
    const netif = interfaceOn(name)
    return netif == null ? NetworkError.InvalidAddress : networkErrorOf(interfaceSetUp(netif, up))
  }

  /** The most an IP packet may have. Errors: InvalidAddress, InvalidArgument (below 68, or more than the device takes). */
  static setDeviceMtu(name: cstring, mtu: u32): NetworkResult {
    const netif = interfaceOn(name)
    return netif == null ? NetworkError.InvalidAddress : networkErrorOf(interfaceSetMtu(netif, mtu))
  }

  /** Fill in the counters; false when there is no such device. */
  static getDeviceStats(name: cstring, out: InterfaceStats): boolean {
    const netif = interfaceOn(name)
    if (netif != null) interfaceStats(netif, out)
    return netif != null
  }

  /** Count from 0 again. Errors: InvalidAddress. */
  static resetStats(name: cstring): NetworkResult {
    const netif = interfaceOn(name)
    if (netif == null) return NetworkError.InvalidAddress
    interfaceStatisticsReset(netif)
    return NetworkError.None
  }

  /** Fill in what an interface on a device would be: its address and MTU, no IP addresses. False when there is no such device. */
  static createInterface(name: cstring, out: NetworkInterface): boolean {
    const nic = nicNamed(name)
    if (nic == null) return false
    zeroBytes(address(out), sizeof<NetworkInterface>())
    copyBytes(out.name, nic.name, 12)
    out.macAddress.mac(nic.mac)
    out.mtu = nic.mtu
    out.flags.setDefault()
    out.flags.up = nic.settings.running
    out.flags.loopback = nic.kind == NicKind.Loopback
    return true
  }

  /** Give the stack what every device has received, POLL_BUDGET frames from each at most; returns how many. */
  static pollDevices(): u32 { return netPoll(POLL_BUDGET) }
}

/** A virtual pair with a cable between its ends, both down. Errors: AddressInUse (a name), InvalidArgument, InsufficientMemory. */
export function createVethPair(a: cstring, b: cstring): NetworkResult {
  return networkErrorOf(vethPairCreate(a, b))
}

/** What is known of the first `room` devices that have an interface, at `out`; returns how many there are. */
export function getAllDeviceStats(out: DeviceStats, room: u32): u32 {
  let count: u32 = 0
  let each: NetInterface | null = interfaceFirst()
  while (each != null) {
    if (each.parent == null) {
      if (count < room) deviceStats(each, nth(out, count))
      count += 1
    }
    each = each.next
  }
  return count
}

function deviceStats(netif: NetInterface, out: DeviceStats): void {
  copyBytes(out.name, netif.nic.name, 12)
  out.deviceType = deviceTypeOf(netif.nic)
  out.macAddress.mac(netif.mac)
  out.mtu = netif.mtu
  out.isUp = netif.up
  interfaceStats(netif, out.stats)
}
