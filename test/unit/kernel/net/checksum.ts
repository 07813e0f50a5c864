// kernel/net/checksum.ts: RFC 1071's own example, the vector of an ICMP packet's header, every length and alignment
// against an independent sum, and RFC 1624's update.

import t from 'tap'
import { engines } from '../../../engine.ts'
import { bytes, checksum, hex } from '../../../wire/bytes.ts'
import { randomFrom } from '../../../wire/garbage.ts'
import { counting } from '../../../wire/stack.ts'

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    const m = e.start()
    const at = m.alloc(4096)
    const sum = (data: Uint8Array, offset = 0): number => {
      m.write(at + offset, data)
      return m.call('checksumOf', m.call('onesSum', at + offset, data.length, 0)) & 0xffff
    }

    t.test('RFC 1071 §3: 00 01 f2 03 f4 f5 f6 f7 sums to ddf2', async t => {
      m.write(at, hex('0001f203f4f5f6f7'))
      t.equal(m.call('fold', m.call('onesSum', at, 8, 0)), 0xddf2)
    })

    t.test('the header checksum of an echo to everybody is b8e0', async t => {
      t.equal(sum(hex('4500001c00000000400100 00c0000201ffffffff')), 0xb8e0)
    })

    t.test('every length from 0 to 300, at every alignment', async t => {
      const wrong: string[] = []
      for (let length = 0; length <= 300; length++) {
        const data = counting(length)
        for (let offset = 0; offset < 8; offset++) {
          if (sum(data, offset) !== checksum(data)) wrong.push(`length ${length} at offset ${offset}`)
        }
      }
      t.same(wrong, [])
      t.equal(sum(counting(1500)), checksum(counting(1500)))
      t.equal(sum(new Uint8Array(1500).fill(0xff)), 0, 'all ones')
    })

    t.test('RFC 768: the pseudo header is source, destination, zero, protocol, length', async t => {
      const addresses = hex('0a0000020a000009')
      m.write(at, addresses)
      const wanted = checksum(bytes(addresses, 0, 17, 0x12, 0x34))
      t.equal(m.call('checksumOf', m.call('pseudoSum', at, 17, 0x1234)) & 0xffff, wanted)
    })

    t.test('RFC 1624 §3: the update of one field gives what a new sum gives', async t => {
      const random = randomFrom(1624)
      const wrong: string[] = []
      for (let round = 0; round < 200; round++) {
        const data = Uint8Array.from({ length: 20 }, () => random(256))
        const old = checksum(data)
        const before = data[6]! << 8 | data[7]!
        const after = random(0x10000)
        data[6] = after >> 8
        data[7] = after & 0xff
        const updated = m.call('checksumUpdate', old, before, after) & 0xffff
        if (updated !== checksum(data)) wrong.push(`${old}: ${before} to ${after} gave ${updated}`)
      }
      t.same(wrong, [])
    })

    t.test('RFC 1624 §3: dd2f with 5555 becoming 3285 is 0000', async t => {
      t.equal(m.call('checksumUpdate', 0xdd2f, 0x5555, 0x3285), 0x0000)
    })
  })
}
