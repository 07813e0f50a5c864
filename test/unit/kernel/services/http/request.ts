// kernel/services/http/request.ts, fields.ts, chunk.ts, route.ts: requests as bytes, each fed whole, byte by byte, and cut
// in two at every place; what is read must be the same. RFC 9110, RFC 9112.

import t from 'tap'
import { engines } from '../../../../engine.ts'

const HeadDone = 8, Done = 19, Failed = 20
const Route = { None: 0, Page: 1, Stats: 2, Metrics: 3, Bytes: 4, Sink: 5 } as const
const Method = { Get: 1, Head: 2, Post: 3, Put: 4, Options: 7, Patch: 9 } as const

interface Read {
  status: number, method: number, minor: number, keep: boolean, route: number, number: number, body: string, expects: boolean
  used: number, done: boolean
}

const H = 'Host: a\r\n'
const get = (path: string, fields = H) => `GET ${path} HTTP/1.1\r\n${fields}\r\n`
const post = (fields: string, body = '') => `POST /sink HTTP/1.1\r\n${H}${fields}\r\n\r\n${body}`
const chunked = (body: string) => post('Transfer-Encoding: chunked', body)

/** Text, and what of it must be so. `used` says where the request ends, if not at the end of the text. */
const cases: [string, string, Partial<Read>][] = [
  ['a request', get('/'), { method: Method.Get, minor: 1, keep: true, route: Route.Page, done: true }],
  ['HEAD', `HEAD /api/stats HTTP/1.1\r\n${H}\r\n`, { method: Method.Head, route: Route.Stats, done: true }],
  ['a query is no part of the path', get('/metrics?a=/x'), { route: Route.Metrics }],
  ['absolute form: RFC 9112 §3.2.2', get('http://10.0.0.2:80/metrics'), { route: Route.Metrics }],
  ['an origin alone', get('http://10.0.0.2'), { route: Route.None, done: true }],
  ['bytes', get('/bytes/123456789'), { route: Route.Bytes, number: 123456789 }],
  ['ten digits', get('/bytes/1234567890'), { route: Route.None }],
  ['no digits', get('/bytes/'), { route: Route.None }],
  ['a number with a letter', get('/bytes/12a'), { route: Route.None }],
  ['an unknown path', get('/apistats'), { route: Route.None, done: true }],
  ['a method that is known and not served', `PATCH / HTTP/1.1\r\n${H}\r\n`, { method: Method.Patch, done: true }],
  ['OPTIONS *', `OPTIONS * HTTP/1.1\r\n${H}\r\n`, { method: Method.Options, route: Route.None, done: true }],
  ['two requests: the first ends where it ends', get('/') + get('/metrics'), { route: Route.Page, used: get('/').length }],
  ['empty lines before: RFC 9112 §2.2', `\r\n\r\n${get('/')}`, { route: Route.Page, done: true }],
  ['nine empty lines', '\r\n'.repeat(9), { status: 400 }],
  ['LF alone ends lines: RFC 9112 §2.2', `GET / HTTP/1.1\n${H.replace('\r', '')}\n`, { route: Route.Page, done: true }],
  ['CR alone does not', `GET / HTTP/1.1\r${H}\r\n`, { status: 400 }],
  ['CR in a value', get('/', `Host: a\rb\r\n`), { status: 400 }],
  ['version 1.0 closes', `GET / HTTP/1.0\r\n\r\n`, { minor: 0, keep: false, done: true }],
  ['version 1.0 that keeps', `GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n`, { minor: 0, keep: true }],
  ['a later minor version is 1.1: RFC 9110 §2.5', `GET / HTTP/1.7\r\n${H}\r\n`, { minor: 1, done: true }],
  ['version 2.0', `GET / HTTP/2.0\r\n${H}\r\n`, { status: 505 }],
  ['no version', 'GET /\r\n', { status: 400 }],
  ['a version of another shape', `GET / HTTP/1.10\r\n${H}\r\n`, { status: 400 }],
  ['a version in lower case', `GET / http/1.1\r\n${H}\r\n`, { status: 400 }],
  ['two spaces', `GET  / HTTP/1.1\r\n${H}\r\n`, { status: 400 }],
  ['a space at the start', ` GET / HTTP/1.1\r\n`, { status: 400 }],
  ['methods are case-sensitive: RFC 9110 §9.1', `get / HTTP/1.1\r\n${H}\r\n`, { status: 501 }],
  ['a method nobody knows', `BREW / HTTP/1.1\r\n${H}\r\n`, { status: 501 }],
  ['a method without end', 'A'.repeat(65), { status: 501 }],
  ['a method that is none', 'G{T / HTTP/1.1\r\n', { status: 400 }],
  ['TLS', '\x16\x03\x01\x02\x00', { status: 400 }],
  ['a byte of UTF-8 in the target', 'GET /\xc3\xa4 HTTP/1.1\r\n', { status: 400 }],
  ['a control character in the target', 'GET /\x01 HTTP/1.1\r\n', { status: 400 }],
  ['no host: RFC 9112 §3.2', `GET / HTTP/1.1\r\n\r\n`, { status: 400 }],
  ['two hosts', get('/', H + H), { status: 400 }],
  ['an empty host', get('/', 'Host:\r\n'), { done: true }],
  ['a blank before the colon: RFC 9112 §5.1', get('/', `Host : a\r\n`), { status: 400 }],
  ['a folded field: RFC 9112 §5.2', get('/', `${H} folded\r\n`), { status: 400 }],
  ['a field without name', get('/', `${H}: x\r\n`), { status: 400 }],
  ['a field without colon', get('/', `${H}name\r\n`), { status: 400 }],
  ['a control character in a value', get('/', `Host: a\x00b\r\n`), { status: 400 }],
  ['names do not care for case, values lose their blanks', get('/', `hOSt: a\r\nCONNECTION: \t close \t\r\n`), { keep: false, done: true }],
  ['a list of options', get('/', `${H}Connection: a, Close ,b\r\n`), { keep: false }],
  ['what only looks like close', get('/', `${H}Connection: closed, xclose\r\n`), { keep: true }],
  ['too many options to look at', get('/', `${H}Connection: ${'a,'.repeat(40)}\r\n`), { keep: false }],
  ['content', post('Content-Length: 5', 'hello'), { body: 'hello', route: Route.Sink, method: Method.Post, done: true }],
  ['content and the next request', post('Content-Length: 5', 'hello') + get('/'), { body: 'hello', used: post('Content-Length: 5', 'hello').length }],
  ['content of length 0', post('Content-Length: 0'), { body: '', done: true }],
  ['GET with content', get('/', `${H}Content-Length: 3\r\n`) + 'abc', { body: 'abc', done: true }],
  ['content in HTTP/1.0', 'POST /sink HTTP/1.0\r\nContent-Length: 2\r\n\r\nab', { body: 'ab', keep: false, done: true }],
  ['a length that is none', post('Content-Length: 5x'), { status: 400 }],
  ['a negative length', post('Content-Length: -5'), { status: 400 }],
  ['an empty length', post('Content-Length: '), { status: 400 }],
  ['a list of lengths', post('Content-Length: 5, 5'), { status: 400 }],
  ['two lengths that differ: RFC 9112 §6.3', post('Content-Length: 5\r\nContent-Length: 6'), { status: 400 }],
  ['two that do not', post('Content-Length: 2\r\nContent-Length: 02', 'ab'), { body: 'ab', done: true }],
  ['more than 32 bits', post('Content-Length: 4294967296'), { status: 413 }],
  ['more than 64 bits', post('Content-Length: 18446744073709551621'), { status: 413 }],
  ['a length without end', post(`Content-Length: ${'0'.repeat(65)}`), { status: 400 }],
  ['chunks', chunked('5\r\nhello\r\n0\r\n\r\n'), { body: 'hello', done: true }],
  ['several, in both cases', chunked('a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n'), { body: '01234567890123456789a', done: true }],
  ['chunks and the next request', chunked('1\r\nx\r\n0\r\n\r\n') + get('/'), { body: 'x', used: chunked('1\r\nx\r\n0\r\n\r\n').length }],
  ['no chunk but the last', chunked('0\r\n\r\n'), { body: '', done: true }],
  ['extensions and trailers are stepped over: RFC 9112 §7.1', chunked('2;a="b\tc"\r\nhi\r\n0;x\r\nA: b\r\nC: d\r\n\r\n'), { body: 'hi', done: true }],
  ['a size without digits', chunked(';a\r\n'), { status: 400 }],
  ['a size with a sign', chunked('+1\r\nx\r\n'), { status: 400 }],
  ['a size with 0x', chunked('0x1\r\nx\r\n'), { status: 400 }],
  ['LF alone after a size', chunked('1\nx\r\n'), { status: 400 }],
  ['a chunk that is longer than it says', chunked('1\r\nxy\r\n'), { status: 400 }],
  ['LF alone after a chunk', chunked('1\r\nx\n0\r\n\r\n'), { status: 400 }],
  ['a size of 36 bits', chunked('100000000\r\n'), { status: 413 }],
  ['sizes that add up to more than 32 bits', chunked('1\r\nx\r\nffffffff\r\n'), { status: 413 }],
  ['zeros without end', chunked('0'.repeat(17)), { status: 400 }],
  ['a control character in an extension', chunked('1;\x01\r\n'), { status: 400 }],
  ['trailers without end', chunked(`0\r\n${'a: b\r\n'.repeat(3000)}`), { status: 431 }],
  ['another coding', post('Transfer-Encoding: gzip'), { status: 501 }],
  ['chunked after another', post('Transfer-Encoding: gzip, chunked'), { status: 501 }],
  ['chunked twice', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked'), { status: 400 }],
  ['chunked and a length: RFC 9112 §11.2', post('Transfer-Encoding: chunked\r\nContent-Length: 5'), { status: 400 }],
  ['a length and chunked', post('Content-Length: 5\r\nTransfer-Encoding: chunked'), { status: 400 }],
  ['chunked in HTTP/1.0: RFC 9112 §6.1', 'POST /sink HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n', { status: 400 }],
  ['an expectation', post('Content-Length: 1\r\nExpect: 100-Continue', 'x'), { expects: true, body: 'x', done: true }],
  ['another expectation', post('Expect: 200-ok'), { status: 417 }],
  ['an expectation in HTTP/1.0 is none: RFC 9110 §10.1.1', 'POST /sink HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx', { expects: false, body: 'x' }],
  ['a long name and a long value are nothing', get('/', `${H}${'x'.repeat(100)}: ${'y'.repeat(300)}\r\n`), { done: true }],
  ['a target of 8,000 bytes', get(`/${'a'.repeat(7999)}`), { route: Route.None, done: true }],
  ['one of 8,001', get(`/${'a'.repeat(8000)}`), { status: 414 }],
  ['16 KiB of fields', get('/', H + 'a: b\r\n'.repeat(2700)), { done: true }],
  ['more of them', get('/', H + 'a: b\r\n'.repeat(2800)), { status: 431 }],
]

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    const m = e.start()
    const memory = m.alloc(65536)
    const field = (which: number) => m.call('parserField', which) >>> 0

    /** Feed the text in pieces that end at `cuts`. */
    const read = (text: string, cuts: readonly number[]): Read => {
      const bytes = Buffer.from(text, 'latin1')
      m.call('parserBegin')
      m.write(memory, bytes)
      let used = 0, body = '', route = 0, number = 0
      for (const cut of [...cuts, bytes.length]) {
        while (used < cut && field(0) < Done) {
          used += m.call('parserRead', memory + used, cut - used)
          if (field(10) !== 0) body += Buffer.from(m.bytes(field(9), field(10))).toString('latin1')
          if (field(0) !== HeadDone) continue
          route = field(11)
          number = field(12)
          m.call('parserBody')
        }
      }
      const state = field(0)
      return {
        status: state === Failed ? field(1) : 0, method: field(2), minor: field(3), keep: field(4) === 1, expects: field(5) === 1,
        route, number, body, used, done: state === Done,
      }
    }

    for (const [name, text, expected] of cases) {
      t.test(name, async t => {
        const whole = read(text, [])
        t.match(whole, { status: 0, ...expected })
        const every = Array.from({ length: text.length }, (_, i) => i)
        t.same(read(text, every), whole, 'byte by byte')
        const places = text.length < 400 ? every : every.filter(i => i < 60 || i % 997 === 0 || i > text.length - 20)
        for (const cut of places) {
          const cutInTwo = read(text, [cut])
          if (JSON.stringify(cutInTwo) !== JSON.stringify(whole)) t.same(cutInTwo, whole, `cut at ${cut}`)
        }
      })
    }

    t.test('random bytes end somewhere, and nowhere outside', async t => {
      let seed = 7
      const random = (n: number) => (seed = (seed * 1103515245 + 12345) >>> 0) % n
      for (let round = 0; round < 200; round++) {
        const [, text] = cases[random(cases.length)]!
        const bytes = [...Buffer.from(text, 'latin1').subarray(0, 300)]
        for (let i = 0; i < 3; i++) bytes[random(bytes.length)] = random(256)
        const mutated = Buffer.from(bytes).toString('latin1')
        t.same(read(mutated, Array.from({ length: bytes.length }, (_, i) => i)), read(mutated, []), JSON.stringify(mutated))
      }
    })

    t.test('CRC-32', async t => {
      m.write(memory, Buffer.from('123456789'))
      t.equal(m.call('crc32', 0, memory, 9) >>> 0, 0xcbf43926, 'the check value of its catalogues')
      t.equal(m.call('crc32', m.call('crc32', 0, memory, 4), memory + 4, 5) >>> 0, 0xcbf43926, 'in two pieces')
      t.equal(m.call('crc32', 0, memory, 0), 0)
    })
  })
}
