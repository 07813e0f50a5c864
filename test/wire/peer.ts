// The other end of the wire: an Ethernet peer inside the test, for QEMU's `-netdev stream`.
//
// Over the socket each frame goes as its length, four bytes big-endian, and the frame itself; over 69,632 bytes QEMU
// ends the connection (net/stream.c, NET_BUFSIZE), so `send` refuses those. The peer listens, QEMU connects.

import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { type Server, type Socket, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bytes } from './bytes.ts'
import { type Decoded, decode } from './frames.ts'
import { type Direction, HostileWire, type HostileOptions } from './hostile.ts'
import { PcapWriter } from './pcap.ts'

export const LONGEST_FRAME = 69632

/** What a peer does of itself with a frame: what to send back, or nothing. */
export type Reaction = (frame: Decoded) => Bytes[] | Bytes | undefined

/** One direction of a hostile wire. Its clock counts the frames that entered it, so that fates repeat. */
interface HostileLane { wire: HostileWire, clock: number, pass: (frame: Bytes) => void }

/** Real milliseconds without a frame, after which a hostile wire gives out what it held back. */
const IDLE = 20

interface Waiter { from: number, look: (frame: Decoded) => boolean }

export class WirePeer {
  /** Every frame the guest sent, in order. */
  readonly received: Decoded[] = []
  private readonly waiters = new Set<Waiter>()
  private readonly reactions: Reaction[] = []
  private socket: Socket | undefined
  private unread: Bytes = Buffer.alloc(0)
  private sends = 0
  private capture: PcapWriter | undefined
  private lanes: Record<Direction, HostileLane> | undefined
  private idle: NodeJS.Timeout | undefined
  private connected: () => void = () => {}
  private readonly whenConnected = new Promise<void>(resolve => { this.connected = resolve })

  private constructor(private readonly folder: string, private readonly server: Server) {}

  /** Start listening on a socket of its own in a temporary folder. */
  static async listen(): Promise<WirePeer> {
    const folder = mkdtempSync(join(tmpdir(), 'porphyry-wire-'))
    const server = createServer()
    const peer = new WirePeer(folder, server)
    server.on('connection', socket => peer.accept(socket))
    await new Promise<void>((resolve, reject) => {
      server.on('error', reject)
      server.listen(peer.path, resolve)
    })
    return peer
  }

  get path(): string {
    return join(this.folder, 'wire')
  }

  /** The value of QEMU's `-netdev` that connects to this peer. */
  netdev(id: string): string {
    return `stream,id=${id},server=off,addr.type=unix,addr.path=${this.path}`
  }

  /** Write every frame, both ways, to a capture from now on. */
  record(path: string): void {
    this.capture = new PcapWriter(path)
  }

  /**
   * Make the wire hostile from now on: `there` is towards the guest. A delay of n milliseconds lets n frames of the same
   * direction by, and what is held back comes out when the wire has been idle: the same frames sent at once reach the
   * guest the same for the same seed. `record` shows what this end sends and gets, the option `capture` what reaches
   * the guest, its times the number of frames sent before.
   */
  harm(options: HostileOptions): void {
    const { capture: _, ...others } = options
    this.lanes = {
      there: { wire: new HostileWire(options), clock: 0, pass: frame => this.transmit(frame) },
      back: { wire: new HostileWire(others), clock: 0, pass: frame => this.arrived(decode(frame)) },
    }
  }

  /** What the hostile wire did in a direction. */
  deeds(direction: Direction): ReturnType<HostileWire['deeds']> {
    if (this.lanes === undefined) throw new Error('this wire is not hostile')
    return this.lanes[direction].wire.deeds(direction)
  }

  /** Silence a direction of the hostile wire, or end its silence. */
  silence(direction: Direction, silent = true): void {
    this.lanes?.[direction].wire.silence(direction, silent)
  }

  /** The wire is a good one again; what it held back comes out. */
  forgive(): void {
    this.drain()
    this.lanes = undefined
  }

  /** React to frames from the guest as they come: ARP answers, a DHCP server. */
  react(reaction: Reaction): void {
    this.reactions.push(reaction)
  }

  /** Send a frame as it is: no padding, no check of what is in it. Waits until QEMU has connected. */
  async send(...frames: Bytes[]): Promise<void> {
    await this.whenConnected
    for (const frame of frames) this.write(frame)
    if (++this.sends % 16 === 0) await new Promise(resolve => setImmediate(resolve)) // read what came back meanwhile
  }

  /**
   * The first frame from `from` (an index into `received`; by default what comes after the call) for which `match`
   * is true; an error that lists what did arrive after `seconds`.
   */
  async next(match: (frame: Decoded) => boolean, { seconds = 5, from = this.received.length, what = 'frame' } = {}): Promise<Decoded> {
    const already = this.received.slice(from).find(match)
    if (already) return already
    return await new Promise((resolve, reject) => {
      const waiter: Waiter = { from, look: frame => {
        if (!match(frame)) return false
        clearTimeout(limit)
        resolve(frame)
        return true
      } }
      const limit = setTimeout(() => {
        this.waiters.delete(waiter)
        const seen = this.received.slice(from).map(frame => '  ' + Buffer.from(frame.frame.subarray(0, 64)).toString('hex'))
        reject(new Error(`no ${what} in ${seconds} s; the guest sent ${seen.length} frames meanwhile\n${seen.slice(-20).join('\n')}`))
      }, seconds * 1000)
      this.waiters.add(waiter)
    })
  }

  /** Send, and wait for the answer that `match` knows. */
  async ask(frame: Bytes, match: (frame: Decoded) => boolean, options: { seconds?: number, what?: string } = {}): Promise<Decoded> {
    const from = this.received.length
    await this.send(frame)
    return await this.next(match, { ...options, from })
  }

  /** Every frame that comes within `seconds` from now on. */
  async during(seconds: number): Promise<Decoded[]> {
    const from = this.received.length
    await new Promise(resolve => setTimeout(resolve, seconds * 1000))
    return this.received.slice(from)
  }

  close(): void {
    clearTimeout(this.idle)
    this.socket?.destroy()
    this.server.close()
    this.capture?.close()
    this.capture = undefined
    if (existsSync(this.folder)) rmSync(this.folder, { recursive: true })
  }

  private accept(socket: Socket): void {
    this.socket = socket
    socket.on('data', data => this.take(data))
    socket.on('error', () => socket.destroy()) // QEMU ended: its exit status is what the test looks at
    this.connected()
  }

  private take(data: Bytes): void {
    this.unread = this.unread.length === 0 ? data : Buffer.concat([this.unread, data])
    while (this.unread.length >= 4) {
      const length = Buffer.from(this.unread.subarray(0, 4)).readUInt32BE()
      if (this.unread.length < 4 + length) return
      const frame = Buffer.from(this.unread.subarray(4, 4 + length))
      this.unread = this.unread.subarray(4 + length)
      if (this.lanes) this.enter('back', frame)
      else this.arrived(decode(frame))
    }
  }

  private arrived(frame: Decoded): void {
    this.capture?.write(frame.frame, Date.now())
    this.received.push(frame)
    for (const reaction of this.reactions) {
      const answer = reaction(frame)
      for (const each of Array.isArray(answer) ? answer : answer ? [answer] : []) this.write(each)
    }
    for (const waiter of [...this.waiters]) if (waiter.look(frame)) this.waiters.delete(waiter)
  }

  private write(frame: Bytes): void {
    if (frame.length === 0) throw new Error('QEMU takes an empty frame for a card without room, and waits for ever')
    if (frame.length > LONGEST_FRAME) throw new Error(`QEMU takes no frame of ${frame.length} bytes`)
    this.capture?.write(frame, Date.now())
    if (this.lanes) this.enter('there', frame)
    else this.transmit(frame)
  }

  /** Through the hostile wire. */
  private enter(direction: Direction, frame: Bytes): void {
    const lane = this.lanes![direction]
    lane.wire.offer(direction, frame, ++lane.clock)
    for (const out of lane.wire.take(lane.clock)) lane.pass(out.frame)
    clearTimeout(this.idle)
    this.idle = setTimeout(() => this.drain(), IDLE)
  }

  private drain(): void {
    for (const lane of Object.values(this.lanes ?? {})) for (const out of lane.wire.take(Infinity)) lane.pass(out.frame)
  }

  private transmit(frame: Bytes): void {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(frame.length)
    this.socket?.write(Buffer.concat([length, frame]))
  }
}
