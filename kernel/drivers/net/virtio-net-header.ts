// What virtio-net puts before each frame, and its configuration. virtio 1.2 §5.1.3 to §5.1.6.

import { wire, mmio, type Bytes, type Le, type u16, type u32, type u8 } from '../../lib/layout.ts'
import { Checksum } from './packet.ts'

/** Feature bits, lower word. virtio 1.2 §5.1.3. */
export const enum NetFeature {
  Csum = 0x1, // bit 0: the device completes checksums of what is sent
  GuestCsum = 0x2, // bit 1: received packets may carry no checksum, or a verified one
  Mtu = 0x8, // bit 3
  Mac = 0x20, // bit 5
  GuestTso4 = 0x80, // bit 7: received packets may be TCP over IPv4 not yet cut; needs GuestCsum
  GuestEcn = 0x200, // bit 9: those may have CWR set; needs GuestTso4
  HostTso4 = 0x800, // bit 11: the device cuts TCP over IPv4; needs Csum
  HostEcn = 0x2000, // bit 13: also where CWR is set; needs HostTso4
  MergeableBuffers = 0x8000, // bit 15, VIRTIO_NET_F_MRG_RXBUF
  Status = 0x10000, // bit 16
  ControlQueue = 0x20000, // bit 17, VIRTIO_NET_F_CTRL_VQ; the rest need it
  ControlReceive = 0x40000, // bit 18: promiscuous, all groups, and the table of addresses
  ControlVlan = 0x80000, // bit 19: VLANs are filtered
  ControlReceiveExtra = 0x100000, // bit 20: letting nothing in
  ControlAddress = 0x800000, // bit 23: the address can be set
}

/** virtio 1.2 §5.1.6, flags. */
export const enum NetFlag {
  NeedsChecksum = 1, // VIRTIO_NET_HDR_F_NEEDS_CSUM
  DataValid = 2, // VIRTIO_NET_HDR_F_DATA_VALID
}

/** virtio 1.2 §5.1.6, gso_type. */
export const enum GsoType {
  None = 0, // VIRTIO_NET_HDR_GSO_NONE
  Tcp4 = 1, // VIRTIO_NET_HDR_GSO_TCPV4
  Ecn = 0x80, // VIRTIO_NET_HDR_GSO_ECN, with one of the others: CWR is set, and is for the first segment only
}

/** virtio 1.2 §5.1.6: with VERSION_1 it always has all 12 bytes. Read unaligned: receive buffers start anywhere. */
@wire(12)
export class NetHeader {
  flags: u8
  gsoType: u8 // GsoType
  headerLength: Le<u16> // Ethernet, IPv4, TCP; received: a hint nobody may rely on, §5.1.6.4.2
  gsoSize: Le<u16> // payload of one segment
  checksumStart: Le<u16> // from the Ethernet header
  checksumOffset: Le<u16> // of the field, from checksumStart
  numBuffers: Le<u16> // received: how many buffers the frame is spread over; sent: 0
}
export const NET_HEADER_SIZE: u32 = 12

/** virtio 1.2 §5.1.4. */
@mmio(12)
export class NetConfiguration {
  mac: Bytes<6>
  status: Le<u16> // NetStatus
  maxQueuePairs: Le<u16>
  mtu: Le<u16>
}

/** virtio 1.2 §5.1.4. */
export const enum NetStatus { LinkUp = 1 }

/** What a command is about. virtio 1.2 §5.1.6.5. */
export const enum ControlClass { Receive = 0, Mac = 1, Vlan = 2 }
/** Commands of ControlClass.Receive, each with a byte, 0 off and 1 on. §5.1.6.5.1. */
export const enum ReceiveCommand {
  Promiscuous = 0, AllMulticast = 1, AllUnicast = 2, NoMulticast = 3, NoUnicast = 4, NoBroadcast = 5, Count = 6,
}
/** Commands of ControlClass.Mac: a table of addresses to let in, or the card's own. §5.1.6.5.2. */
export const enum MacCommand { TableSet = 0, AddressSet = 1 }
/** Commands of ControlClass.Vlan, each with an id. §5.1.6.5.3. */
export const enum VlanCommand { Add = 0, Delete = 1 }
/** What the device writes behind a command: virtio 1.2 §5.1.6.5, VIRTIO_NET_OK; anything else is a refusal. */
export const CONTROL_OK: u32 = 0

/** A command; what it needs follows. virtio 1.2 §5.1.6.5, struct virtio_net_ctrl. */
@wire(2)
export class ControlHeader {
  category: u8 // ControlClass
  command: u8
}

/** Least frame: an Ethernet header. IEEE 802.3 §3.1.1. */
export const FRAME_LEAST: u32 = 14

/** Largest frame: 65,535 bytes of IPv4, an Ethernet header and a VLAN tag. virtio 1.2 §5.1.6.3.1 has 65,550 without tag. */
export const FRAME_MOST: u32 = 65_535 + 18

/**
 * Whether a received header may not say what it does of a frame of `length` bytes, with a `type` that is not
 * GsoType.None: only TCP over IPv4 is taken, CWR only with `ecn`, both as agreed on, and only with a size and an open
 * checksum. §5.1.6.4.1. None of it proves that the frame is TCP: net/segment.ts looks.
 */
export function segmentsFault(type: u32, size: u32, flags: u32, length: u32, ecn: boolean): boolean {
  if ((ecn ? type & ~GsoType.Ecn : type) != GsoType.Tcp4 || size == 0) return true
  return (flags & NetFlag.NeedsChecksum) == 0 || length > FRAME_MOST
}

/**
 * What the flags of a received header say of the checksum of a frame of `length` bytes, as a Checksum; or
 * CHECKSUM_FAULT if the field at `start` + `offset` is not inside the frame. §5.1.6.4. Only if GUEST_CSUM was agreed on.
 */
export function receivedChecksum(flags: u32, start: u32, offset: u32, length: u32): u32 {
  if ((flags & NetFlag.NeedsChecksum) != 0) {
    return start >= FRAME_LEAST && start + offset + 2 <= length ? Checksum.Partial : CHECKSUM_FAULT
  }
  return (flags & NetFlag.DataValid) != 0 ? Checksum.Valid : Checksum.None
}
export const CHECKSUM_FAULT: u32 = 0xff
