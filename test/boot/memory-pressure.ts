// More memory than there is, on the whole machine: programs that fill several times the RAM, alone and together, and what is left
// of a machine whose swap is full, or whose disk fails. And mappings that change under a processor which remembers them.

import { join } from 'node:path'
import t from 'tap'
import { drive, makeDisk } from '../disk.ts'
import { busybox, programs, ramDisk } from '../programs.ts'
import { Exit, type MachineOptions, booted } from '../qemu.ts'

const killed = `
i=0
while [ $i -lt 8 ]; do
  /bin/memory 64 & p=$!
  sleep 0.$i; kill -9 $p; wait $p
  i=$((i+1))
done
sleep 1
grep Swap /proc/meminfo
`
const initrd = ['-initrd', ramDisk({ ...programs('memory'), ...busybox('sh', 'sleep', 'grep'), 'killed.sh': killed })]
const always = { event: 'none', errno: 5, once: false, immediately: false }
const directory = t.testdir()

/** A machine of 32 MiB that swaps to a disk of so many. */
function swapping(name: string, mebibytes: number, what: string): MachineOptions {
  const disk = makeDisk(join(directory, `${name}.img`), mebibytes)
  return { memory: '32M', args: [...initrd, ...drive(disk)], append: `eth0=off swap=vda init=/bin/memory ${what}` }
}

for (const algorithm of ['lru', 'clock', 'fifo']) {
  const machine = swapping(algorithm, 256, '128')
  booted(t, `four times the memory, in order and at random, every word read back: ${algorithm}`, {
    ...machine, append: `replacement=${algorithm} ${machine.append}`,
  }, async (t, machine) => {
    t.equal(await machine.exit(240), Exit.Success)
    t.match(machine.log, /^memory 0: 32768 pages, wrong 0, /m)
  })
}

booted(t, 'three at once, each of them as large as the memory', swapping('three', 256, '32 3'), async (t, machine) => {
  t.equal(await machine.exit(240), Exit.Success)
  for (const who of [1, 2, 3]) t.match(machine.log, new RegExp(`^memory ${who}: 8192 pages, wrong 0, `, 'm'))
  t.match(machine.log, /^children 3, failed 0$/m)
})

booted(t, 'swap full: the one with most memory ends, the kernel says so and lives on', swapping('full', 16, '128'), async (t, machine) => {
  t.equal(await machine.exit(120), Exit.Failure)
  t.match(machine.eventsOf('memory', 'out').length, 1)
  t.match(machine.eventsOf('process', 'exit').at(-1)?.fields, { pid: '1' })
  t.equal(machine.eventsOf('panic').length, 0)
})

booted(t, 'swap full with several: those that are left finish', swapping('left', 24, '24 3'), async (t, machine) => {
  t.equal(await machine.exit(240), Exit.Failure)
  t.match(machine.log, /^memory \d: 6144 pages, wrong 0, /m)
  t.match(machine.log, /^children 3, failed [12]$/m)
})

booted(t, 'forty processes in 16 MiB, more than there are transfers: all of them wait for the disk, none ends', {
  ...swapping('forty', 256, '2 40 300'), memory: '16M',
}, async (t, machine) => {
  t.equal(await machine.exit(240), Exit.Success)
  t.match(machine.log, /^children 40, failed 0$/m)
  t.same(machine.eventsOf('memory', 'out'), [])
})

booted(t, 'processes killed in the middle of it leave no slot behind', {
  ...swapping('killed', 256, ''), append: 'eth0=off swap=vda init=/bin/sh /killed.sh',
}, async (t, machine) => {
  t.equal(await machine.exit(240), Exit.Success)
  const [total, free] = ['SwapTotal', 'SwapFree'].map(name => new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(machine.log)?.[1])
  t.equal(total, String((256 * 256 - 1) * 4))
  t.ok(Number(total) - Number(free) < 400, `${Number(total) - Number(free)} KiB, the shell's own`)
})

{
  const disk = makeDisk(join(directory, 'writes.img'), 256)
  const sectors = [100, 101, 700, 5000].map(slot => ({ ...always, iotype: 'write', sector: slot * 8 }))
  booted(t, 'slots that can not be written: the pages go elsewhere, every word is there', {
    memory: '32M', args: [...initrd, ...drive(disk, { blkdebug: sectors })], append: 'eth0=off swap=vda init=/bin/memory 96',
  }, async (t, machine) => {
    t.equal(await machine.exit(240), Exit.Success)
    t.match(machine.log, /^memory 0: 24576 pages, wrong 0, /m)
    t.ok(machine.eventsOf('swap', 'write-failed').length >= 1)
  })
}

{
  const disk = makeDisk(join(directory, 'reads.img'), 256)
  booted(t, 'a slot that can not be read: the process that needs it is ended by SIGBUS, and nothing else happens', {
    memory: '32M', args: [...initrd, ...drive(disk, { blkdebug: [{ ...always, iotype: 'read', sector: 300 * 8 }] })],
    append: 'eth0=off swap=vda init=/bin/memory 96',
  }, async (t, machine) => {
    t.equal(await machine.exit(240), Exit.Failure)
    t.match(machine.eventsOf('process', 'exit').at(-1)?.fields, { pid: '1', signal: '7' })
  })
}

booted(t, 'a processor forgets mappings that have changed', {
  args: ['-initrd', ramDisk(programs('mapping'))], append: 'eth0=off swap=none init=/bin/mapping',
}, async (t, machine) => {
  t.equal(await machine.exit(60), Exit.Success)
  t.match(machine.log, /^mapping: 63 tried, 0 wrong$/m)
})
