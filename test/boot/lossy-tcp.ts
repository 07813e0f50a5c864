// Linux's TCP and the guest's over a wire that loses, reorders, doubles, delays and damages frames, by seed: curl fetches and
// posts, nc has its bytes echoed, and all of it is equal in the end.
// Time limit: 300 s

import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import t, { type Test } from 'tap'
import { Namespace } from '../namespace.ts'
import { need } from '../need.ts'
import { GUEST, HOST } from '../networked.ts'
import { booted } from '../qemu.ts'
import type { Harm } from '../wire/hostile.ts'
import { pattern } from '../wire/http.ts'
import { WirePeer } from '../wire/peer.ts'
import { linuxAt } from '../wire/relay.ts'

const SIZE = 2_000_000
const ECHOED = 300_000
const URL = `http://${GUEST.ip}`
const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex')

interface Wire { name: string, seed: number, harm: Harm }
const wires: Wire[] = [
  { name: 'a wire that harms nobody', seed: 1, harm: {} },
  { name: '1 % lost', seed: 2, harm: { drop: 0.01 } },
  { name: '5 % lost, reordered, doubled, damaged', seed: 3,
    harm: { drop: 0.05, reorder: 0.05, duplicate: 0.02, delay: 0.05, delayMilliseconds: 8, flip: 0.01, truncate: 0.01, append: 0.01 } },
]

interface Stats { tcp: { connections: number, retransmitted: number }, packets: { total: number, free: number } }

async function transfers(t: Test, namespace: Namespace): Promise<void> {
  const [bytes, echoed] = [pattern(SIZE), pattern(ECHOED)]
  const folder = t.testdir()
  const file = (name: string, data: Buffer) => {
    const path = join(folder, name)
    writeFileSync(path, data)
    return path
  }
  const get = await namespace.must('sh', ['-c', `curl -sS -m 60 ${URL}/bytes/${SIZE} | sha256sum`], { seconds: 70 })
  t.equal(get.split(' ')[0], sha256(bytes), 'GET')
  const post = await namespace.must('curl', ['-sS', '-m', '60', '--data-binary', `@${file('post', bytes)}`, `${URL}/sink`], { seconds: 70 })
  t.same(JSON.parse(post), { bytes: SIZE, crc32: (crc32(bytes) >>> 0).toString(16).padStart(8, '0') }, 'POST')
  const echo = await namespace.must('sh', ['-c', `timeout 60 nc.openbsd -N ${GUEST.ip} 7 < ${file('echo', echoed)} | sha256sum`], { seconds: 70 })
  t.equal(echo.split(' ')[0], sha256(echoed), 'echo')
}

for (const { name, seed, harm } of wires) {
  await t.test(name, async t => {
    if (!need(t, 'root', 'tun', { command: 'curl' }, { command: 'nc.openbsd' }, { command: 'python3' })) return
    const namespace = await Namespace.create(t, `${HOST.ip}/24`)
    const peer = await WirePeer.listen()
    t.teardown(() => { peer.close() })
    linuxAt(t, peer, namespace)
    await booted(t, `seed ${seed}`, {
      append: `eth0=${GUEST.ip}/24,gw=${HOST.ip} swap=none`,
      args: ['-netdev', peer.netdev('n0'), '-device', `virtio-net-pci,netdev=n0,mac=${GUEST.mac}`],
    }, async (t, machine) => {
      await machine.until(/net: up .*if=eth0/)
      const stats = async () => JSON.parse(await namespace.must('curl', ['-sS', '-m', '20', `${URL}/api/stats`])) as Stats
      const before = await stats()
      peer.harm({ seed, harm })
      await transfers(t, namespace)
      for (const way of ['there', 'back'] as const) t.comment(`${way}: ${JSON.stringify(peer.deeds(way))}`)
      t.ok(harm.drop === undefined || peer.deeds('back').dropped > 5, 'frames of ours were lost')
      peer.forgive()
      let after = await stats()
      for (let i = 0; i < 100 && after.tcp.connections > 1; i++) {
        await new Promise(resolve => setTimeout(resolve, 200))
        after = await stats()
      }
      t.comment(`${after.tcp.retransmitted} segments were sent again`)
      t.ok(harm.drop === undefined || after.tcp.retransmitted > 0, 'what is lost is sent again')
      t.same([after.tcp.connections, after.packets], [before.tcp.connections, before.packets], 'nothing is kept')
      t.same(machine.events.filter(event => event.level === 'error').map(event => event.line), [])
    })
  })
}
