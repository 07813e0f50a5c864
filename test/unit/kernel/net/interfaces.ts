// Interfaces while the kernel runs: up and down, promiscuous, MTU, link address, several addresses, several cards, and
// their statistics. RFC 1122 §3.3.4.

import t from 'tap'
import { engines } from '../../../engine.ts'
import { bytes, mac, macText, type Bytes } from '../../../wire/bytes.ts'
import { BROADCAST, EtherType, Protocol, arp, ethernet, icmp, ipv4 } from '../../../wire/frames.ts'
import { GATEWAY, GUEST, PEER, Stack, counting, ip } from '../../../wire/stack.ts'

const enum Statistic { ReceivedPackets, ReceivedBytes, ReceiveErrors, TransmittedPackets, TransmittedBytes, TransmitErrors, Dropped }
const NONE = 0xffffffff

function cards(e: Parameters<typeof Stack.up>[0], count: number): Stack {
  const stack = new Stack(e, { cards: count })
  for (let i = 0; i < count; i++) stack.configure(`10.1.${i}.2/24`, i)
  return stack
}
const card = (i: number) => `02:00:00:00:00:0${i + 1}`
const ask = (i: number): Bytes => ethernet({ destination: BROADCAST, source: PEER.mac, type: EtherType.Arp },
  arp({ operation: 1, senderMac: PEER.mac, senderIp: `10.1.${i}.9`, targetIp: `10.1.${i}.2` }))
const ping = (i: number, to = `10.1.${i}.2`): Bytes => ethernet({ destination: card(i), source: PEER.mac, type: EtherType.Ipv4 },
  ipv4({ source: `10.1.${i}.9`, destination: to, protocol: Protocol.Icmp }, icmp({ type: 8, id: 1, sequence: i }, counting(8))))

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    t.test('down and up again: addresses and gateway stay, routes and neighbours come anew', async t => {
      const stack = Stack.up(e)
      const routes = stack.call('routeCount')
      t.equal(stack.call('setUp', 0, 0), 0)
      t.same([0, 3, 4, 7].map(field => stack.call('netifField', 0, field)), [ip(GUEST.ip), 1, ip(GATEWAY.ip), 0])
      t.equal(stack.call('routeCount'), routes - 2)
      t.equal(stack.call('arpStateOf', 0, ip(PEER.ip)) >>> 0, NONE)
      t.equal(stack.call('sendIpv4', ip(PEER.ip), 253, stack.put(counting(8)), 8), -101, 'NetworkUnreachable')
      t.equal(stack.exchange(stack.echo(counting(8))).length, 0)
      t.same(stack.drops()['interface-down'], 1)
      t.equal(stack.call('settingOf', 0, 0), 0, 'the card need let nothing in')

      stack.forget()
      t.equal(stack.call('setUp', 0, 1), 0)
      t.equal(stack.call('routeCount'), routes)
      t.equal(stack.call('settingOf', 0, 0), 1)
      t.ok(stack.sent().some(frame => frame.arp?.senderIp === GUEST.ip && frame.arp.targetIp === GUEST.ip), 'announced')
      stack.receive(stack.arp())
      t.equal(stack.exchange(stack.echo(counting(8))).length, 1)
      t.equal(stack.call('pathField', ip('198.51.100.1'), 1), ip(GATEWAY.ip))
    })

    t.test('up when it is up, down when it is down: nothing happens', async t => {
      const stack = Stack.up(e)
      t.equal(stack.call('setUp', 0, 1), 0)
      t.equal(stack.sent().length, 0)
      stack.call('setUp', 0, 0)
      stack.forget()
      t.equal(stack.call('setUp', 0, 0), 0)
      t.equal(stack.sent().length, 0)
    })

    t.test('what waits for an address is dropped with the interface, and lost nowhere', async t => {
      const stack = Stack.up(e)
      const free = stack.free
      t.equal(stack.call('sendIpv4', ip('10.0.0.77'), 253, stack.put(counting(8)), 8), 0)
      t.equal(stack.free, free - 1)
      stack.call('setUp', 0, 0)
      t.equal(stack.free, free)
      stack.advance(5000)
      t.notOk(stack.sent().slice(1).length, 'nobody is asked any more')
    })

    t.test('promiscuous at run time: the card is told, and told again', async t => {
      const stack = Stack.up(e)
      const other = stack.echo(counting(8), {}, {}, '02:00:00:00:00:02')
      stack.receive(other)
      stack.call('setPromiscuous', 0, 1)
      t.equal(stack.call('settingOf', 0, 1), 1)
      stack.receive(other)
      stack.call('setPromiscuous', 0, 0)
      t.equal(stack.call('settingOf', 0, 1), 0)
      stack.receive(other)
      t.same(stack.drops(), { 'ethernet-not-for-us': 2, 'ipv4-other-host': 1 })
    })

    t.test('RFC 791 §3.2: an MTU from 68 on, and not more than the card\'s', async t => {
      const stack = Stack.up(e)
      t.same([67, 1501, 0].map(mtu => stack.call('changeMtu', 0, mtu)), [-22, -22, -22])
      t.equal(stack.call('changeMtu', 0, 600), 0)
      t.equal(stack.call('sendFrame', 0, 0x88b5, stack.put(counting(601)), 601, 0), -90)
      t.equal(stack.call('sendFrame', 0, 0x88b5, stack.put(counting(600)), 600, 0), 0)
      t.equal(stack.call('changeMtu', 0, 1500), 0)
      t.equal(stack.call('sendFrame', 0, 0x88b5, stack.put(counting(1500)), 1500, 0), 0)
    })

    t.test('jumbo frames: as long as the card says, in and out', async t => {
      const stack = Stack.up(e, { mtu: 9000 })
      t.equal(stack.call('netifField', 0, 6), 9000)
      const request = stack.echo(counting(8972))
      t.equal(request.length, 9014)
      stack.receive(request, { piece: 1800 })
      t.equal(stack.call('fakeSentLength', 0), 9014)
      t.equal(stack.call('fakeSentFragments', 0), 6, 'in the buffers it came in')
      const small = Stack.up(e, { mtu: 9000, value: `${GUEST.ip}/24,mtu=4000` })
      t.equal(small.call('netifField', 0, 6), 4000)
      const limited = Stack.up(e, { mtu: 9000, value: `${GUEST.ip}/24,mtu=9001` })
      t.equal(limited.call('netifField', 0, 6), 9000)
      t.same(limited.logged('mtu-limited'), ['warn  net: mtu-limited if=eth0 asked=9001 mtu=9000'])
    })

    t.test('a virtual card takes another link address: neighbours are told, frames leave from it, its VLANs follow', async t => {
      const stack = Stack.up(e)
      stack.call('makePair', stack.m.cstring('a'), stack.m.cstring('b'))
      const [a, b] = ['a', 'b'].map(name => stack.call('named', stack.m.cstring(name)))
      stack.configure('10.9.0.1/24', a!)
      stack.configure('10.9.0.2/24', b!)
      const vlan = stack.call('makeVlan', a!, 5)
      const wanted = '02:aa:bb:cc:dd:ee'
      t.equal(stack.call('setMac', a!, stack.put(bytes(mac(wanted)))), 0)
      t.same([a!, vlan].map(place => macText(stack.m.bytes(stack.call('macOf', place) >>> 0, 6))), [wanted, wanted])
      while (stack.call('netPoll', 64) > 0) { /* let it across */ }
      stack.call('askFor', a!, ip('10.9.0.1'), ip('10.9.0.2'))
      while (stack.call('netPoll', 64) > 0) { /* let it across */ }
      t.equal(macText(stack.m.bytes(stack.call('arpMacOf', b!, ip('10.9.0.1')) >>> 0, 6)), wanted)
      t.equal(stack.call('setMac', a!, stack.put(bytes(mac('01:00:00:00:00:01')))), -22, 'a group')
      t.equal(stack.call('setMac', a!, stack.put(bytes(mac('00:00:00:00:00:00')))), -22)
      t.equal(stack.call('setMac', vlan, stack.put(bytes(mac(wanted)))), -95, 'NotSupported')
      t.equal(stack.call('setMac', 0, stack.put(bytes(mac(wanted)))), -95, 'a card that can not')
    })

    t.test('RFC 1122 §3.3.4.2: four addresses on one interface, each answered from itself', async t => {
      const stack = Stack.up(e)
      const more = ['10.0.0.3', '192.168.5.1', '192.168.6.1']
      for (const address of more) t.equal(stack.call('addAddress', 0, ip(address), 24), 0)
      t.equal(stack.call('addAddress', 0, ip('10.0.0.4'), 24), -28, 'NoSpace')
      t.equal(stack.call('addAddress', 0, ip('10.0.0.3'), 24), -17, 'Exists')
      for (const address of [GUEST.ip, ...more]) {
        const [reply] = stack.exchange(stack.echo(counting(8), {}, { destination: address }))
        t.equal(reply?.ipv4?.source, address)
        const [told] = stack.exchange(stack.arp({ targetIp: address }))
        t.equal(told?.arp?.senderIp, address)
      }
      t.equal(stack.call('pathField', ip('192.168.6.77'), 2) >>> 0, ip('192.168.6.1'), 'the source is that of the destination\'s network')
      t.equal(stack.call('removeAddress', 0, ip('10.0.0.3')), 0)
      t.equal(stack.call('pathField', ip('10.0.0.77'), 0), 0, 'the other address keeps the route')
      t.equal(stack.exchange(stack.arp({ targetIp: '10.0.0.3' })).length, 0)
      t.equal(stack.call('setUp', 0, 0), 0)
      t.equal(stack.call('setUp', 0, 1), 0)
      t.equal(stack.call('pathField', ip('192.168.5.77'), 2) >>> 0, ip('192.168.5.1'))
    })

    t.test('eight cards: each answers by itself, from its own address', async t => {
      const stack = cards(e, 8)
      const numbers = [0, 1, 2, 3, 4, 5, 6, 7]
      t.same(numbers.map(i => stack.m.text(stack.call('nameOf', i) >>> 0)), numbers.map(i => `eth${i}`))
      for (let i = 0; i < 8; i++) {
        stack.receive(ask(i), { nic: i })
        stack.forget()
        stack.receive(ping(i), { nic: i })
        const [reply] = stack.sent()
        t.match(reply, { source: card(i), destination: PEER.mac, icmp: { type: 0, sequence: i } })
        t.equal(stack.call('fakeSentNic', 0), i)
        t.equal(stack.call('statistic', i, Statistic.ReceivedPackets), 2)
      }
      t.equal(stack.call('named', stack.m.cstring('lo')), 8)
    })

    t.test('one of eight goes down: the others do not notice', async t => {
      const stack = cards(e, 8)
      for (let i = 0; i < 8; i++) stack.receive(ask(i), { nic: i })
      stack.call('setUp', 3, 0)
      stack.forget()
      for (let i = 0; i < 8; i++) stack.receive(ping(i), { nic: i })
      t.same(stack.sent().map(frame => frame.icmp?.sequence), [0, 1, 2, 4, 5, 6, 7])
    })

    t.test('statistics count on every path', async t => {
      const stack = Stack.up(e)
      stack.call('statisticsReset', 0)
      const all = () => Array.from({ length: 7 }, (_, field) => stack.call('statistic', 0, field))
      stack.receive(stack.echo(counting(8)))
      t.same(all(), [1, 60, 0, 1, 60, 0, 0], 'an echo there and back; received as it came, padding and all')
      stack.receive(stack.echo(counting(8)).subarray(0, 13))
      t.same(all(), [1, 60, 1, 1, 60, 0, 0], 'no frame')
      stack.receive(stack.echo(counting(8), {}, {}, '02:00:00:00:00:02'))
      stack.receive(ethernet({ destination: GUEST.mac, source: PEER.mac, type: EtherType.Lldp }, counting(60)))
      t.same(all().slice(2), [1, 1, 60, 0, 2], 'another host, an unknown type')
      stack.call('fakeTransmitResult', -105)
      stack.receive(stack.echo(counting(8)))
      t.same(all().slice(3), [1, 60, 1, 2], 'the ring was full')
      stack.call('fakeTransmitResult', 0)
      t.equal(stack.call('sendFrame', 0, 0x88b5, stack.put(counting(1501)), 1501, 0), -90)
      t.equal(all()[Statistic.TransmitErrors], 2, 'too long')
      stack.call('setUp', 0, 0)
      const dropped = all()[Statistic.Dropped]!
      stack.receive(stack.echo(counting(8)))
      t.equal(all()[Statistic.Dropped], dropped + 1, 'down')
      stack.call('statisticsReset', 0)
      t.same(all(), [0, 0, 0, 0, 0, 0, 0])
    })

    t.test('a link that is lost takes the neighbours with it', async t => {
      const stack = Stack.up(e)
      t.equal(stack.call('arpStateOf', 0, ip(PEER.ip)), 1)
      stack.call('fakeLink', 0, 0)
      stack.call('netPoll', 1)
      t.equal(stack.call('arpStateOf', 0, ip(PEER.ip)) >>> 0, NONE)
      t.equal(stack.call('netifField', 0, 0), ip(GUEST.ip), 'and leaves the address')
    })
  })
}
