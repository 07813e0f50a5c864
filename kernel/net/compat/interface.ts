// RustOS's NetworkInterface (`net/mod.rs`): a copy of what is known of an interface, filled in on request.

import { copyBytes, zeroBytes } from '../../lib/memory.ts'
import {
  address, nth, sizeof, staticStruct, struct,
  type Bytes, type Embed, type Row, type Stored, type bool, type u32, type u8,
} from '../../lib/layout.ts'
import { interfaceStatistics } from '../device.ts'
import { InterfaceStatistics, interfaceAddressAt, type NetInterface } from '../interface.ts'
import { NetworkAddress } from './address.ts'

@struct
export class InterfaceFlags {
  up: Stored<u8, bool>
  broadcast: Stored<u8, bool>
  loopback: Stored<u8, bool>
  multicast: Stored<u8, bool>
  pointToPoint: Stored<u8, bool>
  reserved: Bytes<3>

  /** RustOS's default: broadcast and multicast. */
  setDefault(): void {
    this.up = false
    this.broadcast = true
    this.loopback = false
    this.multicast = true
    this.pointToPoint = false
  }
}

/** u64 counters, least significant half first; the stack's InterfaceStatistics under RustOS's names. */
@struct
export class InterfaceStats {
  rxPackets: Bytes<8>
  rxBytes: Bytes<8>
  rxErrors: Bytes<8>
  txPackets: Bytes<8>
  txBytes: Bytes<8>
  txErrors: Bytes<8>
  dropped: Bytes<8>
}

@struct
export class NetworkInterface {
  name: Bytes<12> // zero-terminated
  addressCount: u32
  macAddress: Embed<NetworkAddress>
  ipAddresses: Row<NetworkAddress, 4> // INTERFACE_ADDRESS_LIMIT
  mtu: u32 // bytes of an IP packet
  flags: Embed<InterfaceFlags>
  stats: Embed<InterfaceStats>
}

const statistics = staticStruct<InterfaceStatistics>()

/** Fill in `out`. */
export function interfaceCopy(netif: NetInterface, out: NetworkInterface): void {
  zeroBytes(address(out), sizeof<NetworkInterface>())
  copyBytes(out.name, netif.name, 12)
  out.macAddress.mac(netif.mac)
  for (let i: u32 = 0; i < netif.addressCount; i++) {
    nth(out.ipAddresses, i).setIpv4(interfaceAddressAt(netif, i).address)
  }
  out.addressCount = netif.addressCount
  out.mtu = netif.mtu
  out.flags.up = netif.up
  out.flags.broadcast = !netif.loopback
  out.flags.loopback = netif.loopback
  out.flags.multicast = !netif.loopback
  interfaceStats(netif, out.stats)
}

/** Fill in the counters of an interface. */
export function interfaceStats(netif: NetInterface, out: InterfaceStats): void {
  interfaceStatistics(netif, statistics)
  copyBytes(address(out), address(statistics), sizeof<InterfaceStats>())
}
