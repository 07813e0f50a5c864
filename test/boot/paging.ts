// Programs that need more memory than there is, on a swap disk that works, that fails, and that is full. Every byte is read back.

import { join } from 'node:path'
import t from 'tap'
import { drive, makeDisk } from '../disk.ts'
import { busybox, buildProgram, programs, ramDisk } from '../programs.ts'
import { Exit, booted, type Machine } from '../qemu.ts'

const folder = t.testdir()
let disks = 0
const swapDisk = (mebibytes: number, rules?: object[]): string[] =>
  drive(makeDisk(join(folder, `${disks++}.img`), mebibytes), rules ? { blkdebug: rules } : {})

/** The RAM disk with a script for busybox's shell: what it prints is what is looked at. */
const script = (text: string): string[] => ['-initrd', ramDisk({
  ...programs('fill'), ...busybox('sh', 'sleep', 'kill', 'grep', 'cat', 'rm'), 'bin/touch.ts': { from: buildProgram('apps/touch.ts') }, 't.sh': text,
})]

/** selftest=mm: at the end nothing is left of what the programs had, in memory and on the disk. */
const quiet = 'eth0=off services=none swap=vda selftest=mm init=/bin/sh /t.sh'

/** The script's output, without the log's lines. */
const said = (machine: Machine): string[] => machine.lines.map(line => line.trim()).filter(line => line !== '' && !/^(\[ *\d|fill: page)/.test(line))

await booted(t, 'four times the memory, in order and at random', {
  memory: '24M', append: quiet, args: [...script('fill 80 seq\nfill 80 rand 5\ntouch.ts\n'), ...swapDisk(256)],
}, async (t, machine) => {
  t.equal(await machine.exit(200), Exit.Success)
  t.same(said(machine), ['fill: ok 20480 pages in order', 'fill: ok 20480 pages at random', 'touch.ts: ok 64 MiB'])
})

await booted(t, 'two at once', {
  memory: '32M', append: quiet, args: [...script('fill 48 rand 1 > /tmp/a &\nfill 48 seq > /tmp/b\nwait\ncat /tmp/a /tmp/b\nrm /tmp/a /tmp/b\n'), ...swapDisk(256)],
}, async (t, machine) => {
  t.equal(await machine.exit(200), Exit.Success)
  t.same(said(machine), ['fill: ok 12288 pages at random', 'fill: ok 12288 pages in order'])
})

const killed = `
grep SwapFree /proc/meminfo
fill 100 rand 1 &
sleep 1
kill -9 $!
wait $!
echo killed $?
grep SwapFree /proc/meminfo
fill 40 rand 2
`
await booted(t, 'one that is ended in the middle leaves nothing in swap', {
  memory: '32M', append: quiet, args: [...script(killed), ...swapDisk(256)],
}, async (t, machine) => {
  t.equal(await machine.exit(120), Exit.Success)
  const lines = said(machine)
  const [before, after] = lines.flatMap(line => /^SwapFree: +(\d+) kB$/.exec(line)?.[1] ?? []).map(Number)
  t.ok(before! > 200_000 && before! - after! < 400, `${before} kB free before, ${after} after: the shell\'s own pages`)
  t.ok(lines.includes('killed 137'))
  t.ok(lines.includes('fill: ok 10240 pages at random'))
})

await booted(t, 'swap full: the one with the most ends, the others go on', {
  memory: '24M', append: quiet, args: [...script('fill 64 seq\necho status $?\nfill 12 seq\n'), ...swapDisk(16)],
}, async (t, machine) => {
  t.equal(await machine.exit(120), Exit.Success)
  t.ok(said(machine).includes('status 137'))
  t.ok(said(machine).includes('fill: ok 3072 pages in order'))
  t.match(machine.eventsOf('process', 'killed')[0]?.fields, { name: 'fill', why: 'out-of-memory' })
})

const always = { event: 'none', errno: 5, once: false }
await booted(t, 'sectors that can not be written: the pages go elsewhere', {
  memory: '24M', append: quiet,
  args: [...script('fill 64 rand 3\n'), ...swapDisk(256, [3000, 9000, 40000].map(sector => ({ ...always, iotype: 'write', sector })))],
}, async (t, machine) => {
  t.equal(await machine.exit(200), Exit.Success)
  t.same(said(machine), ['fill: ok 16384 pages at random'])
})

await booted(t, 'a sector that can not be read: an error to the process, never a page of zeros', {
  memory: '24M', append: quiet,
  args: [...script('fill 64 seq\necho status $?\nfill 8 seq\n'), ...swapDisk(256, [{ ...always, iotype: 'read', sector: 30000 }])],
}, async (t, machine) => {
  t.equal(await machine.exit(200), Exit.Success)
  t.ok(said(machine).includes('status 135'), 'SIGBUS')
  t.notMatch(machine.log, /fill: page/)
  t.ok(said(machine).includes('fill: ok 2048 pages in order'))
})
