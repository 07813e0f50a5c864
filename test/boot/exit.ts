// How the machine ends: QEMU's exit status for each outcome, and that nothing ends it otherwise.

import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Exit, booted } from '../qemu.ts'

const card = ['-netdev', 'user,id=n0', '-device', 'virtio-net-pci,netdev=n0']

await booted(t, 'selftest=all passes: 33', { append: 'swap=vda selftest=all', args: [...card, ...disk(t)] }, async (t, machine) => {
  t.equal(await machine.exit(60), Exit.Success)
  const passed = machine.eventsOf('selftest', 'pass').map(event => event.fields.name)
  for (const name of ['swap', 'net', 'mm']) t.ok(passed.includes(name), `selftest ${name} passed`)
  t.same(machine.eventsOf('selftest', 'fail'), [])
})

for (const name of ['mm', 'net']) {
  await booted(t, `selftest=${name} alone`, { append: `swap=none selftest=${name}`, args: card }, async (t, machine) => {
    t.equal(await machine.exit(30), Exit.Success)
    t.same(machine.eventsOf('selftest', 'pass').map(event => event.fields.name), [name])
  })
}

await booted(t, 'a selftest that cannot pass: 35, and the reason', { append: 'eth0=off selftest=swap' }, async (t, machine) => {
  t.equal(await machine.exit(30), Exit.Failure)
  const [failed] = machine.eventsOf('selftest', 'fail')
  t.equal(failed?.fields.name, 'swap')
  t.match(failed?.fields.why, /\w+ \w+/, 'says why')
})

function disk(t: import('tap').Test): string[] {
  const image = join(t.testdir(), 'disk.img')
  writeFileSync(image, '')
  truncateSync(image, 32 << 20)
  return ['-drive', `file=${image},if=none,id=d0,format=raw`, '-device', 'virtio-blk-pci,drive=d0']
}
