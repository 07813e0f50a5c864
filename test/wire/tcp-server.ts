// A TCP server on the wire of a stack under test, by hand: one connection to a port, no losses, what it says cut as the test
// likes. RFC 9293. For what uses stream sockets inside the kernel as a client.

import { type Bytes, bytes } from './bytes.ts'
import { Protocol } from './frames.ts'
import { GUEST, PEER, type Stack } from './stack.ts'
import { TcpFlag, tcp } from './tcp.ts'

const FIRST = 0x1000_0000 // its own first sequence number

export class TcpServer {
  heard: Bytes = new Uint8Array(0)
  /** Control bits of every segment that came, those of the handshake included. */
  readonly flags: number[] = []
  private seen = 0
  private clientPort = 0
  private next = FIRST
  private expected = 0

  constructor(readonly stack: Stack, readonly port: number, readonly address = PEER.ip) {
    this.seen = stack.sent().length
  }

  /** Answer everything that has come; a SYN begins the connection anew. False if there was nothing. */
  run(): boolean {
    this.stack.call('netPoll', 64)
    this.stack.call('netFlush')
    const came = this.stack.sent().slice(this.seen).flatMap(({ ipv4, tcp: segment }) =>
      segment && ipv4!.destination === this.address && segment.destinationPort === this.port ? [segment] : [])
    this.seen = this.stack.sent().length
    for (const { flags, sequence, sourcePort, payload } of came) {
      this.flags.push(flags)
      if (flags & TcpFlag.R) continue
      if (flags & TcpFlag.S) this.begin(sourcePort, sequence)
      else if (sequence === this.expected && payload.length + (flags & TcpFlag.F) > 0) {
        this.heard = bytes(this.heard, payload)
        this.expected = (this.expected + payload.length + (flags & TcpFlag.F)) >>> 0
        this.send(TcpFlag['.'])
      }
    }
    return came.length > 0
  }

  private begin(clientPort: number, sequence: number): void {
    this.clientPort = clientPort
    this.next = FIRST
    this.expected = (sequence + 1) >>> 0
    this.send(TcpFlag.S | TcpFlag['.'])
    this.next++
    this.run()
  }

  /** Say it, in segments of these sizes and one more for what is left. */
  say(data: Bytes, ...sizes: number[]): void {
    let at = 0
    for (const size of [...sizes, data.length]) {
      const piece = data.subarray(at, at + size)
      if (piece.length === 0) return
      this.send(TcpFlag['.'] | TcpFlag.P, piece)
      this.next += piece.length
      at += piece.length
      this.run()
    }
  }

  end(): void {
    this.send(TcpFlag['.'] | TcpFlag.F)
    this.next++
    this.run()
  }

  reset(): void {
    this.send(TcpFlag['.'] | TcpFlag.R)
    this.run()
  }

  get wasReset(): boolean { return this.flags.some(each => each & TcpFlag.R) }
  get wasEnded(): boolean { return this.flags.some(each => each & (TcpFlag.R | TcpFlag.F)) }

  /** A SYN is refused: RFC 9293 §3.5.2. */
  static refuse(stack: Stack): void {
    const syn = stack.sent().filter(each => each.tcp && each.tcp.flags & TcpFlag.S).at(-1)!
    const { sourcePort, destinationPort, sequence } = syn.tcp!
    stack.receive(stack.ipv4({ protocol: Protocol.Tcp, source: syn.ipv4!.destination }, tcp({
      source: syn.ipv4!.destination, destination: GUEST.ip, sourcePort: destinationPort, destinationPort: sourcePort,
      acknowledgment: (sequence + 1) >>> 0, flags: TcpFlag.R | TcpFlag['.'],
    }, new Uint8Array(0))))
    stack.call('netPoll', 64)
  }

  private send(flags: number, payload: Bytes = new Uint8Array(0)): void {
    this.stack.receive(this.stack.ipv4({ protocol: Protocol.Tcp, source: this.address }, tcp({
      source: this.address, destination: GUEST.ip, sourcePort: this.port, destinationPort: this.clientPort,
      sequence: this.next >>> 0, acknowledgment: this.expected, flags,
    }, payload)))
  }
}
