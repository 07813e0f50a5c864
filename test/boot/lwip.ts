// lwIP (Debian's liblwip) as the kernel's neighbour, client and server: bytes equal both ways, windows that close on either side,
// ends in every order. The program that has it is test/native/lwip-peer.c; the kernel's is test/kernel/boot-connect.ts.
// Time limit: 300 s

import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import t from 'tap'
import { must } from '../command.ts'
import { need } from '../need.ts'
import { GUEST, HOST } from '../networked.ts'
import { booted } from '../qemu.ts'
import { testKernel } from '../test-kernel.ts'
import { isClean } from '../tshark.ts'
import { pattern } from '../wire/http.ts'
import { WirePeer } from '../wire/peer.ts'
import { neighbour } from '../wire/relay.ts'

const SIZE = 2_000_000
const DONE = ['ok echo', 'ok get', 'ok serve-echo', 'ok serve-send', /^ok serve-take/]

await t.test('lwIP', async t => {
  if (!need(t, { file: '/usr/include/lwip/lwipopts.h' }, { command: 'gcc' }, { command: 'tshark' })) return
  const folder = t.testdir()
  const program = join(folder, 'lwip-peer')
  await must('gcc', ['-O2', '-Wall', '-Werror', '-o', program, 'test/native/lwip-peer.c', '-I/usr/include/lwip', '-llwip', '-lpthread'])
  const kernel = await testKernel('lwip')
  const peer = await WirePeer.listen()
  t.teardown(() => { peer.close() })
  const capture = join(folder, 'wire.pcap')
  peer.record(capture)
  await booted(t, 'a client and a server', {
    image: kernel, append: `eth0=${GUEST.ip}/24,gw=${HOST.ip} swap=none test=client`,
    args: ['-netdev', peer.netdev('n0'), '-device', `virtio-net-pci,netdev=n0,mac=${GUEST.mac}`],
  }, async (t, machine) => {
    await machine.until(/net: up .*if=eth0/)
    const lines: string[] = []
    await new Promise<void>(resolve => {
      const late = setTimeout(resolve, 80_000)
      const child = neighbour(t, peer, [program, HOST.ip, GUEST.ip, String(SIZE)], line => {
        lines.push(line)
        if (lines.length === DONE.length || line.startsWith('fail')) { clearTimeout(late); resolve() }
      })
      child.on('close', () => { clearTimeout(late); resolve() })
    })
    t.match(lines, DONE)
    t.match(lines.at(-1), `crc32=${(crc32(pattern(SIZE)) >>> 0).toString(16).padStart(8, '0')}`)
    await machine.until(/client: took job=3 bytes=2000000 result=0/)
    t.match(machine.log, /client: echoed job=1 bytes=2000000 result=0/)
    t.match(machine.log, /client: sent job=2 bytes=2000000 result=0/)
    t.same(machine.events.filter(event => event.level === 'error').map(event => event.line), [])
  })
  peer.close()
  await isClean(t, capture, 1000, `ip.src == ${GUEST.ip}`)
})
