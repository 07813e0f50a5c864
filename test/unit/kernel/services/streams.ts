// kernel/services/stream-service.ts and echo, discard, chargen over streams: RFC 862, 863, 864 p. 1, back-pressure, limits.

import t from 'tap'
import { engines } from '../../../engine.ts'
import { counting } from '../../../wire/stack.ts'
import { Services } from '../../../wire/pipes.ts'

const ADDRESS_IN_USE = -98
const IDLE = 120_000
const PAUSE = 100

for (const e of await engines('test/kernel/net.ts')) {
  const serving = (start: string, memory?: number) => {
    const services = new Services(e, memory)
    t.equal(services.call(start), 0)
    return services
  }

  t.test(e.kind, async t => {
    t.test('a port that is taken is an error, and leaves no socket', async t => {
      const services = serving('echoStreamStart')
      t.equal(services.call('echoStreamStart'), ADDRESS_IN_USE)
      t.equal(services.call('socketsOpen'), 1)
    })

    t.test('nothing ready is nothing done', async t => {
      const services = serving('echoStreamStart')
      services.connect(7)
      t.equal(services.call('servicesPoll'), 0)
    })

    t.test('echo: what comes goes back, whatever the pieces', async t => {
      const services = serving('echoStreamStart')
      const sent = counting(5000)
      for (const [room, piece] of [[2048, 2048], [7, 5], [100, 1], [1, 1]] as const) {
        t.same(services.connect(7, room).send(sent, piece), Buffer.from(sent), `buffers of ${room}, pieces of ${piece}`)
      }
    })

    t.test('echo: a peer that does not read is not read from either; nothing is lost when it does', async t => {
      const client = serving('echoStreamStart').connect(7, 100)
      const sent = Buffer.from(counting(250))
      let at = 0
      for (let i = 0; i < 10; i++) {
        at += client.write(sent.subarray(at))
        client.services.run()
      }
      t.equal(at, 200, 'one buffer full each way')
      t.equal(client.services.call('servicesPoll'), 0, 'and no round is spent on it')
      const got = [client.readAll()]
      got.push(client.send(sent.subarray(at)))
      t.same(Buffer.concat(got), sent)
    })

    t.test('echo: a half-closed peer gets the rest, then the end', async t => {
      const client = serving('echoStreamStart').connect(7, 50)
      client.write(counting(50))
      client.services.run()
      client.write(counting(30))
      client.end()
      t.notOk(client.ended)
      t.equal(client.readAll().length, 80)
      t.ok(client.ended)
      t.ok(client.closed)
      t.notOk(client.unread)
    })

    t.test('a reset connection is gone', async t => {
      for (const start of ['echoStreamStart', 'discardStreamStart', 'chargenStreamStart']) {
        const services = serving(start)
        const client = services.connect({ echoStreamStart: 7, discardStreamStart: 9, chargenStreamStart: 19 }[start]!)
        client.reset()
        t.ok(client.closed, start)
        t.equal(services.call('socketsOpen'), 1)
      }
    })

    t.test('discard: everything is counted, nothing comes back, the end ends it', async t => {
      const services = serving('discardStreamStart')
      const client = services.connect(9)
      t.equal(client.send(counting(100_000)).length, 0)
      t.equal(services.m.read32(services.call('discardStreamBytes')), 100_000)
      client.end()
      t.ok(client.closed)
    })

    t.test('chargen: the pattern of RFC 864, however it is read; what is sent is ignored', async t => {
      const services = serving('chargenStreamStart')
      const line = (n: number) => String.fromCharCode(...Array.from({ length: 72 }, (_, i) => 32 + (n + i) % 95)) + '\r\n'
      const pattern = Array.from({ length: 300 }, (_, n) => line(n)).join('')
      for (const room of [2048, 37]) {
        const client = services.connect(19, room)
        client.write('stop it')
        t.equal(client.readAll(20_000).toString('latin1'), pattern.slice(0, 20_000), `buffers of ${room}`)
        client.end()
        t.equal(client.readAll(2000).toString('latin1'), pattern.slice(20_000, 22_000), 'a half-closed peer listens on')
        t.equal(services.call('servicesPoll'), 0)
      }
    })

    t.test('idle connections are closed, busy ones are not', async t => {
      const services = serving('echoStreamStart')
      const [idle, busy] = [services.connect(7), services.connect(7)]
      services.advance(IDLE - 1)
      busy.send('x')
      services.advance(2)
      t.ok(idle.closed)
      t.notOk(busy.closed)
      services.advance(IDLE)
      t.ok(busy.closed)
    })

    t.test('one service has two thirds of them at most, and the next is accepted when one goes', async t => {
      const services = serving('discardStreamStart', 1 << 20)
      services.call('echoStreamStart')
      const limit = 1 + Math.floor(services.call('framesTotal') * 66 / 100)
      const clients = Array.from({ length: limit + 2 }, () => services.connect(9))
      t.same(clients.map(each => each.accepted), clients.map((_, i) => i < limit))
      t.equal(services.call('servicesPoll'), 0, 'and no round is spent on those that wait')
      t.ok(services.connect(7).accepted, 'another service has room')
      clients[3]!.end()
      t.same([limit, limit + 1].map(i => clients[i]!.accepted), [true, false])
      clients[0]!.end()
      t.ok(clients[limit + 1]!.accepted)
    })

    t.test('no more connections than memory allows all services; the next is accepted soon after one goes', async t => {
      const services = serving('discardStreamStart', 1 << 20)
      services.call('echoStreamStart')
      const limit = services.call('framesTotal')
      t.ok(limit > 100)
      const clients = Array.from({ length: limit + 2 }, (_, i) => services.connect(i % 2 === 0 ? 9 : 7))
      t.same(clients.map(each => each.accepted), clients.map((_, i) => i < limit))
      t.equal(services.call('servicesPoll'), 0, 'and no round is spent on those that wait')
      services.advance(PAUSE)
      t.equal(clients[limit]!.accepted, false)
      clients[4]!.end()
      clients[5]!.end()
      services.advance(PAUSE)
      t.same([limit, limit + 1].map(i => clients[i]!.accepted), [true, true])
      t.equal(services.call('socketsOpen'), limit + 2)
    })
  })
}
