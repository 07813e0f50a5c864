// A minute of flood ping loses nothing.
// Time limit: 180 s

import t from 'tap'
import { Namespace, pingResult } from '../namespace.ts'
import { need } from '../need.ts'
import { GUEST, HOST } from '../networked.ts'
import { booted } from '../qemu.ts'

await t.test('ping -f for a minute', async t => {
  if (!need(t, 'root', 'tun', { command: 'ping' })) return
  const namespace = await Namespace.create(t, `${HOST.ip}/24`)
  await booted(t, 'every echo request is answered', {
    append: `eth0=${GUEST.ip}/24,gw=${HOST.ip} swap=none`, namespace: namespace.name, args: namespace.card(GUEST.mac),
  }, async (t, machine) => {
    await machine.until(/net: up .*if=eth0/)
    const out = await namespace.must('ping', ['-f', '-w', '60', '-q', GUEST.ip], { seconds: 90 })
    const { sent, received, averageMilliseconds } = pingResult(out)
    t.comment(`${sent} requests, average round trip ${averageMilliseconds} ms`)
    t.ok(sent > 50_000, `${sent} requests in a minute`)
    t.ok(sent - received <= 1, `${received} of ${sent} answered (the last may be under way when time is up)`)
  })
})
