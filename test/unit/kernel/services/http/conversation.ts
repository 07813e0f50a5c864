// kernel/services/http as its peer sees it: requests in, in every division, answers out. RFC 9110, RFC 9112. The parser by itself
// is in request.ts; time, limits and buffers are in server.ts.
// Time limit: 300 s

import { crc32 } from 'node:zlib'
import t from 'tap'
import { engines } from '../../../../engine.ts'
import { pattern, request, responses, type Response } from '../../../../wire/http.ts'
import { Services } from '../../../../wire/pipes.ts'

const get = (target: string, fields: Record<string, string | null> = {}) => request('GET', target, fields)
const chunked = { 'Transfer-Encoding': 'chunked' }
const sunk = (body: string) => JSON.stringify({ bytes: body.length, crc32: (crc32(body) >>> 0).toString(16).padStart(8, '0') }) + '\n'

/** Raw bytes, and the statuses they earn; whether the connection is closed then. */
const STATUSES: [what: string, bytes: string | Buffer, statuses: number[], closed: boolean][] = [
  ['a request', get('/bytes/3'), [200], false],
  ['fields in any case, blanks around values', 'GET /bytes/3 HTTP/1.1\r\nhOsT:\t guest \t\r\ncontent-LENGTH:0\r\n\r\n', [200], false],
  ['an empty line before it (RFC 9112 §2.2)', '\r\n\r\nGET /bytes/3 HTTP/1.1\r\nHost: g\r\n\r\n', [200], false],
  ['lines that end in LF alone (§2.2)', 'GET /bytes/3 HTTP/1.1\nHost: g\n\n', [200], false],
  ['absolute form (§3.2.2)', get('http://elsewhere/bytes/3'), [200], false],
  ['a query', get('/bytes/3?a=b/c'), [200], false],
  ['two at once', Buffer.concat([get('/bytes/3'), get('/bytes/4')]), [200, 200], false],
  ['HEAD', request('HEAD', '/bytes/3'), [200], false],
  ['Connection: close (§9.6)', get('/bytes/3', { Connection: 'close' }), [200], true],
  ['close among others', get('/bytes/3', { Connection: 'upgrade, Close' }), [200], true],
  ['HTTP/1.0 (§9.3)', 'GET /bytes/3 HTTP/1.0\r\n\r\n', [200], true],
  ['HTTP/1.0 that stays', 'GET /bytes/3 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n', [200], false],
  ['HTTP/1.7 is read as 1.1 (§2.3)', 'GET /bytes/3 HTTP/1.7\r\nHost: g\r\n\r\n', [200], false],
  ['a body with a length', request('POST', '/sink', { 'Content-Length': '5' }, 'hello'), [200], false],
  ['the same length twice (RFC 9110 §8.6)', 'POST /sink HTTP/1.1\r\nHost: g\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab', [200], false],
  ['chunks, extensions, trailers (§7.1)', request('POST', '/sink', chunked, '3;a=b;c="d"\r\nabc\r\n0A\r\n0123456789\r\n0\r\nX: y\r\n\r\n'), [200], false],
  ['100-continue (RFC 9110 §10.1.1)', request('POST', '/sink', { 'Content-Length': '2', Expect: '100-continue' }, 'ab'), [100, 200], false],
  ['100-continue without content', request('POST', '/sink', { 'Content-Length': '0', Expect: '100-continue' }), [200], false],
  ['a body nobody wanted, then a request', Buffer.concat([request('POST', '/', { 'Content-Length': '3' }, 'abc'), get('/bytes/1')]), [405, 200], false],

  ['nothing there', get('/nothing'), [404], false],
  ['a number that is none', get('/bytes/1x'), [404], false],
  ['DELETE /', request('DELETE', '/'), [405], false],
  ['GET /sink', get('/sink'), [405], false],
  ['an expectation for what is not there', request('POST', '/no', { 'Content-Length': '9', Expect: '100-continue' }), [404], true],
  ['another expectation', get('/', { Expect: 'miracles' }), [417], true],
  ['no Host (§3.2)', get('/', { Host: null }), [400], true],
  ['two Hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', [400], true],
  ['no target', 'GET HTTP/1.1\r\n\r\n', [400], true],
  ['no version', 'GET /\r\nHost: g\r\n\r\n', [400], true],
  ['a version that is none', 'GET / HTTP/1.1x\r\nHost: g\r\n\r\n', [400], true],
  ['bytes that are no method', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', [400], true],
  ['a blank before the colon (§5.1)', 'GET / HTTP/1.1\r\nHost : g\r\n\r\n', [400], true],
  ['a folded field (§5.2)', 'GET / HTTP/1.1\r\nHost: g\r\nA: b\r\n c\r\n\r\n', [400], true],
  ['a field without a name', 'GET / HTTP/1.1\r\n: g\r\n\r\n', [400], true],
  ['a NUL in a value (RFC 9110 §5.5)', 'GET / HTTP/1.1\r\nHost: g\r\nA: b\0c\r\n\r\n', [400], true],
  ['a CR alone (§2.2)', 'GET / HTTP/1.1\r\nHost: g\rA: b\r\n\r\n', [400], true],
  ['a length that is none', request('POST', '/sink', { 'Content-Length': '+3' }, 'abc'), [400], true],
  ['no length', request('POST', '/sink', { 'Content-Length': '' }), [400], true],
  ['two lengths (§6.3)', 'POST /sink HTTP/1.1\r\nHost: g\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd', [400], true],
  ['a length and chunks (§6.3)', request('POST', '/sink', { ...chunked, 'Content-Length': '3' }, '0\r\n\r\n'), [400], true],
  ['chunks in HTTP/1.0 (§6.1)', 'POST /sink HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', [400], true],
  ['a chunk of no size', request('POST', '/sink', chunked, 'x\r\n'), [400], true],
  ['a chunk that is longer than it says', request('POST', '/sink', chunked, '2\r\nabc\r\n0\r\n\r\n'), [400], true],
  ['a chunk\'s line that ends in LF', request('POST', '/sink', chunked, '2\nab\r\n0\r\n\r\n'), [400], true],
  ['a negative chunk', request('POST', '/sink', chunked, '-1\r\n'), [400], true],
  ['a length past 32 bits', request('POST', '/sink', { 'Content-Length': '4294967296' }), [413], true],
  ['a chunk past 32 bits', request('POST', '/sink', chunked, '100000000\r\n'), [413], true],
  ['another coding (§6.1)', request('POST', '/sink', { 'Transfer-Encoding': 'gzip, chunked' }), [501], true],
  ['a method nobody knows', request('BREW', '/'), [501], true],
  ['HTTP/2 (RFC 9113 §3.4)', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', [501], true],
  ['GET of HTTP/2.0', 'GET / HTTP/2.0\r\nHost: g\r\n\r\n', [505], true],
]

/** Requests that are too long to be divided everywhere. */
const LONG: [what: string, bytes: Buffer, status: number, closed: boolean][] = [
  ['a target as long as RFC 9112 §3 asks for', get('/' + 'a'.repeat(7999)), 404, false],
  ['a target that is longer', get('/' + 'a'.repeat(8000)), 414, true],
  ['fields of 16 KB', get('/bytes/1', { A: 'b'.repeat(16_000) }), 200, false],
  ['fields that are longer', get('/bytes/1', { A: 'b'.repeat(16_384) }), 431, true],
  ['many fields', get('/bytes/1', Object.fromEntries(Array.from({ length: 4000 }, (_, i) => [`A${i}`, 'b']))), 431, true],
  ['a method without end', Buffer.from('A'.repeat(5000)), 501, true],
]

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    const serving = () => {
      const services = new Services(e)
      services.call('heapInit')
      if (services.call('httpServiceStart') !== 0) throw new Error('HTTP did not start')
      return services
    }
    /** The one answer to one request, on a connection of its own. */
    const ask = (services: Services, bytes: Buffer, method = 'GET'): Response => {
      const client = services.connect(80)
      const [only, ...rest] = responses(client.send(bytes), [method])
      if (only === undefined || rest.length > 0) throw new Error('not one answer')
      client.forget()
      return only
    }

    t.test('what each request earns, and whether the connection stays', async t => {
      const services = serving()
      for (const [what, bytes, statuses, closed] of STATUSES) {
        const client = services.connect(80)
        const got = responses(client.send(bytes), what === 'HEAD' ? ['HEAD'] : [])
        t.same(got.map(each => each.status), statuses, what)
        t.equal(client.ended, closed, `${what}: ${closed ? 'closed' : 'open'}`)
        t.equal(got.at(-1)?.fields.get('connection') === 'close', closed, `${what}: says so`)
        client.end()
        t.same([client.closed, client.unread], [true, false], `${what}: gone when the peer is, and nothing unread, so no reset`)
        client.forget()
      }
      t.equal(services.call('socketsOpen'), 1, 'the listener')
    })

    t.test('however it is divided, it is the same request', async t => {
      const services = serving()
      for (const [what, whole, statuses, closed] of STATUSES) {
        const bytes = Buffer.from(whole as Buffer)
        const wrong: number[] = []
        for (let at = 0; at <= bytes.length; at++) { // at 0: each byte by itself
          const client = services.connect(80)
          const pieces = at === 0 ? [...bytes].map(byte => Buffer.of(byte)) : [bytes.subarray(0, at), bytes.subarray(at)]
          const got: Buffer[] = []
          for (const piece of pieces) if (!client.ended) got.push(client.send(piece))
          const seen = responses(Buffer.concat(got), what === 'HEAD' ? ['HEAD'] : []).map(each => each.status)
          if (seen.join() !== statuses.join() || client.ended !== closed) wrong.push(at)
          client.forget()
        }
        t.same(wrong, [], what)
      }
    })

    t.test('bounds of targets and fields', async t => {
      const services = serving()
      for (const [what, bytes, status, closed] of LONG) {
        const client = services.connect(80)
        const [got] = responses(client.send(bytes))
        t.equal(got?.status, status, what)
        t.equal(client.ended, closed, what)
        client.forget()
      }
    })

    t.test('405 says what is allowed; HEAD has the fields of GET and no content', async t => {
      const services = serving()
      t.equal(ask(services, request('PUT', '/')).fields.get('allow'), 'GET, HEAD')
      t.equal(ask(services, get('/sink')).fields.get('allow'), 'POST')
      for (const path of ['/', '/bytes/77', '/nothing']) {
        const [full, empty] = [ask(services, get(path)), ask(services, request('HEAD', path), 'HEAD')]
        t.same([...empty.fields], [...full.fields], path)
        t.equal(empty.body.length, 0)
        t.equal(full.body.length, Number(full.fields.get('content-length')))
      }
    })

    t.test('/sink counts and checks what it gets, with a length and in chunks', async t => {
      const services = serving()
      for (const length of [0, 1, 1000, 100_000]) {
        const body = pattern(length).toString('latin1')
        const bytes = Buffer.from(body, 'latin1')
        const expected = JSON.stringify({ bytes: length, crc32: (crc32(bytes) >>> 0).toString(16).padStart(8, '0') }) + '\n'
        t.equal(ask(services, request('POST', '/sink', { 'Content-Length': String(length) }, bytes)).body.toString(), expected)
        const pieces: Buffer[] = []
        for (let at = 0, size = 1; at < length; at += size, size = size * 3 % 1999 + 1) {
          const piece = bytes.subarray(at, at + size)
          pieces.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'))
        }
        pieces.push(Buffer.from('0\r\n\r\n'))
        t.equal(ask(services, request('POST', '/sink', chunked, Buffer.concat(pieces))).body.toString(), expected, `${length} in chunks`)
      }
      t.equal(ask(services, request('POST', '/sink', { 'Content-Length': '9' }, '123456789')).body.toString(), sunk('123456789'))
      t.match(sunk('123456789'), /cbf43926/, 'the check value of CRC-32')
    })

    t.test('a hundred requests at once are answered in their order, and not faster than they are taken', async t => {
      const client = serving().connect(80, 1500)
      const all = Buffer.concat(Array.from({ length: 100 }, (_, i) => get(`/bytes/${i * 10}`)))
      const got = responses(client.send(all))
      t.same(got.map(each => each.body.length), Array.from({ length: 100 }, (_, i) => i * 10))
      client.write(Buffer.concat(Array.from({ length: 30 }, () => get('/bytes/1400'))))
      client.services.run()
      t.equal(client.services.call('servicesPoll'), 0, 'who does not read costs nothing')
      t.ok(client.write(all) < all.length, 'and is not read from')
      t.notOk(client.closed)
    })

    t.test('resets at any moment leave nothing behind', async t => {
      const services = serving()
      for (const bytes of [Buffer.alloc(0), Buffer.from('GET /'), request('POST', '/sink', { 'Content-Length': '9' }, 'abc'), get('/bytes/99999'), get('/')]) {
        const client = services.connect(80, 50)
        client.write(bytes)
        services.run()
        client.reset()
        t.ok(client.closed)
      }
      t.same([services.call('socketsOpen'), services.call('httpCounter', 0), services.call('heapAllocations')], [1, 0, 0])
    })

    t.test('RFC 9110 §6.6.1: the date, in §5.6.7\'s form, while the time is known', async t => {
      const services = serving()
      t.notOk(ask(services, get('/')).fields.has('date'))
      for (const seconds of [784111777, 951782399, 951868799, 1_700_000_000, 4_102_444_800, 4_294_900_000]) { // of its example, leap days
        services.call('wallClockSet', seconds)
        const began = Number(JSON.parse(ask(services, get('/api/stats')).body.toString()).uptime_seconds)
        for (let i = 0; i < 3; i++) {
          const date = new Date((seconds + Math.floor(began) + i) * 1000).toUTCString()
          for (const path of ['/', '/api/stats', '/nothing', '/bytes/10']) t.equal(ask(services, get(path)).fields.get('date'), date, path)
          services.advance(1000)
        }
      }
    })

    t.test('the status is written once a millisecond', async t => {
      const services = serving()
      const answers = (): number => JSON.parse(ask(services, get('/api/stats')).body.toString()).http.answers as number
      const first = answers()
      t.equal(answers(), first, 'in the same one')
      services.advance(1)
      t.equal(answers(), first + 2, 'in the next')
    })

    t.test('/api/stats is JSON, /metrics is Prometheus text, / is one page', async t => {
      const services = serving()
      const stats = ask(services, get('/api/stats'))
      t.equal(stats.fields.get('content-type'), 'application/json')
      const value = JSON.parse(stats.body.toString()) as Record<string, unknown>
      for (const key of ['version', 'uptime_seconds', 'memory', 'interfaces', 'sockets', 'http', 'drops', 'swap', 'log']) t.ok(key in value, key)
      const metrics = ask(services, get('/metrics'))
      t.match(metrics.fields.get('content-type'), /^text\/plain; version=0\.0\.4/)
      t.same(metrics.body.toString().split('\n').filter(line => !METRIC.test(line)), [''])
      const page = ask(services, get('/'))
      t.match(page.fields.get('content-type'), /^text\/html; charset=utf-8/i)
      t.match(page.body.toString(), /^<!doctype html>/i)
      t.ok(page.body.length < 16_384, `${page.body.length} bytes`)
      t.notMatch(page.body.toString(), /(src|href)="?https?:/, 'nothing from elsewhere')
    })
  })
}

/** A line of the text format 0.0.4: a comment, or a sample. */
const METRIC = /^(# (HELP|TYPE) [a-z][a-z0-9_]* .+|[a-z][a-z0-9_]*(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? [0-9.]+)$/
