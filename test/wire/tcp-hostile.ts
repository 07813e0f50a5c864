// Many streams over a hostile wire: what each plan of them comes to.

import type { Engine } from '../engine-instance.ts'
import { randomFrom } from './garbage.ts'
import type { Harm } from './hostile.ts'
import { TcpPair } from './tcp-pair.ts'

export interface HostilePlan { name: string, transfers: number, harm: Harm, latency: number, most?: number }

/** Streams over one pair of stacks: connections that are left behind meet the next ones. */
const TOGETHER = 20
const MOST_OCTETS = 60_000

export interface PlanResult {
  verdicts: Record<string, number>
  /** What was stuck or corrupt, with the seed that repeats it. */
  wrong: string[]
  kept: string[]
}

/** Run a plan; every size and every fate follows from `seed`. */
export function runPlan(engine: Engine, plan: HostilePlan, seed: number): PlanResult {
  const result: PlanResult = { verdicts: {}, wrong: [], kept: [] }
  for (let done = 0; done < plan.transfers; done += TOGETHER) {
    const ours = seed + done * 1000
    const random = randomFrom(ours)
    const pair = new TcpPair(engine, { seed: ours, harm: plan.harm, latency: plan.latency })
    for (let i = done; i < Math.min(done + TOGETHER, plan.transfers); i++) {
      const most = plan.most ?? MOST_OCTETS
      const [there, back] = [[random(most), 0], [0, random(most)], [random(most), random(most)], [random(300), random(300)]][random(4)]!
      const { verdict, why } = pair.transfer({ there: there!, back: back!, seed: ours + i, readAtOnce: [1 << 14, 3000, 100][random(3)]! })
      result.verdicts[verdict] = (result.verdicts[verdict] ?? 0) + 1
      if (verdict === 'stuck' || verdict === 'corrupt') result.wrong.push(`${plan.name}, seed ${ours}, stream ${i - done}: ${verdict}: ${why}`)
      if (verdict === 'stuck') break
    }
    const kept = pair.kept()
    result.kept.push(...kept.map(what => `${plan.name}, seed ${ours}: ${what}`))
  }
  return result
}
