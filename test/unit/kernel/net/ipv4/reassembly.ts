// kernel/net/ipv4/reassembly.ts: fragments that make a datagram, and those that do not. RFC 791 §3.2,
// RFC 1122 §3.3.2, RFC 1858, RFC 5722, RFC 3168 §5.3.

import t, { type Test } from 'tap'
import { engines } from '../../../../engine.ts'
import { type Bytes, toHex } from '../../../../wire/bytes.ts'
import { type Ipv4Fields, Protocol, decode, icmp, udp } from '../../../../wire/frames.ts'
import { GUEST, PEER, Stack, counting } from '../../../../wire/stack.ts'

const MORE = 0x2000
type Part = { offset: number, end: number, more?: boolean, fields?: Partial<Ipv4Fields> }

/** A frame with part of a payload. */
function part(stack: Stack, payload: Bytes, { offset, end, more, fields = {} }: Part, protocol: number = Protocol.Icmp): Bytes {
  const flags = (more ?? end < payload.length ? MORE : 0) | offset >> 3
  return stack.ipv4({ protocol, id: 0x4242, flags, ...fields }, payload.subarray(offset, end))
}

/** Parts of `size` bytes each. */
const parts = (length: number, size: number): Part[] =>
  Array.from({ length: Math.ceil(length / size) }, (_, i) => ({ offset: i * size, end: Math.min((i + 1) * size, length) }))

const echo = (length: number) => icmp({ type: 8, id: 7, sequence: 1 }, counting(length))

/** The payload that the frames sent since `forget` are fragments of; checks every header on the way. */
function together(t: Test, stack: Stack): Bytes {
  const frames = stack.sent().map(frame => frame.ipv4!)
  const whole: number[] = []
  for (const [i, ip] of frames.entries()) {
    t.ok(ip.checksumRight)
    t.equal((ip.flags & 0x1fff) << 3, whole.length, 'the offset is what went before')
    t.equal((ip.flags & MORE) !== 0, i < frames.length - 1, 'more follows, but for the last')
    t.equal(ip.id, frames[0]!.id)
    whole.push(...ip.payload)
  }
  return Uint8Array.from(whole)
}

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    t.test('RFC 791 §3.2: ping -s 8000 and -s 65507 come back as they went, without a copy', async t => {
      for (const length of [1473, 8000, 65_507]) {
        const stack = Stack.up(e)
        const free = stack.free
        const message = echo(length)
        for (const each of parts(message.length, 1480)) stack.receive(part(stack, message, each))
        const reply = together(t, stack)
        t.equal(reply[0], 0, 'an echo reply')
        t.equal(toHex(reply.subarray(8)), toHex(message.subarray(8)), `${length} bytes`)
        t.equal(stack.call('fakeSentFragments', 0), 1, 'each fragment leaves in the buffer it came in')
        t.equal(stack.call('fakeSentFragments', 1), 1)
        t.equal(stack.free, free)
        t.same(stack.drops(), {})
      }
    })

    t.test('RFC 791 §3.2: in any order, with fragments of any size', async t => {
      for (const [size, order] of [[1480, 'backward'], [8, 'forward'], [8, 'backward'], [104, 'odd first'], [1400, 'odd first']] as const) {
        const stack = Stack.up(e)
        const message = echo(size === 8 ? 500 : 4000)
        const all = parts(message.length, size)
        const sorted = order === 'forward' ? all : order === 'backward' ? all.reverse()
          : [...all.filter((_, i) => i % 2 === 1), ...all.filter((_, i) => i % 2 === 0)]
        for (const each of sorted) stack.receive(part(stack, message, each))
        t.equal(toHex(together(t, stack).subarray(8)), toHex(message.subarray(8)), `${size} ${order}`)
      }
    })

    t.test('UDP: the checksum over odd chains is verified, whatever the card said of a fragment', async t => {
      const stack = Stack.up(e)
      stack.call('listen', 5000)
      const datagram = udp({ source: PEER.ip, destination: GUEST.ip, sourcePort: 4000, destinationPort: 5000 }, counting(3001))
      for (const each of parts(datagram.length, 1480)) stack.receive(part(stack, datagram, each, Protocol.Udp), { piece: 333 })
      t.equal(stack.call('takenField', 1), 3001)
      datagram[2000]! ^= 1
      for (const each of parts(datagram.length, 1480)) stack.receive(part(stack, datagram, each, Protocol.Udp), { checksum: 1 })
      t.same(stack.drops(), { 'udp-checksum': 1 })
    })

    t.test('datagrams do not mix: source, destination, protocol and identification name one', async t => {
      const stack = Stack.up(e)
      const message = echo(2000)
      const first = { offset: 0, end: 1480 }
      const last = { offset: 1480, end: message.length }
      stack.receive(part(stack, message, first))
      for (const fields of [{ id: 0x4243 }, { source: '10.0.0.10' }, { destination: '10.0.0.255' }, { protocol: 89 }]) {
        stack.receive(part(stack, message, { ...last, fields }))
        t.equal(stack.call('ipv4Counter', 2), 0)
      }
      stack.receive(part(stack, message, last))
      t.equal(stack.call('ipv4Counter', 2), 1)
    })

    t.test('RFC 8200 §4.5: a fragment that comes twice is dropped alone', async t => {
      const stack = Stack.up(e)
      const message = echo(4000)
      const all = parts(message.length, 1480)
      for (const each of [all[0]!, all[0]!, all[2]!, all[0]!, all[2]!, all[1]!]) stack.receive(part(stack, message, each))
      t.equal(toHex(together(t, stack).subarray(8)), toHex(message.subarray(8)))
      t.same(stack.drops(), { 'fragment-duplicate': 3 })
    })

    t.test('RFC 5722 §4: overlapping fragments condemn their datagram, and what still comes of it', async t => {
      const overlaps: Part[] = [
        { offset: 0, end: 1488 }, { offset: 1472, end: 2960 }, { offset: 1480, end: 2000, more: true }, { offset: 8, end: 16, more: true },
        { offset: 0, end: 8, more: true }, { offset: 2952, end: 2960, more: true }, { offset: 0, end: 4008, more: true },
      ]
      for (const overlap of overlaps) {
        const stack = Stack.up(e)
        const free = stack.free
        const message = echo(4000)
        const [first, second, third] = parts(message.length, 1480)
        stack.receive(part(stack, message, first!))
        stack.receive(part(stack, message, second!))
        stack.receive(part(stack, message, overlap))
        t.equal(stack.free, free, 'nothing is kept')
        stack.receive(part(stack, message, third!))
        t.equal(stack.call('ipv4Counter', 2), 0)
        t.same(stack.drops(), { 'fragment-overlap': 4 })
        stack.advance(30_000)
        for (const each of [first!, second!, third!]) stack.receive(part(stack, message, each))
        t.equal(stack.call('ipv4Counter', 2), 1, 'until its time is up')
      }
    })

    t.test('two ends, and data after the end, contradict each other', async t => {
      const message = echo(4000)
      const cases: [Part, Part][] = [
        [{ offset: 1480, end: 2000, more: false }, { offset: 2000, end: 2008, more: false }],
        [{ offset: 1480, end: 2000, more: false }, { offset: 2000, end: 2008, more: true }],
        [{ offset: 2960, end: 4008 }, { offset: 1480, end: 2000, more: false }],
        [{ offset: 2960, end: 4000, more: true }, { offset: 1480, end: 2000, more: false }],
      ]
      for (const pair of cases) {
        const stack = Stack.up(e)
        for (const each of pair) stack.receive(part(stack, message, each))
        t.same(stack.drops(), { 'fragment-overlap': 2 })
      }
    })

    t.test('RFC 791 §3.2: no data, not eight bytes, more than 65,535', async t => {
      const stack = Stack.up(e)
      const message = echo(4000)
      stack.receive(part(stack, message, { offset: 0, end: 0, more: true }))
      stack.receive(part(stack, message, { offset: 0, end: 7, more: true }))
      stack.receive(stack.ipv4({ protocol: Protocol.Icmp, flags: 0x1fff }, counting(8)))
      stack.receive(stack.ipv4({ protocol: Protocol.Icmp, flags: 0x1ffe }, counting(28)))
      t.same(stack.drops(), { 'fragment-size': 4 })
      t.equal(stack.call('reassemblyHeld'), 0)
    })

    t.test('RFC 1858 §3: tiny fragments of TCP, and one at byte eight', async t => {
      const stack = Stack.up(e)
      const segment = counting(4000)
      stack.receive(part(stack, segment, { offset: 0, end: 8 }, Protocol.Tcp))
      stack.receive(part(stack, segment, { offset: 0, end: 16 }, Protocol.Tcp))
      stack.receive(part(stack, segment, { offset: 8, end: 1480 }, Protocol.Tcp))
      t.same(stack.drops(), { 'fragment-tiny': 3 })
      stack.receive(part(stack, segment, { offset: 0, end: 24 }, Protocol.Tcp))
      t.equal(stack.call('reassemblyHeld'), 1)
    })

    t.test('RFC 1122 §3.3.2: after 30 s what is there is given up, and 11/1 tells the sender if the first part came', async t => {
      const stack = Stack.up(e)
      const free = stack.free
      const message = echo(4000)
      const [first, second] = parts(message.length, 1480)
      stack.receive(part(stack, message, first!))
      stack.receive(part(stack, message, second!))
      stack.advance(29_999)
      t.equal(stack.sent().length, 0)
      stack.receive(stack.arp()) // or the answer would ask first
      stack.forget()
      stack.advance(1)
      const [error] = stack.sent()
      t.match(error!.icmp, { type: 11, code: 1, checksumRight: true })
      t.equal(error!.ipv4!.source, GUEST.ip)
      t.equal(toHex(error!.icmp!.payload), toHex(part(stack, message, first!).subarray(14, 14 + 548)), 'it quotes the first fragment')
      t.same(stack.drops(), { 'fragment-timeout': 2 })
      t.equal(stack.free, free)
      stack.forget()
      stack.receive(part(stack, message, second!))
      stack.advance(40_000)
      t.same(stack.sent().filter(frame => frame.icmp), [], 'silence about a datagram without a beginning')
    })

    t.test('one datagram holds 128 buffers, all of them half of what is free; the oldest makes room', async t => {
      const stack = Stack.up(e)
      const free = stack.free
      const message = counting(8000)
      const send = (id: number, count: number) => {
        for (let i = 0; i < count; i++) stack.receive(part(stack, message, { offset: i * 8, end: i * 8 + 8, fields: { id } }, 89))
      }
      send(1, 129)
      t.same(stack.drops(), { 'fragment-limit': 129 })
      t.equal(stack.free, free)
      send(2, 100)
      send(3, 100)
      t.ok(free - stack.free <= 128, `${free - stack.free} of ${free}`)
      t.equal(stack.call('reassemblyHeld'), free - stack.free)
      t.equal(stack.call('reassemblyHeld'), 100, 'the older one is gone')
      for (let id = 10; id < 10 + 64; id++) send(id, 1)
      t.equal(stack.call('reassemblyHeld'), 64, 'as many datagrams as there may be, the oldest gave way')
      stack.configure('off')
      stack.advance(31_000)
      t.equal(stack.free, free)
    })

    t.test('RFC 3168 §5.3: congestion marks of fragments', async t => {
      const stack = Stack.up(e)
      stack.call('listen', 5000)
      const datagram = udp({ source: PEER.ip, destination: GUEST.ip, sourcePort: 4000, destinationPort: 5000 }, counting(2000))
      const marked = (...marks: number[]) => {
        const frames = parts(datagram.length, 1480).map(each => part(stack, datagram, each, Protocol.Udp))
        for (const [i, frame] of frames.entries()) {
          frame[15] = marks[i]!
          const ip = frame.subarray(14, 34)
          ip.set([0, 0], 10)
          let sum = 0
          for (let at = 0; at < 20; at += 2) sum += ip[at]! << 8 | ip[at + 1]!
          sum = ~((sum & 0xffff) + (sum >>> 16)) & 0xffff
          ip.set([sum >> 8, sum & 0xff], 10)
          stack.receive(frame)
        }
        return stack.call('takenField', 0)
      }
      t.equal(marked(2, 3), 1, 'ECT and CE')
      t.equal(marked(0, 0), 2)
      t.equal(marked(0, 3), 2, 'CE where there can be none: dropped')
      t.same(stack.drops(), { 'fragment-congestion': 2 })
    })

    t.test('a fragment that lies in several buffers', async t => {
      const stack = Stack.up(e)
      const message = echo(4000)
      for (const each of parts(message.length, 1480)) stack.receive(part(stack, message, each), { piece: 301 })
      t.equal(toHex(together(t, stack).subarray(8)), toHex(message.subarray(8)))
      t.equal(decode(stack.sentBytes()[0]!).ipv4!.totalLength <= 1500, true)
    })
  })
}
