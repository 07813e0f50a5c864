// Every machine of the matrix does everything: boots, takes an address by DHCP from the test's peer, takes an empty
// disk for swap, answers pings and UDP echoes, and survives hostile frames.
// Time limit: 900 s

import { join } from 'node:path'
import t from 'tap'
import { drive, makeDisk } from '../disk.ts'
import { GUEST, HOST, wired } from '../networked.ts'
import { ISO, KERNEL } from '../qemu.ts'
import { dhcpServer } from '../wire/dhcp.ts'
import { hostileFrame, randomFrom } from '../wire/garbage.ts'

const machines = ['pc', 'q35']
const processors = ['max', 'qemu64', 'Nehalem', 'EPYC']
const memories = ['16M', '64M', '512M', '4G']
const cards = ['', 'disable-legacy=on', 'vectors=0']

let seed = 1
for (const machine of machines) {
  for (const cpu of processors) {
    for (const memory of memories) {
      for (const device of cards) {
        for (const image of [KERNEL, ISO]) {
          await combination({ machine, cpu, memory, device, image })
        }
      }
    }
  }
}

async function combination({ machine, cpu, memory, device, image }: Record<'machine' | 'cpu' | 'memory' | 'device' | 'image', string>): Promise<void> {
  const random = randomFrom(seed++)
  const disk = makeDisk(join(t.testdir(), 'disk.img'), 8)
  const lease = { serverIp: HOST.ip, serverMac: HOST.mac, ip: GUEST.ip, gateway: HOST.ip }
  const name = `${image.endsWith('.iso') ? 'ISO' : 'ELF'} ${machine} ${cpu} ${memory} ${device || 'transitional'}`
  await wired(t, name, {
    machine, cpu, memory, image, device, commandLine: '', ready: /boot: ready/, prepare: peer => peer.react(dhcpServer(lease)),
    args: [...drive(disk, { device }), '-device', 'virtio-rng-pci'],
  }, async (t, { machine, peer, station }) => {
    t.match((await machine.event(/swap: on/)).fields, { disk: 'vda', slots: String(8 * 256 - 1) })
    t.match((await machine.event(/net: up .*if=eth0/)).fields, { ip: `${GUEST.ip}/24`, source: 'dhcp' })
    for (let n = 0; n < 20; n++) await station.ping(Buffer.alloc(n * 70))
    await peer.ask(station.udpFrame(5000, 7, Buffer.from('echo')), frame => frame.udp?.destinationPort === 5000)
    for (let n = 0; n < 200; n++) await peer.send(hostileFrame(station, random))
    await station.ping()
    t.same(machine.events.filter(event => event.level === 'error').map(event => event.line), [])
  })
}
