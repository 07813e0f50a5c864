// A booted guest at the end of a hostile wire: it answers what arrives whole, nothing else, and when the wire is itself
// again it serves as before. What reaches the guest is the same for the same seed.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { GUEST, wired } from '../networked.ts'
import type { Decoded } from '../wire/frames.ts'
import type { Harm } from '../wire/hostile.ts'
import { PcapWriter } from '../wire/pcap.ts'
import type { WirePeer } from '../wire/peer.ts'
import type { Station } from '../wire/station.ts'

const HARM: Harm = { drop: 0.1, reorder: 0.1, duplicate: 0.1, delay: 0.2, delayMilliseconds: 8, flip: 0.1, truncate: 0.05, append: 0.1 }
const ROUNDS = 40
const PER_ROUND = 50

const body = (n: number): Buffer => Buffer.from(Array.from({ length: 8 + n % 1000 }, (_, i) => n * 31 + i * 7 & 0xff))

/** Datagrams to the echo service in bursts; the answers that came, by the number in their port. */
async function burst(peer: WirePeer, station: Station): Promise<Decoded[]> {
  const from = peer.received.length
  for (let round = 0; round < ROUNDS; round++) {
    await peer.send(...Array.from({ length: PER_ROUND }, (_, i) => {
      const n = round * PER_ROUND + i
      return station.udpFrame(10_000 + n, 7, body(n))
    }))
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  return peer.received.slice(from).filter(frame => frame.udp?.sourcePort === 7)
}

await t.test('RFC 1122 §3.2.1.2, §4.1.3.4: a hostile wire towards the guest and back', async t => {
  const captures: Buffer[] = []
  for (const seed of [1, 1, 2]) {
    const capture = new PcapWriter(join(t.testdir(), `${captures.length}.pcap`))
    await wired(t, `seed ${seed}`, {}, async (t, { peer, station, machine }) => {
      await station.ping()
      peer.harm({ seed, there: HARM, back: {}, capture })
      const [before, answers] = [peer.received.length, await burst(peer, station)]
      t.ok(answers.length > ROUNDS * PER_ROUND / 2, `${answers.length} answers to ${ROUNDS * PER_ROUND} datagrams`)
      t.same(answers.filter(({ udp }) => Buffer.compare(udp!.payload,
        body(udp!.destinationPort - 10_000)) !== 0).length, 0, 'each is what was sent')
      t.ok(peer.received.slice(before).every(frame => frame.source === GUEST.mac), 'the guest sent nothing under another name')
      t.ok(peer.deeds('there').flipped > 50 && peer.deeds('there').truncated > 50)
      peer.forgive()
      await station.ping()
      t.same(machine.events.filter(event => event.level === 'error').map(event => event.line), [])
    })
    capture.close()
    captures.push(readFileSync(capture.path))
  }
  const [first, again, other] = captures
  t.ok(first!.length > ROUNDS * PER_ROUND * 400 && first!.equals(again!), 'the same seed, the same frames, byte for byte')
  t.notOk(first!.equals(other!))
})

await wired(t, 'the way back is hostile: half the replies are lost, the guest is none the worse', {}, async (t, { peer, station }) => {
  await station.ping()
  peer.harm({ seed: 3, there: {}, back: { drop: 0.5, duplicate: 0.2, reorder: 0.2 } })
  const answers = await burst(peer, station)
  const { offered, delivered, dropped } = peer.deeds('back')
  t.ok(offered >= ROUNDS * PER_ROUND, 'the guest answered every datagram')
  t.ok(dropped > offered / 3 && delivered > offered / 3)
  t.ok(answers.length > 0)
  peer.forgive()
  await station.ping()
})

await wired(t, 'silence one way, and its end', {}, async (t, { peer, station }) => {
  await station.ping()
  peer.harm({ seed: 4 })
  peer.silence('back')
  await t.rejects(station.ping(Buffer.alloc(8), 1), /no echo reply/)
  peer.silence('back', false)
  peer.silence('there')
  await t.rejects(station.ping(Buffer.alloc(8), 1), /no echo reply/)
  t.equal(peer.deeds('there').silenced, 1)
  peer.silence('there', false)
  await station.ping()
})
