// Sockets of a stack under test: the core's calls by name, with addresses and data as a test writes them.

import type { Engine } from '../engine-instance.ts'
import type { Bytes } from './bytes.ts'
import { Stack, ip, ipText } from './stack.ts'

export const Type = { Stream: 0, Datagram: 1, Raw: 2 } as const
export const State = { Closed: 1, Listening: 2, Connecting: 3, Connected: 4, Closing: 5 } as const
export const Event = { In: 1, Out: 4, Error: 8, HangUp: 16 } as const
export const Flag = { EndOfFile: 1, Peek: 2, Truncate: 0x20, DontWait: 0x40, More: 0x8000 } as const
export const Rules = { Linux: 0, RustOs: 1 } as const
export const Option = {
  ReuseAddr: 0, ReusePort: 1, KeepAlive: 2, NoDelay: 3, RecvBufferSize: 4, SendBufferSize: 5, RecvTimeout: 6, SendTimeout: 7,
  Broadcast: 8, Ttl: 9, MulticastTtl: 10, MulticastLoop: 11, Dscp: 12, TypeOfService: 13, MulticastAll: 14, MulticastInterface: 15,
  NonBlocking: 16, ReceiveErrors: 17, HeaderIncluded: 18, DontFragment: 19, Error: 20, Type: 21, Protocol: 22, Available: 23,
  MaximumSegment: 24, Cork: 25, UserTimeout: 26, KeepIdle: 27, KeepInterval: 28, KeepProbes: 29, CongestionControl: 30, NotSentLow: 31, AbortOnClose: 32,
} as const
export const Errno = {
  BadHandle: -9, WouldBlock: -11, OutOfMemory: -12, AccessDenied: -13, Exists: -17, NoSuchEntry: -2, NoSuchDevice: -6, InvalidArgument: -22, FileTableFull: -23, NoSpace: -28,
  BrokenPipe: -32, Deadlock: -35, ProtocolError: -71, DestinationRequired: -89, MessageTooLong: -90, ProtocolOption: -92,
  ProtocolNotSupported: -93, NotSupported: -95, AddressInUse: -98, AddressNotAvailable: -99, NetworkUnreachable: -101,
  ConnectionAborted: -103, ConnectionReset: -104, NoBufferSpace: -105, IsConnected: -106, NotConnected: -107, TimedOut: -110, ConnectionRefused: -111, HostDown: -112, HostUnreachable: -113, Already: -114,
  InProgress: -115,
} as const

export interface Message {
  result: number, data: Bytes, from: string, port: number, length: number, flags: number, to: string
  nic: number, ttl: number, tos: number, timestamp: number
}

const ROOM = 70_000

/** A stack with memory for sockets and more packets, and a room to receive into. */
export class Sockets extends Stack {
  private buffer2 = 0
  private message = 0

  static override up(engine: Engine, options: { features?: number, mtu?: number, value?: string, two?: boolean, packets?: number } = {}): Sockets {
    const stack = new Sockets(engine, options)
    const value = options.value ?? '10.0.0.2/24,gw=10.0.0.1'
    const result = stack.configure(value)
    if (result !== 0) throw new Error(`eth0 refused: ${result}`)
    stack.addMemory(options.packets ?? 0)
    stack.receive(stack.arp())
    stack.forget()
    return stack
  }

  addMemory(packets: number): void {
    const memory = this.m.alloc(4 << 20, 4096)
    this.call('memoryAdd', memory, 4 << 20)
    this.buffer2 = this.m.alloc(ROOM)
    this.message = this.m.alloc(64)
    if (packets > 0) this.call('packetsAdd', this.m.alloc(packets * (2048 + 128), 64), packets, 2048)
  }

  socket(type: number = Type.Datagram, protocol = 0): number {
    const handle = this.call('socketCreate', type, protocol)
    if (handle < 1) throw new Error(`no socket: ${handle}`)
    return handle
  }

  /** A datagram socket bound to an address and a port, with flags set. */
  bound(port: number, address = '0.0.0.0', ...options: number[]): number {
    const handle = this.socket()
    for (const option of options) this.set(handle, option, 1)
    const result = this.bind(handle, address, port)
    if (result !== 0) throw new Error(`bind: ${result}`)
    return handle
  }

  bind(handle: number, address: string, port: number, rules: number = Rules.Linux): number {
    return this.call('socketBindBy', handle, ip(address), port, rules)
  }

  connect(handle: number, address: string, port: number): number {
    return this.call('socketConnect', handle, ip(address), port)
  }

  set(handle: number, option: number, value: number): number {
    return this.call('socketSetOption', handle, option, value)
  }

  get(handle: number, option: number): number {
    return this.call('socketGetOption', handle, option)
  }

  send(handle: number, data: Bytes, flags = 0): number {
    return this.call('socketSend', handle, this.data(data), data.length, flags)
  }

  sendTo(handle: number, data: Bytes, address: string, port: number, flags = 0): number {
    return this.call('socketSendTo', handle, this.data(data), data.length, flags, ip(address), port)
  }

  /** Data in memory of its own, so that sending and receiving do not meet. */
  data(bytes: Bytes): number {
    this.m.write(this.buffer2, Uint8Array.from(bytes))
    return this.buffer2
  }

  take(handle: number, { room = ROOM, flags = 0, wait = false } = {}): Message {
    const result = this.call(wait ? 'socketReceiveFromWait' : 'socketReceiveFrom', handle, this.buffer2, room, flags, this.message)
    const word = (index: number) => this.m.read32(this.message + index * 4) >>> 0
    return {
      result, data: Uint8Array.from(this.m.bytes(this.buffer2, result > 0 ? Math.min(result, room) : 0)), from: ipText(word(0)), port: word(1), length: word(2),
      flags: word(3), to: ipText(word(4)), nic: word(5), ttl: word(6), tos: word(7), timestamp: word(8),
    }
  }

  /** Everything that waits at a socket, as text. */
  texts(handle: number): string[] {
    const all: string[] = []
    for (;;) {
      const message = this.take(handle)
      if (message.result < 0) return all
      all.push(Buffer.from(message.data).toString())
    }
  }

  /** A datagram from the peer, its data a text. */
  hear(text: string, port: number, fromPort = 4000): void {
    this.receive(this.udp(fromPort, port, Buffer.from(text)))
  }

  field(handle: number, field: number): number {
    return this.call('socketField', handle, field) >>> 0
  }

  state(handle: number): number { return this.field(handle, 0) }
  local(handle: number): string { return `${ipText(this.field(handle, 1))}:${this.field(handle, 2)}` }
  remote(handle: number): string { return `${ipText(this.field(handle, 3))}:${this.field(handle, 4)}` }

  statistic(handle: number, which: keyof typeof Statistic): number {
    return this.call('socketStatistic', handle, Statistic[which])
  }
}

export const Statistic = { bytesSent: 0, bytesReceived: 1, packetsSent: 2, packetsReceived: 3, sendErrors: 4, receiveErrors: 5, dropped: 6 } as const
