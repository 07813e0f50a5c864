// Time limit: 300 s
// System calls at random, by test/programs/fuzz.c, for about forty seconds: the kernel neither stops nor hangs, and the first process
// lives. SEED=n chooses what is drawn; `fuzz SEED 1 loud` shows it. In the third machine most of the calls make processes and threads:
// with seed 1 that found a process that lived on because it was being made when everybody was told to end.

import t from 'tap'
import { programs, ramDisk } from '../programs.ts'
import { Exit, booted } from '../qemu.ts'

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000)
const CHILDREN = 150

for (const [what, cpu, mode] of [['system calls', 'max', ''], ['system calls', 'qemu64', ''], ['processes and threads', 'max', 'forks']] as const) {
  booted(t, `${what} at random from seed ${seed}, on ${cpu}`, {
    cpu, args: ['-initrd', ramDisk(programs('fuzz'))], append: `eth0=off swap=none init=/bin/fuzz ${seed} ${CHILDREN} ${mode}`,
  }, async (t, machine) => {
    t.equal(await machine.exit(120), Exit.Success)
    t.equal(machine.lines.filter(line => /^fuzz \d+$/.test(line)).length, CHILDREN, 'the first process lived')
    const [, calls] = /^fuzz: (\d+) calls, [1-9]\d* without an error/.exec(await machine.until(/^fuzz: /)) ?? []
    t.ok(Number(calls) > CHILDREN * 10, 'children made calls')
  })
}
