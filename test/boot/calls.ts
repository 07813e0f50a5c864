// Time limit: 400 s
// System calls as programs make them: signals, threads, sockets, waiting, and every pointer argument bad in every way. The programs
// are the same that pass on Linux (test/unit/programs.ts); each line they print is a check.

import t from 'tap'
import { programs, ramDisk } from '../programs.ts'
import { Exit, booted } from '../qemu.ts'

/** Each program, and how many checks there are at least: a program that stops early is none that passes. */
export const PROGRAMS = {
  signals: 72, threads: 25, sockets: 117, waiting: 78, pointers: 766, outside: 56, usage: 36, limits: 16, locks: 53, epoll: 125, timers: 96,
  odds: 126, local: 324, users: 281, between: 25,
} as const

const names = Object.keys(PROGRAMS) as (keyof typeof PROGRAMS)[]
const initrd = ['-initrd', ramDisk(programs(...names))]

/** Those that are the same whatever the processor has. */
const simple = ['usage', 'limits', 'locks', 'epoll', 'timers', 'odds', 'local', 'users', 'between']

for (const name of names) {
  // qemu64 has neither XSAVE nor SMAP: the FPU state in a signal's frame is FXSAVE's, and windows on user memory need no opening.
  for (const cpu of simple.includes(name) ? ['max'] : ['max', 'qemu64']) {
    booted(t, `${name}, on ${cpu}`, { cpu, args: initrd, append: `eth0=off swap=none selftest=mm init=/bin/${name}` }, async (t, machine) => {
      t.equal(await machine.exit(120), Exit.Success)
      t.same(machine.lines.filter(line => line.startsWith('not ok')), [])
      t.ok(machine.lines.filter(line => line.startsWith('ok ')).length >= PROGRAMS[name], 'all were made')
    })
  }
}

// Calls and arguments drawn at random: whatever children do, process 1 sees all of them end, and the kernel goes on.
const seeds = (process.env['SEED'] ?? '1 7').split(' ')
const random = ['-initrd', ramDisk({ ...programs('random'), 'tmp/x': 'x' })]
for (const seed of seeds) {
  booted(t, `random calls, seed ${seed}`, { args: random, append: `eth0=off swap=none log=error init=/bin/random ${seed} 60 500` }, async (t, machine) => {
    t.equal(await machine.exit(120), Exit.Success)
    t.match(machine.log, /^ok every child has ended/m)
  })
}
