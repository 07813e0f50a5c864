// virtio-blk in its forms, and disks that fail: errors of the device are reported, survived, and never a panic.
// QEMU's blkdebug injects them; werror=report,rerror=report hands them to the guest.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { digest, drive, makeDisk, selftestPages } from '../disk.ts'
import { Exit, booted } from '../qemu.ts'

const always = { event: 'none', errno: 5, once: false, immediately: false }

for (const device of ['', 'disable-legacy=on', 'vectors=0', 'queue-size=16', 'event_idx=off', 'write-cache=off', 'logical_block_size=4096,physical_block_size=4096']) {
  await t.test(`selftest=swap on virtio-blk-pci ${device || 'as it comes'}`, async t => {
    const image = makeDisk(join(t.testdir(), 'disk.img'), 16)
    await booted(t, 'passes', { append: 'eth0=off swap=vda selftest=swap', args: drive(image, { device }) }, async (t, machine) => {
      t.equal(await machine.exit(60), Exit.Success)
    })
    t.equal(selftestPages(readFileSync(image), 1000).size >= 1000, true, 'the pages are on the image')
  })
}

await t.test('reads fail', async t => {
  const image = makeDisk(join(t.testdir(), 'disk.img'), 16)
  const args = drive(image, { blkdebug: [{ ...always, iotype: 'read' }] })
  await booted(t, 'boot goes on without swap, and says so', { append: 'eth0=off', args }, async (t, machine) => {
    await machine.until(/boot: ready/)
    t.same(machine.eventsOf('swap', 'on'), [])
    t.match(machine.log, /(swap|block|disk).*(error|I\/O|read)/i)
  })
})

await t.test('writes fail', async t => {
  const image = makeDisk(join(t.testdir(), 'disk.img'), 16)
  const args = drive(image, { blkdebug: [{ ...always, iotype: 'write' }] })
  await booted(t, 'the selftest fails with the reason', { append: 'eth0=off swap=vda selftest=swap', args }, async (t, machine) => {
    t.equal(await machine.exit(40), Exit.Failure)
    t.match(machine.eventsOf('selftest', 'fail')[0]?.fields, { name: 'swap', why: /\w/ })
  })
  t.ok(readFileSync(image).every(byte => byte === 0), 'nothing was written')
})

await t.test('some sectors fail', async t => {
  const image = makeDisk(join(t.testdir(), 'disk.img'), 16)
  // Every write over sector 4000 (slot 500) fails, and every read of sector 800 (slot 100) does.
  const args = drive(image, { blkdebug: [{ ...always, iotype: 'write', sector: 4000 }, { ...always, iotype: 'read', sector: 800 }] })
  await booted(t, 'no panic: an error, and the exit status of a failed selftest', { append: 'eth0=off swap=vda selftest=swap', args }, async (t, machine) => {
    t.equal(await machine.exit(40), Exit.Failure)
    t.equal(machine.eventsOf('selftest', 'fail').length, 1)
  })
})

await t.test('flush fails', async t => {
  const image = makeDisk(join(t.testdir(), 'disk.img'), 16)
  const args = drive(image, { blkdebug: [{ ...always, iotype: 'flush' }] })
  await booted(t, 'boots', { append: 'eth0=off', args }, async (t, machine) => {
    await machine.until(/boot: ready/)
    t.match(machine.log, /swap/)
  })
})

await t.test('a read-only disk', async t => {
  const image = makeDisk(join(t.testdir(), 'disk.img'), 16)
  const before = digest(image)
  await booted(t, 'is not taken for swap', { append: 'eth0=off', args: drive(image, { readOnly: true }) }, async (t, machine) => {
    await machine.until(/boot: ready/)
    t.same(machine.eventsOf('swap', 'on'), [])
  })
  await booted(t, 'nor when it is named', { append: 'eth0=off swap=vda selftest=swap', args: drive(image, { readOnly: true }) }, async (t, machine) => {
    t.equal(await machine.exit(30), Exit.Failure)
    t.match(machine.log, /read-only/)
  })
  t.equal(digest(image), before)
})

await t.test('a disk too small for a header and a page, and an empty one', async t => {
  for (const [what, bytes] of [['4 KiB', 4096], ['512 bytes', 512]] as const) {
    const image = makeDisk(join(t.testdir(), 'tiny.img'), 0, [[0, Buffer.alloc(bytes)]])
    await booted(t, what, { append: 'eth0=off swap=vda', args: drive(image) }, async (t, machine) => {
      await machine.until(/boot: ready/)
      t.same(machine.eventsOf('swap', 'on'), [])
    })
  }
})

await t.test('more disks than one', async t => {
  const folder = t.testdir()
  const images = ['a', 'b', 'c', 'd'].map(name => makeDisk(join(folder, name), 8))
  await booted(t, 'vdc is the third', { append: 'eth0=off swap=vdc', args: images.flatMap(image => drive(image)) }, async (t, machine) => {
    await machine.until(/boot: ready/)
    t.match(machine.eventsOf('swap', 'on')[0]?.fields, { disk: 'vdc' })
  })
  t.ok(readFileSync(images[2]!).includes('SWAPSPACE2'))
  for (const other of [0, 1, 3]) t.ok(readFileSync(images[other]!).every(byte => byte === 0), 'the others are untouched')
})
