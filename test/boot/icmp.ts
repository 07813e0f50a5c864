// ICMP echo and the IPv4 header's checks, from the wire. RFC 792, RFC 791 §3.1, RFC 1122 §3.2.

import t from 'tap'
import { GUEST, HOST, wired } from '../networked.ts'
import { hex } from '../wire/bytes.ts'
import { BROADCAST, Protocol, ethernet, EtherType, icmp, ipv4 } from '../wire/frames.ts'

await wired(t, 'an echo comes back as it went', {}, async (t, { station }) => {
  for (const size of [0, 1, 3, 18, 56, 1000, 1471, 1472]) {
    const payload = Buffer.alloc(size).map((_, i) => (i * 7 + size) & 0xff)
    const reply = await station.ping(payload)
    t.same(reply.icmp?.payload, Buffer.from(payload), `${size} bytes`)
    t.match(reply, { source: GUEST.mac, destination: HOST.mac, ipv4: { source: GUEST.ip, destination: HOST.ip, checksumRight: true }, icmp: { code: 0, checksumRight: true } })
    t.equal(reply.ipv4?.totalLength, 28 + size, 'padding is not echoed')
    t.ok(reply.frame.length >= 60)
    t.ok((reply.ipv4?.ttl ?? 0) >= 64)
  }
})

await wired(t, 'no answer where none is due, and serving goes on', {}, async (t, { peer, station }) => {
  await station.ping()
  const payload = Buffer.from('nobody should answer this')
  const echo = (ip: Parameters<typeof ipv4>[0] | object, icmpFields = {}) => station.echoFrame(payload, { id: 0x6666, ip: ip as object, ...icmpFields })
  const from = peer.received.length
  await peer.send(
    echo({ version: 5 }), echo({ version: 6 }), echo({ headerWords: 4 }), echo({ headerWords: 15 }), echo({ headerWords: 0 }),
    echo({ checksum: 0 }), echo({ checksum: 0xffff }), echo({ totalLength: 19 }), echo({ totalLength: 27 }), echo({ totalLength: 0 }),
    echo({ totalLength: 1500 }), echo({ totalLength: 65535 }), echo({ destination: '10.77.0.3' }), echo({ destination: '192.0.2.1' }),
    echo({ source: '127.0.0.1' }), echo({ source: '224.0.0.1' }), echo({ source: '255.255.255.255' }), echo({ source: '0.0.0.0' }),
    echo({ source: '10.77.0.255' }), echo({ destination: '127.0.0.1' }), echo({ destination: '0.0.0.0' }), echo({ ttl: 0, checksum: 1 }),
    echo({}, { checksum: 0xdead }), echo({}, { type: 0 }), echo({}, { type: 255 }), echo({}, { type: 3, code: 3 }))
  const valid = station.echoFrame(payload, { id: 0x6666 })
  for (let length = 14; length < 14 + 28; length++) await peer.send(valid.subarray(0, length))
  await station.ping()
  t.same(peer.received.slice(from).filter(frame => frame.icmp?.id === 0x6666).map(frame => frame.ipv4), [])
})

await wired(t, 'a reply is never sent to a group: no answer to a multicast or broadcast source', {}, async (t, { peer, station }) => {
  const from = peer.received.length
  await peer.send(ethernet({ destination: GUEST.mac, source: BROADCAST, type: EtherType.Ipv4 },
    ipv4({ source: HOST.ip, destination: GUEST.ip, protocol: Protocol.Icmp }, icmp({ type: 8, id: 0x6666 }, Buffer.from('x')))))
  await station.ping()
  t.same(peer.received.slice(from).filter(frame => frame.destination === BROADCAST && frame.icmp), [])
})

await wired(t, 'IPv4 options are stepped over', {}, async (t, { peer, station }) => {
  const frame = station.echoFrame(Buffer.from('options'), { id: 0x1234, ip: { options: hex('01010101 94040000') } })
  const reply = await peer.ask(frame, ({ icmp }) => icmp?.type === 0 && icmp.id === 0x1234, { what: 'echo reply' })
  t.equal(reply.icmp?.payload.toString(), 'options')
})

await wired(t, 'a burst is answered whole and in order', {}, async (t, { peer, station }) => {
  const count = 200
  await station.ping() // or the first replies would wait for ARP, and only the last of them be kept
  const from = peer.received.length
  const payload = Buffer.alloc(1000, 0x5a)
  for (let i = 0; i < count; i++) await peer.send(station.echoFrame(payload, { id: 0x2222, sequence: i }))
  await peer.next(frame => frame.icmp?.id === 0x2222 && frame.icmp.sequence === count - 1, { from, what: 'last reply' })
  const order = peer.received.slice(from).filter(frame => frame.icmp?.id === 0x2222).map(frame => frame.icmp!.sequence)
  t.same(order, Array.from({ length: count }, (_, i) => i))
})
