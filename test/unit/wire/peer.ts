// The Ethernet peer and its DHCP server, with a socket in QEMU's place.

import { type Socket, connect } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { faults, fields, isClean } from '../../tshark.ts'
import { need } from '../../need.ts'
import { address, bytes, hex, mac } from '../../wire/bytes.ts'
import { MessageType, Option, dhcpOf, dhcpServer, messageType, option } from '../../wire/dhcp.ts'
import { BROADCAST, EtherType, Protocol, decode, ethernet, ipv4, udp } from '../../wire/frames.ts'
import { LONGEST_FRAME, WirePeer } from '../../wire/peer.ts'
import { Station } from '../../wire/station.ts'

const host = { ip: '10.0.0.1', mac: '02:00:00:00:00:01' }
const guest = { ip: '10.0.0.2', mac: '02:00:00:00:00:02' }

/** A frame as it goes over the socket. */
function framed(frame: Uint8Array): Uint8Array {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(frame.length)
  return bytes(length, frame)
}

async function withPeer(t: import('tap').Test): Promise<{ peer: WirePeer, qemu: Socket, got: () => Buffer }> {
  const peer = await WirePeer.listen()
  const qemu = connect(peer.path)
  let data = Buffer.alloc(0)
  qemu.on('data', chunk => { data = Buffer.concat([data, chunk as Buffer]) })
  t.teardown(() => { qemu.destroy(); peer.close() })
  await new Promise(resolve => qemu.once('connect', resolve))
  return { peer, qemu, got: () => data }
}

t.test('frames are taken whole, however the socket cuts them', async t => {
  const { peer, qemu } = await withPeer(t)
  const frame = new Station(peer, guest, host).arpFrame()
  const stream = bytes(framed(frame), framed(frame), framed(frame))
  for (let i = 0; i < stream.length; i += 50) {
    qemu.write(stream.subarray(i, i + 50))
    await new Promise(resolve => setImmediate(resolve))
  }
  await peer.next(() => peer.received.length === 3, { from: 0 })
  for (const each of peer.received) t.match(each.arp, { senderIp: guest.ip, targetIp: host.ip })
})

t.test('an answer is waited for, and missed with a list of what came', async t => {
  const { peer, qemu, got } = await withPeer(t)
  const question = new Station(peer, host, guest).arpFrame()
  const answer = new Station(peer, guest, host).arpFrame({ operation: 2, targetMac: host.mac }, host.mac)
  qemu.once('data', () => qemu.write(framed(answer)))
  const reply = await peer.ask(question, frame => frame.arp?.operation === 2)
  t.equal(reply.arp?.senderMac, guest.mac)
  t.same(got(), framed(question))
  await t.rejects(peer.next(frame => frame.arp?.operation === 9, { seconds: 0.05, from: 0, what: 'ninth operation' }),
    { message: /no ninth operation in 0.05 s; the guest sent 1 frames[^]*0200000000010200000000020806/ })
})

t.test('a frame QEMU would hang up on is refused', async t => {
  const { peer } = await withPeer(t)
  await t.rejects(peer.send(new Uint8Array(LONGEST_FRAME + 1)), { message: /no frame of 69633 bytes/ })
})

t.test('a station answers ARP for its own address only', async t => {
  const { peer, qemu, got } = await withPeer(t)
  new Station(peer, host, guest).answerArp()
  const other = new Station(peer, guest, { ip: '10.0.0.77', mac: host.mac })
  qemu.write(framed(other.arpFrame()))
  qemu.write(framed(new Station(peer, guest, host).arpFrame()))
  await peer.next(() => peer.received.length === 2, { from: 0 })
  while (got().length < 64) await new Promise(resolve => setTimeout(resolve, 1))
  t.match(decode(got().subarray(4)), { destination: guest.mac, arp: { operation: 2, senderIp: host.ip, senderMac: host.mac } })
  t.equal(got().length, 64, 'one answer')
})

/** A client's message, as a guest would send it. */
function dhcpRequest(type: number, ...options: Uint8Array[]): Uint8Array {
  const message = bytes(1, 1, 6, 0, '12345678', new Uint8Array(20), mac(guest.mac), new Uint8Array(202), hex('63825363'),
    option(Option.MessageType, type), ...options, Option.End)
  const ends = { source: '0.0.0.0', destination: '255.255.255.255' }
  return ethernet({ destination: BROADCAST, source: guest.mac, type: EtherType.Ipv4 },
    ipv4({ ...ends, protocol: Protocol.Udp }, udp({ ...ends, sourcePort: 68, destinationPort: 67 }, message)))
}

t.test('the DHCP server offers, acknowledges, refuses, and keeps out of others\' leases', async t => {
  const server = dhcpServer({ serverIp: host.ip, serverMac: host.mac, ip: guest.ip, gateway: host.ip, dns: host.ip, leaseSeconds: 120 })
  const reply = (frame: Uint8Array) => {
    const answer = server(decode(frame))
    return answer && !Array.isArray(answer) ? dhcpOf(decode(answer)) : undefined
  }
  const offer = reply(dhcpRequest(MessageType.Discover))
  t.equal(offer && messageType(offer), MessageType.Offer)
  t.match(offer, { operation: 2, transaction: 0x12345678, yourIp: guest.ip, clientMac: guest.mac })
  t.same([...offer!.options.get(Option.SubnetMask)!], [255, 255, 255, 0])
  t.same([...offer!.options.get(Option.LeaseTime)!], [0, 0, 0, 120])
  const chosen = option(Option.ServerIdentifier, ...address(host.ip))
  const ack = reply(dhcpRequest(MessageType.Request, chosen, option(Option.RequestedAddress, ...address(guest.ip))))
  t.equal(ack && messageType(ack), MessageType.Ack)
  const nak = reply(dhcpRequest(MessageType.Request, chosen, option(Option.RequestedAddress, ...address('10.0.0.99'))))
  t.equal(nak && messageType(nak), MessageType.Nak)
  t.equal(reply(dhcpRequest(MessageType.Request, option(Option.ServerIdentifier, ...address('10.0.0.7')))), undefined)
  t.equal(reply(dhcpRequest(MessageType.Release)), undefined)
})

t.test('a recorded capture is what tshark reads', async t => {
  if (!need(t, { command: 'tshark' })) return
  const { peer, qemu } = await withPeer(t)
  const capture = join(t.testdir(), 'wire.pcap')
  peer.record(capture)
  const station = new Station(peer, host, guest)
  qemu.write(framed(station.arpFrame()))
  await peer.next(() => true, { from: 0 })
  await peer.send(station.echoFrame(Buffer.from('abc')), station.udpFrame(1000, 9999, Buffer.from('hello')))
  await isClean(t, capture, 3)
  t.same(await fields(capture, 'udp', ['ip.src', 'udp.dstport', 'data']), [[host.ip, '9999', Buffer.from('hello').toString('hex')]])
  await peer.send(station.echoFrame(Buffer.from('abc'), { checksum: 0xdead }),
    station.echoFrame(Buffer.from('abc'), { ip: { checksum: 1 } }))
  await peer.send(station.udpFrame(1, 53, Buffer.of(1, 2, 3)).subarray(0, 50))
  const { decoded, wrong } = await faults(capture)
  t.equal(decoded, 5)
  t.match(wrong, [/frame 4: icmp checksum/, /frame 5: ip checksum/, /frame 6 is malformed/])
})

t.test('a payload is not taken for a protocol that the kernel does not speak', async t => {
  if (!need(t, { command: 'tshark' })) return
  const { peer } = await withPeer(t)
  const capture = join(t.testdir(), 'wire.pcap')
  peer.record(capture)
  await peer.send(new Station(peer, host, guest).udpFrame(40_000, 5355, Buffer.alloc(3))) // to Wireshark a broken message of LLMNR
  t.same(await faults(capture), { decoded: 1, wrong: [] })
})

t.test('a hostile wire: both ways through it, and what it held back comes out when it is idle', async t => {
  const { peer, qemu, got } = await withPeer(t)
  const frames = Array.from({ length: 50 }, (_, n) => new Station(peer, host, guest).udpFrame(1000 + n, 7, Buffer.alloc(4)))
  peer.harm({ seed: 1, there: { drop: 0.2, reorder: 1 }, back: { duplicate: 1 } })
  await peer.send(...frames)
  qemu.write(framed(frames[0]!))
  await new Promise(resolve => setTimeout(resolve, 100))
  const { offered, delivered, dropped } = peer.deeds('there')
  t.ok(offered === 50 && dropped > 3 && delivered === 50 - dropped)
  t.equal(got().length, delivered * framed(frames[0]!).length)
  t.equal(peer.received.length, 2, 'the copy too')
  peer.forgive()
  t.throws(() => peer.deeds('there'), /not hostile/)
  await peer.send(frames[0]!)
  await new Promise(resolve => setTimeout(resolve, 20))
  t.equal(got().length, (delivered + 1) * framed(frames[0]!).length, 'a good wire again')
})

t.test('silence of one direction', async t => {
  const { peer, qemu, got } = await withPeer(t)
  const frame = new Station(peer, host, guest).arpFrame()
  peer.harm({ seed: 1 })
  peer.silence('there')
  await peer.send(frame)
  qemu.write(framed(frame))
  await new Promise(resolve => setTimeout(resolve, 60))
  t.equal(got().length, 0)
  t.equal(peer.received.length, 1)
})
