// More memory than there is, on the whole machine: programs that fill several times the RAM, alone and together, and what is left
// of a machine whose swap is full, or whose disk fails.

import { join } from 'node:path'
import t from 'tap'
import { drive, makeDisk } from '../disk.ts'
import { programs, ramDisk } from '../programs.ts'
import { Exit, type MachineOptions, booted } from '../qemu.ts'

const initrd = ['-initrd', ramDisk(programs('memory'))]
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
