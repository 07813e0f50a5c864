// The kernel command line: any line boots, and what it gets wrong is said in one warning each.

import t from 'tap'
import { booted } from '../qemu.ts'

/** A piece of command line, and what its one warning must name. */
const wrong: [string, RegExp][] = [
  ['colour=red', /colour/],
  ['justaword', /justaword/],
  ['eth0=10.0.0', /eth=0/],
  ['eth0=10.0.0.256/24', /eth=0/],
  ['eth0=10.0.0.2/33', /eth=0/],
  ['eth0=10.0.0.2/24,gw=nobody', /eth=0/],
  ['eth0=10.0.0.2/24,mtu=12', /eth=0/],
  ['forward=2', /forward/],
  ['swap=sda', /swap/],
  ['acd=perhaps', /acd/],
  ['mem=lots', /mem/],
  ['services=echo,teapot', /services/],
  ['selftest=everything', /selftest/],
  ['log=loud', /log/],
  ['panic=run', /panic/],
]

const card = ['-netdev', 'user,id=n0,restrict=on', '-device', 'virtio-net-pci,netdev=n0', '-device', 'virtio-rng-pci']

for (const [piece, names] of wrong) {
  const rest = `${piece.startsWith('eth0') ? '' : 'eth0=off'} ${piece.startsWith('swap') ? '' : 'swap=none'}`
  await booted(t, piece, { append: `${piece} ${rest}`, args: card }, async (t, machine) => {
    await machine.until(/boot: ready/)
    const warnings = machine.events.filter(event => event.level === 'warn').map(event => event.line)
    t.equal(warnings.length, 1, `one warning: ${warnings.join('; ')}`)
    t.match(warnings[0], names)
  })
}

await booted(t, 'everything wrong at once', { append: wrong.map(([piece]) => piece).join(' ') }, async (t, machine) => {
  await machine.until(/boot: ready/)
  const keys = new Set(wrong.map(([piece]) => piece.split('=')[0]))
  t.ok(machine.events.filter(event => event.level === 'warn').length >= keys.size)
})

// QEMU's own PVH loader has room for 4,096 bytes, and writes past it when there is more.
await booted(t, 'a line longer than the kernel takes: it is cut, and the log says so', {
  append: 'eth0=off ' + Array.from({ length: 330 }, (_, i) => `key${i}=${i}`).join(' '),
}, async (t, machine) => {
  await machine.until(/boot: ready/)
  t.equal(machine.eventsOf('boot', 'options-cut').length, 1)
  t.ok(machine.eventsOf('boot', 'option-unknown').length > 150, 'what is before the cut is read')
})

await booted(t, 'a line of noise', { append: '==== =x x= "\'\\ \t %s%n \u00e9\u00ff ,,,= eth0=,,, eth999=off eth0.=off eth0.5000=dhcp eth-1=off selftest= init=' }, async (t, machine) => {
  await machine.until(/boot: ready/)
  t.ok(machine.events.some(event => event.level === 'warn'))
})

await booted(t, 'an empty line: what is missing is logged, nothing is wrong', { append: '' }, async (t, machine) => {
  await machine.until(/boot: ready/)
  t.same(machine.events.filter(event => event.level === 'error').map(event => event.line), [])
})

await booted(t, 'log=error silences the rest', { append: 'eth0=off swap=none log=error selftest=mm' }, async (t, machine) => {
  t.equal(await machine.exit(30), 33)
  t.same(machine.events.filter(event => event.level !== 'error').map(event => event.line), [])
})
