// kernel/services/iperf3: JSON in, a byte at a time, and out. RFC 8259, with JavaScript's own JSON as the other opinion.

import t from 'tap'
import { engines, type Instance } from '../../../../engine.ts'
import { randomFrom } from '../../../../wire/garbage.ts'

const ROOM = 65_536

const KINDS = ['number', 'true', 'false', 'null']

/** Every number and literal of a text: [depth, name, value], or why there are none. */
function values(m: Instance, text: string | Uint8Array, piece = 1): (string | number | null)[][] | 'more' | 'bad' {
  const bytes = typeof text === 'string' ? Buffer.from(text, 'utf8') : text
  const [at, out] = [scratch(m, bytes.length + 1), scratch(m, ROOM)]
  m.write(at, bytes)
  const result = m.call('jsonValues', at, bytes.length, piece, out, ROOM)
  if (result !== 1) return result === 0 ? 'more' : 'bad'
  return m.text(out).split('\n').slice(0, -1).map(line => {
    const [depth, name, kind, number] = line.split(' ')
    return [Number(depth), name!, KINDS[Number(kind)] === 'number' ? number! : KINDS[Number(kind)]!]
  })
}

const rooms = new Map<Instance, number[]>()
/** Memory that the two calls of `values` share, so that thousands of texts fit. */
function scratch(m: Instance, bytes: number): number {
  if (bytes > ROOM * 2) throw new Error('too long a text')
  const both = rooms.get(m) ?? [m.alloc(ROOM * 2), m.alloc(ROOM * 2)]
  rooms.set(m, both)
  return bytes === ROOM ? both[1]! : both[0]!
}

/** The same from JavaScript's parser. */
function expected(value: unknown, depth = 0, name = ''): (string | number | null)[][] {
  if (Array.isArray(value)) return value.flatMap(each => expected(each, depth + 1))
  if (typeof value === 'object' && value !== null) return Object.entries(value).flatMap(([key, each]) => expected(each, depth + 1, key))
  if (typeof value === 'string') return []
  if (typeof value === 'number') return [[depth, name, String(BigInt(Math.trunc(value)))]]
  return [[depth, name, String(value)]]
}

const CLIENT = `{
\t"tcp":\ttrue,\n\t"omit":\t0,\n\t"time":\t10,\n\t"parallel":\t2,\n\t"len":\t131072,\n\t"bandwidth":\t10000000000,
\t"title":\t"a \\"quoted\\" \\u00e4 one",\n\t"client_version":\t"3.12"\n}`

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    const m = e.start()

    t.test('what a client sends, in pieces of any size', async t => {
      for (const piece of [1, 2, 3, 7, 1000]) t.same(values(m, CLIENT, piece), expected(JSON.parse(CLIENT)), `${piece}`)
    })

    t.test('RFC 8259 §6: numbers; the integer of each, bounded', async t => {
      const cases: [text: string, value: string][] = [
        ['0', '0'], ['-0', '-0'], ['7', '7'], ['-7', '-7'], ['0.5', '0'], ['1.99', '1'], ['12e3', '12000'], ['12E+3', '12000'], ['12345e-3', '12'],
        ['1.25e2', '125'], ['1.5e-300', '0'], ['0e99999', '0'], ['0.000000001e9', '1'], ['4294967296', '4294967296'],
        ['999999999999999999', '999999999999999999'], ['1e18', '1000000000000000000'], ['18446744073709551615', '18446744073709551615'],
        ['1e19', '10000000000000000000'], ['1e20', '18446744073709551615'], ['1e99999', '18446744073709551615'],
        ['1e999999999999999999999', '18446744073709551615'], [`1${'0'.repeat(400)}`, '18446744073709551615'],
        [`0.${'0'.repeat(3000)}1`, '0'], [`1${'0'.repeat(400)}e-400`, '1'], ['1.8446744073709552e+19', '18446744073709551615'],
      ]
      for (const [text, value] of cases) t.same(values(m, `[${text}]`), [[1, '', value]], text)
      for (const bad of ['01', '-', '+1', '.5', '1.', '1e', '1e+', '--1', '1.e5', '1..2', '1e5.5', '0x10', 'NaN', '1-', '1e1e1']) {
        t.equal(values(m, `[${bad}]`), 'bad', bad)
      }
    })

    t.test('names: of values in objects, as long as there is room for', async t => {
      t.same(values(m, '{"a":1,"b":[2,{"c":3},4],"d":{"e":null},"f":false}'),
        [[1, 'a', '1'], [2, '', '2'], [3, 'c', '3'], [2, '', '4'], [2, 'e', 'null'], [1, 'f', 'false']])
      const longest = 'x'.repeat(24)
      t.same(values(m, `{"${longest}":1,"${longest}x":2,"":3}`), [[1, longest, '1'], [1, '', '2'], [1, '', '3']])
      t.same(values(m, '{"a\\u0041":1}'), [[1, 'a\\', '1']], 'an escape is no letter of a name of ours')
    })

    t.test('what is not JSON, or not all of it', async t => {
      const bad = ['1', '"a"', 'null', 'x', '{]', '[}', '{1:2}', '{"a"}', '{"a":}', '{"a":1,}', '[1,]', '[,1]', '[1 2]', '{"a" 1}', '{"a":1 "b":2}',
        '[tru]', '[nul1]', '[True]', '[truee]', '["\n"]', '["\\x"]', '["\\u12g4"]', '[1]]', '[1]x', '{}{}', '[\'a\']', '//', '\0', '[\u00a0]']
      for (const each of bad) t.equal(values(m, each), 'bad', JSON.stringify(each))
      for (const each of ['', ' ', '[', '{', '{"a', '{"a"', '{"a":', '{"a":1', '[1,', '[[]', '["\\', '["\\u00', '[fals', '[-']) t.equal(values(m, each), 'more', JSON.stringify(each))
      for (const each of ['[]', '{}', ' \t\r\n[ ] \n', '[[[]],{}]', '["\\"\\\\\\/\\b\\f\\n\\r\\t\\uABcd"]', '["\x7fä€😀"]']) {
        t.same(values(m, each), expected(JSON.parse(each)), JSON.stringify(each))
      }
    })

    t.test('nesting is bounded', async t => {
      t.same(values(m, '['.repeat(16) + ']'.repeat(16)), [])
      t.equal(values(m, '['.repeat(17)), 'bad')
      t.equal(values(m, '{"a":'.repeat(16) + '{'), 'bad')
      t.same(values(m, `[${'[],'.repeat(9000)}1]`), [[1, '', '1']], 'and what is next to each other is not nested')
    })

    t.test('random texts: sound or not as JavaScript says', async t => {
      const random = randomFrom(8259)
      const alphabet = ['{', '}', '[', ']', ',', ':', '"a"', '"', '1', '-', '0', '.', 'e', '+', 'true', 'null', 'fals', ' ', '\\', '\\u0041', '12']
      let sound = 0
      for (let round = 0; round < 4000; round++) {
        const text = Array.from({ length: 1 + random(9) }, () => alphabet[random(alphabet.length)]).join('')
        const whole = round % 2 ? `[${text}]` : `{"k":${text}}`
        let right: unknown
        try { right = JSON.parse(whole) } catch { right = undefined }
        const got = values(m, whole)
        if (typeof got === 'string' ? right !== undefined : right === undefined) t.fail(`${JSON.stringify(whole)}: ${JSON.stringify(got)}`)
        if (right !== undefined) sound++
      }
      t.ok(sound > 100, `${sound} were sound`)
    })

    t.test('written: what JavaScript reads again', async t => {
      const [out, number] = [m.alloc(512), m.alloc(8)]
      for (const value of [0n, 1n, 999_999n, 1_000_000n, 12_345_678n, 0xffff_ffff_ffff_ffffn]) {
        const bytes = Buffer.alloc(8)
        bytes.writeBigUInt64LE(value)
        m.write(number, bytes)
        const length = m.call('jsonSample', out, 512, number)
        const text = Buffer.from(m.bytes(out, length)).toString()
        const seconds = `${value / 1_000_000n}.${String(value % 1_000_000n).padStart(6, '0')}`
        t.equal(text, `{"a":-5,"list":[{"n":${value},"s":${seconds}},{}],"t":"cubic"}`)
        JSON.parse(text)
      }
      t.equal(m.call('jsonSample', out, 20, number), 0, 'what does not fit is not half there')
    })
  })
}
