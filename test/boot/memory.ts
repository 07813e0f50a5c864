// RAM: the least that is promised, more than fits the direct map, and mem= in between.

import t from 'tap'
import { booted } from '../qemu.ts'

const quiet = 'eth0=off swap=none'

await booted(t, '16 MiB', { memory: '16M', append: `${quiet} selftest=mm` }, async (t, machine) => {
  t.equal(await machine.exit(30), 33)
  const start = await machine.event(/boot: start/)
  t.match(start.fields.ram_mib, /^1[56]$/)
})

await booted(t, '16 MiB with a card and a disk', {
  memory: '16M', append: 'eth0=10.0.2.15/24', args: ['-netdev', 'user,id=n0,restrict=on', '-device', 'virtio-net-pci,netdev=n0'],
}, async (t, machine) => {
  await machine.until(/boot: ready/)
  await machine.until(/net: up .*if=eth0/)
})

for (const machine of ['pc', 'q35']) {
  await booted(t, `4 GiB on ${machine}: what the direct map cannot hold is left unused, and the log says so`, {
    memory: '4G', machine, append: `${quiet} selftest=mm`,
  }, async (t, booted) => {
    t.equal(await booted.exit(60), 33)
    const [unused] = booted.eventsOf('memory', 'unused')
    t.equal(unused?.level, 'warn')
    t.match(unused?.fields, { ram_mib: /^40\d\d$/, limit_mib: '1536' })
    t.ok(Number(unused?.fields.used_mib) > 1500)
  })
}

await booted(t, 'mem=32M of 256', { memory: '256M', append: `${quiet} mem=32M` }, async (t, machine) => {
  await machine.until(/boot: ready/)
  const { fields } = await machine.event(/memory: ready/)
  const pages = Number(fields.frames)
  t.ok(pages > 7000 && pages <= 8192, `${pages} pages`)
})

for (const limit of ['1M', '4K', '0']) {
  await booted(t, `mem=${limit}: more than that is needed, and it says so`, { append: `${quiet} mem=${limit}` }, async (t, machine) => {
    await machine.until(/boot: ready|panic: why=".*memory/)
    t.match(machine.log, /warn|panic: why=/)
  })
}
