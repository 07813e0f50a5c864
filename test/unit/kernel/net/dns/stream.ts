// kernel/net/dns over TCP: a truncated answer is asked for again over a connection, cut in any way, refused, endless,
// silent or wrong; in virtual time. RFC 1035 §4.2.2, RFC 7766, RFC 2181 §9.

import t, { type Test } from 'tap'
import type { Engine } from '../../../../engine-instance.ts'
import { engines } from '../../../../engine.ts'
import { type Bytes, be16, bytes, read16 } from '../../../../wire/bytes.ts'
import { type Question, type ResponseFields, Type, a, cname, name, questionIn, questionOf, response } from '../../../../wire/dns.ts'
import { Sockets } from '../../../../wire/sockets.ts'
import { GATEWAY, GUEST, PEER, ip, ipText } from '../../../../wire/stack.ts'
import { TcpServer } from '../../../../wire/tcp-server.ts'

const Status = { Found: 0, TimedOut: 4, ServerFailure: 5, TruncatedNeedsTcp: 6 } as const
const SECOND = '10.0.0.53'
const STREAM_WAIT = 5000 // DNS_STREAM_WAIT
const TRUNCATED = 0x8380
const PORT = 53
const SYN = 2

/** `length` bytes of answer, and more; each with its length before it. */
const framed = (message: Bytes, length = message.length): Bytes => bytes(be16(length), message)

class Resolver {
  readonly stack: Sockets
  readonly free: number
  private contexts = 0

  constructor(engine: Engine) {
    this.stack = Sockets.up(engine, { value: `${GUEST.ip}/24,gw=${GATEWAY.ip},dns=${PEER.ip}`, packets: 128 })
    this.stack.call('heapInit')
    for (const [server, mac] of [[PEER.ip, PEER.mac], [SECOND, '020000000053']] as const) {
      this.stack.call('arpPermanent', 0, ip(server), this.stack.put(bytes(mac)))
    }
    this.free = this.stack.free
  }

  ask(what: string, type: number = Type.A): number {
    return this.stack.call('resolve', this.stack.m.cstring(what), type, ++this.contexts)
  }

  private get datagrams() { return this.stack.sent().filter(each => questionOf(each)) }
  get datagramCount(): number { return this.datagrams.length }

  /** The answer to the last datagram, from the server it went to. */
  answer(fields: ResponseFields): void {
    const frame = this.datagrams.at(-1)!
    this.stack.receive(this.stack.udp(PORT, frame.udp!.sourcePort, response(questionOf(frame)!, fields), { source: frame.ipv4!.destination }))
  }

  /** A server at TCP's port; the last datagram is answered that it is too long. */
  truncate(address = PEER.ip): TcpServer {
    const server = new TcpServer(this.stack, PORT, address)
    this.answer({ flags: TRUNCATED, answers: [a('203.0.113.1')] })
    return server
  }

  /** The connection made, and the question that came over it. */
  asked(server: TcpServer): Question {
    while (server.run()) { /* the handshake */ }
    const { heard } = server
    if (heard.length < 2 || read16(heard, 0) !== heard.length - 2) throw new Error(`${heard.length} bytes are not one question`)
    return questionIn(heard.subarray(2))!
  }

  get end(): { status: number, addresses: string[], canonical: string } | undefined {
    this.stack.advance(1)
    const i = this.stack.call('endingCount') - 1
    if (i < 0) return undefined
    const field = (which: number) => this.stack.call('endingField', i, which) >>> 0
    const addresses = Array.from({ length: field(2) }, (_, k) => ipText(this.stack.call('endingAddress', i, k) >>> 0))
    return { status: field(1), addresses, canonical: this.stack.m.text(field(5)) }
  }

  /** Nothing is left: no socket, no memory of the heap, no packet but those of connections that end. */
  nothingLeft(t: Test): void {
    t.equal(this.stack.call('socketsOpen'), 0, 'no socket')
    t.equal(this.stack.call('heapAllocations'), 0, 'no memory')
  }
}

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    const many = Array.from({ length: 60 }, (_, i) => a(`192.0.2.${i}`))

    t.test('RFC 7766 §5: the same server is asked again over TCP, in one segment, with a number of its own', async t => {
      const r = new Resolver(e)
      t.ok(r.ask('big.example') > 0)
      const first = questionOf(r.stack.sent().at(-1)!)!
      const server = r.truncate()
      const question = r.asked(server)
      t.match(question, { name: 'big.example', type: Type.A, class: 1, flags: 0x0100 })
      t.same(r.end, undefined)
      t.not(question.id, first.id)
      const answer = response(question, { answers: many })
      t.ok(answer.length > 512)
      server.say(framed(answer))
      t.match(r.end, { status: Status.Found, addresses: Array.from({ length: 8 }, (_, i) => `192.0.2.${i}`) })
      t.ok(server.wasEnded, 'the connection is not kept')
      t.equal(r.stack.call('dnsStatistic', 6), 1)
      r.nothingLeft(t)
      r.ask('big.example')
      t.match(r.end, { status: Status.Found })
      t.equal(r.datagramCount, 1, 'remembered')
      server.end()
      r.stack.advance(120_000)
      t.equal(r.stack.free, r.free, 'no packet lost')
    })

    t.test('RFC 1035 §4.2.2: the answer in pieces of any size, the length cut in two', async t => {
      for (const sizes of [[1, 1, 1], [2], [3, 500], [1, 700, 7], Array.from({ length: 200 }, () => 1)]) {
        const r = new Resolver(e)
        r.ask('big.example')
        const server = r.truncate()
        const data = framed(response(r.asked(server), { answers: many }))
        server.say(data.subarray(0, data.length - 1), ...sizes)
        t.same(r.end, undefined, 'one byte is missing')
        server.say(data.subarray(data.length - 1))
        t.match(r.end, { status: Status.Found }, `${sizes.slice(0, 5)}`)
        r.nothingLeft(t)
      }
    })

    t.test('an alias in it is followed, over UDP again', async t => {
      const r = new Resolver(e)
      r.ask('big.example')
      const server = r.truncate()
      server.say(framed(response(r.asked(server), { answers: [cname(name('far.example'))] })))
      t.equal(r.datagramCount, 2)
      r.answer({ answers: [a('192.0.2.7')] })
      t.match(r.end, { status: Status.Found, canonical: 'far.example', addresses: ['192.0.2.7'] })
      r.nothingLeft(t)
    })

    const failures: [why: string, how: (r: Resolver, server: TcpServer) => void][] = [
      ['the connection is refused', r => TcpServer.refuse(r.stack)],
      ['nobody answers', r => r.stack.advance(STREAM_WAIT)],
      ['the question is not answered', (r, server) => { r.asked(server); r.stack.advance(STREAM_WAIT) }],
      ['the answer stops in its middle', (r, server) => { server.say(framed(response(r.asked(server), { answers: many }), 1500)); r.stack.advance(STREAM_WAIT) }],
      ['an answer that comes a byte a second', (r, server) => {
        const data = framed(response(r.asked(server), { answers: many }))
        for (let i = 0; i < 5; i++) { server.say(data.subarray(i, i + 1)); r.stack.advance(1000) }
      }],
      ['the end instead of an answer', (r, server) => { r.asked(server); server.end() }],
      ['the end in the middle of it', (r, server) => { server.say(framed(response(r.asked(server), { answers: many })).subarray(0, 300)); server.end() }],
      ['the end between the bytes of the length', (r, server) => { r.asked(server); server.say(bytes(1)); server.end() }],
      ['a reset', (r, server) => { r.asked(server); server.reset() }],
      ['no length', (r, server) => { r.asked(server); server.say(bytes(be16(0))) }],
      ['a length below a header', (r, server) => { r.asked(server); server.say(bytes(be16(11), new Uint8Array(11))) }],
      ['a length beyond the limit', (r, server) => { r.asked(server); server.say(bytes(be16(16_385))) }],
      ['another number', (r, server) => { const question = r.asked(server); server.say(framed(response(question, { id: question.id ^ 1, answers: many }))) }],
      ['another question', (r, server) => {
        const question = r.asked(server)
        server.say(framed(response(question, { question: bytes(name('other.example'), be16(1), be16(1)), answers: many })))
      }],
      ['truncated once more', (r, server) => server.say(framed(response(r.asked(server), { flags: TRUNCATED, answers: many })))],
      ['records that reach past the end', (r, server) => server.say(framed(response(r.asked(server), { counts: [1, 61, 0, 0], answers: many })))],
      ['it is no response', (r, server) => server.say(framed(response(r.asked(server), { flags: 0x0180, answers: many })))],
    ]
    t.test('what fails over TCP ends as TruncatedNeedsTcp, and leaves nothing', async t => {
      for (const [why, how] of failures) {
        const r = new Resolver(e)
        r.ask('big.example')
        how(r, r.truncate())
        t.match(r.end, { status: Status.TruncatedNeedsTcp, addresses: [] }, why)
        r.nothingLeft(t)
        r.stack.forget()
        r.ask('big.example')
        t.equal(r.datagramCount, 1, 'nothing was remembered')
      }
    })

    t.test('and where there is another server, that one is asked, over UDP first', async t => {
      for (const [why, how] of failures) {
        const r = new Resolver(e)
        r.stack.call('dnsServerAdd', ip(SECOND))
        r.ask('big.example')
        how(r, r.truncate(SECOND))
        t.equal(r.datagramCount, 2, why)
        const server = r.truncate()
        server.say(framed(response(r.asked(server), { answers: many })))
        t.match(r.end, { status: Status.Found }, why)
        r.nothingLeft(t)
      }
    })

    t.test('a server that refuses over TCP has said so: ServerFailure', async t => {
      const r = new Resolver(e)
      r.ask('big.example')
      const server = r.truncate()
      server.say(framed(response(r.asked(server), { code: 5 })))
      t.match(r.end, { status: Status.ServerFailure })
      r.nothingLeft(t)
    })

    t.test('cancelled at any moment; sixteen at once', async t => {
      for (const until of ['datagram', 'connecting', 'asked', 'half']) {
        const r = new Resolver(e)
        const handle = r.ask('big.example')
        if (until !== 'datagram') {
          const server = r.truncate()
          if (until !== 'connecting') {
            const data = framed(response(r.asked(server), { answers: many }))
            if (until === 'half') server.say(data.subarray(0, 400))
          }
        }
        t.equal(r.stack.call('dnsCancel', handle), 0)
        r.stack.advance(STREAM_WAIT)
        t.equal(r.stack.call('endingCount'), 0, until)
        r.nothingLeft(t)
      }
      const r = new Resolver(e)
      for (let i = 0; i < 16; i++) {
        r.ask(`n${i}.example`)
        r.answer({ flags: TRUNCATED })
      }
      t.equal(r.stack.call('socketsOpen'), 16)
      r.stack.advance(STREAM_WAIT)
      r.stack.advance(1)
      t.equal(r.stack.call('endingCount'), 16)
      r.nothingLeft(t)
    })

    t.test('with no memory for a socket there is no TCP', async t => {
      const stack = new Sockets(e, {})
      stack.configure(`${GUEST.ip}/24,gw=${GATEWAY.ip},dns=${PEER.ip}`)
      stack.call('arpPermanent', 0, ip(PEER.ip), stack.put(bytes(PEER.mac)))
      stack.call('resolve', stack.m.cstring('big.example'), Type.A, 1)
      const [frame] = stack.sent().filter(each => questionOf(each))
      stack.receive(stack.udp(PORT, frame!.udp!.sourcePort, response(questionOf(frame!)!, { flags: TRUNCATED })))
      stack.advance(1)
      t.equal(stack.call('endingField', 0, 1), Status.TruncatedNeedsTcp)
      t.notOk(stack.sent().some(each => each.tcp && each.tcp.flags & SYN))
    })
  })
}
