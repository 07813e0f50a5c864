// kernel/net/arp/resolve.ts: questions, retries, queues and ages, in virtual time. RFC 826, RFC 1122 §2.3.2,
// RFC 5227 §3; the states of RFC 4861 §7.3.

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { toHex } from '../../../../wire/bytes.ts'
import { BROADCAST, type Decoded } from '../../../../wire/frames.ts'
import { GATEWAY, GUEST, PEER, Stack, counting, ip } from '../../../../wire/stack.ts'

const ENOBUFS = -105
const [INCOMPLETE, REACHABLE, STALE, DELAY, PROBE, FAILED, ABSENT] = [0, 1, 2, 3, 4, 5, 0xffffffff]

function fresh(e: Parameters<typeof Stack.up>[0]): Stack {
  const stack = new Stack(e)
  stack.configure(`${GUEST.ip}/24,gw=${GATEWAY.ip}`)
  stack.forget()
  return stack
}
const state = (stack: Stack, address = PEER.ip) => stack.call('arpStateOf', 0, ip(address)) >>> 0
/** Send a datagram whose first bytes are `tag`. */
const send = (stack: Stack, to = PEER.ip, tag = 1) => stack.call('sendUdp', ip(to), 9, 4000, stack.put(Uint8Array.of(tag, 2, 3, 4)), 4)
const questions = (frames: Decoded[]) => frames.filter(frame => frame.arp?.operation === 1)
const datagrams = (frames: Decoded[]) => frames.filter(frame => frame.udp)
const answer = (stack: Stack, fields = {}) => stack.receive(stack.arp({ operation: 2, targetMac: GUEST.mac, ...fields }, GUEST.mac))

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    t.test('the question on the wire, byte for byte', async t => {
      const stack = fresh(e)
      t.equal(send(stack), 0)
      const [frame] = stack.sentBytes()
      const wanted = [
        'ffffffffffff', '020000000001', '0806', '0001080006040001', '0200000000010a000002', '0000000000000a000009', '00'.repeat(18),
      ]
      t.equal(toHex(frame!), wanted.join(''))
    })

    t.test('RFC 1122 §2.3.2.2: a packet waits for the answer, then goes', async t => {
      const stack = fresh(e)
      send(stack)
      t.equal(datagrams(stack.sent()).length, 0)
      t.equal(state(stack), INCOMPLETE)
      answer(stack)
      const [datagram] = datagrams(stack.sent())
      t.equal(datagram!.destination, PEER.mac)
      t.equal(state(stack), REACHABLE)
      t.ok(datagram!.udp!.checksumRight)
    })

    t.test('packets leave in the order they came; of too many the oldest go', async t => {
      const stack = fresh(e)
      for (let tag = 1; tag <= 51; tag++) t.equal(send(stack, PEER.ip, tag), 0)
      t.equal(questions(stack.sent()).length, 1, 'one question for all of them')
      t.equal(stack.call('arpWaitingBuffers'), 48, 'the fragments of the longest datagram')
      t.same(stack.drops(), { 'arp-queue-full': 3 })
      answer(stack)
      t.same(datagrams(stack.sent()).map(frame => frame.udp!.payload[0]), Array.from({ length: 48 }, (_, i) => i + 4))
      t.equal(stack.call('arpWaitingBuffers'), 0)
    })

    t.test('what others wait for is not taken from them: no room is an error', async t => {
      const stack = fresh(e)
      const free = stack.free
      for (let tag = 0; tag < 48; tag++) t.equal(send(stack), 0)
      for (let tag = 0; tag < 20; tag++) t.equal(send(stack, '10.0.0.49'), 0)
      t.equal(stack.call('arpWaitingBuffers'), 64, 'a quarter of 256 packets')
      t.same(stack.drops(), { 'arp-queue-full': 4 })
      t.equal(send(stack, '10.0.0.50'), ENOBUFS)
      t.equal(state(stack, '10.0.0.50'), INCOMPLETE, 'asked all the same')
      t.equal(questions(stack.sent()).length, 3)
      stack.advance(3000)
      t.equal(stack.free, free)
    })

    t.test('RFC 1122 §2.3.2.2: who waits in vain is told, and nobody else', async t => {
      const stack = fresh(e)
      stack.call('ipv4ForwardSet', 1)
      stack.receive(stack.arp())
      stack.forget()
      const through = stack.echo(counting(32), {}, { destination: '10.0.0.50', source: '172.16.0.9' })
      stack.receive(through)
      stack.advance(3000)
      const gateway = questions(stack.sent()).filter(frame => frame.arp!.targetIp === GATEWAY.ip)
      t.ok(gateway.length > 0, 'RFC 1812 §5.2.7.1: host unreachable is on its way to the sender, by the gateway')
      stack.receive(stack.arp({ operation: 2, senderIp: GATEWAY.ip, senderMac: GATEWAY.mac, targetMac: GUEST.mac }, GUEST.mac))
      const told = stack.sent().filter(frame => frame.icmp)
      t.same(told.map(({ icmp, ipv4 }) => [icmp!.type, icmp!.code, ipv4!.source, ipv4!.destination]), [[3, 1, GUEST.ip, '172.16.0.9']])
    })

    t.test('asked three times, a second apart, then failed: what waited is dropped', async t => {
      const stack = fresh(e)
      const free = stack.free
      send(stack)
      const asked: number[] = []
      for (let ms = 0; ms <= 5000; ms += 250) {
        asked.push(questions(stack.sent()).length)
        stack.advance(250)
      }
      t.same(asked.filter((_, i) => i % 4 === 0), [1, 2, 3, 3, 3, 3], 'at 0, 1 and 2 seconds')
      t.same(asked[3], 1, 'and not before the second is over')
      t.equal(state(stack), FAILED)
      t.same(stack.drops(), { 'arp-unresolved': 1 })
      t.equal(stack.free, free)
    })

    t.test('a failed address is asked for again when it is wanted, and forgotten when not', async t => {
      const stack = fresh(e)
      send(stack)
      stack.advance(3000)
      t.equal(state(stack), FAILED)
      stack.forget()
      send(stack)
      t.equal(state(stack), INCOMPLETE)
      t.equal(questions(stack.sent()).length, 1)
      answer(stack)
      t.equal(datagrams(stack.sent()).length, 1, 'it is back')
      send(stack, '10.0.0.50')
      stack.advance(3000)
      t.equal(state(stack, '10.0.0.50'), FAILED)
      stack.advance(60_000)
      t.equal(state(stack, '10.0.0.50'), ABSENT)
    })

    t.test('RFC 1122 §2.3.2.1: no more than one question a second, however many packets', async t => {
      const stack = fresh(e)
      for (let ms = 0; ms < 10_000; ms += 10) {
        send(stack)
        stack.advance(10)
      }
      const count = stack.call('counter', 0)
      t.ok(count >= 9 && count <= 11 + 1, `${count} questions in ten seconds`)
    })

    t.test('reachable for 30 seconds, then stale; a stale one is used, then probed by unicast', async t => {
      const stack = fresh(e)
      stack.receive(stack.arp())
      stack.advance(29_999)
      t.equal(state(stack), REACHABLE)
      stack.advance(1)
      t.equal(state(stack), STALE)
      stack.forget()
      send(stack)
      t.equal(datagrams(stack.sent()).length, 1, 'used at once')
      t.equal(state(stack), DELAY)
      stack.advance(5000)
      t.equal(state(stack), PROBE)
      const [probe] = questions(stack.sent())
      t.equal(probe!.destination, PEER.mac, 'RFC 1122 §2.3.2.1 (2): to the neighbour alone')
      t.equal(send(stack), 0)
      t.equal(datagrams(stack.sent()).length, 2, 'and used while it is probed')
      answer(stack)
      t.equal(state(stack), REACHABLE)
    })

    t.test('a neighbour that is gone fails after three probes', async t => {
      const stack = fresh(e)
      stack.receive(stack.arp())
      stack.advance(30_000)
      send(stack)
      stack.forget()
      stack.advance(5000 + 3000)
      t.equal(state(stack), FAILED)
      t.equal(questions(stack.sent()).length, 3)
    })

    t.test('a stale entry nobody uses is forgotten after ten minutes', async t => {
      const stack = fresh(e)
      stack.receive(stack.arp())
      stack.advance(30_000 + 599_999)
      t.equal(state(stack), STALE)
      stack.advance(1)
      t.equal(state(stack), ABSENT)
    })

    t.test('a permanent entry does not age', async t => {
      const stack = fresh(e)
      t.equal(stack.call('arpPermanent', 0, ip(PEER.ip), stack.put(Uint8Array.of(2, 0, 0, 0, 0, 0x99))), 0)
      stack.call('advanceSeconds', 7200)
      t.equal(state(stack), REACHABLE)
      stack.forget()
      send(stack)
      t.equal(stack.sent()[0]!.destination, '02:00:00:00:00:99')
    })

    t.test('RFC 5227 §3: an address that is configured is announced, and so is a second one', async t => {
      const stack = new Stack(e)
      stack.configure(`${GUEST.ip}/24`)
      t.equal(stack.call('addAddress', 0, ip('10.7.0.1'), 16), 0)
      t.same(stack.sent().map(({ destination, arp }) => [destination, arp?.operation, arp?.senderIp, arp?.targetIp, arp?.targetMac]), [
        [BROADCAST, 1, GUEST.ip, GUEST.ip, '00:00:00:00:00:00'], [BROADCAST, 1, '10.7.0.1', '10.7.0.1', '00:00:00:00:00:00'],
      ])
    })

    t.test('what is off the link goes to the gateway\'s link address', async t => {
      const stack = fresh(e)
      send(stack, '192.168.7.7')
      t.equal(questions(stack.sent())[0]!.arp!.targetIp, GATEWAY.ip)
      stack.receive(stack.arp({ operation: 2, senderIp: GATEWAY.ip, senderMac: GATEWAY.mac, targetMac: GUEST.mac }, GUEST.mac))
      const [datagram] = datagrams(stack.sent())
      t.equal(datagram!.destination, GATEWAY.mac)
      t.equal(datagram!.ipv4!.destination, '192.168.7.7')
    })

    t.test('at the limit the least recently used entry goes, with what waits there; permanent ones stay', async t => {
      const stack = new Stack(e)
      stack.configure('10.0.0.2/16')
      const free = stack.free
      const peer = (i: number) => `10.0.${1 + (i >> 8)}.${i & 0xff}`
      const learn = (i: number) => stack.receive(stack.arp({ senderIp: peer(i), senderMac: PEER.mac }))
      stack.call('arpPermanent', 0, ip(peer(0)), stack.put(Uint8Array.of(2, 0, 0, 0, 0, 0x99)))
      for (let i = 1; i < 1024; i++) learn(i)
      t.equal(stack.call('arpEntryCount'), 1024)
      send(stack, peer(1)) // use: no longer the oldest
      learn(1100)
      t.equal(stack.call('arpEntryCount'), 1024)
      t.equal(state(stack, peer(0)), REACHABLE, 'permanent')
      t.equal(state(stack, peer(1)), REACHABLE, 'used')
      t.equal(state(stack, peer(2)), ABSENT, 'the oldest')
      t.equal(state(stack, peer(1100)), REACHABLE)
      t.equal(stack.call('counter', 3), 1)
      send(stack, peer(1101))
      t.equal(state(stack, peer(1101)), INCOMPLETE)
      for (let i = 2000; i < 3200; i++) learn(i)
      t.equal(state(stack, peer(1101)), ABSENT)
      t.equal(stack.drops()['arp-evicted'], 1)
      t.equal(stack.free, free)
    })

    t.test('an interface that goes down forgets its neighbours and what waits for them', async t => {
      const stack = fresh(e)
      const free = stack.free
      stack.receive(stack.arp())
      send(stack, '10.0.0.50')
      stack.call('takeDown', 0)
      t.equal(stack.call('arpEntryCount'), 0)
      t.equal(stack.free, free)
      stack.advance(10_000)
      t.equal(questions(stack.sent().slice(2)).length, 0, 'and asks no more')
    })

    t.test('without a packet for the question the next second asks', async t => {
      const stack = fresh(e)
      let held = 0
      while (stack.free > 1) {
        t.equal(stack.call('fakeQueue', stack.put(counting(60)), 60), 1)
        held++
      }
      t.equal(send(stack), 0, 'the last packet waits')
      t.equal(questions(stack.sent()).length, 0)
      t.equal(stack.drops()['output-no-room'], 1)
      t.equal(stack.call('netPoll', held), held)
      stack.advance(1000)
      t.equal(questions(stack.sent()).length, 1)
    })

    t.test('the order of use is kept', async t => {
      const stack = fresh(e)
      for (const last of [10, 11, 12]) stack.receive(stack.arp({ senderIp: `10.0.0.${last}` }))
      send(stack, '10.0.0.10')
      t.same([0, 1, 2].map(place => stack.call('arpUsed', place) & 0xff), [10, 12, 11])
    })
  })
}

