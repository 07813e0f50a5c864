// How fast a stream is between two of our stacks, by loss and delay, in virtual time: `node --import=tsx
// test/wire/tcp-loss.ts` writes docs/tcp-loss.md. The wire has no bandwidth of its own: what limits is TCP.

import { readFileSync, writeFileSync } from 'node:fs'
import { type Engine, engines } from '../engine.ts'
import { TcpPair } from './tcp-pair.ts'

const OCTETS = 1 << 19
/** As many octets as the test's card has records for segments: it grows no further. */
const RECEIVE_BUFFER = 131_072
const SEEDS = [1, 2, 3]
const LOSSES = [0, 0.001, 0.01, 0.05, 0.1, 0.2]
const ROUND_TRIPS = [2, 20, 100]
const FILE = 'docs/tcp-loss.md'
const MARK = '<!-- measured -->\n'

/** Megabits a second, the median over the seeds; `–` when not every stream arrived whole. */
function figure(engine: Engine, loss: number, roundTrip: number): string {
  const rates = SEEDS.map(seed => {
    const pair = new TcpPair(engine, { seed, harm: { drop: loss }, latency: roundTrip / 2, receiveBuffer: RECEIVE_BUFFER })
    const { verdict, milliseconds } = pair.transfer({ there: OCTETS, back: 0, seed, readAtOnce: 65_536 })
    return verdict === 'whole' ? OCTETS * 8 / 1000 / milliseconds : NaN
  }).sort((a, b) => a - b)
  return rates.some(Number.isNaN) ? '–' : rates[rates.length >> 1]!.toPrecision(3)
}

const [engine] = await engines('test/kernel/net.ts', ['native'])
const rows = LOSSES.map(loss => {
  const row = `| ${loss * 100} % | ${ROUND_TRIPS.map(roundTrip => figure(engine!, loss, roundTrip)).join(' | ')} |`
  process.stdout.write(`${row}\n`)
  return row
})
const table = [
  `| lost, each way | ${ROUND_TRIPS.map(each => `${each} ms`).join(' | ')} |`, `| --- | ${ROUND_TRIPS.map(() => '---').join(' | ')} |`, ...rows,
].join('\n')
const text = readFileSync(FILE, 'utf8')
writeFileSync(FILE, `${text.slice(0, text.indexOf(MARK) + MARK.length)}\n${table}\n`)
