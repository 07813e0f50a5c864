// HTTP, echo, discard and chargen over TCP at their limits: much, slow, many at once, not read; by curl and Linux's sockets.
// What is on the wire meanwhile is read by tshark. The ordinary is in http.ts.
// Time limit: 300 s

import { createHash } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { crc32 } from 'node:zlib'
import t from 'tap'
import { Namespace } from '../namespace.ts'
import { need } from '../need.ts'
import { GUEST, HOST } from '../networked.ts'
import { booted } from '../qemu.ts'
import { count, fields, isClean } from '../tshark.ts'
import { pattern, request, responses } from '../wire/http.ts'

const URL = `http://${GUEST.ip}`
const SENT = 100_000_000
/** What Wireshark says of a segment on a wire that loses some. */
const LOSS = ['retransmission', 'fast_retransmission', 'spurious_retransmission', 'out_of_order', 'lost_segment', 'duplicate_ack']

/** Python in the namespace that talks to a port: `script` has `s`, a connected socket. */
const python = (port: number, script: string): string => `
import socket, sys, time, hashlib
s = socket.create_connection(('${GUEST.ip}', ${port}), 10); s.settimeout(30)
def all():
    got = b''
    while True:
        piece = s.recv(65536)
        if not piece: return got
        got += piece
${script}`

if (need(t, 'root', 'tun', { command: 'curl' }, { command: 'python3' }, { command: 'tshark' })) {
  const namespace = await Namespace.create(t, `${HOST.ip}/24`)
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'porphyry-http-'))
  t.teardown(() => fs.rmSync(folder, { recursive: true, force: true }))
  const file = (name: string) => path.join(folder, name)
  const curl = async (...args: string[]) => await namespace.must('curl', ['-sS', '--max-time', '120', ...args], { seconds: 130 })
  const talk = async (port: number, script: string) => await namespace.must('python3', ['-c', python(port, script)], { seconds: 100 })
  const sunk = (bytes: Buffer) => ({ bytes: bytes.length, crc32: (crc32(bytes) >>> 0).toString(16).padStart(8, '0') })

  await booted(t, 'services over TCP', {
    append: `eth0=${GUEST.ip}/24,gw=${HOST.ip} swap=none services=echo,discard,chargen,http`, namespace: namespace.name,
    args: namespace.card(GUEST.mac),
  }, async (t, machine) => {
    await machine.until(/net: up .*if=eth0/)

    await t.test('keep-alive: one connection for four requests', async t => {
      const used = await curl('-o', '/dev/null', '-w', '%{num_connects} ', ...[1, 2, 3, 4].flatMap(i => [`${URL}/bytes/${i}`, '-o', '/dev/null']))
      t.equal(used.trim(), '1 0 0 0')
    })

    await t.test('/bytes/N, byte for byte', async t => {
      for (const length of [0, 1, 1460, 65_537, 20_000_001]) {
        await curl('-o', file('bytes'), `${URL}/bytes/${length}`)
        const got = fs.readFileSync(file('bytes'))
        t.equal(got.length, length)
        t.equal(createHash('sha256').update(got).digest('hex'), createHash('sha256').update(pattern(length)).digest('hex'))
      }
    })

    await t.test('POST of 100 MB, with a length; of less in chunks', async t => {
      const bytes = pattern(SENT)
      fs.writeFileSync(file('post'), bytes)
      const begun = Date.now()
      const answer = await curl('--data-binary', `@${file('post')}`, `${URL}/sink`)
      t.comment(`${(SENT * 8 / 1000 / (Date.now() - begun)).toFixed(0)} Mbit/s`)
      t.same(JSON.parse(answer), sunk(bytes))
      fs.writeFileSync(file('post'), bytes.subarray(0, 3_000_001))
      const pieces = await curl('-H', 'Transfer-Encoding: chunked', '-H', 'Expect: 100-continue', '--data-binary', `@${file('post')}`, `${URL}/sink`)
      t.same(JSON.parse(pieces), sunk(bytes.subarray(0, 3_000_001)))
    })

    await t.test('pipelining: a hundred requests in one go, in pieces that begin and end anywhere', async t => {
      const lengths = Array.from({ length: 100 }, (_, i) => i * 37)
      const all = Buffer.concat(lengths.map((length, i) => request('GET', `/bytes/${length}`, i === 99 ? { Connection: 'close' } : {})))
      fs.writeFileSync(file('requests'), all)
      await talk(80, `
data = open('${file('requests')}', 'rb').read()
for i in range(0, len(data), 333):
    s.sendall(data[i:i+333])
open('${file('answers')}', 'wb').write(all())`)
      const got = responses(fs.readFileSync(file('answers')))
      t.same(got.map(each => [each.status, each.body.equals(pattern(each.body.length)), each.body.length]), lengths.map(length => [200, true, length]))
    })

    await t.test('slowloris: a head that never ends is told 408, and others are served meanwhile', async t => {
      const slow = talk(80, `
begun = time.time()
s.sendall(b'GET / HTTP/1.1\\r\\nHost: g\\r\\n')
s.settimeout(0.5)
while True:
    s.sendall(b'A: b\\r\\n')
    try: got = s.recv(4096)
    except socket.timeout: continue
    break
print(got[:12].decode(), 10 < time.time() - begun < 25)`)
      for (let i = 0; i < 10; i++) t.equal((await curl(`${URL}/bytes/4`)).length, 4)
      t.equal((await slow).trim(), 'HTTP/1.1 408 True')
    })

    await t.test('no more than the limit of connections, and the rest served when there is room', async t => {
      const out = await talk(80, `
more = [socket.create_connection(('${GUEST.ip}', 80), 10) for _ in range(300)]
time.sleep(0.3)
for each in more: each.sendall(b'GET /bytes/4 HTTP/1.1\\r\\nHost: g\\r\\nConnection: close\\r\\n\\r\\n')
served = 0
for each in more:
    each.settimeout(30); got = b''
    while True:
        piece = each.recv(4096)
        if not piece: break
        got += piece
    served += got.startswith(b'HTTP/1.1 200') and got.endswith(bytes(4))
print(served)`)
      t.equal(out.trim(), '300')
    })

    await t.test('echo gives back a megabyte and ends when we do; RFC 862 p. 1', async t => {
      t.equal((await talk(7, `
import threading
data = bytes(i * 7 & 255 for i in range(1000003))
threading.Thread(target=lambda: (s.sendall(data), s.shutdown(socket.SHUT_WR))).start()
print(all() == data)`)).trim(), 'True')
    })

    await t.test('echo to a peer that does not read stops it, and loses nothing', async t => {
      t.equal((await talk(7, `
s.setblocking(False)
sent = 0
quiet = 0
while quiet < 10:
    try: sent += s.send(bytes(10000)); quiet = 0
    except BlockingIOError: time.sleep(0.05); quiet += 1
s.setblocking(True); s.settimeout(30); s.shutdown(socket.SHUT_WR)
print(sent > 0, len(all()) == sent)`)).trim(), 'True True')
    })

    await t.test('discard and chargen; RFC 863 p. 1, RFC 864 p. 1', async t => {
      t.equal((await talk(9, 's.sendall(bytes(1000000)); s.shutdown(socket.SHUT_WR); print(len(all()))')).trim(), '0')
      const line = (n: number) => String.fromCharCode(...Array.from({ length: 72 }, (_, i) => 32 + (n + i) % 95)) + '\r\n'
      const text = Array.from({ length: 2000 }, (_, n) => line(n)).join('').slice(0, 100_000)
      t.equal((await talk(19, `
got = b''
while len(got) < 100000: got += s.recv(65536)
print(hashlib.sha256(got[:100000]).hexdigest())`)).trim(), createHash('sha256').update(text).digest('hex'))
    })

    t.same(machine.events.filter(event => event.level === 'error').map(event => event.line), [])
  })
  await booted(t, 'the same on a wire that is recorded', {
    append: `eth0=${GUEST.ip}/24,gw=${HOST.ip} swap=none`, namespace: namespace.name,
    args: [...namespace.card(GUEST.mac, { offloads: false }),
      '-object', `filter-dump,id=d0,netdev=n0,maxlen=131072,file=${file('http.pcap')}`],
  }, async (t, machine) => {
    await machine.until(/net: up .*if=eth0/)
    fs.writeFileSync(file('post'), pattern(1_000_000))
    t.same(JSON.parse(await curl('--data-binary', `@${file('post')}`, `${URL}/sink`)), sunk(pattern(1_000_000)))
    for (const each of ['/', '/api/stats', '/metrics', '/bytes/1000000', '/nothing']) await curl('-o', '/dev/null', URL + each)
    t.equal((await talk(7, "s.sendall(b'recorded'); s.shutdown(socket.SHUT_WR); print(all().decode())")).trim(), 'recorded')
  })
  await t.test('what was said, read by tshark', async t => {
    await isClean(t, file('http.pcap'), 1000)
    t.equal(await count(file('http.pcap'), 'http.response.code == 200'), 5)
    t.equal(await count(file('http.pcap'), 'tcp.flags.reset == 1'), 0)
    const ours = await fields(file('http.pcap'), `tcp.analysis.flags && ip.src == ${GUEST.ip}`, ['frame.number', ...LOSS.map(flag => `tcp.analysis.${flag}`)])
    t.same(ours.filter(([, ...flags]) => flags.some(flag => flag !== '')), [], 'nothing was sent twice, nothing out of order, no acknowledgment repeated')
  })
}
