// How long a boot takes and how big things are: the project's bars.
// Runs alone: it measures time.

import { readFileSync, statSync } from 'node:fs'
import t from 'tap'
import { ISO, KERNEL, Machine } from '../qemu.ts'

await t.test('QEMU started to `boot: ready` in 16 MiB: 0.2 s, the median of five', async t => {
  const times: number[] = []
  for (let n = 0; n < 5; n++) {
    const machine = new Machine({ memory: '16M', append: 'eth0=off swap=none' })
    try {
      await machine.until(/boot: ready/)
      times.push(performance.now() - machine.started)
    } finally {
      await machine.end()
    }
  }
  const median = times.sort((a, b) => a - b)[2]!
  t.comment(`${times.map(time => time.toFixed(0)).join(' ')} ms`)
  t.ok(median <= 200, `${median.toFixed(0)} ms`)
})

await t.test('the ISO is under 1.5 MB', async t => {
  const { size } = statSync(ISO)
  t.ok(size < 1_500_000, `${size} bytes`)
})

await t.test('the kernel\'s text is under 700 KB', async t => { // 240 KB of it the machine, 110 KB TCP and its services, 210 KB programs
  const size = executableBytes(readFileSync(KERNEL))
  t.ok(size > 0 && size < 700_000, `${size} bytes`)
})

/** Bytes of the executable program segments. ELF-64 object file format, "Program Header". */
function executableBytes(elf: Buffer): number {
  const offset = Number(elf.readBigUInt64LE(32))
  let bytes = 0
  for (let i = 0; i < elf.readUInt16LE(56); i++) {
    const header = offset + i * elf.readUInt16LE(54)
    const isLoad = elf.readUInt32LE(header) === 1
    const isExecutable = (elf.readUInt32LE(header + 4) & 1) !== 0
    if (isLoad && isExecutable) bytes += Number(elf.readBigUInt64LE(header + 32))
  }
  return bytes
}
