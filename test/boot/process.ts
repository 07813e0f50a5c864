// Programs in ring 3: how the first one is started and how its end ends the machine; what a program may not do; many at once.

import t from 'tap'
import { buildProgram, busybox, programs, ramDisk } from '../programs.ts'
import { Exit, booted } from '../qemu.ts'

const initrd = ['-initrd', ramDisk(programs('hello', 'wrong', 'many', 'registers', 'threads-exec'))]
const quiet = 'eth0=off swap=none'

const script = `
seq 1 20000 | sort -rn | gzip | gzip -d | awk '{s+=$1} END {print "sum", s}'
seq 1 1000 | md5sum
i=0; while [ $i -lt 50 ]; do /bin/cat /t.sh | wc -l > /tmp/n; i=$((i+1)); done; echo loops $i $(cat /tmp/n); rm /tmp/n
`

// All of them before the first machine runs: who waits for a compiler does not read what the machine says.
const together = ramDisk({ ...busybox('sh', 'cat'), 'bin/hello.ts': { from: buildProgram('apps/hello.ts') }, 't.sh': 'hello.ts | cat; hello.ts\n' })
const stopped = ramDisk({ ...busybox('sh', 'sleep', 'cut'), 't.sh': 'sleep 100 &\nkill -STOP $!\nsleep 0.2\necho "state $(cut -d" " -f3 /proc/$!/stat)"\n' })
const shell = ramDisk({ ...busybox('sh', 'seq', 'awk', 'sort', 'md5sum', 'gzip', 'wc', 'cat'), 't.sh': script })

await booted(t, 'the first program: arguments, environment, output, and its end is the machine\'s', {
  args: initrd, append: `${quiet} init=/bin/hello 0 two`,
}, async (t, machine) => {
  t.equal(await machine.exit(60), Exit.Success)
  t.match(machine.log, /^arg 0 is \/bin\/hello$/m)
  t.match(machine.log, /^arg 2 is two$/m)
  t.match(machine.log, /^pid 1 parent 0 path \/bin/m)
  t.match(machine.eventsOf('process', 'exit').at(-1)?.fields, { pid: '1', code: '0' })
})

await booted(t, 'a first program that fails', { args: initrd, append: `${quiet} init=/bin/hello 7` }, async (t, machine) => {
  t.equal(await machine.exit(60), Exit.Failure)
  t.match(machine.eventsOf('process', 'exit').at(-1)?.fields, { pid: '1', code: '7' })
})

await booted(t, 'a first program that is not there', { args: initrd, append: `${quiet} init=/bin/nothing` }, async (t, machine) => {
  t.equal(await machine.exit(60), Exit.Failure)
  t.match(machine.log, /error process: .*\/bin\/nothing/)
})

await booted(t, 'a first program without a RAM disk', { append: `${quiet} init=/bin/sh` }, async (t, machine) => {
  t.equal(await machine.exit(60), Exit.Failure)
})

// Each line of wrong.c is something no program may do; the child that does it is ended by the signal the parent expects.
for (const cpu of ['max', 'qemu64']) {
  await booted(t, `what a program may not do, on ${cpu}`, { cpu, args: initrd, append: `${quiet} init=/bin/wrong` }, async (t, machine) => {
    t.equal(await machine.exit(60), Exit.Success)
    const wrong = machine.lines.filter(line => line.startsWith('not ok'))
    t.same(wrong, [])
    t.ok(machine.lines.filter(line => line.startsWith('ok')).length >= 20, 'all were tried')
  })
}

for (const cpu of ['max', 'qemu64']) {
  await booted(t, `x87, SSE and AVX registers are each process's own, on ${cpu}`, {
    cpu, args: initrd, append: `${quiet} init=/bin/registers`,
  }, async (t, machine) => {
    t.equal(await machine.exit(60), Exit.Success)
    t.match(machine.log, cpu === 'max' ? /^registers: kept, AVX too$/m : /^registers: kept$/m)
  })
}

await booted(t, 'a process of several threads runs another program', {
  args: initrd, append: `${quiet} selftest=mm init=/bin/threads-exec`,
}, async (t, machine) => {
  t.equal(await machine.exit(30), Exit.Success)
  t.match(machine.log, /^7 checks, 0 failed$/m)
})

await booted(t, 'a process that is stopped ends with the first', {
  args: ['-initrd', stopped], append: `${quiet} selftest=mm init=/bin/sh /t.sh`,
}, async (t, machine) => {
  t.equal(await machine.exit(9), Exit.Success)
  t.match(machine.log, /^state T$/m)
})

await booted(t, '16 MiB: busybox\'s shell and a TypeScript program together', {
  memory: '16M', append: `${quiet} init=/bin/sh /t.sh`,
  args: ['-initrd', together],
}, async (t, machine) => {
  t.equal(await machine.exit(30), Exit.Success)
  t.equal(machine.lines.filter(line => line.startsWith('{"hello":"from ring 3"')).length, 2)
})

await booted(t, '64 processes at once, each with memory of its own; a fork bomb is contained', {
  args: initrd, append: `${quiet} selftest=mm init=/bin/many`,
}, async (t, machine) => {
  t.equal(await machine.exit(120), Exit.Success)
  t.match(machine.log, /^64 at once: ok$/m)
  t.match(machine.log, /^bomb: contained at \d+, all reaped$/m)
  t.match(machine.eventsOf('selftest', 'pass').map(each => each.fields), [{ name: 'mm', steps: /./ }, { name: 'mm', counted: /./ }])
})

await booted(t, 'Debian\'s busybox: pipes, forks and programs in a loop', {
  args: ['-initrd', shell],
  append: `${quiet} selftest=mm init=/bin/sh /t.sh`,
}, async (t, machine) => {
  t.equal(await machine.exit(60), Exit.Success)
  t.match(machine.log, /^sum 200010000$/m)
  t.match(machine.log, /^53d025127ae99ab79e8502aae2d9bea6 {2}-$/m)
  t.match(machine.log, /^loops 50 4$/m)
})
