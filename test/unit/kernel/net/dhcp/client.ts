// kernel/net/dhcp: an address got, kept, refused and lost, in virtual time. RFC 2131, RFC 2132.

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { address, addressText, be32, bytes, mac, toHex } from '../../../../wire/bytes.ts'
import {
  type DhcpLease, type DhcpMessage, MessageType, Option, dhcpOf, dhcpReply, dhcpServer, messageType, option,
} from '../../../../wire/dhcp.ts'
import { BROADCAST, type Decoded } from '../../../../wire/frames.ts'
import { randomFrom } from '../../../../wire/garbage.ts'
import { GUEST, Stack, ip, ipText } from '../../../../wire/stack.ts'

const [SELECTING, REQUESTING, BOUND, RENEWING, REBINDING, , REBOOTING] = [1, 2, 3, 4, 5, 6, 7]
const [OPTIMISTIC, STRICT] = [0, 1]

const LEASE: DhcpLease = {
  serverIp: '10.0.2.2', serverMac: '02:00:00:00:00:22', ip: '10.0.2.15', prefix: 24, gateway: '10.0.2.2', dns: '10.0.2.3',
  leaseSeconds: 3600,
}
const UP = 'info  net: up if=eth0 mac=02:00:00:00:00:01 ip=10.0.2.15/24 gw=10.0.2.2 mtu=1500 source=dhcp'

/** eth0 under DHCP: its DISCOVER is out. */
function asking(e: Parameters<typeof Stack.up>[0]): Stack {
  const stack = new Stack(e)
  stack.configure('dhcp')
  return stack
}
const state = (stack: Stack) => stack.call('dhcpState', 0)
const field = (stack: Stack, index: number) => stack.call('netifField', 0, index) >>> 0
const ours = (stack: Stack) => ipText(field(stack, 0))
const messages = (stack: Stack): { frame: Decoded, message: DhcpMessage }[] =>
  stack.sent().flatMap(frame => { const message = dhcpOf(frame); return message ? [{ frame, message }] : [] })
const last = (stack: Stack) => messages(stack).at(-1)!
const types = (stack: Stack) => messages(stack).map(({ message }) => messageType(message))

/** Let a server answer what was sent, and what that brings about, until nothing more is said. */
function serve(stack: Stack, lease = LEASE): void {
  const react = dhcpServer(lease)
  for (let frames = stack.sent(); frames.length > 0; frames = stack.sent()) {
    stack.forget()
    for (const frame of frames) {
      if (frame.arp?.operation === 1 && frame.arp.targetIp === lease.serverIp) {
        const server = { senderIp: lease.serverIp, senderMac: lease.serverMac }
        stack.receive(stack.arp({ operation: 2, ...server, targetMac: GUEST.mac, targetIp: frame.arp.senderIp }, GUEST.mac))
      }
      const answer = react(frame)
      if (answer) for (const each of [answer].flat()) stack.receive(each)
    }
  }
}
function bound(e: Parameters<typeof Stack.up>[0], lease = LEASE): Stack {
  const stack = asking(e)
  serve(stack, lease)
  if (state(stack) !== BOUND) throw new Error('no lease')
  return stack
}
/** The server's link address, for good: no ARP in between. */
function know(stack: Stack): void {
  stack.call('arpPermanent', 0, ip(LEASE.serverIp), stack.put(Uint8Array.from(mac(LEASE.serverMac))))
}
/** The link goes and comes. */
function flicker(stack: Stack): void {
  for (const up of [0, 1]) {
    stack.call('fakeLink', 0, up)
    stack.call('netPoll', 8)
  }
}
/** Somebody else says that the lease's address is his. */
function conflict(stack: Stack): void {
  stack.receive(stack.arp({ operation: 2, senderIp: LEASE.ip, senderMac: '02:00:00:00:00:66', targetIp: LEASE.ip }, BROADCAST, '02:00:00:00:00:66'))
}
/** Reply to the last message with something of one's own. */
function reply(
  stack: Stack, type: number, lease = LEASE, how: Parameters<typeof dhcpReply>[3] = {}, change: Partial<DhcpMessage> = {},
): void {
  stack.receive(dhcpReply(lease, { ...last(stack).message, ...change }, type, how))
}

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    t.test('RFC 2131 §4.4.1: DISCOVER, from 0.0.0.0 to everybody, says who asks and for what', async t => {
      const stack = asking(e)
      const [{ frame, message }] = messages(stack) as [ReturnType<typeof last>]
      t.match(frame, { destination: BROADCAST, ipv4: { source: '0.0.0.0', destination: '255.255.255.255' } })
      t.match(frame, { udp: { sourcePort: 68, destinationPort: 67, checksumRight: true } })
      t.match(message, { operation: 1, clientIp: '0.0.0.0', yourIp: '0.0.0.0', clientMac: GUEST.mac, broadcast: true, seconds: 0 })
      t.same([...message.options].map(([code, value]) => [code, toHex(value)]), [
        [Option.MessageType, '01'], [Option.ClientIdentifier, '01020000000001'], [57, '05dc'],
        [Option.HostName, Buffer.from('porphyry').toString('hex')], [Option.ParameterList, '017903060f1a333a3b'],
      ])
      t.ok(frame.udp!.payload.length >= 300, 'RFC 1542 §2.1')
    })

    t.test('DISCOVER, OFFER, REQUEST, ACK: the interface is up, and the log says so', async t => {
      const stack = asking(e)
      const free = stack.free
      reply(stack, MessageType.Offer)
      t.equal(state(stack), REQUESTING)
      const { frame, message } = last(stack)
      t.equal(messageType(message), MessageType.Request)
      t.equal(frame.ipv4!.source, '0.0.0.0')
      t.equal(addressText(message.options.get(Option.RequestedAddress)!), LEASE.ip)
      t.equal(addressText(message.options.get(Option.ServerIdentifier)!), LEASE.serverIp)
      t.equal(message.transaction, messages(stack)[0]!.message.transaction, 'the same transaction')
      reply(stack, MessageType.Ack)
      t.equal(state(stack), BOUND)
      const got = [ours(stack), field(stack, 1), ipText(field(stack, 4)), ipText(field(stack, 5)), field(stack, 6)]
      t.same(got, [LEASE.ip, 24, '10.0.2.2', '10.0.2.3', 1500])
      t.same(stack.logged('net: up'), [UP])
      const announced = stack.sent().filter(each => each.arp)
      t.same(announced.map(each => [each.arp!.senderIp, each.arp!.targetIp]), [[LEASE.ip, LEASE.ip]])
      t.equal(stack.free, free)
    })

    t.test('option 26 sets the MTU, between what every host must take and what the card can', async t => {
      for (const [offered, mtu] of [[1400, 1400], [576, 576], [575, 1500], [68, 1500], [9000, 1500]] as const) {
        t.equal(field(bound(e, { ...LEASE, mtu: offered }), 6), mtu, `${offered}`)
      }
    })

    t.test('without a gateway the log leaves it out; without a mask the class decides', async t => {
      const { gateway: _, ...lease } = LEASE
      t.same(bound(e, lease).logged('net: up'), ['info  net: up if=eth0 mac=02:00:00:00:00:01 ip=10.0.2.15/24 mtu=1500 source=dhcp'])
      for (const [address_, length] of [['10.0.2.15', 8], ['172.20.0.5', 16], ['192.168.3.4', 24]] as const) {
        const stack = asking(e)
        const own = { ...LEASE, ip: address_ }
        reply(stack, MessageType.Offer, own, { usual: false })
        reply(stack, MessageType.Ack, own, { usual: false, extra: [option(Option.LeaseTime, ...be32(60))] })
        t.equal(field(stack, 1), length, address_)
      }
    })

    t.test('RFC 2131 §4.1: DISCOVER again after 4, 8, 16, 32, 64, 64 seconds, give or take one', async t => {
      const stack = asking(e)
      const at: number[] = [0]
      for (let ms = 0; ms < 260_000; ms += 100) {
        stack.advance(100)
        if (messages(stack).length > at.length) at.push(ms + 100)
      }
      const gaps = at.slice(1).map((when, i) => when - at[i]!)
      const wanted = [4000, 8000, 16_000, 32_000, 64_000, 64_000, 64_000]
      t.equal(gaps.length, wanted.length)
      gaps.forEach((gap, i) => t.ok(Math.abs(gap - wanted[i]!) <= 1100, `${gap} for ${wanted[i]}`))
      t.equal(new Set(messages(stack).map(({ message }) => message.transaction)).size, 1)
      t.ok(messages(stack).at(-1)!.message.seconds > 200, 'secs counts')
      t.equal(state(stack), SELECTING)
    })

    t.test('RFC 2131 §3.1 (5): four REQUESTs without answer, then over again with another transaction', async t => {
      const stack = asking(e)
      reply(stack, MessageType.Offer)
      stack.advance(70_000)
      t.same(types(stack).slice(0, 6), [1, 3, 3, 3, 3, 1])
      const all = messages(stack)
      t.not(all[5]!.message.transaction, all[0]!.message.transaction)
    })

    t.test('RFC 2131 §3.1 (5): NAK to a REQUEST starts over', async t => {
      const stack = asking(e)
      reply(stack, MessageType.Offer)
      reply(stack, MessageType.Nak)
      t.equal(state(stack), SELECTING)
      t.same(types(stack), [1, 3, 1])
      t.equal(stack.logged('lease-refused').length, 1)
      t.equal(stack.logged('net: down').length, 0, 'nothing was up')
    })

    t.test('a server that refuses every REQUEST is asked ever more rarely; a lease makes good', async t => {
      const stack = asking(e)
      const refuseAll = (milliseconds: number): number => {
        let requests = 0
        for (let ms = 0; ms < milliseconds; ms += 100) {
          stack.advance(100)
          for (let each = messages(stack).at(-1); each; each = messages(stack).at(-1)) {
            stack.forget()
            const type = messageType(each.message)
            if (type === MessageType.Request) requests++
            stack.receive(dhcpReply(LEASE, each.message, type === MessageType.Request ? MessageType.Nak : MessageType.Offer))
          }
        }
        return requests
      }
      const first = refuseAll(2500)
      t.equal(first, 2, 'at once, and once more')
      t.ok(refuseAll(600_000) <= 16)
      stack.advance(70_000)
      serve(stack)
      t.equal(state(stack), BOUND)
      know(stack)
      stack.call('advanceSeconds', 1800)
      reply(stack, MessageType.Nak)
      t.same(types(stack).slice(-1), [MessageType.Discover], 'at once again')
    })

    t.test('RFC 2131 §4.4.5: at T1 the server is asked, by unicast, with our address; ACK: bound again', async t => {
      const stack = bound(e)
      stack.forget()
      stack.advance(1_799_000)
      t.same(types(stack), [])
      stack.advance(2000)
      t.equal(state(stack), RENEWING)
      t.equal(stack.sent()[0]!.arp?.targetIp, LEASE.serverIp, 'ARP first: the entry has aged away, or never was')
      serve(stack)
      t.equal(state(stack), BOUND)
      t.equal(stack.logged('lease-renewed').length, 1)
      t.equal(stack.logged('net: up').length, 1, 'it never was down')
    })

    t.test('the REQUEST of RENEWING: ciaddr filled in, no options 50 and 54, no broadcast', async t => {
      const stack = bound(e)
      know(stack)
      stack.forget()
      stack.advance(1_800_000)
      const { frame, message } = last(stack)
      t.match(frame, { destination: LEASE.serverMac, ipv4: { source: LEASE.ip, destination: LEASE.serverIp } })
      t.match(message, { clientIp: LEASE.ip, broadcast: false })
      t.notOk(message.options.get(Option.RequestedAddress))
      t.notOk(message.options.get(Option.ServerIdentifier))
    })

    t.test('24 hours of renewals: the address never goes', async t => {
      const stack = bound(e)
      know(stack)
      for (let quarter = 0; quarter < 24 * 4; quarter++) {
        stack.call('advanceSeconds', 900)
        serve(stack)
        if (ours(stack) !== LEASE.ip) t.fail(`lost after ${quarter} quarters of an hour`)
      }
      t.equal(stack.logged('net: down').length, 0)
      const renewed = stack.logged('lease-renewed').length
      t.ok(renewed >= 40 && renewed <= 48, `${renewed} renewals`)
    })

    t.test('RFC 2131 §4.4.5: silence: renewing, at T2 rebinding by broadcast, at the end all is lost', async t => {
      const stack = bound(e)
      know(stack)
      stack.forget()
      const seen: [number, number][] = []
      for (let second = 0; second < 3600; second += 5) {
        stack.call('advanceSeconds', 5)
        for (const { frame, message } of messages(stack)) {
          if (messageType(message) === MessageType.Request) seen.push([second + 5, frame.destination === BROADCAST ? REBINDING : RENEWING])
        }
        stack.forget()
      }
      const renewing = seen.filter(([, kind]) => kind === RENEWING).map(([when]) => when)
      const rebinding = seen.filter(([, kind]) => kind === REBINDING).map(([when]) => when)
      t.same(renewing.slice(0, 3), [1800, 2475, 2815], 'T1, then half of what is left until T2, in steps of 5')
      t.equal(rebinding[0], 3150, 'T2')
      t.equal(rebinding[1], 3375)
      t.ok(rebinding.every((when, i) => i === 0 || when - rebinding[i - 1]! >= 55), 'a minute at least')
      t.same(stack.logged('net: down'), ['warn  net: down if=eth0 why="lease expired"'])
      t.equal(field(stack, 3), 0, 'no address')
      t.equal(field(stack, 4), 0, 'no gateway')
      t.equal(state(stack), SELECTING)
      stack.advance(70_000)
      serve(stack)
      t.equal(ours(stack), LEASE.ip, 'and back')
    })

    t.test('another server may answer a rebinding', async t => {
      const stack = bound(e)
      stack.call('advanceSeconds', 3155)
      t.equal(state(stack), REBINDING)
      const second = { ...LEASE, serverIp: '10.0.2.200' }
      reply(stack, MessageType.Ack, second)
      t.equal(state(stack), BOUND)
      stack.forget()
      stack.call('advanceSeconds', 1800)
      t.equal(stack.sent()[0]!.arp?.targetIp, '10.0.2.200', 'whom the next renewal asks')
    })

    t.test('NAK while renewing takes the address away at once', async t => {
      const stack = bound(e)
      know(stack)
      stack.advance(1_800_000)
      t.equal(state(stack), RENEWING)
      reply(stack, MessageType.Nak)
      t.equal(field(stack, 3), 0)
      t.equal(state(stack), SELECTING)
      t.equal(stack.logged('net: down').length, 1)
    })

    t.test('a renewal that moves us to another address does so', async t => {
      const stack = bound(e)
      know(stack)
      stack.advance(1_800_000)
      reply(stack, MessageType.Ack, { ...LEASE, ip: '10.0.2.99' })
      // It is sent to the old address, which is still ours.
      t.equal(ours(stack), '10.0.2.99')
      t.equal(field(stack, 3), 1)
      t.equal(stack.logged('net: up').length, 2)
    })

    t.test('a lease that finds no room for its route is given back, and asked for again', async t => {
      const stack = asking(e)
      for (let i = stack.call('routeCount'); i < 64; i++) t.equal(stack.call('addRoute', ip(`172.16.${i}.0`), 24, ip('10.0.2.1'), 0, 0), 0)
      reply(stack, MessageType.Offer)
      reply(stack, MessageType.Ack)
      t.equal(field(stack, 3), 0)
      t.same(stack.logged('net: down'), ['warn  net: down if=eth0 why="lease could not be used"'])
      t.same(types(stack), [1, 3, 1])
      t.equal(stack.call('removeRoute', ip('172.16.63.0'), 24, ip('10.0.2.1'), 0), 0)
      reply(stack, MessageType.Offer)
      reply(stack, MessageType.Ack)
      t.equal(ours(stack), LEASE.ip)
      t.equal(field(stack, 4), 0, 'but none for the gateway\'s')
      t.notMatch(stack.logged('net: up')[0]!, /gw=/)
    })

    t.test('T1 and T2 of the server are obeyed when they are in order', async t => {
      const stack = asking(e)
      const times = (t1: number, t2: number) =>
        ({ extra: [option(Option.RenewalTime, ...be32(t1)), option(Option.RebindingTime, ...be32(t2))] })
      reply(stack, MessageType.Offer)
      reply(stack, MessageType.Ack, LEASE, times(100, 200))
      stack.advance(99_000)
      t.equal(state(stack), BOUND)
      stack.advance(1000)
      t.equal(state(stack), RENEWING)
      stack.advance(100_000)
      t.equal(state(stack), REBINDING)
      const odd = asking(e)
      reply(odd, MessageType.Offer)
      reply(odd, MessageType.Ack, LEASE, times(3000, 100_000))
      odd.call('advanceSeconds', 2999)
      t.equal(state(odd), BOUND, 'T2 past the end is not believed: seven eighths')
      odd.call('advanceSeconds', 151)
      t.equal(state(odd), REBINDING)
      const end = asking(e)
      reply(end, MessageType.Offer)
      reply(end, MessageType.Ack, LEASE, times(1000, 3600))
      end.call('advanceSeconds', 3155)
      t.equal(state(end), REBINDING, 'nor one at the end')
    })

    t.test('a lease without end is never renewed; one of 100 days lasts', async t => {
      const ever = bound(e, { ...LEASE, leaseSeconds: 0xffffffff })
      ever.forget()
      ever.call('advanceSeconds', 200 * 86_400)
      t.equal(state(ever), BOUND)
      t.same(types(ever), [])
      const long = bound(e, { ...LEASE, leaseSeconds: 100 * 86_400 })
      long.call('advanceSeconds', 50 * 86_400 - 5)
      t.equal(state(long), BOUND)
      long.call('advanceSeconds', 10)
      t.equal(state(long), RENEWING)
      long.call('advanceSeconds', 50 * 86_400)
      t.equal(long.logged('lease expired').length, 1)
    })

    t.test('RFC 2131 §4.1: options in file and sname count where option 52 says so', async t => {
      const stack = asking(e)
      reply(stack, MessageType.Offer)
      const frame = bytes(dhcpReply(LEASE, last(stack).message, MessageType.Ack, { usual: false, extra: [option(52, 3)] }))
      const fixed = 14 + 20 + 8
      frame.set(bytes(option(Option.LeaseTime, ...be32(1200)), 255), fixed + 108)
      frame.set(bytes(option(Option.SubnetMask, ...be32(0xffff0000)), option(Option.Router, ...address('10.0.9.9')), 255), fixed + 44)
      frame.set([0, 0], 14 + 20 + 6) // no UDP checksum: it was changed
      stack.receive(frame)
      t.equal(state(stack), BOUND)
      t.equal(field(stack, 1), 16)
      t.equal(ipText(field(stack, 4)), '10.0.9.9')
    })

    t.test('answers that are not for us, or make no sense, change nothing', async t => {
      const stack = asking(e)
      const refuse = (what: string, act: () => void, reason = 'dhcp-message') => {
        const before = stack.drops()[reason] ?? 0
        act()
        t.equal(stack.drops()[reason], before + 1, what)
      }
      refuse('another transaction', () => reply(stack, MessageType.Offer, LEASE, {}, { transaction: 1 }))
      refuse('another client', () => reply(stack, MessageType.Offer, LEASE, {}, { clientMac: '02:00:00:00:00:33' }))
      refuse('an ACK nobody asked for', () => reply(stack, MessageType.Ack))
      refuse('a NAK nobody asked for', () => reply(stack, MessageType.Nak))
      for (const bad of ['0.0.0.0', '255.255.255.255', '127.0.0.1', '224.0.0.1', '10.0.2.255', '10.0.2.0']) {
        refuse(`an offer of ${bad}`, () => reply(stack, MessageType.Offer, { ...LEASE, ip: bad }))
      }
      refuse('a type that servers do not send', () => reply(stack, MessageType.Discover))
      refuse('an option that reaches past the end', () => {
        const frame = bytes(dhcpReply(LEASE, last(stack).message, MessageType.Offer, { extra: [Uint8Array.of(6, 255, 1, 2)] }))
        frame[frame.length - 1] = 0
        frame.set([0, 0], 40)
        stack.receive(frame)
      })
      for (const [code, length] of [[1, 3], [3, 5], [3, 0], [6, 3], [26, 1], [51, 8], [53, 2], [54, 0], [58, 3], [52, 2]] as const) {
        const extra = [option(code, ...new Array<number>(length).fill(1))]
        refuse(`option ${code} of ${length} bytes`, () => reply(stack, MessageType.Offer, LEASE, { extra }))
      }
      t.equal(state(stack), SELECTING)
      reply(stack, MessageType.Offer)
      refuse('an ACK of another server', () => reply(stack, MessageType.Ack, { ...LEASE, serverIp: '10.0.2.77' }))
      refuse('an ACK without a lease time', () => reply(stack, MessageType.Ack, LEASE, { usual: false }))
      refuse('a second offer', () => reply(stack, MessageType.Offer))
      t.equal(state(stack), REQUESTING)
      t.equal(field(stack, 3), 0)
      reply(stack, MessageType.Ack)
      t.equal(state(stack), BOUND)
    })

    t.test('messages that are too short, of another kind, or from another port', async t => {
      const stack = asking(e)
      const offer = dhcpReply(LEASE, last(stack).message, MessageType.Offer)
      const payload = bytes(offer.subarray(42))
      const send = (data: Uint8Array, port = 67) =>
        stack.receive(stack.udp(port, 68, data, { source: LEASE.serverIp, destination: '255.255.255.255' }, {}, BROADCAST))
      for (const length of [0, 1, 239]) send(payload.subarray(0, length))
      for (const [offset, value] of [[0, 1], [1, 6], [2, 16], [236, 0]] as const) {
        const wrong = bytes(payload)
        wrong[offset] = value
        send(wrong)
      }
      send(payload, 1067)
      t.equal(stack.drops()['dhcp-message'], 8)
      t.equal(state(stack), SELECTING)
      send(payload)
      t.equal(state(stack), REQUESTING)
    })

    t.test('an answer by unicast to the address we are to get is heard, and nothing else is', async t => {
      const stack = asking(e)
      const offer = dhcpReply(LEASE, last(stack).message, MessageType.Offer)
      const to = { source: LEASE.serverIp, destination: LEASE.ip }
      stack.receive(stack.udp(67, 68, bytes(offer.subarray(42)), to))
      t.equal(state(stack), REQUESTING)
      stack.receive(stack.echo(bytes(), {}, { destination: LEASE.ip }))
      t.equal(stack.drops()['ipv4-not-for-us'], 1)
      reply(stack, MessageType.Ack)
      stack.receive(stack.udp(67, 68, bytes(offer.subarray(42)), { source: LEASE.serverIp, destination: '10.0.2.16' }))
      t.equal(stack.drops()['ipv4-not-for-us'], 2, 'bound: only our own address')
    })

    t.test('the link comes back: who still waits asks at once', async t => {
      const stack = asking(e)
      stack.advance(20_000)
      stack.forget()
      flicker(stack)
      t.same(types(stack), [MessageType.Discover])
    })

    t.test('RFC 2131 §4.3.2, INIT-REBOOT: the link comes back: is the address still ours? Option 50, no 54, ciaddr 0', async t => {
      const stack = bound(e)
      stack.forget()
      flicker(stack)
      t.equal(state(stack), REBOOTING)
      const { frame, message } = last(stack)
      t.equal(messageType(message), MessageType.Request)
      t.match(frame, { destination: BROADCAST, ipv4: { source: '0.0.0.0', destination: '255.255.255.255' } })
      t.match(message, { clientIp: '0.0.0.0', broadcast: true })
      t.equal(addressText(message.options.get(Option.RequestedAddress)!), LEASE.ip)
      t.notOk(message.options.get(Option.ServerIdentifier))
      t.equal(ours(stack), LEASE.ip, 'kept meanwhile')
      reply(stack, MessageType.Ack)
      t.equal(state(stack), BOUND)
      t.equal(stack.logged('net: up').length, 1, 'it never was down')
    })

    t.test('RFC 2131 §3.2 (4): nobody answers the question: the lease is believed until its end; NAK: it is gone at once', async t => {
      const stack = bound(e)
      stack.forget()
      flicker(stack)
      stack.advance(40_000)
      t.same(types(stack), [3, 3, 3])
      t.equal(state(stack), BOUND)
      t.equal(ours(stack), LEASE.ip)
      know(stack)
      stack.call('advanceSeconds', 1765)
      t.equal(state(stack), RENEWING, 'T1 is where it was')
      flicker(stack)
      reply(stack, MessageType.Nak)
      t.equal(field(stack, 3), 0)
      t.equal(state(stack), SELECTING)
      t.same(stack.logged('net: down'), ['warn  net: down if=eth0 why="lease refused"'])
    })

    t.test('RFC 2131 §4.4.6: an interface that is given other settings sends RELEASE', async t => {
      const stack = bound(e)
      know(stack)
      stack.forget()
      stack.configure('10.0.0.2/24')
      const { frame, message } = messages(stack)[0]!
      t.match(frame, { destination: LEASE.serverMac, ipv4: { source: LEASE.ip, destination: LEASE.serverIp } })
      t.match(message, { clientIp: LEASE.ip, seconds: 0, broadcast: false })
      t.same([...message.options.keys()], [Option.MessageType, Option.ClientIdentifier, Option.ServerIdentifier])
      t.equal(messageType(message), MessageType.Release)
      t.equal(stack.call('dhcpCount', 0, 6), 1)
    })

    t.test('RFC 2131 §3.1 (5), RFC 5227 §2.1.1: somebody has the address: DECLINE, ten seconds of silence, then over again', async t => {
      for (const mode of [OPTIMISTIC, STRICT]) {
        const stack = new Stack(e)
        stack.call('acdSetMode', mode)
        stack.configure('dhcp')
        reply(stack, MessageType.Offer)
        reply(stack, MessageType.Ack)
        t.equal(ours(stack), mode === OPTIMISTIC ? LEASE.ip : '0.0.0.0', 'used while probed, or not')
        stack.advance(1500)
        stack.forget()
        conflict(stack)
        const { frame, message } = last(stack)
        t.match(frame, { destination: BROADCAST, ipv4: { source: '0.0.0.0', destination: '255.255.255.255' } })
        t.match(message, { clientIp: '0.0.0.0', seconds: 0, broadcast: false })
        t.same([...message.options].map(([code, value]) => [code, toHex(value)]), [
          [Option.MessageType, '04'], [Option.ClientIdentifier, '01020000000001'],
          [Option.RequestedAddress, '0a00020f'], [Option.ServerIdentifier, '0a000202'],
        ])
        t.equal(field(stack, 3), 0)
        t.equal(field(stack, 4), 0)
        t.equal(stack.logged('lease-declined').length, 1)
        t.equal(stack.logged('net: down').length, mode === OPTIMISTIC ? 1 : 0)
        stack.forget()
        stack.advance(9900)
        t.same(types(stack), [])
        stack.advance(200)
        t.same(types(stack), [MessageType.Discover])
        const other = { ...LEASE, ip: '10.0.2.16' }
        reply(stack, MessageType.Offer, other)
        reply(stack, MessageType.Ack, other)
        stack.advance(10_000)
        t.equal(ours(stack), other.ip)
        t.equal(stack.logged('net: up').length, mode === OPTIMISTIC ? 2 : 1)
      }
    })

    t.test('acd=strict: three probes, then the address, its gateway and its line in the log', async t => {
      const stack = new Stack(e)
      stack.call('acdSetMode', STRICT)
      stack.configure('dhcp')
      reply(stack, MessageType.Offer)
      reply(stack, MessageType.Ack)
      t.equal(state(stack), BOUND)
      stack.forget()
      stack.advance(3900)
      t.same([field(stack, 3), field(stack, 4)], [0, 0])
      stack.advance(4000)
      t.same([ours(stack), ipText(field(stack, 4))], [LEASE.ip, '10.0.2.2'])
      t.same(stack.logged('net: up'), [UP])
      const arps = stack.sent().filter(each => each.arp).map(({ arp }) => arp!.senderIp)
      t.same(arps.slice(0, 4), ['0.0.0.0', '0.0.0.0', '0.0.0.0', LEASE.ip])
    })

    t.test('24 hours with a server that loses half and refuses one in twenty: an address nearly all the time, never two', async t => {
      const stack = asking(e)
      know(stack)
      const random = randomFrom(2131)
      const server = dhcpServer(LEASE)
      let without = 0
      for (let minute = 0; minute < 24 * 60; minute++) {
        for (let n = 0; n < 8; n++) {
          const frames = stack.sent()
          stack.forget()
          for (const frame of frames) {
            const answer = server(frame)
            if (!answer || Array.isArray(answer) || random(2) === 0) continue
            const request = dhcpOf(frame)!
            const nak = messageType(request) === MessageType.Request && random(20) === 0
            stack.receive(nak ? dhcpReply(LEASE, request, MessageType.Nak) : answer as Uint8Array)
          }
        }
        if (field(stack, 3) > 1) t.fail('two addresses')
        if (field(stack, 3) === 0) without++
        stack.call('advanceSeconds', 60)
      }
      t.ok(without < 60, `${without} minutes of 1440 without an address`)
      t.ok(stack.call('dhcpCount', 0, 3) > 30, 'leases and renewals')
      t.equal(stack.free, stack.call('packetsTotal'))
    })

    t.test('times near 2^32 seconds do not overflow', async t => {
      const stack = bound(e, { ...LEASE, leaseSeconds: 0xfffffffe })
      stack.call('advanceSeconds', 86_400)
      t.equal(state(stack), BOUND)
      t.equal(ours(stack), LEASE.ip)
    })

    t.test('a static address ends DHCP', async t => {
      const stack = bound(e)
      stack.configure('10.0.0.2/24')
      t.equal(ours(stack), '10.0.0.2')
      stack.forget()
      stack.call('advanceSeconds', 7200)
      t.same(types(stack), [])
      t.equal(ours(stack), '10.0.0.2')
    })

    t.test('two interfaces have a client each', async t => {
      const stack = new Stack(e, { two: true })
      stack.configure('dhcp', 0)
      stack.configure('dhcp', 1)
      const [first, second] = messages(stack)
      t.same([first!.message.clientMac, second!.message.clientMac], ['02:00:00:00:00:01', '02:00:00:00:00:02'])
      t.not(first!.message.transaction, second!.message.transaction)
      stack.receive(dhcpReply(LEASE, second!.message, MessageType.Offer), { nic: 0 })
      t.equal(stack.call('dhcpState', 1), SELECTING, 'an answer on the wrong wire')
      stack.receive(dhcpReply(LEASE, second!.message, MessageType.Offer), { nic: 1 })
      t.equal(stack.call('dhcpState', 1), REQUESTING)
      t.equal(stack.call('dhcpState', 0), SELECTING)
    })
  })
}

