// kernel/net/icmp/received.ts and ipv4/path-mtu.ts: errors about packets of ours, whom they are told, and what they
// teach about paths. RFC 792, RFC 1122 §3.2.2, RFC 1191, RFC 5927.

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { be16, bytes, hex, read16 } from '../../../../wire/bytes.ts'
import { type IcmpFields, type Ipv4Fields, Protocol, ipv4 as packet } from '../../../../wire/frames.ts'
import { GUEST, PEER, Stack, counting, ip, ipText } from '../../../../wire/stack.ts'

const [PORT, THEIRS] = [5000, 80]
const FAR = '192.0.2.7'

interface Report { from?: string, quoted?: Partial<Ipv4Fields>, port?: number, mtu?: number, cut?: number }

/** An error about a datagram of ours. */
function report(stack: Stack, type: number, code: number, about: Report = {}, fields: Partial<IcmpFields> = {}) {
  const { from = PEER.ip, quoted = {}, port = PORT, mtu = 0, cut } = about
  const datagram = packet({ source: GUEST.ip, destination: FAR, protocol: Protocol.Udp, totalLength: 1500, ...quoted },
    bytes(be16(port), be16(THEIRS), be16(1480), be16(0)))
  stack.receive(stack.echo(datagram.subarray(0, cut), { type, code, id: 0, sequence: mtu, ...fields }, { source: from }))
}

const told = (stack: Stack) => {
  const words = stack.m.bytes(stack.call('errorTold') >>> 0, 32)
  const word = (i: number) => (words[i * 4]! | words[i * 4 + 1]! << 8 | words[i * 4 + 2]! << 16 | words[i * 4 + 3]! << 24) >>> 0
  return {
    protocol: word(0), local: ipText(word(1)), localPort: word(2), remote: ipText(word(3)), remotePort: word(4),
    type: word(5), code: word(6), mtu: word(7),
  }
}

const up = (e: Parameters<typeof Stack.up>[0], mtu = 1500) => {
  const stack = Stack.up(e, { mtu })
  stack.call('errorsListen', PORT)
  return stack
}
const pathMtu = (stack: Stack, to = FAR) => stack.call('pathMtuOf', ip(to))

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    t.test('RFC 1122 §3.2.2.1: unreachable, time exceeded and parameter problem are told to whom they are about', async t => {
      for (const [type, code] of [[3, 0], [3, 1], [3, 2], [3, 3], [3, 5], [3, 13], [11, 0], [11, 1], [12, 0]] as const) {
        const stack = up(e)
        report(stack, type, code)
        t.same(told(stack), { protocol: 17, local: GUEST.ip, localPort: PORT, remote: FAR, remotePort: THEIRS, type, code, mtu: 0 })
        t.equal(stack.call('errorsTold'), 1)
        t.same(stack.drops(), { 'icmp-error': 1 })
      }
    })

    t.test('a protocol without ports is named by its number; options in the quotation are stepped over', async t => {
      const stack = up(e)
      stack.call('errorsListen', 0)
      report(stack, 3, 2, { quoted: { protocol: 89 } })
      t.match(told(stack), { protocol: 89, localPort: 0, remotePort: 0 })
      stack.call('errorsListen', PORT)
      report(stack, 3, 3, { quoted: { options: hex('01010101') } })
      t.match(told(stack), { localPort: PORT, remotePort: THEIRS })
    })

    t.test('RFC 5927 §4: what does not quote a packet of ours is not believed', async t => {
      const stack = up(e)
      report(stack, 3, 1, { quoted: { source: '10.0.0.77' } })
      report(stack, 3, 1, { quoted: { destination: '224.0.0.1' } })
      report(stack, 3, 1, { quoted: { version: 6 } })
      report(stack, 3, 1, { quoted: { headerWords: 4 } })
      report(stack, 3, 1, { quoted: { headerWords: 15 } })
      report(stack, 3, 1, { quoted: { totalLength: 19 } })
      report(stack, 3, 1, { quoted: { flags: 5 } })
      report(stack, 3, 1, { cut: 27 })
      report(stack, 3, 1, { cut: 0 })
      t.same(stack.drops(), { 'icmp-error-quote': 9 })
      report(stack, 3, 1, { port: PORT + 1 })
      t.equal(stack.drops()['icmp-error-unmatched'], 1)
      t.equal(stack.call('errorsTold'), 0)
      t.equal(stack.sent().length, 0, 'no answer to an error')
    })

    t.test('RFC 1122 §3.2.1.3 (g): an error about 127/8 is believed from lo only', async t => {
      for (const to of ['127.0.0.1', GUEST.ip]) {
        const stack = up(e)
        t.equal(stack.call('sendLongUdp', ip(to), THEIRS, PORT, 8), 0)
        for (let i = 0; i < 4; i++) stack.call('netPoll', 64)
        t.same(told(stack), { protocol: 17, local: to, localPort: PORT, remote: to, remotePort: THEIRS, type: 3, code: 3, mtu: 0 })
        t.same(stack.drops(), { 'udp-port': 1, 'icmp-error': 1 })
      }
      const stack = up(e)
      for (const quoted of [{ source: '127.0.0.1' }, { destination: '127.0.0.1' }, { source: '127.0.0.1', destination: '127.0.0.1' }]) {
        report(stack, 3, 3, { quoted })
      }
      t.same(stack.drops(), { 'icmp-error-quote': 3 })
    })

    t.test('RFC 1122 §3.2.2.2, RFC 1812 §5.2.7.2: redirects are counted and not followed', async t => {
      const stack = up(e)
      report(stack, 5, 1, {}, { id: 0x0a00, sequence: 0x0063 })
      t.same(stack.drops(), { 'icmp-redirect': 1 })
      t.equal(ipText(stack.call('pathField', ip(FAR), 1) >>> 0), '10.0.0.1')
    })

    t.test('RFC 6633 §3: source quench is ignored', async t => {
      const stack = up(e)
      report(stack, 4, 0)
      t.same(stack.drops(), { 'icmp-source-quench': 1 })
    })

    t.test('RFC 1191 §3: fragmentation needed lowers the path MTU, for its destination only, for ten minutes', async t => {
      const stack = up(e)
      report(stack, 3, 4, { mtu: 1400 })
      t.match(told(stack), { type: 3, code: 4, mtu: 1400 })
      t.equal(pathMtu(stack), 1400)
      t.equal(pathMtu(stack, '192.0.2.8'), 1500)
      t.equal(stack.call('sendLong', ip(FAR), 253, 1381, 1500, 1, 0), -90, 'MessageTooLong where no fragments are wanted')
      stack.advance(300_000)
      report(stack, 3, 4, { mtu: 1300, quoted: { totalLength: 1400 } })
      t.equal(pathMtu(stack), 1300)
      stack.advance(400_000)
      t.equal(pathMtu(stack), 1300, 'ten minutes from the last')
      stack.advance(260_000)
      t.equal(pathMtu(stack), 1500, 'RFC 1191 §6.3: then the larger one is tried again')
    })

    t.test('RFC 1191 §3: never higher, never what would have fitted, nothing without a sender', async t => {
      const stack = up(e)
      report(stack, 3, 4, { mtu: 1200 })
      report(stack, 3, 4, { mtu: 1300 })
      t.equal(pathMtu(stack), 1200)
      report(stack, 3, 4, { mtu: 1000, quoted: { totalLength: 1000 } })
      t.equal(pathMtu(stack), 1200, 'a packet of 1000 bytes fits a link of 1000')
      report(stack, 3, 4, { mtu: 800, port: PORT + 1 })
      t.equal(pathMtu(stack), 1200)
      t.equal(stack.call('ipv4Counter', 5), 1)
    })

    t.test('RFC 5927 §7: below 552 nothing is believed; routers fragment instead', async t => {
      for (const mtu of [68, 1, 296, 551]) {
        const stack = up(e)
        report(stack, 3, 4, { mtu })
        t.equal(pathMtu(stack), 0x10000 + 552)
        stack.receive(stack.arp({ senderIp: '10.0.0.1', senderMac: '02:00:00:00:00:11' }))
        stack.forget()
        t.equal(stack.call('sendLong', ip(FAR), 253, 500, 1500, 0, 0), 0)
        t.equal(stack.sent()[0]!.ipv4!.flags, 0, 'no DF')
        stack.advance(661_000)
        t.equal(pathMtu(stack), 1500)
      }
    })

    t.test('RFC 1191 §7.1: routers that do not say: the next plateau', async t => {
      for (const [sent, plateau] of [[1500, 1492], [1492, 1006], [1006, 552], [600, 552]] as const) {
        const stack = up(e)
        report(stack, 3, 4, { mtu: 0, quoted: { totalLength: sent } })
        t.equal(pathMtu(stack) & 0xffff, plateau, `${sent}`)
      }
    })

    t.test('the table of path MTUs is bounded: the newest are known', async t => {
      const stack = up(e)
      for (let i = 0; i < 400; i++) {
        report(stack, 3, 4, { mtu: 1400, quoted: { destination: `192.1.${i >> 8}.${i & 0xff}` } })
        stack.advance(1)
      }
      t.equal(pathMtu(stack, '192.1.1.143'), 1400)
      const known = Array.from({ length: 400 }, (_, i) => pathMtu(stack, `192.1.${i >> 8}.${i & 0xff}`)).filter(mtu => mtu === 1400)
      t.ok(known.length <= 128 && known.length > 64, `${known.length}`)
      stack.advance(700_000)
      t.equal(pathMtu(stack, '192.1.1.143'), 1500)
    })

    t.test('what is fragmented here follows the path MTU', async t => {
      const stack = up(e)
      report(stack, 3, 4, { mtu: 1000 })
      stack.receive(stack.arp({ senderIp: '10.0.0.1', senderMac: '02:00:00:00:00:11' }))
      stack.forget()
      t.equal(stack.call('sendLong', ip(FAR), 253, 3000, 1500, 0, 0), 0)
      t.ok(stack.sent().every(frame => frame.ipv4!.totalLength <= 1000))
    })

    t.test('RFC 1122 §3.2.2.1: an error about an answer of ours is nobody\'s', async t => {
      const stack = up(e)
      stack.receive(stack.echo(counting(8)))
      const reply = stack.sent().at(-1)!
      stack.receive(stack.echo(reply.frame.subarray(14), { type: 3, code: 1 }))
      t.equal(read16(reply.frame, 20) & 0x4000, 0, 'so replies have no DF: routers on a narrow path fragment them')
      t.equal(stack.drops()['icmp-error-unmatched'], 1)
    })
  })
}
