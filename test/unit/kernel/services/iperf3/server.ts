// kernel/services/iperf3: the server's side of iperf3's protocol over streams that are only memory, in virtual time: what it
// says when, whose streams are whose, what it counts, and what becomes of clients that vanish or lie.

import t from 'tap'
import type { Engine } from '../../../../engine-instance.ts'
import { engines } from '../../../../engine.ts'
import { be32, bytes } from '../../../../wire/bytes.ts'
import { Sockets } from '../../../../wire/sockets.ts'
import { PEER, ip } from '../../../../wire/stack.ts'

const Signal = {
  TestStart: 1, TestRunning: 2, TestEnd: 4, ParamExchange: 9, CreateStreams: 10, ClientTerminate: 12, ExchangeResults: 13,
  DisplayResults: 14, IperfDone: 16, ServerError: 0xfe, AccessDenied: 0xff,
} as const
const COOKIE = 'abcdefghijklmnopqrstuvwxyz0123456789\0'
const OTHER = COOKIE.replace('a', 'b')
const PORT = 5201
const PIPE_BYTES = 40_000

interface StreamResult { id: number, bytes: number, retransmits: number, jitter: number, errors: number, packets: number, start_time: number, end_time: number }
interface Results { sender_has_retransmits: number, congestion_used?: string, streams: StreamResult[] }

/** A server, and clients that are pipes into it. */
class Server extends Sockets {
  private room = 0

  static start(engine: Engine): Server {
    const server = new Server(engine, {})
    server.configure('10.0.0.2/24,gw=10.0.0.1')
    server.addMemory(512)
    server.receive(server.arp())
    server.forget()
    server.room = server.m.alloc(66_000)
    const result = server.call('serverStart')
    if (result !== 0) throw new Error(`serverStart: ${result}`)
    return server
  }

  pipe(first: string | ArrayLike<number> = ''): Pipe {
    const pipe = new Pipe(this, this.call('pipeConnect', ip(PEER.ip), PORT, this.m.alloc(2 * PIPE_BYTES), PIPE_BYTES))
    if (pipe.number < 0) throw new Error(`no connection: ${pipe.number}`)
    pipe.write(first)
    return pipe
  }

  put2(data: ArrayLike<number>): number {
    this.m.write(this.room, data)
    return this.room
  }

  get scratch(): number { return this.room }

  run(): void {
    this.call('servicesRun', 1000)
  }

  /** A client whose parameters were taken: its control connection. */
  client(parameters: object): Pipe {
    const control = this.pipe(COOKIE)
    control.hears(Signal.ParamExchange)
    control.message(parameters)
    control.hears(Signal.CreateStreams)
    return control
  }

  /** A client with all its streams, running. */
  running(parameters: object, count: number): { control: Pipe, streams: Pipe[] } {
    const control = this.client(parameters)
    const streams = Array.from({ length: count }, () => this.pipe(COOKIE))
    control.hears(Signal.TestStart, Signal.TestRunning)
    return { control, streams }
  }

  get ends(): string[] {
    return this.logged('iperf3: test').map(line => /end=(\S+)/.exec(line)![1]!)
  }
}

class Pipe {
  constructor(readonly server: Server, readonly number: number) { }

  write(data: string | ArrayLike<number>): void {
    const all = typeof data === 'string' ? Buffer.from(data) : data
    if (this.server.call('pipeWrite', this.number, this.server.put2(all), all.length) !== all.length) throw new Error('the pipe is full')
    this.server.run()
  }

  /** Everything the server has said since the last call. */
  read(): Uint8Array {
    const length = this.server.call('pipeRead', this.number, this.server.scratch, PIPE_BYTES)
    return Uint8Array.from(this.server.m.bytes(this.server.scratch, length))
  }

  hears(...signals: number[]): void {
    const got = [...this.read()]
    if (got.join() !== signals.join()) throw new Error(`heard ${got.join()}, not ${signals.join()}`)
  }

  message(value: object | string): void {
    const json = Buffer.from(typeof value === 'string' ? value : JSON.stringify(value, null, '\t'))
    this.write(bytes(be32(json.length), json))
  }

  /** The end of a test, with the client's results; the server's. */
  results(theirs: object = { streams: [{ id: 1, bytes: 5 }] }): Results {
    this.write([Signal.TestEnd])
    this.hears(Signal.ExchangeResults)
    this.message(theirs)
    const answer = Buffer.from(this.read())
    const length = answer.readUInt32BE(0)
    if (answer.length !== length + 5 || answer[length + 4] !== Signal.DisplayResults) throw new Error('not one message and a signal')
    const results = JSON.parse(answer.subarray(4, 4 + length).toString()) as Results
    this.write([Signal.IperfDone])
    return results
  }

  close(): void {
    this.server.call('pipeClose', this.number)
    this.server.run()
  }

  get gone(): boolean { return (this.server.call('pipeStatus', this.number) & 4) !== 0 }
  get ended(): boolean { return (this.server.call('pipeStatus', this.number) & 2) !== 0 }
}

/** A datagram's beginning as the client makes it. */
const header = (count: number, seconds: number, microseconds: number, wide = false): Uint8Array =>
  bytes(be32(seconds), be32(microseconds), ...(wide ? [be32(0)] : []), be32(count), new Uint8Array(100))

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    t.test('TCP to the server: signals in their order, bytes counted, the next client served after', async t => {
      const server = Server.start(e)
      for (let round = 0; round < 2; round++) {
        const { control, streams } = server.running({ tcp: true, omit: 0, time: 10, parallel: 2, len: 131072, client_version: '3.12' }, 2)
        for (let i = 0; i < 5; i++) {
          streams[0]!.write(new Uint8Array(30_000))
          streams[1]!.write(new Uint8Array(1000))
        }
        server.advance(2500)
        const results = control.results()
        t.match(results, { sender_has_retransmits: -1, congestion_used: 'cubic' })
        t.match(results.streams, [
          { id: 1, bytes: 150_000, retransmits: -1, jitter: 0, errors: 0, packets: 0, start_time: 0, end_time: 2.5 },
          { id: 3, bytes: 5000, retransmits: -1, end_time: 2.5 },
        ])
        t.equal(results.streams.length, 2)
        for (const pipe of [control, ...streams]) {
          t.ok(pipe.ended, 'our end of it')
          pipe.close()
          t.ok(pipe.gone)
        }
      }
      t.match(server.logged('iperf3: test')[0], /end=done client=10\.0\.0\.9 protocol=tcp streams=2 received=155000 sent=0 theirs=5 us=2500000$/)
      t.same(server.ends, ['done', 'done'])
      t.equal(server.call('socketCounter', 0), 1, 'only the listener is left')
    })

    t.test('TCP from the server: as fast as it is read, retransmissions told', async t => {
      const server = Server.start(e)
      const { control, streams: [stream] } = server.running({ tcp: true, time: 10, parallel: 1, reverse: true, len: 20_000 }, 1)
      let got = 0
      for (let i = 0; i < 10; i++) {
        got += stream!.read().length
        server.run()
      }
      t.ok(got >= 360_000, `${got} bytes`)
      server.call('pipeRetransmits', stream!.number, 7)
      server.advance(1000)
      const results = control.results()
      t.equal(results.sender_has_retransmits, 1)
      t.equal(results.streams[0]!.retransmits, 7)
      t.equal(results.streams[0]!.bytes, got + stream!.read().length, 'what was sent is what came')
      t.equal(stream!.read().length, 0, 'and nothing after the end')
    })

    t.test('TCP at a rate: what the time allows, and no more', async t => {
      const server = Server.start(e)
      const { streams: [stream] } = server.running({ tcp: true, time: 10, reverse: true, len: 1000, bandwidth: 8_000_000 }, 1)
      let got = 0
      for (let ms = 0; ms < 1000; ms++) {
        server.advance(1)
        server.run()
        got += stream!.read().length
      }
      t.equal(got, 1_000_000, 'a megabyte a second')
    })

    t.test('both directions: the first half of the connections is the client\'s, by when they were made', async t => {
      const server = Server.start(e)
      const control = server.client({ tcp: true, time: 10, parallel: 2, bidirectional: true, len: 1000 })
      const streams = Array.from({ length: 4 }, () => server.pipe(COOKIE.slice(0, 20)))
      for (const i of [3, 1, 0, 2]) streams[i]!.write(COOKIE.slice(20))
      control.hears(Signal.TestStart, Signal.TestRunning)
      t.same(streams.map(each => each.read().length > 0), [false, false, true, true])
      streams[1]!.write(new Uint8Array(77))
      const results = control.results()
      t.same(results.streams.map(each => each.id), [1, 3, 4, 5])
      t.same(results.streams.slice(0, 2).map(each => each.bytes), [0, 77])
      t.ok(results.streams.slice(2).every(each => each.bytes >= 40_000))
      t.equal(results.sender_has_retransmits, 1)
    })

    t.test('omitted seconds count neither bytes nor retransmissions nor time', async t => {
      const server = Server.start(e)
      const { control, streams: [up, down] } = server.running({ tcp: true, time: 10, omit: 2, bidirectional: true, len: 1000 }, 2)
      up!.write(new Uint8Array(500))
      server.call('pipeRetransmits', down!.number, 4)
      server.advance(2000)
      up!.write(new Uint8Array(300))
      server.call('pipeRetransmits', down!.number, 9)
      server.advance(500)
      const results = control.results()
      t.match(results.streams, [{ bytes: 300, end_time: 0.5 }, { retransmits: 5, end_time: 0.5 }])
    })

    t.test('one client at a time; others hear that access is denied, and cookies keep streams apart', async t => {
      const server = Server.start(e)
      const { control, streams } = server.running({ tcp: true, time: 10 }, 1)
      for (const cookie of [OTHER, COOKIE]) {
        const other = server.pipe(cookie)
        other.hears(Signal.AccessDenied)
        t.ok(other.ended)
        other.close()
        t.ok(other.gone)
      }
      streams[0]!.write(new Uint8Array(10))
      t.equal(control.results().streams[0]!.bytes, 10, 'the client that is served does not notice')

      const waiting = server.client({ tcp: true, time: 10 })
      server.pipe(OTHER).hears(Signal.AccessDenied)
      server.pipe(COOKIE)
      waiting.hears(Signal.TestStart, Signal.TestRunning)
    })

    t.test('datagrams: greetings old and new, loss, reordering, jitter', async t => {
      for (const wide of [false, true]) {
        const server = Server.start(e)
        const control = server.client({ udp: true, time: 10, parallel: 2, len: 1000, bandwidth: 1_000_000, ...(wide ? { udp_counters_64bit: 1 } : {}) })
        const greet = (port: number, word: number) => {
          const greeting = Buffer.alloc(4)
          greeting.writeUInt32LE(word)
          return server.exchange(server.udp(port, PORT, greeting)).map(each => Buffer.from(each.udp!.payload).readUInt32LE(0))
        }
        t.same(greet(4001, 0x36373839), [0x39383736])
        t.same(greet(4001, 0x36373839), [0x39383736], 'again, for the same stream')
        control.hears()
        t.same(greet(4002, 123_456_789), [987_654_321])
        control.hears(Signal.TestStart, Signal.TestRunning)
        const send = (port: number, count: number, late = 0) => {
          server.advance(10)
          const at = 1_700_000_000_000_000 + count * 10_000 - late
          server.exchange(server.udp(port, PORT, header(count, Math.floor(at / 1e6), at % 1e6, wide)))
        }
        for (const count of [1, 2, 3, 6, 5, 7]) send(4001, count, 0)
        for (const count of [1, 2]) send(4002, count)
        server.exchange(server.udp(4002, PORT, new Uint8Array(3)))
        t.same(server.exchange(server.udp(4003, PORT, header(1, 0, 0))), [], 'a stranger')
        const [first, second] = control.results().streams
        const length = wide ? 116 : 112
        t.match(first, { id: 1, bytes: 6 * length, packets: 7, errors: 1 }, 'three were missing, one came after all; then one more')
        t.match(second, { id: 3, bytes: 2 * length + 3, packets: 2, errors: 0 })
        t.ok(first!.jitter > 0.001 && first!.jitter < 0.02, `jitter ${first!.jitter}`)
        t.equal(second!.jitter, 0)
        t.equal(server.exchange(server.udp(4001, PORT, header(1, 0, 0)))[0]?.icmp?.type, 3, 'afterwards the port is closed')
      }
    })

    t.test('datagrams from the server: at the rate, numbered, with the time', async t => {
      const server = Server.start(e)
      const control = server.client({ udp: true, time: 10, reverse: true, len: 1000, bandwidth: 800_000, TOS: 0x20 })
      server.exchange(server.udp(4001, PORT, Buffer.from('9876')))
      control.hears(Signal.TestStart, Signal.TestRunning)
      server.forget()
      server.advance(500)
      const sent = server.sent()
      t.equal(sent.length, 50)
      for (const [i, each] of sent.entries()) {
        t.match(each.udp, { sourcePort: PORT, destinationPort: 4001, checksumRight: true })
        const payload = Buffer.from(each.udp!.payload)
        if (payload.length !== 1000 || payload.readUInt32BE(8) !== i + 1) t.fail(`datagram ${i}: ${payload.length}, ${payload.readUInt32BE(8)}`)
      }
      t.equal(server.sentBytes()[0]![15], 0x20, 'the service asked for')
      const times = sent.map(each => Buffer.from(each.udp!.payload)).map(each => each.readUInt32BE(0) * 1e6 + each.readUInt32BE(4))
      t.equal(times[49]! - times[0]!, 490_000, 'ten milliseconds apart')
      const free = server.free
      t.match(control.results().streams[0], { bytes: 50_000, packets: 50, errors: 0 })
      server.forget()
      server.advance(500)
      t.equal(server.sent().length, 0, 'and no more after the end')
      t.equal(server.free, free)
    })

    t.test('what is asked for and can not be: refused with the number the client knows', async t => {
      const cases: [parameters: object | string, code: number][] = [
        [{ tcp: true, parallel: 0 }, 6], [{ tcp: true, parallel: 129 }, 6], [{ tcp: true, parallel: 65, bidirectional: true }, 6], [{ tcp: true, parallel: -1 }, 6],
        [{ tcp: true, len: 0 }, 7], [{ tcp: true, len: 1_048_577 }, 7], [{ udp: true, len: 11 }, 20], [{ udp: true, len: 15, udp_counters_64bit: 1 }, 20],
        [{ udp: true, len: 65_508 }, 20], [{ sctp: true }, 18], [{ tcp: true, time: 86_401 }, 5], [{ tcp: true, omit: 601 }, 12],
        ['[1,', 114], ['nonsense', 114], ['', 114], ['{"a":'.repeat(40), 114],
      ]
      for (const [parameters, code] of cases) {
        const server = Server.start(e)
        const control = server.pipe(COOKIE)
        control.hears(Signal.ParamExchange)
        control.message(parameters)
        t.same([...control.read()], [Signal.ServerError, 0, 0, 0, code, 0, 0, 0, 0], JSON.stringify(parameters))
        t.ok(control.ended)
        server.client({ tcp: true })
      }
    })

    t.test('clients that vanish, are silent, or speak something else: the next one is served', async t => {
      const server = Server.start(e)
      const free = (why: string) => {
        t.equal(server.ends.at(-1), why)
        const next = server.client({ tcp: true })
        next.close()
        t.equal(server.ends.at(-1), 'closed')
      }
      const silent = server.pipe(COOKIE.slice(0, 36))
      server.client({ tcp: true }).close()
      server.advance(11_000)
      server.run()
      t.ok(silent.gone, 'who does not say who it is')

      server.pipe(COOKIE).message('{}')
      server.advance(12_000)
      free('timeout')

      server.running({ tcp: true, time: 10 }, 1)
      server.advance(32_000)
      free('stalled')

      const endless = server.running({ tcp: true, time: 10 }, 1)
      for (let s = 0; s < 42; s++) {
        endless.streams[0]!.write(new Uint8Array(1))
        server.advance(1000)
      }
      free('overdue')

      const untimed = server.running({ tcp: true, time: 0, num: 1e12 }, 1)
      for (let s = 0; s < 100; s++) {
        untimed.streams[0]!.write(new Uint8Array(1))
        server.advance(1000)
      }
      t.equal(untimed.control.results().streams[0]!.bytes, 100, 'without a time only silence ends it')
      free('done')

      const gone = server.running({ tcp: true, time: 10, reverse: true }, 1)
      gone.streams[0]!.close()
      gone.control.close()
      free('closed')

      const killed = server.running({ tcp: true, time: 10 }, 1)
      killed.control.write([Signal.ClientTerminate])
      free('client-terminated')

      const strange = server.running({ tcp: true, time: 10 }, 1)
      strange.control.write('GET / HTTP/1.1\r\n')
      free('protocol')

      const liar = server.running({ tcp: true, time: 10 }, 1)
      liar.control.write([Signal.TestEnd])
      liar.control.write(bytes(be32(0xffffffff), 0x7b))
      free('bad-results')

      server.pipe(COOKIE).write(be32(65_537))
      free('refused')
      server.advance(6000)
      t.equal(server.call('socketCounter', 0), 1, 'nothing is left of any of them but the listener')
    })

    t.test('a control connection that takes nothing for a while gets all in the end', async t => {
      const server = Server.start(e)
      const { control } = server.running({ tcp: true, time: 10, parallel: 8 }, 8)
      server.call('pipeLimit', control.number, 50)
      control.write([Signal.TestEnd])
      control.message({ streams: [] })
      let all = Buffer.alloc(0)
      for (let i = 0; i < 200; i++) {
        all = Buffer.concat([all, control.read()])
        server.run()
      }
      t.equal(all[0], Signal.ExchangeResults)
      const results = JSON.parse(all.subarray(5, 5 + all.readUInt32BE(1)).toString()) as Results
      t.same(results.streams.map(each => each.id), [1, 3, 4, 5, 6, 7, 8, 9])
    })
  })
}
