// The devices a machine may have, and may not: virtio in each of its forms, none at all, and strangers.

import t from 'tap'
import { booted } from '../qemu.ts'
import { wired } from '../networked.ts'

await booted(t, 'no network card and no disk', { append: '' }, async (t, machine) => {
  await machine.until(/boot: ready/)
  t.same(machine.eventsOf('net', 'up'), [])
  t.same(machine.eventsOf('swap', 'on'), [])
  t.same(machine.events.filter(event => event.level === 'error'), [])
})

for (const [what, device] of [['as a transitional device', ''], ['as a modern device', 'disable-legacy=on'], ['without MSI-X', 'vectors=0'],
  ['modern, without MSI-X', 'disable-legacy=on,vectors=0'], ['without mergeable buffers', 'mrg_rxbuf=off'], ['without event index', 'event_idx=off'],
  ['without checksum offload', 'csum=off,guest_csum=off'], ['without a control queue or status', 'ctrl_vq=off,status=off']] as const) {
  for (const machine of ['pc', 'q35']) {
    await wired(t, `virtio-net ${what}, on ${machine}`, { device, machine, append: 'log=debug' }, async (t, { station, machine }) => {
      for (let n = 0; n < 20; n++) await station.ping(Buffer.alloc(1000, n))
      if (device.includes('vectors=0')) t.match(machine.log, /virtio: started .*interrupts=intx/)
      else t.match(machine.log, /virtio: started .*interrupts=msix/)
    })
  }
}

await wired(t, 'a legacy-only device is refused with one clear line', { device: 'disable-modern=on', ready: /boot: ready/ }, async (t, { machine }) => {
  const refused = machine.events.filter(event => event.subsystem === 'virtio')
  t.equal(refused.length, 1)
  t.match(refused[0], { level: 'warn', event: 'refused', fields: { why: /legacy|modern|VERSION_1|virtio 1/i } })
  t.same(machine.eventsOf('net', 'up'), [])
})

await booted(t, 'cards and disks of other kinds are passed by', {
  append: 'eth0=dhcp',
  args: ['-netdev', 'user,id=n0,restrict=on', '-device', 'e1000,netdev=n0', '-device', 'piix3-usb-uhci', '-device', 'virtio-balloon-pci',
    '-device', 'virtio-serial-pci', '-device', 'AC97,audiodev=a0', '-audiodev', 'none,id=a0', '-device', 'virtio-scsi-pci'],
}, async (t, machine) => {
  await machine.until(/boot: ready/)
  t.same(machine.events.filter(event => event.level === 'error'), [])
})

await booted(t, 'behind a bridge, and eight functions in a slot', {
  append: 'eth0=10.0.2.15/24',
  args: ['-device', 'pci-bridge,id=b1,chassis_nr=1,addr=5', '-netdev', 'user,id=n0,restrict=on', '-device', 'virtio-net-pci,netdev=n0,bus=b1,addr=3',
    ...Array.from({ length: 8 }, (_, f) => ['-device', `virtio-rng-pci,addr=6.${f}${f === 0 ? ',multifunction=on' : ''}`]).flat()],
}, async (t, machine) => {
  await machine.until(/boot: ready/)
  await machine.until(/net: up .*if=eth0/)
})

await wired(t, 'a cable pulled and put back', {}, async (t, { machine, station }) => {
  await station.ping()
  await machine.monitor('set_link n0 off')
  await machine.until(/net: (down|link).*eth0/)
  await machine.monitor('set_link n0 on')
  await new Promise(resolve => setTimeout(resolve, 300))
  await station.ping()
})
