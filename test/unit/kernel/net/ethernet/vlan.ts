// kernel/net/vlan, ethernet: tags in and out. IEEE 802.1Q §6.9, §9.6.

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { bytes, read16, toHex, type Bytes } from '../../../../wire/bytes.ts'
import { BROADCAST, EtherType, Protocol, arp, decode, ethernet, icmp, ipv4, vlan } from '../../../../wire/frames.ts'
import { Checksum, GATEWAY, GUEST, NicFeature, PEER, Stack, counting, ip } from '../../../../wire/stack.ts'

const VLAN = 5
const US = '10.5.0.2'
const THEM = '10.5.0.9'

/** A frame of the peer's with the tag put in. */
const tagged = (frame: Bytes, tag: number): Bytes =>
  bytes(frame.subarray(0, 12), new Uint8Array([0x81, 0, tag >> 8, tag & 255]), frame.subarray(12))
/** The tag of a frame, and the frame without it. */
function untag(frame: Bytes): { tag: number, inner: Bytes } | undefined {
  if (read16(Buffer.from(frame), 12) !== EtherType.Vlan) return undefined
  return { tag: read16(Buffer.from(frame), 14), inner: bytes(frame.subarray(0, 12), frame.subarray(16)) }
}

/** eth0 with its own address, and eth0.5 beside it. */
function withVlan(e: Parameters<typeof Stack.up>[0], { features = 0, mtu = 1500, value = `${US}/24` } = {}) {
  const stack = new Stack(e, { features, mtu })
  stack.configure(`${GUEST.ip}/24,gw=${GATEWAY.ip}`)
  stack.receive(stack.arp())
  const place = stack.call('makeVlan', 0, VLAN)
  stack.configure(value, place)
  stack.receive(tagged(question(), VLAN))
  stack.forget()
  return { stack, place }
}
const question = () => ethernet({ destination: BROADCAST, source: PEER.mac, type: EtherType.Arp },
  arp({ operation: 1, senderMac: PEER.mac, senderIp: THEM, targetIp: US }))
const echo = (payload: Bytes, { dscp = 0, destination = GUEST.mac, to = US } = {}) => {
  const packet = ipv4({ source: THEM, destination: to, protocol: Protocol.Icmp }, icmp({ type: 8, id: 1, sequence: 1 }, payload))
  if (dscp) { // written in afterwards, with the checksum: the builder has no field for it
    packet[1] = dscp << 2
    packet.set([0, 0], 10)
    let sum = 0
    for (let i = 0; i < 20; i += 2) sum += packet[i]! << 8 | packet[i + 1]!
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
    packet.set([~sum >> 8 & 255, ~sum & 255], 10)
  }
  return ethernet({ destination, source: PEER.mac, type: EtherType.Ipv4 }, packet)
}

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    t.test('IEEE 802.1Q §6.9: tag in, tag out: an echo on the VLAN comes back with its tag', async t => {
      const { stack } = withVlan(e)
      stack.receive(tagged(echo(counting(100)), VLAN))
      const [frame] = stack.sentBytes()
      const out = untag(frame!)!
      t.equal(out.tag, VLAN)
      const reply = decode(out.inner)
      t.match(reply, { destination: PEER.mac, source: GUEST.mac, icmp: { type: 0 } })
      t.same([reply.ipv4?.source, reply.ipv4?.destination], [US, THEM])
      t.equal(frame!.length, 18 + 20 + 8 + 100)
      t.same(stack.drops(), {})
    })

    t.test('ARP on the VLAN is asked and answered there', async t => {
      const { stack, place } = withVlan(e)
      stack.receive(tagged(question(), VLAN))
      const out = untag(stack.sentBytes()[0]!)!
      t.equal(out.tag, VLAN)
      t.match(decode(out.inner).arp, { operation: 2, senderIp: US, targetIp: THEM })
      stack.forget()
      stack.call('askFor', place, ip(US), ip('10.5.0.77'))
      t.equal(untag(stack.sentBytes()[0]!)!.tag, VLAN)
      t.equal(stack.call('arpStateOf', place, ip(THEM)), 1, 'known on the VLAN')
      t.equal(stack.call('arpStateOf', 0, ip(THEM)) >>> 0, 0xffffffff, 'and not on the card')
    })

    t.test('each has its own frames: untagged ones are the card\'s, tagged ones the VLAN\'s', async t => {
      const { stack, place } = withVlan(e)
      const [plain] = stack.exchange(stack.echo(counting(8)))
      t.equal(plain?.type, EtherType.Ipv4, 'answered untagged')
      const before = stack.call('statistic', place, 0)
      stack.receive(tagged(echo(counting(8)), VLAN))
      t.equal(stack.call('statistic', place, 0) - before, 1)
    })

    t.test('an unknown VLAN is counted and dropped', async t => {
      const { stack } = withVlan(e)
      const dropped = stack.call('statistic', 0, 6)
      for (const id of [1, 4, 6, 4094, 4095]) t.equal(stack.exchange(tagged(echo(counting(8)), id)).length, 0)
      t.same(stack.drops(), { 'ethernet-vlan': 5 })
      t.equal(stack.call('statistic', 0, 6) - dropped, 5, 'in the statistics of the card')
    })

    t.test('§6.9.1: VLAN 0 is no VLAN: a priority tag is taken off, the answer has none', async t => {
      const { stack } = withVlan(e)
      const [reply] = stack.exchange(tagged(stack.echo(counting(8)), 0xe000))
      t.match(reply, { type: EtherType.Ipv4, icmp: { type: 0 } })
    })

    t.test('tags in tags are dropped, in whichever order', async t => {
      const { stack } = withVlan(e)
      const outer = (type: number, inner: Bytes) => ethernet({ destination: GUEST.mac, source: PEER.mac, type }, inner)
      stack.receive(outer(EtherType.Vlan, vlan(VLAN, EtherType.Vlan, vlan(VLAN, EtherType.Ipv4, counting(60)))))
      stack.receive(outer(EtherType.Vlan, vlan(VLAN, 0x88a8, vlan(VLAN, EtherType.Ipv4, counting(60)))))
      stack.receive(outer(0x88a8, vlan(VLAN, EtherType.Vlan, vlan(VLAN, EtherType.Ipv4, counting(60)))))
      t.same(stack.drops(), { 'ethernet-nested': 2, 'ethernet-vlan': 1 })
    })

    t.test('a frame that ends in its tag, and a length behind one', async t => {
      const { stack } = withVlan(e)
      const frame = tagged(echo(counting(8)), VLAN)
      for (const length of [14, 15, 16, 17]) stack.receive(frame.subarray(0, length))
      stack.receive(ethernet({ destination: GUEST.mac, source: PEER.mac, type: EtherType.Vlan }, vlan(VLAN, 46, counting(46))))
      t.same(stack.drops(), { 'ethernet-truncated': 4, 'ethernet-length': 1 })
    })

    t.test('§6.9.4: the priority a frame came with goes back with its answer', async t => {
      const { stack } = withVlan(e)
      for (const priority of [0, 1, 5, 7]) {
        stack.forget()
        stack.receive(tagged(echo(counting(8)), priority << 13 | VLAN))
        t.equal(untag(stack.sentBytes()[0]!)!.tag, priority << 13 | VLAN)
      }
    })

    t.test('RFC 2474 §4.2.2.2: without one, the class selector of the DSCP is the priority', async t => {
      const { stack } = withVlan(e)
      for (const [dscp, priority] of [[0, 0], [8, 1], [46, 5], [48, 6], [56, 7]] as const) {
        stack.forget()
        stack.receive(tagged(echo(counting(8), { dscp }), VLAN))
        t.equal(untag(stack.sentBytes()[0]!)!.tag >> 13, priority, `DSCP ${dscp}`)
      }
    })

    t.test('the MTU is the same with a tag: 1518 bytes leave', async t => {
      const { stack, place } = withVlan(e)
      const data = stack.put(counting(1501))
      t.equal(stack.call('sendFrame', place, 0x88b5, data, 1500, 0), 0)
      t.equal(stack.sentBytes()[0]!.length, 1518)
      t.equal(stack.call('sendFrame', place, 0x88b5, data, 1501, 0), -90, 'MessageTooLong')
      stack.forget()
      stack.receive(tagged(echo(counting(1472)), VLAN))
      t.equal(stack.sentBytes()[0]!.length, 1518, 'and come in')
    })

    t.test('annex G.2.3: a short payload is padded as without tag, with zeros', async t => {
      const { stack } = withVlan(e)
      stack.receive(tagged(echo(counting(3)), VLAN))
      const [frame] = stack.sentBytes()
      t.equal(frame!.length, 64)
      t.match(toHex(frame!.subarray(18 + 31)), /^(00)+$/)
    })

    t.test('an open checksum: complete if the card can not, else told with the tag counted in; stripped with it', async t => {
      const soft = withVlan(e)
      const data = new Uint8Array(60).fill(1)
      data.set([0, 0], 16)
      t.equal(soft.stack.call('sendFrame', soft.place, 0x88b5, soft.stack.put(data), 60, 1), 0)
      t.equal(soft.stack.call('fakeSentChecksum', 0), Checksum.None)
      const hard = withVlan(e, { features: NicFeature.TransmitChecksum | NicFeature.ReceiveChecksum })
      t.equal(hard.stack.call('sendFrame', hard.place, 0x88b5, hard.stack.put(data), 60, 1), 0)
      t.same([hard.stack.call('fakeSentChecksum', 0), hard.stack.call('fakeSentChecksumStart', 0)], [Checksum.Partial, 18])
    })

    t.test('a frame in several buffers keeps its tag, and is not copied', async t => {
      const { stack } = withVlan(e)
      stack.receive(tagged(echo(counting(1000)), VLAN), { piece: 300 })
      t.equal(stack.call('fakeSentFragments', 0), 4, 'it left in the buffers it came in')
      t.equal(untag(stack.sentBytes()[0]!)!.tag, VLAN)
    })

    t.test('the card is told of VLANs that are up, and of their groups', async t => {
      const { stack, place } = withVlan(e)
      const vlans = () => Array.from({ length: stack.call('settingOf', 0, 4) }, (_, i) => stack.call('settingVlan', 0, i))
      t.same(vlans(), [VLAN])
      const other = stack.call('makeVlan', 0, 7)
      t.same(vlans(), [VLAN], 'not before it is up')
      stack.configure('10.7.0.2/24', other)
      t.same(vlans(), [VLAN, 7])
      const groups = stack.call('settingOf', 0, 3)
      stack.call('joinGroup', other, ip('239.1.1.1'))
      t.equal(stack.call('settingOf', 0, 3), groups + 1)
      stack.call('joinGroup', 0, ip('239.1.1.1'))
      t.equal(stack.call('settingOf', 0, 3), groups + 1, 'once for all of them')
      stack.call('setPromiscuous', other, 1)
      t.equal(stack.call('settingOf', 0, 1), 1)
      stack.call('setUp', other, 0)
      t.same([vlans(), stack.call('settingOf', 0, 1)], [[VLAN], 0])
      t.equal(stack.call('removeInterface', place), 0)
      t.same(vlans(), [])
    })

    t.test('the filter is that of the VLAN: its groups, its promiscuity', async t => {
      const { stack, place } = withVlan(e)
      const other = '02:00:00:00:00:77'
      t.equal(stack.exchange(tagged(echo(counting(8), { destination: other }), VLAN)).length, 0)
      t.same(stack.drops(), { 'ethernet-not-for-us': 1 })
      stack.call('setPromiscuous', 0, 1)
      stack.receive(tagged(echo(counting(8), { destination: other }), VLAN))
      t.same(stack.drops(), { 'ethernet-not-for-us': 2 }, 'the card\'s own is not the VLAN\'s')
      stack.call('setPromiscuous', place, 1)
      stack.receive(tagged(echo(counting(8), { destination: other }), VLAN))
      t.same(stack.drops(), { 'ethernet-not-for-us': 2, 'ipv4-other-host': 1 })
    })

    t.test('a VLAN that is down drops; it is up or down whatever the untagged interface is', async t => {
      const { stack, place } = withVlan(e)
      stack.call('setUp', place, 0)
      t.equal(stack.exchange(tagged(echo(counting(8)), VLAN)).length, 0)
      t.same(stack.drops(), { 'interface-down': 1 })
      stack.call('setUp', place, 1)
      stack.call('setUp', 0, 0)
      stack.receive(tagged(question(), VLAN)) // neighbours were forgotten
      stack.forget()
      stack.receive(tagged(echo(counting(8)), VLAN))
      t.equal(untag(stack.sentBytes()[0]!)?.tag, VLAN)
    })

    t.test('names, numbers and limits of VLANs', async t => {
      const stack = Stack.up(e)
      const name = (place: number) => stack.m.text(stack.call('nameOf', place) >>> 0)
      const made = [1, 10, 100, 4094].map(id => stack.call('makeVlan', 0, id))
      t.same(made.map(name), ['eth0.1', 'eth0.10', 'eth0.100', 'eth0.4094'])
      t.equal(stack.call('named', stack.m.cstring('eth0.100')), made[2])
      t.equal(stack.call('named', stack.m.cstring('eth0.1000')) >>> 0, 0xffffffff)
      const none = 0xffffffff
      for (const id of [0, 4095, 10]) t.equal(stack.call('makeVlan', 0, id) >>> 0, none, `${id}`)
      t.equal(stack.call('makeVlan', made[0]!, 2) >>> 0, none, 'on a VLAN')
      t.equal(stack.call('makeVlan', stack.call('named', stack.m.cstring('lo')), 2) >>> 0, none, 'on lo')
      let more = 0
      while (stack.call('makeVlan', 0, 200 + more) >>> 0 !== none) more++
      t.equal(stack.call('interfaces'), 32)
      t.equal(stack.call('removeInterface', made[1]!), 0)
      t.equal(stack.call('makeVlan', 0, 3000), made[1], 'its place is used again')
      for (let id = 0; id < more; id++) stack.call('bringUp', stack.call('named', stack.m.cstring(`eth0.${200 + id}`)))
      t.equal(stack.call('settingOf', 0, 4), more)
    })

    t.test('eth0.V= on the command line, with eth0 and without', async t => {
      const stack = new Stack(e)
      stack.call('startWithTwo', stack.m.cstring(`${GUEST.ip}/24`), 0, 0, stack.m.cstring(`${US}/24`), 0, VLAN)
      t.same(stack.logged('net: up').map(line => /if=\S+ .*ip=\S+/.exec(line)![0].replace(/mac=\S+ /, '')),
        [`if=eth0 ip=${GUEST.ip}/24`, `if=eth0.${VLAN} ip=${US}/24`])
      stack.receive(tagged(question(), VLAN))
      t.ok(stack.sentBytes().some(frame => untag(frame)?.tag === VLAN))
      const off = new Stack(e)
      off.call('startWithTwo', off.m.cstring('off'), 0, 0, off.m.cstring(`${US}/24`), 0, VLAN)
      off.receive(tagged(question(), VLAN))
      t.ok(off.sentBytes().some(frame => untag(frame)?.tag === VLAN))
      const wrong = new Stack(e)
      wrong.call('startWithTwo', wrong.m.cstring(`${US}/24`), 3, VLAN, wrong.m.cstring('nonsense'), 0, 7)
      t.same(wrong.logged('warn'), [
        'warn  net: ignored eth=3 why="no such card"',
        'warn  net: bad-value eth=0 vlan=7 value="nonsense" why="expected dhcp, off or A.B.C.D/N"'])
    })
  })
}
