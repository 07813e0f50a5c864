// A network stack under test: the kernel's own on one engine, with cards the test holds both ends of. Frames go in as
// bytes and come out decoded; time passes when the test says so. The doubles are test/kernel/net-*.ts.

import type { Engine, Instance } from '../engine-instance.ts'
import { type Bytes, address, read32, toHex } from './bytes.ts'
import {
  type ArpFields, BROADCAST, type Decoded, EtherType, type IcmpFields, type Ipv4Fields, Protocol, arp, decode, ethernet, icmp, ipv4, udp,
} from './frames.ts'

export interface End { ip: string, mac: string }

/** A number as the kernel holds an address. */
export const ip = (text: string): number => read32(Buffer.from(address(text)), 0)
/** The text of such a number. */
export const ipText = (value: number): string => [24, 16, 8, 0].map(shift => value >>> shift & 0xff).join('.')

export const NicFeature = {
  TransmitChecksum: 1, ReceiveChecksum: 2, TransmitSegmentation: 4, ReceiveSegmentation: 8, TransmitSegmentationEcn: 16,
} as const
export const Checksum = { None: 0, Valid: 1, Partial: 2 } as const

/** The stack's own end, and a peer on the same link. */
export const GUEST: End = { ip: '10.0.0.2', mac: '02:00:00:00:00:01' }
export const PEER: End = { ip: '10.0.0.9', mac: '02:00:00:00:00:09' }
export const GATEWAY: End = { ip: '10.0.0.1', mac: '02:00:00:00:00:11' }

/** What a frame came with and how it is to arrive. */
export interface Arrival { nic?: number, checksum?: number, piece?: number }

export class Stack {
  readonly m: Instance
  private readonly buffer: number

  constructor(engine: Engine, { features = 0, mtu = 1500, two = false, cards = 0 } = {}) {
    this.m = engine.start()
    this.buffer = this.m.alloc(65600)
    if (cards) this.call('stackStartCards', cards)
    else if (two) this.call('stackStartTwo')
    else this.call('stackStart', features, mtu)
  }

  /** eth0 with a static address, a peer it knows, nothing recorded. */
  static up(engine: Engine, options: { features?: number, mtu?: number, value?: string } = {}): Stack {
    const stack = new Stack(engine, options)
    const result = stack.configure(options.value ?? `${GUEST.ip}/24,gw=${GATEWAY.ip}`)
    if (result !== 0) throw new Error(`eth0 refused: ${result}`)
    stack.receive(stack.arp())
    stack.forget()
    return stack
  }

  call(name: string, ...args: number[]): number {
    return this.m.call(name, ...args)
  }

  /** Bytes into memory of the stack's machine; good until the next call of this. */
  put(data: Bytes): number {
    this.m.write(this.buffer, Uint8Array.from(data))
    return this.buffer
  }

  configure(value: string, nic = 0): number {
    return this.call('configure', nic, this.m.cstring(value))
  }

  receive(frame: Bytes, { nic = 0, checksum = Checksum.None, piece = frame.length }: Arrival = {}): void {
    const taken = this.call('fakeReceiveChained', nic, this.put(frame), frame.length, Math.max(piece, 1), checksum)
    if (taken !== 1) throw new Error('no packet free for a frame')
  }

  /** Every frame sent since the last `forget`. */
  sent(): Decoded[] {
    return this.sentBytes().map(decode)
  }

  sentBytes(): Bytes[] {
    const count = this.call('fakeSent')
    return Array.from({ length: count }, (_, i) => {
      const length = this.call('fakeSentLength', i)
      return Uint8Array.from(this.m.bytes(this.call('fakeSentFrame', i) >>> 0, Math.min(length, 2048)))
    })
  }

  forget(): void {
    this.call('fakeForget')
  }

  /** What one frame brought about, and nothing else. */
  exchange(frame: Bytes, arrival: Arrival = {}): Decoded[] {
    this.forget()
    this.receive(frame, arrival)
    return this.sent()
  }

  advance(milliseconds: number): void {
    this.call('advance', milliseconds)
  }

  get free(): number {
    return this.call('packetsFree')
  }

  /** Drops counted so far, by name, those that are not zero. */
  drops(): Record<string, number> {
    const drops: Record<string, number> = {}
    for (let reason = 1; ; reason++) {
      const name = this.m.text(this.call('dropName', reason) >>> 0)
      if (name === 'unknown') return drops
      const count = this.call('dropCount', reason)
      if (count !== 0) drops[name] = count
    }
  }

  /** The log so far. */
  log(): string[] {
    const out = this.m.alloc(16384)
    const length = this.call('logRecent', out, 16384)
    return Buffer.from(this.m.bytes(out, length)).toString('utf8').split('\n').filter(line => line !== '')
  }

  /** Log lines without their time, that contain a text. */
  logged(text: string): string[] {
    return this.log().map(line => line.replace(/^\[[^\]]*\] /, '')).filter(line => line.includes(text))
  }

  // --- Frames from the peer. --------------------------------------------------------------------------------

  arp(fields: Partial<ArpFields> = {}, destination = BROADCAST, source = PEER.mac): Bytes {
    return ethernet({ destination, source, type: EtherType.Arp },
      arp({ operation: 1, senderMac: PEER.mac, senderIp: PEER.ip, targetIp: GUEST.ip, ...fields }))
  }

  ipv4(fields: Partial<Ipv4Fields> & { protocol: number }, payload: Bytes, destination = GUEST.mac): Bytes {
    return ethernet({ destination, source: PEER.mac, type: EtherType.Ipv4 },
      ipv4({ source: PEER.ip, destination: GUEST.ip, ...fields }, payload))
  }

  echo(payload: Bytes, fields: Partial<IcmpFields> = {}, header: Partial<Ipv4Fields> = {}, destination = GUEST.mac): Bytes {
    return this.ipv4({ protocol: Protocol.Icmp, ...header }, icmp({ type: 8, id: 0x7070, sequence: 1, ...fields }, payload), destination)
  }

  udp(
    sourcePort: number, destinationPort: number, payload: Bytes, header: Partial<Ipv4Fields> = {},
    fields: { length?: number, checksum?: number } = {}, destination = GUEST.mac,
  ): Bytes {
    const ends = { source: header.source ?? PEER.ip, destination: header.destination ?? GUEST.ip }
    return this.ipv4({ protocol: Protocol.Udp, ...header }, udp({ ...ends, sourcePort, destinationPort, ...fields }, payload), destination)
  }
}

/** Data that tells where it was taken from. */
export const counting = (length: number): Bytes => Uint8Array.from({ length }, (_, i) => i * 7 + 3 & 0xff)

export { toHex }
