// kernel/net/dhcp/lease.ts: what comes with an address: routes, name servers, a domain. RFC 2132 §3, RFC 3442, RFC 3396.

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { type Bytes, address, bytes, mac } from '../../../../wire/bytes.ts'
import { type DhcpLease, MessageType, Option, dhcpOf, dhcpReply, messageType, option } from '../../../../wire/dhcp.ts'
import { Stack, ip, ipText } from '../../../../wire/stack.ts'

const NO_ROUTE = 0xffffffff
const LEASE: DhcpLease = { serverIp: '10.0.2.2', serverMac: '02:00:00:00:00:22', ip: '10.0.2.15', prefix: 24, gateway: '10.0.2.2', leaseSeconds: 3600 }

const requests = (stack: Stack) => stack.sent().flatMap(frame => dhcpOf(frame) ?? [])
function reply(stack: Stack, type: number, extra: Bytes[], lease = LEASE): void {
  stack.receive(dhcpReply(lease, requests(stack).at(-1)!, type, { extra }))
}
/** A lease whose ACK has more options. */
function leased(e: Parameters<typeof Stack.up>[0], extra: Bytes[], lease = LEASE): Stack {
  const stack = new Stack(e)
  stack.configure('dhcp')
  reply(stack, MessageType.Offer, [], lease)
  reply(stack, MessageType.Ack, extra, lease)
  return stack
}
/** The next renewal, with these options. */
function renew(stack: Stack, extra: Bytes[]): void {
  stack.call('arpPermanent', 0, ip(LEASE.serverIp), stack.put(Uint8Array.from(mac(LEASE.serverMac))))
  stack.forget()
  stack.call('advanceSeconds', 1800)
  reply(stack, MessageType.Ack, extra)
}
const gateway = (stack: Stack) => ipText(stack.call('netifField', 0, 4) >>> 0)
const via = (stack: Stack, network: string, length: number): string | null => {
  const found = stack.call('routeGateway', ip(network), length) >>> 0
  return found === NO_ROUTE ? null : ipText(found)
}
const servers = (stack: Stack) => [0, 1, 2, 3].map(place => ipText(stack.call('nameServer', 0, place) >>> 0)).filter(each => each !== '0.0.0.0')
const domain = (stack: Stack) => stack.m.text(stack.call('domainText', 0) >>> 0)
/** One route of option 121: RFC 3442. */
const routed = (network: string, width: number, router: string): Bytes =>
  bytes(width, address(network).slice(0, Math.ceil(width / 8)), address(router))
const routes = (...each: Bytes[]): Bytes => option(121, ...bytes(...each))

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    t.test('RFC 3442: the examples of its table: 0 to 4 octets, as many as the width needs', async t => {
      const stack = leased(e, [routes(routed('0.0.0.0', 0, '10.0.2.1'), routed('10.0.0.0', 8, '10.0.2.3'), routed('10.17.0.0', 16, '10.0.2.4'),
        routed('10.27.129.0', 24, '10.0.2.5'), routed('10.229.0.128', 25, '10.0.2.6'), routed('10.198.122.47', 32, '10.0.2.7'))])
      t.equal(gateway(stack), '10.0.2.1')
      t.same([via(stack, '10.0.0.0', 8), via(stack, '10.17.0.0', 16), via(stack, '10.27.129.0', 24), via(stack, '10.229.0.128', 25), via(stack, '10.198.122.47', 32)],
        ['10.0.2.3', '10.0.2.4', '10.0.2.5', '10.0.2.6', '10.0.2.7'])
    })

    t.test('RFC 3442: with classless routes, the router of option 3 is ignored', async t => {
      const stack = leased(e, [routes(routed('192.168.7.0', 24, '10.0.2.9'))])
      t.equal(gateway(stack), '0.0.0.0')
      t.equal(via(stack, '0.0.0.0', 0), null)
      t.equal(via(stack, '192.168.7.0', 24), '10.0.2.9')
      t.notMatch(stack.logged('net: up')[0]!, /gw=/)
    })

    t.test('RFC 3442: bits after the width do not count; router 0.0.0.0 is on the link', async t => {
      const stack = leased(e, [routes(bytes(12, 172, 31, address('10.0.2.9')), routed('192.0.2.0', 24, '0.0.0.0'))])
      t.equal(via(stack, '172.16.0.0', 12), '10.0.2.9')
      t.equal(via(stack, '192.0.2.0', 24), '0.0.0.0')
    })

    t.test('RFC 3396 §5: a long list may be split over several options, anywhere', async t => {
      const all = bytes(routed('192.168.1.0', 24, '10.0.2.9'), routed('192.168.2.0', 24, '10.0.2.8'))
      const stack = leased(e, [option(121, ...all.subarray(0, 6)), option(15, ...Buffer.from('x.example')), option(121, ...all.subarray(6))])
      t.same([via(stack, '192.168.1.0', 24), via(stack, '192.168.2.0', 24)], ['10.0.2.9', '10.0.2.8'])
    })

    t.test('an option 121 that makes no sense voids the message', async t => {
      for (const bad of [[], [24], [0, 10, 0, 2], [33, 1, 2, 3, 4, 5, 10, 0, 2, 1], [24, 10, 0, 0, 10, 0, 2], [0, 10, 0, 2, 1, 8]]) {
        const stack = new Stack(e)
        stack.configure('dhcp')
        reply(stack, MessageType.Offer, [option(121, ...bad)])
        t.equal(stack.drops()['dhcp-message'], 1, JSON.stringify(bad))
      }
    })

    t.test('more routes than are kept, and routers that are no hosts: the rest is left', async t => {
      const many = Array.from({ length: 25 }, (_, i) => routed(`192.168.${i}.0`, 24, '10.0.2.9'))
      const stack = leased(e, [routes(...many)])
      t.equal(via(stack, '192.168.15.0', 24), '10.0.2.9')
      t.equal(via(stack, '192.168.16.0', 24), null)
      const odd = leased(e, [routes(routed('192.168.1.0', 24, '224.0.0.1'), routed('0.0.0.0', 0, '255.255.255.255'), routed('192.168.2.0', 24, '10.0.2.9'))])
      t.same([via(odd, '192.168.1.0', 24), gateway(odd), via(odd, '192.168.2.0', 24)], [null, '0.0.0.0', '10.0.2.9'])
    })

    t.test('a renewal that brings other routes replaces them; the end of the lease takes all of them', async t => {
      const stack = leased(e, [routes(routed('192.168.1.0', 24, '10.0.2.9'), routed('0.0.0.0', 0, '10.0.2.1'))])
      const before = stack.call('routeCount')
      renew(stack, [routes(routed('192.168.2.0', 24, '10.0.2.8'))])
      t.same([via(stack, '192.168.1.0', 24), via(stack, '192.168.2.0', 24), gateway(stack)], [null, '10.0.2.8', '0.0.0.0'])
      renew(stack, [])
      t.same([via(stack, '192.168.2.0', 24), gateway(stack)], [null, '10.0.2.2'], 'option 3 counts again')
      t.equal(stack.call('routeCount'), before - 1)
      stack.call('dhcpEnd', 0)
      t.equal(stack.call('routeCount'), 1, 'only 127/8')
      t.equal(stack.logged('net: up').length, 1, 'it never was down before')
    })

    t.test('RFC 2132 §3.8: three name servers in their order; another lease, other servers', async t => {
      const dns = (...each: string[]) => option(Option.DnsServer, ...each.flatMap(one => [...address(one)]))
      const stack = leased(e, [dns('10.0.2.3', '0.0.0.0', '10.0.2.4', '10.0.2.5')])
      t.same(servers(stack), ['10.0.2.3', '10.0.2.4'], 'of the first three; what is no host is left out')
      renew(stack, [dns('10.0.2.9')])
      t.same(servers(stack), ['10.0.2.9'])
      stack.call('dhcpEnd', 0)
      t.same(servers(stack), [])
    })

    t.test('RFC 2132 §3.17: the domain, without the zero that some servers send', async t => {
      const text = (value: string) => option(15, ...Buffer.from(value, 'latin1'))
      t.equal(domain(leased(e, [text('lab.example')])), 'lab.example')
      t.equal(domain(leased(e, [text('lab.example\0')])), 'lab.example')
      t.equal(domain(leased(e, [text('x'.repeat(127))])), 'x'.repeat(127))
      for (const bad of ['x'.repeat(128), 'a b', '\x01', '\xff', '\0']) t.equal(domain(leased(e, [text(bad)])), '', JSON.stringify(bad))
      const stack = leased(e, [text('lab.example')])
      stack.call('dhcpEnd', 0)
      t.equal(domain(stack), '')
    })

    t.test('a lease leaves the interface\'s other addresses alone', async t => {
      const stack = leased(e, [])
      t.equal(stack.call('addAddress', 0, ip('192.168.50.1'), 24), 0)
      stack.call('dhcpEnd', 0)
      t.equal(stack.call('netifField', 0, 3), 1)
      t.equal(ipText(stack.call('netifField', 0, 0) >>> 0), '192.168.50.1')
    })

    t.test('every request asks for the routes, first of all, and for the domain', async t => {
      const stack = leased(e, [])
      for (const message of requests(stack)) {
        const wanted = [...message.options.get(Option.ParameterList)!]
        t.ok(wanted.includes(15) && wanted.indexOf(121) < wanted.indexOf(3), `message ${messageType(message)}`)
      }
      t.same(requests(stack).map(messageType), [1, 3])
    })
  })
}
