// Linux as the neighbour: ping, flood ping and arping from a network namespace, over a tap device, with the card's
// offloads and without.

import t from 'tap'
import { Namespace, pingResult } from '../namespace.ts'
import { need } from '../need.ts'
import { GUEST, HOST } from '../networked.ts'
import { booted } from '../qemu.ts'

for (const offloads of [true, false]) {
  await t.test(`over a tap, vnet_hdr=${offloads ? 'on' : 'off'}`, async t => {
    if (!need(t, 'root', 'tun', { command: 'ping' }, { command: 'arping' })) return
    const namespace = await Namespace.create(t, `${HOST.ip}/24`)
    await booted(t, 'neighbours', {
      append: `eth0=${GUEST.ip}/24,gw=${HOST.ip} swap=none`, namespace: namespace.name, args: namespace.card(GUEST.mac, { offloads }),
    }, async (t, machine) => {
      await machine.until(/net: up .*if=eth0/)
      await t.test('ping, small and as large as fits', async t => {
        for (const size of [0, 56, 1472]) {
          const result = pingResult(await namespace.must('ping', ['-c', '20', '-i', '0.02', '-q', '-M', 'do', '-s', String(size), GUEST.ip]))
          t.same([result.sent, result.received], [20, 20], `${size} bytes`)
        }
      })
      await t.test('ping -f loses nothing', async t => {
        const result = pingResult(await namespace.must('ping', ['-f', '-c', '20000', '-q', GUEST.ip]))
        t.same([result.sent, result.received], [20000, 20000])
        t.comment(`average round trip ${result.averageMilliseconds} ms`)
      })
      await t.test('arping', async t => {
        const out = await namespace.must('arping', ['-c', '5', '-w', '5', '-I', 'tap0', GUEST.ip])
        t.match(out, /Received 5 response/)
        t.match(out.toLowerCase(), GUEST.mac)
        const free = await namespace.run('arping', ['-D', '-c', '2', '-w', '3', '-I', 'tap0', GUEST.ip])
        t.equal(free.status, 1, 'duplicate address detection finds us')
      })
      await t.test('the UDP echo service', async t => {
        const script = `
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(2)
for n in range(0, 1473, 64):
    s.sendto(bytes(i & 255 for i in range(n)), ('${GUEST.ip}', 7))
    assert s.recv(2000) == bytes(i & 255 for i in range(n)), n
print('equal')`
        t.equal((await namespace.must('python3', ['-c', script])).trim(), 'equal')
      })
      t.same(machine.events.filter(event => event.level === 'error').map(event => event.line), [])
    })
  })
}
