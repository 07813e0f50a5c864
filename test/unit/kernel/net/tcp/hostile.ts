// Streams between two of our stacks over a hostile wire, by seed: every octet arrives or an error is told, nothing is
// stuck, nothing is kept. hostile.long.ts has thousands.
// Time limit: 300 s

import t from 'tap'
import { engines } from '../../../../engine.ts'
import { type HostilePlan, runPlan } from '../../../../wire/tcp-hostile.ts'

const seed = Number(process.env['SEED'] ?? 1)
const PLANS: HostilePlan[] = [
  { name: 'a wire that harms nobody', transfers: 6, harm: {}, latency: 5 },
  { name: '1 % lost', transfers: 6, harm: { drop: 0.01 }, latency: 20 },
  { name: '20 % lost, reordered, doubled, damaged', transfers: 8, latency: 5,
    harm: { drop: 0.2, reorder: 0.1, duplicate: 0.1, flip: 0.05, truncate: 0.02, append: 0.02, delay: 0.1, delayMilliseconds: 50 } },
  { name: 'everything reordered', transfers: 6, latency: 10, harm: { reorder: 0.5, delay: 0.5, delayMilliseconds: 40 } },
  { name: 'everything twice', transfers: 6, latency: 1, harm: { duplicate: 1 } },
]

for (const e of await engines('test/kernel/net.ts')) {
  t.test(e.kind, async t => {
    for (const plan of PLANS) {
      t.test(`${plan.name}: ${plan.transfers} streams`, async t => {
        const { verdicts, kept, wrong } = runPlan(e, plan, seed)
        t.comment(JSON.stringify(verdicts))
        t.same(wrong, [], `nothing is stuck or another than it was; SEED=${seed}`)
        t.same(kept, [], 'nothing is kept')
        t.ok((verdicts['whole'] ?? 0) >= plan.transfers * 0.75, 'most arrive')
      })
    }
  })
}
