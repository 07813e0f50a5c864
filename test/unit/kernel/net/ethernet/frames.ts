// kernel/net/ethernet: what is let in, what goes out and how long it is. RFC 894, IEEE 802.3 §3.2.

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { bytes, toHex } from '../../../../wire/bytes.ts'
import { BROADCAST, EtherType, Protocol, ethernet, vlan } from '../../../../wire/frames.ts'
import { GUEST, PEER, Stack, counting, ip } from '../../../../wire/stack.ts'

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    t.test('a frame to our own address is taken; one to another host is not', async t => {
      const stack = Stack.up(e)
      t.equal(stack.exchange(stack.echo(counting(8))).length, 1)
      t.equal(stack.exchange(stack.echo(counting(8), {}, {}, '02:00:00:00:00:02')).length, 0)
      t.same(stack.drops(), { 'ethernet-not-for-us': 1 })
    })

    t.test('the filter is that of the interface the frame came in by, not of any other', async t => {
      const stack = new Stack(e, { two: true })
      stack.configure(`${GUEST.ip}/24`, 0)
      stack.configure('10.1.0.2/24', 1)
      stack.receive(stack.echo(counting(8), {}, {}, '02:00:00:00:00:02'), { nic: 0 })
      t.same(stack.drops(), { 'ethernet-not-for-us': 1 })
    })

    t.test('a group is heard by members only; everybody is a member of 224.0.0.1 (RFC 1112 §4)', async t => {
      const stack = Stack.up(e)
      const to = (group: string, destination: string) =>
        stack.ipv4({ protocol: Protocol.Udp, destination: group }, counting(8), destination)
      stack.receive(to('224.0.0.1', '01:00:5e:00:00:01'))
      t.notOk(stack.drops()['ethernet-not-for-us'], '224.0.0.1 passes the link')
      stack.receive(to('224.0.0.251', '01:00:5e:00:00:fb'))
      t.equal(stack.drops()['ethernet-not-for-us'], 1)
      t.equal(stack.call('joinGroup', 0, ip('224.0.0.251')), 0)
      stack.receive(to('224.0.0.251', '01:00:5e:00:00:fb'))
      t.equal(stack.drops()['ethernet-not-for-us'], 1, 'joined')
      t.equal(stack.drops()['ipv4-link-broadcast'], 1, 'but no member of the IPv4 group')
      t.equal(stack.call('leaveGroup', 0, ip('224.0.0.251')), 0)
      stack.receive(to('224.0.0.251', '01:00:5e:00:00:fb'))
      t.equal(stack.drops()['ethernet-not-for-us'], 2, 'left')
    })

    t.test('groups are counted, and their number is limited', async t => {
      const stack = Stack.up(e)
      const free = 64 - stack.call('netifField', 0, 9)
      for (let i = 0; i < free; i++) t.equal(stack.call('joinGroup', 0, ip(`239.0.1.${i + 1}`)), 0)
      t.equal(stack.call('joinGroup', 0, ip('239.0.2.1')), -28, 'NoSpace')
      t.equal(stack.call('joinGroup', 0, ip('239.0.1.1')), 0, 'a second join takes no place')
      t.equal(stack.call('leaveGroup', 0, ip('239.0.1.1')), 0)
      t.equal(stack.call('netifField', 0, 9), 64)
      t.equal(stack.call('leaveGroup', 0, ip('239.0.1.1')), 0)
      t.equal(stack.call('leaveGroup', 0, ip('239.0.1.1')), -2, 'NoSuchEntry')
    })

    t.test('a promiscuous interface looks at frames for others and answers none', async t => {
      const stack = Stack.up(e, { value: `${GUEST.ip}/24,promisc` })
      const other = '02:00:00:00:00:02'
      t.equal(stack.exchange(stack.echo(counting(8), {}, {}, other)).length, 0)
      t.equal(stack.exchange(stack.arp({}, other)).length, 0)
      t.same(stack.drops(), { 'ipv4-other-host': 1, 'arp-not-for-us': 1 })
    })

    t.test('an unknown type, a length, a tag: each dropped for its own reason', async t => {
      const stack = Stack.up(e)
      const frame = (type: number, payload = counting(60)) => ethernet({ destination: GUEST.mac, source: PEER.mac, type }, payload)
      const lldp = ethernet({ destination: BROADCAST, source: PEER.mac, type: EtherType.Lldp }, counting(60))
      t.equal(stack.exchange(lldp).length, 0, 'LLDP')
      stack.receive(frame(EtherType.Ipv6))
      stack.receive(frame(46))
      stack.receive(frame(0x05ff))
      stack.receive(frame(EtherType.Vlan, vlan(5, EtherType.Ipv4, counting(60))))
      stack.receive(frame(0x88a8, vlan(5, EtherType.Vlan, counting(60))))
      t.same(stack.drops(), { 'ethernet-type': 2, 'ethernet-length': 2, 'ethernet-vlan': 2 })
    })

    t.test('frames that are too short, or that nobody can have sent', async t => {
      const stack = Stack.up(e)
      const good = stack.echo(counting(8))
      for (const length of [0, 1, 13]) stack.receive(good.subarray(0, length))
      stack.receive(ethernet({ destination: GUEST.mac, source: BROADCAST, type: EtherType.Ipv4 }, counting(46)))
      stack.receive(ethernet({ destination: GUEST.mac, source: '00:00:00:00:00:00', type: EtherType.Ipv4 }, counting(46)))
      t.same(stack.drops(), { 'ethernet-truncated': 3, 'ethernet-source': 2 })
    })

    t.test('vector 2: an ARP request, padded to 60 bytes', async t => {
      const stack = Stack.up(e)
      stack.call('askFor', 0, ip(GUEST.ip), ip('10.0.0.77'))
      const [frame] = stack.sentBytes()
      t.equal(toHex(frame!),
        'ffffffffffff' + '020000000001' + '0806' + '0001080006040001' +
        '020000000001' + '0a000002' + '000000000000' + '0a00004d' + '00'.repeat(18))
    })

    t.test('vector 4: payloads of 45 and 46 bytes are frames of 60', async t => {
      const stack = Stack.up(e)
      for (const length of [0, 45, 46, 47]) {
        stack.forget()
        t.equal(stack.call('sendFrame', 0, 0x88b5, stack.put(counting(length || 1)), length, 0), 0)
        t.equal(stack.sentBytes()[0]!.length, Math.max(60, 14 + length))
      }
    })

    t.test('vector 15: an LLDP frame is ignored: counted, nothing sent', async t => {
      const stack = Stack.up(e)
      const lldp = ethernet({ destination: '01:80:c2:00:00:0e', source: PEER.mac, type: EtherType.Lldp }, counting(60))
      t.equal(stack.exchange(lldp).length, 0)
      t.equal(stack.exchange(ethernet({ destination: GUEST.mac, source: PEER.mac, type: EtherType.Lldp }, counting(60))).length, 0)
      t.same(stack.drops(), { 'ethernet-not-for-us': 1, 'ethernet-type': 1 })
    })

    t.test('what is sent is at least 60 bytes, the padding zeros (RFC 1122 §2.3.3)', async t => {
      const stack = Stack.up(e)
      for (const payload of [0, 1, 17, 18, 19]) {
        const [reply] = stack.exchange(stack.echo(bytes(counting(payload))))
        const used = 14 + 20 + 8 + payload
        t.equal(reply!.frame.length, Math.max(60, used))
        t.match(toHex(reply!.frame.subarray(used)), /^(00)*$/, `${payload} bytes: what follows is zero`)
      }
    })

    t.test('padding overwrites what the peer padded with', async t => {
      const stack = Stack.up(e)
      const frame = bytes(stack.echo(counting(3)))
      frame.fill(0xee, 14 + 31)
      const [reply] = stack.exchange(frame)
      t.match(toHex(reply!.frame.subarray(14 + 31)), /^(00)+$/)
    })

    t.test('vector 5: 1514 bytes go out at an MTU of 1500, 1515 are refused', async t => {
      const stack = Stack.up(e)
      const data = stack.put(counting(1501))
      t.equal(stack.call('sendFrame', 0, 0x88b5, data, 1500, 0), 0)
      t.equal(stack.sentBytes()[0]!.length, 1514)
      t.equal(stack.call('sendFrame', 0, 0x88b5, data, 1501, 0), -90, 'MessageTooLong')
      t.same(stack.drops(), { 'output-too-long': 1 })
      t.equal(stack.sent().length, 1)
    })

    t.test('a smaller MTU of the interface counts', async t => {
      const stack = Stack.up(e, { value: `${GUEST.ip}/24,mtu=576` })
      t.equal(stack.call('sendFrame', 0, 0x88b5, stack.put(counting(576)), 576, 0), 0)
      t.equal(stack.call('sendFrame', 0, 0x88b5, stack.put(counting(577)), 577, 0), -90)
    })

    t.test('an interface that is off lets nothing in and nothing out', async t => {
      const stack = Stack.up(e)
      stack.configure('off')
      t.equal(stack.exchange(stack.echo(counting(8))).length, 0)
      t.equal(stack.drops()['interface-down'], 1)
      t.equal(stack.call('sendIpv4', ip(PEER.ip), 253, stack.put(counting(8)), 8), -101, 'NetworkUnreachable: its routes are gone')
    })

    t.test('a full ring is the sender\'s error, and loses no packet', async t => {
      const stack = Stack.up(e)
      const free = stack.free
      stack.call('fakeTransmitResult', -105)
      t.equal(stack.call('sendIpv4', ip(PEER.ip), 253, stack.put(counting(8)), 8), -105, 'NoBufferSpace')
      t.equal(stack.exchange(stack.echo(counting(8))).length, 0)
      t.equal(stack.free, free)
    })

    t.test('addresses of what is sent: ours as source, the neighbour\'s, everybody\'s or the group\'s as destination', async t => {
      const stack = Stack.up(e)
      const to = (destination: string) => {
        stack.forget()
        t.equal(stack.call('sendIpv4', ip(destination), 253, stack.put(counting(8)), 8), 0)
        const [frame] = stack.sent()
        t.equal(frame!.source, GUEST.mac)
        return frame!.destination
      }
      t.equal(to(PEER.ip), PEER.mac)
      t.equal(to('255.255.255.255'), BROADCAST)
      t.equal(to('10.0.0.255'), BROADCAST, 'directed')
      t.equal(to('224.0.0.5'), '01:00:5e:00:00:05')
      t.equal(to('239.129.2.3'), '01:00:5e:01:02:03', 'RFC 1112 §6.4: the low 23 bits')
    })

    t.test('netPoll hands up at most its budget and rings the bell once', async t => {
      const stack = Stack.up(e)
      const frame = stack.echo(counting(8))
      for (let i = 0; i < 5; i++) t.equal(stack.call('fakeQueue', stack.put(frame), frame.length), 1)
      const bells = stack.call('fakeFlushes')
      t.equal(stack.call('netPoll', 3), 3)
      t.equal(stack.sent().length, 3)
      t.equal(stack.call('netPoll', 3), 2)
      t.equal(stack.call('netPoll', 3), 0)
      t.equal(stack.call('fakeFlushes') - bells, 3)
      t.same(stack.sent().map(reply => reply.icmp?.type), [0, 0, 0, 0, 0])
    })

    t.test('a link that changes is logged', async t => {
      const stack = Stack.up(e)
      stack.call('fakeLink', 0, 0)
      stack.call('netPoll', 1)
      stack.call('fakeLink', 0, 1)
      stack.call('netPoll', 1)
      t.same(stack.logged('net: link'), ['info  net: link if=eth0 state=down', 'info  net: link if=eth0 state=up'])
    })
  })
}
