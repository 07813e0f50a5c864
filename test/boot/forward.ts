// The guest as a router between two namespaces of Linux, and what it puts together and takes apart for itself: ping,
// tracepath and ping -R as neighbours use them. RFC 1812, RFC 791 §3.2, RFC 1191.

import { join } from 'node:path'
import t from 'tap'
import { type Namespace, pingResult } from '../namespace.ts'
import { need } from '../need.ts'
import { booted } from '../qemu.ts'
import { FAR, NEAR, farCard, sides } from '../router.ts'
import { isClean } from '../tshark.ts'

/** Linux remembers path MTUs: each test begins without. */
const forget = async (namespace: Namespace) => { await namespace.must('ip', ['route', 'flush', 'cache']) }

for (const offloads of [true, false]) {
  await t.test(`the guest as a router, vnet_hdr=${offloads ? 'on' : 'off'}`, async t => {
    if (!need(t, 'root', 'tun', { command: 'ping' }, { command: 'tracepath' }, { command: 'tshark' })) return
    const { near, far } = await sides(t)
    const captures = ['n0', 'n1'].map(card => join(t.testdir(), `${card}.pcap`))
    const dump = (file: string, i: number) => ['-object', `filter-dump,id=dump${i},netdev=n${i},file=${file},maxlen=131072`]
    const dumps = offloads ? [] : captures.flatMap(dump)
    await booted(t, 'two cards, forward=1', {
      append: `eth0=${NEAR.guest}/24 eth1=${FAR.guest}/24,mtu=1400 forward=1 swap=none`, namespace: near.name,
      args: [...near.card(NEAR.mac, { offloads }), ...farCard({ offloads }), ...dumps],
    }, async (t, machine) => {
      await machine.until(/net: up .*if=eth1/)
      const ping = async (from: Namespace, to: string, ...more: string[]) =>
        pingResult((await from.run('ping', ['-c', '10', '-i', '0.05', '-W', '2', '-q', ...more, to])).out)

      await t.test('ping through it, both ways', async t => {
        t.match(await ping(near, FAR.host), { sent: 10, received: 10 })
        t.match(await ping(far, NEAR.host), { sent: 10, received: 10 })
      })
      await t.test('RFC 791 §3.2: to itself, as large as there is', async t => {
        for (const size of ['1473', '8000', '65507']) {
          t.match(await ping(near, NEAR.guest, '-s', size), { sent: 10, received: 10 }, `${size} bytes`)
        }
      })
      await t.test('RFC 791 §3.2: through it, over a link with a smaller MTU', async t => {
        for (const size of ['1400', '8000']) {
          t.match(await ping(near, FAR.host, '-M', 'dont', '-s', size), { received: 10 }, `${size} bytes`)
        }
      })
      await t.test('RFC 1191: Linux learns the MTU of the second link from us, and tracepath sees us', async t => {
        await forget(near)
        const refused = await near.run('ping', ['-c', '2', '-i', '0.1', '-W', '1', '-M', 'do', '-s', '1450', FAR.host])
        t.match(refused.out + refused.errors, /(Frag needed|message too long).*mtu ?= ?1400/)
        t.match(await near.must('ip', ['route', 'get', FAR.host]), /mtu 1400/)
        await forget(near)
        const path = await near.must('tracepath', ['-n', FAR.host], { seconds: 20 })
        t.match(path, new RegExp(`1: +${NEAR.guest.replaceAll('.', '\\.')}`))
        t.match(path, /pmtu 1400/)
        t.match(path, new RegExp(`${FAR.host.replaceAll('.', '\\.')} .*reached`))
        await forget(near)
      })
      await t.test('RFC 1812 §5.3.1, §5.2.7.1: time exceeded, no route, nobody there', async t => {
        const ttl = await near.run('ping', ['-c', '1', '-W', '2', '-t', '1', FAR.host])
        t.match(ttl.out, new RegExp(`From ${NEAR.guest}.*[Tt]ime to live exceeded`))
        const route = await near.run('ping', ['-c', '1', '-W', '2', '10.99.1.1'])
        t.match(route.out, new RegExp(`From ${NEAR.guest}.*Destination Net Unreachable`))
        const host = await near.run('ping', ['-c', '1', '-W', '10', '10.78.0.99'])
        t.match(host.out, new RegExp(`From ${NEAR.guest}.*Destination Host Unreachable`))
      })
      await t.test('RFC 791 §3.1: the route is recorded, out and back', async t => {
        const record = await near.must('ping', ['-c', '1', '-W', '2', '-R', FAR.host])
        for (const address of [FAR.guest, FAR.host, NEAR.guest]) t.match(record, address)
        t.match(await near.must('ping', ['-c', '1', '-W', '2', '-R', NEAR.guest]), NEAR.guest)
      })
      await t.test('UDP and TCP through it, with checksums left to the card', async t => {
        const server = far.run('python3', ['-c', `
import socket
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(('', 5000)); u.settimeout(20)
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(('', 5001)); s.listen(); s.settimeout(20)
d, a = u.recvfrom(70000); u.sendto(d, a)
c, a = s.accept(); d = b''
while len(d) < 300000: d += c.recv(65536)
c.sendall(d); c.close()`], { seconds: 30 })
        const client = await near.must('python3', ['-c', `
import socket, time
data = bytes(i * 7 & 255 for i in range(300000))
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.settimeout(1)
for attempt in range(10):
    u.sendto(data[:20000], ('${FAR.host}', 5000))
    try:
        assert u.recv(70000) == data[:20000]
        break
    except TimeoutError: pass
else: raise SystemExit('no datagram came back')
s = socket.create_connection(('${FAR.host}', 5001), 10); s.sendall(data); back = b''
while len(back) < len(data):
    part = s.recv(65536)
    assert part
    back += part
assert back == data
print('equal')`], { seconds: 30 })
        t.equal(client.trim(), 'equal')
        await server
      })
      t.same(machine.events.filter(event => event.level === 'error').map(event => event.line), [])
    })
    if (offloads) return
    await t.test('both captures are clean', async t => {
      for (const [i, capture] of captures.entries()) await isClean(t, capture, 100, `eth.src == ${[NEAR, FAR][i]!.mac}`)
    })
  })
}
