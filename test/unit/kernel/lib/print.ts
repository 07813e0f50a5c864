// Numbers and addresses as text, and that a writer never leaves its buffer nor half a number.

import t from 'tap'
import { engines, type Instance } from '../../../engine.ts'

const enum Kind { Decimal, Signed, Padded, Hex, HexDigits, Ipv4, Mac, Uuid, Decimal64, Hex64, Text, Quoted }

/** What was written into `size` bytes, with ! behind it if something did not fit; fails if a byte outside changed. */
function print(m: Instance, kind: Kind, value: number, width = 0, size = 64): string {
  const buffer = m.alloc(size + 32)
  m.bytes(buffer, size + 32).fill(0xa5)
  const result = m.call('print', kind, value, width, buffer + 16, size)
  const border = [...m.bytes(buffer, 16), ...m.bytes(buffer + 16 + size, 16)]
  if (!border.every(b => b === 0xa5)) throw new Error('a byte outside the buffer was written')
  return Buffer.from(m.bytes(buffer + 16, result & 0xffff)).toString('latin1') + (result & 0x10000 ? '!' : '')
}

function long(m: Instance, value: bigint): number {
  const at = m.alloc(8)
  m.write32(at, Number(value & 0xffffffffn))
  m.write32(at + 4, Number(value >> 32n))
  return at
}

for (const e of await engines('test/kernel/lib.ts')) {
  t.test(`${e.kind}: decimals`, t => {
    const m = e.start()
    for (const value of [0, 9, 10, 99, 100, 65535, 999999999, 1000000000, 2147483647, 2147483648, 4294967295]) {
      t.equal(print(m, Kind.Decimal, value), String(value))
      t.equal(print(m, Kind.Signed, value), String(value | 0))
    }
    t.equal(print(m, Kind.Padded, 42, 5), '...42')
    t.equal(print(m, Kind.Padded, 123456, 5), '123456')
    t.equal(print(m, Kind.Padded, 0, 1), '0')
    t.end()
  })

  t.test(`${e.kind}: decimals of 64 bits`, t => {
    const m = e.start()
    const values = [0n, 1n, 999999999n, 1000000000n, 1000000001n, 4294967296n, 10n ** 17n + 5n, 10n ** 18n - 1n,
      10n ** 18n, 10n ** 18n + 1n, 12n * 10n ** 17n + 3n, (1n << 64n) - 1n]
    for (const value of values) t.equal(print(m, Kind.Decimal64, long(m, value)), String(value))
    t.equal(print(m, Kind.Hex64, long(m, 0x123456789abcdef0n)), '0x123456789abcdef0')
    t.end()
  })

  t.test(`${e.kind}: hexadecimal, addresses, UUIDs`, t => {
    const m = e.start()
    for (const value of [0, 0xf, 0x10, 0xdeadbeef, 0xfffffff]) t.equal(print(m, Kind.Hex, value), `0x${value.toString(16)}`)
    t.equal(print(m, Kind.HexDigits, 0xabc, 8), '00000abc')
    t.equal(print(m, Kind.HexDigits, 0x12345678, 2), '78')
    t.equal(print(m, Kind.Ipv4, 0xc0a8010a), '192.168.1.10')
    t.equal(print(m, Kind.Ipv4, 0), '0.0.0.0')
    t.equal(print(m, Kind.Ipv4, 0xffffffff), '255.255.255.255')
    const bytes = m.alloc(16)
    m.write(bytes, Array.from({ length: 16 }, (_, i) => i * 17))
    t.equal(print(m, Kind.Mac, bytes), '00:11:22:33:44:55')
    t.equal(print(m, Kind.Uuid, bytes), '00112233-4455-6677-8899-aabbccddeeff')
    t.end()
  })

  t.test(`${e.kind}: quoted text escapes quotes, backslashes and what is not printable`, t => {
    const m = e.start()
    const bytes = [0x41, 0x20, 0x22, 0x5c, 0x0a, 0x00, 0x1b, 0x7e, 0x7f, 0xff]
    const at = m.alloc(16)
    m.write(at, bytes)
    t.equal(print(m, Kind.Quoted, at, bytes.length), '"A \\"\\\\\\x0a\\x00\\x1b~\\x7f\\xff"')
    t.equal(print(m, Kind.Quoted, at, 0), '""')
    t.end()
  })

  t.test(`${e.kind}: what does not fit is left out whole, and said`, t => {
    const m = e.start()
    t.equal(print(m, Kind.Decimal, 12345, 0, 5), '12345')
    t.equal(print(m, Kind.Decimal, 12345, 0, 4), '!')
    t.equal(print(m, Kind.Text, m.cstring('hello'), 0, 4), '!')
    t.equal(print(m, Kind.Text, m.cstring('hello'), 0, 5), 'hello')
    t.equal(print(m, Kind.Ipv4, 0x0a000001, 0, 3), '10.!')
    t.equal(print(m, Kind.Decimal, 1, 0, 0), '!')
    t.end()
  })

  t.test(`${e.kind}: quoted text that does not fit still ends in a quote, and never in half an escape`, t => {
    const m = e.start()
    const at = m.alloc(8)
    m.write(at, [0x61, 0x62, 0x0a, 0x63])
    const shown = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map(size => print(m, Kind.Quoted, at, 4, size))
    t.same(shown, ['!', '!', '""!', '"a"!', '"ab"!', '"ab"!', '"ab"!', '"ab"!', '"ab\\x0a"!', '"ab\\x0ac"'])
    t.end()
  })
}
