// virtio over PCI where a host-side double can not follow: BARs above 4 GiB, features the device insists on, large
// rings, shared interrupt lines, more devices than there are tables for.

import { join } from 'node:path'
import t from 'tap'
import { drive, makeDisk } from '../disk.ts'
import { booted } from '../qemu.ts'
import { GUEST, HOST, wired } from '../networked.ts'
import { WirePeer } from '../wire/peer.ts'
import { Station } from '../wire/station.ts'

// A 4 GiB BAR leaves no room below 4 GiB, so SeaBIOS moves every 64-bit prefetchable BAR above.
const crowd = ['-object', 'memory-backend-ram,id=m0,size=4G,share=on', '-device', 'ivshmem-plain,memdev=m0']

for (const chipset of ['pc', 'q35']) {
  await wired(t, `registers above 4 GiB, on ${chipset}`, { machine: chipset, args: crowd }, async (t, { machine, station }) => {
    t.match(await machine.monitor('info pci'), /1af4:1000[\s\S]*?BAR4: 64 bit prefetchable memory at 0x[1-9a-f][0-9a-f]{8}/)
    for (let n = 0; n < 5; n++) await station.ping(Buffer.alloc(500, n))
  })
}

await booted(t, 'a device that insists on a feature this kernel has not', {
  append: 'eth0=off', args: ['-device', 'virtio-rng-pci,disable-legacy=on,iommu_platform=on'],
}, async (t, machine) => {
  await machine.until(/boot: ready/)
  t.same(machine.eventsOf('virtio').map(each => [each.level, each.event]), [['warn', 'refused']])
  t.match(machine.log, /virtio: refused .*why="wants features this kernel has not"/)
})

for (const device of [
  'rx_queue_size=1024', 'disable-legacy=on,modern-pio-notify=on', 'mq=on', 'packed=on', 'page-per-vq=on', 'vectors=1', 'vectors=2',
]) {
  await wired(t, `virtio-net with ${device}`, { device }, async (t, { machine, station }) => {
    for (let n = 0; n < 300; n++) await station.ping(Buffer.alloc(100, n))
    t.same(machine.eventsOf('virtio'), [], 'nothing to complain of')
  })
}

const port = ['-device', 'pcie-root-port,id=r1,chassis=1,slot=1']
const behindSwitch = [...port, '-device', 'x3130-upstream,id=u1,bus=r1', '-device', 'xio3130-downstream,id=d1,bus=u1,chassis=2,slot=2']
for (const [what, args, bus] of [['a root port', port, 'r1'], ['a switch', behindSwitch, 'd1']] as const) {
  const peer = await WirePeer.listen()
  const station = new Station(peer, HOST, GUEST).answerArp()
  await booted(t, `a PCI Express card behind ${what}`, {
    machine: 'q35', append: `eth0=${GUEST.ip}/24 swap=none`,
    args: [...args, '-netdev', peer.netdev('n0'), '-device', `virtio-net-pci,netdev=n0,mac=${GUEST.mac},bus=${bus}`],
  }, async (t, machine) => {
    await machine.until(/net: up .*if=eth0/)
    t.match(machine.log, /virtio-net: found if=eth0 pci=0[1-9]:/)
    for (let n = 0; n < 5; n++) await station.ping(Buffer.alloc(100, n))
  })
  peer.close()
}

for (const [offered, used, more] of [[1400, 1400, ''], [9000, 9000, ''], [9000, 1996, ',mrg_rxbuf=off']] as const) {
  await wired(t, `a card that offers an MTU of ${offered}${more}`, { device: `host_mtu=${offered}${more}` }, async (t, { machine, station }) => {
    t.match(machine.log, new RegExp(`virtio-net: found .* mtu=${used} `))
    await station.ping(Buffer.alloc(1000, 1))
  })
}

await wired(t, 'frames over several receive buffers, and more of them than the ring has', {}, async (t, { machine, peer, station }) => {
  const addresses = station.arpFrame().subarray(0, 12) // what follows is an EtherType nobody knows
  for (let n = 0; n < 300; n++) await peer.send(Buffer.concat([addresses, Buffer.alloc(100 + n * 30, 0x88)]))
  for (let n = 0; n < 20; n++) await station.ping(Buffer.alloc(100, n))
  t.same(machine.eventsOf('virtio'), [])
})

await t.test('a card and a disk on one INTx line', async t => {
  const image = makeDisk(join(t.testdir(), 'disk.img'), 16)
  // Lines rotate by slot, four of them: slots 4 and 8 share one.
  const disk = drive(image, { device: 'vectors=0,addr=8' })
  await wired(t, 'both work', { device: 'vectors=0,addr=4', append: 'swap=vda', args: disk }, async (t, { machine, station }) => {
    const lines = [...(await machine.monitor('info pci')).matchAll(/device +(4|8), function 0:[\s\S]*?IRQ (\d+)/g)].map(each => each[2])
    t.equal(lines.length, 2)
    t.equal(lines[0], lines[1])
    t.match(machine.log, /swap: on disk=vda/)
    for (let n = 0; n < 20; n++) await station.ping(Buffer.alloc(100, n))
  })
})

await booted(t, 'more cards and disks than there are tables for', {
  machine: 'pc',
  append: Array.from({ length: 8 }, (_, i) => `eth${i}=off`).join(' '),
  args: Array.from({ length: 9 }, (_, i) => [
    '-netdev', `user,id=n${i},restrict=on`, '-device', `virtio-net-pci,netdev=n${i},romfile=`,
    '-drive', `if=none,id=d${i},driver=null-co,size=1M,read-zeroes=on`, '-device', `virtio-blk-pci,drive=d${i}`,
  ]).flat(),
}, async (t, machine) => {
  await machine.until(/boot: ready/, 20)
  t.same(machine.eventsOf('virtio-net', 'found').map(each => each.fields.if), Array.from({ length: 8 }, (_, i) => `eth${i}`))
  t.same(machine.eventsOf('virtio-blk', 'found').map(each => each.fields.disk), ['vda', 'vdb', 'vdc', 'vdd', 'vde', 'vdf', 'vdg', 'vdh'])
  t.equal(machine.events.filter(each => each.level === 'warn' && /^virtio-(net|blk)$/.test(each.subsystem)).length, 2)
})
