// The kernel command line: any line boots, and what it gets wrong is said in one warning each.

import t from 'tap'
import { booted } from '../qemu.ts'

/** A piece of command line, and what its one warning must name. */
const wrong: [string, RegExp][] = [
  ['colour=red', /colour/],
  ['justaword', /justaword/],
  ['eth0=10.0.0', /eth0/],
  ['eth0=10.0.0.256/24', /eth0/],
  ['eth0=10.0.0.2/33', /eth0/],
  ['eth0=10.0.0.2/24,gw=nobody', /eth0/],
  ['eth0=10.0.0.2/24,mtu=12', /eth0/],
  ['forward=2', /forward/],
  ['swap=sda', /swap/],
  ['acd=perhaps', /acd/],
  ['mem=lots', /mem/],
  ['services=echo,teapot', /services/],
  ['selftest=everything', /selftest/],
  ['log=loud', /log/],
  ['panic=run', /panic/],
]

for (const [piece, names] of wrong) {
  await booted(t, piece, { append: `${piece} ${piece.startsWith('eth0') ? '' : 'eth0=off'} ${piece.startsWith('swap') ? '' : 'swap=none'}` }, async (t, machine) => {
    await machine.until(/boot: ready/)
    const warnings = machine.events.filter(event => event.level === 'warn' && event.subsystem === 'boot')
    t.equal(warnings.length, 1, 'one warning')
    t.match(warnings[0]?.line, names)
  })
}

await booted(t, 'everything wrong at once', { append: wrong.map(([piece]) => piece).join(' ') }, async (t, machine) => {
  await machine.until(/boot: ready/)
  t.ok(machine.events.filter(event => event.level === 'warn').length >= wrong.length)
})

await booted(t, 'a line of a thousand keys', { append: Array.from({ length: 1000 }, (_, i) => `key${i}=${i}`).join(' ') + ' eth0=off' }, async (t, machine) => {
  await machine.until(/boot: ready/)
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
