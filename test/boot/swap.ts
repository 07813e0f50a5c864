// Swap on a real disk: which disk is taken, what is written to it, and that nothing else is. The image is read back
// on the host, byte for byte; mkswap and blkid are what Linux thinks of it.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { must } from '../command.ts'
import { digest, drive, makeDisk, selftestPages, swapHeader } from '../disk.ts'
import { need } from '../need.ts'
import { Exit, type Machine, booted } from '../qemu.ts'

const PAGES = 1000 // what the selftest writes
const MIB = 1 << 20

/** The `swap: on` event, or the one line that says why there is none. */
async function outcome(machine: Machine) {
  await machine.until(/boot: ready/)
  return { on: machine.eventsOf('swap', 'on')[0]?.fields, other: machine.eventsOf('swap').filter(event => event.event !== 'on') }
}

await t.test('selftest=swap: a thousand pages out, in, and on the image', async t => {
  const image = makeDisk(join(t.testdir(), 'swap.img'), 64)
  await booted(t, 'passes', { append: 'eth0=off swap=vda selftest=swap', args: drive(image) }, async (t, machine) => {
    t.equal(await machine.exit(40), Exit.Success)
    t.match(machine.eventsOf('selftest', 'pass')[0]?.fields, { name: 'swap' })
    t.match(machine.eventsOf('swap', 'on')[0]?.fields, { disk: 'vda', slots: String(64 * 256 - 1) })
  })
  const data = readFileSync(image)
  await t.test('the header page', async t => {
    t.match(swapHeader(data), { version: 1, lastPage: 64 * 256 - 1, badPages: 0, signature: 'SWAPSPACE2' })
    t.not(swapHeader(data).uuid, '0'.repeat(32), 'a random UUID')
    t.ok(data.subarray(0, 1024).every(byte => byte === 0), 'the boot block is left as it was')
  })
  await t.test('the pages, page of slot n at sectors 8n to 8n+7', async t => {
    const found = selftestPages(data, PAGES)
    t.equal(new Set(found.values()).size, PAGES, 'every page is there, whole')
    t.notOk(found.has(0))
    const written = new Set(found.keys())
    const stray = Array.from({ length: data.length / 4096 - 1 }, (_, i) => i + 1)
      .filter(slot => !written.has(slot) && data.subarray(slot * 4096, slot * 4096 + 4096).some(byte => byte !== 0))
    t.ok(stray.length <= 1, `nothing else was written (slots ${stray})`)
  })
  await t.test('blkid knows it', async t => {
    if (!need(t, { command: 'blkid' })) return
    const found = await must('blkid', ['-p', '-o', 'export', image])
    t.match(found, /^TYPE=swap$/m)
    t.match(found, /^UUID=[0-9a-f-]{36}$/m)
  })
})

await t.test('a disk from mkswap is taken as it is', async t => {
  if (!need(t, { command: 'mkswap' })) return
  const folder = t.testdir()
  const image = makeDisk(join(folder, 'swap.img'), 16)
  await must('mkswap', ['-L', 'linux', image])
  const before = digest(image)
  await booted(t, 'without being named, and after an empty disk', {
    append: 'eth0=off', args: [...drive(makeDisk(join(folder, 'empty.img'), 8)), ...drive(image)],
  }, async (t, machine) => {
    t.match((await outcome(machine)).on, { disk: 'vdb', slots: String(16 * 256 - 1) })
  })
  t.equal(digest(image), before, 'and nothing in it was changed')
})

await t.test('an empty disk is taken, and gets a header', async t => {
  const image = makeDisk(join(t.testdir(), 'empty.img'), 8)
  await booted(t, 'first boot', { append: 'eth0=off', args: drive(image) }, async (t, machine) => {
    t.match((await outcome(machine)).on, { disk: 'vda', slots: String(8 * 256 - 1) })
  })
  const header = swapHeader(readFileSync(image))
  t.equal(header.signature, 'SWAPSPACE2')
  await booted(t, 'second boot', { append: 'eth0=off', args: drive(image) }, async (t, machine) => {
    t.match((await outcome(machine)).on, { disk: 'vda' })
  })
  t.equal(swapHeader(readFileSync(image)).uuid, header.uuid, 'the header of the first stays')
})

const foreign: [string, [number, Uint8Array | string][]][] = [
  ['a partition table', [[446, Buffer.from('80010100830101ff0008000000f80100', 'hex')], [510, Buffer.from('55aa', 'hex')]]],
  ['one byte at the end of the first MiB', [[MIB - 1, Buffer.of(1)]]],
  ['one byte at the end of the disk (a RAID superblock, a backup GPT)', [[8 * MIB - 1, Buffer.of(1)]]],
  ['one byte at the start of the last MiB', [[7 * MIB, Buffer.of(1)]]],
  ['an ext4 superblock', [[1024 + 56, Buffer.from('53ef', 'hex')]]],
  ['a swap header of another version', [[1024, Buffer.of(9, 0, 0, 0)], [4086, 'SWAPSPACE2']]],
  ['a swap header that promises more than the disk', [[1024, Buffer.of(1, 0, 0, 0)], [1028, Buffer.of(0, 0, 0xff, 0)], [4086, 'SWAPSPACE2']]],
]

for (const [what, contents] of foreign) {
  await t.test(`${what}: left alone, and the log says why`, async t => {
    const image = makeDisk(join(t.testdir(), 'foreign.img'), 8, contents)
    const before = digest(image)
    await booted(t, 'boots', { append: 'eth0=off', args: drive(image) }, async (t, machine) => {
      const { on, other } = await outcome(machine)
      t.equal(on, undefined)
      t.ok(other.length > 0, 'a swap line says why')
      t.match(other.map(event => event.line).join('\n'), /why=/)
    })
    t.equal(digest(image), before, 'byte for byte')
  })
}

await t.test('a disk that swap= names is taken whatever is on it', async t => {
  const contents: [number, string][] = [[0, 'somebody\'s data'], [100 * 4096, 'more of it']]
  const image = makeDisk(join(t.testdir(), 'named.img'), 8, contents)
  await booted(t, 'swap=vda', { append: 'eth0=off swap=vda', args: drive(image) }, async (t, machine) => {
    t.match((await outcome(machine)).on, { disk: 'vda' })
  })
  t.equal(swapHeader(readFileSync(image)).signature, 'SWAPSPACE2')
})

await t.test('swap=none and a disk that is not there', async t => {
  const image = makeDisk(join(t.testdir(), 'empty.img'), 8)
  const before = digest(image)
  await booted(t, 'swap=none', { append: 'eth0=off swap=none', args: drive(image) }, async (t, machine) => {
    t.equal((await outcome(machine)).on, undefined)
  })
  await booted(t, 'swap=vdc', { append: 'eth0=off swap=vdc', args: drive(image) }, async (t, machine) => {
    const { on, other } = await outcome(machine)
    t.equal(on, undefined)
    t.match(other, [{ level: 'warn', event: 'none', fields: { why: /no disk/ } }])
  })
  t.equal(digest(image), before, 'untouched')
})
