// Two of our stacks with a hostile wire between them, and streams over it: what one user writes the other reads, each
// octet compared; in virtual time, by a seed.

import type { Engine } from '../engine-instance.ts'
import { randomFrom } from './garbage.ts'
import type { Harm, HostileOptions } from './hostile.ts'
import { LEFT, Pair } from './pair.ts'
import { Errno, Option, Sockets, State, Type } from './sockets.ts'
import type { Arrival } from './stack.ts'
import type { Bytes } from './bytes.ts'

const PORT = 8080
const CHUNK = 16_384
const SHUT_SEND = 1
/** By default: a transfer that has not ended after this is stuck: longer than any timeout of RFC 9293 §3.8.3. */
const STUCK = 40 * 60_000
/** Longer than TIME-WAIT, and than any wait for a FIN. */
export const ALL_FORGOTTEN = 10 * 60_000

/** A stack whose rounds end with each frame and each timer. */
class Rounds extends Sockets {
  override receive(frame: Bytes, arrival: Arrival = {}): void {
    super.receive(frame, arrival)
    this.call('netFlush')
  }

  override advance(milliseconds: number): void {
    super.advance(milliseconds)
    this.call('netFlush')
  }
}

/** One user of one end. */
interface User {
  stack: Rounds
  handle: number
  writes: number // the seed of what it writes
  reads: number
  toSend: number
  sent: number
  toRead: number
  read: number
  shut: boolean // it has ended its stream
  ended: boolean // the other has
  error: number
}

export interface Transfer {
  /** Octets from the end that connects, and back. */
  there: number
  back: number
  /** Most octets a user reads at once. */
  readAtOnce?: number
  /** The users act whenever something happens; else now and then, and seldom while nothing moves. */
  prompt?: boolean
  /** Milliseconds after which it is stuck. */
  patience?: number
  seed: number
}

interface TcpPairOptions { receiveBuffer?: number, sendBuffer?: number, userTimeout?: number, congestionControl?: number }

export interface Outcome {
  /** `whole`: each octet arrived, and both ends know. Else what a call said, or what is wrong. */
  verdict: 'whole' | 'error' | 'stuck' | 'corrupt'
  why: string
  milliseconds: number
  /** When the last octet there was read, in milliseconds since the beginning. */
  arrived: number
}

export class TcpPair {
  readonly pair: Pair<Rounds>
  private readonly listener: number
  private readonly free: number[]
  private readonly open: number[]

  /**
   * `receiveBuffer`, `sendBuffer`: octets, fixed; else the stack's own choice, which grows. `userTimeout`: milliseconds, RFC 9293
   * §3.9.1; `congestionControl`: by its number.
   */
  constructor(engine: Engine, private readonly options: HostileOptions & TcpPairOptions) {
    this.pair = new Pair<Rounds>(engine, { ...options, harm: {}, make: Rounds })
    this.pair.keepsSent = false
    for (const stack of [this.pair.left, this.pair.right]) stack.addMemory(2048)
    this.meet()
    this.setHarm(options.harm ?? {})
    this.listener = this.pair.left.socket(Type.Stream)
    this.must(this.pair.left.bind(this.listener, '0.0.0.0', PORT), 'bind')
    this.must(this.pair.left.call('socketListen', this.listener, 16), 'listen')
    this.limit(this.pair.left, this.listener)
    this.free = this.stacks.map(stack => stack.free)
    this.open = this.stacks.map(stack => stack.call('socketCounter', 0))
  }

  setHarm(harm: Harm): void {
    this.pair.wire.setHarm('there', harm)
    this.pair.wire.setHarm('back', harm)
  }

  /** Move octets both ways over a new connection, end it, and say how that went. */
  transfer({ there, back, seed, readAtOnce = CHUNK, prompt = false, patience = STUCK }: Transfer): Outcome {
    const { left, right } = this.pair
    const random = randomFrom(seed)
    const began = this.pair.now
    const user = (stack: Rounds, writes: number, reads: number, toSend: number, toRead: number): User =>
      ({ stack, handle: 0, writes, reads, toSend, sent: 0, toRead, read: 0, shut: false, ended: false, error: 0 })
    const client = user(right, seed, seed + 1, there, back)
    const server = user(left, seed + 1, seed, back, there)
    client.handle = right.socket(Type.Stream)
    this.limit(right, client.handle)
    const connected = right.connect(client.handle, LEFT.ip, PORT)
    if (connected !== Errno.InProgress) client.error = connected
    let verdict: Outcome['verdict'] | undefined
    let idle = 0
    let arrived = 0
    while (verdict === undefined) {
      if (server.handle === 0) this.accept(server)
      const moved = [client, server].map(each => each.handle === 0 ? 0 : this.move(each, 1 + random(readAtOnce)))
      idle = Math.max(...moved) > 0 ? 0 : idle + 1
      if (arrived === 0 && server.read === there) arrived = this.pair.now - began
      verdict = this.judge(client, server, moved.includes(-1), this.pair.now - began > patience)
      if (verdict === undefined) this.pair.run(prompt ? this.pair.untilNext() : Math.min(1000, 5 + 5 * idle))
    }
    const why = `${client.sent}/${there} sent, ${server.read} read; ${server.sent}/${back} sent, ${client.read} read; errors ${client.error} ${server.error}`
    const milliseconds = this.pair.now - began
    for (const each of [client, server]) if (each.handle !== 0) each.stack.call('socketClose', each.handle)
    for (const stack of this.stacks) stack.call('netFlush')
    this.pair.exchange()
    return { verdict, why, milliseconds, arrived }
  }

  /** What is held when all connections should be forgotten; none if nothing. */
  kept(): string[] {
    this.setHarm({})
    for (let handle; (handle = this.pair.left.call('socketAccept', this.listener, 0)) > 0;) this.pair.left.call('socketClose', handle)
    this.pair.run(ALL_FORGOTTEN)
    for (let handle; (handle = this.pair.left.call('socketAccept', this.listener, 0)) > 0;) this.pair.left.call('socketClose', handle)
    this.pair.run(ALL_FORGOTTEN)
    return this.stacks.flatMap((stack, i) => {
      const [packets, sockets, blocks] = [this.free[i]! - stack.free, stack.call('socketCounter', 0) - this.open[i]!, stack.call('tcpConnections')]
      return packets === 0 && sockets === 0 && blocks === 0 ? []
        : [`${i === 0 ? 'left' : 'right'}: ${packets} packet buffers, ${sockets} sockets, ${blocks} connections`]
    })
  }

  private get stacks(): Rounds[] {
    return [this.pair.left, this.pair.right]
  }

  /** Each learns the other's link address while the wire is good. */
  private meet(): void {
    this.pair.run(10)
  }

  private limit(stack: Rounds, handle: number): void {
    const { receiveBuffer, sendBuffer, userTimeout, congestionControl } = this.options
    if (sendBuffer !== undefined) this.must(stack.set(handle, Option.SendBufferSize, sendBuffer), 'send buffer')
    if (receiveBuffer !== undefined) this.must(stack.set(handle, Option.RecvBufferSize, receiveBuffer), 'receive buffer')
    if (userTimeout !== undefined) this.must(stack.set(handle, Option.UserTimeout, userTimeout), 'user timeout')
    if (congestionControl !== undefined) this.must(stack.set(handle, Option.CongestionControl, congestionControl), 'congestion control')
  }

  private must(result: number, what: string): void {
    if (result !== 0) throw new Error(`${what}: ${result}`)
  }

  /** A connection that a lost client left behind may wait as well: the newest is ours. */
  private accept(server: User): void {
    for (let handle; (handle = server.stack.call('socketAccept', this.listener, 0)) > 0;) {
      if (server.handle !== 0) server.stack.call('socketClose', server.handle)
      server.handle = handle
    }
  }

  /** Write and read what goes without waiting: octets moved, or -1 when what was read is not what was written. */
  private move(user: User, most: number): number {
    const written = this.write(user)
    const read = this.read(user, most)
    user.stack.call('netFlush')
    return read < 0 ? read : written + read
  }

  private write(user: User): number {
    const { stack, handle } = user
    const before = user.sent
    while (user.sent < user.toSend && user.error === 0) {
      const result = stack.send(handle, data(user.writes, user.sent, Math.min(CHUNK, user.toSend - user.sent)))
      if (result <= 0) { this.refused(user, result); break }
      user.sent += result
      this.pair.exchange() // onto the wire at once: the test's card keeps so many frames and no more
    }
    if (user.sent === user.toSend && !user.shut && user.error === 0 && stack.state(handle) === State.Connected) {
      user.shut = true
      this.refused(user, stack.call('socketShutdown', handle, SHUT_SEND))
    }
    return user.sent - before
  }

  private read(user: User, most: number): number {
    const before = user.read
    while (!user.ended && user.error === 0) {
      const { result, data: got } = user.stack.take(user.handle, { room: most })
      if (result === 0) user.ended = true
      if (result <= 0) { this.refused(user, result); break }
      if (Buffer.compare(got, data(user.reads, user.read, result)) !== 0) return -1
      user.read += result
    }
    return user.read - before
  }

  private refused(user: User, result: number): void {
    if (result < 0 && result !== Errno.WouldBlock && result !== Errno.InProgress && result !== Errno.NotConnected) user.error = result
  }

  private judge(client: User, server: User, corrupt: boolean, stuck: boolean): Outcome['verdict'] | undefined {
    if (corrupt) return 'corrupt'
    if (client.error !== 0 || server.error !== 0) return 'error'
    if (client.ended && server.ended) {
      const whole = client.read === client.toRead && server.read === server.toRead
      return whole ? 'whole' : 'corrupt'
    }
    return stuck ? 'stuck' : undefined
  }
}

/** What the user of a seed writes from an offset on. */
function data(seed: number, offset: number, length: number): Bytes {
  return Uint8Array.from({ length }, (_, i) => Math.imul(offset + i + seed, 0x9e3779b1) >>> 24)
}
