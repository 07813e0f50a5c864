// What we put on the wire, as QEMU's filter-dump recorded it and Wireshark's dissectors read it: design of the
// checks in docs/testing.md. Over -netdev stream, so the capture is true Ethernet without a virtio header.

import { join } from 'node:path'
import t from 'tap'
import { need } from '../need.ts'
import { GUEST, HOST, wired } from '../networked.ts'
import { fields, isClean } from '../tshark.ts'
import { dhcpServer } from '../wire/dhcp.ts'

const ours = `eth.src == ${GUEST.mac}`

await t.test('filter-dump, read by tshark', async t => {
  if (!need(t, { command: 'tshark' })) return
  const capture = join(t.testdir(), 'guest.pcap')
  await wired(t, 'a lease, pings and echoes', {
    eth0: 'dhcp',
    prepare: peer => peer.react(dhcpServer({ serverIp: HOST.ip, serverMac: HOST.mac, ip: GUEST.ip, gateway: HOST.ip })),
    args: ['-object', `filter-dump,id=dump,netdev=n0,file=${capture},maxlen=131072`],
  }, async (t, { peer, station }) => {
    await peer.next(frame => frame.arp?.senderIp === GUEST.ip, { from: 0, seconds: 10, what: 'announcement' })
    for (let n = 0; n < 20; n++) await station.ping(Buffer.alloc(n * 70, n))
    for (let n = 0; n < 20; n++) {
      await peer.ask(station.udpFrame(5000 + n, 7, Buffer.alloc(n * 70, n)), frame => frame.udp?.destinationPort === 5000 + n)
    }
    await peer.ask(station.udpFrame(5000, 9999, Buffer.from('closed')), frame => frame.icmp?.type === 3)
  })
  await t.test('the capture is clean', async t => {
    await isClean(t, capture, 44, ours)
  })
  await t.test('every frame of ours has its least length, and pads with zeros', async t => {
    const lengths = (await fields(capture, ours, ['frame.len'])).map(([length]) => Number(length))
    t.ok(lengths.length > 0 && lengths.every(length => length >= 60 && length <= 1514))
    for (const [padding] of await fields(capture, `${ours} && eth.padding`, ['eth.padding'])) t.match(padding, /^(00)+$/)
  })
  await t.test('ARP requests, field by field', async t => {
    const requests = await fields(capture, `${ours} && arp.opcode == 1`, [
      'eth.dst', 'eth.type', 'arp.hw.type', 'arp.proto.type', 'arp.hw.size', 'arp.proto.size',
      'arp.src.hw_mac', 'arp.dst.hw_mac', 'arp.dst.proto_ipv4',
    ])
    t.ok(requests.length > 0, 'there are some')
    for (const request of requests) {
      t.same(request.slice(0, 8), ['ff:ff:ff:ff:ff:ff', '0x0806', '1', '0x0800', '6', '4', GUEST.mac, '00:00:00:00:00:00'])
    }
    const wanted = requests.map(request => request[8])
    t.ok(wanted.includes(GUEST.ip) && wanted.includes(HOST.ip), 'an announcement, RFC 5227 §2.3, and a question')
    const senders = (await fields(capture, `${ours} && arp`, ['arp.src.proto_ipv4'])).flat()
    t.same([...new Set(senders)].sort(), ['0.0.0.0', GUEST.ip], 'RFC 5227 §1.1: probes come from 0.0.0.0')
  })
  await t.test('IPv4 headers', async t => {
    const headers = await fields(capture, `${ours} && ip && !dhcp`,
      ['ip.version', 'ip.hdr_len', 'ip.ttl', 'ip.src', 'ip.dst', 'ip.flags.rb'])
    t.ok(headers.length >= 41)
    for (const [version, length, ttl, source, destination, reserved] of headers) {
      t.same([version, length, ttl, source, destination], ['4', '20', '64', GUEST.ip, HOST.ip])
      t.match(reserved, /^(0|False)$/)
    }
  })
})
