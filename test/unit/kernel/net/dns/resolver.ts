// kernel/net/dns: questions asked, answered, forged, lost and remembered, in virtual time. RFC 1034, RFC 1035, RFC 2181,
// RFC 2308, RFC 5452.

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { type Bytes, be16, bytes } from '../../../../wire/bytes.ts'
import {
  ASKED, Code, type Question, type ResponseFields, Type, a, cname, name, pointer, questionOf, record, response, soa,
} from '../../../../wire/dns.ts'
import type { Decoded } from '../../../../wire/frames.ts'
import { randomFrom } from '../../../../wire/garbage.ts'
import { GATEWAY, GUEST, PEER, Stack, ip, ipText } from '../../../../wire/stack.ts'

const Status = { Found: 0, NoName: 1, NoData: 2, NoServer: 3, TimedOut: 4, ServerFailure: 5, TruncatedNeedsTcp: 6, ChainTooLong: 7 } as const
const INVALID_ARGUMENT = -22, NO_BUFFER_SPACE = -105, NO_SUCH_ENTRY = -2
const SECOND = '10.0.0.53'

interface Ending { context: number, status: number, ttl: number, canonical: string, addresses: string[] }

/** A stack whose DNS server is the peer, and whatever else was asked and answered. */
class Resolver {
  readonly stack: Stack
  constructor(engine: Parameters<typeof Stack.up>[0], dns = `,dns=${PEER.ip}`) {
    this.stack = Stack.up(engine, { value: `${GUEST.ip}/24,gw=${GATEWAY.ip}${dns}` })
    for (const [server, mac] of [[PEER.ip, PEER.mac], [SECOND, '020000000053']] as const) {
      this.stack.call('arpPermanent', 0, ip(server), this.stack.put(bytes(mac)))
    }
  }
  ask(what: string, type: number = Type.A, context = 1): number {
    return this.stack.call('resolve', this.stack.m.cstring(what), type, context)
  }
  /** Datagrams to port 53 since the last `forget`. */
  questions(): { frame: Decoded, question: Question }[] {
    return this.stack.sent().flatMap(frame => { const question = questionOf(frame); return question ? [{ frame, question }] : [] })
  }
  get last(): { frame: Decoded, question: Question } {
    return this.questions().at(-1)!
  }
  /** Bytes from the server that was asked last, to the port it was asked from; anything may be otherwise. */
  send(data: Bytes, { from = this.last.frame.ipv4!.destination, fromPort = 53, port = this.last.frame.udp!.sourcePort } = {}): void {
    this.stack.receive(this.stack.udp(fromPort, port, data, { source: from }))
  }
  answer(fields: ResponseFields): void {
    this.send(response(this.last.question, fields))
  }
  endings(): Ending[] {
    this.stack.advance(1)
    return Array.from({ length: this.stack.call('endingCount') }, (_, i) => this.ending(i))
  }
  private ending(i: number): Ending {
    const field = (which: number) => this.stack.call('endingField', i, which) >>> 0
    const addresses = Array.from({ length: field(2) }, (_, k) => ipText(this.stack.call('endingAddress', i, k) >>> 0))
    return { context: field(0), status: field(1), ttl: field(3), canonical: this.stack.m.text(field(5)), addresses }
  }
  get end(): Ending | undefined {
    return this.endings().at(-1)
  }
  refused(): number {
    return this.stack.drops()['dns-message'] ?? 0
  }
  statistic(index: number): number {
    return this.stack.call('dnsStatistic', index)
  }
}

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    t.test('RFC 1035 §4.1.1: a query asks one question and wants recursion; the answer comes to who asked', async t => {
      const r = new Resolver(e)
      const free = r.stack.free
      t.ok(r.ask('WWW.Example.com', Type.A, 42) > 0)
      const { frame, question } = r.last
      t.match(frame, { ipv4: { source: GUEST.ip, destination: PEER.ip }, udp: { destinationPort: 53, checksumRight: true } })
      t.match(question, { flags: 0x0100, name: 'www.example.com', type: Type.A, class: 1 })
      t.equal(frame.udp!.payload.length, 12 + 17 + 4)
      t.same(r.endings(), [])
      r.answer({ answers: [a('192.0.2.1'), a('192.0.2.2', { ttl: 100 })] })
      t.same(r.endings(), [{ context: 42, status: Status.Found, ttl: 100, canonical: 'www.example.com', addresses: ['192.0.2.1', '192.0.2.2'] }])
      t.equal(r.stack.free, free, 'no packet lost')
    })

    t.test('RFC 3596 §2.1: AAAA', async t => {
      const r = new Resolver(e)
      r.ask('v6.example', Type.AAAA)
      const six = bytes('20010db8000000000000000000000001')
      r.answer({ answers: [record({ type: Type.AAAA, data: six }), a('192.0.2.1')] })
      t.match(r.end, { status: Status.Found })
      t.equal(r.stack.call('endingField', 0, 2), 1)
      t.same(bytes(r.stack.m.bytes(r.stack.call('endingField', 0, 6) >>> 0, 16)), six)
    })

    t.test('RFC 1034 §3.6.2: CNAMEs are followed, in whichever order they come, and the least TTL counts', async t => {
      const r = new Resolver(e)
      r.ask('www.example')
      const [one, two] = [name('one.example'), name('two.example')]
      r.answer({ answers: [a('192.0.2.9', { owner: two, ttl: 900 }), cname(two, { owner: one, ttl: 50 }), cname(one, { ttl: 700 })] })
      t.same(r.end, { context: 1, status: Status.Found, ttl: 50, canonical: 'two.example', addresses: ['192.0.2.9'] })
    })

    t.test('a CNAME whose target the server leaves out is asked for; a question for CNAME ends there', async t => {
      const r = new Resolver(e)
      r.ask('www.example')
      r.answer({ answers: [cname(name('far.example'))] })
      t.equal(r.last.question.name, 'far.example')
      r.answer({ answers: [a('192.0.2.7')] })
      t.match(r.end, { status: Status.Found, canonical: 'far.example', addresses: ['192.0.2.7'] })
      r.ask('www.example', Type.CNAME)
      r.answer({ answers: [cname(name('far.example'))] })
      t.match(r.end, { status: Status.Found, canonical: 'far.example', addresses: [] })
    })

    t.test('chains are bounded: in one message, over many, and in a circle', async t => {
      const r = new Resolver(e)
      const chain = (n: number) => Array.from({ length: n }, (_, i) => cname(name(`n${i + 1}.x`), { owner: i === 0 ? ASKED : name(`n${i}.x`) }))
      r.ask('n0.x')
      r.answer({ answers: [...chain(8), a('192.0.2.1', { owner: name('n8.x') })] })
      t.match(r.end, { status: Status.Found, canonical: 'n8.x' })
      r.ask('m0.x')
      r.answer({ answers: [...chain(9), a('192.0.2.1', { owner: name('n9.x') })] })
      t.match(r.end, { status: Status.ChainTooLong })
      r.ask('circle.x')
      r.answer({ answers: [cname(name('b.x')), cname(ASKED, { owner: name('b.x') })] })
      t.match(r.end, { status: Status.ChainTooLong })
      r.ask('step0.x')
      for (let i = 1; r.last.question.name === `step${i - 1}.x`; i++) r.answer({ answers: [cname(name(`step${i}.x`))] })
      t.match(r.end, { status: Status.ChainTooLong }, 'one more in each of nine messages')
      t.ok(r.questions().length <= 3 + 9)
    })

    t.test('RFC 2181 §5: records of names that were not asked for, of other types and classes, do not count', async t => {
      const r = new Resolver(e)
      r.ask('www.example')
      r.answer({
        answers: [
          a('203.0.113.1', { owner: name('other.example') }), a('203.0.113.2', { class: 3 }), a('203.0.113.3', { type: Type.TXT }),
          record({ type: Type.A, data: bytes(1, 2, 3) }), record({ type: Type.A, data: bytes(1, 2, 3, 4, 5) }), a('192.0.2.1'),
        ],
        additional: [a('203.0.113.4')],
      })
      t.same(r.end?.addresses, ['192.0.2.1'])
    })

    t.test('more addresses than are kept: the first eight', async t => {
      const r = new Resolver(e)
      r.ask('many.example')
      r.answer({ answers: Array.from({ length: 12 }, (_, i) => a(`192.0.2.${i}`)) })
      t.same(r.end?.addresses, Array.from({ length: 8 }, (_, i) => `192.0.2.${i}`))
    })

    t.test('RFC 1035 §7.4: what is known is not asked for again, until its time is over; RFC 2181 §8: TTLs of 32 bits are 0', async t => {
      const r = new Resolver(e)
      r.ask('www.example')
      r.answer({ answers: [a('192.0.2.1', { ttl: 300 })] })
      r.end
      r.stack.forget()
      r.stack.call('advanceSeconds', 299)
      r.ask('WWW.EXAMPLE.', Type.A, 2)
      t.equal(r.questions().length, 0, 'the seed asked for its own key in capitals')
      t.match(r.end, { context: 2, status: Status.Found, ttl: 1, addresses: ['192.0.2.1'] })
      r.ask('www.example', Type.AAAA)
      t.equal(r.questions().length, 1, 'another type is another question')
      r.answer({ answers: [] })
      r.stack.forget()
      r.stack.call('advanceSeconds', 2)
      r.ask('www.example')
      t.equal(r.questions().length, 1)
      r.answer({ answers: [a('192.0.2.2', { ttl: 0x80000000 })] })
      t.match(r.end, { status: Status.Found, ttl: 0 })
      r.stack.forget()
      r.ask('www.example')
      t.equal(r.questions().length, 1, 'not kept')
    })

    t.test('an answer is kept for a day at most', async t => {
      const r = new Resolver(e)
      r.ask('www.example')
      r.answer({ answers: [a('192.0.2.1', { ttl: 0x7fffffff })] })
      t.equal(r.end?.ttl, 86_400)
    })

    t.test('RFC 2308 §5: a name that does not exist is remembered for every type, for the SOA\'s minimum; without SOA not at all', async t => {
      const r = new Resolver(e)
      r.ask('no.example')
      r.answer({ code: Code.NxDomain, authorities: [soa(60, { owner: name('example'), ttl: 3600 })] })
      t.match(r.end, { status: Status.NoName, ttl: 60 })
      r.stack.forget()
      r.ask('no.example', Type.AAAA, 2)
      t.match(r.end, { context: 2, status: Status.NoName })
      t.equal(r.questions().length, 0)
      r.stack.call('advanceSeconds', 61)
      r.ask('no.example')
      t.equal(r.questions().length, 1)
      r.answer({ code: Code.NxDomain })
      t.match(r.end, { status: Status.NoName, ttl: 0 })
      r.stack.forget()
      r.ask('no.example')
      t.equal(r.questions().length, 1, 'not remembered')
      r.answer({ code: Code.NxDomain, authorities: [soa(1_000_000, { ttl: 1_000_000 })] })
      t.equal(r.end?.ttl, 10_800, 'three hours at most')
    })

    t.test('RFC 2308 §2.2: NOERROR without records: of this type there is nothing; of another there may be', async t => {
      const r = new Resolver(e)
      r.ask('half.example', Type.AAAA)
      r.answer({ authorities: [soa(600, { ttl: 100 })] })
      t.match(r.end, { status: Status.NoData, ttl: 100 })
      r.stack.forget()
      r.ask('half.example', Type.AAAA)
      t.match(r.end, { status: Status.NoData })
      t.equal(r.questions().length, 0)
      r.ask('half.example')
      t.equal(r.questions().length, 1)
    })

    t.test('RFC 6604 §3: NXDOMAIN after a CNAME is about what it leads to, not about the alias', async t => {
      const r = new Resolver(e)
      r.ask('alias.example')
      r.answer({ code: Code.NxDomain, answers: [cname(name('gone.example'))], authorities: [soa(60)] })
      t.match(r.end, { status: Status.NoName, ttl: 60 })
      r.stack.forget()
      r.ask('alias.example')
      t.equal(r.questions().length, 0)
      r.end
      r.ask('alias.example', Type.CNAME)
      t.equal(r.questions().length, 1, 'the alias has its CNAME')
    })

    t.test('RFC 2308 §2.2.1: a referral is no answer of a server that should ask for us', async t => {
      const r = new Resolver(e)
      r.ask('www.example')
      r.answer({ authorities: [record({ type: Type.NS, data: name('ns.example') })] })
      t.match(r.end, { status: Status.ServerFailure })
    })

    t.test('RFC 1035 §4.2.1: no answer: again after 2, 4 and 8 seconds, then it is given up', async t => {
      const r = new Resolver(e)
      r.ask('slow.example')
      const at: number[] = [0]
      for (let ms = 0; ms < 20_000; ms += 100) {
        r.stack.advance(100)
        if (r.questions().length > at.length) at.push(ms + 100)
      }
      t.same(at, [0, 2000, 6000])
      t.same(r.endings().map(each => each.status), [Status.TimedOut])
    })

    t.test('several servers: each in its turn, the one that answered first the next time', async t => {
      const r = new Resolver(e)
      t.equal(r.stack.call('dnsServerAdd', ip(SECOND)), 0)
      t.same([r.stack.call('dnsServerCount'), ipText(r.stack.call('dnsServerAt', 0) >>> 0), ipText(r.stack.call('dnsServerAt', 1) >>> 0)], [2, SECOND, PEER.ip])
      r.ask('www.example')
      r.stack.advance(2000)
      t.same(r.questions().map(({ frame }) => frame.ipv4!.destination), [SECOND, PEER.ip])
      r.answer({ answers: [a('192.0.2.1')] })
      t.match(r.end, { status: Status.Found })
      r.stack.forget()
      r.ask('next.example')
      t.same(r.questions().map(({ frame }) => frame.ipv4!.destination), [PEER.ip])
      t.equal(r.stack.call('dnsServerRemove', ip(SECOND)), 0)
      t.equal(r.stack.call('dnsServerRemove', ip(SECOND)), NO_SUCH_ENTRY)
    })

    t.test('RFC 2308 §7.1: a server that fails is passed over at once; when all have, that is the answer', async t => {
      for (const code of [Code.FormErr, Code.ServFail, Code.NotImp, Code.Refused, 11]) {
        const r = new Resolver(e)
        r.stack.call('dnsServerAdd', ip(SECOND))
        r.ask('www.example')
        r.answer({ code })
        t.same(r.questions().map(({ frame }) => frame.ipv4!.destination), [SECOND, PEER.ip])
        r.answer({ code })
        t.match(r.end, { status: Status.ServerFailure }, `code ${code}`)
        t.equal(r.questions().length, 2)
      }
    })

    t.test('no server, no name, another type, too many at once', async t => {
      const r = new Resolver(e, '')
      t.ok(r.ask('www.example') > 0)
      t.same(r.endings().map(each => each.status), [Status.NoServer])
      t.equal(r.ask('a..b'), INVALID_ARGUMENT)
      t.equal(r.ask(''), INVALID_ARGUMENT)
      t.equal(r.ask('www.example', Type.TXT), INVALID_ARGUMENT)
      const full = new Resolver(e)
      for (let i = 0; i < 16; i++) t.ok(full.ask(`n${i}.example`) > 0)
      t.equal(full.ask('n16.example'), NO_BUFFER_SPACE)
      full.stack.call('advanceSeconds', 30)
      t.equal(full.endings().length, 16)
      t.ok(full.ask('n16.example') > 0, 'and room again')
    })

    t.test('RFC 1123 §2.1: an address in dots is itself; RFC 6761 §6.3: localhost is 127.0.0.1: nobody is asked', async t => {
      const r = new Resolver(e)
      r.ask('192.0.2.77')
      t.same(r.end?.addresses, ['192.0.2.77'])
      r.ask('localhost')
      t.same(r.end?.addresses, ['127.0.0.1'])
      r.ask('any.LOCALHOST.')
      t.same(r.end?.addresses, ['127.0.0.1'])
      r.ask('localhost', Type.AAAA)
      t.match(r.end, { status: Status.NoData })
      t.equal(r.questions().length, 0)
      r.ask('localhost.example')
      t.equal(r.questions().length, 1)
    })

    t.test('RFC 2181 §9: a truncated answer is not used; where there can be no connection it is TruncatedNeedsTcp (stream.ts has the others)', async t => {
      const r = new Resolver(e)
      r.ask('big.example')
      r.answer({ flags: 0x8380, answers: [a('192.0.2.1')] })
      t.match(r.end, { status: Status.TruncatedNeedsTcp, addresses: [] })
      r.stack.forget()
      r.ask('big.example')
      t.equal(r.questions().length, 1, 'nothing was remembered')
    })

    t.test('RFC 5452 §9.2: every datagram has another port and another id', async t => {
      const r = new Resolver(e)
      for (let i = 0; i < 40; i++) {
        r.ask(`n${i}.example`)
        r.answer({ code: Code.NxDomain })
        r.end
      }
      r.ask('again.example')
      r.stack.advance(2000)
      const all = r.questions()
      const ports = new Set(all.map(({ frame }) => frame.udp!.sourcePort))
      t.ok(ports.size >= all.length - 1 && new Set(all.map(({ question }) => question.id)).size >= all.length - 1)
      t.ok([...ports].every(port => port >= 32768))
      const [first, second] = all.slice(-2)
      t.not(first!.frame.udp!.sourcePort, second!.frame.udp!.sourcePort, 'a second try too')
    })

    t.test('RFC 5452 §9.1: what does not fit the question is not the answer, and the true one still counts', async t => {
      const r = new Resolver(e)
      r.ask('www.example')
      const { question } = r.last
      const good = (fields: ResponseFields = {}) => response(question, { answers: [a('203.0.113.66')], ...fields })
      const other = (label: string, type = 1, kind = 1) => bytes(name(label), be16(type), be16(kind))
      const forgeries: [string, Bytes, Parameters<Resolver['send']>[1]?][] = [
        ['another id', good({ id: question.id ^ 1 })],
        ['another server', good(), { from: SECOND }],
        ['another source port', good(), { fromPort: 5353 }],
        ['a query', good({ flags: 0x0100 })],
        ['another operation', good({ flags: 0x8180 | 2 << 11 })],
        ['another name', good({ question: other('wwx.example') })],
        ['a longer name', good({ question: other('www.example.com') })],
        ['another type', good({ question: other('www.example', 28) })],
        ['another class', good({ question: other('www.example', 1, 3) })],
        ['no question', good({ counts: [0, 1, 0, 0], question: bytes() })],
        ['two questions', good({ counts: [2, 0, 0, 0], question: bytes(question.bytes, question.bytes), answers: [] })],
        ['more answers than there are', good({ counts: [1, 2, 0, 0] })],
        ['65,535 answers', good({ counts: [1, 0xffff, 0xffff, 0xffff] })],
        ['a record past the end', good({ answers: [a('203.0.113.66', { length: 5 })] })],
        ['a name past the end', good({ answers: [bytes(ASKED), pointer(0x3fff)] })],
        ['a question that points at itself', good({ question: bytes(pointer(12), be16(1), be16(1)) })],
        ['an owner that points at itself', good({ answers: [a('203.0.113.66', { owner: pointer(12 + question.bytes.length) })] })],
        ['more than 512 bytes', bytes(good(), new Uint8Array(600))],
        ...[0, 1, 11, 12, 20, good().length - 1].map((n): [string, Bytes] => [`${n} bytes`, good().subarray(0, n)]),
      ]
      for (const [what, data, how] of forgeries) {
        const before = r.refused()
        r.send(data, how)
        t.equal(r.refused(), before + 1, what)
      }
      t.same(r.endings(), [])
      r.answer({ answers: [a('192.0.2.1')] })
      t.same(r.end?.addresses, ['192.0.2.1'])
      const port = r.last.frame.udp!.sourcePort
      r.stack.forget()
      r.stack.receive(r.stack.udp(53, port, good()))
      t.equal(r.stack.drops()['udp-port'], 1, 'the port is closed once it has its answer')
    })

    t.test('RFC 5452 §5: the same question twice at once is asked once, and answered twice', async t => {
      const r = new Resolver(e)
      r.ask('www.example', Type.A, 1)
      r.ask('www.EXAMPLE', Type.A, 2)
      const third = r.ask('www.example', Type.A, 3)
      t.equal(r.questions().length, 1)
      t.equal(r.stack.call('dnsCancel', third), 0)
      r.answer({ answers: [a('192.0.2.1')] })
      t.same(r.endings().map(each => [each.context, each.addresses]).sort(), [[1, ['192.0.2.1']], [2, ['192.0.2.1']]])
    })

    t.test('a cancelled question ends silently; those that asked the same are still told', async t => {
      const r = new Resolver(e)
      const first = r.ask('www.example', Type.A, 1)
      r.ask('www.example', Type.A, 2)
      t.equal(r.stack.call('dnsCancel', first), 0)
      t.equal(r.stack.call('dnsCancel', first), NO_SUCH_ENTRY)
      r.answer({ answers: [a('192.0.2.1')] })
      t.same(r.endings().map(each => each.context), [2])
      const alone = r.ask('alone.example', Type.A, 3)
      t.equal(r.stack.call('dnsCancel', alone), 0)
      r.answer({ answers: [a('192.0.2.1')] })
      t.equal(r.stack.drops()['udp-port'], 1)
      r.stack.call('advanceSeconds', 60)
      t.same(r.endings().map(each => each.context), [2])
      for (const bad of [0, -1, 17, 0x7fffffff]) t.equal(r.stack.call('dnsCancel', bad), NO_SUCH_ENTRY)
    })

    t.test('a lossy wire and a lying server: every question ends, and never in a lie', async t => {
      const r = new Resolver(e)
      const random = randomFrom(5452)
      r.stack.call('dnsServerAdd', ip(SECOND))
      let asked = 0
      for (let round = 0; round < 300; round++) {
        if (asked < 40 && r.ask(`n${random(20)}.example`, Type.A, asked) > 0) asked++
        for (const { frame, question } of r.questions()) {
          const truth = response(question, { answers: [a('192.0.2.1', { ttl: 1 })] })
          const lie = Uint8Array.from(truth)
          for (let n = 0; n < 1 + random(3); n++) lie[random(2)] = random(256)
          const [from, port] = [frame.ipv4!.destination, frame.udp!.sourcePort]
          const data = response(question, { answers: [a('203.0.113.66')], id: question.id ^ 1 + random(0xffff) })
          const garbage = Uint8Array.from({ length: random(300) }, () => random(256))
          for (const each of [data, garbage]) r.stack.receive(r.stack.udp(53, port, each, { source: from }))
          if (random(3) === 0) r.stack.receive(r.stack.udp(53, port, truth, { source: from }))
        }
        r.stack.forget()
        r.stack.advance(250)
      }
      r.stack.call('advanceSeconds', 60)
      const endings = r.endings()
      t.equal(endings.length, asked)
      t.ok(endings.every(each => each.status === Status.Found || each.status === Status.TimedOut))
      t.ok(endings.every(each => each.addresses.every(one => one === '192.0.2.1')))
      t.ok(endings.some(each => each.status === Status.Found))
    })

    t.test('random bits in a true answer never break anything', async t => {
      const r = new Resolver(e)
      const random = randomFrom(2181)
      const free = r.stack.free
      for (let round = 0; round < 100; round++) {
        r.ask(`n${round}.example`)
        const { question } = r.last
        const data = bytes(response(question, {
          answers: [cname(name('b.example')), a('192.0.2.1', { owner: name('b.example') })], authorities: [soa(60)],
          additional: [record({ owner: bytes(0), type: Type.OPT, class: 1232, data: bytes() })],
        }))
        for (let n = 0; n < 3; n++) data[12 + question.bytes.length + random(data.length - 12 - question.bytes.length)]! ^= 1 << random(8)
        r.send(data)
        r.stack.forget()
        r.stack.call('advanceSeconds', 40)
      }
      r.stack.advance(1)
      t.equal(r.stack.call('endingCount'), 100)
      t.equal(r.stack.free, free)
    })
  })
}
