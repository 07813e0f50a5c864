// kernel/net/dns/name.ts: names from text, out of messages, back to text. RFC 1035 §3.1, §4.1.4, RFC 2181 §11.

import t from 'tap'
import { engines, type Instance } from '../../../../engine.ts'
import { type Bytes, be16, bytes, toHex } from '../../../../wire/bytes.ts'
import { name } from '../../../../wire/dns.ts'
import { randomFrom } from '../../../../wire/garbage.ts'

function fromText(m: Instance, text: string): string | null {
  const [out, from] = [m.alloc(256), m.alloc(text.length + 1)]
  m.write(from, Buffer.from(text, 'latin1'))
  const length = m.call('dnsNameFromText', out, from, text.length)
  return length === 0 ? null : toHex(m.bytes(out, length))
}
/** The name at an offset of a message, and the offset after it; null when there is none. */
function read(m: Instance, message: Bytes, offset: number): { name: string, after: number } | null {
  const [out, at, text] = [m.alloc(256), m.alloc(message.length + 1), m.alloc(1024)]
  m.write(at, message)
  const after = m.call('dnsNameRead', out, at, message.length, offset)
  if (after === 0) return null
  m.call('dnsNameToText', text, out)
  return { name: m.text(text), after }
}
const header = new Uint8Array(12)

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    const m = e.start()

    t.test('RFC 1035 §3.1: labels after their lengths, a zero at the end; RFC 4343 §3: case does not count', async t => {
      t.equal(fromText(m, 'www.Example.COM'), toHex(name('www.example.com')))
      t.equal(fromText(m, 'www.example.com.'), toHex(name('www.example.com')))
      t.equal(fromText(m, 'a'), '016100')
      t.equal(fromText(m, '_dns-sd._udp.x'), toHex(name('_dns-sd._udp.x')))
    })

    t.test('RFC 1035 §2.3.4: labels of 63 octets, names of 255, and no more', async t => {
      const label = 'x'.repeat(63)
      t.equal(fromText(m, label), toHex(name(label)))
      t.equal(fromText(m, label + 'x'), null)
      const longest = [label, label, label, 'x'.repeat(61)].join('.')
      t.equal(fromText(m, longest)!.length, 255 * 2)
      t.equal(fromText(m, longest + 'x'), null)
      t.equal(fromText(m, Array.from({ length: 127 }, () => 'x').join('.'))!.length, 255 * 2)
      t.equal(fromText(m, Array.from({ length: 128 }, () => 'x').join('.')), null)
      for (const bad of ['', '.', '..', '.a', 'a..b', 'a..', 'a b', 'tab\tb', 'ü', '\x7f', 'nul\0']) t.equal(fromText(m, bad), null, JSON.stringify(bad))
    })

    t.test('RFC 1035 §4.1.4: a pointer is followed, and the name ends in the message where the first one does', async t => {
      const message = bytes(header, name('F.ISI.ARPA'), 3, Buffer.from('FOO'), be16(0xc000 + 12), be16(0xc000 + 18), 0)
      t.same(read(m, message, 12), { name: 'f.isi.arpa', after: 24 })
      t.same(read(m, message, 24), { name: 'foo.f.isi.arpa', after: 30 })
      t.same(read(m, message, 30), { name: 'arpa', after: 32 })
      t.same(read(m, message, 32), { name: '.', after: 33 }, 'the root')
    })

    t.test('pointers that never end: to itself, to and fro, forward, into the header; the seed\'s kernel hung here', async t => {
      t.equal(read(m, bytes(header, be16(0xc00c)), 12), null, 'itself')
      t.equal(read(m, bytes(header, be16(0xc00e), be16(0xc00c)), 14), null, 'to and fro')
      t.equal(read(m, bytes(header, be16(0xc00e), 0), 12), null, 'forward')
      t.equal(read(m, bytes(header, 1, 0x61, be16(0xc00c)), 12), null, 'a label and itself')
      t.equal(read(m, bytes(header, be16(0xc000)), 12), null, 'the header')
      t.equal(read(m, bytes(header, be16(0xc0ff)), 12), null, 'past the end')
      const growing = bytes(header, 1, 0x61, 0, ...Array.from({ length: 200 }, (_, i) => bytes(1, 0x62, be16(0xc000 + (i === 0 ? 12 : 15 + (i - 1) * 4)))))
      t.equal(read(m, growing, 15 + 199 * 4), null, 'a chain that makes more than 255 octets')
      t.equal(read(m, growing, 15 + 100 * 4)!.name.length, 101 * 2 + 1)
    })

    t.test('what is cut short, and label types that do not exist', async t => {
      for (const tail of [bytes(), bytes(1), bytes(3, 0x61, 0x62), bytes(1, 0x61), bytes(0xc0), bytes(0x40, 0), bytes(0x80, 0), bytes(64, new Uint8Array(64), 0)]) {
        t.equal(read(m, bytes(header, tail), 12), null, toHex(tail))
      }
      t.equal(read(m, header, 12), null)
    })

    t.test('RFC 1035 §5.1: back to text, with what is not printed as \\DDD', async t => {
      t.same(read(m, bytes(header, 4, 0x61, 0x2e, 0x5c, 0x07, 2, 0x20, 0xff, 0), 12), { name: 'a\\.\\\\\\007.\\032\\255', after: 21 })
      const worst = bytes(header, ...[63, 63, 63, 61].flatMap(n => [n, new Uint8Array(n)]), 0)
      t.equal(read(m, worst, 12)!.name.length, 250 * 4 + 3, 'the longest there is')
    })

    t.test('random bytes end, one way or the other', async t => {
      const random = randomFrom(1035)
      let good = 0
      for (let round = 0; round < 400; round++) {
        const length = 12 + random(60)
        const message = Uint8Array.from({ length }, () => random(3) === 0 ? 0xc0 : random(round % 2 ? 256 : 32))
        const found = read(m, message, 12)
        if (found) good++
        if (found && (found.after > length || found.after < 13)) t.fail('ends outside of the message')
      }
      t.ok(good > 0 && good < 400, `${good} names`)
    })
  })
}
