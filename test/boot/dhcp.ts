// Getting an address by DHCP, keeping it, losing it; and servers that lie. RFC 2131 §3.1, §4.4.

import t from 'tap'
import { GUEST, HOST, type WiredOptions, wired } from '../networked.ts'
import { addressText, bytes } from '../wire/bytes.ts'
import { type DhcpLease, type DhcpMessage, MessageType, Option, dhcpOf, dhcpReply, dhcpServer, messageType, option } from '../wire/dhcp.ts'
import { BROADCAST, type Decoded } from '../wire/frames.ts'
import type { WirePeer } from '../wire/peer.ts'

const LEASE: DhcpLease = { serverIp: HOST.ip, serverMac: HOST.mac, ip: GUEST.ip, prefix: 24, gateway: HOST.ip, dns: '10.77.0.53' }

const isMessage = (type: number) => (frame: Decoded): boolean => {
  const message = dhcpOf(frame)
  return message?.operation === 1 && messageType(message) === type
}
const served = (lease: DhcpLease): WiredOptions => ({ eth0: 'dhcp', prepare: peer => peer.react(dhcpServer(lease)) })
const messages = (peer: WirePeer): DhcpMessage[] => peer.received.map(dhcpOf).filter(message => message !== undefined)

await wired(t, 'discover, offer, request, acknowledge: then it serves', served(LEASE), async (t, { peer, station, machine }) => {
  const { fields } = await machine.event(/net: up .*if=eth0/)
  t.match(fields, { if: 'eth0', mac: GUEST.mac, ip: `${GUEST.ip}/24`, gw: HOST.ip, mtu: '1500', source: 'dhcp' })
  const [discover, request] = messages(peer)
  t.equal(discover && messageType(discover), MessageType.Discover)
  t.match(discover, { operation: 1, clientIp: '0.0.0.0', yourIp: '0.0.0.0', clientMac: GUEST.mac })
  t.ok(discover?.options.has(Option.ParameterList))
  t.equal(request && messageType(request), MessageType.Request)
  t.equal(request?.transaction, discover?.transaction, 'one transaction, RFC 2131 §4.4.1')
  t.equal(addressText(request!.options.get(Option.RequestedAddress)!), GUEST.ip)
  t.equal(addressText(request!.options.get(Option.ServerIdentifier)!), HOST.ip)
  for (const frame of peer.received.filter(each => dhcpOf(each))) {
    t.match(frame, { destination: BROADCAST, ipv4: { source: '0.0.0.0', destination: '255.255.255.255', checksumRight: true }, udp: { sourcePort: 68, destinationPort: 67, checksumRight: true } })
    t.ok((frame.udp?.payload.length ?? 0) >= 300, 'as long as a BOOTP message, RFC 1542 §2.1')
  }
  await station.ping()
})

await wired(t, 'the lease names the MTU and the mask', served({ ...LEASE, prefix: 16, mtu: 1400 }), async (t, { machine }) => {
  const { fields } = await machine.event(/net: up .*if=eth0/)
  t.match(fields, { ip: `${GUEST.ip}/16`, mtu: '1400' })
})

await wired(t, 'a lease is renewed at T1, by unicast', served({ ...LEASE, leaseSeconds: 8, renewalSeconds: 2 }), async (t, { peer, station }) => {
  const from = peer.received.length
  const renewal = await peer.next(isMessage(MessageType.Request), { from, seconds: 6, what: 'renewal' })
  t.match(renewal, { destination: HOST.mac, ipv4: { source: GUEST.ip, destination: HOST.ip } })
  const message = dhcpOf(renewal)!
  t.equal(message.clientIp, GUEST.ip, 'ciaddr is filled in, RFC 2131 §4.3.2')
  t.notOk(message.options.has(Option.ServerIdentifier))
  t.notOk(message.options.has(Option.RequestedAddress))
  await station.ping()
})

await wired(t, 'a refused request starts over', {
  eth0: 'dhcp', ready: null,
  prepare: peer => {
    let refusals = 0
    const server = dhcpServer(LEASE)
    peer.react(frame => isMessage(MessageType.Request)(frame) && refusals++ === 0 ? dhcpReply(LEASE, dhcpOf(frame)!, MessageType.Nak) : server(frame))
  },
}, async (t, { peer, station, machine }) => {
  await machine.until(/net: up .*if=eth0/, 30)
  const types = messages(peer).map(messageType)
  t.same(types, [MessageType.Discover, MessageType.Request, MessageType.Discover, MessageType.Request])
  await station.ping()
})

await wired(t, 'a server that only refuses is not flooded with requests', {
  eth0: 'dhcp', ready: null,
  prepare: peer => {
    const server = dhcpServer(LEASE)
    peer.react(frame => isMessage(MessageType.Request)(frame) ? dhcpReply(LEASE, dhcpOf(frame)!, MessageType.Nak) : server(frame))
  },
}, async (t, { peer, machine }) => {
  await machine.until(/boot: ready/)
  await peer.during(4)
  const requests = peer.received.filter(isMessage(MessageType.Request)).length
  t.ok(requests >= 1 && requests <= 6, `${requests} requests in 4 s`)
})

await wired(t, 'nobody answers: boot is ready all the same, and it goes on asking, further and further apart', { eth0: 'dhcp', ready: /boot: ready/ }, async (t, { peer, machine }) => {
  await peer.next(() => peer.received.filter(isMessage(MessageType.Discover)).length >= 3, { from: 0, seconds: 25, what: 'third discover' })
  t.equal(machine.eventsOf('net', 'up').length, 0)
  t.ok(machine.running)
})

/** Replies a server must not send: each in answer to the first DISCOVER, and a good offer after all of them. */
function lies(to: DhcpMessage): Uint8Array[] {
  const offer = (lease: Partial<DhcpLease>, options = {}) => dhcpReply({ ...LEASE, ...lease }, to, MessageType.Offer, options)
  const good = offer({})
  return [
    dhcpReply(LEASE, { ...to, transaction: to.transaction ^ 1 }, MessageType.Offer), // another transaction
    dhcpReply({ ...LEASE, ip: '10.77.0.66' }, { ...to, clientMac: '02:00:00:00:00:66' }, MessageType.Offer), // another client
    offer({ ip: '0.0.0.0' }), offer({ ip: '255.255.255.255' }), offer({ ip: '224.0.0.1' }), offer({ ip: '127.0.0.1' }),
    dhcpReply({ ...LEASE, ip: '10.77.0.66' }, to, MessageType.Ack), // nothing was requested
    offer({ ip: '10.77.0.66' }, { usual: false, extra: [bytes(Option.LeaseTime, 200, 1)] }), // an option past the end
    offer({ ip: '10.77.0.66' }, { usual: false, extra: [option(Option.LeaseTime, 1)] }), // too short a lease time
    ...[20, 34, 42, 60, 100, 240, 281, 282].map(length => good.subarray(0, length)), // cut short
  ]
}

await wired(t, 'lies and garbage from a server are ignored', {
  eth0: 'dhcp', ready: null,
  prepare: peer => {
    const server = dhcpServer(LEASE)
    peer.react(frame => {
      const answer = server(frame)
      return isMessage(MessageType.Discover)(frame) && answer && !Array.isArray(answer) ? [...lies(dhcpOf(frame)!), answer] : answer
    })
  },
}, async (t, { station, machine }) => {
  const { fields } = await machine.event(/net: up .*if=eth0/, 30)
  t.equal(fields.ip, `${GUEST.ip}/24`, 'the good offer was taken')
  await station.ping()
})
