// Services over streams under test: connections whose client is the test (test/kernel/stream-pipe.ts), rounds of the main
// loop, and virtual time.

import type { Engine, Instance } from '../engine-instance.ts'
import { ip } from './stack.ts'

const ROOM = 2048
const CLIENT = ip('10.0.0.9')

export class Services {
  readonly m: Instance
  readonly room: number
  #spare = new Map<number, number[]>() // memory of connections that were forgotten, by its size

  /** With `memory` bytes for tables. */
  constructor(engine: Engine, memory = 4 << 20) {
    this.m = engine.start()
    this.room = this.m.alloc(ROOM)
    this.m.call('servicesStart', this.m.alloc(memory, 4096), memory)
  }

  call(name: string, ...args: number[]): number {
    return this.m.call(name, ...args)
  }

  /** A connection to a port, with so much buffer in each direction. */
  connect(port: number, room = ROOM): Client {
    const memory = this.#spare.get(room)?.pop() ?? this.m.alloc(2 * room)
    const which = this.call('pipeConnect', CLIENT, port, memory, room)
    if (which < 0) throw new Error(`no connection to ${port}: ${which}`)
    this.run()
    return new Client(this, which, memory, room)
  }

  /** Memory of a connection that is no more. */
  spare(memory: number, room: number): void {
    this.#spare.set(room, [...this.#spare.get(room) ?? [], memory])
  }

  /** Rounds until nothing is left to do; how many things were done. */
  run(): number {
    let done = 0
    for (let round = 0; round < 1000; round++) {
      const now = this.call('servicesPoll')
      done += now
      if (now === 0) return done
    }
    throw new Error('services are never done')
  }

  advance(milliseconds: number): void {
    this.call('advance', milliseconds)
    this.run()
  }
}

export class Client {
  constructor(readonly services: Services, readonly which: number, readonly memory: number, readonly bufferRoom: number) {}

  /** Write all of it, in pieces of at most `piece` bytes, and take what comes back meanwhile: that is returned. */
  send(data: string | Uint8Array, piece = ROOM): Buffer {
    const bytes = Buffer.from(data as Uint8Array)
    const got: Buffer[] = []
    let at = 0
    let idle = 0
    while (at < bytes.length && idle < 3) {
      const taken = this.write(bytes.subarray(at, at + Math.min(piece, ROOM)))
      at += taken
      this.services.run()
      const came = this.read()
      this.services.run()
      got.push(came)
      idle = taken + came.length === 0 ? idle + 1 : 0
    }
    if (at < bytes.length) throw new Error(`only ${at} of ${bytes.length} bytes were taken`)
    got.push(this.readAll())
    return Buffer.concat(got)
  }

  /** Write what there is room for; how much that was. Nobody reads it before the next round. */
  write(data: string | Uint8Array): number {
    const { m, room } = this.services
    const bytes = Buffer.from(data as Uint8Array).subarray(0, ROOM)
    m.write(room, bytes)
    return this.services.call('pipeWrite', this.which, room, bytes.length)
  }

  /** What has come, `most` bytes of it. */
  read(most = ROOM): Buffer {
    const { m, room } = this.services
    const length = this.services.call('pipeRead', this.which, room, most)
    return Buffer.from(m.bytes(room, length))
  }

  /** What has come, and what comes because it was taken, up to `limit` bytes. */
  readAll(limit = Infinity): Buffer {
    const got: Buffer[] = []
    let length = 0
    while (length < limit) {
      const now = this.read(Math.min(ROOM, limit - length))
      if (now.length === 0) break
      got.push(now)
      length += now.length
      this.services.run()
    }
    return Buffer.concat(got)
  }

  end(): void {
    this.services.call('pipeEnd', this.which)
    this.services.run()
  }

  reset(): void {
    this.services.call('pipeReset', this.which)
    this.services.run()
  }

  /** End, and leave nothing of it behind. False if the service did not close it. */
  forget(): boolean {
    this.end()
    const closed = this.closed
    this.services.call('pipeForget', this.which)
    if (closed) this.services.spare(this.memory, this.bufferRoom)
    return closed
  }

  get accepted(): boolean { return (this.#status & 1) !== 0 }
  /** The service has ended its stream, by closing or by shutting that direction. */
  get ended(): boolean { return (this.#status & 2) !== 0 }
  get closed(): boolean { return (this.#status & 4) !== 0 }
  /** It closed while bytes waited that it had not read: TCP would reset. */
  get unread(): boolean { return (this.#status & 8) !== 0 }
  get #status(): number { return this.services.call('pipeStatus', this.which) }
}
