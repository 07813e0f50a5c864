// Ten thousand hostile frames, the same ones every time: none stops the stack, none keeps a packet, and after them
// it answers as before.

import t from 'tap'
import { engines } from '../../../engine.ts'
import { checksum } from '../../../wire/bytes.ts'
import { hostileFrame, randomFrom } from '../../../wire/garbage.ts'
import { Station } from '../../../wire/station.ts'
import type { WirePeer } from '../../../wire/peer.ts'
import { GUEST, PEER, Stack, counting } from '../../../wire/stack.ts'

const FRAMES = 10_000
const SEED = 20_261_123

/** Every second frame gets right checksums, so that the layers above IPv4 see something too. */
function repaired(frame: Uint8Array): Uint8Array {
  if (frame.length < 34 || frame[12] !== 8 || frame[13] !== 0) return frame
  const header = (frame[14]! & 15) * 4
  if (header < 20 || 14 + header > frame.length) return frame
  frame.set([0, 0], 24)
  const sum = checksum(frame.subarray(14, 14 + header))
  frame.set([sum >> 8, sum & 0xff], 24)
  return frame
}

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
          const frame = i % 2 ? repaired(made) : made
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
