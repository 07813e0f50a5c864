// kernel/services/http/: the server over pipes: answers, their order, connections that stay or go, slow and broken peers.

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { type Client, Services } from '../../../../wire/pipes.ts'

const IDLE = 15_000
const LIMIT = 256
const H = 'Host: a\r\n'
const get = (path: string, fields = H) => `GET ${path} HTTP/1.1\r\n${fields}\r\n`

interface Answer { status: number, reason: string, fields: Record<string, string>, body: Buffer }

/** All answers in what was received; a HEAD's has no content, which `heads` says by place. */
function answers(received: Buffer, heads: number[] = []): Answer[] {
  const list: Answer[] = []
  let rest = received
  while (rest.length > 0) {
    const end = rest.indexOf('\r\n\r\n')
    if (end < 0) throw new Error(`no end of a head in ${JSON.stringify(rest.toString('latin1'))}`)
    const [first, ...lines] = rest.subarray(0, end).toString('latin1').split('\r\n')
    const [, status, reason] = /^HTTP\/1\.1 (\d{3}) (.*)$/.exec(first!)!
    const fields = Object.fromEntries(lines.map(line => [line.split(': ')[0]!.toLowerCase(), line.split(': ')[1]!]))
    const length = heads.includes(list.length) || status === '100' ? 0 : Number(fields['content-length'])
    list.push({ status: Number(status), reason: reason!, fields, body: rest.subarray(end + 4, end + 4 + length) })
    rest = rest.subarray(end + 4 + length)
  }
  return list
}

/** N bytes as /bytes/N has them. */
const pattern = (n: number) => {
  const bytes = Buffer.alloc(Math.ceil(n / 4) * 4)
  for (let i = 0; i * 4 < n; i++) bytes.writeUInt32BE(i, i * 4)
  return bytes.subarray(0, n)
}

for (const e of await engines('test/kernel/net.ts')) {
  const serving = () => {
    const services = new Services(e)
    services.call('heapInit')
    t.equal(services.call('httpServiceStart'), 0)
    return services
  }
  const ask = (client: Client, text: string, piece?: number) => answers(client.send(Buffer.from(text, 'latin1'), piece))

  t.test(e.kind, async t => {
    t.test('the page, the statistics, the metrics', async t => {
      const client = serving().connect(80)
      const [page, stats, metrics] = ask(client, get('/') + get('/api/stats') + get('/metrics'))
      t.match(page, { status: 200, reason: 'OK', fields: { 'content-type': 'text/html; charset=utf-8', 'server': /^Porphyry\/\d/ } })
      t.match(page!.body.toString(), /^<!doctype html>[^]*<\/script>\n$/)
      t.ok(page!.body.length < 16384, 'small')
      t.match(stats, { status: 200, fields: { 'content-type': 'application/json', 'cache-control': 'no-store' } })
      const now = JSON.parse(stats!.body.toString()) as { version: string, http: { connections: number, answers: number }, swap: unknown, log: string[] }
      t.match(now, { version: /^\d+\.\d+\.\d+$/, http: { connections: 1, answers: 2 }, swap: null })
      t.match(metrics!.fields['content-type'], /^text\/plain; version=0\.0\.4/)
      for (const line of metrics!.body.toString().trimEnd().split('\n')) {
        t.match(line, /^(# (HELP|TYPE) porphyry_[a-z0-9_]+ .+|porphyry_[a-z0-9_]+(\{[a-z]+="[^"\\]*"\})? \d+(\.\d+)?)$/)
      }
      t.notOk(client.ended)
    })

    t.test('every metric has its HELP and TYPE before it, once, and counters end in _total', async t => {
      const [answer] = ask(serving().connect(80), get('/metrics'))
      const lines = answer!.body.toString().trimEnd().split('\n')
      const typed = lines.filter(line => line.startsWith('# TYPE ')).map(line => line.split(' ').slice(2))
      t.same(typed.length, new Set(typed.map(([name]) => name)).size)
      for (const [name, type] of typed) t.equal(type === 'counter', name!.endsWith('_total'), name!)
      let current = ''
      for (const line of lines) {
        if (line.startsWith('# TYPE ')) current = line.split(' ')[2]!
        else if (!line.startsWith('#')) t.equal(line.split(/[ {]/)[0], current)
      }
    })

    t.test('bytes, whole, for a peer that takes them by and by, and none', async t => {
      const services = serving()
      for (const n of [0, 1, 3, 4, 5, 1000, 16384, 100_001]) {
        for (const room of [2048, 7]) {
          if (room === 7 && n > 1000) continue
          const [answer] = ask(services.connect(80, room), get(`/bytes/${n}`), room)
          t.equal(answer!.fields['content-length'], String(n))
          t.ok(answer!.body.equals(pattern(n)), `${n} bytes`)
        }
      }
    })

    t.test('requests one after another in one piece are answered in order, also by a peer that reads late', async t => {
      const client = serving().connect(80, 500)
      const text = Array.from({ length: 40 }, (_, i) => get(`/bytes/${i * 10}`)).join('')
      const all = answers(client.send(text, 500))
      t.same(all.map(each => each.body.length), Array.from({ length: 40 }, (_, i) => i * 10))
      t.equal(client.services.call('heapAllocations'), 0, 'nothing is kept')
    })

    t.test('who is not served is told so and may go on', async t => {
      const client = serving().connect(80)
      const all = ask(client, get('/none') + `PUT / HTTP/1.1\r\n${H}Content-Length: 3\r\n\r\nabc` + get('/sink') + `DELETE /x HTTP/1.1\r\n${H}\r\n` + get('/bytes/1'))
      t.same(all.map(each => each.status), [404, 405, 405, 404, 200])
      t.same([all[1]!.fields['allow'], all[2]!.fields['allow']], ['GET, HEAD', 'POST'])
      t.notOk(client.ended)
    })

    t.test('what can not be read ends the connection, after the answer and without a reset', async t => {
      for (const [text, status] of [
        ['GET /\r\n\r\n', 400], ['BREW / HTTP/1.1\r\n', 501], [`GET / HTTP/2.0\r\n`, 505], [`GET /${'a'.repeat(9000)} HTTP/1.1\r\n`, 414],
        [get('/', H + 'a: b\r\n'.repeat(3000)), 431], [`POST /sink HTTP/1.1\r\n${H}Content-Length: 9999999999\r\n\r\nxxxx`, 413],
      ] as const) {
        const services = serving()
        const client = services.connect(80)
        const [answer] = ask(client, text)
        t.match(answer, { status, fields: { connection: 'close' } })
        t.same([client.ended, client.closed], [true, false], 'it waits for the peer to end')
        client.write('more that nobody reads')
        services.run()
        client.end()
        t.same([client.closed, client.unread], [true, false])
        t.equal(services.call('socketsOpen'), 1)
      }
    })

    t.test('a peer that does not end is waited for no longer than SERVICE_LINGER', async t => {
      const services = serving()
      const client = services.connect(80)
      ask(client, get('/bytes/1', `${H}Connection: close\r\n`))
      t.same([client.ended, client.closed], [true, false])
      services.advance(4999)
      t.notOk(client.closed)
      services.advance(2)
      t.ok(client.closed)
    })

    t.test('Expect: 100-continue, and the final answer at once where there will be no other', async t => {
      const services = serving()
      const client = services.connect(80)
      const head = (path: string) => `POST ${path} HTTP/1.1\r\n${H}Expect: 100-continue\r\nContent-Length: 9\r\n\r\n`
      t.same(ask(client, head('/sink')).map(each => each.status), [100])
      t.same(ask(client, '123456789').map(each => [each.status, each.body.toString()]), [[200, '{"bytes":9,"crc32":"cbf43926"}\n']])
      t.match(ask(client, head('/none')), [{ status: 404, fields: { connection: 'close' } }])
      t.ok(client.ended)
      t.match(ask(services.connect(80), `POST /sink HTTP/1.1\r\n${H}Expect: tea\r\n\r\n`), [{ status: 417 }])
    })

    t.test('HTTP/1.0 closes, unless asked to stay', async t => {
      const services = serving()
      const first = services.connect(80)
      t.match(ask(first, 'GET /bytes/2 HTTP/1.0\r\n\r\n'), [{ status: 200, fields: { connection: 'close' } }])
      t.ok(first.ended)
      const second = services.connect(80)
      t.match(ask(second, 'GET /bytes/2 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n'), [{ status: 200, fields: { connection: 'keep-alive' } }])
      t.notOk(second.ended)
    })

    t.test('a peer that ends after its request is answered', async t => {
      const client = serving().connect(80, 100)
      client.write(get('/bytes/1000'))
      client.services.call('pipeEnd', client.which)
      client.services.run()
      t.equal(answers(client.readAll())[0]!.body.length, 1000)
      t.same([client.closed, client.unread], [true, false])
    })

    t.test('slowloris: a head has HTTP_IDLE for all of it, however its bytes trickle', async t => {
      const services = serving()
      const slow = services.connect(80)
      const idle = services.connect(80)
      let got = Buffer.alloc(0)
      for (let i = 0; i < 20 && !slow.ended; i++) {
        got = Buffer.concat([got, slow.send(i === 0 ? 'GET / HTTP/1.1\r\n' : `X-${i}: x\r\n`)])
        services.advance(1000)
      }
      got = Buffer.concat([got, slow.readAll()])
      t.match(answers(got), [{ status: 408, fields: { connection: 'close' } }])
      services.advance(6000)
      t.same([slow.closed, idle.closed], [true, true])
      t.equal(idle.readAll().length, 0, 'who asked nothing is told nothing')
      t.same([services.call('httpCounter', 0), services.call('httpCounter', 3)], [0, 2])
    })

    t.test('content that trickles, and an answer nobody takes, have HTTP_IDLE too', async t => {
      const services = serving()
      const slow = services.connect(80)
      const deaf = services.connect(80, 100)
      slow.send(`POST /sink HTTP/1.1\r\n${H}Content-Length: 100000\r\n\r\n`)
      deaf.write(get('/bytes/100000'))
      for (let i = 0; i < 16; i++) {
        services.advance(1000)
        slow.send('x'.repeat(20))
      }
      t.ok(deaf.closed)
      t.match(answers(slow.readAll()), [])
      services.advance(6000)
      t.ok(slow.closed)
      const good = services.connect(80)
      good.send(`POST /sink HTTP/1.1\r\n${H}Content-Length: 100000\r\n\r\n`)
      for (let i = 0; i < 40; i++) {
        services.advance(1000)
        t.equal(good.send('x'.repeat(100)).length, 0)
      }
      t.notOk(good.ended, '100 bytes a second is slow, and alive')
    })

    t.test('a peer that stays has HTTP_IDLE from its last answer', async t => {
      const services = serving()
      const client = services.connect(80)
      for (let i = 0; i < 3; i++) {
        services.advance(IDLE - 1)
        t.equal(ask(client, get('/bytes/1'))[0]!.status, 200)
      }
      services.advance(IDLE + 1)
      t.ok(client.closed)
    })

    t.test('at HTTP_CONNECTIONS the next waits, and is served when one goes', async t => {
      const services = serving()
      const clients = Array.from({ length: LIMIT }, () => services.connect(80))
      const next = services.connect(80)
      t.same([clients.every(each => each.accepted), next.accepted, services.call('httpCounter', 4)], [true, false, 0])
      clients[5]!.end()
      services.run()
      t.ok(next.accepted)
      t.equal(ask(next, get('/bytes/1'))[0]!.status, 200)
    })
  })
}
