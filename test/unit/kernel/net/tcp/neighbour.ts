// A connection that moves on says that its next hop is there: ARP need not ask. RFC 4861 §7.3.1, RFC 1122 §2.3.2.1 (4).
// Time limit: 120 s

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { TcpPair } from '../../../../wire/tcp-pair.ts'

const ARP = 0x0806

for (const e of await engines('test/kernel/net.ts')) {
  t.test(`${e.kind}: a stream of a minute and a half, and no ARP gets through after the first second`, async t => {
    const pair = new TcpPair(e, { seed: 1, latency: 250, receiveBuffer: 4096 })
    const { wire } = pair.pair
    const offer = wire.offer.bind(wire)
    wire.offer = (direction, frame, now) => {
      const type = frame[12]! << 8 | frame[13]!
      if (type !== ARP || now < 1000) offer(direction, frame, now)
    }
    const { verdict, why, milliseconds } = pair.transfer({ there: 500_000, back: 0, seed: 1, readAtOnce: 65_536, prompt: true })
    t.equal(verdict, 'whole', why)
    t.ok(milliseconds > 60_000 && milliseconds < 120_000, `${milliseconds} ms`)
  })
}
