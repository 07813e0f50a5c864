// The HTTP server of a booted kernel, asked by others' clients over a tap device: curl, and Python's http.client and raw
// sockets.

import t from 'tap'
import { Namespace } from '../namespace.ts'
import { need } from '../need.ts'
import { GUEST, HOST } from '../networked.ts'
import { booted } from '../qemu.ts'

const URL = `http://${GUEST.ip}`
const PREAMBLE = `
import http.client, json, socket, zlib
def connect():
    s = socket.create_connection(('${GUEST.ip}', 80), 10)
    return s
def all(s):
    data = b''
    while True:
        piece = s.recv(65536)
        if not piece: return data
        data += piece
`

await t.test('HTTP over a tap', async t => {
  if (!need(t, 'root', 'tun', { command: 'curl' })) return
  const namespace = await Namespace.create(t, `${HOST.ip}/24`)
  await booted(t, 'http', {
    append: `eth0=${GUEST.ip}/24,gw=${HOST.ip} swap=none`, namespace: namespace.name, args: namespace.card(GUEST.mac),
  }, async (t, machine) => {
    await machine.until(/net: up .*if=eth0/)
    const curl = (...args: string[]) => namespace.must('curl', ['-sS', '-m', '20', ...args])
    const python = async (script: string) => (await namespace.must('python3', ['-c', PREAMBLE + script])).trim()

    await t.test('the page, JSON, metrics; 404 and 405', async t => {
      t.match(await curl(`${URL}/`), /^<!doctype html>[^]*<\/script>/)
      const stats = JSON.parse(await curl(`${URL}/api/stats`)) as { interfaces: { name: string }[], log: string[] }
      t.match(stats, { version: String, memory: { total_bytes: Number }, interfaces: [{ name: 'eth0', addresses: [`${GUEST.ip}/24`] }, { name: 'lo' }] })
      t.ok(stats.log.some(line => line.includes('boot: ready')))
      t.match(await curl(`${URL}/metrics`), /# TYPE porphyry_uptime_seconds gauge\nporphyry_uptime_seconds \d/)
      t.equal(await curl('-o', '/dev/null', '-w', '%{http_code}', `${URL}/nothing`), '404')
      t.equal(await curl('-o', '/dev/null', '-w', '%{http_code}', '-X', 'DELETE', `${URL}/`), '405')
      const head = await curl('-I', `${URL}/`)
      t.match(head, /^HTTP\/1\.1 200 OK\r\n/)
      const date = Date.parse(/^date: (.*)\r$/im.exec(head)![1]!)
      t.ok(Math.abs(date - Date.now()) < 60_000, 'its date is the machine\'s')
    })

    await t.test('content in both directions, sums compared; curl waits for 100 Continue', async t => {
      const script = `
c = http.client.HTTPConnection('${GUEST.ip}', 80, 20)
for n in (0, 1, 1460, 65536, 3000001):
    c.request('GET', '/bytes/%d' % n)
    got = c.getresponse().read()
    assert got == b''.join(i.to_bytes(4, 'big') for i in range((n + 3) // 4))[:n], n
    body = bytes(i * 7 & 255 for i in range(n))
    c.request('POST', '/sink', body)
    assert json.loads(c.getresponse().read()) == {'bytes': n, 'crc32': '%08x' % zlib.crc32(body)}, n
    c.request('POST', '/sink', iter([body[:n // 2], body[n // 2:]]) if n else iter([]), encode_chunked=True, headers={'Transfer-Encoding': 'chunked'})
    assert json.loads(c.getresponse().read()) == {'bytes': n, 'crc32': '%08x' % zlib.crc32(body)}, n
print('equal')`
      t.equal(await python(script), 'equal')
      const out = await curl('-v', '--stderr', '-', '--data-binary', `@${process.execPath}`, `${URL}/sink`)
      t.match(out, /100 Continue/)
    })

    await t.test('a hundred requests in one piece; half a connection; one byte at a time', async t => {
      t.equal(await python(`
s = connect()
s.sendall(b''.join(b'GET /bytes/%d HTTP/1.1\\r\\nHost: a\\r\\n%s\\r\\n' % (i, b'Connection: close\\r\\n' if i == 99 else b'') for i in range(100)))
data = all(s)
print(data.count(b'HTTP/1.1 200 OK'), sum(len(each.split(b'\\r\\n\\r\\n', 1)[1]) for each in data.split(b'HTTP/1.1 200 OK')[1:]))`), `100 ${99 * 50}`)
      t.match(await python(`
s = connect()
s.sendall(b'GET /api/stats HTTP/1.0\\r\\n\\r\\n')
s.shutdown(socket.SHUT_WR)
print(all(s).decode()[:15])`), 'HTTP/1.1 200 OK')
      t.match(await python(`
s = connect()
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
for b in b'GET /bytes/5 HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n': s.send(bytes([b]))
print(all(s).decode('latin1')[:15])`), 'HTTP/1.1 200 OK')
    })

    await t.test('240 connections that say nothing do not keep the next from being served', async t => {
      t.equal(await python(`
idle = [connect() for i in range(240)]
c = http.client.HTTPConnection('${GUEST.ip}', 80, 20)
c.request('GET', '/api/stats')
print(json.loads(c.getresponse().read())['http']['connections'] > 240)`), 'True')
    })

    await t.test('echo over TCP is there by default, and half-closes', async t => {
      t.equal(await python(`
s = socket.create_connection(('${GUEST.ip}', 7), 10)
body = bytes(i * 13 & 255 for i in range(100000))
s.sendall(body)
s.shutdown(socket.SHUT_WR)
print(all(s) == body)`), 'True')
    })
    t.same(machine.events.filter(event => event.level === 'error').map(event => event.line), [])
  })
})
