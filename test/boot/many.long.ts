// TCP in numbers: ten thousand connections of Linux opened and closed, five thousand held open that all still answer, ten
// thousand idle ones in 64 MiB; and afterwards the guest has its memory back.
// Time limit: 300 s

import t, { type Test } from 'tap'
import { Namespace } from '../namespace.ts'
import { need } from '../need.ts'
import { GUEST, HOST } from '../networked.ts'
import { booted } from '../qemu.ts'

/** Bytes of memory an idle connection may take. */
const IDLE = 2048
/** Bytes that may differ: each pool keeps an empty slab, or does not (kernel/mm/pool.ts). */
const SLABS = 65_536

interface Told { step: string, seconds: number, answered?: number, of?: number, ended?: number, free?: number, tcp?: number, sockets?: number }

/** No connection, no socket, and no memory more than before. */
function isBack(t: Test, before: Told, after: Told): void {
  t.same([after.tcp, after.sockets], [before.tcp, before.sockets], 'no connection is left')
  t.ok(Math.abs(after.free! - before.free!) <= SLABS, `memory is back: ${before.free} bytes were free, ${after.free} are`)
}

await t.test('many connections', async t => {
  if (!need(t, 'root', 'tun', { command: 'python3' })) return
  const namespace = await Namespace.create(t, `${HOST.ip}/24`)
  await namespace.must('sysctl', ['-qw', 'net.ipv4.ip_local_port_range=1024 65535', 'net.ipv4.tcp_tw_reuse=1'])
  await booted(t, 'in 64 MiB', {
    append: `eth0=${GUEST.ip}/24,gw=${HOST.ip} swap=none services=echo,http`, memory: '64M',
    namespace: namespace.name, args: namespace.card(GUEST.mac),
  }, async (t, machine) => {
    await machine.until(/net: up .*if=eth0/)
    const hold = async (...steps: string[]): Promise<Told[]> => {
      const out = await namespace.must('python3', ['test/wire/hold.py', GUEST.ip, ...steps], { seconds: 120 })
      const told = out.trim().split('\n').map(line => JSON.parse(line) as Told)
      for (const each of told) t.comment(JSON.stringify(each))
      return told
    }
    const [, , before] = await hold('open=1', 'close', 'settled') // what one connection leaves behind is not lost

    await t.test('10,000 opened and closed', async t => {
      const [cycle, after] = await hold('cycle=10000', 'settled')
      t.equal(cycle!.answered, 10_000)
      isBack(t, before!, after!)
    })
    await t.test('5,000 held open, all of them still answer', async t => {
      const [opened, , asked, again, closed, after] = await hold('open=5000', 'cycle=1600', 'ask=500', 'ask', 'close', 'settled')
      t.same([opened!.answered, asked!.answered, asked!.of, again!.answered, closed!.ended], [5000, 5000, 5000, 5000, 5000])
      isBack(t, before!, after!)
    })
    await t.test(`10,000 idle ones at ${IDLE} bytes at most`, async t => {
      const [opened, idle, asked, closed, after] = await hold('open=10000', 'stats', 'ask=500', 'close', 'settled')
      t.same([opened!.answered, asked!.answered, closed!.ended], [10_000, 10_000, 10_000])
      t.equal(idle!.tcp! - before!.tcp!, 10_000)
      const each = (before!.free! - idle!.free!) / 10_000
      t.ok(each <= IDLE, `${each} bytes each`)
      isBack(t, before!, after!)
    })
    t.same(machine.events.filter(event => event.level === 'error').map(event => event.line), [])
  })
})
