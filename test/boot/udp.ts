// The UDP echo service on port 7 (RFC 862 p. 1) and UDP's own checks, from the wire.

import t from 'tap'
import { GUEST, HOST, wired } from '../networked.ts'
import { Protocol, udp } from '../wire/frames.ts'

const ends = { source: HOST.ip, destination: GUEST.ip }

await wired(t, 'port 7 sends back what it gets', {}, async (t, { peer, station }) => {
  for (const size of [0, 1, 17, 18, 19, 512, 1471, 1472]) {
    const payload = Buffer.alloc(size).map((_, i) => (i * 31 + size) & 0xff)
    const reply = await peer.ask(station.udpFrame(5000, 7, payload), frame => frame.udp?.destinationPort === 5000, { what: `echo of ${size} bytes` })
    t.same(reply.udp?.payload, Buffer.from(payload), `${size} bytes`)
    t.match(reply.udp, { sourcePort: 7, length: 8 + size, checksumRight: true })
    t.not(reply.udp?.checksum, 0, 'we always send a checksum')
    t.match(reply.ipv4, { source: GUEST.ip, destination: HOST.ip, checksumRight: true })
  }
})

await wired(t, 'a datagram without checksum is served, one with a wrong checksum or length is not', {}, async (t, { peer, station }) => {
  const datagram = (fields: object, payload = Buffer.from('checked')) =>
    station.ipFrame({ protocol: Protocol.Udp }, udp({ ...ends, sourcePort: 6000, destinationPort: 7, ...fields }, payload))
  const from = peer.received.length
  await peer.send(
    datagram({ checksum: 0xdead }), datagram({ length: 7 }), datagram({ length: 0 }), datagram({ length: 16 }), datagram({ length: 65535 }),
    station.ipFrame({ protocol: Protocol.Udp }, udp({ ...ends, sourcePort: 6000, destinationPort: 7 }, Buffer.alloc(0)).subarray(0, 7)))
  const served = await peer.ask(datagram({ checksum: 0 }, Buffer.from('unchecked')), frame => frame.udp?.destinationPort === 6000, { what: 'echo' })
  t.equal(served.udp?.payload.toString(), 'unchecked')
  t.equal(peer.received.slice(from).filter(frame => frame.udp?.destinationPort === 6000).length, 1, 'only that one')
})

await wired(t, 'services=none: port 7 is closed, and says so', { append: 'services=none' }, async (t, { peer, station }) => {
  const reply = await peer.ask(station.udpFrame(5000, 7, Buffer.from('anybody?')), frame => frame.icmp?.type === 3, { what: 'port unreachable' })
  t.match(reply.icmp, { code: 3, checksumRight: true })
  const quoted = reply.icmp!.payload
  t.equal(quoted[0], 0x45, 'quotes from the IPv4 header on, RFC 792 p. 4')
  t.ok(quoted.length >= 28, 'and at least eight bytes of the datagram')
  await station.ping()
})

await wired(t, 'services=discard,chargen: RFC 863 p. 1, RFC 864 p. 1', { append: 'services=discard,chargen' }, async (t, { machine, peer, station }) => {
  await machine.until(/services: started name=chargen transport=udp/)
  for (let i = 0; i < 20; i++) {
    const answer = await peer.ask(station.udpFrame(5000 + i, 19, Buffer.from('?')), frame => frame.udp?.destinationPort === 5000 + i, { what: 'characters' })
    t.match(answer.udp, { sourcePort: 19, checksumRight: true })
    const text = Buffer.from(answer.udp!.payload).toString('latin1')
    t.ok(text.length <= 512)
    t.match(text, /^[ -~\r\n]*$/, 'characters that print')
    if (text.length > 0) t.equal(text.charCodeAt(0), 32 + i % 95, 'each answer begins one further on')
  }
  const from = peer.received.length
  for (let i = 0; i < 300; i++) await peer.send(station.udpFrame(6000, 9, Buffer.alloc(1000)))
  await station.ping()
  t.equal(peer.received.slice(from).filter(frame => frame.udp !== undefined || frame.icmp?.type === 3).length, 0, 'port 9 says nothing')
  const closed = await peer.ask(station.udpFrame(5000, 7, Buffer.from('anybody?')), frame => frame.icmp?.type === 3, { what: 'port unreachable' })
  t.match(closed.icmp, { code: 3 }, 'echo was not asked for')
})
