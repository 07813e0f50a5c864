// Boot, from the ELF by PVH and from the ISO by GRUB, on both machines: the log's lines, in order, nothing wrong.

import t from 'tap'
import { ISO, KERNEL, type MachineOptions, booted } from '../qemu.ts'

const machines: [string, MachineOptions][] = [
  ['pc', { machine: 'pc' }],
  ['q35', { machine: 'q35' }],
  ['a processor without SMEP, SMAP, XSAVE or RDRAND', { cpu: 'qemu64' }],
]

for (const [what, options] of machines) {
  for (const image of [KERNEL, ISO]) {
    await booted(t, `${image.endsWith('.iso') ? 'ISO' : 'ELF'} on ${what}`, {
      ...options, image, append: 'eth0=off swap=none', memory: '64M',
    }, async (t, machine) => {
      const ready = await machine.event(/boot: ready/, 30)
      t.match(ready, { level: 'info', subsystem: 'boot', fields: { us: /^\d+$/ } })
      const { events } = machine
      t.match(events[0], { subsystem: 'boot', event: 'start' }, 'the first event says what this is')
      t.match(events[0]?.fields, { version: /^\d+\.\d+\.\d+/, ram_mib: /^6[0-4]$/ })
      t.same(events.filter(event => event.level === 'error').map(event => event.line), [])
      const times = events.map(event => event.microseconds)
      t.same(times, [...times].sort((a, b) => a - b), 'time never goes back')
      await new Promise(resolve => setTimeout(resolve, 500))
      t.ok(machine.running, 'and it goes on serving')
    })
  }
}

await booted(t, 'with a card and a disk of its own kind, and no warning', {
  append: 'eth0=10.0.2.15/24,gw=10.0.2.2', cpu: 'max',
  args: ['-netdev', 'user,id=n0,restrict=on', '-device', 'virtio-net-pci,netdev=n0', '-device', 'virtio-rng-pci'],
}, async (t, machine) => {
  await machine.until(/boot: ready/)
  await machine.until(/net: up .*if=eth0/)
  t.same(machine.events.filter(event => event.level === 'error' || (event.level === 'warn' && event.subsystem !== 'swap')).map(event => event.line), [])
})

await booted(t, 'every line that the kernel prints is an event', { append: 'eth0=off swap=none log=debug' }, async (t, machine) => {
  await machine.until(/boot: ready/)
  const events = new Set(machine.events.map(event => event.line))
  t.same(machine.lines.filter(line => !events.has(line) && line !== ''), [])
  t.ok(machine.events.some(event => event.level === 'debug'), 'debug lines were asked for')
})
