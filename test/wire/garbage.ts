// Hostile frames, the same ones for the same seed: random bytes, and good frames with something wrong in them.

import { type Bytes, be16, bytes, checksum, mac } from './bytes.ts'
import { EtherType, Protocol, udp, vlan } from './frames.ts'
import type { Station } from './station.ts'

/** Mulberry32: a small generator of 32-bit numbers, enough to vary tests and to repeat them. */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0
  return below => {
    state = state + 0x6d2b79f5 >>> 0
    let mixed = Math.imul(state ^ state >>> 15, state | 1)
    mixed ^= mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61)
    return ((mixed ^ mixed >>> 14) >>> 0) % below
  }
}

const randomBytes = (random: (below: number) => number, length: number): Bytes => Buffer.from(Array.from({ length }, () => random(256)))

/** Good frames of every kind the kernel takes, to start from. */
export function goodFrames(station: Station): Bytes[] {
  const { self, guest } = station
  const dns = udp({ source: self.ip, destination: guest.ip, sourcePort: 53, destinationPort: 68 }, Buffer.alloc(300))
  return [
    station.arpFrame(), station.arpFrame({ operation: 2, targetMac: guest.mac }, guest.mac),
    station.echoFrame(Buffer.alloc(56)), station.echoFrame(Buffer.alloc(1400)),
    station.udpFrame(4000, 7, Buffer.from('echo')), station.udpFrame(67, 68, Buffer.alloc(300)),
    station.ipFrame({ protocol: Protocol.Udp }, dns), station.ipFrame({ protocol: Protocol.Tcp }, Buffer.alloc(20)),
    station.ipFrame({ protocol: Protocol.Icmp }, bytes(3, 3, be16(0), be16(0), be16(0), Buffer.alloc(28, 0x45))),
    station.ipFrame({ protocol: Protocol.Icmp, flags: 0x2000 }, Buffer.alloc(64)), // a first fragment
    station.ipFrame({ protocol: Protocol.Icmp, flags: 0x1fff }, Buffer.alloc(64)), // and one past 64 KiB
  ]
}

/** One hostile frame. */
export function hostileFrame(station: Station, random: (below: number) => number): Bytes {
  const good = goodFrames(station)
  const frame = Buffer.from(good[random(good.length)]!)
  switch (random(7)) {
    case 0: // noise, to anybody
      return randomBytes(random, 1 + random(1600))
    case 1: // noise to us, of a type we look at
      return bytes(mac(station.guest.mac), mac(station.self.mac),
        be16([EtherType.Ipv4, EtherType.Arp, EtherType.Vlan, random(0x10000)][random(4)]!), randomBytes(random, random(1500)))
    case 2: // cut short
      return frame.subarray(0, 1 + random(frame.length))
    case 3: // with bytes after it
      return bytes(frame, randomBytes(random, random(9000)))
    case 4: // tagged, more than once
      return bytes(frame.subarray(0, 12), be16(EtherType.Vlan), vlan(random(0x10000), EtherType.Vlan, vlan(random(0x10000), EtherType.Ipv4, frame.subarray(14))))
    default: // some bytes after the MAC addresses changed
      for (let n = 1 + random(8); n > 0; n--) frame[12 + random(Math.min(frame.length - 12, 48))] = random(256)
      return frame
  }
}

/** The same frame with a right IPv4 header checksum, if it has a header: what is wrong inside gets a hearing. */
export function repaired(frame: Uint8Array): Uint8Array {
  if (frame.length < 34 || frame[12] !== 8 || frame[13] !== 0) return frame
  const header = (frame[14]! & 15) * 4
  if (header < 20 || 14 + header > frame.length) return frame
  frame.set([0, 0], 24)
  frame.set(be16(checksum(frame.subarray(14, 14 + header))), 24)
  return frame
}
