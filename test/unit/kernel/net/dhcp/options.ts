// kernel/net/dhcp/options.ts: the walk over options, its bounds, and what it takes. RFC 2132 §2, §9.3.

import t from 'tap'
import { engines, type Instance } from '../../../../engine.ts'
import { be32, bytes } from '../../../../wire/bytes.ts'
import { option } from '../../../../wire/dhcp.ts'
import { randomFrom } from '../../../../wire/garbage.ts'

const NAMES = [
  'messageType', 'subnetMask', 'router', 'dnsServer', 'serverIdentifier', 'leaseTime', 'renewalTime', 'rebindingTime', 'mtu', 'overload',
]

/** What is read from options in the three places they may be in, or null. */
function read(m: Instance, options: Uint8Array, file = bytes(), sname = bytes()): Record<string, number> | null {
  const at = m.alloc(240 + options.length)
  m.write(at + 44, sname)
  m.write(at + 108, file)
  m.write(at + 240, options)
  if (m.call('dhcpRead', at, 240 + options.length) === 0) return null
  return Object.fromEntries(NAMES.map((name, i) => [name, m.call('dhcpValue', i) >>> 0] as const).filter(([, value]) => value !== 0))
}

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    const m = e.start()

    t.test('every option that is read', async t => {
      const all = bytes(option(53, 5), option(1, 255, 255, 0, 0), option(3, 10, 0, 0, 1), option(6, 10, 0, 0, 3), option(54, 10, 0, 0, 2),
        option(51, ...be32(3600)), option(58, ...be32(1800)), option(59, ...be32(3150)), option(26, 5, 0xdc), 255)
      t.same(read(m, all), {
        messageType: 5, subnetMask: 0xffff0000, router: 0x0a000001, dnsServer: 0x0a000003, serverIdentifier: 0x0a000002,
        leaseTime: 3600, renewalTime: 1800, rebindingTime: 3150, mtu: 1500,
      })
    })

    t.test('pads are skipped, what follows the end is not read, an unknown option is passed over', async t => {
      t.same(read(m, bytes(0, 0, option(200, 1, 2, 3), 0, option(53, 2), 255, option(51, ...be32(9)))), { messageType: 2 })
    })

    t.test('of several routers the first; of an option given twice the first', async t => {
      const twice = bytes(option(3, 10, 0, 0, 1, 10, 0, 0, 2), option(3, 10, 0, 0, 9), option(53, 2), option(53, 5), 255)
      t.same(read(m, twice), { messageType: 2, router: 0x0a000001 })
    })

    t.test('a missing end is forgiven; a missing length, or a value that reaches past the end, is not', async t => {
      t.same(read(m, bytes(option(53, 2))), { messageType: 2 })
      t.equal(read(m, bytes(option(53, 2), 51)), null)
      t.equal(read(m, bytes(option(53, 2), 51, 4, 0, 0, 0)), null)
      t.equal(read(m, bytes(option(53, 2), 200, 255)), null)
      t.same(read(m, bytes()), {})
    })

    t.test('an overload value that does not exist', async t => {
      t.equal(read(m, bytes(option(52, 4), 255)), null)
      t.same(read(m, bytes(option(52, 0), 255)), {})
    })

    t.test('RFC 2132 §9.3: 1 is file, 2 is sname, 3 is both, in that order', async t => {
      const file = bytes(option(51, ...be32(100)), 255)
      const sname = bytes(option(51, ...be32(200)), option(53, 5), 255)
      const over = (value: number) => read(m, bytes(option(52, value), 255), file, sname)
      t.same(over(1), { leaseTime: 100, overload: 1 })
      t.same(over(2), { leaseTime: 200, messageType: 5, overload: 2 })
      t.same(over(3), { leaseTime: 100, messageType: 5, overload: 3 })
      t.same(read(m, bytes(255), file, sname), {}, 'not without option 52')
    })

    t.test('an option that reaches past sname or file, even into the next field, is not read', async t => {
      const file = bytes(new Uint8Array(126), 51, 4)
      t.equal(read(m, bytes(option(52, 1), 255, be32(5)), file), null)
      t.equal(read(m, bytes(option(52, 2), 255), bytes(), bytes(new Uint8Array(62), 51, 4)), null)
    })

    t.test('an overload inside an overloaded field starts nothing', async t => {
      t.same(read(m, bytes(option(52, 1), 255), bytes(option(52, 2), 255), bytes(option(53, 5), 255)), { overload: 1 })
    })

    t.test('random bytes end, one way or the other', async t => {
      const random = randomFrom(2132)
      let good = 0
      for (let round = 0; round < 500; round++) {
        if (read(m, Uint8Array.from({ length: random(80) }, () => random(round % 2 ? 256 : 64))) !== null) good++
      }
      t.ok(good > 0 && good < 500, `${good} of 500 made sense`)
    })
  })
}
