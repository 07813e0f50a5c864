// kernel/net/config.ts and start.ts: what the values of eth0= mean, and what is done with those that mean nothing.

import t from 'tap'
import { engines, type Instance } from '../../../engine.ts'
import { Stack, ip, ipText } from '../../../wire/stack.ts'

const [DHCP, OFF, STATIC] = [0, 1, 2]

/** The fields of a good value, or why it is none. */
function parse(m: Instance, value: string): unknown {
  const why = m.call('specRefusal', m.cstring(value)) >>> 0
  if (why !== 0) return m.text(why)
  const [mode, address, prefix, gateway, dns, mtu, promiscuous] = [0, 1, 2, 3, 4, 5, 6].map(field => m.call('specField', field) >>> 0)
  return { mode, address: ipText(address!), prefix, gateway: ipText(gateway!), dns: ipText(dns!), mtu, promiscuous }
}

const NOTHING = { address: '0.0.0.0', prefix: 0, gateway: '0.0.0.0', dns: '0.0.0.0', mtu: 0, promiscuous: 0 }

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    t.test('what is understood', async t => {
      const m = e.start()
      t.same(parse(m, 'dhcp'), { ...NOTHING, mode: DHCP })
      t.same(parse(m, 'off'), { ...NOTHING, mode: OFF })
      const plain = { ...NOTHING, mode: STATIC, address: '10.0.2.15', prefix: 24 }
      t.same(parse(m, '10.0.2.15/24'), plain)
      t.same(parse(m, '10.0.2.15/24,gw=10.0.2.2'), { ...plain, gateway: '10.0.2.2' })
      t.same(parse(m, '10.0.2.15/24,gw=10.0.2.2,dns=8.8.8.8,mtu=9000,promisc'), {
        ...plain, gateway: '10.0.2.2', dns: '8.8.8.8', mtu: 9000, promiscuous: 1,
      })
      t.same(parse(m, '10.0.2.15/24,promisc,mtu=68,dns=1.1.1.1'), { ...plain, dns: '1.1.1.1', mtu: 68, promiscuous: 1 }, 'in any order')
      t.same(parse(m, '1.0.0.1/1'), { ...plain, address: '1.0.0.1', prefix: 1 })
      t.same(parse(m, '10.0.0.0/31'), { ...plain, address: '10.0.0.0', prefix: 31 }, 'RFC 3021 §2.1')
      t.same(parse(m, '223.255.255.255/32'), { ...plain, address: '223.255.255.255', prefix: 32 })
    })

    t.test('what is not, and why', async t => {
      const m = e.start()
      const refused: [string, string[]][] = [
        ['expected dhcp, off or A.B.C.D/N', ['', 'DHCP', 'dhcp,', 'on', '10.0.2.15', '10.0.2.15,gw=10.0.2.2', 'off ']],
        ['not an IPv4 address', ['/24', '10.0.2/24', '10.0.2.15.1/24', '10.0.2.256/24',
          '10.0..15/24', '10.0.2.x/24', '10.0.2.15 /24', '010000.0.2.15/24', '-1.0.2.15/24', '.../24']],
        ['prefix length is 1 to 32', ['10.0.2.15/', '10.0.2.15/0', '10.0.2.15/33',
          '10.0.2.15/255.255.255.0', '10.0.2.15/24/24', '10.0.2.15/x']],
        ['not the address of a host', ['10.0.2.0/24', '10.0.2.255/24', '127.0.0.1/8', '224.0.0.1/24', '255.255.255.255/24', '0.0.0.1/8']],
        ['gw is not the address of a host', ['10.0.2.15/24,gw=x', '10.0.2.15/24,gw=255.255.255.255', '10.0.2.15/24,gw=10.0.2']],
        ['dns is not the address of a host', ['10.0.2.15/24,dns=0.0.0.0', '10.0.2.15/24,dns=8.8.8.8.8']],
        ['mtu is 68 to 65535', ['10.0.2.15/24,mtu=67', '10.0.2.15/24,mtu=65536', '10.0.2.15/24,mtu=-1',
          '10.0.2.15/24,mtu=1e3', '10.0.2.15/24,mtu=999999999999']],
        ['expected gw=, dns=, mtu= or promisc', ['10.0.2.15/24,', '10.0.2.15/24,,promisc', '10.0.2.15/24,gw',
          '10.0.2.15/24,gw=', '10.0.2.15/24,mtu=', '10.0.2.15/24,promiscuous', '10.0.2.15/24,x=1']],
        ['the gateway is the address itself', ['10.0.2.15/24,gw=10.0.2.15']],
      ]
      for (const [why, values] of refused) for (const value of values) t.equal(parse(m, value), why, `"${value}"`)
      parse(m, '10.0.2.15/24,mtu=1')
      t.equal(m.call('specField', 0), DHCP, 'a refused value leaves the default')
      t.equal(m.call('specField', 1), 0)
    })

    t.test('static: the interface is up at once, and the log says so', async t => {
      const stack = new Stack(e)
      t.equal(stack.configure('10.0.0.2/24,gw=10.0.0.1,dns=10.0.0.3,mtu=1400'), 0)
      t.same([0, 1, 2, 3, 4, 5, 6, 7].map(field => stack.call('netifField', 0, field) >>> 0),
        [ip('10.0.0.2'), 24, ip('10.0.0.255'), 1, ip('10.0.0.1'), ip('10.0.0.3'), 1400, 1])
      t.same(stack.logged('net: up'), ['info  net: up if=eth0 mac=02:00:00:00:00:01 ip=10.0.0.2/24 gw=10.0.0.1 mtu=1400 source=static'])
    })

    t.test('without a gateway the line has none', async t => {
      const stack = new Stack(e)
      stack.configure('10.0.0.2/24')
      t.same(stack.logged('net: up'), ['info  net: up if=eth0 mac=02:00:00:00:00:01 ip=10.0.0.2/24 mtu=1500 source=static'])
    })

    t.test('configured again, what was before is gone', async t => {
      const stack = new Stack(e)
      stack.configure('10.0.0.2/24,gw=10.0.0.1,promisc')
      stack.configure('10.9.0.2/16')
      t.same([0, 3, 4, 10].map(field => stack.call('netifField', 0, field) >>> 0), [ip('10.9.0.2'), 1, 0, 0])
      t.equal(stack.call('routeCount'), 2, 'the link, and 127/8 on lo')
      stack.configure('off')
      t.equal(stack.call('routeCount'), 1)
      t.equal(stack.call('netifField', 0, 9), 1, '224.0.0.1 is joined once')
    })

    t.test('an MTU the card does not take is cut to the card\'s, and logged', async t => {
      const stack = new Stack(e)
      stack.configure('10.0.0.2/24,mtu=9000')
      t.equal(stack.call('netifField', 0, 6), 1500)
      t.same(stack.logged('mtu-limited'), ['warn  net: mtu-limited if=eth0 asked=9000 mtu=1500'])
    })

    t.test('no option: DHCP', async t => {
      const stack = new Stack(e)
      stack.call('startWith', 0, 0)
      t.equal(stack.sent()[0]!.udp!.destinationPort, 67)
    })

    t.test('a bad value: one warning, and DHCP', async t => {
      const stack = new Stack(e)
      stack.call('startWith', stack.m.cstring('10.0.0.2/99'), 0)
      t.same(stack.logged('warn'), ['warn  net: bad-value eth=0 value="10.0.0.2/99" why="prefix length is 1 to 32"'])
      t.equal(stack.sent()[0]!.udp!.destinationPort, 67)
    })

    t.test('off: silence', async t => {
      const stack = new Stack(e)
      stack.call('startWith', stack.m.cstring('off'), 0)
      stack.advance(60_000)
      t.equal(stack.sent().length, 0)
    })

    t.test('a bad value for a card that is not there: one warning', async t => {
      const stack = new Stack(e)
      stack.call('startWith', stack.m.cstring('10.0.0'), 3)
      t.same(stack.logged('warn'), ['warn  net: bad-value eth=3 value="10.0.0" why="expected dhcp, off or A.B.C.D/N"'])
    })

    t.test('a value for a card that is not there: one warning', async t => {
      const stack = new Stack(e)
      stack.call('startWith', stack.m.cstring('10.0.0.2/24'), 3)
      t.same(stack.logged('warn'), ['warn  net: ignored eth=3 why="no such card"'])
    })
  })
}
