// Boot modules wherever a loader puts them: QEMU at the top of RAM, past what the kernel maps when there is much of it; GRUB low.
// What a program reads of them has to be every byte that was packed.
// Time limit: 300 s

import { createHash } from 'node:crypto'
import path from 'node:path'
import t from 'tap'
import { buildIso } from '../../iso/build.ts'
import { busybox, ramDisk } from '../programs.ts'
import { Exit, booted, KERNEL } from '../qemu.ts'

const quiet = 'eth0=off swap=none'
const md5 = (data: Buffer | string) => createHash('md5').update(data).digest('hex')

/** Bytes that are not the same twice, of an odd length. */
function noise(bytes: number): Buffer {
  const data = Buffer.alloc(bytes)
  let state = 1
  for (let i = 0; i + 4 <= bytes; i += 4) { state = (Math.imul(state, 1664525) + 1013904223) | 0; data.writeInt32LE(state, i) }
  return data
}

const large = noise(9_000_001)
const script = 'export PATH=/bin\nmd5sum /large\nmd5sum < /s\nls -l /bin/sh | sed "s/.*-> //"\ngrep MemTotal /proc/meminfo\n'
const archive = ramDisk({ ...busybox('sh', 'md5sum', 'ls', 'sed', 'grep'), large, s: script })

// Before a machine runs: what is written to a serial port is dropped when its other end, this process, has not read for seconds.
const iso = path.join(t.testdir(), 'modules.iso')
buildIso({ elf: KERNEL, output: iso, commandLine: `${quiet} init=/bin/sh /s`, ramDisk: archive })

for (const [memory, extra] of [['64M', ''], ['64M', 'mem=32M'], ['2G', ''], ['4G', ''], ['4G', 'mem=64M']] as const) {
  booted(t, `-initrd with ${memory} of RAM ${extra}`, {
    memory, args: ['-initrd', archive], append: `${quiet} ${extra} init=/bin/sh /s`,
  }, async (t, machine) => {
    t.equal(await machine.exit(60), Exit.Success)
    const unpacked = machine.eventsOf('fs', 'ramdisk')
    t.match(unpacked[0]?.fields, { skipped: '0' })
    t.equal(unpacked.length, 1)
    t.match(machine.log, new RegExp(`^${md5(large)}  /large\\r?$`, 'm'))
    t.match(machine.log, new RegExp(`^${md5(script)}  -\\r?$`, 'm'))
    t.match(machine.log, /^busybox\r?$/m)
    const total = Number(/^MemTotal: +(\d+) kB/m.exec(machine.log)?.[1])
    const frames = 4 * Number((await machine.event(/memory: ready/)).fields.frames)
    if (extra === '') t.ok(total - frames > 10_000, `the module's memory is in use: ${total - frames} KiB more than at the start`)
    else t.equal(total, frames, 'mem= is the most there is')
  })
}

booted(t, 'mem= so little that the module does not fit into files: what fits is there, and the log says what is missing', {
  memory: '64M', args: ['-initrd', archive], append: `${quiet} mem=16M init=/bin/sh -c exit`,
}, async (t, machine) => {
  t.equal(await machine.exit(60), Exit.Success)
  const [unpacked] = machine.eventsOf('fs', 'ramdisk')
  t.equal(unpacked?.level, 'warn')
  t.equal(unpacked?.fields.skipped, '1')
})

booted(t, 'something else than an archive: the log says so, and there is no program', {
  args: ['-initrd', KERNEL], append: `${quiet} init=/bin/sh`,
}, async (t, machine) => {
  t.equal(await machine.exit(), Exit.Failure)
  t.match(machine.eventsOf('fs', 'ramdisk')[0], { level: 'warn', fields: { fault: 'malformed', files: '0' } })
})

for (const memory of ['64M', '2G']) {
  booted(t, `GRUB's module2 with ${memory} of RAM`, { image: iso, memory }, async (t, machine) => {
    t.equal(await machine.exit(60), Exit.Success)
    t.match(machine.log, new RegExp(`^${md5(large)}  /large\\r?$`, 'm'))
  })
}
