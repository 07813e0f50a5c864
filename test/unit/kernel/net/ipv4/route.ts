// kernel/net/ipv4/route.ts, address.ts and output.ts: where packets go, from which address, and with what header.
// RFC 1122 §3.3.1, RFC 1812 §5.2.4.3, RFC 1112 §6.

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { GATEWAY, GUEST, PEER, Stack, counting, ip, ipText } from '../../../../wire/stack.ts'

const [UNICAST, BROADCAST, MULTICAST, LOCAL, NONE] = [0, 1, 2, 3, 0xffffffff]
const path = (stack: Stack, to: string, field = 0) => stack.call('pathField', ip(to), field) >>> 0
const nextHop = (stack: Stack, to: string) => ipText(path(stack, to, 1))

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    t.test('RFC 1122 §3.3.1.1: on the link to the host itself, else to the gateway', async t => {
      const stack = Stack.up(e)
      t.equal(nextHop(stack, PEER.ip), PEER.ip)
      t.equal(nextHop(stack, '10.0.1.9'), GATEWAY.ip)
      t.equal(nextHop(stack, '8.8.8.8'), GATEWAY.ip)
      t.equal(path(stack, '8.8.8.8'), UNICAST)
    })

    t.test('without a gateway what is off the link is unreachable', async t => {
      const stack = Stack.up(e, { value: `${GUEST.ip}/24` })
      t.equal(path(stack, '8.8.8.8'), NONE)
      t.equal(stack.call('sendIpv4', ip('8.8.8.8'), 253, stack.put(counting(4)), 4), -101, 'NetworkUnreachable')
      t.same(stack.drops(), { 'output-no-route': 1 })
    })

    t.test('RFC 1812 §5.2.4.3: the longest prefix wins, then the lowest metric', async t => {
      const stack = Stack.up(e)
      const add = (network: string, length: number, gateway: string, metric = 0) =>
        t.equal(stack.call('addRoute', ip(network), length, ip(gateway), 0, metric), 0, `${network}/${length}`)
      add('192.168.0.0', 16, '10.0.0.20')
      add('192.168.7.0', 24, '10.0.0.21')
      add('192.168.7.128', 25, '10.0.0.22')
      add('192.168.7.200', 32, '10.0.0.23')
      add('192.168.7.0', 24, '10.0.0.24', 5)
      t.equal(nextHop(stack, '192.168.1.1'), '10.0.0.20')
      t.equal(nextHop(stack, '192.168.7.1'), '10.0.0.21')
      t.equal(nextHop(stack, '192.168.7.130'), '10.0.0.22')
      t.equal(nextHop(stack, '192.168.7.200'), '10.0.0.23')
      t.equal(stack.call('removeRoute', ip('192.168.7.0'), 24, ip('10.0.0.21'), 0), 0)
      t.equal(nextHop(stack, '192.168.7.1'), '10.0.0.24', 'the cached answer did not outlive the route')
    })

    t.test('rustos.md §1.1 add_route_validated, with real netmasks: what is refused', async t => {
      const stack = Stack.up(e, { value: `${GUEST.ip}/16` })
      const add = (network: string, mask: string, gateway: string, netif = 0, metric = 0) =>
        stack.call('addRouteValidated', ip(network), ip(mask), ip(gateway), netif, metric)
      t.equal(add('172.16.0.0', '255.255.0.0', '10.0.3.4'), 0, 'a gateway far off in a /16')
      t.equal(nextHop(stack, '172.16.9.9'), '10.0.3.4')
      t.equal(add('172.17.0.0', '255.255.0.0', '0.0.0.0'), 0, 'or none')
      t.equal(add('172.16.0.0', '255.255.0.0', '10.0.3.4', 77), -19, 'NoDevice')
      t.equal(add('172.16.0.1', '255.255.0.0', '10.0.3.4'), -22, 'InvalidArgument: host bits')
      t.equal(add('172.16.0.0', '255.0.255.0', '10.0.3.4'), -22, 'a mask with holes')
      for (const gateway of ['10.1.0.1', '192.168.0.1', GUEST.ip, '10.0.255.255', '224.0.0.1', '127.0.0.1']) {
        t.equal(add('172.18.0.0', '255.255.0.0', gateway), -113, `HostUnreachable: ${gateway}`)
      }
    })

    t.test('rustos.md §1.1 add_route_validated takes the place of what was there; longer prefixes and metrics keep order', async t => {
      const stack = Stack.up(e)
      const before = stack.call('routeCount')
      const add = (network: string, mask: string, gateway: string, metric = 0) =>
        stack.call('addRouteValidated', ip(network), ip(mask), ip(gateway), 0, metric)
      t.equal(stack.call('addRoute', ip('172.16.0.0'), 16, ip('10.0.0.20'), 0, 1), 0)
      t.equal(stack.call('addRoute', ip('172.16.0.0'), 16, ip('10.0.0.21'), 0, 2), 0)
      t.equal(add('172.16.0.0', '255.255.0.0', '10.0.0.22', 9), 0)
      t.equal(stack.call('routeCount'), before + 1)
      t.equal(nextHop(stack, '172.16.1.1'), '10.0.0.22')
      t.equal(add('172.16.1.0', '255.255.255.0', '10.0.0.23', 100), 0)
      t.equal(nextHop(stack, '172.16.1.1'), '10.0.0.23')
      for (let i = stack.call('routeCount'); i < 64; i++) t.equal(add(`172.20.${i}.0`, '255.255.255.0', '10.0.0.24'), 0)
      t.equal(add('172.21.0.0', '255.255.255.0', '10.0.0.24'), -28, 'NoSpace')
      t.equal(add('172.16.1.0', '255.255.255.0', '10.0.0.25'), 0, 'a full table lets one be replaced')
    })

    t.test('routes that make no sense, exist or do not fit', async t => {
      const stack = Stack.up(e, { value: `${GUEST.ip}/24` })
      const add = (network: string, length: number) => stack.call('addRoute', ip(network), length, ip(GATEWAY.ip), 0, 0)
      t.equal(add('10.5.0.1', 16), -22, 'InvalidArgument: bits after the prefix')
      t.equal(add('10.5.0.0', 33), -22)
      t.equal(add('10.5.0.0', 16), 0)
      t.equal(add('10.5.0.0', 16), -17, 'Exists')
      t.equal(stack.call('removeRoute', ip('10.6.0.0'), 16, ip(GATEWAY.ip), 0), -2, 'NoSuchEntry')
      const free = 64 - stack.call('routeCount')
      for (let i = 0; i < free; i++) t.equal(add(`172.16.${i}.0`, 24), 0)
      t.equal(add('172.17.0.0', 24), -28, 'NoSpace')
    })

    t.test('RFC 1122 §3.3.4.2: our own addresses and 127/8 lead to lo, whichever interface has them', async t => {
      const stack = Stack.up(e)
      for (const own of [GUEST.ip, '127.0.0.1', '127.9.9.9']) t.equal(path(stack, own), LOCAL)
      t.equal(stack.call('sendIpv4', ip(GUEST.ip), 253, stack.put(counting(4)), 4), 0)
      t.same(stack.sent(), [], 'not on the wire')
      t.equal(path(stack, '0.0.0.0'), NONE)
      t.equal(path(stack, '0.1.2.3'), NONE)
    })

    t.test('broadcasts and groups', async t => {
      const stack = Stack.up(e)
      t.equal(path(stack, '255.255.255.255'), BROADCAST)
      t.equal(path(stack, '10.0.0.255'), BROADCAST)
      t.equal(path(stack, '224.0.0.251'), MULTICAST)
      t.equal(path(stack, '10.0.1.255'), UNICAST, 'another network\'s broadcast is the gateway\'s business')
    })

    t.test('RFC 3021 §2.1: a /31 has two hosts and no broadcast', async t => {
      const stack = Stack.up(e, { value: '10.0.0.2/31' })
      t.equal(path(stack, '10.0.0.3'), UNICAST)
      t.equal(stack.call('netifField', 0, 2), 0)
    })

    t.test('RFC 1122 §3.3.4.3: the source is the address of the prefix the next hop is in', async t => {
      const stack = Stack.up(e)
      t.equal(stack.call('addAddress', 0, ip('10.7.0.1'), 16), 0)
      t.equal(ipText(path(stack, '10.7.3.4', 2)), '10.7.0.1')
      t.equal(ipText(path(stack, PEER.ip, 2)), GUEST.ip)
      t.equal(ipText(path(stack, '8.8.8.8', 2)), GUEST.ip, 'the gateway is in the first')
    })

    t.test('two interfaces: each prefix by its own', async t => {
      const stack = new Stack(e, { two: true })
      stack.configure(`${GUEST.ip}/24,gw=${GATEWAY.ip}`, 0)
      stack.configure('10.1.0.2/24,gw=10.1.0.1', 1)
      t.equal(path(stack, '10.1.0.77', 3), 1)
      t.equal(path(stack, PEER.ip, 3), 0)
      t.equal(path(stack, '8.8.8.8', 3), 0, 'the first gateway wins')
      stack.call('takeDown', 0)
      t.equal(path(stack, '8.8.8.8', 3), 1, 'until its interface is gone')
      t.equal(path(stack, PEER.ip, 3), 1)
    })

    t.test('an address that is removed takes its route along, if no other needs it', async t => {
      const stack = Stack.up(e)
      t.equal(stack.call('addAddress', 0, ip('10.0.0.3'), 24), 0)
      t.equal(stack.call('addAddress', 0, ip('10.0.0.3'), 24), -17, 'Exists')
      t.equal(stack.call('removeAddress', 0, ip(GUEST.ip)), 0)
      t.equal(path(stack, PEER.ip), UNICAST)
      t.equal(ipText(path(stack, PEER.ip, 2)), '10.0.0.3')
      t.equal(stack.call('removeAddress', 0, ip('10.0.0.3')), 0)
      t.equal(stack.call('removeAddress', 0, ip('10.0.0.3')), -2, 'NoSuchEntry')
      t.equal(nextHop(stack, PEER.ip), GATEWAY.ip, 'only the default route is left')
    })

    t.test('the number of addresses is limited, and they must be hosts', async t => {
      const stack = Stack.up(e)
      for (const last of [1, 2, 3]) t.equal(stack.call('addAddress', 0, ip(`10.${last}.0.1`), 24), 0)
      t.equal(stack.call('addAddress', 0, ip('10.9.0.1'), 24), -28, 'NoSpace')
      t.equal(stack.call('netifField', 0, 3), 4)
      const none = [
        ['10.9.0.0', 24], ['10.9.0.255', 24], ['127.0.0.1', 8], ['224.0.0.1', 4], ['0.0.0.1', 8], ['10.9.0.1', 0], ['10.9.0.1', 33],
      ] as const
      for (const [address, length] of none) {
        t.equal(stack.call('addAddress', 0, ip(address), length), -22, `${address}/${length}`)
      }
    })

    t.test('the header that is sent: version 4, TTL 64, DF, an identification that moves, a checksum', async t => {
      const stack = Stack.up(e)
      for (let i = 0; i < 3; i++) t.equal(stack.call('sendIpv4', ip(PEER.ip), 253, stack.put(counting(60)), 60), 0)
      const headers = stack.sent().map(frame => frame.ipv4!)
      for (const header of headers) {
        t.match(header, { headerLength: 20, totalLength: 80, flags: 0x4000, ttl: 64, protocol: 253, checksumRight: true })
        t.match(header, { source: GUEST.ip, destination: PEER.ip })
      }
      t.equal(headers[1]!.id, headers[0]!.id + 1 & 0xffff)
      t.equal(headers[2]!.id, headers[0]!.id + 2 & 0xffff)
    })

    t.test('RFC 1112 §6.1: a multicast leaves with TTL 1', async t => {
      const stack = Stack.up(e)
      stack.call('sendIpv4', ip('224.0.0.251'), 253, stack.put(counting(8)), 8)
      t.equal(stack.sent()[0]!.ipv4!.ttl, 1)
    })

    t.test('masks, prefixes, and what an address may be', async t => {
      const { m } = new Stack(e)
      for (const [length, mask] of [[0, 0], [1, 0x80000000], [24, 0xffffff00], [31, 0xfffffffe], [32, 0xffffffff]] as const) {
        t.equal(m.call('maskOf', length) >>> 0, mask)
        t.equal(m.call('prefixOf', mask), length)
      }
      t.equal(m.call('prefixOf', 0xff00ff00), 33, 'ones that are not contiguous')
      const hosts = [
        ['1.0.0.1', 1], ['223.255.255.255', 1], ['224.0.0.0', 0], ['127.0.0.1', 0], ['0.0.0.0', 0], ['255.255.255.255', 0],
      ] as const
      for (const [address, unicast] of hosts) {
        t.equal(m.call('isUnicast', ip(address)), unicast, address)
      }
    })
  })
}
