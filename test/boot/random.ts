// Where randomness comes from: RDRAND, virtio-rng, or timing jitter with a warning; never nowhere.

import t from 'tap'
import { booted } from '../qemu.ts'

const rng = ['-device', 'virtio-rng-pci']

await booted(t, 'RDRAND and virtio-rng', { append: 'eth0=off', cpu: 'max', args: rng }, async (t, machine) => {
  await machine.until(/boot: ready/)
  t.match(machine.eventsOf('random', 'seeded')[0]?.fields.from, /rdrand/)
  t.match(machine.eventsOf('random', 'seeded')[0]?.fields.from, /virtio-rng/)
  t.notMatch(machine.log, /warn {2}random/)
})

await booted(t, 'virtio-rng alone', { append: 'eth0=off', cpu: 'qemu64', args: rng }, async (t, machine) => {
  await machine.until(/boot: ready/)
  t.equal(machine.eventsOf('random', 'seeded')[0]?.fields.from, 'virtio-rng')
})

await booted(t, 'neither: timing jitter, with a warning', { append: 'eth0=off', cpu: 'qemu64' }, async (t, machine) => {
  await machine.until(/boot: ready/)
  t.match(machine.events.filter(event => event.subsystem === 'random'), [{ level: 'warn', event: 'weak', fields: { why: /jitter/ } }])
})
