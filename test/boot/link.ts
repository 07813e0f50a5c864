// The link, booted: VLANs through the wire's other end, what QEMU's card was told over its control queue, loopback,
// several cards, jumbo frames over a tap, interfaces up and down from the console, the cable pulled.

import t, { type Test } from 'tap'
import { Namespace, pingResult } from '../namespace.ts'
import { need } from '../need.ts'
import { GUEST, HOST, wired } from '../networked.ts'
import { Qmp } from '../qmp.ts'
import { type Machine, booted } from '../qemu.ts'
import { bytes, read16, type Bytes } from '../wire/bytes.ts'
import { BROADCAST, type Decoded, EtherType, Protocol, arp, decode, ethernet, icmp, ipv4 } from '../wire/frames.ts'
import { WirePeer } from '../wire/peer.ts'
import { Station } from '../wire/station.ts'

const VLAN = 5
const US = '10.5.0.2'
const THEM = '10.5.0.1'
const ETH0 = `eth0=${GUEST.ip}/24,gw=${HOST.ip} swap=none`

/** A frame with an 802.1Q tag put in, and what one from the guest says. */
const tagged = (frame: Bytes, tag: number): Bytes =>
  bytes(frame.subarray(0, 12), new Uint8Array([0x81, 0, tag >> 8, tag & 255]), frame.subarray(12))
const tagOf = (frame: Bytes): number | undefined =>
  read16(Buffer.from(frame), 12) === EtherType.Vlan ? read16(Buffer.from(frame), 14) : undefined
const untagged = (frame: Bytes) => decode(bytes(frame.subarray(0, 12), frame.subarray(16)))
const question = () => ethernet({ destination: BROADCAST, source: HOST.mac, type: EtherType.Arp },
  arp({ operation: 1, senderMac: HOST.mac, senderIp: THEM, targetIp: US }))
const echo = (payload: Bytes) => ethernet({ destination: GUEST.mac, source: HOST.mac, type: EtherType.Ipv4 },
  ipv4({ source: THEM, destination: US, protocol: Protocol.Icmp }, icmp({ type: 8, id: 5, sequence: 1 }, payload)))

/** The answer to a console command. */
async function command(machine: Machine, text: string): Promise<string> {
  const from = machine.lines.length
  machine.type(text + '\r')
  for (let waited = 0; waited < 100; waited++) {
    const line = machine.lines.slice(from).find(each => /console: (done|failed|reply)/.test(each))
    if (line !== undefined) return line
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  throw new Error(`no answer to ${text}\n${machine.log}`)
}

interface RxFilter {
  promiscuous: boolean, multicast: string, unicast: string, vlan: string
  'main-mac': string, 'vlan-table': number[], 'multicast-table': string[]
}

/** The filter of QEMU's card, once it is as expected, or as it is after a while. */
async function filterBecomes(t: Test, qmp: Qmp, expected: Partial<RxFilter>, what: string): Promise<void> {
  let filter: Partial<RxFilter> = {}
  for (let tries = 0; tries < 40; tries++) {
    filter = (await qmp.ask('query-rx-filter') as RxFilter[])[0]!
    filter['vlan-table']?.sort((a, b) => a - b)
    filter = Object.fromEntries(Object.keys(expected).map(key => [key, filter[key as keyof RxFilter]]))
    if (JSON.stringify(filter) === JSON.stringify(expected)) break
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  t.same(filter, expected, what)
}

await wired(t, 'IEEE 802.1Q: a VLAN beside the untagged network', {
  commandLine: `${ETH0} eth0.${VLAN}=${US}/24`, ready: /net: up .*if=eth0\.5/,
}, async (t, { machine, peer, station }) => {
  const isAnswer = (frame: Decoded) => tagOf(frame.frame) === VLAN && untagged(frame.frame).arp?.operation === 2
  const answer = await peer.ask(tagged(question(), VLAN), isAnswer, { what: 'tagged ARP reply' })
  t.match(untagged(answer.frame).arp, { senderIp: US, senderMac: GUEST.mac, targetIp: THEM })
  const payload = Buffer.alloc(1472, 'v')
  const isReply = (frame: Decoded) => tagOf(frame.frame) !== undefined && untagged(frame.frame).icmp?.type === 0
  const reply = await peer.ask(tagged(echo(payload), 5 << 13 | VLAN), isReply, { what: 'tagged echo reply' })
  t.equal(tagOf(reply.frame), 5 << 13 | VLAN, 'the VLAN and the priority it came with')
  t.equal(reply.frame.length, 1518, 'as long as an untagged packet may be, and the tag')
  await station.ping()
  const urgent = tagged(station.echoFrame(Buffer.from('priority')), 7 << 13)
  const plain = await peer.ask(urgent, frame => frame.icmp?.type === 0, { what: 'reply to a priority tag' })
  t.equal(tagOf(plain.frame), undefined, 'VLAN 0 is no VLAN')
  machine.type('net\r')
  const line = await machine.event(/console: interface if=eth0\.5/)
  t.match(line.fields, { ip: `${US}/24`, mtu: '1500', received: '2' })
})

await wired(t, 'an unknown VLAN and nested tags are counted and dropped', {
  commandLine: `${ETH0} eth0.${VLAN}=${US}/24`, device: 'ctrl_vlan=off', ready: /net: up .*if=eth0\.5/,
}, async (t, { machine, peer, station }) => {
  const from = peer.received.length
  for (const id of [1, 6, 4095]) await peer.send(tagged(echo(Buffer.from('who')), id))
  await peer.send(tagged(tagged(echo(Buffer.from('who')), VLAN), VLAN))
  await station.ping()
  t.same(peer.received.slice(from).filter(frame => tagOf(frame.frame) !== undefined), [])
  machine.type('drops\r')
  t.equal((await machine.event(/console: drop reason=ethernet-vlan/)).fields.packets, '3')
  t.equal((await machine.event(/console: drop reason=ethernet-nested/)).fields.packets, '1')
})

await t.test('virtio 1.2 §5.1.6.5: what the card was told', async t => {
  const qmp = new Qmp(t)
  await wired(t, 'over the control queue', {
    commandLine: `${ETH0} eth0.${VLAN}=${US}/24`, args: qmp.args, ready: /net: up .*if=eth0\.5/,
  }, async (t, { machine, station, peer }) => {
    await filterBecomes(t, qmp, {
      promiscuous: false, multicast: 'normal', unicast: 'normal',
      'main-mac': GUEST.mac, 'vlan-table': [0, VLAN], 'multicast-table': ['01:00:5e:00:00:01'],
    }, 'at boot: not promiscuous; our VLAN and the priority tags; 224.0.0.1')

    t.match(await command(machine, 'promisc eth0 on'), /done/)
    await filterBecomes(t, qmp, { promiscuous: true }, 'CTRL_RX_PROMISC')
    t.match(await command(machine, 'promisc eth0 off'), /done/)
    await filterBecomes(t, qmp, { promiscuous: false }, 'and off again')

    await command(machine, 'vlan eth0 77')
    await command(machine, 'up eth0.77')
    await filterBecomes(t, qmp, { 'vlan-table': [0, VLAN, 77] }, 'CTRL_VLAN_ADD')
    await command(machine, 'remove eth0.77')
    await filterBecomes(t, qmp, { 'vlan-table': [0, VLAN] }, 'CTRL_VLAN_DEL')

    await command(machine, 'down eth0')
    await command(machine, `down eth0.${VLAN}`)
    await filterBecomes(t, qmp, { multicast: 'none', unicast: 'none' }, 'down: nothing need come in')
    const silent = peer.received.length
    await peer.send(station.echoFrame(Buffer.from('down')), station.arpFrame())
    await peer.during(0.5)
    t.equal(peer.received.length, silent, 'no answer')
    machine.type('drops\r')
    machine.type('memory\r')
    await machine.until(/console: memory/)
    t.notMatch(machine.log, /interface-down/, 'for the card let neither in: unicast, broadcast')
    await command(machine, 'up eth0')
    await filterBecomes(t, qmp, { multicast: 'normal', unicast: 'normal' }, 'up again')
    await station.ping()

    const mac = '02:00:00:77:00:0a'
    t.match(await command(machine, `mac eth0 ${mac}`), /done/)
    await filterBecomes(t, qmp, { 'main-mac': mac }, 'CTRL_MAC_ADDR_SET')
    const request = new Station(peer, HOST, { ...GUEST, mac }).echoFrame(Buffer.from('new'))
    const reply = await peer.ask(request, frame => frame.icmp?.type === 0)
    t.equal(reply.source, mac)
    t.notOk(machine.log.includes('command-refused'))
  })
})

await wired(t, 'promisc on the command line acts on the card', {
  eth0: `${GUEST.ip}/24,promisc`,
}, async (t, { machine, peer, station }) => {
  await station.ping()
  const others = ethernet({ destination: '52:54:00:00:00:99', source: HOST.mac, type: EtherType.Ipv4 },
    ipv4({ source: HOST.ip, destination: '10.77.0.99', protocol: Protocol.Icmp }, icmp({ type: 8 }, Buffer.from('others'))))
  await peer.send(others, others, others)
  await station.ping()
  machine.type('drops\r')
  t.equal((await machine.event(/console: drop reason=ipv4-other-host/)).fields.packets, '3', 'the card handed them up')
})

for (const features of ['ctrl_vq=off', 'ctrl_rx=off,ctrl_rx_extra=off', 'mq=on', 'vectors=0', 'mrg_rxbuf=off']) {
  await wired(t, `a card with ${features}`, {
    commandLine: `${ETH0} eth0.${VLAN}=${US}/24`, device: features, ready: /net: up .*if=eth0\.5/,
  }, async (t, { machine, peer, station }) => {
    await station.ping()
    await peer.ask(tagged(question(), VLAN), frame => tagOf(frame.frame) === VLAN, { what: 'tagged ARP reply' })
    t.same(machine.events.filter(event => event.level === 'error' || event.event === 'command-refused').map(event => event.line), [])
  })
}

await wired(t, 'RFC 1122 §3.2.1.3 (g): ping to ourselves, by lo', {}, async (t, { machine, peer }) => {
  const from = peer.received.length
  for (const to of ['127.0.0.1', '127.9.9.9', GUEST.ip]) {
    const reply = await command(machine, `ping ${to}`)
    t.match(reply, `from=${to}`)
  }
  t.same(peer.received.slice(from).filter(frame => frame.ipv4), [], 'nothing on the wire')
  machine.type('net\r')
  t.match((await machine.event(/console: interface if=lo/)).fields, { ip: '127.0.0.1/8', mtu: '65535', received: '6', transmitted: '6' })
})

await booted(t, 'lo without any card, and a virtual pair', { append: 'swap=none', args: ['-nic', 'none'] }, async (t, machine) => {
  await machine.until(/boot: ready/)
  t.match(await command(machine, 'ping 127.0.0.1'), /reply from=127\.0\.0\.1/)
  t.match(await command(machine, 'veth a b'), /done/)
  t.match(await command(machine, 'address a 10.9.0.1/24'), /done/)
  t.match(await command(machine, 'address b 10.9.0.2/24'), /done/)
  await machine.until(/net: link if=a state=up/)
  t.match(await command(machine, 'ping 10.9.0.2'), /reply from=10\.9\.0\.2/)
  t.match(await command(machine, 'remove a'), /done/)
  t.match(await command(machine, 'up b'), /failed command=up errno=-19/, 'both are gone')
})

for (const cards of [2, 8]) {
  await t.test(`${cards} cards on ${cards} wires`, async t => {
    const peers = await Promise.all(Array.from({ length: cards }, () => WirePeer.listen()))
    t.teardown(() => peers.forEach(peer => peer.close()))
    const ends = peers.map((_, i) => ({
      host: { ip: `10.77.${i}.1`, mac: `02:00:00:77:0${i}:01` }, guest: { ip: `10.77.${i}.2`, mac: `52:54:00:77:0${i}:02` },
    }))
    const stations = peers.map((peer, i) => new Station(peer, ends[i]!.host, ends[i]!.guest).answerArp())
    await booted(t, 'each answers on its own', {
      append: `swap=none ${ends.map((end, i) => `eth${i}=${end.guest.ip}/24`).join(' ')}`,
      args: peers.flatMap((peer, i) =>
        ['-netdev', peer.netdev(`n${i}`), '-device', `virtio-net-pci,netdev=n${i},mac=${ends[i]!.guest.mac}`]),
    }, async (t, machine) => {
      await machine.until(new RegExp(`net: up .*if=eth${cards - 1}`), 30)
      for (const [i, station] of stations.entries()) {
        const reply = await station.ping()
        t.equal(reply.source, ends[i]!.guest.mac, `eth${i}`)
      }
      await command(machine, 'down eth1')
      await stations[0]!.ping()
      await peers[1]!.send(stations[1]!.echoFrame(Buffer.from('down')))
      t.same((await peers[1]!.during(0.3)).filter(frame => frame.icmp), [], 'eth1 alone is down')
    })
  })
}

await wired(t, 'the cable is pulled, and put back', {}, async (t, { machine, station }) => {
  await station.ping()
  await machine.monitor('set_link n0 off')
  await machine.until(/net: link if=eth0 state=down/)
  await machine.monitor('set_link n0 on')
  await machine.until(/net: link if=eth0 state=up/)
  await station.ping()
})

await t.test('virtio 1.2 §5.1.4: jumbo frames by VIRTIO_NET_F_MTU, over a tap', async t => {
  if (!need(t, 'root', 'tun', { command: 'ping' })) return
  for (const offloads of [true, false]) {
    const namespace = await Namespace.create(t, `${HOST.ip}/24`)
    await namespace.must('ip', ['link', 'set', 'tap0', 'mtu', '9000'])
    await booted(t, `vnet_hdr=${offloads ? 'on' : 'off'}`, {
      append: ETH0, namespace: namespace.name,
      args: namespace.card(GUEST.mac, { offloads, device: 'host_mtu=9000' }),
    }, async (t, machine) => {
      t.match(await machine.until(/net: up .*if=eth0/, 30), /mtu=9000/)
      for (const size of [1472, 1473, 4000, 8900, 8972]) {
        const result = pingResult(await namespace.must('ping', ['-c', '10', '-i', '0.02', '-q', '-M', 'do', '-s', String(size), GUEST.ip]))
        t.same([result.sent, result.received], [10, 10], `${size} bytes in one packet`)
      }
      t.same(machine.events.filter(event => event.level === 'error').map(event => event.line), [])
    })
  }
  const namespace = await Namespace.create(t, `${HOST.ip}/24`)
  await namespace.must('ip', ['link', 'set', 'tap0', 'mtu', '9000'])
  await booted(t, 'mtu= up to the card\'s', {
    append: `eth0=${GUEST.ip}/24,mtu=4000 swap=none`, namespace: namespace.name,
    args: namespace.card(GUEST.mac, { device: 'host_mtu=9000' }),
  }, async (t, machine) => {
    t.match(await machine.until(/net: up .*if=eth0/, 30), /mtu=4000/)
    const result = pingResult(await namespace.must('ping', ['-c', '3', '-i', '0.1', '-q', '-s', '3972', GUEST.ip]))
    t.equal(result.received, 3)
  })
})
