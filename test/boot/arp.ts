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
    ethernet({ destination: GUEST.mac, source: '02:00:00:77:00:99', type: EtherType.Ipv4 },
      ipv4({ ...ends, protocol: Protocol.Udp }, echo)),
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
  await peer.send(ethernet({ destination: GUEST.mac, source: '02:00:00:77:00:99', type: EtherType.Ipv4 },
    ipv4({ ...ends, protocol: Protocol.Udp }, echo)))
  await peer.during(5)
  const questions = peer.received.slice(from).filter(frame => frame.arp?.operation === 1 && frame.arp.targetIp === NOBODY)
  t.equal(questions.length, 3, 'three requests, a second apart')
  await station.ping()
})

await wired(t, 'a stranger\'s claim changes nothing', { append: 'acd=off' }, async (t, { peer, station }) => {
  await station.ping()
  // Gratuitous ARP in our own address, from another MAC: a conflict, not a new owner. RFC 5227 §2.4.
  await peer.send(station.arpFrame({ senderIp: GUEST.ip, senderMac: '02:00:00:00:00:66', targetIp: GUEST.ip }))
  // An unasked-for reply about a third party, from a broadcast sender address.
  await peer.send(station.arpFrame({ operation: 2, senderIp: NOBODY, senderMac: BROADCAST }))
  const reply = await station.ping()
  t.equal(reply.destination, HOST.mac)
})

await wired(t, 'acd=optimistic: used at once, probed three times, then announced twice: RFC 5227 §2.1.1, §2.3', {
  ready: null, append: 'log=debug',
}, async (t, { peer, station, machine }) => {
  await machine.until(/net: up .*if=eth0/, 30)
  await station.ping()
  t.notOk(machine.lines.some(line => line.includes('address-verified')), 'served before it was proved')
  await machine.until(/net: address-verified if=eth0 ip=10\.77\.0\.2/, 15)
  const said = ({ arp }: { arp?: { operation: number, targetIp: string } }) =>
    arp?.operation === 1 && arp.targetIp === GUEST.ip
  while (peer.received.filter(frame => said(frame)).length < 5) await peer.during(0.5)
  const frames = peer.received.filter(frame => said(frame))
  t.same(frames.map(frame => frame.arp!.senderIp), ['0.0.0.0', '0.0.0.0', '0.0.0.0', GUEST.ip, GUEST.ip])
  for (const frame of frames) t.match(frame, { destination: BROADCAST, source: GUEST.mac, arp: { senderMac: GUEST.mac, targetMac: ZERO } })
  await station.ping()
})

await wired(t, 'acd=strict: nothing is said or answered in the address before it is proved', {
  ready: null, append: 'acd=strict',
}, async (t, { peer, station, machine }) => {
  const isProbe = (frame: { arp?: { senderIp: string, targetIp: string } }) =>
    frame.arp?.senderIp === '0.0.0.0' && frame.arp.targetIp === GUEST.ip
  await peer.next(isProbe, { from: 0, seconds: 20, what: 'the first probe' })
  await peer.send(station.arpFrame(), station.echoFrame(Buffer.from('too early')))
  await machine.until(/net: up .*if=eth0/, 15)
  const early = peer.received.filter(frame => frame.icmp !== undefined || frame.arp?.operation === 2)
  t.same(early, [])
  t.equal(peer.received.filter(frame => frame.arp?.senderIp === '0.0.0.0').length, 3)
  await station.ping()
})

await wired(t, 'acd=strict: somebody has the address: it is not used, and the log says so', {
  ready: null, append: 'acd=strict',
}, async (t, { peer, station, machine }) => {
  const rival = '02:00:00:00:00:66'
  peer.react(({ arp: question }) => question?.senderIp === '0.0.0.0' && question.targetIp === GUEST.ip
    ? station.arpFrame(
      { operation: 2, senderIp: GUEST.ip, senderMac: rival, targetMac: GUEST.mac, targetIp: '0.0.0.0' }, GUEST.mac)
    : undefined)
  await machine.until(new RegExp(`warn {2}net: address-conflict if=eth0 ip=${GUEST.ip} mac=${rival}`), 20)
  await machine.until(/error net: address-lost if=eth0 ip=10\.77\.0\.2 retry=60/)
  await machine.until(/net: down if=eth0 why="address in use"/)
  const from = peer.received.length
  await peer.send(station.arpFrame())
  await peer.during(3)
  t.same(peer.received.slice(from), [], 'silence')
})

await wired(t, 'somebody else with our address is reported, and defended against once', {
  append: 'acd=off',
}, async (t, { peer, station, machine }) => {
  const claim = station.arpFrame({ senderIp: GUEST.ip, senderMac: '02:00:00:00:00:66', targetIp: GUEST.ip })
  await station.ping() // the announcement of boot has come
  const from = peer.received.length
  await peer.send(claim, claim, claim)
  await machine.until(/warn {2}net: address-conflict/)
  await station.ping()
  const defences = peer.received.slice(from).filter(frame => frame.arp?.senderIp === GUEST.ip && frame.arp.targetIp === GUEST.ip)
  t.equal(defences.length, 1, 'RFC 5227 §2.4 (c): one announcement in ten seconds')
})
