// Ten thousand hostile frames (fewer in `make check`), the same ones every time: none stops the stack, none keeps a packet, and after them
// it answers as before.

import t from 'tap'
import { engines } from '../../../engine.ts'
import { hostileFrame, randomFrom, repaired } from '../../../wire/garbage.ts'
import { Station } from '../../../wire/station.ts'
import type { WirePeer } from '../../../wire/peer.ts'
import { GUEST, PEER, Stack, counting } from '../../../wire/stack.ts'

const FRAMES = process.env.LEVEL === 'check' ? 1500 : 10_000
const SEED = 20_261_123

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    for (const value of [`${GUEST.ip}/24,gw=10.0.0.1`, `${GUEST.ip}/24,promisc`, 'dhcp']) {
      t.test(`eth0=${value}`, async t => {
        const stack = new Stack(e)
        stack.configure(value)
        stack.call('echoServiceStart')
        const free = stack.free
        const station = new Station(null as unknown as WirePeer, PEER, GUEST)
        const random = randomFrom(SEED)
        let handed = 0
        for (let i = 0; i < FRAMES; i++) {
          const made = Uint8Array.from(hostileFrame(station, random))
          const frame = i % 2 ? repaired(made) : made // so that the layers above IPv4 see something too
          const piece = i % 3 === 0 ? 1 + random(2000) : 2000
          if (Math.ceil(frame.length / piece) > 40) continue
          stack.receive(frame, { piece, checksum: i % 5 === 0 ? random(3) : 0 })
          handed++
          if (i % 100 === 99) {
            stack.advance(50)
            stack.forget()
          }
        }
        t.ok(handed > FRAMES / 2, `${handed} frames`)
        stack.configure('off')
        stack.advance(30_000) // what waits for the rest of its fragments is given up
        t.equal(stack.free, free, 'every packet is back')
        t.ok(Object.keys(stack.drops()).length >= 15, Object.keys(stack.drops()).join(' '))
        stack.configure(`${GUEST.ip}/24`)
        stack.receive(stack.arp())
        const [reply] = stack.exchange(stack.echo(counting(56)))
        t.ok(reply?.icmp?.checksumRight, 'it still answers')
        t.equal(stack.free, free)
      })
    }
  })
}
