// Segments that come before their turn: what is kept of them, what is told of it and when, and how much of it there may be.
// RFC 9293 §3.10.7.4, the seventh step; RFC 2018 §4; RFC 2883 §4; RFC 5681 §4.2.
// Time limit: 180 s

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { OPEN_SACK, scripted } from '../../../../wire/tcp-scripts.ts'

/** SACK blocks in a segment without other options. */
const BLOCKS = 4
const ISLANDS_EACH = 256 // TCP_ISLANDS_EACH

interface Range { from: number, to: number }

const inject = ({ from, to }: Range): string => `< . ${from}:${to}(${to - from}) ack 1`
const blocks = (ranges: Range[]): string => ranges.map(({ from, to }) => `${from}:${to}`).join(' ')

/** The islands of octets of a stream whose first octet, 1, is missing; and what is to be said of each segment that comes. */
class Model {
  islands: Range[] = []

  /** A segment comes: the acknowledgment it must have. */
  take({ from, to }: Range): string {
    const known = this.islands.some(each => each.from <= from && to <= each.to)
    const touched = this.islands.filter(each => each.from <= to && from <= each.to)
    const island = { from: Math.min(from, ...touched.map(each => each.from)), to: Math.max(to, ...touched.map(each => each.to)) }
    this.islands = [...this.islands.filter(each => !touched.includes(each)), island].sort((a, b) => a.from - b.from)
    const told = [...(known ? [{ from, to }] : []), island, ...this.islands.filter(each => each !== island)].slice(0, BLOCKS)
    return `> . 1:1(0) ack 1 <sack ${blocks(told)}>`
  }
}

/** A generator of numbers below `limit`, the same for the same seed: xorshift32. */
function seeded(seed: number): (limit: number) => number {
  let state = seed
  return limit => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % limit
  }
}

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    for (let seed = 1; seed <= 8; seed++) {
      const random = seeded(seed * 7919)
      const model = new Model()
      const lines: string[] = []
      const last = 20_000
      for (let i = 0; i < 150; i++) {
        const from = 2 + random(last - 2)
        const segment = { from, to: Math.min(last, from + 1 + random(seed % 2 === 0 ? 1460 : 300)) }
        lines.push(inject(segment), model.take(segment))
      }
      for (let from = 1; from < last; from += 1000) lines.push(inject({ from, to: Math.min(last, from + 1000) }), '> *')
      scripted(t, e, `150 segments at random, of which some are there already, seed ${seed}: every block told, every octet right`,
        `${OPEN_SACK}\n${lines.join('\n')}`, { more: run => {
          run.tidy('+0.5 > *')
          run.run(`receive ${last} = ${last - 1}`)
        } })
    }

    scripted(t, e, 'RFC 5681 §4.2, RFC 2018 §4: three of those that follow one another are acknowledged at once, the rest at the end of the round', `
      ${OPEN_SACK}
      begin
      < . 1461:2921(1460) ack 1
      > . 1:1(0) ack 1 <sack 1461:2921>
      < . 2921:4381(1460) ack 1
      > . 1:1(0) ack 1 <sack 1461:4381>
      < . 4381:5841(1460) ack 1
      > . 1:1(0) ack 1 <sack 1461:5841>
      < . 5841:7301(1460) ack 1
      < . 7301:8761(1460) ack 1
      < . 8761:10221(1460) ack 1
      end
      > . 1:1(0) ack 1 <sack 1461:10221>
      begin
      < . 10221:11681(1460) ack 1
      < . 13141:14601(1460) ack 1
      > . 1:1(0) ack 1 <sack 13141:14601 1461:11681>
      < . 13141:14601(1460) ack 1
      > . 1:1(0) ack 1 <sack 13141:14601 13141:14601 1461:11681>
      end
      < . 1:1461(1460) ack 1
      > . 1:1(0) ack 11681 <sack 13141:14601>
      < . 14601:16061(1460) ack 1
      > . 1:1(0) ack 11681 <sack 13141:16061>
    `, {})

    const island = (n: number): Range => ({ from: 11 + 20 * n, to: 21 + 20 * n })
    scripted(t, e, `${ISLANDS_EACH} islands and no more; what fills a gap is always taken`, `
      ${OPEN_SACK}
      ${Array.from({ length: ISLANDS_EACH }, (_, n) => `${inject(island(n))}\n> *`).join('\n')}
    `, { more: run => {
      run.tidy('+0.1 > *')
      const others = blocks([0, 1, 2].map(island))
      run.run(`
        ${inject(island(ISLANDS_EACH))}
        > . 1:1(0) ack 1 <sack ${others} ${blocks([island(3)])}>
        < . 1:11(10) ack 1
        > . 1:1(0) ack 21 <sack ${blocks([1, 2, 3, 4].map(island))}>
        ${inject(island(ISLANDS_EACH))}
        > . 1:1(0) ack 21 <sack ${blocks([island(ISLANDS_EACH), ...[1, 2, 3].map(island)])}>
        ${Array.from({ length: ISLANDS_EACH - 1 }, (_, n) => `${inject({ from: 21 + 20 * n, to: 31 + 20 * n })}\n> *`).join('\n')}
      `)
      run.tidy('+0.1 > *')
      run.run(`
        ${inject({ from: 1, to: 11 })}
        > . 1:1(0) ack ${1 + 20 * ISLANDS_EACH} <sack 1:11 ${blocks([island(ISLANDS_EACH)])}>
        receive 10000 = ${20 * ISLANDS_EACH}
      `)
    } })
  })
}
