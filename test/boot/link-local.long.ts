// Nobody gives an address: half a minute after boot the machine has taken one of its own, and Linux reaches it there. RFC 3927.

import { join } from 'node:path'
import t from 'tap'
import { Namespace } from '../namespace.ts'
import { need } from '../need.ts'
import { GUEST } from '../networked.ts'
import { booted } from '../qemu.ts'
import { fields, isClean } from '../tshark.ts'

await t.test('link-local', async t => {
  if (!need(t, 'root', 'tun', { command: 'ping' }, { command: 'arping' }, { command: 'tshark' })) return
  const namespace = await Namespace.create(t, '169.254.0.9/16')
  const capture = join(t.testdir(), 'guest.pcap')
  await booted(t, 'without a DHCP server', {
    append: 'eth0=dhcp swap=none', namespace: namespace.name,
    args: [...namespace.card(GUEST.mac, { offloads: false }), '-object', `filter-dump,id=dump,netdev=n0,file=${capture},maxlen=131072`],
  }, async (t, machine) => {
    await machine.until(/boot: ready/)
    const { fields: up } = await machine.event(/net: up .*if=eth0/, 60)
    t.match(up, { ip: /^169\.254\.\d+\.\d+\/16$/, source: 'link-local', mtu: '1500' })
    const address = up.ip!.split('/')[0]!
    t.match(await namespace.must('ping', ['-c', '5', '-i', '0.1', address]), /5 received/)
    t.equal((await namespace.run('arping', ['-D', '-c', '2', '-w', '3', '-I', 'tap0', address])).status, 1, 'it defends the address against a probe')
    const probes = await fields(capture, `eth.src == ${GUEST.mac} && arp.opcode == 1 && arp.src.proto_ipv4 == 0.0.0.0`, ['arp.dst.proto_ipv4', 'frame.time_relative'])
    t.same(probes.map(([target]) => target), [address, address, address], 'RFC 3927 §2.2.1: PROBE_NUM')
    t.ok(Number(probes[0]![1]) >= 29, `the first after ${probes[0]![1]} s`)
  })
  await isClean(t, capture, 10, `eth.src == ${GUEST.mac}`)
})
