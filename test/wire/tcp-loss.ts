// How fast a stream is between two of our stacks, by loss and delay, in virtual time: `node --import=tsx
// test/wire/tcp-loss.ts` writes the tables of docs/tcp-loss.md. The wire has no bandwidth of its own: what limits is TCP.

import { readFileSync, writeFileSync } from 'node:fs'
import { type Engine, engines } from '../engine.ts'
import { TcpPair } from './tcp-pair.ts'

const FILE = 'docs/tcp-loss.md'
const MARK = '<!-- measured -->\n'
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8, 9]
const OCTETS = 1 << 19
/** As many octets as the test's card has records for segments: it grows no further. */
const RECEIVE_BUFFER = 131_072
const LOSSES = [0, 0.001, 0.01, 0.05, 0.1, 0.2]
const ROUND_TRIPS = [2, 20, 100]
/** Of data in a segment with timestamps; and C of Mathis and others (1997), table 1, where each segment is acknowledged. */
const SEGMENT = 1448
const MATHIS_C = Math.sqrt(3 / 2)

/** smoltcp's own simulation at 5393f885, tests/snapshots/netsim__netsim.snap: 32,768 octets of buffer, 100 ms, octets a second. */
const SMOLTCP: [loss: number, rate: number][] =
  [[0, 322_945], [0.001, 314_780], [0.01, 219_671], [0.02, 166_588], [0.05, 76_626], [0.1, 37_775], [0.2, 6079], [0.3, 1156]]
const SMOLTCP_BUFFER = 32_768
/** As many as there, and what is the same: the time ends when the last one has been read, and nobody gives a connection up. */
const SMOLTCP_OCTETS = 10 << 20
const SMOLTCP_SEEDS = [1, 2, 3, 4, 5]
const NEVER = 86_400_000
/** CUBIC, and what its user has to ask for: by the numbers of the socket option. */
const CONTROLS = [0, 2]

/** A stream: when all of it had arrived and when both users knew, milliseconds; NaN when it did not arrive whole. */
function stream(engine: Engine, seed: number, loss: number, roundTrip: number, octets: number, options: object): [arrived: number, known: number] {
  const pair = new TcpPair(engine, { seed, harm: { drop: loss }, latency: roundTrip / 2, ...options })
  const { verdict, arrived, milliseconds } = pair.transfer({ there: octets, back: 0, seed, readAtOnce: 65_536, prompt: true, patience: NEVER })
  return verdict === 'whole' ? [arrived, milliseconds] : [NaN, NaN]
}

/** The median; NaN when not every stream arrived whole. */
function median(values: number[]): number {
  return values.some(Number.isNaN) ? NaN : values.sort((a, b) => a - b)[values.length >> 1]!
}

/** Octets a second until both users know that all has arrived, into a buffer that lets go what the path takes. */
function rate(engine: Engine, loss: number, roundTrip: number): number {
  return OCTETS * 1000 / median(SEEDS.map(seed => stream(engine, seed, loss, roundTrip, OCTETS, { receiveBuffer: RECEIVE_BUFFER })[1]))
}

/** Octets a second as smoltcp's simulation counts them. */
function rateThere(engine: Engine, loss: number, congestionControl: number): number {
  const options = { receiveBuffer: SMOLTCP_BUFFER, sendBuffer: SMOLTCP_BUFFER, userTimeout: NEVER, congestionControl }
  return SMOLTCP_OCTETS * 1000 / median(SMOLTCP_SEEDS.map(seed => stream(engine, seed, loss, 100, SMOLTCP_OCTETS, options)[0]))
}

const text = (value: number): string => Number.isNaN(value) ? '–' : value.toPrecision(3)
const megabits = (octets: number): number => octets * 8 / 1e6
const percent = (loss: number): string => `${Number((loss * 100).toPrecision(3))} %`

function table(head: string[], rows: string[][]): string {
  return [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n')
}

const [engine] = await engines('test/kernel/net.ts', ['native'])
const rows = LOSSES.map(loss => {
  const row = ROUND_TRIPS.map(roundTrip => megabits(rate(engine!, loss, roundTrip)))
  process.stdout.write(`${percent(loss)} ${row.map(text).join(' ')}\n`)
  const formula = ROUND_TRIPS.map(roundTrip => megabits(SEGMENT / (roundTrip / 1000) * MATHIS_C / Math.sqrt(loss)))
  return [percent(loss), ...row.map((each, i) => loss === 0 ? text(each) : `${text(each)} (${text(each / formula[i]!)})`)]
})
const beside = SMOLTCP.map(([loss, theirs]) => {
  const ours = CONTROLS.map(control => rateThere(engine!, loss, control))
  process.stdout.write(`${percent(loss)} ${ours.map(each => text(each / 1000)).join(' ')} ${text(theirs / 1000)}\n`)
  return [percent(loss), text(theirs / 1000), ...ours.map(each => `${text(each / 1000)} (${text(each / theirs)}×)`)]
})
const parts = readFileSync(FILE, 'utf8').split(MARK)
const tables = [
  table(['lost, each way', ...ROUND_TRIPS.map(each => `${each} ms`)], rows),
  table(['lost, each way', 'smoltcp', 'CUBIC', 'Westwood+'], beside),
]
const written = parts.map((part, i) => i === 0 ? part : `${MARK}\n${tables[i - 1]}\n${part.replace(/^\n*(?:\|.*\n)*/, '')}`).join('')
writeFileSync(FILE, written)
