// Left out of check: it runs programs.
// The programs of test/programs that are made of checks, on the machine's own Linux: what they expect of Porphyry is what Linux does.

import { spawnSync } from 'node:child_process'
import t from 'tap'
import { program } from '../programs.ts'

const PROGRAMS = [
  'signals', 'threads', 'sockets', 'waiting', 'pointers', 'outside', 'threads-exec', 'usage', 'limits', 'locks', 'epoll', 'timers', 'odds',
  'shared', 'local', 'users', 'between',
]
for (const name of PROGRAMS) {
  t.test(name, { skip: (name === 'users' || name === 'between') && process.getuid!() !== 0 && 'only the superuser becomes other users' }, async t => {
    const ran = spawnSync(program(name), { encoding: 'utf8', timeout: 60_000 })
    t.equal(ran.status, 0)
    t.same(ran.stdout.split('\n').filter(line => line.startsWith('not ok')), [])
    t.match(ran.stdout, /^\d+ checks, 0 failed$/m)
  })
}
