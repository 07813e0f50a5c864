// ARP on the wire, RFC 826 and RFC 5227: requests field by field, answers, and what must not be answered or learned.

import t from 'tap'
import { GUEST, HOST, wired } from '../networked.ts'
import { BROADCAST, EtherType, Protocol, ethernet, ipv4, udp } from '../wire/frames.ts'

const ZERO = '00:00:00:00:00:00'
const NOBODY = '10.77.0.99'

await wired(t, 'a request for our address is answered, field by field', {}, async (t, { peer, station }) => {
  const reply = await peer.ask(station.arpFrame(), frame => frame.arp?.operation === 2, { what: 'ARP reply' })
  t.match(reply, { destination: HOST.mac, source: GUEST.mac, type: EtherType.Arp })
  t.same(reply.arp, {
    hardware: 1, protocol: 0x0800, hardwareLength: 6, protocolLength: 4, operation: 2,
    senderMac: GUEST.mac, senderIp: GUEST.ip, targetMac: HOST.mac, targetIp: HOST.ip,
  })
  t.equal(reply.frame.length, 60, 'padded to the least an Ethernet frame may have')
  t.same([...new Set(reply.frame.subarray(42))], [0], 'with zeros')
})

await wired(t, 'a unicast request and an ACD probe are answered too', {}, async (t, { peer, station }) => {
  await peer.ask(station.arpFrame({}, GUEST.mac), frame => frame.arp?.operation === 2)
  const probe = station.arpFrame({ senderIp: '0.0.0.0' })
  const reply = await peer.ask(probe, frame => frame.arp?.operation === 2, { what: 'reply to a probe' })
  t.equal(reply.arp?.targetIp, '0.0.0.0')
  t.equal(reply.destination, HOST.mac)
})

await wired(t, 'what is not for us, or is not ARP, is left alone', {}, async (t, { peer, station }) => {
  await station.ping()
  const from = peer.received.length
  await peer.send(
    station.arpFrame({ targetIp: NOBODY }),
    station.arpFrame({ hardware: 6 }), station.arpFrame({ protocol: 0x86dd }),
    station.arpFrame({ hardwareLength: 8 }), station.arpFrame({ protocolLength: 16 }),
    station.arpFrame({ operation: 3 }), station.arpFrame({ operation: 0 }),
    station.arpFrame({}, '52:54:00:00:00:99'), // to another card's address
    station.arpFrame().subarray(0, 41), // cut short
    station.arpFrame().subarray(0, 14))
  await station.ping()
  t.same(peer.received.slice(from).filter(frame => frame.arp).map(frame => frame.arp), [], 'no ARP frame went out')
})

await wired(t, 'a request for an unknown neighbour: every field', {}, async (t, { peer, station }) => {
  // A datagram from an address on our net that has never said who it is: the answer has to be resolved first.
  const ends = { source: NOBODY, destination: GUEST.ip }
  const echo = udp({ ...ends, sourcePort: 4000, destinationPort: 7 }, Buffer.from('who'))
  const question = await peer.ask(
    ethernet({ destination: GUEST.mac, source: '02:00:00:77:00:99', type: EtherType.Ipv4 }, ipv4({ ...ends, protocol: Protocol.Udp }, echo)),
    frame => frame.arp?.targetIp === NOBODY, { what: 'ARP request' })
  t.match(question, { destination: BROADCAST, source: GUEST.mac })
  t.same(question.arp, {
    hardware: 1, protocol: 0x0800, hardwareLength: 6, protocolLength: 4, operation: 1,
    senderMac: GUEST.mac, senderIp: GUEST.ip, targetMac: ZERO, targetIp: NOBODY,
  })
  t.equal(question.frame.length, 60)
  const answer = station.arpFrame({ operation: 2, senderIp: NOBODY, senderMac: '02:00:00:77:00:99', targetMac: GUEST.mac }, GUEST.mac)
  const held = await peer.ask(answer, frame => frame.udp?.destinationPort === 4000, { what: 'the held datagram' })
  t.equal(held.destination, '02:00:00:77:00:99')
  t.equal(held.udp?.payload.toString(), 'who')
})

await wired(t, 'a neighbour that never answers is asked a few times, then given up', {}, async (t, { peer, station }) => {
  const ends = { source: NOBODY, destination: GUEST.ip }
  const echo = udp({ ...ends, sourcePort: 4000, destinationPort: 7 }, Buffer.from('who'))
  const from = peer.received.length
  await peer.send(ethernet({ destination: GUEST.mac, source: '02:00:00:77:00:99', type: EtherType.Ipv4 }, ipv4({ ...ends, protocol: Protocol.Udp }, echo)))
  await peer.during(5)
  const questions = peer.received.slice(from).filter(frame => frame.arp?.operation === 1 && frame.arp.targetIp === NOBODY)
  t.equal(questions.length, 3, 'three requests, a second apart')
  await station.ping()
})

await wired(t, 'a stranger\'s claim changes nothing', {}, async (t, { peer, station }) => {
  await station.ping()
  // Gratuitous ARP in our own address, from another MAC: a conflict, not a new owner. RFC 5227 §2.4.
  await peer.send(station.arpFrame({ senderIp: GUEST.ip, senderMac: '02:00:00:00:00:66', targetIp: GUEST.ip }))
  // An unasked-for reply about a third party, from a broadcast sender address.
  await peer.send(station.arpFrame({ operation: 2, senderIp: NOBODY, senderMac: BROADCAST }))
  const reply = await station.ping()
  t.equal(reply.destination, HOST.mac)
})

await wired(t, 'a new address is announced', { ready: null }, async (t, { peer, station }) => {
  const announcement = await peer.next(frame => frame.arp?.targetIp === GUEST.ip, { from: 0, seconds: 10, what: 'announcement' })
  t.match(announcement, { destination: BROADCAST, source: GUEST.mac, arp: { operation: 1, senderMac: GUEST.mac, senderIp: GUEST.ip, targetMac: ZERO } },
    'RFC 5227 §2.3')
  await station.ping()
})

await wired(t, 'somebody else with our address is reported, and defended against once', {}, async (t, { peer, station, machine }) => {
  const claim = station.arpFrame({ senderIp: GUEST.ip, senderMac: '02:00:00:00:00:66', targetIp: GUEST.ip })
  await station.ping() // the announcement of boot has come
  const from = peer.received.length
  await peer.send(claim, claim, claim)
  await machine.until(/warn {2}net: address-conflict/)
  await station.ping()
  const defences = peer.received.slice(from).filter(frame => frame.arp?.senderIp === GUEST.ip && frame.arp.targetIp === GUEST.ip)
  t.equal(defences.length, 1, 'RFC 5227 §2.4 (b): one announcement in ten seconds')
})
