// Devices that are only memory: loopback and virtual pairs. RFC 1122 §3.2.1.3 (g); rustos.md §1.9, §2.8, §5 (8).

import t from 'tap'
import { engines } from '../../../engine.ts'
import { macText } from '../../../wire/bytes.ts'
import { Protocol, ethernet, EtherType, icmp, ipv4 } from '../../../wire/frames.ts'
import { Checksum, GUEST, NicFeature, PEER, Stack, counting, ip } from '../../../wire/stack.ts'

const NONE = 0xffffffff
const enum Counter { Transmitted, TransmitDropped, Received, ReceiveDropped }
const enum Kept { First, Length, Checksum, Start, Count, Order }
const enum Statistic { ReceivedPackets, ReceivedBytes, ReceiveErrors, TransmittedPackets, TransmittedBytes, TransmitErrors, Dropped }

const place = (stack: Stack, name: string) => stack.call('named', stack.m.cstring(name)) >>> 0
/** Let everything that waits in devices through. */
const settle = (stack: Stack) => { while (stack.call('netPoll', 64) > 0) { /* again */ } }

function pair(e: Parameters<typeof Stack.up>[0]) {
  const stack = Stack.up(e)
  if (stack.call('makePair', stack.m.cstring('veth0'), stack.m.cstring('veth1')) !== 0) throw new Error('no pair')
  const [a, b] = [place(stack, 'veth0'), place(stack, 'veth1')]
  return { stack, a, b, deviceA: stack.call('devicePlace', a), deviceB: stack.call('devicePlace', b) }
}

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    t.test('lo is there from the start: 127.0.0.1/8, MTU 65535, up', async t => {
      const stack = Stack.up(e)
      const lo = place(stack, 'lo')
      t.equal(lo, 1, 'after the cards')
      t.same([0, 1, 6, 7].map(field => stack.call('netifField', lo, field)), [ip('127.0.0.1'), 8, 65535, 1])
      t.equal(macText(stack.m.bytes(stack.call('macOf', lo) >>> 0, 6)), '00:00:00:00:00:00')
      t.ok(stack.call('linkOf', lo))
    })

    t.test('vector 6: three frames through lo come out in order', async t => {
      const stack = Stack.up(e)
      const device = stack.call('devicePlace', place(stack, 'lo'))
      stack.call('deviceAttach', device)
      for (const first of [1, 2, 3]) t.equal(stack.call('deviceSend', device, first, 60), 0)
      t.ok(stack.call('deviceReady', device))
      t.equal(stack.call('devicePoll', device, 2), 2, 'no more than the budget')
      t.equal(stack.call('deviceKept', Kept.Order), 0x12)
      t.equal(stack.call('devicePoll', device, 2), 1)
      t.equal(stack.call('deviceKept', Kept.Order), 0x123)
      t.notOk(stack.call('deviceReady', device))
      t.same([Counter.Transmitted, Counter.Received].map(field => stack.call('deviceCounter', device, field)), [3, 3])
    })

    t.test('its queue is bounded: what does not fit is refused and counted, nothing is lost', async t => {
      const stack = Stack.up(e)
      const free = stack.free
      const device = stack.call('devicePlace', place(stack, 'lo'))
      stack.call('deviceAttach', device)
      let sent = 0
      while (stack.call('deviceSend', device, 1, 60) === 0) sent++
      t.equal(sent, free >> 2, 'a quarter of all packets')
      t.equal(stack.call('deviceSend', device, 1, 60), -105, 'NoBufferSpace')
      t.equal(stack.call('deviceCounter', device, Counter.TransmitDropped), 2)
      t.equal(stack.call('devicePoll', device, 64), sent)
      t.equal(stack.free, free)
    })

    const ourselves = [['127.0.0.1', '127.0.0.1'], ['all of 127/8', '127.8.7.6'], ['our own address on a card', GUEST.ip]]
    for (const [what, to] of ourselves as [string, string][]) {
      t.test(`a ping to ${what} comes back through lo, and never meets the wire`, async t => {
        const stack = Stack.up(e)
        const free = stack.free
        stack.call('pingOpen')
        t.equal(stack.call('ping', ip(to), 7, 56), 0)
        t.equal(stack.call('pingReplies'), 0, 'not from within the call')
        settle(stack)
        t.same([stack.call('pingReplies'), stack.call('pingLast')], [1, 7])
        const lo = place(stack, 'lo')
        t.same([Statistic.ReceivedPackets, Statistic.TransmittedPackets, Statistic.TransmitErrors, Statistic.Dropped]
          .map(field => stack.call('statistic', lo, field)), [2, 2, 0, 0])
        t.equal(stack.call('statistic', lo, Statistic.ReceivedBytes), 2 * (14 + 20 + 8 + 56))
        t.equal(stack.sent().length, 0)
        t.equal(stack.free, free)
        t.same(stack.drops(), {})
      })
    }

    t.test('a datagram to ourselves: the source is the address it was sent to; its checksum is never computed', async t => {
      const stack = Stack.up(e, { features: NicFeature.TransmitChecksum | NicFeature.ReceiveChecksum })
      stack.call('listen', 5000)
      t.equal(stack.call('sendUdp', ip('127.0.0.1'), 5000, 6000, stack.put(counting(100)), 100), 0)
      settle(stack)
      t.same([0, 1, 2, 3].map(field => stack.call('takenField', field)), [1, 100, ip('127.0.0.1'), 6000])
      t.same(stack.m.bytes(stack.call('takenField', 4) >>> 0, 100), counting(100))
      t.same(stack.drops(), {})
    })

    t.test('nobody at a port of ours: the error comes back through lo too', async t => {
      const stack = Stack.up(e)
      const before = stack.call('counter', 5)
      stack.call('sendUdp', ip('127.0.0.1'), 9999, 6000, stack.put(counting(8)), 8)
      settle(stack)
      t.equal(stack.call('counter', 5) - before, 1, 'ICMP 3/3')
      t.equal(stack.sent().length, 0)
    })

    t.test('RFC 1122 §3.2.1.3 (g): 127/8 from a wire is dropped, as source and as destination', async t => {
      const stack = Stack.up(e)
      const martian = (source: string, destination: string) => ethernet(
        { destination: GUEST.mac, source: PEER.mac, type: EtherType.Ipv4 },
        ipv4({ source, destination, protocol: Protocol.Icmp }, icmp({ type: 8, id: 1, sequence: 1 }, counting(8))))
      t.equal(stack.exchange(martian(PEER.ip, '127.0.0.1')).length, 0)
      t.equal(stack.exchange(martian(PEER.ip, '127.255.0.1')).length, 0)
      t.equal(stack.exchange(martian('127.0.0.1', GUEST.ip)).length, 0)
      t.equal(stack.exchange(martian('127.0.0.1', '127.0.0.1')).length, 0)
      t.same(stack.drops(), { 'ipv4-loopback': 2, 'ipv4-source': 2 })
    })

    t.test('127/8 is for lo alone; lo may have more addresses', async t => {
      const stack = Stack.up(e)
      const lo = place(stack, 'lo')
      t.equal(stack.call('addAddress', 0, ip('127.0.0.2'), 8), -22, 'InvalidArgument')
      t.equal(stack.call('addAddress', lo, ip('127.0.0.2'), 8), 0)
      t.equal(stack.call('addAddress', lo, ip('192.0.2.1'), 32), 0)
      stack.call('pingOpen')
      stack.call('ping', ip('192.0.2.1'), 1, 8)
      settle(stack)
      t.equal(stack.call('pingReplies'), 1)
      t.equal(stack.sent().length, 0, 'nothing of it is told to any link')
    })

    t.test('lo down: nothing to ourselves; what waited is gone; up again: as before', async t => {
      const stack = Stack.up(e)
      const free = stack.free
      const lo = place(stack, 'lo')
      stack.call('pingOpen')
      stack.call('ping', ip('127.0.0.1'), 1, 8)
      stack.call('setUp', lo, 0)
      settle(stack)
      t.equal(stack.call('pingReplies'), 0)
      t.equal(stack.free, free)
      t.equal(stack.call('ping', ip('127.0.0.1'), 2, 8), -100, 'NetworkDown')
      stack.call('setUp', lo, 1)
      t.equal(stack.call('ping', ip('127.0.0.1'), 3, 8), 0)
      settle(stack)
      t.same([stack.call('pingReplies'), stack.call('pingLast')], [1, 3])
    })

    t.test('broadcasts and groups leave by a card, not by lo', async t => {
      const stack = Stack.up(e)
      t.equal(stack.call('pathField', ip('255.255.255.255'), 3), 0)
      t.equal(stack.call('pathField', ip('239.1.1.1'), 3), 0)
      stack.configure('off')
      t.equal(stack.call('pathField', ip('255.255.255.255'), 3) >>> 0, NONE)
    })

    t.test('a virtual pair: names, distinct locally administered addresses, link once both are up', async t => {
      const { stack, a, b } = pair(e)
      t.equal(stack.call('makePair', stack.m.cstring('veth2'), stack.m.cstring('veth3')), 0)
      const macs = ['veth0', 'veth1', 'veth2', 'veth3']
        .map(name => macText(stack.m.bytes(stack.call('macOf', place(stack, name)) >>> 0, 6)))
      t.equal(new Set(macs).size, 4)
      t.ok(macs.every(mac => (parseInt(mac.slice(0, 2), 16) & 3) === 2), macs.join(' '))
      t.same([stack.call('linkOf', a), stack.call('linkOf', b)], [0, 0])
      stack.configure('10.9.0.1/24', a)
      t.same([stack.call('linkOf', a), stack.call('linkOf', b)], [0, 0])
      stack.configure('10.9.0.2/24', b)
      t.same([stack.call('linkOf', a), stack.call('linkOf', b)], [1, 1])
      stack.call('netPoll', 1)
      t.same(stack.logged('net: link if=veth'), ['info  net: link if=veth0 state=up', 'info  net: link if=veth1 state=up'])
      stack.call('setUp', b, 0)
      t.same([stack.call('linkOf', a), stack.call('linkOf', b)], [0, 0])
    })

    t.test('what one end sends the other receives, in order, and nobody else', async t => {
      const { stack, a, b, deviceA, deviceB } = pair(e)
      stack.call('bringUp', a)
      stack.call('bringUp', b)
      stack.call('deviceAttach', deviceB)
      settle(stack)
      stack.call('deviceAttach', deviceB)
      for (const first of [1, 2, 3]) t.equal(stack.call('deviceSend', deviceA, first, 60), 0)
      t.notOk(stack.call('deviceReady', deviceA))
      t.ok(stack.call('deviceReady', deviceB))
      settle(stack)
      t.equal(stack.call('deviceKept', Kept.Order), 0x123)
      t.equal(stack.sent().length, 0)
    })

    t.test('frames the stack sends by one end come in by the other: ARP across the pair', async t => {
      const { stack, a, b } = pair(e)
      stack.configure('10.9.0.1/24', a)
      stack.configure('10.9.0.2/24', b)
      settle(stack)
      stack.call('askFor', a, ip('10.9.0.1'), ip('10.9.0.2'))
      settle(stack)
      t.equal(stack.call('arpStateOf', b, ip('10.9.0.1')), 1, 'the question taught the other end')
      const counts = (netif: number) =>
        [Statistic.ReceivedPackets, Statistic.TransmittedPackets].map(field => stack.call('statistic', netif, field))
      t.same(counts(a), counts(b).reverse(), 'each packet sent by one was received by the other')
      t.equal(stack.sent().length, 0, 'the card saw nothing')
    })

    t.test('an open checksum crosses the pair open', async t => {
      const { stack, a, b, deviceB } = pair(e)
      stack.call('bringUp', a)
      stack.call('bringUp', b)
      settle(stack)
      stack.call('deviceAttach', deviceB)
      const data = new Uint8Array(60)
      t.equal(stack.call('sendFrame', a, 0x88b5, stack.put(data), 60, 1), 0)
      settle(stack)
      t.same([Kept.Length, Kept.Checksum, Kept.Start].map(field => stack.call('deviceKept', field)), [74, Checksum.Partial, 14])
    })

    t.test('without a peer that is up: NetworkDown, counted; down, an end forgets what waits', async t => {
      const { stack, a, b, deviceA, deviceB } = pair(e)
      const free = stack.free
      stack.call('bringUp', a)
      t.equal(stack.call('sendFrame', a, 0x88b5, stack.put(counting(60)), 60, 0), -100)
      t.ok(stack.call('deviceCounter', deviceA, Counter.TransmitDropped) > 0)
      t.ok(stack.call('statistic', a, Statistic.TransmitErrors) > 0)
      stack.call('bringUp', b)
      const before = stack.call('deviceCounter', deviceB, Counter.ReceiveDropped)
      for (let i = 0; i < 3; i++) t.equal(stack.call('deviceSend', deviceA, i, 60), 0)
      stack.call('setUp', b, 0)
      t.ok(stack.call('deviceCounter', deviceB, Counter.ReceiveDropped) - before >= 3)
      t.equal(stack.free, free)
    })

    t.test('an end\'s queue is bounded', async t => {
      const { stack, a, b, deviceA } = pair(e)
      const free = stack.free
      stack.call('bringUp', a)
      stack.call('bringUp', b)
      settle(stack)
      let sent = 0
      while (stack.call('deviceSend', deviceA, 1, 60) === 0) sent++
      t.equal(sent, free >> 2)
    })

    t.test('names that are taken, the same, empty or too long; how many pairs there can be', async t => {
      const { stack } = pair(e)
      const make = (x: string, y: string) => stack.call('makePair', stack.m.cstring(x), stack.m.cstring(y))
      t.equal(make('veth0', 'x'), -17, 'Exists')
      t.equal(make('x', 'eth0'), -17)
      t.equal(make('lo', 'x'), -17)
      t.equal(make('x', 'x'), -22, 'InvalidArgument')
      t.equal(make('', 'x'), -22)
      t.equal(make('twelve-chars', 'x'), -22)
      for (let i = 1; i < 4; i++) t.equal(make(`a${i}`, `b${i}`), 0)
      t.equal(make('a4', 'b4'), -28, 'NoSpace')
    })

    t.test('a pair that is removed takes everything with it, and its place can be used again', async t => {
      const { stack, a, b } = pair(e)
      stack.configure('10.9.0.1/24', a)
      stack.configure('10.9.0.2/24', b)
      const free = () => { settle(stack); return stack.free }
      const before = free()
      stack.call('askFor', a, ip('10.9.0.1'), ip('10.9.0.2'))
      const vlan = stack.call('makeVlan', b, 9)
      t.equal(stack.call('removeInterface', a), -16, 'Busy: there is a VLAN')
      t.equal(stack.call('removeInterface', vlan), 0)
      t.equal(stack.call('removeInterface', a), 0)
      t.same(['veth0', 'veth1', 'veth1.9'].map(name => place(stack, name)), [NONE, NONE, NONE])
      t.ok(stack.free >= before)
      t.equal(stack.call('pathField', ip('10.9.0.2'), 0) >>> 0, 0, 'by the gateway, like anybody')
      for (let i = 0; i < 6; i++) {
        t.equal(stack.call('makePair', stack.m.cstring('p'), stack.m.cstring('q')), 0)
        t.equal(stack.call('removeInterface', place(stack, i % 2 ? 'p' : 'q')), 0)
      }
      t.equal(stack.call('removeInterface', 0), -95, 'NotSupported: a card')
      t.equal(stack.call('removeInterface', place(stack, 'lo')), -95)
      t.equal(stack.exchange(stack.echo(counting(8))).length, 1)
    })
  })
}
