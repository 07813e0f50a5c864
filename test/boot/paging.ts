// A shell, a program in TypeScript and two in C that need more memory than there is, some ended in the middle: and at the end
// selftest=mm finds everything where it was, in memory and on the disk. More: memory-pressure.ts.

import { join } from 'node:path'
import t from 'tap'
import { drive, makeDisk } from '../disk.ts'
import { buildProgram, busybox, programs, ramDisk } from '../programs.ts'
import { Exit, booted } from '../qemu.ts'

const script = `
touch.ts
/bin/memory 100 &
sleep 1
kill -9 $!
wait $!
echo ended $?
/bin/memory 48
/bin/shared 32
/bin/shared 32 &
sleep 1
kill -9 $!
wait $!
echo its child is left
`
const initrd = ramDisk({ ...programs('memory', 'shared'), ...busybox('sh', 'sleep'), 'bin/touch.ts': { from: buildProgram('apps/touch.ts') }, 't.sh': script })

await booted(t, 'paging leaves nothing behind', {
  memory: '24M', append: 'eth0=off services=none swap=vda selftest=mm init=/bin/sh /t.sh',
  args: ['-initrd', initrd, ...drive(makeDisk(join(t.testdir(), 'swap.img'), 256))],
}, async (t, machine) => {
  t.equal(await machine.exit(200), Exit.Success)
  t.ok(machine.lines.includes('touch.ts: ok 64 MiB'))
  t.ok(machine.lines.includes('ended 137'))
  t.match(machine.log, /^memory 0: 12288 pages, wrong 0, /m)
  t.match(machine.log, /^10 checks, 0 failed$/m)
  t.equal(machine.eventsOf('selftest', 'pass').length, 2)
})
