// A device that asks to be reset (virtio 1.2 §2.1.2) is given up, with one line; everything else goes on. The kernel
// booted is the real one whose driver errs once: test/kernel/boot-provoke.ts.

import { join } from 'node:path'
import t from 'tap'
import { drive, makeDisk } from '../disk.ts'
import { booted } from '../qemu.ts'
import { wired } from '../networked.ts'
import { testKernel } from '../test-kernel.ts'

const IMAGE = await testKernel('virtio-broken')

const broken = /error virtio: broken pci=\S+ device=\S+ why="the device needs a reset"/

for (const device of ['', 'vectors=0']) {
  await booted(t, `a card, ${device || 'with MSI-X'}`, {
    image: IMAGE, append: 'eth0=10.77.0.2/24 provoke=break-card',
    args: ['-netdev', 'user,id=n0,restrict=on', '-device', ['virtio-net-pci', 'netdev=n0', ...device ? [device] : []].join(',')],
  }, async (t, machine) => {
    await machine.until(broken)
    await new Promise(resolve => setTimeout(resolve, 300))
    t.equal(machine.eventsOf('virtio', 'broken').length, 1)
    t.ok(machine.running)
    t.same(machine.eventsOf('panic'), [])
  })

  await t.test(`a disk, ${device || 'with MSI-X'}`, async t => {
    const image = makeDisk(join(t.testdir(), 'disk.img'), 4)
    await wired(t, 'its request ends in an error, and the card serves on', {
      image: IMAGE, device, append: 'provoke=break-disk', args: drive(image, { device }),
    }, async (t, { machine, station }) => {
      await machine.until(broken)
      t.match(await machine.until(/test: completed/), /result=-5$/)
      for (let n = 0; n < 10; n++) await station.ping(Buffer.alloc(64, n))
      t.equal(machine.eventsOf('virtio', 'broken').length, 1)
    })
  })
}
