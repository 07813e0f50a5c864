// kernel/net/segment.ts: TCP longer than a frame, left to a card that cuts it or cut in software, byte for byte what the
// sender's TCP would have sent. RFC 9293 §3.1, RFC 3168 §6.1.2, RFC 1191 §4; virtio 1.2 §5.1.6.4.

import t from 'tap'
import { engines } from '../../../engine.ts'
import type { Engine } from '../../../engine-instance.ts'
import { type Bytes, address, be16, bytes, checksum, read16, toHex } from '../../../wire/bytes.ts'
import { BROADCAST, type Decoded, EtherType, type Ipv4Fields, Protocol, ethernet, ipv4 } from '../../../wire/frames.ts'
import { Checksum, GUEST, NicFeature, PEER, Stack, counting, ip } from '../../../wire/stack.ts'
import { tcp } from '../../../wire/tcp.ts'

const FAR = { ip: '10.1.0.9', mac: '02:00:00:00:00:19' }
const EGRESS = { ip: '10.1.0.2', mac: '02:00:00:00:00:02' }
const DF = 0x4000
const [FIN, PSH, ACK, CWR] = [1, 8, 0x10, 0x80]
const [TOO_LONG, NO_BUFFERS] = [-90, -105]
/** No operation, no operation, timestamps: RFC 7323 appendix A. */
const TIMESTAMPS = bytes('0101 080a 11223344 55667788')
const CUTS = NicFeature.TransmitChecksum | NicFeature.TransmitSegmentation
const CUTS_ECN = CUTS | NicFeature.TransmitSegmentationEcn

interface Tcp { source: string, destination: string, sequence?: number, flags?: number, options?: Bytes }

/** A segment, its checksum right. */
function segment({ options = TIMESTAMPS, ...fields }: Tcp, payload: Bytes): Bytes {
  return tcp({ sourcePort: 40_000, destinationPort: 80, acknowledgment: 7, options: [{ kind: 'raw', data: options }], ...fields }, payload)
}

/** What the field holds while the checksum is open: the sum of the pseudo header. */
function open(source: string, destination: string, whole: Bytes): Bytes {
  const field = checksum(bytes(address(source), address(destination), 0, 6, be16(whole.length))) ^ 0xffff
  const out = Uint8Array.from(whole)
  out.set(be16(field), 16)
  return out
}

/** A router between two links whose neighbours it knows; what its second card can do. */
function router(e: Engine, features = 0, value = `${EGRESS.ip}/24`): Stack {
  const stack = new Stack(e, { two: true })
  stack.configure(`${GUEST.ip}/24`, 0)
  stack.configure(value, 1)
  stack.call('fakeFeatures', 1, features)
  stack.call('ipv4ForwardSet', 1)
  stack.receive(stack.arp())
  stack.receive(stack.arp({ senderMac: FAR.mac, senderIp: FAR.ip, targetIp: EGRESS.ip }, BROADCAST, FAR.mac), { nic: 1 })
  stack.forget()
  return stack
}

interface Large { length: number, size: number, piece?: number, tcp?: Partial<Tcp>, ip?: Partial<Ipv4Fields>, tcpBytes?: Bytes }
const ENDS = { source: PEER.ip, destination: FAR.ip }

/** A frame from PEER with TCP that is not cut yet, as a card hands it up. */
function receive(stack: Stack, { length, size, piece = 2000, tcp: own = {}, ip: fields = {}, tcpBytes }: Large): void {
  const ends = { ...ENDS, ...fields }
  const whole = tcpBytes ?? open(ends.source, ends.destination, segment({ ...ENDS, ...own }, counting(length)))
  const frame = ethernet({ destination: GUEST.mac, source: PEER.mac, type: EtherType.Ipv4 },
    ipv4({ ...ENDS, protocol: Protocol.Tcp, id: 100, ...fields }, whole))
  stack.call('fakePartial', 14 + 20 + (fields.options?.length ?? 0), 16)
  stack.call('fakeSegments', size)
  stack.receive(frame, { piece, checksum: Checksum.Partial })
  stack.call('fakeSegments', 0)
}

/** The frames that the same data makes when its sender cuts it. */
function expected({ length, size, tcp: header = {}, ip: fields = {} }: Large): Bytes[] {
  const { sequence = 0, flags = ACK } = header
  return Array.from({ length: Math.ceil(length / size) }, (_, i) => {
    const at = i * size
    const last = at + size >= length
    const own = flags & ~(last ? 0 : FIN | PSH) & ~(i === 0 ? 0 : CWR)
    const part = segment({ ...ENDS, ...header, sequence: sequence + at >>> 0, flags: own }, counting(length).subarray(at, at + size))
    return ethernet({ destination: FAR.mac, source: EGRESS.mac, type: EtherType.Ipv4 },
      ipv4({ ...ENDS, protocol: Protocol.Tcp, ...fields, id: (fields.id ?? 100) + i & 0xffff, ttl: 63 }, part))
  })
}

const tcpOf = (frame: Decoded) => frame.ipv4!.payload
const tcpRight = (frame: Decoded) =>
  checksum(bytes(address(frame.ipv4!.source), address(frame.ipv4!.destination), 0, 6, be16(tcpOf(frame).length)), tcpOf(frame)) === 0

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    const cases: [string, Large][] = [
      ['two and a half segments', { length: 3600, size: 1448 }],
      ['one byte more than a segment', { length: 1449, size: 1448 }],
      ['whole segments only', { length: 4344, size: 1448 }],
      ['as much as a packet holds', { length: 65_535 - 52, size: 1448 }],
      ['odd segments out of odd buffers', { length: 9001, size: 1447, piece: 333 }],
      ['segments smaller than their headers', { length: 500, size: 48, piece: 101 }],
      ['FIN and PSH for the last, CWR for the first', { length: 5000, size: 1448, tcp: { flags: FIN | PSH | ACK | CWR } }],
      ['numbers that wrap', { length: 5000, size: 1448, tcp: { sequence: 0xfffffb00 }, ip: { id: 0xfffe } }],
      ['no options of TCP, ECT(0)', { length: 5000, size: 1460, tcp: { options: bytes() }, ip: { tos: 2 } }],
      ['40 bytes of TCP options and 40 of IPv4', {
        length: 5000, size: 1380, tcp: { options: new Uint8Array(40).fill(1) }, ip: { options: new Uint8Array(40).fill(1) },
      }],
    ]
    for (const [what, large] of cases) {
      t.test(`forwarded to a card that does not cut: ${what}`, async t => {
        const stack = router(e)
        const free = stack.free
        receive(stack, large)
        t.same(stack.sentBytes().map(toHex), expected(large).map(toHex))
        t.ok(stack.sent().every(tcpRight))
        t.equal(stack.call('ipv4Counter', 7), 1)
        t.equal(stack.call('ipv4Counter', 0), 1, 'one packet was forwarded')
        t.equal(stack.free, free)
        t.same(stack.drops(), {})
      })
    }

    t.test('RFC 1624 §3: a checksum of 0 is 0 in TCP, not 0xffff', async t => {
      const payload = counting(3000)
      payload.fill(0, 0, 2)
      payload.set(segment(ENDS, payload.subarray(0, 1448)).subarray(16, 18)) // what makes the first one's sum 0
      const stack = router(e)
      receive(stack, { length: 3000, size: 1448, tcpBytes: open(PEER.ip, FAR.ip, segment(ENDS, payload)) })
      t.same(stack.sent().map(frame => read16(tcpOf(frame), 16) === 0), [true, false, false])
      t.ok(stack.sent().every(tcpRight))
    })

    t.test('a card that completes checksums gets them open, each over its own length', async t => {
      const stack = router(e, NicFeature.TransmitChecksum)
      receive(stack, { length: 4000, size: 1448 })
      for (const [i, frame] of stack.sent().entries()) {
        const right = expected({ length: 4000, size: 1448 })[i]!.subarray(34)
        t.equal(toHex(tcpOf(frame)), toHex(open(PEER.ip, FAR.ip, right)))
        t.same([stack.call('fakeSentChecksum', i), stack.call('fakeSentChecksumStart', i), stack.call('fakeSentChecksumOffset', i)],
          [Checksum.Partial, 34, 16])
        t.equal(stack.call('fakeSentFragments', i), 1, 'one buffer a frame')
      }
    })

    t.test('a card that cuts gets the packet whole, in the buffers it came in', async t => {
      const stack = router(e, CUTS)
      receive(stack, { length: 60_000, size: 1448, tcp: { flags: FIN | PSH | ACK } })
      const [frame] = stack.sent()
      t.equal(stack.call('fakeSent'), 1)
      t.equal(stack.call('fakeSentLength', 0), 60_000 + 66)
      t.equal(frame!.frame[22], 63, 'one hop less')
      t.same([0, 1].map(field => stack.call('fakeSentSegments', 0, field)), [1448, 14 + 20 + 32])
      t.same([stack.call('fakeSentChecksum', 0), stack.call('fakeSentChecksumStart', 0), stack.call('fakeSentChecksumOffset', 0)],
        [Checksum.Partial, 34, 16])
      t.equal(stack.call('fakeSentFragments', 0), Math.ceil(60_066 / 2000))
      t.equal(stack.call('ipv4Counter', 7), 0)
      t.same(stack.drops(), {})
    })

    t.test('RFC 3168 §6.1.2: what a card would make of CWR decides who cuts', async t => {
      const large = { length: 4000, size: 1448, tcp: { flags: ACK | CWR } }
      const plain = router(e, CUTS)
      receive(plain, large)
      t.equal(plain.call('fakeSent'), 3, 'the card would repeat it')
      t.same(plain.sent().map(frame => tcpOf(frame)[13]), [ACK | CWR, ACK, ACK])
      const ecn = router(e, CUTS_ECN)
      receive(ecn, large)
      t.equal(ecn.call('fakeSent'), 1)
    })

    t.test('more buffers than a card takes: cut in software', async t => {
      const stack = router(e, CUTS)
      receive(stack, { length: 6334, size: 1448, piece: 100 })
      t.equal(stack.call('fakeSent'), 1, '64 buffers')
      stack.forget()
      receive(stack, { length: 6335, size: 1448, piece: 100 })
      t.equal(stack.call('fakeSent'), 5, '65')
      t.equal(toHex(bytes(...stack.sent().map(frame => tcpOf(frame).subarray(32)))), toHex(counting(6335)))
    })

    t.test('no longer than one segment: a packet like any other', async t => {
      for (const features of [0, CUTS]) {
        const stack = router(e, features)
        receive(stack, { length: 1000, size: 1000 })
        t.equal(stack.call('fakeSent'), 1)
        t.equal(stack.call('fakeSentSegments', 0, 0), 0)
        t.equal(stack.call('ipv4Counter', 7), 0)
      }
    })

    t.test('RFC 1191 §4: segments over the MTU of the next link and DF: 3/4, whatever the card cuts', async t => {
      for (const features of [0, CUTS]) {
        const stack = router(e, features, `${EGRESS.ip}/24,mtu=1400`)
        receive(stack, { length: 5000, size: 1448 })
        const [error] = stack.sent()
        t.equal(stack.call('fakeSent'), 1)
        t.match(error!.icmp, { type: 3, code: 4, sequence: 1400, checksumRight: true })
        t.equal(toHex(error!.icmp!.payload.subarray(20, 28)), toHex(segment(ENDS, counting(5000)).subarray(0, 8)), 'ports and sequence')
        t.same(stack.drops(), { 'forward-too-long': 1 })
        stack.forget()
        receive(stack, { length: 5000, size: 1348 })
        t.equal(stack.call('fakeSent'), features === 0 ? 4 : 1, 'the MTU is for segments')
      }
    })

    t.test('RFC 791 §3.2: the same without DF: segments in fragments', async t => {
      const stack = router(e, CUTS, `${EGRESS.ip}/24,mtu=600`)
      const free = stack.free
      const large = { length: 4000, size: 1448, ip: { flags: 0 } }
      receive(stack, large)
      const parts = stack.sent().map(frame => frame.ipv4!)
      t.ok(parts.every(part => part.totalLength <= 600 && part.checksumRight))
      const whole = expected(large).map((frame, i) => {
        const mine = parts.filter(part => part.id === 100 + i)
        t.equal(mine.length, Math.ceil((frame.length - 34) / 576))
        return toHex(bytes(...mine.map(part => part.payload)))
      })
      t.same(whole, expected(large).map(frame => toHex(frame.subarray(34))))
      t.equal(stack.free, free)
      t.same(stack.drops(), {})
    })

    const whole = open(PEER.ip, FAR.ip, segment(ENDS, counting(3000)))
    const patched = (offset: number, value: number) => Uint8Array.from(whole, (byte, i) => i === offset ? value : byte)
    const lies: [string, Partial<Large>, [number, number]?][] = [
      ['UDP', { ip: { protocol: Protocol.Udp } }],
      ['a fragment', { ip: { flags: 0x2000 } }],
      ['a later fragment', { ip: { flags: 2 } }],
      ['less than a TCP header', { tcpBytes: whole.subarray(0, 19) }],
      ['a TCP header that goes on in the next buffer', { piece: 34 + 31 }],
      ['a data offset below five words', { tcpBytes: patched(12, 0x40) }],
      ['a data offset past the packet', { tcpBytes: patched(12, 0xf0).subarray(0, 50) }],
      ['a checksum elsewhere', {}, [34, 6]],
      ['a checksum that starts elsewhere', {}, [35, 16]],
    ]
    for (const [what, large, partial] of lies) {
      t.test(`virtio 1.2 §5.1.6.4: not believed: ${what}`, async t => {
        for (const destination of [FAR.ip, GUEST.ip]) {
          const stack = router(e, CUTS_ECN)
          const free = stack.free
          const fields = { ...large.ip, destination }
          if (partial) {
            stack.call('fakePartial', ...partial)
            stack.call('fakeSegments', 1448)
            stack.receive(ethernet({ destination: GUEST.mac, source: PEER.mac, type: EtherType.Ipv4 },
              ipv4({ ...ENDS, ...fields, protocol: Protocol.Tcp }, whole)), { piece: 2000, checksum: Checksum.Partial })
          } else receive(stack, { length: 3000, size: 1448, tcpBytes: whole, ...large, ip: fields })
          t.equal(stack.call('fakeSent'), 0)
          t.same(stack.drops(), { 'ipv4-segments': 1 })
          t.equal(stack.free, free)
        }
      })
    }
    t.test('virtio 1.2 §5.1.6.4: not believed: a checksum that is not open', async t => {
      const stack = router(e, CUTS_ECN)
      stack.call('fakePartial', 34, 16)
      stack.call('fakeSegments', 1448)
      const frame = ethernet({ destination: GUEST.mac, source: PEER.mac, type: EtherType.Ipv4 }, ipv4({ ...ENDS, protocol: Protocol.Tcp }, whole))
      for (const kind of [Checksum.None, Checksum.Valid]) stack.receive(frame, { piece: 2000, checksum: kind })
      t.equal(stack.call('fakeSent'), 0)
      t.same(stack.drops(), { 'ipv4-segments': 2 })
    })

    t.test('the pool runs dry in the middle: what was made is sent, nothing is lost, the rest is counted', async t => {
      const stack = router(e)
      const free = stack.free
      while (stack.free > 12) stack.call('fakeQueue', stack.put(counting(60)), 60)
      receive(stack, { length: 10_000, size: 100 })
      t.ok(stack.call('fakeSent') > 10)
      while (stack.call('netPoll', 64) !== 0) continue
      stack.call('fakeTransmitResult', NO_BUFFERS)
      receive(stack, { length: 10_000, size: 1448 })
      t.equal(stack.free, free, 'nor where the card takes nothing')
      stack.call('fakeTransmitResult', 0)
      receive(stack, { length: 10_000, size: 1448 })
      t.equal(stack.free, free)
    })

    // --- Packets of our own. ----------------------------------------------------------------------------------

    t.test('the limit: what a card that cuts takes, lo and pairs too; else the path MTU', async t => {
      const stack = Stack.up(e, { features: CUTS })
      t.same([PEER.ip, '127.0.0.1', GUEST.ip].map(to => stack.call('segmentLimit', ip(to))), [65_535, 65_535, 65_535])
      t.equal(Stack.up(e, { features: NicFeature.TransmitChecksum }).call('segmentLimit', ip(PEER.ip)), 1500)
      t.equal(Stack.up(e).call('segmentLimit', ip('127.0.0.1')), 65_535)
    })

    t.test('of our own, a card that cuts: whole, DF, header lengths from the frame', async t => {
      const stack = Stack.up(e, { features: CUTS })
      const free = stack.free
      t.equal(stack.call('sendSegments', ip(PEER.ip), 65_495, 1460, 1460, ACK), 0)
      t.same([stack.call('fakeSent'), stack.call('fakeSentLength', 0), stack.call('fakeSentFragments', 0)], [1, 65_549, 46])
      t.same([0, 1].map(field => stack.call('fakeSentSegments', 0, field)), [1460, 54])
      t.equal(read16(stack.sentBytes()[0]!, 20), DF)
      t.equal(stack.call('sendSegments', ip(PEER.ip), 65_496, 1460, 1460, ACK), TOO_LONG, '65,536 bytes')
      t.equal(stack.call('sendSegments', ip(PEER.ip), 10_000, 1461, 1460, ACK), TOO_LONG, 'segments over the MTU')
      t.equal(stack.free, free)
      t.same(stack.drops(), { 'output-too-long': 2 })
    })

    t.test('of our own, a card that does not: cut, right to the last byte', async t => {
      const stack = Stack.up(e)
      t.equal(stack.call('sendSegments', ip(PEER.ip), 10_000, 1460, 1200, ACK | PSH), 0)
      const sent = stack.sent()
      t.ok(sent.every(frame => frame.ipv4!.checksumRight && tcpRight(frame) && frame.ipv4!.flags === DF))
      t.equal(toHex(bytes(...sent.map(frame => tcpOf(frame).subarray(20)))), toHex(counting(10_000)))
      t.same(sent.map(frame => frame.frame.length), [1514, 1514, 1514, 1514, 1514, 1514, 1294])
    })

    t.test('segments longer than a buffer', async t => {
      const stack = Stack.up(e, { mtu: 9000 })
      const free = stack.free
      t.equal(stack.call('sendSegments', ip(PEER.ip), 20_000, 8960, 1460, ACK), 0)
      t.same([0, 1, 2].map(i => stack.call('fakeSentLength', i)), [9014, 9014, 20_000 - 2 * 8960 + 54])
      t.equal(toHex(stack.sentBytes()[1]!.subarray(54, 2048)), toHex(counting(20_000).subarray(8960, 8960 + 2048 - 54)))
      t.equal(stack.free, free)
    })

    t.test('RFC 6864 §4.2: every segment has an identification of its own, and the next packet the one after', async t => {
      const stack = Stack.up(e, { features: CUTS })
      stack.call('sendSegments', ip(PEER.ip), 10_000, 1460, 1460, ACK)
      stack.call('sendLong', ip(PEER.ip), 6, 10, 1500, 0, 0)
      const [first, next] = stack.sentBytes().map(frame => read16(frame, 18))
      t.equal(next, first! + 7 & 0xffff)
    })

    t.test('a neighbour that has to be asked for: the packet waits whole, and leaves whole; given up, nothing stays', async t => {
      const stack = Stack.up(e, { features: CUTS })
      const free = stack.free
      t.equal(stack.call('sendSegments', ip('10.0.0.50'), 60_000, 1460, 1460, ACK), 0)
      t.equal(free - stack.free, 43, 'a buffer for the headers, 42 for the rest, and the question was sent')
      stack.forget()
      stack.receive(stack.arp({ operation: 2, senderMac: '02:00:00:00:00:50', senderIp: '10.0.0.50' }, GUEST.mac, '02:00:00:00:00:50'))
      t.same([stack.call('fakeSent'), stack.call('fakeSentLength', 0)], [1, 60_054])
      t.equal(stack.free, free)
      stack.call('sendSegments', ip('10.0.0.51'), 60_000, 1460, 1460, ACK)
      stack.advance(10_000)
      t.equal(stack.free, free)
      t.same(stack.drops(), { 'arp-unresolved': 1 })
    })

    t.test('IEEE 802.1Q §9.6: on a VLAN four bytes more are in front of the payload', async t => {
      const stack = Stack.up(e, { features: CUTS })
      stack.configure('10.7.0.2/24', stack.call('makeVlan', 0, 7))
      stack.call('sendSegments', ip('10.7.0.9'), 5000, 1460, 1460, ACK)
      stack.forget()
      const answer = stack.arp({ operation: 2, senderIp: '10.7.0.9', targetIp: '10.7.0.2' }, GUEST.mac)
      stack.receive(bytes(answer.subarray(0, 12), be16(EtherType.Vlan), be16(7), answer.subarray(12)))
      t.same([stack.call('fakeSent'), stack.call('fakeSentLength', 0), stack.call('fakeSentChecksumStart', 0)], [1, 5058, 38])
      t.same([0, 1].map(field => stack.call('fakeSentSegments', 0, field)), [1460, 58])
    })

    t.test('across a virtual pair whole, with all a card would say of it', async t => {
      const stack = Stack.up(e)
      stack.call('makePair', stack.m.cstring('veth0'), stack.m.cstring('veth1'))
      const [a, b] = ['veth0', 'veth1'].map(name => stack.call('named', stack.m.cstring(name)))
      stack.configure('10.9.0.1/24', a)
      stack.call('bringUp', b!)
      while (stack.call('netPoll', 64) > 0) continue
      const device = stack.call('devicePlace', b!)
      stack.call('deviceAttach', device)
      stack.call('ipv4ForwardSet', 1)
      const neighbour = stack.put(bytes('020000000090'))
      t.equal(stack.call('arpUpdateOn', a!, ip('10.9.0.9'), neighbour), 0)
      t.equal(stack.call('segmentLimit', ip('10.9.0.9')), 65_535)
      receive(stack, { length: 20_000, size: 1448, ip: { destination: '10.9.0.9' } })
      t.equal(stack.call('devicePoll', device, 64), 1)
      const [checksumKind, start, total, size] = [2, 3, 6, 7].map(field => stack.call('deviceKept', field))
      t.same([checksumKind, start, total, size], [Checksum.Partial, 34, 20_066, 1448])
    })
  })
}
