// No notification is lost between the processor and a device: the same boot and selftest, a hundred times. One that is
// lost shows as a machine that stands still; it took some sixty boots to meet one, before the fence of
// linker/intrinsics/kernel.h was one that QEMU keeps. virtio 1.2 §2.7.13.4.1.
// Time limit: 300 s

import { join } from 'node:path'
import t from 'tap'
import { drive, makeDisk } from '../disk.ts'
import { Exit, booted } from '../qemu.ts'

const BOOTS = 100
const card = ['-netdev', 'user,id=n0', '-device', 'virtio-net-pci,netdev=n0']

await t.test(`selftest=all ends every time, ${BOOTS} times`, async t => {
  t.setTimeout(300_000)
  for (let boot = 0; boot < BOOTS; boot++) {
    const image = makeDisk(join(t.testdir(), `disk${boot}.img`), 32)
    await booted(t, `boot ${boot}`, { append: 'swap=vda selftest=all', args: [...card, ...drive(image)] }, async (t, machine) => {
      t.equal(await machine.exit(20), Exit.Success)
    })
  }
})
