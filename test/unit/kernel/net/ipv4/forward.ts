// kernel/net/ipv4/forward.ts: packets from one link to the next. RFC 1812 §5, RFC 1624, RFC 1191 §4, RFC 2644.

import t from 'tap'
import { engines } from '../../../../engine.ts'
import type { Engine } from '../../../../engine-instance.ts'
import { type Bytes, toHex } from '../../../../wire/bytes.ts'
import { BROADCAST, type Ipv4Fields, Protocol, ethernet, icmp, ipv4 as packet, udp } from '../../../../wire/frames.ts'
import { Checksum, GUEST, PEER, Stack, counting, ip } from '../../../../wire/stack.ts'

/** The other side: a host on eth1, where the stack is 10.1.0.2 at 02:00:00:00:00:02. */
const FAR = { ip: '10.1.0.9', mac: '02:00:00:00:00:19' }
const EGRESS = { ip: '10.1.0.2', mac: '02:00:00:00:00:02' }
const [DF, MF] = [0x4000, 0x2000]

/** A router between 10.0.0.0/24 and 10.1.0.0/24 that knows a host on each. */
function router(e: Engine, values = [`${GUEST.ip}/24`, `${EGRESS.ip}/24`]): Stack {
  const stack = new Stack(e, { two: true })
  stack.configure(values[0]!, 0)
  stack.configure(values[1]!, 1)
  stack.call('ipv4ForwardSet', 1)
  stack.receive(stack.arp())
  stack.receive(stack.arp({ senderMac: FAR.mac, senderIp: FAR.ip, targetIp: EGRESS.ip }, BROADCAST, FAR.mac), { nic: 1 })
  stack.forget()
  return stack
}

const echo = icmp({ type: 8, id: 7, sequence: 1 }, counting(56))
/** A frame from PEER to the router, with a packet to somewhere else. */
const through = (fields: Partial<Ipv4Fields> = {}, payload: Bytes = echo, destination = GUEST.mac) =>
  ethernet({ destination, source: PEER.mac, type: 0x0800 },
    packet({ source: PEER.ip, destination: FAR.ip, protocol: Protocol.Icmp, ...fields }, payload))

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    t.test('RFC 1812 §5.3.1, RFC 1624: one hop less, the checksum follows, a new Ethernet header, nothing else', async t => {
      const stack = router(e)
      for (const ttl of [64, 2, 255]) {
        const frame = through({ ttl, id: ttl * 257 })
        const [out] = stack.exchange(frame)
        t.equal(stack.call('fakeSentNic', 0), 1)
        t.match(out, { destination: FAR.mac, source: EGRESS.mac })
        t.match(out!.ipv4, { source: PEER.ip, destination: FAR.ip, ttl: ttl - 1, checksumRight: true, id: ttl * 257 })
        t.equal(toHex(out!.ipv4!.payload), toHex(echo))
        t.equal(out!.frame[14], 0x45, 'rustos.md 14: an Ethernet header first')
      }
      t.equal(stack.call('ipv4Counter', 0), 3)
      t.same(stack.drops(), {})
    })

    t.test('every header checksum survives the decrement: RFC 1624 §4', async t => {
      const stack = router(e)
      for (let id = 0; id < 0x10000; id += 251) {
        const [out] = stack.exchange(through({ id, ttl: 1 + id % 254 + 1 }))
        if (!out!.ipv4!.checksumRight) t.fail(`identification ${id}`)
      }
      t.same(stack.drops(), {})
    })

    t.test('off unless asked for; padding does not go on', async t => {
      const stack = router(e)
      const [out] = stack.exchange(through({}, icmp({ type: 8 }, counting(3))))
      t.equal(out!.ipv4!.totalLength, 31)
      t.equal(toHex(out!.frame.subarray(45)), '00'.repeat(15))
      stack.call('ipv4ForwardSet', 0)
      t.equal(stack.exchange(through()).length, 0)
      t.same(stack.drops(), { 'ipv4-not-for-us': 1 })
    })

    t.test('a packet is forwarded without a copy and without a buffer', async t => {
      const stack = router(e)
      const free = stack.free
      while (stack.free > 1) stack.call('fakeQueue', stack.put(counting(60)), 60)
      t.equal(stack.exchange(through()).length, 1, 'with the last buffer of the pool')
      while (stack.call('netPoll', 64) !== 0) continue
      t.equal(stack.free, free)
      stack.forget()
      stack.receive(through({}, counting(1400)), { piece: 300 })
      t.equal(stack.call('fakeSentFragments', 0), 5, 'a chain stays one')
    })

    t.test('RFC 1812 §5.3.1: at the last hop 11/0, from the address the answer leaves by', async t => {
      for (const ttl of [0, 1]) {
        const stack = router(e)
        const frame = through({ ttl })
        const [error] = stack.exchange(frame)
        t.match(error!.icmp, { type: 11, code: 0, checksumRight: true })
        t.match(error!.ipv4, { source: GUEST.ip, destination: PEER.ip })
        t.equal(toHex(error!.icmp!.payload), toHex(frame.subarray(14, 14 + 84)), 'the packet as it came')
        t.same(stack.drops(), { 'forward-time-to-live': 1 })
      }
    })

    t.test('RFC 1812 §5.2.7.1: 3/0 without a route, 3/1 when nobody answers at the next hop', async t => {
      const stack = router(e)
      const [none] = stack.exchange(through({ destination: '192.0.2.1' }))
      t.match(none!.icmp, { type: 3, code: 0, checksumRight: true })
      t.equal(none!.ipv4!.source, GUEST.ip)
      stack.exchange(through({ destination: '10.1.0.77' }))
      stack.receive(stack.arp())
      stack.advance(3000)
      const errors = stack.sent().filter(frame => frame.icmp)
      t.equal(errors.length, 1)
      t.match(errors[0]!.icmp, { type: 3, code: 1, checksumRight: true })
      t.match(errors[0]!.ipv4, { source: GUEST.ip, destination: PEER.ip })
    })

    t.test('RFC 1191 §4: too long and DF: 3/4 with the MTU of the next link', async t => {
      const stack = router(e, [`${GUEST.ip}/24`, `${EGRESS.ip}/24,mtu=1000`])
      t.equal(stack.exchange(through({ protocol: 253, flags: DF }, counting(980)))[0]!.ipv4!.totalLength, 1000)
      const [error] = stack.exchange(through({ protocol: 253, flags: DF }, counting(981)))
      t.match(error!.icmp, { type: 3, code: 4, id: 0, sequence: 1000, checksumRight: true })
      t.same(stack.drops(), { 'forward-too-long': 1 })
    })

    t.test('RFC 791 §3.2: too long without DF: in fragments; fragments of fragments fit together', async t => {
      const stack = router(e, [`${GUEST.ip}/24`, `${EGRESS.ip}/24,mtu=600`])
      const whole = counting(3000)
      const offsets = [0, 1480, 2960]
      stack.forget()
      for (const offset of offsets) {
        const more = offset + 1480 < whole.length
        stack.receive(through({ id: 99, flags: (more ? MF : 0) | offset >> 3 }, whole.subarray(offset, offset + 1480)))
      }
      const parts = stack.sent().map(frame => frame.ipv4!)
      const out = new Uint8Array(3000)
      for (const part of parts) out.set(part.payload, (part.flags & 0x1fff) << 3)
      t.equal(toHex(out), toHex(whole))
      t.ok(parts.every(part => part.checksumRight && part.id === 99 && part.ttl === 63 && part.totalLength <= 600))
      const last = parts.filter(part => (part.flags & MF) === 0)
      t.same(last.map(part => (part.flags << 3 & 0xffff) + part.payload.length), [3000], 'one last fragment')
      t.same(stack.drops(), {})
    })

    t.test('RFC 1812 §5.3.7, RFC 3927 §7, RFC 2644: what is never forwarded', async t => {
      const destinations = [
        '169.254.1.1', '127.0.0.1', '0.0.0.0', '0.1.2.3', '240.0.0.1', '255.255.255.254', '10.1.0.255', '224.0.0.9', '239.1.2.3',
      ]
      for (const destination of destinations) {
        const stack = router(e)
        t.equal(stack.exchange(through({ destination })).length, 0, destination)
        t.equal(stack.call('dropTotal'), 1)
      }
      for (const source of ['169.254.1.1', '127.0.0.1', '0.0.0.0', '224.0.0.1', '255.255.255.255', '10.0.0.255', GUEST.ip, EGRESS.ip]) {
        const stack = router(e)
        t.equal(stack.exchange(through({ source })).length, 0, `from ${source}`)
      }
      const stack = router(e)
      t.equal(stack.exchange(through({}, echo, BROADCAST)).length, 0, 'RFC 1812 §5.3.4: link broadcasts')
    })

    t.test('RFC 1122 §3.2.2: no error about an error, a later fragment or a group', async t => {
      const stack = router(e)
      const none = (frame: Bytes) => t.equal(stack.exchange(frame).length, 0)
      none(through({ ttl: 1 }, icmp({ type: 3, code: 1 }, counting(28))))
      none(through({ ttl: 1, flags: 5 }, counting(16)))
      none(through({ ttl: 1, destination: '224.1.2.3' }))
      none(through({ destination: '192.0.2.1', flags: 7 }, counting(16)))
    })

    t.test('for ourselves, whichever interface it is: not forwarded', async t => {
      const stack = router(e)
      const [reply] = stack.exchange(through({ destination: EGRESS.ip, ttl: 1 }))
      t.match(reply!.icmp, { type: 0 })
      t.equal(stack.call('ipv4Counter', 0), 0)
    })

    t.test('back by the link it came from, without a redirect', async t => {
      const stack = router(e)
      t.equal(stack.call('addRoute', ip('172.16.0.0'), 16, ip('10.0.0.10'), 0, 0), 0)
      stack.receive(stack.arp({ senderIp: '10.0.0.10', senderMac: '02:00:00:00:00:10' }))
      const sent = stack.exchange(through({ destination: '172.16.1.1' }))
      t.same(sent.map(frame => [frame.destination, frame.ipv4?.destination]), [['02:00:00:00:00:10', '172.16.1.1']])
    })

    t.test('a checksum that a virtual peer left to the card is completed, wherever the packet goes on', async t => {
      const stack = router(e)
      const ends = { source: PEER.ip, destination: FAR.ip }
      const datagram = udp({ ...ends, sourcePort: 1, destinationPort: 2 }, counting(100))
      const right = toHex(datagram)
      let pseudo = 17 + datagram.length
      for (const word of [0x0a00, 0x0009, 0x0a01, 0x0009]) pseudo += word
      datagram.set([pseudo >> 8 & 0xff, pseudo & 0xff], 6)
      const frame = through({ protocol: Protocol.Udp }, datagram)
      stack.call('fakePartial', 34, 6)
      const [out] = stack.exchange(frame, { checksum: Checksum.Partial })
      t.equal(toHex(out!.ipv4!.payload), right)
      for (const [start, offset] of [[0, 6], [33, 6], [34, 200], [150, 6]] as const) {
        stack.call('fakePartial', start, offset)
        t.equal(stack.exchange(frame, { checksum: Checksum.Partial }).length, 0)
      }
      t.same(stack.drops(), { 'forward-checksum': 4 })
    })
  })
}
