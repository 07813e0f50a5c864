// RustOS's face of a stack under test (test/kernel/compat.ts, a part of net.ts): names as text, addresses as text in slots.

import type { Engine } from '../engine-instance.ts'
import { type Bytes, hex, toHex } from './bytes.ts'
import { Sockets } from './sockets.ts'
import { GUEST, PEER, ip, ipText } from './stack.ts'

/** The variants that are tested for, by number. */
export const NetworkError = {
  InvalidPacket: -1, BufferOverflow: -2, NetworkUnreachable: -3, ConnectionRefused: -6, Timeout: -7, InvalidAddress: -9,
  NotSupported: -10, Busy: -11, NoRoute: -12, AddressInUse: -13, PermissionDenied: -14, InvalidArgument: -15,
  InsufficientMemory: -18, NotConnected: -21,
} as const
export const SocketType = { Stream: 0, Datagram: 1, Raw: 2 } as const
export const State = { Closed: 0, Listening: 1, Connecting: 2, Connected: 3, Closing: 4 } as const

/** A stack with eth0 at 10.0.0.2/24, the peer known, memory for sockets, and RustOS's names. */
export class Face extends Sockets {
  private names = new Map<string, number>()
  private next = 0

  static override up(engine: Engine, options: { features?: number, mtu?: number, value?: string, two?: boolean,
    packets?: number } = {}): Face {
    const face = new Face(engine, options)
    const result = face.configure(options.value ?? `${GUEST.ip}/24,gw=10.0.0.1`)
    if (result !== 0) throw new Error(`eth0 refused: ${result}`)
    face.addMemory(options.packets ?? 0)
    face.receive(face.arp())
    face.forget()
    return face
  }

  name(text: string): number {
    const known = this.names.get(text) ?? this.m.cstring(text.padEnd(11, '\0'))
    this.names.set(text, known)
    return known
  }

  /** The slot of an address: dotted is IPv4, with colons a link address. Slots go round. */
  at(text: string): number {
    const slot = this.next
    this.next = (this.next + 1) % 8
    if (!text.includes(':')) this.call('ipSlot', slot, ip(text))
    else {
      const p = this.m.alloc(6)
      this.m.write(p, hex(text))
      this.call('macSlot', slot, p)
    }
    return slot
  }

  /** A link address in a slot, as text. */
  macIn(slot: number): string {
    return toHex(this.m.bytes(this.call('slotOctets', slot), 6)).replace(/..(?=.)/g, '$&:')
  }

  bytesIn(data: Bytes): number {
    const p = this.m.alloc(data.length + 1)
    this.m.write(p, Uint8Array.from(data))
    return p
  }

  /** The name of an error, "No error" for a value. */
  error(result: number): string {
    return this.m.text(this.call('errorName', result < 0 ? result : 0))
  }

  /** Where the last call wrote an address and a port. */
  end(): string {
    return `${ipText(this.call('endIp') >>> 0)}:${this.call('endPort')}`
  }

  /** The bytes a receiving call gives: `call` with room for them. */
  received(name: string, ...args: number[]): string {
    const to = this.m.alloc(2048)
    const length = this.call(name, ...args, to, 2048)
    return length < 0 ? this.error(length) : Buffer.from(this.m.bytes(to, length)).toString()
  }

  text(data: string): [number, number] {
    return [this.bytesIn(Buffer.from(data)), data.length]
  }
}

export { GUEST, PEER, ip, ipText }
