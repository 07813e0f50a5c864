// Two of our stacks with a hostile wire between them, in virtual time: what arrives is what was sent, nothing is kept,
// and when the wire is itself again so are they.
// Time limit: 180 s

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type Engine, engines } from '../../../engine.ts'
import type { Bytes } from '../../../wire/bytes.ts'
import { decode } from '../../../wire/frames.ts'
import type { Harm } from '../../../wire/hostile.ts'
import { LEFT, Pair, RIGHT } from '../../../wire/pair.ts'
import { PcapWriter } from '../../../wire/pcap.ts'
import { ip } from '../../../wire/stack.ts'
import { need } from '../../../need.ts'
import { count } from '../../../tshark.ts'

const LOSSY: Harm = { drop: 0.1, reorder: 0.1, duplicate: 0.1, delay: 0.2, delayMilliseconds: 30, flip: 0.05,
  truncate: 0.05, append: 0.05 }
const PORT = 4000

/** Datagram n: its number and a text that goes with it; every length from 2 to 257. */
const datagram = (n: number): Bytes => Uint8Array.from({ length: 2 + n % 256 },
  (_, i) => i < 2 ? n >>> 8 * i & 0xff : n * 31 + i * 7 & 0xff)

function serving(engine: Engine, options: { seed: number, harm?: Harm, capture?: PcapWriter }): Pair {
  const pair = new Pair(engine, options)
  pair.right.call('echoServiceStart')
  pair.left.call('listen', PORT)
  pair.left.call('pingOpen')
  return pair
}

/** One ping and one datagram to the echo service every `apart` milliseconds. */
function converse(pair: Pair, from: number, times: number, apart = 5): void {
  for (let n = from; n < from + times; n++) {
    pair.left.call('ping', ip(RIGHT.ip), n, 56)
    const data = datagram(n)
    pair.left.call('sendUdp', ip(RIGHT.ip), 7, PORT, pair.left.put(data), data.length)
    pair.run(apart)
  }
}

const taken = (pair: Pair): number => pair.left.call('takenField', 0)
const replies = (pair: Pair): number => pair.left.call('pingReplies')

const captures = new Map<string, Buffer>()

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    t.test('a wire that does nothing to frames', async t => {
      const pair = serving(e, { seed: 1 })
      converse(pair, 0, 100)
      pair.run(100)
      t.equal(replies(pair), 100)
      t.equal(taken(pair), 100)
    })

    t.test('RFC 1122 §3.2.1.2, §4.1.3.4: what a lossy wire damages is dropped, never delivered', async t => {
      const pair = serving(e, { seed: 2, harm: LOSSY })
      const free = [pair.left.free, pair.right.free]
      converse(pair, 0, 1000)
      pair.wire.setHarm('there', {})
      pair.wire.setHarm('back', {})
      pair.run(5000)
      const echoed = pair.sent.filter(each => each.direction === 'back')
        .map(({ frame }) => decode(frame).udp).filter(udp => udp !== undefined)
      t.ok(echoed.length > 600, `${echoed.length} datagrams were answered`)
      t.same(echoed.filter(({ payload }) => {
        const n = payload.length >= 2 ? payload[0]! | payload[1]! << 8 : -1
        return n < 0 || n >= 1000 || Buffer.compare(payload, datagram(n)) !== 0
      }), [], 'each of them is one that was sent')
      t.ok(taken(pair) > 400 && taken(pair) < echoed.length * 1.3, `${taken(pair)} answers came back`)
      t.ok(replies(pair) > 400, `${replies(pair)} echo replies`)
      for (const direction of ['there', 'back'] as const) {
        const { dropped, reordered, duplicated, delayed, flipped, truncated, appended } = pair.wire.deeds(direction)
        t.ok(Math.min(dropped, reordered, duplicated, delayed, flipped, truncated, appended) > 20, `every harm was done ${direction}`)
      }
      const drops = Object.keys({ ...pair.left.drops(), ...pair.right.drops() })
      t.ok(drops.length >= 5, `${drops.join(' ')}`)
      t.same([pair.left.free, pair.right.free], free, 'no packet is kept')
    })

    t.test('after the worst of wires two hosts find each other again', async t => {
      const pair = serving(e, { seed: 3,
        harm: { drop: 0.5, flip: 0.5, truncate: 0.2, append: 0.5, reorder: 0.5, duplicate: 0.5, delay: 0.5, delayMilliseconds: 500 } })
      converse(pair, 0, 300, 20)
      pair.wire.setHarm('there', {})
      pair.wire.setHarm('back', {})
      pair.run(120_000) // what damaged ARP packets taught has aged: RFC 1122 §2.3.2.1
      const before = [replies(pair), taken(pair)]
      converse(pair, 1000, 100)
      pair.run(2000)
      t.same([replies(pair) - before[0]!, taken(pair) - before[1]!], [100, 100])
    })

    t.test('silence one way: nothing comes, nothing is kept; and when it ends all is well', async t => {
      for (const direction of ['there', 'back'] as const) {
        const pair = serving(e, { seed: 4 })
        const free = [pair.left.free, pair.right.free]
        converse(pair, 0, 5)
        pair.wire.silence(direction)
        const before = replies(pair)
        converse(pair, 5, 200, 500)
        pair.run(10_000)
        t.equal(replies(pair), before, `no reply while there is silence ${direction}`)
        t.same([pair.left.free, pair.right.free], free)
        pair.wire.silence(direction, false)
        pair.run(60_000)
        converse(pair, 300, 20)
        pair.run(2000)
        t.equal(replies(pair) - before, 20)
      }
    })

    t.test('the same seed gives the same capture, byte for byte', async t => {
      const captured = (seed: number, name: string): Buffer => {
        const capture = new PcapWriter(join(t.testdir(), name))
        const pair = serving(e, { seed, harm: LOSSY, capture })
        converse(pair, 0, 200)
        pair.run(1000)
        capture.close()
        return readFileSync(capture.path)
      }
      const first = captured(5, 'first.pcap')
      t.ok(first.length > 20_000)
      t.ok(first.equals(captured(5, 'second.pcap')))
      t.notOk(first.equals(captured(6, 'other.pcap')))
      captures.set(e.kind, first)
    })

    t.test("Wireshark reads the capture of a wire that harms nobody's bytes", async t => {
      if (!need(t, { command: 'tshark' })) return
      const capture = new PcapWriter(join(t.testdir(), 'pair.pcap'))
      const pair = serving(e, { seed: 7, harm: { drop: 0.1, duplicate: 0.1, reorder: 0.1, delay: 0.1 }, capture })
      converse(pair, 0, 100)
      pair.run(1000)
      capture.close()
      const bad = '_ws.malformed or ip.checksum.status == "Bad" or udp.checksum.status == "Bad" or icmp.checksum.status == "Bad"'
      t.equal(await count(capture.path, bad), 0)
      t.ok(await count(capture.path, `udp and ip.src == ${LEFT.ip}`) > 50)
    })
  })
}

t.test('both engines put the same bytes on the wire at the same times', async t => {
  const [first, ...others] = [...captures.values()]
  t.ok(first !== undefined && others.every(each => each.equals(first)))
})
