// Thousands of streams between two of our stacks over a hostile wire, by seed; on the native engine, as hostile.ts has
// both. What fails is repeated by its seed.
// Time limit: 900 s

import t from 'tap'
import { engines } from '../../../../engine.ts'
import type { Harm } from '../../../../wire/hostile.ts'
import { type HostilePlan, runPlan } from '../../../../wire/tcp-hostile.ts'

const seed = Number(process.env['SEED'] ?? 1)
const STREAMS = Number(process.env['STREAMS'] ?? 3000)

const harms: [name: string, harm: Harm][] = [
  ['2 % lost', { drop: 0.02 }],
  ['10 % lost', { drop: 0.1 }],
  ['20 % lost', { drop: 0.2 }],
  ['20 % reordered', { reorder: 0.2, delay: 0.2, delayMilliseconds: 60 }],
  ['20 % doubled', { duplicate: 0.2 }],
  ['20 % damaged', { flip: 0.1, truncate: 0.05, append: 0.05 }],
  ['all of it', { drop: 0.1, reorder: 0.1, duplicate: 0.1, flip: 0.05, truncate: 0.03, append: 0.03, delay: 0.1, delayMilliseconds: 100 }],
]
const PLANS: HostilePlan[] = harms.flatMap(([name, harm], i) =>
  [1, 30].map(latency => ({ name: `${name}, ${latency} ms`, harm, latency, transfers: Math.ceil(STREAMS / 14), most: i % 2 === 0 ? 60_000 : 20_000 })))

for (const e of await engines('test/kernel/net.ts', ['native'])) {
  for (const plan of PLANS) {
    t.test(`${plan.name}: ${plan.transfers} streams`, async t => {
      const { verdicts, kept, wrong } = runPlan(e, plan, seed)
      t.comment(JSON.stringify(verdicts))
      t.same(wrong, [], `nothing is stuck or another than it was; SEED=${seed}`)
      t.same(kept, [], 'nothing is kept')
      t.ok((verdicts['whole'] ?? 0) >= plan.transfers * 0.9, 'nearly all arrive')
    })
  }
}
