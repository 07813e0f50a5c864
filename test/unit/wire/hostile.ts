// The hostile wire by itself: every harm happens as often as asked, and the same seed gives the same wire.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Bytes } from '../../wire/bytes.ts'
import { type Harm, type HostileOptions, HostileWire } from '../../wire/hostile.ts'
import { PcapWriter } from '../../wire/pcap.ts'

const FRAMES = 4000
/** Frame n of a test: its number, and a body that no truncation or bit makes into another's. */
const frame = (n: number): Bytes => Uint8Array.from({ length: 64 }, (_, i) => i < 2 ? n >>> 8 * i & 0xff : (n * 31 + i * 7) & 0xff)
const numberOf = (bytes: Bytes): number => bytes[0]! | bytes[1]! << 8

/** Offer frames a millisecond apart and take what comes out. */
function through(options: HostileOptions, count = FRAMES) {
  const wire = new HostileWire(options)
  const out = []
  for (let now = 0; now < count; now++) {
    wire.offer('there', frame(now), now)
    out.push(...wire.take(now))
  }
  out.push(...wire.take(Infinity))
  return { wire, out, frames: out.map(each => each.frame) }
}

const about = (expected: number) => [expected * 0.7, expected * 1.3] as const

t.test('without harm a wire is a wire', async t => {
  const { wire, out } = through({ seed: 1 }, 100)
  t.same(out.map(each => each.frame), Array.from({ length: 100 }, (_, n) => frame(n)))
  t.same(out.map(each => each.at), Array.from({ length: 100 }, (_, n) => n))
  t.match(wire.deeds('there'), { offered: 100, delivered: 100, dropped: 0, flipped: 0 })
})

t.test('drop', async t => {
  const { wire, frames } = through({ seed: 2, harm: { drop: 0.1 } })
  const [least, most] = about(FRAMES / 10)
  const lost = FRAMES - frames.length
  t.ok(lost > least && lost < most, `${lost} lost`)
  t.equal(wire.deeds('there').dropped, lost)
  t.same(frames.map(numberOf), frames.map(numberOf).sort((a, b) => a - b), 'the rest in order')
})

t.test('duplicate', async t => {
  const { wire, frames } = through({ seed: 3, harm: { duplicate: 0.1 } })
  t.equal(frames.length, FRAMES + wire.deeds('there').duplicated)
  t.ok(wire.deeds('there').duplicated > about(FRAMES / 10)[0])
})

t.test('reorder: a frame is overtaken by the next, and none is lost', async t => {
  const { wire, frames } = through({ seed: 4, harm: { reorder: 0.1 } })
  const numbers = frames.map(numberOf)
  t.same([...numbers].sort((a, b) => a - b), Array.from({ length: FRAMES }, (_, n) => n))
  const overtaken = numbers.filter((n, i) => i > 0 && n < numbers[i - 1]!)
  t.equal(overtaken.length, wire.deeds('there').reordered)
  t.ok(overtaken.length > about(FRAMES / 10)[0])
})

t.test('a frame that nothing overtakes arrives in the end', async t => {
  const wire = new HostileWire({ seed: 5, harm: { reorder: 1 } })
  wire.offer('there', frame(1), 0)
  t.same(wire.take(10), [])
  t.equal(wire.next(), 20)
  t.same(wire.take(20).map(each => each.frame), [frame(1)])
  t.equal(wire.next(), Infinity)
})

t.test('delay: late by at most what is asked', async t => {
  const { out, wire } = through({ seed: 6, latency: 5, harm: { delay: 0.2, delayMilliseconds: 8 } })
  const lateness = out.map(({ frame, at }) => at - numberOf(frame))
  t.equal(Math.min(...lateness), 5)
  t.equal(Math.max(...lateness), 13)
  t.equal(lateness.filter(late => late > 5).length, wire.deeds('there').delayed)
})

t.test('flip: one bit, sooner or later every one of the frame', async t => {
  const { frames } = through({ seed: 7, harm: { flip: 1 } })
  const bits = new Set<number>()
  for (const [n, got] of frames.entries()) {
    const wrong = Array.from(got, (byte, i) => byte ^ frame(n)[i]!)
    const places = wrong.flatMap((byte, i) => [0, 1, 2, 3, 4, 5, 6, 7].filter(bit => byte >> bit & 1).map(bit => i * 8 + bit))
    if (places.length !== 1) t.fail(`frame ${n}: ${places.length} bits changed`)
    bits.add(places[0]!)
  }
  t.equal(bits.size, 512)
})

t.test('truncate and append change the length, and nothing in what is left', async t => {
  const cut = through({ seed: 8, harm: { truncate: 1 } }, 1000).frames
  t.ok(cut.every((got, n) => got.length >= 1 && got.length < 64 && Buffer.compare(got, frame(n).subarray(0, got.length)) === 0))
  t.equal(new Set(cut.map(got => got.length)).size, 63, 'every length from 1 to 63')
  const long = through({ seed: 9, harm: { append: 1 } }, 1000).frames
  t.ok(long.every((got, n) => got.length > 64 && got.length <= 128 && Buffer.compare(got.subarray(0, 64), frame(n)) === 0))
  t.equal(new Set(long.map(got => got.length)).size, 64)
})

t.test('silence in one direction leaves the other alone', async t => {
  const wire = new HostileWire({ seed: 10 })
  wire.silence('there')
  wire.offer('there', frame(1), 0)
  wire.offer('back', frame(2), 0)
  t.same(wire.take(0).map(each => each.direction), ['back'])
  wire.silence('there', false)
  wire.offer('there', frame(3), 1)
  t.same(wire.take(1).map(each => numberOf(each.frame)), [3])
  t.equal(wire.deeds('there').silenced, 1)
})

const everything: Harm = { drop: 0.1, reorder: 0.1, duplicate: 0.1, delay: 0.3, flip: 0.1, truncate: 0.05, append: 0.1 }

t.test('same seed, same capture, byte for byte; another seed, another', async t => {
  const captured = (seed: number, back: boolean): Buffer => {
    const capture = new PcapWriter(join(t.testdir(), `${seed}-${back}.pcap`))
    const wire = new HostileWire({ seed, harm: everything, capture })
    for (let now = 0; now < 500; now++) {
      wire.offer('there', frame(now), now)
      if (back) wire.offer('back', frame(now), now)
      wire.take(now)
    }
    capture.close()
    return readFileSync(capture.path)
  }
  t.ok(captured(11, true).equals(captured(11, true)))
  t.notOk(captured(11, true).equals(captured(12, true)))
})

t.test('traffic one way does not change fates the other way', async t => {
  const there = (noisy: boolean) => {
    const wire = new HostileWire({ seed: 13, harm: everything })
    const out = []
    for (let now = 0; now < 500; now++) {
      if (noisy) wire.offer('back', frame(now), now)
      wire.offer('there', frame(now), now)
      out.push(...wire.take(now).filter(each => each.direction === 'there'))
    }
    return out
  }
  t.same(there(true), there(false))
})
